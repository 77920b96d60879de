"""Snapshots: a stack's history as one file that can be imported anywhere.

A snapshot holds events, calls and every blob they refer to; tables are folded from it again. Both ways it streams: memory
stays flat whatever the stack's size. A file is checked wholly before anything is changed, and then read into a staging
stack, which takes its name only when it is whole.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

import lmdb
import msgspec

from journal import events as codec
from journal.archive_file import (
    BLOB,
    CALL,
    CHUNK,
    EVENT,
    OPTIONAL,
    ArchiveReader,
    ArchiveWriter,
    BadArchive,
    Header,
    Payload,
)
from journal.blobs import BlobCorrupt, BlobStore, sync_folder
from journal.environment import StorageFull
from journal.events import TYPES, Envelope
from journal.log import Journal, JournalDamaged, NewerFormat, View, Writer, service_of, sound
from journal.seen import SeenBlobs
from journal.stacks import StackExists, Stacks, check_cut
from journal.tables import MAX_KEY
from journal.values import Blob, ext_hook, references

__all__ = ["BadArchive", "Summary", "check", "export", "import_", "inspect"]

_STEP, _STEP_BYTES = 5_000, 16 << 20  # what is read or appended in one transaction
_SERVICE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z")
_SPARE = 64 << 20  # bytes that an import leaves free on the disk

Progress = Callable[[int], None]


class Summary(NamedTuple):
    """What a snapshot holds."""

    format: int
    created: float  # seconds since the epoch, UTC
    stack_id: str  # of the stack it was made from
    lineage: dict[str, Any] | None
    last: int  # the seq it ends at
    events: int
    calls: int
    blobs: int
    blob_bytes: int
    content_bytes: int  # of all records, uncompressed
    file_bytes: int
    services: dict[str, int] | None = None  # events by service; only where all was read


# --- out


def export(
    journal: Journal, file: str | Path | BinaryIO, at: int | None = None, progress: Progress | None = None
) -> Summary:
    """Write a stack's history up to `at` (its head by default) to a file, which appears only when it is whole.

    `progress` is told how many events were written. Raises ValueError where `at` lies beyond the head or inside a command,
    JournalDamaged and BlobCorrupt where what should be written is damaged, OSError (disk full).
    """
    if not isinstance(file, str | Path):
        return _export(journal, file, at, progress)
    target = Path(file)
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        with temporary.open("xb") as out:
            summary = _export(journal, out, at, progress)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(target.parent)
    return summary


def _export(journal: Journal, out: BinaryIO, at: int | None, progress: Progress | None) -> Summary:
    with journal.view() as view:
        last = view.head()[0] if at is None else at
        check_cut(view, last)
        base, chain = view.base()
        if base:
            raise ValueError(f"the history up to event {base} was folded away: a snapshot of it would not be whole")
        end = view.event(last)
        header = Header(
            journal.wall(), str(view.meta("stack_id")), (base, chain), last, end.chain if end else chain, view.meta("lineage")
        )  # fmt: skip
    writer = ArchiveWriter(out, header)
    services: dict[str, int] = {}
    with SeenBlobs() as seen:
        after = 0
        while after < last:
            with journal.view() as view:
                step = list(_step(view, after, last, chain))
            for kind, seq, record, service in step:
                for blob in references(record):
                    if seen.add(blob):
                        writer.blob(blob.sha256, blob.size, _contents(journal.blobs, blob))
                writer.record(kind, seq, record)
                if kind == EVENT:
                    after, chain = seq, codec.chain_of(record)
                    services[service] = services.get(service, 0) + 1
            if progress is not None:
                progress(sum(kind == EVENT for kind, _, _, _ in step))
    trailer = writer.finish()
    return _summary(header, trailer, out.tell() if out.seekable() else 0, services)


def _step(view: View, after: int, last: int, chain: bytes) -> Iterator[tuple[int, int, bytes, str]]:
    """Yield some events after `after`, each after the call that caused it if it is a command's first."""
    size = count = 0
    expected = after + 1
    for seq, record in view.records(after + 1, last):
        if seq != expected:
            break
        on = sound(seq, record, chain)
        chain = on.chain
        call = view.call_record(seq)
        if call is not None:
            yield CALL, seq, call, ""
        yield EVENT, seq, record, service_of(on, view.blobs)
        expected += 1
        count += 1
        size += len(record) + len(call or b"")
        if count == _STEP or size > _STEP_BYTES:
            break
    if not count:
        raise JournalDamaged(expected, "is missing")


def _contents(blobs: BlobStore, blob: Blob) -> Iterator[bytes]:
    digest, size = sha256(), 0
    try:
        with open(blobs.path(blob), "rb") as file:
            while piece := file.read(CHUNK):
                digest.update(piece)
                size += len(piece)
                if size > blob.size:
                    break
                yield piece
    except OSError as error:
        raise BlobCorrupt(f"blob {blob.sha256} cannot be read: {error.strerror}") from error
    if size != blob.size or digest.hexdigest() != blob.sha256:
        raise BlobCorrupt(f"blob {blob.sha256} does not have its hash any more")


# --- in


def inspect(file: str | Path | BinaryIO) -> Summary:
    """Tell what a snapshot says it holds, its digest checked. Raises BadArchive, NewerFormat, OSError."""
    with _opened(file) as archive:
        archive.check_digest()
        return _summary(archive.header, archive.trailer, archive.size, None)


def check(file: str | Path | BinaryIO, progress: Progress | None = None) -> Summary:
    """Check every record, chain and hash of a snapshot. Raises BadArchive, NewerFormat, OSError.

    `progress` is told how many events were read.
    """
    with _opened(file) as archive:
        archive.check_digest()
        return _walk(archive, _Ignore(), progress)


def import_(
    stacks: Stacks, file: str | Path | BinaryIO, name: str, replace: bool = False, progress: Progress | None = None
) -> Summary:
    """Make a stack of a snapshot; with `replace`, in the place of the one that has the name.

    The file is read twice: first to check all of it, then to import it; `progress` is told of events both times.
    Subscriptions begin at the stack's head: what already had its effects does not have them again. Raises BadArchive,
    NewerFormat, StackExists, BadName, StorageFull, OSError; then nothing has changed.
    """
    if stacks.folder(name).exists() and not replace:
        raise StackExists(f"there is a stack {name!r} already")
    with _opened(file) as archive:
        archive.check_digest()
        free = shutil.disk_usage(stacks.data).free
        if archive.trailer.content + _SPARE > free:
            raise StorageFull(f"the snapshot needs {archive.trailer.content} bytes; {stacks.data} has {free} left")
        _walk(archive, _Known(stacks), progress)
        staging, journal = stacks.stage()
        try:
            fill = _Fill(journal)
            summary = _walk(archive, fill, progress)
            fill.flush()
            _adopt(journal, archive.header)
            journal.close()
            if replace:
                stacks.replace(name, staging)
            else:
                stacks.settle(name, staging)
        except BaseException as error:
            journal.close()
            stacks.discard(staging)
            if isinstance(error, lmdb.Error):
                raise BadArchive(f"the snapshot holds what no journal takes: {error}") from error
            raise
    return summary


def _adopt(journal: Journal, header: Header) -> None:
    def adopt(writer: Writer) -> None:
        head = writer.head()[0]
        writer.set_meta("lineage", {"parent": None, "parent_id": header.stack_id, "seq": head})
        writer.start_subscriptions(head)

    journal.write(adopt)


@contextlib.contextmanager
def _opened(file: str | Path | BinaryIO) -> Iterator[ArchiveReader]:
    if isinstance(file, str | Path):
        with open(file, "rb") as opened:
            yield ArchiveReader(opened)
    else:
        yield ArchiveReader(file)


def _summary(header: Header, trailer: Any, size: int, services: dict[str, int] | None) -> Summary:
    return Summary(
        1, header.created, header.stack_id, header.lineage, header.last, trailer.events, trailer.calls, trailer.blobs,
        trailer.blob_bytes, trailer.content, size, services,
    )  # fmt: skip


# --- what a snapshot's records must be


class Sink(Protocol):
    """What becomes of a snapshot's records, each of which has been checked."""

    def blob(self, blob: Blob, pieces: Iterator[bytes]) -> None:
        """A blob; the pieces raise BadArchive at their end unless they have the hash."""

    def event(self, on: Envelope, record: bytes) -> None:
        """An event, in order."""

    def call(self, first: int, record: bytes) -> None:
        """The call whose first event comes next."""


class _Ignore:
    def blob(self, blob: Blob, pieces: Iterator[bytes]) -> None:
        for _ in pieces:
            pass

    def event(self, on: Envelope, record: bytes) -> None:
        pass

    def call(self, first: int, record: bytes) -> None:
        pass


class _Known(_Ignore):
    """Refuses events of later versions than this code knows."""

    def __init__(self, stacks: Stacks) -> None:
        self._find = stacks.find

    def event(self, on: Envelope, record: bytes) -> None:
        self._find(on.service)  # imports the module that declares the service's events
        known: Any = TYPES.get(on.type)
        if known is not None and on.version > known.event_version:
            raise NewerFormat(f"event {on.seq} ({on.type} version {on.version}) was written by a later Cairn")


class _Fill:
    """Puts everything into a journal, in steps."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._events: list[tuple[int, bytes]] = []
        self._calls: list[tuple[int, bytes]] = []
        self._size = 0

    def blob(self, blob: Blob, pieces: Iterator[bytes]) -> None:
        blobs = self._journal.blobs
        try:
            blobs.verify(blob)
        except BlobCorrupt:  # missing, or damaged here: the snapshot has it whole
            with blobs.writer(hashing=False) as writer:
                for piece in pieces:
                    writer.write(piece)
                writer.finish(blob)
        else:
            for _ in pieces:
                pass

    def event(self, on: Envelope, record: bytes) -> None:
        self._events.append((on.seq, record))
        self._size += len(record)
        if len(self._events) >= _STEP or self._size > _STEP_BYTES:
            self.flush()

    def call(self, first: int, record: bytes) -> None:
        self._calls.append((first, record))
        self._size += len(record)

    def flush(self) -> None:
        """Append what was gathered."""

        def step(writer: Writer) -> None:
            for seq, record in self._events:
                writer.append_stored(seq, record)
            for first, record in self._calls:
                writer.append_stored_call(first, record)

        self._journal.write(step)
        self._events, self._calls, self._size = [], [], 0


class _Walk:
    """Checks one record after the other, and what they are together."""

    def __init__(self, archive: ArchiveReader, sink: Sink, seen: SeenBlobs) -> None:
        self._archive = archive
        self._sink = sink
        self._seen = seen
        self._after, self._chain = archive.header.base
        self._call = self._call_end = 0
        self.services: dict[str, int] = {}
        self.counts = {EVENT: 0, CALL: 0, BLOB: 0}
        self.blob_bytes = 0

    def take(self, kind: int, payload: Payload) -> None:
        """Check a record and hand it on."""
        if kind in self.counts:
            self.counts[kind] += 1
        if kind == BLOB:
            self._take_blob(payload)
        elif kind in (EVENT, CALL):
            seq = int.from_bytes(payload.exactly(8), "big")
            record = payload.rest()
            self._check_references(seq, record)
            if kind == EVENT:
                self._take_event(seq, record)
            else:
                self._take_call(seq, record)
        elif kind == 0:
            raise BadArchive("the snapshot has records of no kind")
        elif kind < OPTIONAL:
            raise NewerFormat(f"the snapshot has records of kind {kind}, which this Cairn does not know")

    def _take_blob(self, payload: Payload) -> None:
        digest = payload.exactly(32)
        blob = Blob(digest.hex(), payload.left)
        if not self._seen.add(blob):
            raise BadArchive(f"the snapshot has blob {blob.sha256} twice")
        self.blob_bytes += blob.size
        self._sink.blob(blob, _checked(blob, payload))
        if payload.left:
            raise BadArchive(f"blob {blob.sha256} of the snapshot was not read")

    def _take_event(self, seq: int, record: bytes) -> None:
        if seq != self._after + 1 or seq > self._archive.header.last:
            raise BadArchive(f"event {self._after + 1} of the snapshot is missing")
        if record[-18:-16] != b"\xc4\x10":
            raise BadArchive(f"event {seq} of the snapshot has no chain")
        on = sound(seq, record, self._chain)
        service = service_of(on, _NoBlobs())
        key = f"{service}\0{on.account}\0{on.region}".encode()
        if not _SERVICE.match(service) or len(key) > MAX_KEY or key.count(b"\0") != 2:
            raise BadArchive(f"event {seq} of the snapshot belongs to no service, account and region")
        self.services[service] = self.services.get(service, 0) + 1
        self._after, self._chain = seq, on.chain
        self._sink.event(on, record)

    def _take_call(self, first: int, record: bytes) -> None:
        last = _last_of(record)
        if first != self._after + 1 or first <= self._call_end or not first <= last <= self._archive.header.last:
            raise BadArchive(f"the call at {first} of the snapshot claims events up to {last}, which are not its own")
        self._call, self._call_end = first, last
        self._sink.call(first, record)

    def _check_references(self, seq: int, record: bytes) -> None:
        for blob in references(record):
            if self._seen.size(blob) != blob.size:
                raise BadArchive(f"record {seq} of the snapshot refers to blob {blob.sha256}, which is not there")

    def end(self) -> None:
        """Check what only the whole shows."""
        header, trailer, counts = self._archive.header, self._archive.trailer, self.counts
        told = (trailer.events, trailer.calls, trailer.blobs, trailer.blob_bytes)
        if told != (counts[EVENT], counts[CALL], counts[BLOB], self.blob_bytes):
            raise BadArchive("the snapshot does not hold what its end says")
        if self._after != header.last or self._chain != header.chain:
            raise BadArchive(f"the snapshot ends at event {self._after}, not at {header.last}")
        if self._call > self._after:
            raise BadArchive(f"the call at {self._call} of the snapshot has no events")


class _NoBlobs:
    def put(self, data: bytes) -> Blob:
        raise NotImplementedError

    def read(self, blob: Blob) -> bytes:
        raise BadArchive("an event names its service in a blob")


def _checked(blob: Blob, payload: Payload) -> Iterator[bytes]:
    digest = sha256()
    for piece in payload.pieces():
        digest.update(piece)
        yield piece
    if digest.hexdigest() != blob.sha256:
        raise BadArchive(f"blob {blob.sha256} of the snapshot does not have its hash")


def _last_of(record: bytes) -> int:
    """Return the last seq that a stored call claims, without what it spilled."""
    body = record[1:] if record[:1] == b"\xc1" else record
    fields = msgspec.msgpack.Decoder(ext_hook=ext_hook).decode(body)
    if not isinstance(fields, list) or len(fields) < 15 or type(fields[14]) is not int:
        raise BadArchive("a call of the snapshot cannot be read")
    return fields[14]


def _walk(archive: ArchiveReader, sink: Sink, progress: Progress | None) -> Summary:
    header = archive.header
    if header.base != (0, codec.NO_CHAIN) or header.last < 0:
        raise BadArchive("the snapshot does not begin where a history begins")
    told = 0
    with SeenBlobs() as seen:
        walk = _Walk(archive, sink, seen)
        try:
            for kind, payload in archive.records():
                walk.take(kind, payload)
                if progress is not None and walk.counts[EVENT] >= told + _STEP:
                    progress(walk.counts[EVENT] - told)
                    told = walk.counts[EVENT]
        except (msgspec.MsgspecError, JournalDamaged, UnicodeError, KeyError, TypeError, RecursionError) as error:
            raise BadArchive(f"a record of the snapshot cannot be read: {error}") from error
        walk.end()
    if progress is not None:
        progress(walk.counts[EVENT] - told)
    return _summary(header, archive.trailer, archive.size, walk.services)
