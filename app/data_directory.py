"""The data directory's lock and the note about who serves it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class DataDirectoryInUse(Exception):
    """Another server has the data directory; `pid` is its process, 0 where it could not be told."""

    def __init__(self, data: Path, pid: int) -> None:
        super().__init__(f"{data} is in use by another Cairn server (pid {pid})")
        self.data = data
        self.pid = pid


class DirectoryLock:
    """An flock on a file with our pid in it, held until released or until this process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = -1

    def acquire(self) -> bool:
        """Take the lock if it is free. Raises OSError where the file system has no locks."""
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        except OSError:
            os.close(file)
            raise
        with contextlib.suppress(OSError):  # always as long as before, so that even a full disk takes it
            os.pwrite(file, f"{os.getpid():<19}\n".encode(), 0)
        self._file = file
        return True

    def holder(self) -> int:
        """Return the pid in the file, 0 where there is none."""
        pid = 0
        for _ in range(20):  # its owner may be just about to write it over an earlier one's
            with contextlib.suppress(OSError, ValueError):
                pid = int(self.path.read_text())
                os.kill(pid, 0)
                break
            time.sleep(0.01)
        return pid  # not alive here where its owner is in another container

    def forget(self) -> None:
        """Close a forked child's copy, which would hold the lock beyond its owner's end. It stays locked."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def release(self) -> None:
        """Give the lock back. The pid stays in the file, where it means nothing without the lock."""
        self.forget()


def prepare(data: Path) -> None:
    """Make the data directory, for its owner's eyes only, where it is not there yet."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    (data / "run").mkdir(mode=0o700, exist_ok=True)


@contextlib.contextmanager
def locked(data: Path) -> Iterator[DirectoryLock]:
    """Hold the data directory. Raises DataDirectoryInUse."""
    lock = DirectoryLock(data / "cairn.lock")
    if not lock.acquire():
        raise DataDirectoryInUse(data, lock.holder())
    try:
        yield lock
    finally:
        lock.release()


def server_file(data: Path) -> Path:
    """Return where a running server describes itself."""
    return data / "run" / "server.json"


def announce(data: Path, addresses: list[str]) -> None:
    """Write who serves the directory, and where."""
    path = server_file(data)
    note: dict[str, Any] = {
        "pid": os.getpid(),
        "addresses": addresses,
        "started": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    temporary = path.with_name(f"server.json.{os.getpid()}")
    temporary.write_text(json.dumps(note) + "\n")
    temporary.rename(path)


def withdraw(data: Path) -> None:
    """Remove our note."""
    with contextlib.suppress(OSError):
        server_file(data).unlink()
