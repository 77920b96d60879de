"""Items, the entries of secondary indexes, and how many of each there are: events, records, tables and folds.

An index entry is a pointer: its key holds the index key and then the item's own key, its record nothing. So a write
that leaves an index's key alone costs that index nothing, and an item is stored once whatever the indexes project. A
Query of an index reads each item by its key, a few µs more an item than a copy would cost; what an index projects is
cut out of the item when it is read.
"""

from __future__ import annotations

from journal import Envelope, Event, Record, Table, Tables, fold
from projections.dynamodb.keys import MAX_HASH, MAX_RANGE, Place, item_place, part, partition
from projections.dynamodb.shapes import Index, TableShape, shape_of
from projections.dynamodb.sizes import Attributes, projected_size


class Item(Record):
    """An item in wire form, and its size by AWS's rules."""

    item: Attributes
    size: int


class Entry(Record):
    """An index entry: its key says all."""


class Size(Record):
    """How many items a table or index has, and their bytes."""

    items: int
    bytes: int


items = Table("dynamodb.items", key=("table", "hash", "range"), record=Item)
entries = Table("dynamodb.entries", key=("table", "index", "hash…", "range…", "item hash", "item range"), record=Entry)
sizes = Table("dynamodb.sizes", key=("table", "index"), record=Size)  # index 0 is the table itself


class ItemPut(Event, name="dynamodb.ItemPut", version=1):
    """An item was stored whole, in place of any other with its key. `old` only where a stream is enabled."""

    table: str
    item: Attributes
    size: int
    old: Attributes | None = None


class ItemUpdated(Event, name="dynamodb.ItemUpdated", version=1):
    """UpdateItem changed or created an item; it is given whole, as it is now. `old` only where a stream is enabled."""

    table: str
    item: Attributes
    size: int
    old: Attributes | None = None


class ItemDeleted(Event, name="dynamodb.ItemDeleted", version=1):
    """An item is gone. `old` only where a stream is enabled."""

    table: str
    key: Attributes
    old: Attributes | None = None


@fold(ItemPut)
def _(event: ItemPut, on: Envelope, tables: Tables) -> None:
    _store(tables, shape_of(tables, on, event.table), event.item, event.size)


@fold(ItemUpdated)
def _(event: ItemUpdated, on: Envelope, tables: Tables) -> None:
    _store(tables, shape_of(tables, on, event.table), event.item, event.size)


@fold(ItemDeleted)
def _(event: ItemDeleted, on: Envelope, tables: Tables) -> None:
    shape = shape_of(tables, on, event.table)
    at = item_place(shape.hash, shape.range, event.key)
    rows = tables[items]
    old = rows.get(shape.number, *at)
    if old is None:
        return
    rows.delete(shape.number, *at)
    _count(tables, shape.number, 0, -1, -old.size)
    for index in shape.indexes:
        _reindex(tables, shape, index, at, old, None)


def _store(tables: Tables, shape: TableShape, item: Attributes, size: int) -> None:
    at = item_place(shape.hash, shape.range, item)
    rows = tables[items]
    old = rows.get(shape.number, *at)
    new = Item(item, size)
    rows.put(new, shape.number, *at)
    if old is None:
        _count(tables, shape.number, 0, 1, size)
    elif old.size != size:
        _count(tables, shape.number, 0, 0, size - old.size)
    for index in shape.indexes:
        _reindex(tables, shape, index, at, old, new)


def _reindex(tables: Tables, shape: TableShape, index: Index, at: Place, old: Item | None, new: Item | None) -> None:
    """Move an item's entry in an index from where the old item had it to where the new one has it."""
    before = index_place(shape, index, old.item) if old else None
    after = index_place(shape, index, new.item) if new else None
    if before != after:
        rows = tables[entries]
        if before is not None:
            rows.delete(shape.number, index.number, *before, *at)
        if after is not None:
            rows.put(Entry(), shape.number, index.number, *after, *at)
    gone = index_size(shape, index, old) if old and before is not None else 0
    come = index_size(shape, index, new) if new and after is not None else 0
    more = (after is not None) - (before is not None)
    if more or come != gone:
        _count(tables, shape.number, index.number, more, come - gone)


def index_place(shape: TableShape, index: Index, item: Attributes) -> Place | None:
    """Return where an item lies in an index; None where it lacks a key attribute, or has it too long, empty or of another type.

    Writes refuse the latter, but items that are older than the index may have them; they stay out of it.
    """
    types = shape.types
    parts: list[bytes] = []
    split = len(index.hash)
    for name in index.hash + index.range:
        value = item.get(name)
        if value is None or not value.get(types[name]):
            return None
        raw = part(value)
        if len(raw) > (MAX_HASH if len(parts) < split else MAX_RANGE):
            return None
        parts.append(raw)
    return (*partition(parts[:split]), *parts[split:])


def index_size(shape: TableShape, index: Index, row: Item) -> int:
    """Return the size of what an index projects of an item."""
    if index.projection == "ALL":
        return row.size
    return projected_size(row.item, projected_names(shape, index))


def projected_names(shape: TableShape, index: Index) -> list[str]:
    """Return the names of the attributes that an index with KEYS_ONLY or INCLUDE holds."""
    names = [shape.hash] if shape.range is None else [shape.hash, shape.range]
    return list(dict.fromkeys([*names, *index.hash, *index.range, *index.include]))


def _count(tables: Tables, table: int, index: int, more: int, bytes: int) -> None:
    rows = tables[sizes]
    known = rows.get(table, index)
    if known is None:
        rows.put(Size(more, bytes), table, index)
    else:
        rows.put(Size(known.items + more, known.bytes + bytes), table, index)


def backfill(tables: Tables, shape: TableShape, index: Index) -> None:
    """Fill a new index from the items there are."""
    found: list[Place] = []
    total = 0
    for row in tables[items].records(shape.number):
        where = index_place(shape, index, row.item)
        if where is not None:
            found.append(where + item_place(shape.hash, shape.range, row.item))
            total += index_size(shape, index, row)
    rows = tables[entries]
    for where in found:
        rows.put(Entry(), shape.number, index.number, *where)
    if found:
        tables[sizes].put(Size(len(found), total), shape.number, index.number)
