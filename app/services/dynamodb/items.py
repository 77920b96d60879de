"""PutItem, GetItem, UpdateItem, DeleteItem."""

from __future__ import annotations

from typing import Any

from app.services import Call, Outcome, State, answer, command, query
from app.services.dynamodb import legacy
from app.services.dynamodb.attribute_values import check_item, check_value
from app.services.dynamodb.capacity import Consumed, item_collections, read_units
from app.services.dynamodb.expressions import CompiledUpdate, Test, compile_update, parse_update, project
from app.services.dynamodb.lookup import (
    Located,
    check_index_keys,
    check_item_keys,
    check_key,
    check_size,
    checked_key,
    table_of,
)
from app.services.dynamodb.planning import condition, plan, planned, projection, references
from app.services.dynamodb.refusals import condition_failed, invalid, invalid_values
from projections.dynamodb import (
    Attributes,
    Item,
    ItemDeleted,
    ItemPut,
    ItemUpdated,
    TableShape,
    item_size,
    items,
    keys,
)

_LEGACY_CONDITION = ("Expected", "ConditionalOperator")


class Write:
    """What a write is to do, worked out from its parameters alone."""

    __slots__ = ("capacity", "collections", "item", "key", "on_failure", "returns", "size", "test", "update")

    def __init__(self, params: dict[str, Any]) -> None:
        self.returns: str = params.get("ReturnValues") or "NONE"
        self.on_failure: bool = params.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        self.capacity: str | None = params.get("ReturnConsumedCapacity")
        self.collections: str | None = params.get("ReturnItemCollectionMetrics")
        self.test: Test | None = None
        self.key: Attributes = {}
        self.item: Attributes = {}
        self.size = 0
        self.update: CompiledUpdate | None = None

    def check(self, old: Item | None) -> None:
        """Refuse the write where its condition does not hold."""
        if self.test is not None and not self.test(old.item if old else {}):
            raise condition_failed(old.item if old and self.on_failure else None)


def _test(params: dict[str, Any], found: Any) -> Test | None:
    if params.get("Expected") is not None or params.get("ConditionalOperator") is not None:
        return legacy.expected(params)
    return condition(params, found)


def _only_all_old(write: Write) -> None:
    if write.returns not in ("NONE", "ALL_OLD"):
        raise invalid("ReturnValues can only be ALL_OLD or NONE")


def plan_put(params: dict[str, Any]) -> Write:
    """Check what a PutItem says for itself."""
    write = Write(params)
    _only_all_old(write)
    legacy.not_both(params, _LEGACY_CONDITION, ("ConditionExpression",))
    found = references(params, "ConditionExpression")
    write.item, write.size = check_item(params["Item"])
    write.test = _test(params, found)
    found.finish()
    check_size(write.size)
    return write


planned("PutItem", plan_put)


@command("dynamodb", "PutItem")
def put_item(call: Call, state: State) -> Outcome:
    """Store an item whole, in place of any other with its key.

    Errors: ConditionalCheckFailedException, ResourceNotFoundException, ValidationException (400).
    Source: Amazon DynamoDB API Reference, PutItem.
    """
    write = plan(call, plan_put)
    table = table_of(call, state, call.params["TableName"])
    shape = table.shape
    check_item_keys(shape, write.item)
    if write.test is None and write.capacity is None and write.returns == "NONE" and shape.view is None:
        return table.add(
            answer(ItemCollectionMetrics=item_collections(shape, write.collections, write.item)),
            ItemPut(shape.name, write.item, write.size),
        )
    old = state[items].get(shape.number, *keys.item_place(shape.hash, shape.range, write.item))
    write.check(old)
    new = Item(write.item, write.size)
    outcome = answer(
        Attributes=old.item if old and write.returns == "ALL_OLD" else None,
        ConsumedCapacity=consumed(write, shape, old, new),
        ItemCollectionMetrics=item_collections(shape, write.collections, write.item),
    )
    return table.add(outcome, ItemPut(shape.name, write.item, write.size, old_image(shape, old)))


def old_image(shape: TableShape, old: Item | None) -> Attributes | None:
    """Return what an event carries of the old item: all of it where a stream will tell of the change."""
    return old.item if old and shape.view is not None else None


def consumed(write: Write, shape: TableShape, old: Item | None, new: Item | None) -> dict[str, Any] | None:
    """Return ConsumedCapacity of one write."""
    if write.capacity is None or write.capacity == "NONE":
        return None
    used = Consumed(shape)
    used.write(old, new)
    return used.answer(write.capacity)


def plan_delete(params: dict[str, Any]) -> Write:
    """Check what a DeleteItem says for itself."""
    write = Write(params)
    _only_all_old(write)
    legacy.not_both(params, _LEGACY_CONDITION, ("ConditionExpression",))
    found = references(params, "ConditionExpression")
    write.key = checked_key(params["Key"])
    write.test = _test(params, found)
    found.finish()
    return write


planned("DeleteItem", plan_delete)


@command("dynamodb", "DeleteItem")
def delete_item(call: Call, state: State) -> Outcome:
    """Delete an item; succeed where there is none.

    Errors: ConditionalCheckFailedException, ResourceNotFoundException, ValidationException (400).
    Source: Amazon DynamoDB API Reference, DeleteItem.
    """
    write = plan(call, plan_delete)
    table = table_of(call, state, call.params["TableName"])
    shape = table.shape
    check_key(shape, write.key)
    old = state[items].get(shape.number, *keys.item_place(shape.hash, shape.range, write.key))
    write.check(old)
    outcome = answer(
        Attributes=old.item if old and write.returns == "ALL_OLD" else None,
        ConsumedCapacity=consumed(write, shape, old, None),
        ItemCollectionMetrics=item_collections(shape, write.collections, write.key),
    )
    if old is None:
        return outcome
    return table.add(outcome, ItemDeleted(shape.name, write.key, old_image(shape, old)))


def plan_update(params: dict[str, Any]) -> Write:
    """Check what an UpdateItem says for itself."""
    write = Write(params)
    legacy.not_both(params, ("AttributeUpdates", *_LEGACY_CONDITION), ("UpdateExpression", "ConditionExpression"))
    found = references(params, "UpdateExpression", "ConditionExpression")
    write.key = checked_key(params["Key"])
    if params.get("UpdateExpression") is not None:
        write.update = compile_update(parse_update(params["UpdateExpression"]), found)
    elif params.get("AttributeUpdates"):
        write.update = legacy.attribute_updates(params["AttributeUpdates"])
    write.test = _test(params, found)
    found.finish()
    return write


planned("UpdateItem", plan_update)


@command("dynamodb", "UpdateItem")
def update_item(call: Call, state: State) -> Outcome:
    """Change an item, or create it.

    Errors: ConditionalCheckFailedException, ResourceNotFoundException, ValidationException (400).
    Source: Amazon DynamoDB API Reference, UpdateItem.
    """
    write = plan(call, plan_update)
    table = table_of(call, state, call.params["TableName"])
    shape = table.shape
    check_key(shape, write.key)
    check_not_key(shape, write.update)
    old = state[items].get(shape.number, *keys.item_place(shape.hash, shape.range, write.key))
    write.check(old)
    new = updated(write, shape, old)
    outcome = answer(
        Attributes=_returned(write, old, new),
        ConsumedCapacity=consumed(write, shape, old, new),
        ItemCollectionMetrics=item_collections(shape, write.collections, write.key),
    )
    return add_update(outcome, table, old, new)


def check_not_key(shape: TableShape, update: CompiledUpdate | None) -> None:
    """Refuse an update of key attributes."""
    for name in update.names if update else ():
        if name in (shape.hash, shape.range):
            raise invalid_values(f"Cannot update attribute {name}. This attribute is part of the key")


def updated(write: Write, shape: TableShape, old: Item | None) -> Item | None:
    """Return the item after an update; None where there is none before and after. Raises ValidationException."""
    update = write.update
    if update is None:
        return old or Item(write.key, item_size(write.key))
    if old is None and not update.creates:
        return None
    item = update.apply(old.item if old else write.key)
    if update.nested:
        for name in update.names:
            if name in item:
                check_value(item[name])
    if shape.indexes:
        check_index_keys(shape, item)
    size = item_size(item)
    check_size(size, update=True)
    return Item(item, size)


def add_update(outcome: Outcome, table: Located, old: Item | None, new: Item | None) -> Outcome:
    """Add the event of an update, if it changed anything."""
    if new is None or (old is not None and old.item == new.item):
        return outcome
    shape = table.shape
    return table.add(outcome, ItemUpdated(shape.name, new.item, new.size, old_image(shape, old)))


def _returned(write: Write, old: Item | None, new: Item | None) -> Attributes | None:
    if write.returns == "ALL_OLD":
        return old.item if old else None
    if write.returns == "ALL_NEW":
        return new.item if new else None
    if write.returns == "NONE" or write.update is None:
        return None
    image = old if write.returns == "UPDATED_OLD" else new
    return (project(image.item, write.update.touched) if image else None) or None


@query("dynamodb", "GetItem")
def get_item(call: Call, state: State) -> Outcome:
    """Return an item, or parts of it.

    Errors: ResourceNotFoundException, ValidationException (400).
    Source: Amazon DynamoDB API Reference, GetItem.
    """
    params = call.params
    wanted = None
    if len(params) > 2:
        legacy.not_both(params, ("AttributesToGet",), ("ProjectionExpression",))
        found = references(params, "ProjectionExpression")
        wanted = projection(params, found)
        found.finish()
    key = checked_key(params["Key"])
    shape = table_of(call, state, params["TableName"]).shape
    check_key(shape, key)
    row = state[items].get(shape.number, *keys.item_place(shape.hash, shape.range, key))
    told = None
    if params.get("ReturnConsumedCapacity") is not None:
        used = Consumed(shape)
        used.table = read_units(row.size if row else 0, bool(params.get("ConsistentRead")))
        told = used.answer(params["ReturnConsumedCapacity"])
    if row is None:
        return answer(ConsumedCapacity=told)
    return answer(Item=row.item if wanted is None else project(row.item, wanted), ConsumedCapacity=told)
