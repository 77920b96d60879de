"""What every read and write must know of a table: its keys, its indexes, and the number its rows are kept under."""

from __future__ import annotations

from typing import Any

import msgspec

from journal import Envelope, Record, Table, Tables


class Index(msgspec.Struct, frozen=True, gc=False):
    """A secondary index. Stored by field name, in events too: new fields need defaults."""

    name: str
    number: int  # within its table, from 1; never used again
    local: bool
    hash: list[str]
    range: list[str]
    projection: str  # ALL, KEYS_ONLY or INCLUDE
    include: list[str]
    read: int = 0
    write: int = 0
    settings: dict[str, Any] = {}  # OnDemandThroughput, WarmThroughput: as given


class TableShape(Record):
    """What every read and write needs of a table; small, since each decodes it."""

    number: int  # the seq of its creation: a table created again under the same name never sees old rows
    arn: str
    name: str
    hash: str
    range: str | None
    types: dict[str, str]  # of all key attributes, the indexes' included
    indexes: list[Index]
    view: str | None  # the stream's view type, where one is enabled
    on_demand: bool


shapes = Table("dynamodb.tables", key=("account", "region", "name"), record=TableShape)


def shape_of(tables: Tables, on: Envelope, name: str) -> TableShape:
    """Return the shape of the table that an event is about."""
    shape = tables[shapes].get(on.account, on.region, name)
    if shape is None:
        raise LookupError(f"event {on.seq} is about a table {name} that there is not")
    return shape
