"""One LMDB environment: opening, durability, transactions, and a map that grows by itself.

The map is a reservation of address space, not memory or disk. It begins large; where it is outgrown it is doubled, once
no transaction of this process is open, and other processes follow when they meet the larger file. So one thread or
greenlet must not begin a transaction while it has another of the same environment open.
"""

from __future__ import annotations

import contextlib
import gc
import os
import re
import threading
import time
from collections import deque
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
LOCK_FILE_SIZE = 64 * 1024  # what LMDB makes of so many readers
PATIENCE = 30.0  # seconds to wait for this process's transactions to end
_UNSAFE = {
    "nfs": "NFS", "nfs4": "NFS", "cifs": "SMB", "smb3": "SMB", "smbfs": "SMB", "smb2": "SMB", "9p": "9p", "afs": "AFS",
    "vboxsf": "VirtualBox", "fuse.vmhgfs-fuse": "VMware", "vmhgfs": "VMware", "prl_fs": "Parallels", "drvfs": "WSL 1",
    "fuse.sshfs": "sshfs", "fuse.rclone": "rclone", "fuse.s3fs": "s3fs", "fuse.gcsfuse": "gcsfuse",
    "fuse.grpcfuse": "Docker Desktop's gRPC FUSE", "fuse.osxfs": "Docker Desktop's osxfs", "osxfs": "Docker Desktop's osxfs",
    "fakeowner": "Docker Desktop", "virtiofs": "virtiofs", "glusterfs": "GlusterFS", "fuse.glusterfs": "GlusterFS",
}  # fmt: skip
_OCTAL = re.compile(r"\\([0-7]{3})")  # how mountinfo writes blanks, tabs, line ends and backslashes


class StorageFull(Exception):
    """The disk (or the quota) has no room for a commit. Nothing of it was kept."""


class Closed(Exception):
    """The environment was closed: its stack was deleted or replaced, or the process stops."""


class Environment:
    """An LMDB environment with the journal's databases. A process opens each environment once, after any fork()."""

    def __init__(
        self,
        path: str | Path,
        durability: Durability = "strict",
        readonly: bool = False,
        map_size: int = DEFAULT_MAP,
        pause: Callable[[float], None] = time.sleep,
        make: bool = True,
    ) -> None:
        """Open, and create unless `readonly`. `pause` waits for some seconds (a server gives a cooperative one). Without
        `make` the folder must be there: nothing comes back that somebody deletes just now."""
        self.path = str(path)
        self.readonly = readonly
        self.durability = durability
        self._pause = pause
        # Marks of this process's transactions: one while it begins, then id(txn). Set and deque operations are atomic.
        self._active: set[object] = set()
        self._turnstile: deque[None] = deque((None,))  # whoever holds the one item may change the map
        self._halted = False  # the map is being changed: begin nothing
        self._closed = False
        self._writing_thread = 0
        if not readonly:
            if make:
                os.makedirs(self.path, mode=0o700, exist_ok=True)
            _reserve_lock_file(f"{self.path}/lock.mdb")
        self._env = self._open(map_size, make and not readonly)
        self.db: dict[str, Any] = {}
        try:
            self._env.reader_check()
            for name in DATABASES:
                self.db[name] = self._database(name)
        except BaseException:
            self._env.close()  # a damaged file; left open, it could not be opened again to say what is wrong
            raise

    def _database(self, name: str) -> Any:
        while True:
            try:
                return self._env.open_db(name.encode(), create=not self.readonly, **_shape(name))
            except lmdb.MapResizedError:  # others let it grow since we opened it
                self._env.set_mapsize(0)
            except lmdb.MapFullError:
                self._env.set_mapsize(self._env.info()["map_size"] * 2)

    def _open(self, map_size: int, make: bool) -> lmdb.Environment:
        while True:
            try:
                return lmdb.open(
                    self.path,
                    map_size=map_size,
                    max_dbs=len(DATABASES),
                    max_readers=MAX_READERS,
                    readonly=self.readonly,
                    create=make,
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
        mark = object()
        while True:
            self._enter(mark)
            try:
                txn = self._env.begin()
            except lmdb.MapResizedError:
                self._active.discard(mark)
                self._resize(0)
                continue
            except lmdb.ReadersFullError:
                try:
                    gc.collect()  # a transaction's slot is free only once the object is gone, and cycles keep objects
                    self._env.reader_check()
                    txn = self._env.begin()
                except BaseException:
                    self._active.discard(mark)
                    raise
            except BaseException:
                self._active.discard(mark)
                raise
            self._active.add(id(txn))
            self._active.discard(mark)
            return txn

    def end(self, txn: lmdb.Transaction) -> None:
        """End a read transaction."""
        mark = object()  # once aborted, the object and its id may be another's
        self._active.add(mark)
        self._active.discard(id(txn))
        txn.abort()
        self._active.discard(mark)

    def _enter(self, mark: object) -> None:
        """Say that a transaction begins, as soon as the map may be used. Raises Closed."""
        self._active.add(mark)  # before looking: whoever changes the map either sees this mark or is seen
        while self._halted or self._closed:
            self._active.discard(mark)
            if self._closed:
                raise Closed(f"{self.path} was closed")
            self._pause(0.001)
            self._active.add(mark)

    def transact(self, work: Callable[[lmdb.Transaction], T]) -> T:
        """Run `work` in a write transaction and commit it; whatever it raises aborts it.

        `work` may be run again from the start, when the map had to grow. Raises StorageFull, Closed or lmdb.Error, and
        RuntimeError where this thread is in a write transaction already (waiting for itself, it would wait for ever).
        """
        while True:
            mark = object()
            self._enter(mark)
            size = -1
            try:
                return self._transact(work)
            except lmdb.MapResizedError:
                size = 0
            except lmdb.MapFullError:
                size = self._env.info()["map_size"] * 2
            except lmdb.Error as error:
                if _is_full(error):
                    raise StorageFull(f"no space left for {self.path}") from error
                raise
            finally:
                self._active.discard(mark)
            self._resize(size)

    def _transact(self, work: Callable[[lmdb.Transaction], T]) -> T:
        thread = threading.get_native_id()  # get_ident tells greenlets apart where gevent has patched it
        if self._writing_thread == thread:
            raise RuntimeError(f"{self.path}: this thread is in a write transaction already")
        txn = self._env.begin(write=True)
        self._writing_thread = thread
        try:
            result = work(txn)
            self._writing_thread = 0
            txn.commit()
            return result
        except BaseException:
            self._writing_thread = 0
            txn.abort()
            raise

    def _resize(self, size: int) -> None:
        """Set the map's size (0: what another process made it) once this process has no transaction open."""
        with self._alone():
            self._env.set_mapsize(size)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Wait until no transaction of this process is open, and let none begin meanwhile. Raises TimeoutError."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self._turnstile.pop()
                break
            except IndexError:
                self._pause(0.001)
        self._halted = True
        try:
            while self._active:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{self.path}: a transaction of this process does not end")
                self._pause(0.0005)
            if self._closed:
                raise Closed(f"{self.path} was closed")
            yield
        finally:
            self._halted = False
            self._turnstile.append(None)

    def sync(self) -> None:
        """Force what was committed without a flush to the disk."""
        if not self.readonly:
            self._env.sync(True)

    def copy(self, path: str | Path) -> None:
        """Copy a consistent snapshot of the whole environment to an empty folder, page by page. Raises StorageFull.

        Not compacted: LMDB 0.9.36's compacting copy crashes the process where a database is `dupfixed`, as by_service is.
        """
        mark = object()
        self._enter(mark)
        try:
            self._env.copy(str(path))
        except lmdb.Error as error:
            if _is_full(error):
                raise StorageFull(f"no space left for {path}") from error
            raise
        finally:
            self._active.discard(mark)

    def info(self) -> dict[str, int]:
        """Return the size of the map, the size in use (bytes), and readers."""
        info, stat = self._env.info(), self._env.stat()
        used = (info["last_pgno"] + 1) * stat["psize"]
        return {"map_size": info["map_size"], "used": used, "readers": info["num_readers"]}

    def check_readers(self) -> int:
        """Clear the slots of killed readers; return how many."""
        return int(self._env.reader_check())

    def close(self) -> None:
        """Close, once this process's transactions have ended; what begins afterwards raises Closed."""
        if self._closed:
            return
        try:
            with self._alone():
                self._closed = True
                self._env.close()
        except TimeoutError:
            self._closed = True  # somebody still reads: the file is let go of with the last transaction


def _reserve_lock_file(path: str) -> None:
    """Give a new environment's lock file its disk space, before LMDB opens it.

    LMDB makes it as a hole and maps it into memory. On a full disk the first touch of a page without space would be a
    SIGBUS, which no process survives. A file that exists is not touched: closing it would drop LMDB's own lock on it.
    """
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError:
        return
    try:
        with contextlib.suppress(OSError, AttributeError):
            os.posix_fallocate(file, 0, LOCK_FILE_SIZE)
    finally:
        os.close(file)


def _shape(name: str) -> dict[str, bool]:
    return {"dupsort": True, "dupfixed": True} if name == "by_service" else {}


def _is_full(error: Exception) -> bool:
    if isinstance(error, lmdb.DiskError):
        return True
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
        point = _OCTAL.sub(lambda found: chr(int(found[1], 8)), fields[4])
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
