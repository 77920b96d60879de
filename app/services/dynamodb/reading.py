"""Pages of a Query or Scan: which rows, in which order, up to where, and what of them is answered.

A `Source` is a table or one of its indexes: it walks rows in a range of keys, and cuts out what an index projects.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.services import State
from app.services.dynamodb.capacity import Consumed, read_units
from app.services.dynamodb.expressions import Test, Tree, project
from app.services.dynamodb.key_conditions import KeyRange
from app.services.dynamodb.lookup import check_key
from app.services.dynamodb.refusals import invalid
from projections.dynamodb import (
    Attributes,
    Index,
    Item,
    TableShape,
    entries,
    index_place,
    index_size,
    items,
    keys,
    projected_names,
)

PAGE = 1024 * 1024  # bytes of items looked at
BAD_START = "The provided starting key is invalid"
OUTSIDE = "The provided starting key is outside query boundaries based on provided conditions"

Place = tuple[bytes, ...]


class Source:
    """A table, or an index of it, to read from."""

    def __init__(self, state: State, shape: TableShape, index: Index | None) -> None:
        self.shape = shape
        self.index = index
        self.items = state[items]
        self.entries = state[entries]
        self.hash = [shape.hash] if index is None else index.hash
        self.range = ([shape.range] if shape.range else []) if index is None else index.range
        self.own = [shape.hash] if shape.range is None else [shape.hash, shape.range]
        self.key_names = list(dict.fromkeys([*self.own, *self.hash, *self.range]))
        self.names = None if index is None or index.projection == "ALL" else projected_names(shape, index)

    def rows(self, leading: Place, bounds: dict[str, Any], after: Place | None, forward: bool) -> Iterator[Item]:
        """Yield rows in key order, after a place (exclusive), within bounds of what follows the leading components."""
        if after is not None:
            rest = after[len(leading) :]
            bounds = {**bounds, ("after" if forward else "stop"): rest}
        number = self.shape.number
        if self.index is None:
            yield from self.items.records(number, *leading, reverse=not forward, **bounds)
            return
        own = len(self.own)
        get = self.items.get
        for key in self.entries.keys(number, self.index.number, *leading, reverse=not forward, **bounds):
            row = get(number, *key[-own:])
            if row is not None:
                yield row

    def place(self, item: Attributes) -> Place | None:
        """Return where an item lies among this source's rows."""
        own = keys.item_place(self.shape.hash, self.shape.range, item)
        if self.index is None:
            return own
        found = index_place(self.shape, self.index, item)
        return None if found is None else found + own

    def start(self, key: Attributes) -> Place:
        """Return the place that an ExclusiveStartKey names. Raises ValidationException."""
        if key.keys() != set(self.key_names):
            raise invalid(f"{BAD_START}: The provided key element does not match the schema")
        check_key(self.shape, {name: key[name] for name in self.own})
        found = self.place(key)
        if found is None:
            raise invalid(f"{BAD_START}: The provided key element does not match the schema")
        return found

    def key(self, item: Attributes) -> Attributes:
        """Return a row's key: what LastEvaluatedKey holds."""
        return {name: item[name] for name in self.key_names}

    def projected(self, row: Item) -> Attributes:
        """Return what this source holds of an item."""
        if self.names is None:
            return row.item
        item = row.item
        return {name: item[name] for name in self.names if name in item}

    def size(self, row: Item) -> int:
        """Return the size of what this source holds of an item."""
        return row.size if self.index is None else index_size(self.shape, self.index, row)


class Reading:
    """What one Query or Scan asks for, beside where it looks."""

    __slots__ = ("consistent", "count_only", "fetch", "limit", "test", "wanted")

    def __init__(self) -> None:
        self.limit: int | None = None
        self.test: Test | None = None
        self.wanted: Tree | None = None
        self.count_only = False
        self.fetch = False  # a local index is asked for attributes it does not project
        self.consistent = False


class Page:
    """What a Query or Scan found."""

    __slots__ = ("count", "fetched", "items", "last", "scanned", "size")

    def __init__(self) -> None:
        self.items: list[Attributes] = []
        self.count = 0
        self.scanned = 0
        self.size = 0
        self.fetched = 0.0  # units for items read from the table for a local index
        self.last: Attributes | None = None


def read_page(source: Source, rows: Iterator[Item], reading: Reading) -> Page:
    """Read rows until the limit, a megabyte, or the end."""
    page = Page()
    limit, test, wanted = reading.limit, reading.test, reading.wanted
    whole = source.index is None or reading.fetch
    for row in rows:
        page.scanned += 1
        page.size += source.size(row)
        item = row.item if whole else source.projected(row)
        if reading.fetch:
            page.fetched += read_units(row.size, reading.consistent)
        if test is None or test(item):
            page.count += 1
            if not reading.count_only:
                page.items.append(item if wanted is None else project(item, wanted))
        if page.scanned == limit or page.size >= PAGE:
            page.last = source.key(row.item)
            break
    return page


def told(page: Page, reading: Reading, source: Source, capacity: str | None, least: int = 0) -> dict[str, Any]:
    """Return a page as Query and Scan answer it; `least` is the least size that is charged for."""
    answer: dict[str, Any] = {"Count": page.count, "ScannedCount": page.scanned}
    if not reading.count_only:
        answer["Items"] = page.items
    if page.last is not None:
        answer["LastEvaluatedKey"] = page.last
    if capacity is not None:
        used = Consumed(source.shape)
        units = read_units(max(page.size, least), reading.consistent)
        if source.index is None:
            used.table = units
        else:
            used.index(source.index, units)
            used.table = page.fetched
        answer["ConsumedCapacity"] = used.answer(capacity)
    return answer


def look(range: KeyRange) -> tuple[Place, dict[str, Any]]:
    """Return the leading components and bounds of a key range."""
    return range.leading, range.arguments()
