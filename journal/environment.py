"""One LMDB environment: opening, durability, transactions, and a map that grows by itself.

The map is a reservation of address space, not memory or disk. It begins large; where it is outgrown it is doubled, once
no transaction of this process is open, and other processes follow when they meet the larger file.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar

import lmdb

T = TypeVar("T")
Durability = Literal["strict", "relaxed", "memory"]

DEFAULT_MAP = 64 << 30
SMALLEST_MAP = 1 << 20
DATABASES = ("events", "calls", "by_service", "tables", "meta")
MAX_READERS = 1022
_UNSAFE = {
    "nfs": "NFS", "nfs4": "NFS", "cifs": "SMB", "smb3": "SMB", "smbfs": "SMB", "9p": "9p", "vboxsf": "VirtualBox",
    "fuse.sshfs": "sshfs", "fuse.grpcfuse": "Docker Desktop's gRPC FUSE", "fuse.osxfs": "Docker Desktop's osxfs",
    "fakeowner": "Docker Desktop", "virtiofs": "virtiofs",
}  # fmt: skip


class StorageFull(Exception):
    """The disk (or the quota) has no room for a commit. Nothing of it was kept."""


class Environment:
    """An LMDB environment with the journal's databases. A process opens each environment once, after any fork()."""

    def __init__(
        self,
        path: str | Path,
        durability: Durability = "strict",
        readonly: bool = False,
        map_size: int = DEFAULT_MAP,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Open, and create unless `readonly`. `pause` waits for some seconds (a server gives a cooperative one)."""
        self.path = str(path)
        self.readonly = readonly
        self.durability = durability
        self._pause = pause
        self._active: set[int] = set()  # open read transactions by id(); set operations are atomic
        self._growing = False
        self._env = self._open(map_size)
        self._env.reader_check()
        self.db: dict[str, Any] = {}
        if readonly:
            for name in DATABASES:
                self.db[name] = self._env.open_db(name.encode(), create=False, **_shape(name))
        else:
            for name in DATABASES:
                self.db[name] = self._env.open_db(name.encode(), **_shape(name))

    def _open(self, map_size: int) -> lmdb.Environment:
        if not self.readonly:
            os.makedirs(self.path, mode=0o700, exist_ok=True)
        while True:
            try:
                return lmdb.open(
                    self.path,
                    map_size=map_size,
                    max_dbs=len(DATABASES),
                    max_readers=MAX_READERS,
                    readonly=self.readonly,
                    create=not self.readonly,
                    sync=self.durability == "strict",
                    readahead=False,
                    max_spare_txns=8,
                )
            except (lmdb.MemoryError, MemoryError):
                if map_size <= SMALLEST_MAP:
                    raise
                map_size //= 4  # a limit on address space (ulimit -v, some containers)

    @contextlib.contextmanager
    def reading(self) -> Iterator[lmdb.Transaction]:
        """A read transaction: a consistent snapshot, without a lock."""
        txn = self.begin()
        try:
            yield txn
        finally:
            self.end(txn)

    def begin(self) -> lmdb.Transaction:
        """Begin a read transaction that end() must end: the same as reading(), for the hot path."""
        while True:
            while self._growing:
                self._pause(0.001)
            try:
                txn = self._env.begin()
            except lmdb.MapResizedError:
                self._resize(0)
                continue
            except lmdb.ReadersFullError:
                self._env.reader_check()
                txn = self._env.begin()
            self._active.add(id(txn))
            return txn

    def end(self, txn: lmdb.Transaction) -> None:
        """End a read transaction."""
        self._active.discard(id(txn))
        txn.abort()

    def transact(self, work: Callable[[lmdb.Transaction], T]) -> T:
        """Run `work` in a write transaction and commit it; whatever it raises aborts it.

        `work` may be run again from the start, when the map had to grow. Raises StorageFull, or lmdb.Error.
        """
        while True:
            try:
                txn = self._env.begin(write=True)
            except lmdb.MapResizedError:
                self._resize(0)
                continue
            try:
                result = work(txn)
                txn.commit()
                return result
            except lmdb.MapFullError:
                txn.abort()
                self._resize(self._env.info()["map_size"] * 2)
            except (lmdb.DiskError, lmdb.Error) as error:
                txn.abort()
                if _is_full(error):
                    raise StorageFull(f"no space left for {self.path}") from error
                raise
            except BaseException:
                txn.abort()
                raise

    def _resize(self, size: int) -> None:
        """Set the map's size (0: what another process made it) once this process has no transaction open."""
        while self._growing:
            self._pause(0.001)
        self._growing = True
        try:
            while self._active:
                self._pause(0.0005)
            self._env.set_mapsize(size)
        finally:
            self._growing = False

    def sync(self) -> None:
        """Force what was committed without a flush to the disk."""
        if not self.readonly:
            self._env.sync(True)

    def copy(self, path: str | Path, compact: bool = True) -> None:
        """Copy a consistent snapshot of the whole environment to an empty folder."""
        self._env.copy(str(path), compact=compact)

    def info(self) -> dict[str, int]:
        """Return the size of the map, the size in use (bytes), and readers."""
        info, stat = self._env.info(), self._env.stat()
        used = (info["last_pgno"] + 1) * stat["psize"]
        return {"map_size": info["map_size"], "used": used, "readers": info["num_readers"]}

    def check_readers(self) -> int:
        """Clear the slots of killed readers; return how many."""
        return int(self._env.reader_check())

    def close(self) -> None:
        """Close; nothing may use the environment afterwards."""
        self._env.close()


def _shape(name: str) -> dict[str, bool]:
    return {"dupsort": True, "dupfixed": True} if name == "by_service" else {}


def _is_full(error: Exception) -> bool:
    text = str(error)
    return "No space left" in text or "Disk quota exceeded" in text or "ENOSPC" in text


def file_system_warning(path: str | Path, mounts: str | None = None) -> str | None:
    """Return a warning with advice where the file system under `path` is not safe for shared memory maps, else None.

    `mounts`: the text of /proc/self/mountinfo, for tests. Where that file does not exist nothing is said.
    """
    if mounts is None:
        try:
            mounts = Path("/proc/self/mountinfo").read_text()
        except OSError:
            return None
    where = os.path.realpath(path)
    best, kind = "", ""
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        fields, after = left.split(), right.split()
        if len(fields) < 5 or not after:
            continue
        point = fields[4].replace("\\040", " ")
        inside = where == point or where.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, after[0]
    name = _UNSAFE.get(kind)
    if name is None:
        return None
    return (
        f"{where} lies on {name} (mounted at {best}), where shared memory maps and file locks are not reliable: the journal "
        "could be damaged. Use a local disk or a named Docker volume instead of this mount, and move the state with "
        "`cairn snapshot export` and `cairn snapshot import`."
    )
