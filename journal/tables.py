"""Tables: ordered, typed key -> record maps in LMDB, with keys of any length.

LMDB's keys are limited to 511 bytes; S3's and DynamoDB's are longer. A table is a tree of nodes. Each node is a range of
LMDB keys that begin with the node's prefix and can hold keys of up to `510 - len(prefix)` further bytes. A longer key is
cut: its first part is stored as a *link* (one byte 0x01 longer than any stored key may be, which is how links are told
from rows, and which sorts them right after the row that is equal to their part), and its rest lives in a child node,
named by a digest of the path. So order is kept at every length, short keys cost nothing extra, and the layout is a
function of the content alone: equal tables are equal byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any, Generic, TypedDict, TypeVar, Unpack, dataclass_transform

import lmdb
import msgspec

from journal import keys
from journal.keys import Key, Part
from journal.values import BlobPort, decoder, pack_value, unpack_any, unpack_value

MAX_KEY = 511
LINK = b"\x01"
CHILD = b"\xff"  # no table's name begins so


@dataclass_transform(frozen_default=True, kw_only_default=False)
class Record(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A row's value. Stored by position: change fields freely and raise the projection's version."""

    def replace(self, **changes: Any) -> Any:
        """Return a copy with some fields changed."""
        return msgspec.structs.replace(self, **changes)


R = TypeVar("R", bound=Record)


class Table(Generic[R]):
    """Declares a table: `<service>.<name>`, what its key consists of, and its record type."""

    def __init__(self, name: str, key: tuple[str, ...], record: type[R]) -> None:
        self.name = name
        self.service = name.partition(".")[0]
        self.key = key
        self.record = record
        self.prefix = name.encode("ascii") + b"\0"
        self.decode: Callable[[bytes], R] = decoder(record)
        DECLARED[name] = self

    def __repr__(self) -> str:
        return f"Table({self.name})"


DECLARED: dict[str, Table[Any]] = {}


def child_node(path: bytes) -> bytes:
    """Return the prefix of the node that a link leads to, by the link's key without its last byte."""
    return CHILD + blake2b(path, digest_size=16).digest()


class Store:
    """Raw rows under one node prefix: byte keys of any length to byte values, in one transaction."""

    __slots__ = ("db", "prefix", "room", "txn")

    def __init__(self, txn: lmdb.Transaction, db: Any, prefix: bytes) -> None:
        self.txn = txn
        self.db = db
        self.prefix = prefix
        self.room = MAX_KEY - 1 - len(prefix)

    def _path(self, key: bytes) -> tuple[list[bytes], bytes]:
        """Return the links that lead to a key (LMDB keys, outermost first) and the LMDB key of its row."""
        links: list[bytes] = []
        prefix, room = self.prefix, self.room
        while len(key) > room:
            part = prefix + key[:room]
            links.append(part + LINK)
            key = key[room:]
            prefix = child_node(part)
            room = MAX_KEY - 1 - len(prefix)
        return links, prefix + key

    def get(self, key: bytes) -> bytes | None:
        """Return a row's value, or None."""
        if len(key) <= self.room:
            return self.txn.get(self.prefix + key, db=self.db)  # type: ignore[no-any-return]
        return self.txn.get(self._path(key)[1], db=self.db)  # type: ignore[no-any-return]

    def put(self, key: bytes, value: bytes) -> None:
        """Store a row, replacing what was there."""
        if len(key) <= self.room:
            self.txn.put(self.prefix + key, value, db=self.db)
            return
        links, last = self._path(key)
        for link in links:
            self.txn.put(link, b"", db=self.db)
        self.txn.put(last, value, db=self.db)

    def delete(self, key: bytes) -> bool:
        """Delete a row; False where there was none. Links that lead nowhere any more go with it."""
        if len(key) <= self.room:
            return self.txn.delete(self.prefix + key, db=self.db)  # type: ignore[no-any-return]
        links, last = self._path(key)
        if not self.txn.delete(last, db=self.db):
            return False
        with self.txn.cursor(db=self.db) as cursor:
            for link in reversed(links):
                node = child_node(link[:-1])
                if cursor.set_range(node) and cursor.key().startswith(node):
                    break
                self.txn.delete(link, db=self.db)
        return True

    def scan(
        self, low: bytes = b"", high: bytes | None = None, reverse: bool = False, values: bool = True
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, value) with low <= key < high, in order or in reverse. Do not write to the table meanwhile.

        With `values` false the values are b"".
        """
        return self._walk(self.prefix, b"", low, high, reverse, values)

    def _walk(
        self, prefix: bytes, path: bytes, low: bytes, high: bytes | None, reverse: bool, values: bool
    ) -> Iterator[tuple[bytes, bytes]]:
        size = len(prefix)
        room = MAX_KEY - 1 - size
        first = prefix + low if len(low) <= room else prefix + low[:room] + LINK
        if high is None:
            last = keys.after(prefix)
        else:
            last = prefix + high if len(high) <= room else prefix + high[:room] + b"\x02"
        if last is not None and first >= last:
            return
        with self.txn.cursor(db=self.db) as cursor:
            if reverse:
                found = (cursor.prev() if cursor.set_range(last) else cursor.last()) if last else cursor.last()
                rows = cursor.iterprev(keys=True, values=values) if found else ()
            else:
                rows = cursor.iternext(keys=True, values=values) if cursor.set_range(first) else ()
            for row in rows:
                raw, value = row if values else (row, b"")
                if (raw < first) if reverse else (last is not None and raw >= last):
                    return
                if len(raw) < MAX_KEY:
                    yield path + raw[size:], value
                    continue
                part = raw[size:-1]
                child_low = low[room:] if low[:room] == part else b""
                child_high = high[room:] if high is not None and high[:room] == part else None
                yield from self._walk(child_node(raw[:-1]), path + part, child_low, child_high, reverse, values)

    def clear(self, low: bytes = b"", high: bytes | None = None) -> int:
        """Delete every row with low <= key < high; return how many there were."""
        doomed = [key for key, _ in self.scan(low, high, values=False)]
        for key in doomed:
            self.delete(key)
        return len(doomed)


class Bounds(TypedDict, total=False):
    """Which of the rows with some leading key components are meant."""

    start: Key | None  # from this row on: the components that follow
    after: Key | None  # from the next row on
    stop: Key | None  # up to the row before this one
    starts_with: str | bytes | None  # only those whose next component begins so
    past: str | bytes | None  # only those after all whose next component begins so


class Rows(Generic[R]):
    """One table in one transaction: what handlers read (`state[table]`) and folds write (`tables[table]`).

    Keys are given and returned component by component. `scan`, `records`, `keys` and `count` take leading components and
    Bounds; the first three also `reverse`.
    """

    __slots__ = ("_blobs", "_store", "table")

    def __init__(self, table: Table[R], txn: lmdb.Transaction, db: Any, blobs: BlobPort) -> None:
        self.table = table
        self._blobs = blobs
        self._store = Store(txn, db, table.prefix)

    def get(self, *key: Part) -> R | None:
        """Return the record under a whole key, or None."""
        packed = self._store.get(keys.encode(key))
        if packed is None:
            return None
        table = self.table
        if packed[0] != 0xC1:  # nothing spilled: nearly all records
            return table.decode(packed)
        return unpack_value(packed, table.record, table.decode, self._blobs)

    def has(self, *key: Part) -> bool:
        """Tell whether there is a record under a whole key."""
        return self._store.get(keys.encode(key)) is not None

    def put(self, record: R, *key: Part) -> None:
        """Store a record under a whole key (folds only)."""
        self._store.put(keys.encode(key), pack_value(record, self._blobs))

    def delete(self, *key: Part) -> bool:
        """Delete the record under a whole key; False where there was none (folds only)."""
        return self._store.delete(keys.encode(key))

    def clear(self, *leading: Part) -> int:
        """Delete all records whose keys begin with these components (folds only); return how many there were."""
        low = keys.encode(leading)
        return self._store.clear(low, keys.after(low))

    def scan(self, *leading: Part, reverse: bool = False, **bounds: Unpack[Bounds]) -> Iterator[tuple[Key, R]]:
        """Yield (whole key, record) in key order."""
        low, high = _range(leading, **bounds)
        table, blobs = self.table, self._blobs
        for raw, packed in self._store.scan(low, high, reverse):
            yield keys.decode(raw), unpack_value(packed, table.record, table.decode, blobs)

    def records(self, *leading: Part, reverse: bool = False, **bounds: Unpack[Bounds]) -> Iterator[R]:
        """Yield records in key order, without their keys."""
        low, high = _range(leading, **bounds)
        table, blobs = self.table, self._blobs
        for _, packed in self._store.scan(low, high, reverse):
            yield unpack_value(packed, table.record, table.decode, blobs)

    def keys(self, *leading: Part, reverse: bool = False, **bounds: Unpack[Bounds]) -> Iterator[Key]:
        """Yield whole keys in order, without reading records."""
        low, high = _range(leading, **bounds)
        for raw, _ in self._store.scan(low, high, reverse, values=False):
            yield keys.decode(raw)

    def count(self, *leading: Part, **bounds: Unpack[Bounds]) -> int:
        """Count rows without reading records; costs a step a row."""
        low, high = _range(leading, **bounds)
        return sum(1 for _ in self._store.scan(low, high, values=False))

    def plain(self) -> Iterator[tuple[Key, Any]]:
        """Yield (whole key, record as plain lists, dicts and scalars): for comparing and showing tables."""
        for raw, packed in self._store.scan():
            yield keys.decode(raw), unpack_any(packed, self._blobs)


def _range(
    leading: Key,
    start: Key | None = None,
    after: Key | None = None,
    stop: Key | None = None,
    starts_with: str | bytes | None = None,
    past: str | bytes | None = None,
) -> tuple[bytes, bytes | None]:
    """Return the byte range [low, high) that some leading components and Bounds mean."""
    whole = keys.encode(leading) if starts_with is None else keys.encode_beginning(leading, starts_with)
    low, high = whole, keys.after(whole) if whole else None
    if start is not None:
        low = max(low, keys.encode(leading + start))
    if after is not None:
        low = max(low, keys.encode(leading + after) + b"\0")
    if past is not None:
        beyond = keys.after(keys.encode_beginning(leading, past))
        if beyond is not None:
            low = max(low, beyond)
    if stop is not None:
        end = keys.encode(leading + stop)
        high = end if high is None else min(high, end)
    return low, high
