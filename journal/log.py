"""The journal of one stack: events, the calls that caused them, and the tables folded from them.

A `View` reads a consistent snapshot. A `Writer` appends inside one write transaction: event, call, index and folds go
together or not at all. Positions are `seq`, from 1.
"""

from __future__ import annotations

import contextlib
import heapq
import struct
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import lmdb
import msgspec

from journal import events as codec
from journal import keys
from journal.blobs import BlobStore
from journal.environment import DEFAULT_MAP, Durability, Environment
from journal.events import NO_CHAIN, Envelope, Event
from journal.projection import RESET, FindProjection, Projection, Tables
from journal.stack_events import ServiceReset, clocks
from journal.tables import MAX_KEY, Table, child_node
from journal.values import BlobPort, pack, pack_value, unpack_any

T = TypeVar("T")

FORMAT = 1
REBUILD_STEP = 5_000  # events a transaction while a projection is rebuilt
_DROPPING = -1  # stands for the seq while the old rows of a projection are deleted

_seq = struct.Struct(">Q")
_CLOCK = clocks.prefix + keys.encode((0,))


class NewerFormat(Exception):
    """The stack was written by a later version of Cairn than this one."""


class JournalDamaged(Exception):
    """A stored event is missing, or does not have its chain any more: it is neither folded nor shown."""

    def __init__(self, seq: int, what: str) -> None:
        super().__init__(f"event {seq} {what}: the journal is damaged (see `cairn verify`)")
        self.seq = seq


class StaleProjection(Exception):
    """A service's tables are not folded up to the head at the code's version; rebuild() first."""

    def __init__(self, service: str) -> None:
        super().__init__(f"the tables of {service} must be rebuilt first")
        self.service = service


class JournaledCall(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The call that caused a command's events, as it is stored."""

    service: str
    operation: str
    params: dict[str, Any]
    account: str
    region: str
    principal: str
    access_key: str | None
    user_agent: str
    request_id: str
    protocol: str
    time: float  # seconds since the epoch, UTC, by the stack's clock
    duration: float  # seconds from the call's arrival in the engine to its events
    cause: int | None  # the seq a reactor was answering
    reactor: str
    last: int  # the last seq of the command


class View:
    """A stack at one moment. Valid inside the context or function that gave it."""

    __slots__ = ("blobs", "db", "find", "journal", "tables", "txn")

    def __init__(self, journal: Journal, txn: lmdb.Transaction) -> None:
        self.journal = journal
        self.txn = txn
        self.db = journal.environment.db
        self.blobs = journal.blobs
        self.find = journal.find
        self.tables = _Checked(txn, self.db, self.blobs, self.find)

    def now(self) -> float:
        """Return the stack's clock: seconds since the epoch, UTC."""
        self.tables.require("cairn")
        if self.txn.get(_CLOCK, db=self.db["tables"]) is None:  # nearly always, and asked in every transaction
            return self.journal.wall()
        clock = self.tables[clocks].get(0)
        assert clock is not None
        if clock.frozen is not None:
            return float(clock.frozen)
        return self.journal.wall() + float(clock.offset)

    def head(self) -> tuple[int, bytes]:
        """Return the last event's seq and chain."""
        with self.txn.cursor(db=self.db["events"]) as cursor:
            if cursor.last():
                return _seq.unpack(cursor.key())[0], codec.chain_of(cursor.value())
        return self.base()

    def base(self) -> tuple[int, bytes]:
        """Return the seq and chain before the first event that is kept: 0, unless older history was folded away."""
        raw = self.txn.get(b"base", db=self.db["meta"])
        if raw is None:
            return 0, NO_CHAIN
        seq, chain = msgspec.msgpack.decode(raw)
        return int(seq), bytes(chain)

    def event(self, seq: int) -> Envelope | None:
        """Return the event at a seq, or None. Raises JournalDamaged where it does not have its chain."""
        raw = self.txn.get(_seq.pack(seq), db=self.db["events"])
        return None if raw is None else sound(seq, raw, self.chain_before(seq))

    def events(self, first: int = 1, last: int | None = None) -> Iterator[Envelope]:
        """Yield events in order from `first` to `last` (inclusive). Raises JournalDamaged where the chain is broken."""
        before: bytes | None = None
        for seq, raw in self.records(first, last):
            if before is None:
                before = self.chain_before(seq)
            yield sound(seq, raw, before)
            before = codec.chain_of(raw)

    def chain_before(self, seq: int) -> bytes:
        """Return the chain that the event at `seq` goes on from. Raises JournalDamaged where that is not known."""
        raw = self.txn.get(_seq.pack(seq - 1), db=self.db["events"]) if seq > 0 else None
        if raw is not None:
            return codec.chain_of(raw)
        base, chain = self.base()
        if base != seq - 1:
            raise JournalDamaged(seq - 1, "is missing")
        return chain

    def records(self, first: int = 1, last: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Yield (seq, record as stored) in order from `first` to `last` (inclusive)."""
        with self.txn.cursor(db=self.db["events"]) as cursor:
            if cursor.set_range(_seq.pack(first)):
                for key, raw in cursor:
                    seq = _seq.unpack(key)[0]
                    if last is not None and seq > last:
                        return
                    yield seq, raw

    def call(self, first_seq: int) -> JournaledCall | None:
        """Return the call whose first event has this seq, or None."""
        raw = self.txn.get(_seq.pack(first_seq), db=self.db["calls"])
        return None if raw is None else self._call(raw)

    def call_record(self, first_seq: int) -> bytes | None:
        """Return the call whose first event has this seq, as stored, or None."""
        raw: bytes | None = self.txn.get(_seq.pack(first_seq), db=self.db["calls"])
        return raw

    def _call(self, raw: bytes) -> JournaledCall:
        return msgspec.convert(unpack_any(raw, self.blobs), JournaledCall)

    def calls(self, first: int = 1, last: int | None = None) -> Iterator[tuple[int, JournaledCall]]:
        """Yield (first seq, call) in order, for first seqs from `first` to `last` (inclusive)."""
        for seq, raw in self.call_records(first, last):
            yield seq, self._call(raw)

    def call_records(self, first: int = 1, last: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Yield (first seq, call as stored)."""
        with self.txn.cursor(db=self.db["calls"]) as cursor:
            if cursor.set_range(_seq.pack(first)):
                for key, raw in cursor:
                    seq = _seq.unpack(key)[0]
                    if last is not None and seq > last:
                        return
                    yield seq, raw

    def cause_of(self, seq: int) -> tuple[int, JournaledCall] | None:
        """Return (first seq, call) of the command that the event at `seq` belongs to."""
        with self.txn.cursor(db=self.db["calls"]) as cursor:
            found = cursor.set_range(_seq.pack(seq)) and _seq.unpack(cursor.key())[0] == seq
            if not found and not (cursor.prev() if cursor.key() else cursor.last()):
                return None
            first = _seq.unpack(cursor.key())[0]
            call = self._call(cursor.value())
        return (first, call) if call.last >= seq else None

    def history(
        self, service: str, account: str | None = None, region: str | None = None, after: int = 0
    ) -> Iterator[int]:
        """Yield the seqs of one service's events in order, of one account and region where given."""
        prefix = service.encode() + b"\0"
        found = []
        with self.txn.cursor(db=self.db["by_service"]) as cursor:
            more = cursor.set_range(prefix)
            while more and cursor.key().startswith(prefix):
                _, of_account, of_region = cursor.key().decode().split("\0")
                # an event of the whole service (a reset) has neither account nor region, and belongs to every history
                if not of_account or (account in (None, of_account) and region in (None, of_region)):
                    found.append(cursor.key())
                more = cursor.next_nodup()
        return heapq.merge(*(self._seqs(key, after) for key in found))

    def _seqs(self, key: bytes, after: int) -> Iterator[int]:
        with self.txn.cursor(db=self.db["by_service"]) as cursor:
            if cursor.set_range_dup(key, _seq.pack(after + 1)):
                for raw in cursor.iternext_dup():
                    yield _seq.unpack(raw)[0]

    def services(self) -> list[str]:
        """Return the names of services that have events, sorted."""
        names: list[str] = []
        with self.txn.cursor(db=self.db["by_service"]) as cursor:
            more = cursor.first()
            while more:
                name = cursor.key().split(b"\0", 1)[0]
                names.append(name.decode())
                more = cursor.set_range(name + b"\x01")
        return names

    def cursor(self, name: str) -> int:
        """Return how far a subscription has come: the last seq it has handled.

        One that is new begins where the stack's subscriptions do: 0, or where a fork or an import began.
        """
        raw = self.txn.get(b"cursor/" + name.encode(), db=self.db["meta"])
        return int(self.meta("subscriptions") or 0) if raw is None else int(_seq.unpack(raw)[0])

    def meta(self, key: str) -> Any:
        """Return a value of the stack's own records, or None."""
        raw = self.txn.get(key.encode(), db=self.db["meta"])
        return None if raw is None else msgspec.msgpack.decode(raw)

    def is_current(self, service: str) -> bool:
        """Tell whether a service's tables hold all its events at the code's version."""
        return _is_current(self.txn, self.db, self.find(service), service)


def sound(seq: int, record: bytes, before: bytes) -> Envelope:
    """Read a stored event that goes on from the chain `before`. Raises JournalDamaged where it does not."""
    if codec.chain_after(before, codec.body_of(record)) != codec.chain_of(record):
        raise JournalDamaged(seq, "does not have its chain")
    try:
        return codec.decode(seq, record)
    except msgspec.DecodeError as error:
        raise JournalDamaged(seq, f"cannot be read ({error})") from error


def _is_current(txn: lmdb.Transaction, db: dict[str, Any], projection: Projection | None, service: str) -> bool:
    if projection is None:
        return True
    raw = txn.get(b"projection/" + service.encode(), db=db["meta"])
    if raw is not None:
        return bool(raw == _VERSIONS.get(projection.version) or raw == _version(projection.version))
    prefix = service.encode() + b"\0"  # where nothing was ever told, empty tables are right
    with txn.cursor(db=db["by_service"]) as cursor:
        return not (cursor.set_range(prefix) and cursor.key().startswith(prefix))


_VERSIONS: dict[int, bytes] = {}


def _version(version: int) -> bytes:
    return _VERSIONS.setdefault(version, pack([version]))


class _Checked(Tables):
    """Tables that refuse to be read while their service's projection is stale.

    It does not refer to its view: a cycle would keep the transaction, and its slot in LMDB's table of readers, until the
    next garbage collection.
    """

    __slots__ = ("_all", "_checked", "_find")

    def __init__(self, txn: lmdb.Transaction, db: dict[str, Any], blobs: BlobPort, find: FindProjection) -> None:
        super().__init__(txn, db["tables"], blobs)
        self._all = db
        self._find = find
        self._checked: set[str] = set()

    def __getitem__(self, table: Table[Any]) -> Any:
        rows = self._open.get(table.name)
        if rows is None:
            self.require(table.service)
            rows = super().__getitem__(table)
        return rows

    def require(self, service: str) -> None:
        """Raise StaleProjection unless a service's tables are current; asked once a transaction."""
        if service not in self._checked:
            if not _is_current(self.txn, self._all, self._find(service), service):
                raise StaleProjection(service)
            self._checked.add(service)


class Writer(View):
    """Appends in one write transaction; sees what it has appended."""

    __slots__ = ("_chain", "_head", "_marked")

    def __init__(self, journal: Journal, txn: lmdb.Transaction) -> None:
        super().__init__(journal, txn)
        self.blobs = journal.blobs.inline()  # nobody else may get a turn while the write transaction is open
        self.tables.blobs = self.blobs
        self._head, self._chain = super().head()
        self._marked: set[str] = set()

    def head(self) -> tuple[int, bytes]:
        """Return the last event's seq and chain, appended ones included."""
        return self._head, self._chain

    def append(
        self, happened: Sequence[tuple[Event, str, str, str]], time: float, call: Callable[[int], JournaledCall] | None
    ) -> int:
        """Append one command's events and fold them; return the last seq.

        `happened`: (event, resource, account, region) in order. `call` is given the last seq and returns what caused them.
        Raises StaleProjection before anything is written; whatever a fold raises must abort the transaction.
        """
        db, blobs, put = self.db, self.blobs, self.txn.put
        services = [event.of if isinstance(event, ServiceReset) else _service(event) for event, _, _, _ in happened]
        for service in services:
            if service not in self._marked:
                self._ready(service)
        seq = first = self._head + 1
        for service, (event, resource, account, region) in zip(services, happened, strict=True):
            record, chain, fields = codec.encode(event, time, account, region, resource, self._chain, blobs)
            key = _seq.pack(seq)
            put(key, record, db=db["events"], append=True)
            put(f"{service}\0{account}\0{region}".encode(), key, db=db["by_service"])
            self._head, self._chain = seq, chain
            projection = self.find(service)
            if projection is not None:
                cls: Any = type(event)
                on = Envelope(seq, cls.event_version, cls.event_type, time, account, region, resource, fields, chain)
                # the fold sees what a replay would see, not the object that the handler made
                projection.apply(cls.decode(fields), on, self.tables)
            seq += 1
        if call is not None:
            put(_seq.pack(first), pack_value(call(self._head), blobs), db=db["calls"], append=True)
        return self._head

    def _ready(self, service: str) -> None:
        """Make sure, once a transaction, that a service's tables may be folded on."""
        self.tables.require(service)
        projection = self.find(service)
        key = b"projection/" + service.encode()
        if projection is not None and self.txn.get(key, db=self.db["meta"]) is None:
            self.txn.put(key, _version(projection.version), db=self.db["meta"])
        self._marked.add(service)

    def append_stored(self, seq: int, record: bytes) -> None:
        """Append an event as another journal stored it (import, fork); nothing is folded. The chain must go on.

        Raises JournalDamaged where it does not.
        """
        if seq != self._head + 1:
            raise JournalDamaged(self._head + 1, "is missing")
        envelope = sound(seq, record, self._chain)
        key = _seq.pack(seq)
        self.txn.put(key, record, db=self.db["events"], append=True)
        index = f"{service_of(envelope, self.blobs)}\0{envelope.account}\0{envelope.region}".encode()
        self.txn.put(index, key, db=self.db["by_service"], dupdata=True)
        self._head, self._chain = seq, envelope.chain

    def append_stored_call(self, first_seq: int, record: bytes) -> None:
        """Append a call as another journal stored it."""
        self.txn.put(_seq.pack(first_seq), record, db=self.db["calls"], append=True)

    def set_cursor(self, name: str, seq: int) -> None:
        """Say that a subscription has handled everything up to `seq`."""
        self.txn.put(b"cursor/" + name.encode(), _seq.pack(seq), db=self.db["meta"])

    def start_subscriptions(self, seq: int) -> None:
        """Let every subscription begin after `seq`: what came before has had its effects elsewhere already."""
        with self.txn.cursor(db=self.db["meta"]) as cursor:
            more = cursor.set_range(b"cursor/")
            while more and cursor.key().startswith(b"cursor/"):
                cursor.delete()
                more = bool(cursor.key())
        self.set_meta("subscriptions", seq)

    def set_meta(self, key: str, value: Any) -> None:
        """Set a value of the stack's own records."""
        self.txn.put(key.encode(), pack(value), db=self.db["meta"])


class Journal:
    """One stack's journal, open in this process."""

    def __init__(
        self,
        path: str | Path,
        blobs: BlobStore,
        find: FindProjection,
        durability: Durability = "strict",
        readonly: bool = False,
        map_size: int = DEFAULT_MAP,
        wall: Callable[[], float] = time.time,
        pause: Callable[[float], None] = time.sleep,
        make: bool = True,
    ) -> None:
        """Open, or create unless `make` is False. `find` gives projections by service; `wall` is the only clock.

        Raises NewerFormat.
        """
        self.path = Path(path)
        self.blobs = blobs
        self.find = find
        self.wall = wall
        self.environment = Environment(path, durability, readonly, map_size, pause, make)
        try:
            with self.environment.reading() as txn:
                version = View(self, txn).meta("format")
            if version is None and not readonly:
                self.environment.transact(self._initialise)
            elif version is not None and version > FORMAT:
                raise NewerFormat(
                    f"{path} has journal format {version}; this Cairn reads up to {FORMAT}. Use a later Cairn."
                )
        except BaseException:
            self.environment.close()
            raise

    def _initialise(self, txn: lmdb.Transaction) -> None:
        if txn.get(b"format", db=self.environment.db["meta"]) is None:
            txn.put(b"format", pack(FORMAT), db=self.environment.db["meta"])
            txn.put(b"stack_id", pack(str(uuid.uuid4())), db=self.environment.db["meta"])
            cairn = self.find("cairn")
            if cairn is not None:  # asked for in every transaction, for the clock
                txn.put(b"projection/cairn", _version(cairn.version), db=self.environment.db["meta"])

    @contextlib.contextmanager
    def view(self) -> Iterator[View]:
        """A consistent snapshot for as long as the context lasts; keep it short while calls are served."""
        txn = self.environment.begin()
        try:
            yield View(self, txn)
        finally:
            self.environment.end(txn)

    def read(self, work: Callable[[View], T]) -> T:
        """Run `work` on a snapshot; what is stale is rebuilt first, and `work` run again.

        Raises StaleProjection where the journal is open for reading only.
        """
        while True:
            txn = self.environment.begin()
            try:
                return work(View(self, txn))
            except StaleProjection as stale:
                if self.environment.readonly:
                    raise
                service = stale.service
            finally:
                self.environment.end(txn)
            self.rebuild(service)

    def write(self, work: Callable[[Writer], T]) -> T:
        """Run `work` in one write transaction and commit; what is stale is rebuilt first. `work` may run again.

        Returns after the commit is as durable as the journal's durability says. Raises StorageFull.
        """
        while True:
            try:
                return self.environment.transact(lambda txn: work(Writer(self, txn)))
            except StaleProjection as stale:
                service = stale.service
            self.rebuild(service)

    def rebuild(self, service: str, progress: Callable[[int], None] | None = None) -> None:
        """Fold a service's whole history anew, in steps; safe to be killed, and to be done by several at once."""
        while not self.environment.transact(lambda txn: self._rebuild_step(Writer(self, txn), service, progress)):
            pass

    def _rebuild_step(self, writer: Writer, service: str, progress: Callable[[int], None] | None) -> bool:
        projection = self.find(service)
        if projection is None or writer.is_current(service):
            if projection is not None:
                writer.set_meta(f"projection/{service}", [projection.version])
            return True
        state = writer.meta(f"projection/{service}")
        done = state[1] if state and len(state) == 2 and state[0] == projection.version else None
        if done is None:
            # said in the same transaction as the first deletion: whoever is killed in the middle leaves no other version
            # of the code the impression that what is left of its tables is whole
            writer.set_meta(f"projection/{service}", [projection.version, _DROPPING])
            done = _DROPPING
        if done == _DROPPING:
            if _drop(writer, service):
                writer.set_meta(f"projection/{service}", [projection.version, writer.base()[0]])
            return False
        tables = Tables(writer.txn, writer.db["tables"], writer.blobs)
        count = 0
        known, before = 0, b""  # a seq and the chain that it goes on from
        for seq in writer.history(service, after=done):
            if count == REBUILD_STEP:
                break
            raw = writer.txn.get(_seq.pack(seq), db=writer.db["events"])
            if raw is None:
                raise JournalDamaged(seq, "is missing")
            on = sound(seq, raw, before if known == seq else writer.chain_before(seq))
            known, before = seq + 1, on.chain
            if service_of(on, writer.blobs) != service:
                raise JournalDamaged(seq, f"stands in the history of {service}, where it does not belong")
            projection.apply(on.event(writer.blobs), on, tables)
            done = seq
            count += 1
        if progress is not None:
            progress(count)
        finished = count < REBUILD_STEP
        writer.set_meta(f"projection/{service}", [projection.version] if finished else [projection.version, done])
        return finished

    def close(self) -> None:
        """Close the environment."""
        self.environment.close()


def _drop(writer: Writer, service: str, most: int = 50_000) -> bool:
    """Delete a service's rows, at most so many; tell whether all are gone."""
    left = most
    pending = [service.encode() + b"."]
    while pending:
        prefix = pending.pop()
        with writer.txn.cursor(db=writer.db["tables"]) as cursor:
            more = cursor.set_range(prefix)
            while more and cursor.key().startswith(prefix):
                if left == 0:
                    return False
                key = cursor.key()
                if len(key) == MAX_KEY:
                    child = child_node(key[:-1])
                    with writer.txn.cursor(db=writer.db["tables"]) as inner:
                        occupied = inner.set_range(child) and inner.key().startswith(child)
                    if occupied:
                        pending += [prefix, child]
                        break
                left -= 1
                cursor.delete()
                more = cursor.key().startswith(prefix) if cursor.key() else False
    return True


def _service(event: Event) -> str:
    return str(type(event).service)  # type: ignore[attr-defined]


def service_of(envelope: Envelope, blobs: BlobPort) -> str:
    """Return the service in whose history an event stands."""
    if envelope.type == RESET:
        of = envelope.fields(blobs)["of"]
        if not isinstance(of, str):
            raise TypeError(f"event {envelope.seq} resets {of!r}, which is no service")
        return of
    return envelope.service
