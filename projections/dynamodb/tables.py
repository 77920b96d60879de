"""What is known of tables: events, records, tables and folds."""

from __future__ import annotations

from typing import Any

import msgspec

from journal import Envelope, Event, Record, Table, Tables, fold
from projections.dynamodb.items import backfill, entries, items, sizes
from projections.dynamodb.shapes import Index, TableShape, shape_of, shapes


class TableDetails(Record):
    """What DescribeTable and its like tell beyond the shape."""

    id: str
    created: float
    billing: str
    billing_changed: float | None  # when the mode became PAY_PER_REQUEST
    read: int
    write: int
    increased: float | None
    decreased: float | None
    decreases: int
    table_class: str | None
    class_changed: float | None
    protected: bool
    encryption: dict[str, Any] | None
    stream: str | None  # label of the latest stream, enabled or not
    ttl: str | None
    ttl_changed: float | None
    recovery: float | None  # since when point-in-time recovery is on
    recovery_days: int
    tags: dict[str, str]
    settings: dict[str, Any]  # OnDemandThroughput, WarmThroughput: as given
    next_index: int


details = Table("dynamodb.details", key=("table",), record=TableDetails)


class TableCreated(Event, name="dynamodb.TableCreated", version=1):
    """A table came to be, with all that CreateTable was told."""

    table: str
    id: str
    hash: str
    range: str | None
    types: dict[str, str]
    indexes: list[Index]
    billing: str
    read: int
    write: int
    table_class: str | None
    protected: bool
    encryption: dict[str, Any] | None
    view: str | None
    stream: str | None
    tags: dict[str, str]
    settings: dict[str, Any]


class TableDeleted(Event, name="dynamodb.TableDeleted", version=1):
    """A table is gone, and all that was in it."""

    table: str


class ThroughputChanged(Event, name="dynamodb.ThroughputChanged", version=1):
    """Billing mode and provisioned throughput of a table (index None) or of one of its global indexes."""

    table: str
    index: str | None
    billing: str
    read: int
    write: int
    settings: dict[str, Any]


class IndexCreated(Event, name="dynamodb.IndexCreated", version=1):
    """A global index was added; its entries follow from the items there are."""

    table: str
    index: Index
    types: dict[str, str]


class IndexDeleted(Event, name="dynamodb.IndexDeleted", version=1):
    """A global index is gone."""

    table: str
    index: str
    types: dict[str, str]


class StreamEnabled(Event, name="dynamodb.StreamEnabled", version=1):
    """From here on the table's item events carry old images: stream records of every view type follow from them."""

    table: str
    view: str
    stream: str


class StreamDisabled(Event, name="dynamodb.StreamDisabled", version=1):
    """No stream records follow from later item events."""

    table: str


class DeletionProtectionChanged(Event, name="dynamodb.DeletionProtectionChanged", version=1):
    """DeleteTable is refused, or no longer."""

    table: str
    protected: bool


class TableClassChanged(Event, name="dynamodb.TableClassChanged", version=1):
    """STANDARD or STANDARD_INFREQUENT_ACCESS."""

    table: str
    table_class: str


class EncryptionChanged(Event, name="dynamodb.EncryptionChanged", version=1):
    """Server-side encryption as DescribeTable shows it; None is AWS's own key."""

    table: str
    encryption: dict[str, Any] | None


class TimeToLiveChanged(Event, name="dynamodb.TimeToLiveChanged", version=1):
    """Which attribute says when items expire; None for no expiry."""

    table: str
    attribute: str | None


class RecoveryChanged(Event, name="dynamodb.RecoveryChanged", version=1):
    """Point-in-time recovery on or off."""

    table: str
    enabled: bool
    days: int


class TableTagged(Event, name="dynamodb.TableTagged", version=1):
    """Tags were added or given new values."""

    table: str
    tags: dict[str, str]


class TableUntagged(Event, name="dynamodb.TableUntagged", version=1):
    """Tags were removed."""

    table: str
    keys: list[str]


@fold(TableCreated)
def _(event: TableCreated, on: Envelope, tables: Tables) -> None:
    on_demand = event.billing == "PAY_PER_REQUEST"
    tables[shapes].put(
        TableShape(
            on.seq, on.resource, event.table, event.hash, event.range, event.types, event.indexes, event.view, on_demand
        ),
        on.account,
        on.region,
        event.table,
    )
    tables[details].put(
        TableDetails(
            id=event.id,
            created=on.time,
            billing=event.billing,
            billing_changed=on.time if on_demand else None,
            read=event.read,
            write=event.write,
            increased=None,
            decreased=None,
            decreases=0,
            table_class=event.table_class,
            class_changed=None,
            protected=event.protected,
            encryption=event.encryption,
            stream=event.stream,
            ttl=None,
            ttl_changed=None,
            recovery=None,
            recovery_days=35,
            tags=event.tags,
            settings=event.settings,
            next_index=1 + max((index.number for index in event.indexes), default=0),
        ),
        on.seq,
    )


@fold(TableDeleted)
def _(event: TableDeleted, on: Envelope, tables: Tables) -> None:
    shape = shape_of(tables, on, event.table)
    tables[shapes].delete(on.account, on.region, event.table)
    tables[details].delete(shape.number)
    for rows in (tables[items], tables[entries], tables[sizes]):
        rows.clear(shape.number)


@fold(ThroughputChanged)
def _(event: ThroughputChanged, on: Envelope, tables: Tables) -> None:
    shape = shape_of(tables, on, event.table)
    if event.index is not None:
        changed = [
            msgspec.structs.replace(index, read=event.read, write=event.write, settings=event.settings)
            if index.name == event.index
            else index
            for index in shape.indexes
        ]
        tables[shapes].put(shape.replace(indexes=changed), on.account, on.region, event.table)
        return
    on_demand = event.billing == "PAY_PER_REQUEST"
    if on_demand != shape.on_demand:
        tables[shapes].put(shape.replace(on_demand=on_demand), on.account, on.region, event.table)
    known = _details(tables, shape)
    more = event.read > known.read or event.write > known.write
    less = event.read < known.read or event.write < known.write
    tables[details].put(
        known.replace(
            billing=event.billing,
            billing_changed=on.time if on_demand and known.billing != event.billing else known.billing_changed,
            read=event.read,
            write=event.write,
            increased=on.time if more and not on_demand else known.increased,
            decreased=on.time if less and not on_demand else known.decreased,
            decreases=known.decreases + (1 if less and not on_demand else 0),
            settings=event.settings,
        ),
        shape.number,
    )


@fold(IndexCreated)
def _(event: IndexCreated, on: Envelope, tables: Tables) -> None:
    shape = shape_of(tables, on, event.table)
    changed = shape.replace(indexes=[*shape.indexes, event.index], types=event.types)
    tables[shapes].put(changed, on.account, on.region, event.table)
    known = _details(tables, shape)
    tables[details].put(known.replace(next_index=max(known.next_index, event.index.number + 1)), shape.number)
    backfill(tables, changed, event.index)


@fold(IndexDeleted)
def _(event: IndexDeleted, on: Envelope, tables: Tables) -> None:
    shape = shape_of(tables, on, event.table)
    kept = [index for index in shape.indexes if index.name != event.index]
    tables[shapes].put(shape.replace(indexes=kept, types=event.types), on.account, on.region, event.table)
    for index in shape.indexes:
        if index.name == event.index:
            tables[entries].clear(shape.number, index.number)
            tables[sizes].delete(shape.number, index.number)


@fold(StreamEnabled)
def _(event: StreamEnabled, on: Envelope, tables: Tables) -> None:
    shape = shape_of(tables, on, event.table)
    tables[shapes].put(shape.replace(view=event.view), on.account, on.region, event.table)
    tables[details].put(_details(tables, shape).replace(stream=event.stream), shape.number)


@fold(StreamDisabled)
def _(event: StreamDisabled, on: Envelope, tables: Tables) -> None:
    tables[shapes].put(shape_of(tables, on, event.table).replace(view=None), on.account, on.region, event.table)


@fold(DeletionProtectionChanged)
def _(event: DeletionProtectionChanged, on: Envelope, tables: Tables) -> None:
    _change(tables, on, event.table, protected=event.protected)


@fold(TableClassChanged)
def _(event: TableClassChanged, on: Envelope, tables: Tables) -> None:
    _change(tables, on, event.table, table_class=event.table_class, class_changed=on.time)


@fold(EncryptionChanged)
def _(event: EncryptionChanged, on: Envelope, tables: Tables) -> None:
    _change(tables, on, event.table, encryption=event.encryption)


@fold(TimeToLiveChanged)
def _(event: TimeToLiveChanged, on: Envelope, tables: Tables) -> None:
    _change(tables, on, event.table, ttl=event.attribute, ttl_changed=on.time)


@fold(RecoveryChanged)
def _(event: RecoveryChanged, on: Envelope, tables: Tables) -> None:
    since = _details(tables, shape_of(tables, on, event.table)).recovery
    since = (since if since is not None else on.time) if event.enabled else None
    _change(tables, on, event.table, recovery=since, recovery_days=event.days)


@fold(TableTagged)
def _(event: TableTagged, on: Envelope, tables: Tables) -> None:
    known = _details(tables, shape_of(tables, on, event.table))
    _change(tables, on, event.table, tags={**known.tags, **event.tags})


@fold(TableUntagged)
def _(event: TableUntagged, on: Envelope, tables: Tables) -> None:
    known = _details(tables, shape_of(tables, on, event.table))
    _change(tables, on, event.table, tags={key: value for key, value in known.tags.items() if key not in event.keys})


def _details(tables: Tables, shape: TableShape) -> TableDetails:
    known = tables[details].get(shape.number)
    if known is None:
        raise LookupError(f"table {shape.name} has no details")
    return known


def _change(tables: Tables, on: Envelope, name: str, **changes: Any) -> None:
    shape = shape_of(tables, on, name)
    tables[details].put(_details(tables, shape).replace(**changes), shape.number)
