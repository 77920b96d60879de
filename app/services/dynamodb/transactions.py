"""TransactWriteItems and TransactGetItems.

Source: Amazon DynamoDB API Reference, TransactWriteItems and TransactGetItems; Developer Guide, "Amazon DynamoDB
Transactions: How it works".
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import msgspec

from app.services import AwsError, Call, Outcome, State, answer, command, query
from app.services.dynamodb.capacity import Consumed, item_collections, read_units
from app.services.dynamodb.expressions import Tree, project
from app.services.dynamodb.items import (
    Write,
    add_update,
    check_not_key,
    old_image,
    plan_delete,
    plan_put,
    plan_update,
    updated,
)
from app.services.dynamodb.lookup import Located, check_item_keys, check_key, checked_key, table_of
from app.services.dynamodb.planning import plan, planned, projection, references
from app.services.dynamodb.refusals import condition_failed, invalid, invalid_values
from projections.dynamodb import (
    REMEMBERED,
    Attributes,
    Item,
    ItemDeleted,
    ItemPut,
    TransactionCommitted,
    item_size,
    items,
    keys,
    tokens,
)

MAX_ACTIONS = 100
MAX_BYTES = 4 * 1024 * 1024
FACTOR = 2  # a transaction prepares, then commits
ACTIONS = ("ConditionCheck", "Put", "Delete", "Update")
SEVERAL = "Transaction request cannot include multiple operations on one item"

_encode = msgspec.msgpack.Encoder(order="deterministic").encode


class _Action:
    """One action of a transaction."""

    __slots__ = ("error", "kind", "table", "write")

    def __init__(self, kind: str, params: dict[str, Any]) -> None:
        self.kind = kind
        self.table: str = params["TableName"]
        self.error: AwsError | None = None
        self.write: Write
        if kind == "Put":
            self.write = plan_put(params)
        elif kind == "Update":
            self.write = plan_update(params)
        else:
            self.write = plan_delete(params)


def _actions(params: dict[str, Any]) -> list[_Action]:
    """Check what a TransactWriteItems says for itself."""
    given = params["TransactItems"]
    if not given or len(given) > MAX_ACTIONS:
        raise invalid(f"Member must have length less than or equal to {MAX_ACTIONS}: transactItems")
    actions = []
    for entry in given:
        kinds = [kind for kind in ACTIONS if entry.get(kind) is not None]
        if len(kinds) != 1:
            raise invalid("TransactItems can only contain one of Check, Put, Update or Delete")
        kind = kinds[0]
        if kind == "ConditionCheck" and entry[kind].get("ConditionExpression") is None:
            raise invalid("ConditionExpression is required for ConditionCheck")
        actions.append(_Action(kind, entry[kind]))
    if sum(action.write.size or item_size(action.write.key) for action in actions) > MAX_BYTES:
        raise invalid("Transaction payload size cannot exceed 4 MB")
    return actions


planned("TransactWriteItems", _actions)


def _digest(params: dict[str, Any]) -> str:
    """Return what two requests with one token must have in common."""
    relevant = {name: value for name, value in params.items() if name != "ReturnConsumedCapacity"}
    return blake2b(_encode(relevant), digest_size=16).hexdigest()


def cancelled(reasons: list[AwsError | None]) -> AwsError:
    """Return TransactionCanceledException with a reason for each action."""
    codes = ["None" if error is None else _CODES.get(error.code, error.code) for error in reasons]
    details = []
    for code, error in zip(codes, reasons, strict=True):
        detail: dict[str, Any] = {"Code": code}
        if error is not None:
            detail["Message"] = error.message
            if "Item" in error.fields:
                detail["Item"] = error.fields["Item"]
        details.append(detail)
    return AwsError(
        "TransactionCanceledException",
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{', '.join(codes)}]",
        CancellationReasons=details,
    )


_CODES = {"ConditionalCheckFailedException": "ConditionalCheckFailed", "ValidationException": "ValidationError"}


@command("dynamodb", "TransactWriteItems")
def transact_write_items(call: Call, state: State) -> Outcome:
    """Do up to a hundred writes and checks, all or none.

    Errors: TransactionCanceledException, IdempotentParameterMismatchException, ResourceNotFoundException,
    ValidationException (400).
    """
    params = call.params
    actions = plan(call, _actions)
    token = params.get("ClientRequestToken")
    digest = _digest(params) if token is not None else ""
    tables = [table_of(call, state, action.table) for action in actions]
    places = _places(actions, tables)
    if token is not None:
        known = state[tokens].get(call.account, call.region, token)
        if known is not None and call.now - known.time < REMEMBERED:
            return _again(params, known.digest == digest, actions, tables, places, state)
    reasons: list[AwsError | None] = []
    changes: list[tuple[Item | None, Item | None]] = []
    for action, table, place in zip(actions, tables, places, strict=True):
        old = state[items].get(table.shape.number, *place)
        try:
            changes.append((old, _decide(action, table, old)))
            reasons.append(None)
        except AwsError as error:
            changes.append((old, None))
            reasons.append(error)
    if any(reasons):
        raise cancelled(reasons)
    outcome = Outcome()
    for action, table, (old, new) in zip(actions, tables, changes, strict=True):
        _add(outcome, action, table, old, new)
    if token is not None:
        tables[0].add(outcome, TransactionCommitted(token, digest))
        outcome.events[-1] = (*outcome.events[-1][:2], call.account, call.region)
    return outcome.answer(
        ConsumedCapacity=_consumed(params, actions, tables, changes),
        ItemCollectionMetrics=_collections(params, actions, tables),
    )


def _places(actions: list[_Action], tables: list[Located]) -> list[tuple[bytes, ...]]:
    """Return where each action's item lies; check keys. Refuses two actions on one item."""
    places: list[tuple[bytes, ...]] = []
    seen = set()
    for action, table in zip(actions, tables, strict=True):
        shape, write = table.shape, action.write
        try:
            if action.kind == "Put":
                check_item_keys(shape, write.item)
            else:
                check_key(shape, write.key)
                check_not_key(shape, write.update)
        except AwsError as error:  # the first of these cancels the transaction before any condition is looked at
            at = len(places)
            raise cancelled([error if other == at else None for other in range(len(actions))]) from None
        place = keys.item_place(shape.hash, shape.range, write.item if action.kind == "Put" else write.key)
        if (shape.number, place) in seen:
            raise invalid(SEVERAL)
        seen.add((shape.number, place))
        places.append(place)
    return places


def _decide(action: _Action, table: Located, old: Item | None) -> Item | None:
    """Return the item after an action; raise what cancels the transaction."""
    write = action.write
    if write.test is not None and not write.test(old.item if old else {}):
        raise condition_failed(old.item if old and write.on_failure else None)
    if action.kind == "Put":
        return Item(write.item, write.size)
    if action.kind == "Update":
        return updated(write, table.shape, old)
    return None if action.kind == "Delete" else old


def _add(outcome: Outcome, action: _Action, table: Located, old: Item | None, new: Item | None) -> None:
    shape = table.shape
    if action.kind == "Put" and new is not None:
        table.add(outcome, ItemPut(shape.name, new.item, new.size, old_image(shape, old)))
    elif action.kind == "Update":
        add_update(outcome, table, old, new)
    elif action.kind == "Delete" and old is not None:
        table.add(outcome, ItemDeleted(shape.name, action.write.key, old_image(shape, old)))


def _again(
    params: dict[str, Any], same: bool, actions: list[_Action], tables: list[Located],
    places: list[tuple[bytes, ...]], state: State,
) -> Outcome:  # fmt: skip
    """Answer a request whose token was used within ten minutes: success without doing it again, for reads' price."""
    if not same:
        raise AwsError(
            "IdempotentParameterMismatchException",
            "Request rejected because it was retried with the same client token but with a different payload",
        )
    mode = params.get("ReturnConsumedCapacity")
    by_table: dict[str, Consumed] = {}
    for table, place in zip(tables, places, strict=True):
        row = state[items].get(table.shape.number, *place)
        used = by_table.setdefault(table.shape.arn, Consumed(table.shape))
        used.table += read_units(row.size if row else 0, True, FACTOR)
    told = [used.answer(mode, "Read") for used in by_table.values()]
    return answer(
        ConsumedCapacity=[each for each in told if each is not None] or None,
        ItemCollectionMetrics=_collections(params, actions, tables),
    )


def _consumed(
    params: dict[str, Any], actions: list[_Action], tables: list[Located],
    changes: list[tuple[Item | None, Item | None]],
) -> list[dict[str, Any]] | None:  # fmt: skip
    mode = params.get("ReturnConsumedCapacity")
    if mode is None or mode == "NONE":
        return None
    by_table: dict[str, Consumed] = {}
    for action, table, (old, new) in zip(actions, tables, changes, strict=True):
        used = by_table.setdefault(table.shape.arn, Consumed(table.shape))
        used.write(old, old if action.kind == "ConditionCheck" else new, FACTOR)
    told = [used.answer(mode, "Write") for used in by_table.values()]
    return [each for each in told if each is not None]


def _collections(
    params: dict[str, Any], actions: list[_Action], tables: list[Located]
) -> dict[str, list[dict[str, Any]]] | None:
    found: dict[str, list[dict[str, Any]]] = {}
    for action, table in zip(actions, tables, strict=True):
        key = action.write.item or action.write.key
        metrics = item_collections(table.shape, params.get("ReturnItemCollectionMetrics"), key)
        if metrics is not None:
            found.setdefault(action.table, []).append(metrics)
    return found or None


@query("dynamodb", "TransactGetItems")
def transact_get_items(call: Call, state: State) -> Outcome:
    """Return up to a hundred items as they were at one moment.

    Errors: ResourceNotFoundException, TransactionCanceledException, ValidationException (400).
    """
    given = call.params["TransactItems"]
    if not given or len(given) > MAX_ACTIONS:
        raise invalid(f"Member must have length less than or equal to {MAX_ACTIONS}: transactItems")
    mode = call.params.get("ReturnConsumedCapacity")
    asked: list[tuple[dict[str, Any], Tree | None]] = []
    for entry in given:
        get = entry["Get"]
        found = references(get, "ProjectionExpression")
        asked.append((get, projection(get, found)))
        found.finish()
    responses: list[dict[str, Any]] = []
    by_table: dict[str, Consumed] = {}
    seen: set[Any] = set()
    size = 0
    for get, wanted in asked:
        shape = table_of(call, state, get["TableName"]).shape
        key: Attributes = checked_key(get["Key"])
        check_key(shape, key)
        place = keys.item_place(shape.hash, shape.range, key)
        if (shape.number, place) in seen:
            raise invalid(SEVERAL)
        seen.add((shape.number, place))
        row = state[items].get(shape.number, *place)
        used = by_table.setdefault(shape.arn, Consumed(shape))
        used.table += read_units(row.size if row else 0, True, FACTOR)
        size += row.size if row else 0
        if row is None:
            responses.append({})
        else:
            responses.append({"Item": row.item if wanted is None else project(row.item, wanted)})
    if size > MAX_BYTES:
        raise invalid_values("Aggregate size of the items in the transaction cannot exceed 4 MB")
    told = [used.answer(mode, "Read") for used in by_table.values()]
    return answer(Responses=responses, ConsumedCapacity=[each for each in told if each is not None] or None)
