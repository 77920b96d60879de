"""The LMDB environment between processes: growing maps, killed writers and readers, full disks, unsafe volumes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import gevent
import lmdb
import pytest

from journal import BlobStore, Closed, Journal, StorageFull, file_system_warning
from journal.environment import LOCK_FILE_SIZE, Environment
from journal.stacks import Stacks
from journal.verify import verify
from tests.journal import shop
from tests.journal.shop import put, put_each

ROOT = Path(__file__).parent.parent.parent
MIB = 1 << 20

PRELUDE = f"""
import os, signal, sys, time
sys.path.insert(0, {str(ROOT)!r})
from journal import *
from journal.stacks import Stacks
from tests.journal import shop
data, number = sys.argv[1], sys.argv[2]
stacks = Stacks(data, shop.find, "relaxed", map_size={MIB})
journal = stacks.get()
"""


def process(data: Path, program: str, number: int = 0) -> subprocess.Popen[str]:
    """Run a program that has the stacks of `data` open, beginning with a map of 1 MiB."""
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + program, str(data), str(number)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )


def until_said(running: subprocess.Popen[str], word: str) -> None:
    assert running.stdout is not None
    assert running.stdout.readline().strip() == word


def small(data: Path) -> Stacks:
    return Stacks(data, shop.find, "relaxed", map_size=MIB)


# --- the map


def test_a_small_map_grows_by_itself(data):
    stacks = small(data)
    journal = stacks.get()
    for n in range(40):
        put_each(journal, [f"{n}-{m}" for m in range(50)], note="n" * 3000)
    assert len(shop.names(journal)) == 2000
    assert journal.environment.info()["map_size"] > 8 * MIB
    assert list(verify(journal)) == []
    stacks.close()


def test_a_map_grows_under_readers_and_writers_of_several_processes(data):
    Stacks(data, shop.find, "relaxed").get().close()
    writer = (
        "for n in range(30):\n"
        "    shop.put_each(journal, [f'{number}-{n}-{m}' for m in range(10)], note='n' * 3500)\n"
        "print('done')"
    )
    reader = (
        "seen = 0\n"
        "while seen < 600:\n"
        "    count = journal.read(lambda view: view.tables[shop.items].count())\n"
        "    head = journal.read(lambda view: view.head()[0])\n"
        "    assert count >= seen and head >= count, (count, head, seen)\n"
        "    seen = count\n"
        "print('done')"
    )
    running = [process(data, writer, 1), process(data, writer, 2), process(data, reader, 3), process(data, reader, 4)]
    outputs = [one.communicate(timeout=120)[0] for one in running]
    assert [one.returncode for one in running] == [0, 0, 0, 0]
    assert outputs == ["done\n"] * 4
    stacks = small(data)
    assert len(shop.names(stacks.get())) == 600
    assert list(verify(stacks.get())) == []
    stacks.close()


def test_a_reader_whose_map_is_too_small_follows(data):
    stacks = small(data)
    journal = stacks.get()
    grow = process(data, "for n in range(10): shop.put_each(journal, [f'{n}-{m}' for m in range(99)], note='n' * 3900)")
    assert grow.wait() == 0
    with pytest.raises(lmdb.MapResizedError):
        journal.environment._env.begin()
    assert len(shop.names(journal)) == 990
    put(journal, "one more")
    stacks.close()


def test_the_map_never_changes_under_an_open_snapshot(data):
    stacks = small(data)
    journal = stacks.get()
    put(journal, "a")
    with journal.view() as view:
        thread = threading.Thread(
            target=lambda: [put_each(journal, [f"{n}-{m}" for m in range(50)], note="n" * 3000) for n in range(20)]
        )
        thread.start()
        time.sleep(0.2)
        assert view.tables[shop.items].count() == 1
        assert journal.environment.info()["map_size"] == MIB  # its growth waits for us
    thread.join(60)
    assert len(shop.names(journal)) == 1001
    stacks.close()


def test_threads_read_while_others_write_and_the_map_grows(data):
    stacks = small(data)
    journal = stacks.get()
    failures: list[BaseException] = []
    ended = threading.Event()

    def read() -> None:
        try:
            while not ended.is_set():
                head, count = journal.read(lambda view: (view.head()[0], view.tables[shop.items].count()))
                assert head == count
                time.sleep(0.002)
        except BaseException as error:
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    writers = [
        threading.Thread(target=lambda w=w: [put(journal, f"{w}-{n}", note="n" * 3900) for n in range(300)])
        for w in range(2)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(100)
    ended.set()
    for reader in readers:
        reader.join(20)
    assert failures == []
    assert len(shop.names(journal)) == 600
    stacks.close()


def test_greenlets_of_one_thread_never_wait_for_each_other_s_transaction(tmp_path):
    """A write whose blobs gave way to another greenlet would let that one wait for its own thread's lock, for ever."""

    def away(work):
        gevent.sleep(0.001)
        return work()

    stacks = Stacks(tmp_path, shop.find, "relaxed", offload=away, pause=gevent.sleep)
    journal = stacks.get()
    greenlets = [gevent.spawn(put, journal, f"{n}", note=str(n) * 5000) for n in range(10)]
    gevent.joinall(greenlets, timeout=30, raise_error=True)
    assert len(shop.names(journal)) == 10
    stacks.close()


def test_a_write_inside_a_write_is_refused_instead_of_waiting_for_itself(journal):
    with pytest.raises(RuntimeError, match="already"):
        journal.write(lambda writer: put(journal, "a"))
    put(journal, "b")
    assert shop.names(journal) == ["b"]


# --- several processes


def test_two_processes_appending_at_once_never_interleave_a_command(data):
    Stacks(data, shop.find, "relaxed").get().close()
    program = (
        "print('ready', flush=True)\nfor n in range(200): shop.put(journal, *(f'{number}-{n}-{m}' for m in range(5)))"
    )
    running = [process(data, program, n) for n in (1, 2)]
    for one in running:
        until_said(one, "ready")
    assert [one.wait(60) for one in running] == [0, 0]
    stacks = small(data)
    with stacks.get().view() as view:
        after = 0
        for first, call in view.calls():
            assert (first, call.last) == (after + 1, after + 5)
            names = [on.resource.rpartition(":")[2] for on in view.events(first, call.last)]
            assert names == call.params["names"]
            after = call.last
        assert after == view.head()[0] == 2000
    stacks.close()


def test_a_killed_writer_that_holds_the_lock_blocks_nobody_and_leaves_nothing(data):
    stacks = small(data)
    journal = stacks.get()
    put(journal, "a")
    program = (
        "def work(writer):\n"
        "    writer.append([(shop.ItemPut('half'), 'arn', '1', 'r')], 1.0, None)\n"
        "    print('inside', flush=True)\n"
        "    time.sleep(60)\n"
        "journal.write(work)"
    )
    holder = process(data, program)
    until_said(holder, "inside")
    waiter = threading.Thread(target=put, args=(journal, "b"))
    waiter.start()
    time.sleep(0.1)
    assert waiter.is_alive()
    assert shop.names(journal) == ["a"]  # readers never wait
    os.kill(holder.pid, signal.SIGKILL)
    waiter.join(10)
    assert not waiter.is_alive()
    assert shop.names(journal) == ["a", "b"]
    assert list(verify(journal)) == []
    holder.wait()
    stacks.close()


def test_slots_of_killed_readers_are_cleared(data):
    stacks = small(data)
    journal = stacks.get()
    put(journal, "a")
    program = "view = journal.view(); view.__enter__(); print('reading', flush=True); time.sleep(60)"
    readers = [process(data, program, n) for n in range(3)]
    for reader in readers:
        until_said(reader, "reading")
    for reader in readers:
        reader.kill()
        reader.wait()
    assert journal.environment.check_readers() >= 3
    assert journal.environment.check_readers() == 0
    stacks.close()


def test_a_writer_killed_at_any_moment_leaves_whole_commands(data):
    Stacks(data, shop.find, "relaxed").get().close()
    program = "print('ready', flush=True)\nfor n in range(100000): shop.put(journal, f'{number}-{n}', 'x', 'y', note='n' * 50)"
    for turn in range(6):
        running = process(data, program, turn)
        until_said(running, "ready")
        time.sleep(0.03 * turn)
        running.kill()
        running.wait()
        stacks = small(data)
        assert list(verify(stacks.get())) == []
        with stacks.get().view() as view:
            assert all(call.last == first + 2 for first, call in view.calls())
        stacks.close()


def test_a_directory_can_be_read_while_another_process_writes_it(data):
    Stacks(data, shop.find, "relaxed").get().close()
    writing = process(data, "shop.put(journal, 'a'); print('written', flush=True); sys.stdin.read()")
    until_said(writing, "written")
    reader = Stacks(data, shop.find, readonly=True)
    assert shop.names(reader.get()) == ["a"]
    with pytest.raises(lmdb.Error):
        put(reader.get(), "b")
    reader.close()
    writing.kill()
    writing.wait()


def test_a_volume_mounted_read_only_can_be_read(data):
    stacks = Stacks(data, shop.find, "relaxed")
    put(stacks.get(), "a")
    stacks.close()
    program = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
from journal.stacks import Stacks
from tests.journal import shop
print(shop.names(Stacks({str(data)!r}, shop.find, readonly=True).get()))
"""
    mount = f'mount --bind {data} {data} && mount -o remount,bind,ro {data} && exec "$@"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", mount, "-", sys.executable, "-c", program],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    if "permission denied" in done.stderr.lower() or "not permitted" in done.stderr.lower():
        pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")
    assert done.stdout.strip() == "['a']", done.stderr


# --- closing


def test_what_is_closed_says_so_and_waits_for_snapshots(tmp_path):
    environment = Environment(tmp_path / "e", "relaxed")
    txn = environment.begin()
    closing = threading.Thread(target=environment.close)
    closing.start()
    time.sleep(0.05)
    assert closing.is_alive()
    environment.end(txn)
    closing.join(10)
    with pytest.raises(Closed):
        environment.begin()
    with pytest.raises(Closed):
        environment.transact(lambda txn: None)
    environment.close()


def test_a_new_lock_file_has_its_disk_space(tmp_path):
    Environment(tmp_path / "e", "relaxed").close()
    stat = os.stat(tmp_path / "e" / "lock.mdb")
    assert stat.st_size == LOCK_FILE_SIZE
    assert stat.st_blocks * 512 >= LOCK_FILE_SIZE


# --- a full disk


@contextlib.contextmanager
def tmpfs(folder: Path, size: str):
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "cairn-test", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"a full disk needs a mounted tmpfs, which is not allowed here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


@pytest.mark.parametrize("durability", ["strict", "relaxed"])
def test_a_full_disk_fails_the_commit_cleanly_and_passes(tmp_path, durability):
    with tmpfs(tmp_path / "disk", "4m") as disk:
        ballast = disk / "ballast"
        ballast.write_bytes(b"0" * MIB)
        journal = Journal(disk / "stack", BlobStore(disk / "blobs", False), shop.find, durability)
        kept = 0
        with contextlib.suppress(StorageFull):
            while True:
                put(journal, f"{kept:05}", note="n" * 2000)
                kept += 1
        for _ in range(3):
            with pytest.raises(StorageFull):
                put_each(journal, [f"x{n}" for n in range(200)], note="n" * 2000)
        assert len(shop.names(journal)) == kept > 100
        ballast.unlink()
        put(journal, "again")
        assert len(shop.names(journal)) == kept + 1
        assert list(verify(journal)) == []
        journal.close()


def test_a_full_disk_fails_a_blob_cleanly(tmp_path):
    with tmpfs(tmp_path / "disk", "1m") as disk:
        blobs = BlobStore(disk / "blobs")
        kept = blobs.put(b"k" * 1000)
        with pytest.raises(OSError, match="No space left"):
            blobs.put(b"x" * 10_000_000)
        assert os.listdir(disk / "blobs" / "tmp") == []
        assert blobs.put(b"y" * 1000)
        assert blobs.read(kept) == b"k" * 1000


# --- volumes that are not safe

MOUNTS = r"""
22 1 0:20 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:25 / /proc rw - proc proc rw
40 22 0:30 / /mnt/nfs rw,relatime - nfs4 server:/export rw,vers=4.2
41 22 0:31 / /mnt/share rw - cifs //server/share rw
42 22 0:32 / /mnt/c rw,noatime - 9p C:\134 rw,dirsync
43 22 0:33 /run/host_mark/Users /data rw - fakeowner /run/host_mark/Users rw
44 22 0:34 / /grpc rw - fuse.grpcfuse grpcfuse rw
45 22 0:35 / /mnt/with\040blank rw shared:7 master:2 - nfs server:/x rw
46 40 0:36 / /mnt/nfs/local rw - xfs /dev/vdb rw
47 22 0:37 / /mnt/vm rw - virtiofs share rw
48 22 0:38 / /mnt/over rw - overlay overlay rw,lowerdir=/a
49 22 0:39 / /mnt/over rw - nfs server:/y rw
broken line
"""


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/var/lib/cairn", None),
        ("/mnt/nfs", "NFS"),
        ("/mnt/nfs/deep/er", "NFS"),
        ("/mnt/nfsx", None),
        ("/mnt/nfs/local/data", None),
        ("/mnt/share/a", "SMB"),
        ("/mnt/c/Users/me", "9p"),
        ("/data", "Docker Desktop"),
        ("/grpc/x", "gRPC FUSE"),
        ("/mnt/with blank/x", "NFS"),
        ("/mnt/vm", "virtiofs"),
        ("/mnt/over/x", "NFS"),  # mounted over: the later one counts
    ],
)
def test_an_unsafe_volume_is_named_with_advice(path, name):
    warning = file_system_warning(path, MOUNTS)
    if name is None:
        assert warning is None
    else:
        assert warning is not None
        assert name in warning
        assert "named Docker volume" in warning
        assert path in warning


def test_this_machine_s_own_mounts_can_be_read(tmp_path):
    assert file_system_warning(tmp_path) is None or "lies on" in str(file_system_warning(tmp_path))
    assert json.dumps(file_system_warning("/")) is not None
