"""The stacks of a data directory: `<data>/stacks/<name>/`, sharing `<data>/blobs/`.

What is made or thrown away lies in folders whose names begin with `~`, and is renamed when it is whole: a stack is there
entirely or not at all, whenever this process is killed.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from journal.blobs import BlobStore, sync_folder
from journal.environment import DEFAULT_MAP, Durability
from journal.log import Journal, View, Writer
from journal.projection import FindProjection
from journal.swap import swap

MAIN = "main"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}\Z")
_COPY_STEP = 5_000


class NoSuchStack(LookupError):
    """No stack of that name exists."""


class StackExists(ValueError):
    """A stack of that name exists already."""


class BadName(ValueError):
    """A stack's name has other characters than letters, digits, `_`, `.`, `-`, or is too long."""


class Stacks:
    """All stacks of a data directory. Journals are opened at first use and kept open."""

    def __init__(
        self,
        data: str | Path,
        find: FindProjection,
        durability: Durability = "strict",
        readonly: bool = False,
        map_size: int = DEFAULT_MAP,
        wall: Callable[[], float] = time.time,
        pause: Callable[[float], None] = time.sleep,
        offload: Callable[[Callable[[], object]], object] | None = None,
    ) -> None:
        """`find`, `wall`, `pause` and `offload` as Journal and BlobStore take them."""
        self.data = Path(data)
        self.root = self.data / "stacks"
        self._options: dict[str, Any] = {
            "durability": durability, "readonly": readonly, "map_size": map_size, "wall": wall, "pause": pause,
        }  # fmt: skip
        self.find = find
        durable = durability == "strict"
        self.blobs = (
            BlobStore(self.data / "blobs", durable)
            if offload is None
            else BlobStore(self.data / "blobs", durable, offload)
        )
        self._open: dict[str, tuple[int, Journal]] = {}
        if not readonly:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)

    def names(self) -> list[str]:
        """Return the names of all stacks, sorted."""
        if not self.root.is_dir():
            return []
        return sorted(
            entry.name for entry in self.root.iterdir() if (entry / "data.mdb").exists() and _NAME.match(entry.name)
        )

    def folder(self, name: str) -> Path:
        """Return a stack's folder. Raises BadName."""
        if not _NAME.match(name):
            raise BadName(f"{name!r} is no name for a stack: use letters, digits, '_', '.', '-', at most 63")
        return self.root / name

    def get(self, name: str = MAIN) -> Journal:
        """Return a stack's journal; `main` is created at first use. Raises NoSuchStack, BadName.

        A stack that another process deleted or replaced meanwhile is noticed by its file's identity.
        """
        while True:
            known = self._open.get(name)
            inode = self._inode(name)
            if known is not None and known[0] == inode:
                return known[1]
            folder = self.folder(name)
            if known is not None:
                del self._open[name]
                known[1].close()
            if not inode and (name != MAIN or self._options["readonly"]):
                raise NoSuchStack(f"there is no stack {name!r}")
            try:
                journal = Journal(folder, self.blobs, self.find, make=not inode, **self._options)
            except Exception:
                if self._inode(name) == inode:
                    raise
                continue  # deleted or replaced in this very moment: look again
            opened = self._inode(name)
            if inode in (0, opened):
                self._open[name] = (opened, journal)
                return journal
            journal.close()  # replaced in this very moment: what we opened may be the old one

    def opened(self, name: str) -> Journal | None:
        """Return a stack's journal if this process has it open, without looking whether it is still there."""
        known = self._open.get(name)
        return None if known is None else known[1]

    def _inode(self, name: str) -> int:
        """Return the identity of a stack's file, 0 where there is none."""
        try:
            return os.stat(f"{self.root}/{name}/data.mdb").st_ino
        except (OSError, ValueError):  # ValueError: a NUL in the name
            return 0

    def create(self, name: str) -> Journal:
        """Make an empty stack. Raises StackExists, BadName."""
        folder = self.folder(name)
        if folder.exists():
            raise StackExists(f"there is a stack {name!r} already")
        staging = self._staging()
        with self._discarding(staging):
            Journal(staging, self.blobs, self.find, **self._options).close()
            self.settle(name, staging)
        return self.get(name)

    def fork(self, name: str, source: str = MAIN, at: int | None = None) -> Journal:
        """Make a stack that shares `source`'s history up to `at` (its head by default).

        Subscriptions of the fork begin at its head: what already had its effects does not have them again.
        Raises StackExists, NoSuchStack, BadName, ValueError where `at` lies beyond the head or inside a command.
        """
        folder = self.folder(name)
        if folder.exists():
            raise StackExists(f"there is a stack {name!r} already")
        parent = self.get(source)
        with parent.view() as view:
            head = view.head()[0]
            if at is not None:
                check_cut(view, at)
        staging = self._staging()
        with self._discarding(staging):
            if at is None or at == head:
                staging.mkdir(mode=0o700)
                parent.environment.copy(staging)
                child = Journal(staging, self.blobs, self.find, **self._options)
            else:
                child = Journal(staging, self.blobs, self.find, **self._options)
                try:
                    copy_history(parent, child, at)
                except BaseException:
                    child.close()
                    raise
            _adopt(child, parent, source)
            child.close()
            self.settle(name, staging)
        return self.get(name)

    def delete(self, name: str) -> None:
        """Delete a stack. Its blobs stay until they are collected. Raises NoSuchStack."""
        folder = self.folder(name)
        known = self._open.pop(name, None)
        if known is not None:
            known[1].close()
        trash = self._staging()
        try:
            folder.rename(trash)
        except FileNotFoundError:
            raise NoSuchStack(f"there is no stack {name!r}") from None
        shutil.rmtree(trash, ignore_errors=True)

    def replace(self, name: str, staging: Path) -> None:
        """Put a journal made in a staging folder, and closed, in a stack's place; processes that have the old one open
        notice. Where there is no such stack it is made."""
        folder = self.folder(name)
        if not folder.exists():
            self.settle(name, staging)
            return
        known = self._open.pop(name, None)
        if known is not None:
            known[1].close()
        swap(staging, folder)
        sync_folder(self.root)
        shutil.rmtree(staging, ignore_errors=True)

    def stage(self) -> tuple[Path, Journal]:
        """Return a new journal in a staging folder, to be filled, closed, and handed to settle(), replace() or discard()."""
        staging = self._staging()
        return staging, Journal(staging, self.blobs, self.find, **self._options)

    def settle(self, name: str, staging: Path) -> None:
        """Give a journal made in a staging folder, and closed, a name that no stack has. Raises StackExists, BadName."""
        folder = self.folder(name)
        try:
            staging.rename(folder)
        except OSError as error:
            if folder.exists():
                raise StackExists(f"there is a stack {name!r} already") from error
            raise
        sync_folder(self.root)

    def discard(self, staging: Path) -> None:
        """Delete a staging folder."""
        shutil.rmtree(staging, ignore_errors=True)

    def sweep(self, older_than: float = 24 * 3600.0) -> int:
        """Delete what killed processes left behind: staging folders and blobs' temporary files. Returns how many."""
        swept = 0
        for entry in self.root.glob("~*"):
            with contextlib.suppress(FileNotFoundError):
                newest = max(path.stat().st_mtime for path in [entry, *entry.iterdir()])
                if time.time() - newest > older_than:
                    self.discard(entry)
                    swept += 1
        return swept + self.blobs.sweep(older_than)

    @contextlib.contextmanager
    def _discarding(self, staging: Path) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.discard(staging)
            raise

    def _staging(self) -> Path:
        return self.root / f"~{uuid.uuid4().hex}"  # no stack's name begins so

    def close(self) -> None:
        """Close all journals."""
        for _, journal in self._open.values():
            journal.close()
        self._open.clear()


def check_cut(view: View, at: int) -> None:
    """Raise ValueError unless history can end at `at`: not beyond the head, nor inside a command."""
    base, head = view.base()[0], view.head()[0]
    if not base <= at <= head:
        raise ValueError(f"there are events {base + 1} to {head}; there is no {at}")
    cause = view.cause_of(at) if at > base else None
    if cause is not None and cause[1].last > at:
        raise ValueError(f"{at} lies inside a command that ends at {cause[1].last}")


def _adopt(child: Journal, parent: Journal, source: str) -> None:
    with parent.view() as view:
        parent_id = view.meta("stack_id")

    def adopt(writer: Writer) -> None:
        head = writer.head()[0]
        writer.set_meta("lineage", {"parent": source, "parent_id": parent_id, "seq": head})
        writer.set_meta("stack_id", str(uuid.uuid4()))
        writer.start_subscriptions(head)

    child.write(adopt)


def copy_history(
    source: Journal, target: Journal, last: int | None, progress: Callable[[int], None] | None = None
) -> int:
    """Copy events and calls up to `last` into an empty journal, in steps; the tables are folded when first read.

    Returns how many events were copied. Raises JournalDamaged at an event that does not have its chain.
    """
    done = 0
    while True:
        with source.view() as view:
            count = copy_step(view, target, last)
        done += count
        if progress is not None:
            progress(count)
        if count == 0:
            return done


def copy_step(view: View, target: Journal, last: int | None) -> int:
    """Copy some more events and their calls from a snapshot; return how many events: 0 when all up to `last` are there."""

    def step(writer: Writer) -> int:
        count, after = 0, writer.head()[0]
        end = view.head()[0] if last is None else last
        for seq, record in view.records(after + 1, min(end, after + _COPY_STEP)):
            writer.append_stored(seq, record)
            count += 1
        if count:
            for first, record in view.call_records(after + 1, after + count):
                writer.append_stored_call(first, record)
        return count

    return target.write(step)
