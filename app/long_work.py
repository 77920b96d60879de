"""Long work on a stack: verify, replay, import, export. Whoever asks is told of it line by line.

The command line runs it in its own process. A server runs it as a process of its own (`main`), so that neither hashing
nor a long transaction is felt by the calls it serves. A line is a dictionary with one key: `progress`, `problem`,
`difference`, `done` or `error`.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal

import lmdb
import orjson

import projections
from app.history import plain
from journal import Journal, JournalDamaged, NewerFormat, StorageFull
from journal.stacks import NoSuchStack, Stacks

Line = dict[str, Any]
Tell = Callable[[Line], None]

_BETWEEN = 0.1  # seconds between two lines of progress
_MOST_TOLD = 1_000  # problems or differences told one by one; the rest is only counted
# What a caller has got wrong, or a disk: told, not raised.
FAILURES = (LookupError, ValueError, OSError, NewerFormat, JournalDamaged, StorageFull, lmdb.Error)


class _Progress:
    """Turns counts of things done into lines, not too many of them."""

    def __init__(self, tell: Tell, total: int | None, unit: str) -> None:
        self._tell = tell
        self._total = total
        self._unit = unit
        self._told = 0.0
        self.done = 0

    def __call__(self, count: int) -> None:
        self.done += count
        now = time.monotonic()
        if now - self._told >= _BETWEEN:
            self._told = now
            total = self._total if self._total is None else max(self._total, self.done)
            self._tell({"progress": {"done": self.done, "total": total, "unit": self._unit}})


@contextmanager
def opened(data: Path, durability: str = "strict", readonly: bool = True) -> Iterator[Stacks]:
    """The stacks of a data directory, for as long as the context lasts."""
    stacks = Stacks(data, projections.find, durability, readonly)  # type: ignore[arg-type]
    try:
        yield stacks
    finally:
        stacks.close()


def verify(stacks: Stacks, stack: str, tell: Tell, blobs: bool = True) -> None:
    """Check the file, the chain, the calls, the indexes and the blobs of a stack; tell every problem."""
    from journal.verify import verify_stack

    if not (stacks.folder(stack) / "data.mdb").exists():
        raise NoSuchStack(f"there is no stack {stack!r}")
    events, records = _sizes(stacks, stack)
    progress = _Progress(tell, records, "records")
    count = 0
    for problem in verify_stack(stacks, stack, blobs, progress):
        count += 1
        if count <= _MOST_TOLD:
            tell({"problem": {**problem._asdict(), "message": str(problem)}})
    tell({"done": {"stack": stack, "events": events, "records": progress.done, "problems": count}})


def _sizes(stacks: Stacks, stack: str) -> tuple[int | None, int | None]:
    """Return the number of events and of all records; None where the stack is too damaged to tell."""
    try:
        with stacks.get(stack).view() as view:
            sizes = [view.txn.stat(view.db[name])["entries"] for name in ("events", "calls", "tables")]
            return view.head()[0], sum(sizes)
    except (lmdb.Error, JournalDamaged, ValueError):
        return None, None


def replay(stacks: Stacks, stack: str, tell: Tell) -> None:
    """Fold a stack's events anew into a scratch stack, and tell every row that comes out otherwise.

    Tables that nobody has read since an import or a fork are not folded yet: there is nothing to compare, which is told.
    """
    from journal.replay import compare

    journal = stacks.get(stack)
    with journal.view() as view:
        head = view.head()[0]
        unread = [service for service in view.services() if not view.is_current(service)]
    progress = _Progress(tell, 2 * head, "events copied and folded")
    began, count = time.monotonic(), 0
    with tempfile.TemporaryDirectory(prefix="cairn-replay-", dir=_scratch(stacks.data)) as scratch:
        for difference in compare(journal, Path(scratch) / "stack", stacks.blobs, progress):
            if difference.table.partition(".")[0] in unread:
                continue
            count += 1
            if count <= _MOST_TOLD:
                told = {
                    "table": difference.table, "key": plain(difference.key), "live": plain(difference.live),
                    "replayed": plain(difference.replayed),
                }  # fmt: skip
                tell({"difference": told})
    seconds = round(time.monotonic() - began, 3)
    tell({"done": {"stack": stack, "events": head, "differences": count, "unread": unread, "seconds": seconds}})


def _scratch(data: Path) -> Path | None:
    """Return where a scratch stack goes: beside the stacks, which have room for it, or where temporary files go."""
    return data if os.access(data, os.W_OK) else None


def export(stacks: Stacks, stack: str, file: BinaryIO, tell: Tell, at: int | None = None) -> None:
    """Write a stack's snapshot to a file, up to a seq where one is given."""
    from journal import archive

    journal = stacks.get(stack)
    head = _head(journal) if at is None else at
    archive.export(journal, file, at=at, progress=_Progress(tell, head, "events"))
    tell({"done": {"stack": stack, "events": head}})


def import_(stacks: Stacks, file: BinaryIO, stack: str, tell: Tell, replace: bool = False) -> None:
    """Check a snapshot wholly, then make a stack of it. One that holds something is replaced only where that is asked."""
    from journal import archive
    from journal.archive_file import ArchiveReader

    total = 2 * ArchiveReader(file).header.last  # checked first, then taken
    file.seek(0)
    replace = replace or (stack in stacks.names() and _head(stacks.get(stack)) == 0)
    summary = archive.import_(stacks, file, stack, replace, _Progress(tell, total, "events checked and taken"))
    tell({"done": {"stack": stack, "events": summary.events, "blobs": summary.blobs, "services": summary.services}})


def _head(journal: Journal) -> int:
    with journal.view() as view:
        return view.head()[0]


def complaint(error: Exception) -> Line:
    """Return the line that tells of a failure."""
    words = error.args[0] if error.args and isinstance(error, LookupError) else error  # a KeyError's text has quotes
    return {"error": {"code": type(error).__name__, "message": str(words)}}


def command(
    kind: Literal["verify", "replay", "import", "export"], data: Path, stack: str, *more: str
) -> tuple[list[str], dict[str, str]]:
    """Return the command, and its environment, that does long work in a process of its own."""
    root = str(Path(__file__).resolve().parent.parent)
    source = f"import sys; sys.path.insert(0, {root!r}); from app.long_work import main; main()"
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return [sys.executable, "-P", "-c", source, kind, str(data), stack, *more], environment


def main() -> None:
    """`verify|replay|import|export DATA STACK …`: lines on standard output, of export on standard error."""
    kind, data, stack, *more = sys.argv[1:]
    out = sys.stderr.buffer if kind == "export" else sys.stdout.buffer

    def tell(line: Line) -> None:
        if kind == "export" and "error" not in line:
            return  # nobody reads it while the snapshot flows
        out.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        out.flush()

    durability = os.environ.get("CAIRN_DURABILITY") or "strict"
    try:
        with opened(Path(data), durability, readonly=kind != "import") as stacks:
            if kind == "verify":
                verify(stacks, stack, tell, blobs=more != ["no-blobs"])
            elif kind == "replay":
                replay(stacks, stack, tell)
            elif kind == "import":
                with open(more[0], "rb") as file:
                    import_(stacks, file, stack, tell, replace=more[1:] == ["replace"])
            else:
                export(stacks, stack, sys.stdout.buffer, tell, int(more[0]) if more else None)
    except BrokenPipeError:
        os._exit(1)  # whoever asked has gone
    except FAILURES as error:
        tell(complaint(error))
        sys.exit(1)
