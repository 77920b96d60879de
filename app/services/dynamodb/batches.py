"""BatchGetItem and BatchWriteItem.

Source: Amazon DynamoDB API Reference, BatchGetItem and BatchWriteItem.
"""

from __future__ import annotations

from typing import Any

from app.services import Call, Outcome, State, answer, command, query
from app.services.dynamodb import legacy
from app.services.dynamodb.attribute_values import check_item
from app.services.dynamodb.capacity import Consumed, item_collections, read_units
from app.services.dynamodb.expressions import Tree, project
from app.services.dynamodb.items import old_image
from app.services.dynamodb.lookup import check_item_keys, check_key, check_size, checked_key, table_of
from app.services.dynamodb.planning import plan, planned, projection, references
from app.services.dynamodb.refusals import invalid, invalid_values
from projections.dynamodb import Attributes, Item, ItemDeleted, ItemPut, items, keys

MAX_GETS = 100
MAX_WRITES = 25
MAX_ANSWER = 16 * 1024 * 1024
DUPLICATES = "Provided list of item keys contains duplicates"


@query("dynamodb", "BatchGetItem")
def batch_get_item(call: Call, state: State) -> Outcome:
    """Return items of one or more tables by their keys; what is past 16 MB is answered as unprocessed.

    Errors: ResourceNotFoundException, ValidationException (400).
    """
    requests: dict[str, dict[str, Any]] = call.params["RequestItems"]
    mode = call.params.get("ReturnConsumedCapacity")
    if not requests:
        raise invalid_values("The batch get request list for a table cannot be null or empty")
    if sum(len(request["Keys"]) for request in requests.values()) > MAX_GETS:
        raise invalid("Too many items requested for the BatchGetItem call")
    wanted = {name: _wanted(request) for name, request in requests.items()}
    responses: dict[str, list[Attributes]] = {}
    unprocessed: dict[str, dict[str, Any]] = {}
    consumed: list[dict[str, Any]] = []
    room = MAX_ANSWER
    for name, request in requests.items():
        shape = table_of(call, state, name).shape
        used = Consumed(shape)
        found = responses.setdefault(name, [])
        rest: list[Attributes] = []
        seen = set()
        places = []
        for given in request["Keys"]:
            key = checked_key(given)
            check_key(shape, key)
            place = keys.item_place(shape.hash, shape.range, key)
            if place in seen:
                raise invalid(DUPLICATES)
            seen.add(place)
            places.append(place)
        for given, place in zip(request["Keys"], places, strict=True):
            if room <= 0:
                rest.append(given)
                continue
            row = state[items].get(shape.number, *place)
            size = row.size if row else 0
            if size > room:
                room = 0
                rest.append(given)
                continue
            room -= size
            used.table += read_units(size, bool(request.get("ConsistentRead")))
            if row is not None:
                tree = wanted[name]
                found.append(row.item if tree is None else project(row.item, tree))
        if rest:
            unprocessed[name] = {**request, "Keys": rest}
        told = used.answer(mode)
        if told is not None:
            consumed.append(told)
    return answer(Responses=responses, UnprocessedKeys=unprocessed, ConsumedCapacity=consumed or None)


def _wanted(request: dict[str, Any]) -> Tree | None:
    if not request["Keys"]:
        raise invalid_values("The list of keys in RequestItems for BatchGetItem is required")
    legacy.not_both(request, ("AttributesToGet",), ("ProjectionExpression",))
    found = references(request, "ProjectionExpression")
    wanted = projection(request, found)
    found.finish()
    return wanted


_Put = tuple[Attributes, int]  # item and size; a key and -1 for a deletion


def plan_batch_write(params: dict[str, Any]) -> dict[str, list[_Put]]:
    """Check what a BatchWriteItem says for itself."""
    requests = params["RequestItems"]
    if not requests or not all(requests.values()):
        raise invalid_values("The batch write request list for a table cannot be null or empty")
    if sum(map(len, requests.values())) > MAX_WRITES:
        raise invalid(f"Too many items requested for the BatchWriteItem call; the limit is {MAX_WRITES}")
    planned_writes: dict[str, list[_Put]] = {}
    for name, writes in requests.items():
        made = planned_writes[name] = []
        for write in writes:
            put, delete = write.get("PutRequest"), write.get("DeleteRequest")
            if (put is None) == (delete is None):
                raise invalid(
                    "Supplied WriteRequest is empty, must contain exactly one of PutRequest or DeleteRequest"
                    if put is None
                    else "Supplied WriteRequest has more than one operation set, must contain exactly one of "
                    "PutRequest or DeleteRequest"
                )
            if put is not None:
                item, size = check_item(put["Item"])
                check_size(size)
                made.append((item, size))
            else:
                made.append((checked_key(delete["Key"]), -1))
    return planned_writes


planned("BatchWriteItem", plan_batch_write)


@command("dynamodb", "BatchWriteItem")
def batch_write_item(call: Call, state: State) -> Outcome:
    """Put and delete items of one or more tables; all of them, or none where one is invalid.

    Errors: ResourceNotFoundException, ValidationException (400).
    """
    mode = call.params.get("ReturnConsumedCapacity")
    outcome = Outcome()
    consumed: list[dict[str, Any]] = []
    collections: dict[str, list[dict[str, Any]]] = {}
    for name, writes in plan(call, plan_batch_write).items():
        table = table_of(call, state, name)
        shape = table.shape
        used = Consumed(shape)
        seen = set()
        for item, size in writes:
            if size < 0:
                check_key(shape, item)
            else:
                check_item_keys(shape, item)
            place = keys.item_place(shape.hash, shape.range, item)
            if place in seen:
                raise invalid(DUPLICATES)
            seen.add(place)
            old = None
            if size < 0 or mode is not None or shape.view is not None:
                old = state[items].get(shape.number, *place)
            if mode is not None:
                used.write(old, Item(item, size) if size >= 0 else None)
            if size >= 0:
                table.add(outcome, ItemPut(shape.name, item, size, old_image(shape, old)))
            elif old is not None:
                table.add(outcome, ItemDeleted(shape.name, item, old_image(shape, old)))
            metrics = item_collections(shape, call.params.get("ReturnItemCollectionMetrics"), item)
            if metrics is not None:
                collections.setdefault(name, []).append(metrics)
        told = used.answer(mode)
        if told is not None:
            consumed.append(told)
    return outcome.answer(
        UnprocessedItems={}, ConsumedCapacity=consumed or None, ItemCollectionMetrics=collections or None
    )
