"""A set of blobs that may outgrow memory: which ones were met already, and with what size."""

from __future__ import annotations

import shutil
import tempfile
from types import TracebackType

import lmdb

from journal.values import Blob

IN_MEMORY = 50_000  # blobs, some 10 MB; more go to a temporary file
_BATCH = 5_000


class SeenBlobs:
    """A context manager; what went to disk is gone with it."""

    def __init__(self, in_memory: int = IN_MEMORY) -> None:
        self._most = in_memory
        self._recent: dict[bytes, int] = {}
        self._folder = ""
        self._env: lmdb.Environment | None = None

    def __enter__(self) -> SeenBlobs:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._env is not None:
            self._env.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    def add(self, blob: Blob) -> bool:
        """Note a blob; tell whether it is new."""
        if self.size(blob) is not None:
            return False
        self._recent[bytes.fromhex(blob.sha256)] = blob.size
        if len(self._recent) > self._most:
            self._move_out()
        return True

    def size(self, blob: Blob) -> int | None:
        """Return the size with which a blob's hash was noted, or None."""
        key = bytes.fromhex(blob.sha256)
        size = self._recent.get(key)
        if size is None and self._env is not None:
            with self._env.begin() as txn:
                raw = txn.get(key)
            return None if raw is None else int.from_bytes(raw, "big")
        return size

    def _move_out(self) -> None:
        if self._env is None:
            self._folder = tempfile.mkdtemp(prefix="cairn-seen-")
            self._env = lmdb.open(self._folder, map_size=1 << 36, sync=False, lock=False)
        with self._env.begin(write=True) as txn:
            for key, size in self._recent.items():
                txn.put(key, size.to_bytes(8, "big"))
        self._recent.clear()
        self._most = min(self._most, _BATCH)
