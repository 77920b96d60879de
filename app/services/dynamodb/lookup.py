"""Finding tables by name or ARN, and holding keys and items against their schemas."""

from __future__ import annotations

import re
from typing import Any

from app import arns
from app.services import Call, Outcome, State
from app.services.dynamodb.attribute_values import MAX_ITEM, check_name, check_value, kind_of
from app.services.dynamodb.refusals import invalid, invalid_values, no_such_resource
from journal import Event
from projections.dynamodb import Attributes, Index, TableDetails, TableShape, Value, details, keys, shapes

MAX_HASH, MAX_RANGE = keys.MAX_HASH, keys.MAX_RANGE
_TABLE_NAME = re.compile(r"[a-zA-Z0-9_.-]{3,255}\Z")
BAD_NAME = (
    "Invalid table/index name.  Table/index names must be between 3 and 255 characters long, and may contain only the "
    "characters a-z, A-Z, 0-9, '_', '-', and '.'"
)
MISMATCH = "The provided key element does not match the schema"


class Located:
    """A table, and whose it is."""

    __slots__ = ("account", "region", "shape")

    def __init__(self, account: str, region: str, shape: TableShape) -> None:
        self.account = account
        self.region = region
        self.shape = shape

    def add(self, outcome: Outcome, event: Event) -> Outcome:
        """Add an event about this table."""
        return outcome.emit(event, self.shape.arn, account=self.account, region=self.region)


def locate(call: Call, name: str) -> tuple[str, str, str]:
    """Return account, region and table name of a name or ARN. Raises ValidationException."""
    if not name.startswith("arn:"):
        if not _TABLE_NAME.match(name):
            raise invalid(BAD_NAME)
        return call.account, call.region, name
    arn = arns.parse(name)
    kind, _, table = arn.resource.partition("/") if arn else ("", "", "")
    if arn is None or arn.service != "dynamodb" or kind != "table" or not _TABLE_NAME.match(table.partition("/")[0]):
        raise invalid(f"Invalid TableArn: Invalid ResourceArn provided as input {name}")
    return arn.account, arn.region, table.partition("/")[0]


def table_of(call: Call, state: State, name: str) -> Located:
    """Return the table that an item operation names. Raises ResourceNotFoundException."""
    account, region, table = locate(call, name)
    shape = state[shapes].get(account, region, table)
    if shape is None:
        raise no_such_resource()
    return Located(account, region, shape)


def details_of(state: State, shape: TableShape) -> TableDetails:
    """Return what is known of a table beyond its shape."""
    found = state[details].get(shape.number)
    assert found is not None, f"table {shape.name} has a shape and no details"
    return found


def check_key(shape: TableShape, key: Attributes) -> None:
    """Refuse a key that does not fit a table's schema."""
    if len(key) != (1 if shape.range is None else 2):
        raise invalid(MISMATCH)
    _check_key_part(shape, key, shape.hash, MAX_HASH)
    if shape.range is not None:
        _check_key_part(shape, key, shape.range, MAX_RANGE)


def _check_key_part(shape: TableShape, key: Attributes, name: str, limit: int) -> None:
    value = key.get(name)
    if value is None:
        raise invalid(MISMATCH)
    inner: Any = value.get(shape.types[name])
    if inner is None:
        raise invalid(MISMATCH)
    if not inner or len(inner) * 4 > limit:
        _check_length(name, value, inner, limit)


def check_item_keys(shape: TableShape, item: Attributes) -> None:
    """Refuse an item whose key attributes, of the table or its indexes, are missing or not what they must be."""
    _check_item_part(shape, item, shape.hash, MAX_HASH)
    if shape.range is not None:
        _check_item_part(shape, item, shape.range, MAX_RANGE)
    if shape.indexes:
        check_index_keys(shape, item)


def _check_item_part(shape: TableShape, item: Attributes, name: str, limit: int) -> None:
    value = item.get(name)
    if value is None:
        raise invalid_values(f"Missing the key {name} in the item")
    kind = shape.types[name]
    inner: Any = value.get(kind)
    if inner is None:
        raise invalid_values(f"Type mismatch for key {name} expected: {kind} actual: {kind_of(value)}")
    if not inner or len(inner) * 4 > limit:
        _check_length(name, value, inner, limit)


def check_index_keys(shape: TableShape, item: Attributes) -> None:
    """Refuse an item whose attributes cannot be the keys of the table's indexes."""
    for index in shape.indexes:
        for names, limit in ((index.hash, MAX_HASH), (index.range, MAX_RANGE)):
            for name in names:
                value = item.get(name)
                if value is not None:
                    _check_index_part(shape, index, name, value, limit)


def _check_index_part(shape: TableShape, index: Index, name: str, value: Value, limit: int) -> None:
    kind = shape.types[name]
    inner: Any = value.get(kind)
    if inner is None:
        raise invalid_values(
            f"Type mismatch for Index Key {name} Expected: {kind} Actual: {kind_of(value)} IndexName: {index.name}"
        )
    if not inner:
        raise invalid(
            "One or more parameter values are not valid. A value specified for a secondary index key is not supported. "
            f"The AttributeValue for a key attribute cannot contain an empty {_word(value)} value. "
            f"IndexName: {index.name}, IndexKey: {name}"
        )
    if len(inner) * 4 > limit:
        _check_length(name, value, inner, limit)


def _word(value: Value) -> str:
    return "string" if "S" in value else "binary"


def _check_length(name: str, value: Value, inner: Any, limit: int) -> None:
    if not inner:
        raise invalid(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
            f"empty {_word(value)} value. Key: {name}"
        )
    if "N" in value:
        return
    size = len(inner) if isinstance(inner, bytes) else len(inner.encode("utf-8", "surrogatepass"))
    if size > limit:
        if limit == MAX_HASH:
            raise invalid_values(f"Size of hashkey has exceeded the maximum size limit of{MAX_HASH} bytes")
        raise invalid_values(f"Aggregated size of all range keys has exceeded the size limit of {MAX_RANGE} bytes")


def checked_key(key: Attributes) -> Attributes:
    """Return a key with canonical numbers. Raises ValidationException."""
    for name, value in key.items():
        checked, _ = check_value(value)
        if checked is not value:
            key = {**key, name: checked}
        check_name(name)
    return key


def check_size(size: int, *, update: bool = False) -> None:
    """Refuse an item of more than 400 KB."""
    if size > MAX_ITEM:
        raise invalid(f"Item size {'to update ' if update else ''}has exceeded the maximum allowed size")


def index_of(shape: TableShape, name: str) -> Index:
    """Return a table's index. Raises ValidationException."""
    for index in shape.indexes:
        if index.name == name:
            return index
    raise invalid(f"The table does not have the specified index: {name}")
