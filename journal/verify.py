"""Verifying a stack: that everything the journal can tell about itself is still true.

In this order: the pages of the LMDB file are sound (walked without LMDB, which does not survive every damage); every event
has its chain and its place in its service's history; the calls' ranges fit; the tables can be read; every blob that
anything refers to is there and has its hash. Works on a stack that is being served: it reads short snapshots.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import lmdb
import msgspec
from lmdb import verify as pages

from journal import events as codec
from journal import keys
from journal.blobs import BlobCorrupt
from journal.log import Journal, View, service_of
from journal.seen import SeenBlobs
from journal.stacks import Stacks
from journal.tables import LINK, MAX_KEY
from journal.values import Blob, references

_STEP = 5_000  # events, calls or rows read in one snapshot
_END = b"\xc4\x10"  # what stands between a record's bytes and its chain
_ATTEMPTS = 3

Progress = Callable[[int], None]


class Problem(NamedTuple):
    """One thing that is wrong. `kind`: store, event, call, index, table, meta or blob; `where`: a seq, hash, page or name."""

    kind: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind} {self.where}: {self.what}" if self.where else f"{self.kind}: {self.what}"


def verify(journal: Journal, blobs: bool = True, progress: Progress | None = None) -> Iterator[Problem]:
    """Yield all that is wrong with a stack; nothing where it is whole.

    `blobs`: also read every blob that is referred to (the slow part). `progress` is told how many records were read.
    """
    damaged = False
    for problem in verify_store(journal):
        damaged = True
        yield problem
    if damaged:
        yield from _apart(journal, blobs)
    else:
        yield from verify_records(journal, blobs, progress)


def verify_stack(stacks: Stacks, name: str, blobs: bool = True, progress: Progress | None = None) -> Iterator[Problem]:
    """Verify a stack by name, also one whose file is damaged so that it cannot be opened. Raises NoSuchStack, BadName."""
    folder = stacks.folder(name)
    try:
        journal = stacks.get(name) if not _broken(folder) else None
    except (lmdb.Error, msgspec.DecodeError) as error:
        yield Problem("store", "", f"the journal cannot be opened: {error}")
        return
    if journal is not None:
        yield from verify(journal, blobs, progress)
        return
    for what in _page_problems(folder):
        yield Problem("store", "", what)


def _broken(folder: Path) -> bool:
    """Tell whether a file is so damaged that it is better not opened. A file that is being written may look so once."""
    return (folder / "data.mdb").exists() and all(_page_problems(folder) for _ in range(_ATTEMPTS))


# --- the file


def verify_store(journal: Journal) -> Iterator[Problem]:
    """Yield what is wrong with the pages of the stack's file."""
    folder = Path(journal.path)
    problems: list[str] = []
    for _ in range(_ATTEMPTS):
        problems = _page_problems(folder)
        if not problems:
            return
    # It may only look so, because others write meanwhile: a copy stands still.
    with tempfile.TemporaryDirectory(prefix="cairn-verify-") as copy:
        journal.environment.copy(copy)
        problems = _page_problems(Path(copy))
    for problem in problems:
        yield Problem("store", "", problem)


def _page_problems(folder: Path) -> list[str]:
    try:
        return list(pages.verify(str(folder / "data.mdb")))
    except pages.VerifyError as error:
        return [str(error)]


def _apart(journal: Journal, blobs: bool) -> Iterator[Problem]:
    """Verify the records in a process of its own: reading damaged pages can end it."""
    root = Path(__file__).parent.parent
    program = (
        f"import sys; sys.path.insert(0, {str(root)!r}); from journal.verify import _tell; "
        f"_tell({str(journal.path)!r}, {journal.blobs.root!r}, {blobs})"
    )
    done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, check=False)
    for line in done.stdout.splitlines():
        try:
            yield Problem(*json.loads(line))
        except (ValueError, TypeError):
            continue
    if done.returncode != 0:
        yield Problem("store", "", "the damage ends whatever process reads the records behind it")


def _tell(path: str, blobs_root: str, blobs: bool) -> None:
    """Verify the records of a stack and print each problem as a line of JSON: what _apart() runs."""
    from journal.blobs import BlobStore

    journal = Journal(path, BlobStore(blobs_root), lambda service: None, readonly=True)
    for problem in verify_records(journal, blobs):
        print(json.dumps(list(problem)), flush=True)


# --- events, calls, index, tables, blobs


def verify_records(journal: Journal, blobs: bool = True, progress: Progress | None = None) -> Iterator[Problem]:
    """Yield what is wrong with the stack's records, the pages being sound."""
    with SeenBlobs() as seen:
        for part in (_events, _calls, _tables):
            for found in _surviving(part(journal, progress)):
                if isinstance(found, Problem):
                    yield found
                elif blobs:
                    blob, owner = found
                    if seen.add(blob):
                        yield from _blob(journal, blob, owner)
        yield from (found for found in _surviving(_meta(journal)) if isinstance(found, Problem))


Found = Problem | tuple[Blob, str]  # a problem, or a reference to a blob and who refers


def _surviving(found: Iterator[Found]) -> Iterator[Found]:
    """Report what LMDB raises instead of raising it."""
    try:
        yield from found
    except (lmdb.Error, ValueError) as error:
        yield Problem("store", "", f"reading failed: {error}")


def _events(journal: Journal, progress: Progress | None) -> Iterator[Found]:
    with journal.view() as view:
        after: int
        chain: bytes | None
        after, chain = view.base()
    last = after
    while True:
        count, more = 0, False
        found: list[Found] = []
        with journal.view() as view:
            for seq, record in view.records(after + 1):
                if count == _STEP:
                    more = True
                    break
                if seq != after + 1:
                    missing = f"{after + 1}" if seq == after + 2 else f"{after + 1} to {seq - 1}"
                    found.append(Problem("event", missing, "missing from the journal"))
                    chain = None
                found += _event(view, seq, record, chain)
                chain = codec.chain_of(record)
                after = last = seq
                count += 1
            if not more:
                found += _index(view, last)
        yield from found
        if progress is not None:
            progress(count)
        if not more:
            return


def _event(view: View, seq: int, record: bytes, before: bytes | None) -> Iterator[Found]:
    where = str(seq)
    whole = len(record) > 18 and record[-18:-16] == _END
    if not whole or (before is not None and codec.chain_after(before, codec.body_of(record)) != codec.chain_of(record)):
        yield Problem("event", where, "it, or the one before, was changed: it does not have its chain")
    try:
        on = codec.decode(seq, record)
        yield from ((blob, f"event {seq}") for blob in references(record))
        service = service_of(on, view.blobs)
    except (msgspec.MsgspecError, ValueError, KeyError, TypeError, BlobCorrupt) as error:
        yield Problem("event", where, f"cannot be read: {error}")
        return
    key = f"{service}\0{on.account}\0{on.region}".encode()
    with view.txn.cursor(db=view.db["by_service"]) as cursor:
        if not cursor.set_key_dup(key, seq.to_bytes(8, "big")):
            yield Problem("index", where, f"the event is missing from the history of {service}")


def _index(view: View, last: int) -> Iterator[Found]:
    """Compare numbers; only where they differ, look for what is too much in the histories."""
    if view.txn.stat(view.db["by_service"])["entries"] == view.txn.stat(view.db["events"])["entries"]:
        return
    with view.txn.cursor(db=view.db["by_service"]) as cursor:
        for key, raw in cursor:
            seq = int.from_bytes(raw, "big")
            record = view.txn.get(raw, db=view.db["events"])
            name = key.replace(b"\0", b" ").decode("utf-8", "replace")
            if record is None:
                yield Problem("index", str(seq), f"the history of {name} has an event that does not exist")
                continue
            try:
                on = codec.decode(seq, record)
                right = f"{service_of(on, view.blobs)}\0{on.account}\0{on.region}".encode()
            except (msgspec.MsgspecError, ValueError, KeyError, TypeError, BlobCorrupt):
                continue  # told already
            if key != right:
                yield Problem("index", str(seq), f"the event stands in the history of {name}, where it does not belong")


def _calls(journal: Journal, progress: Progress | None) -> Iterator[Found]:
    after = ended = 0
    while True:
        count = 0
        found: list[Found] = []
        with journal.view() as view:
            base, head = view.base()[0], view.head()[0]
            for first, record in view.call_records(after + 1):
                if count == _STEP:
                    break
                count += 1
                after = first
                where = str(first)
                try:
                    call = view.call(first)
                    found += ((blob, f"the call at {first}") for blob in references(record))
                except (msgspec.MsgspecError, ValueError, TypeError, BlobCorrupt) as error:
                    found.append(Problem("call", where, f"cannot be read: {error}"))
                    continue
                assert call is not None
                if not first <= call.last <= head or first <= base:
                    found.append(
                        Problem("call", where, f"claims events {first} to {call.last}, of {base + 1} to {head}")
                    )
                elif first <= ended:
                    found.append(Problem("call", where, f"claims event {first}, which belongs to the call before"))
                ended = max(ended, min(call.last, head))
        yield from found
        if progress is not None:
            progress(count)
        if count < _STEP:
            return


def _tables(journal: Journal, progress: Progress | None) -> Iterator[Found]:
    after = b""
    while True:
        count = 0
        found: list[Found] = []
        with journal.view() as view, view.txn.cursor(db=view.db["tables"]) as cursor:
            more = cursor.set_range(after + b"\0") if after else cursor.first()
            while more and count < _STEP:
                after = cursor.key()
                found += _row(after, cursor.value())
                count += 1
                more = cursor.next()
        yield from found
        if progress is not None:
            progress(count)
        if not more:
            return


def _row(key: bytes, packed: bytes) -> Iterator[Found]:
    name = key.partition(b"\0")[0].decode("utf-8", "replace") if key[:1] != b"\xff" else "a table (long keys)"
    if len(key) == MAX_KEY:
        if packed or key[-1:] != LINK:
            yield Problem("table", name, "a link has another form: rebuild the tables")
        return
    try:
        yield from ((blob, name) for blob in references(packed))
        if key[:1] != b"\xff":
            keys.decode(key.partition(b"\0")[2])
    except (msgspec.MsgspecError, ValueError, TypeError, IndexError) as error:
        yield Problem("table", name, f"a row cannot be read ({error}): rebuild the tables")


def _blob(journal: Journal, blob: Blob, owner: str) -> Iterator[Problem]:
    try:
        journal.blobs.verify(blob)
    except BlobCorrupt as error:
        yield Problem("blob", blob.sha256, f"{error.args[0]}; {owner} refers to it")


def _meta(journal: Journal) -> Iterator[Found]:
    with journal.view() as view, view.txn.cursor(db=view.db["meta"]) as cursor:
        head = view.head()[0]
        for key, raw in cursor:
            name = key.decode("utf-8", "replace")
            if name.startswith("cursor/"):
                if len(raw) != 8 or int.from_bytes(raw, "big") > head:
                    yield Problem("meta", name, f"the subscription stands beyond event {head}, the last there is")
                continue
            try:
                value: Any = msgspec.msgpack.decode(raw)
            except msgspec.DecodeError as error:
                yield Problem("meta", name, f"cannot be read: {error}")
                continue
            if name.startswith("projection/") and not (isinstance(value, list) and 1 <= len(value) <= 2):
                yield Problem("meta", name, f"says {value!r}, which means nothing")
