"""The blob store: immutable byte strings under their SHA-256, shared by all stacks of a data directory."""

from __future__ import annotations

import contextlib
import copy
import os
import tempfile
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from journal.values import Blob

T = TypeVar("T")
K = TypeVar("K")
CHUNK = 1024 * 1024
_REMEMBERED = 10_000  # how many files a process remembers as checked, or as made durable
_FRESH = 3600.0  # a file younger than this may be another writer's, not yet durable: sync its folder again


class BlobCorrupt(OSError):
    """A blob's file is missing, cut short, or no longer has its hash."""


def _here(work: Callable[[], T]) -> T:
    return work()


def _note(known: OrderedDict[K, None], key: K) -> None:
    """Remember a key, and forget the oldest where there are too many."""
    known[key] = None
    while len(known) > _REMEMBERED:
        with contextlib.suppress(KeyError):  # another thread may have been faster
            known.popitem(last=False)


def sync_folder(path: str | Path) -> None:
    """Make renames into a folder durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


class BlobStore:
    """Blobs under `root`. Writing is atomic and, where `durable`, on disk before `put` or `finish` returns."""

    def __init__(
        self, root: str | Path, durable: bool = True, offload: Callable[[Callable[[], object]], object] = _here
    ) -> None:
        """`offload` runs a function that may block for long; a server gives one that uses a thread."""
        self.root = str(root)
        self.durable = durable
        self.offload = offload
        self._checked: OrderedDict[tuple[str, int, int], None] = OrderedDict()
        self._settled: OrderedDict[str, None] = OrderedDict()  # hashes of blobs that this process made durable
        self._inline = self
        if offload is not _here:
            self._inline = copy.copy(self)
            self._inline.offload = _here
            self._inline._inline = self._inline
        os.makedirs(os.path.join(self.root, "tmp"), mode=0o700, exist_ok=True)

    def inline(self) -> BlobStore:
        """Return the same store without `offload`: for use inside a write transaction, which must not give way."""
        return self._inline

    def path(self, blob: Blob) -> str:
        """Return the path of a blob's file."""
        return f"{self.root}/{blob.sha256[:2]}/{blob.sha256[2:]}"

    def put(self, data: bytes) -> Blob:
        """Store bytes; a blob that is there already is not written again."""
        blob = Blob(sha256(data).hexdigest(), len(data))
        if not self._present(blob):
            with self.writer(hashing=False) as writer:
                writer.write(data)
                writer.finish(blob)
            _note(self._settled, blob.sha256)
        return blob

    def writer(self, hashing: bool = True) -> BlobWriter:
        """Begin a blob whose bytes come piece by piece. With `hashing` false, finish() must be told its identity."""
        return BlobWriter(self, hashing)

    def read(self, blob: Blob) -> bytes:
        """Return a blob's bytes, checked against its hash. Raises BlobCorrupt."""
        try:
            data = Path(self.path(blob)).read_bytes()
        except OSError as error:
            raise BlobCorrupt(f"blob {blob.sha256} cannot be read: {error.strerror}") from error
        if len(data) != blob.size or sha256(data).hexdigest() != blob.sha256:
            raise BlobCorrupt(f"blob {blob.sha256} does not have its hash any more")
        return data

    def check(self, blob: Blob) -> None:
        """Raise BlobCorrupt unless the file has its hash; done once per file, inode and change time in a process."""
        try:
            stat = os.stat(self.path(blob))
        except OSError as error:
            raise BlobCorrupt(f"blob {blob.sha256} cannot be read: {error.strerror}") from error
        key = (blob.sha256, stat.st_ino, stat.st_ctime_ns)
        if key not in self._checked:
            if blob.size > CHUNK:
                self.offload(lambda: self.verify(blob))
            else:
                self.verify(blob)
            _note(self._checked, key)

    def verify(self, blob: Blob) -> None:
        """Read the file, whatever was found before. Raises BlobCorrupt unless it has its size and hash."""
        path = self.path(blob)
        try:
            size = os.stat(path).st_size
            if size != blob.size:
                raise BlobCorrupt(f"blob {blob.sha256} has {size} bytes instead of {blob.size}")
            found = digest_of(path)
        except BlobCorrupt:
            raise
        except OSError as error:
            raise BlobCorrupt(f"blob {blob.sha256} cannot be read: {error.strerror}") from error
        if found != blob.sha256:
            raise BlobCorrupt(f"blob {blob.sha256} does not have its hash any more")

    def _present(self, blob: Blob) -> bool:
        path = self.path(blob)
        try:
            stat = os.stat(path)
        except FileNotFoundError:
            return False
        if stat.st_size != blob.size:
            return False
        if time.time() - stat.st_mtime > _FRESH:
            os.utime(path)  # a collector spares what was wanted lately
        elif self.durable and blob.sha256 not in self._settled:
            sync_folder(os.path.dirname(path))
        if blob.sha256 in self._settled:
            return True
        try:
            self.check(blob)
        except BlobCorrupt:
            return False  # written anew, it is whole again
        _note(self._settled, blob.sha256)
        return True

    def every(self) -> Iterator[Blob]:
        """Yield all blobs there are, in the order of their hashes."""
        for first in sorted(os.listdir(self.root)):
            if len(first) == 2:
                for rest in sorted(os.listdir(f"{self.root}/{first}")):
                    yield Blob(first + rest, os.stat(f"{self.root}/{first}/{rest}").st_size)

    def sweep(self, older_than: float = 24 * 3600.0) -> int:
        """Delete temporary files that a killed writer left behind; return how many."""
        swept, folder = 0, os.path.join(self.root, "tmp")
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            with contextlib.suppress(FileNotFoundError):
                if time.time() - os.stat(path).st_mtime > older_than:
                    os.unlink(path)
                    swept += 1
        return swept


class BlobWriter:
    """A blob being written. Nothing is visible until finish(); leaving the context without it aborts."""

    def __init__(self, store: BlobStore, hashing: bool) -> None:
        self._store = store
        fd, self._temporary = tempfile.mkstemp(dir=os.path.join(store.root, "tmp"))
        self._file = os.fdopen(fd, "wb", buffering=0)
        self._hash = sha256() if hashing else None
        self.size = 0
        self._open = True

    def __enter__(self) -> BlobWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._open:
            self.abort()

    def write(self, data: bytes) -> None:
        """Add bytes. Raises OSError (disk full), after which only abort() is of use."""
        if self._hash is not None:
            self._hash.update(data)
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]
        self.size += len(data)

    def finish(self, blob: Blob | None = None) -> Blob:
        """Make the blob durable and visible; return its reference."""
        if blob is None:
            assert self._hash is not None
            blob = Blob(self._hash.hexdigest(), self.size)
        target = self._store.path(blob)
        if self._store.durable:
            self._store.offload(lambda: self._settle(target))
        else:
            self._settle(target)  # no flush: quicker than handing it to a thread
        self._open = False
        return blob

    def _settle(self, target: str) -> None:
        folder = os.path.dirname(target)
        if self._store.durable:
            os.fsync(self._file.fileno())
        self._file.close()
        try:
            os.rename(self._temporary, target)
        except FileNotFoundError:
            os.makedirs(folder, mode=0o700, exist_ok=True)
            if self._store.durable:
                sync_folder(self._store.root)
            os.rename(self._temporary, target)
        if self._store.durable:
            sync_folder(folder)

    def abort(self) -> None:
        """Forget what was written."""
        self._open = False
        self._file.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._temporary)


def digest_of(path: str) -> str:
    """Return the SHA-256 of a file in hex."""
    digest = sha256()
    with open(path, "rb") as file:
        while piece := file.read(CHUNK):
            digest.update(piece)
    return digest.hexdigest()
