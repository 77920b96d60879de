"""The stacks of a data directory: `<data>/stacks/<name>/`, sharing `<data>/blobs/`."""

from __future__ import annotations

import os
import re
import shutil
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from journal.blobs import BlobStore, sync_folder
from journal.environment import DEFAULT_MAP, Durability
from journal.log import Journal, View, Writer
from journal.projection import FindProjection

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
        self.blobs = BlobStore(self.data / "blobs", durable) if offload is None else BlobStore(self.data / "blobs", durable, offload)
        self._open: dict[str, tuple[int, Journal]] = {}
        if not readonly:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)

    def names(self) -> list[str]:
        """Return the names of all stacks, sorted."""
        if not self.root.is_dir():
            return []
        return sorted(entry.name for entry in self.root.iterdir() if (entry / "data.mdb").exists() and _NAME.match(entry.name))

    def folder(self, name: str) -> Path:
        """Return a stack's folder. Raises BadName."""
        if not _NAME.match(name):
            raise BadName(f"{name!r} is no name for a stack: use letters, digits, '_', '.', '-', at most 63")
        return self.root / name

    def get(self, name: str = MAIN) -> Journal:
        """Return a stack's journal; `main` is created at first use. Raises NoSuchStack, BadName.

        A stack that another process deleted or replaced meanwhile is noticed by its file's identity.
        """
        known = self._open.get(name)
        try:
            inode = os.stat(f"{self.root}/{name}/data.mdb").st_ino
        except OSError:
            inode = 0
        if known is not None and known[0] == inode:
            return known[1]
        folder = self.folder(name)
        if known is not None:
            del self._open[name]
            known[1].close()
        if not inode and (name != MAIN or self._options["readonly"]):
            raise NoSuchStack(f"there is no stack {name!r}")
        journal = Journal(folder, self.blobs, self.find, **self._options)
        self._open[name] = (os.stat(folder / "data.mdb").st_ino, journal)
        return journal

    def create(self, name: str) -> Journal:
        """Make an empty stack. Raises StackExists, BadName."""
        folder = self.folder(name)
        if folder.exists():
            raise StackExists(f"there is a stack {name!r} already")
        staging = self._staging()
        Journal(staging, self.blobs, self.find, **self._options).close()
        self._settle(staging, folder)
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
            if at is not None and at != head:
                cause = view.cause_of(at) if at > 0 else None
                if at > head or at < 0:
                    raise ValueError(f"{source} has events 1 to {head}; there is no {at}")
                if cause is not None and cause[1].last > at:
                    raise ValueError(f"{at} lies inside a command that ends at {cause[1].last}")
        staging = self._staging()
        if at is None or at == head:
            staging.mkdir(mode=0o700)
            parent.environment.copy(staging)
            child = Journal(staging, self.blobs, self.find, **self._options)
        else:
            child = Journal(staging, self.blobs, self.find, **self._options)
            copy_history(parent, child, at)
        child.write(lambda writer: _adopt(writer, parent, source))
        child.close()
        self._settle(staging, folder)
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
        """Put a journal made in a staging folder in a stack's place; processes that have the old one open notice."""
        folder = self.folder(name)
        known = self._open.pop(name, None)
        if known is not None:
            known[1].close()
        if folder.exists():
            trash = self._staging()
            folder.rename(trash)
            self._settle(staging, folder)
            shutil.rmtree(trash, ignore_errors=True)
        else:
            self._settle(staging, folder)

    def stage(self) -> tuple[Path, Journal]:
        """Return a new journal in a staging folder, to be filled and then handed to replace()."""
        staging = self._staging()
        return staging, Journal(staging, self.blobs, self.find, **self._options)

    def _staging(self) -> Path:
        return self.root / f"~{uuid.uuid4().hex}"  # no stack's name begins so

    def _settle(self, staging: Path, folder: Path) -> None:
        staging.rename(folder)
        sync_folder(self.root)

    def close(self) -> None:
        """Close all journals."""
        for _, journal in self._open.values():
            journal.close()
        self._open.clear()


def _adopt(writer: Writer, parent: Journal, source: str) -> None:
    head = writer.head()[0]
    writer.set_meta("lineage", {"parent": source, "parent_id": parent.read(lambda view: view.meta("stack_id")), "seq": head})
    writer.set_meta("stack_id", str(uuid.uuid4()))
    writer.start_subscriptions(head)


def copy_history(source: Journal, target: Journal, last: int | None, progress: Callable[[int], None] | None = None) -> int:
    """Copy events and calls up to `last` into an empty journal, in steps; the tables are folded when first read.

    Returns the last seq copied.
    """
    done = 0
    while True:
        with source.view() as view:

            def step(writer: Writer, view: View = view) -> int:
                count, seq = 0, writer.head()[0]
                end = last if last is not None else view.head()[0]
                for seq, record in view.records(seq + 1, min(end, seq + _COPY_STEP)):
                    writer.append_stored(seq, record)
                    count += 1
                if count:
                    for first, record in view.call_records(seq - count + 1, seq):
                        writer.append_stored_call(first, record)
                return count

            count = target.write(step)
        done += count
        if progress is not None:
            progress(count)
        if count == 0:
            return done
