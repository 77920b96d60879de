"""The blob store: atomic, without duplicates, and never silent about damage."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest

from journal import Blob, BlobCorrupt, BlobStore

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def blobs(tmp_path):
    return BlobStore(tmp_path / "blobs")


def files(store: BlobStore) -> list[str]:
    return sorted(str(path.relative_to(store.root)) for path in Path(store.root).rglob("*") if path.is_file())


def test_what_was_put_is_read_under_its_hash(blobs):
    blob = blobs.put(b"hello")
    assert blob == Blob(sha256(b"hello").hexdigest(), 5)
    assert blobs.read(blob) == b"hello"
    assert Path(blobs.path(blob)).read_bytes() == b"hello"
    assert list(blobs.every()) == [blob]


def test_equal_bytes_are_stored_once(blobs):
    first = blobs.put(b"hello")
    with blobs.writer() as writer:
        writer.write(b"hel")
        writer.write(b"lo")
        assert writer.finish() == first
        assert blobs.put(b"hello") == first
    assert len(files(blobs)) == 1
    assert blobs.read(first) == b"hello"


def test_nothing_is_seen_of_a_blob_before_it_is_finished(blobs):
    with blobs.writer() as writer:
        writer.write(b"x" * 100_000)
        assert list(blobs.every()) == []
        writer.abort()
    assert files(blobs) == []


def test_a_writer_that_is_left_without_finish_leaves_nothing(blobs):
    with blobs.writer() as writer:
        writer.write(b"x")
    assert files(blobs) == []


@pytest.mark.parametrize("damage", ["flip", "cut", "longer", "gone"])
def test_damage_is_found_by_reading_and_by_checking(blobs, damage):
    blob = blobs.put(b"a" * 10_000)
    path = Path(blobs.path(blob))
    blobs.check(blob)
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[5000] ^= 1
        path.write_bytes(data)
    elif damage == "cut":
        path.write_bytes(data[:-1])
    elif damage == "longer":
        path.write_bytes(data + b"a")
    else:
        path.unlink()
    for look in (blobs.read, blobs.check, blobs.verify):
        with pytest.raises(BlobCorrupt, match=blob.sha256):
            look(blob)


def test_a_cut_blob_is_made_whole_by_putting_it_again(blobs):
    blob = blobs.put(b"a" * 10_000)
    Path(blobs.path(blob)).write_bytes(b"a")
    blobs.put(b"a" * 10_000)
    assert blobs.read(blob) == b"a" * 10_000


def test_a_blob_is_hashed_once_a_process_when_checked(blobs, monkeypatch):
    blob = blobs.put(b"a" * 10_000)
    blobs.check(blob)
    monkeypatch.setattr(blobs, "verify", lambda blob: pytest.fail("hashed again"))
    blobs.check(blob)


def test_an_old_blob_wanted_again_counts_as_young(blobs):
    blob = blobs.put(b"a")
    os.utime(blobs.path(blob), (1, 1))
    blobs.put(b"a")
    assert os.stat(blobs.path(blob)).st_mtime > time.time() - 60


def test_temporary_files_of_killed_writers_are_swept(blobs):
    program = (
        f"import os, sys; sys.path.insert(0, {str(ROOT)!r}); from journal import BlobStore\n"
        f"writer = BlobStore({blobs.root!r}).writer(); writer.write(b'x' * 1000)\n"
        "os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -9
    assert len(files(blobs)) == 1
    assert blobs.sweep() == 0  # it could still be at work
    assert blobs.sweep(older_than=-1) == 1
    assert files(blobs) == []
    assert list(blobs.every()) == []


def test_many_processes_may_put_the_same_blob_at_once(blobs):
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from journal import BlobStore\n"
        f"store = BlobStore({blobs.root!r})\n"
        "for n in range(50): store.put(str(n).encode() * 3000)"
    )
    running = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    found = list(blobs.every())
    assert len(found) == 50
    for blob in found:
        blobs.verify(blob)
    assert [name for name in files(blobs) if name.startswith("tmp/")] == []


def test_the_inline_store_never_gives_way(tmp_path):
    gave_way = []
    store = BlobStore(tmp_path / "b", offload=lambda work: (gave_way.append(1), work())[1])
    blob = store.inline().put(b"x" * 5000)
    store.inline().check(blob)
    assert gave_way == []
    assert store.read(blob) == b"x" * 5000
    store.put(b"y" * 5000)
    assert gave_way
