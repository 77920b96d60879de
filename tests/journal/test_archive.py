"""Snapshots: whole and the same wherever they go, or refused before anything has changed."""

from __future__ import annotations

import io
import os
import random
import struct
import tempfile
from hashlib import blake2b, sha256
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journal import BlobCorrupt, JournalDamaged, NewerFormat, StorageFull
from journal import archive as module
from journal.archive import BadArchive, check, export, import_, inspect
from journal.archive_file import BLOB, CALL, EVENT, ArchiveWriter, Header
from journal.seen import SeenBlobs
from journal.stacks import BadName, StackExists, Stacks
from journal.values import Blob
from journal.verify import verify
from tests.journal import shop
from tests.journal.shop import put, put_each, rows
from tests.journal.test_log import flip, replace_record, reset
from tests.journal.test_stacks import history, leftovers


@pytest.fixture
def filled(journal):
    """A journal with blobs, moved values, several services and a reset."""
    put(journal, "a", "b", note="note")
    put(journal, "large", note="m" * 9000, picture=journal.blobs.put(b"p" * 3_000_000))
    reset(journal)
    put(journal, "again", picture=journal.blobs.put(b"p" * 3_000_000))
    put(journal, "k" * 2000, called=False)
    return journal


@pytest.fixture
def file(filled, tmp_path) -> Path:
    export(filled, tmp_path / "shop.cairn")
    return tmp_path / "shop.cairn"


@pytest.fixture
def elsewhere(tmp_path):
    opened = Stacks(tmp_path / "elsewhere", shop.find, "relaxed")
    yield opened
    opened.close()


def state(stacks: Stacks) -> tuple[list[str], list[str], list[str]]:
    """What an import may not have changed."""
    files = [str(path) for path in Path(stacks.blobs.root).rglob("*") if path.is_file()]
    return stacks.names(), leftovers(stacks), files


# --- whole


def test_an_imported_stack_is_the_same_and_its_subscriptions_begin_at_its_head(filled, file, elsewhere):
    told: list[int] = []
    summary = import_(elsewhere, file, "copy", progress=told.append)
    copy = elsewhere.get("copy")
    assert history(copy) == history(filled)
    assert shop.names(copy) == shop.names(filled)
    assert rows(copy) == rows(filled)
    assert list(verify(copy)) == []
    assert sum(told) == 2 * summary.events == 12
    with filled.view() as one, copy.view() as two:
        assert two.cursor("mail") == 6
        assert two.meta("lineage") == {"parent": None, "parent_id": one.meta("stack_id"), "seq": 6}
        assert two.meta("stack_id") != one.meta("stack_id")
    assert put(copy, "goes on") == 7


def test_a_summary_says_what_is_in_it(filled, file):
    summary = inspect(file)
    assert (summary.events, summary.calls, summary.blobs, summary.last) == (6, 3, 2, 6)
    assert summary.blob_bytes == 3_009_000
    assert summary.file_bytes == file.stat().st_size < summary.content_bytes
    assert summary.stack_id == filled.read(lambda view: view.meta("stack_id"))
    assert check(file).services == {"shop": 6}


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from([0, 10, 5000])), min_size=1, max_size=10), st.data())
def test_a_snapshot_at_a_seq_is_a_fork_at_that_seq(commands, data):
    with tempfile.TemporaryDirectory() as folder:
        stacks = Stacks(folder, shop.find, "memory")
        journal = stacks.get()
        ends = [0]
        for number, (size, length) in enumerate(commands):
            ends.append(put(journal, *(f"{number % 3}-{n}" for n in range(size)), note=str(number % 10) * length))
        at = data.draw(st.sampled_from(ends))
        export(journal, Path(folder) / "x.cairn", at=at)
        import_(stacks, Path(folder) / "x.cairn", "imported")
        imported, fork = stacks.get("imported"), stacks.fork("fork", at=at)
        assert history(imported) == history(fork)
        shop.names(imported), shop.names(fork)
        assert rows(imported) == rows(fork)
        stacks.close()


def test_an_empty_stack_can_be_exported(stacks, elsewhere, tmp_path):
    export(stacks.get(), tmp_path / "empty.cairn")
    assert import_(elsewhere, tmp_path / "empty.cairn", "empty").events == 0
    assert elsewhere.get("empty").read(lambda view: view.head()[0]) == 0


def test_a_snapshot_can_go_through_any_stream(filled, elsewhere):
    stream = io.BytesIO()
    export(filled, stream)
    import_(elsewhere, stream, "copy")
    assert history(elsewhere.get("copy")) == history(filled)


def test_an_export_goes_in_steps(stacks, elsewhere, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_STEP", 4)
    journal = stacks.get()
    for n in range(7):
        put(journal, *(f"{n}-{m}" for m in range(3)), note=str(n) * 5000)
    told: list[int] = []
    export(journal, tmp_path / "x.cairn", progress=told.append)
    assert told == [4, 4, 4, 4, 4, 1]
    import_(elsewhere, tmp_path / "x.cairn", "copy")
    assert history(elsewhere.get("copy")) == history(journal)


def test_a_stack_is_replaced_only_when_that_is_wished(file, elsewhere):
    put(elsewhere.get(), "old")
    with pytest.raises(StackExists):
        import_(elsewhere, file, "main")
    assert shop.names(elsewhere.get()) == ["old"]
    import_(elsewhere, file, "main", replace=True)
    assert "again" in shop.names(elsewhere.get())
    assert leftovers(elsewhere) == []


def test_a_blob_that_is_damaged_where_it_is_imported_is_made_whole(file, elsewhere):
    import_(elsewhere, file, "one")
    for blob in elsewhere.blobs.every():
        Path(elsewhere.blobs.path(blob)).write_bytes(b"x" * blob.size)
    import_(elsewhere, file, "two")
    assert list(verify(elsewhere.get("two"))) == []


def test_many_blobs_are_remembered_outside_memory():
    blobs = [Blob(sha256(str(n).encode()).hexdigest(), n) for n in range(300)]
    with SeenBlobs(in_memory=100) as seen:
        assert all(seen.add(blob) for blob in blobs)
        assert not any(seen.add(blob) for blob in blobs)
        assert [seen.size(blob) for blob in blobs] == list(range(300))
        folder = seen._folder
        assert os.path.isdir(folder)
    assert not os.path.exists(folder)


# --- not written


def test_damaged_history_is_not_exported_and_leaves_no_file(filled, tmp_path):
    replace_record(filled, 1, flip)
    with pytest.raises(JournalDamaged):
        export(filled, tmp_path / "x.cairn")
    assert not [path for path in tmp_path.iterdir() if "cairn" in path.name]


def test_a_damaged_blob_is_not_exported_and_the_old_file_stays(filled, tmp_path):
    (tmp_path / "x.cairn").write_bytes(b"old")
    blob = filled.blobs.put(b"p" * 3_000_000)
    Path(filled.blobs.path(blob)).write_bytes(b"q" * 3_000_000)
    with pytest.raises(BlobCorrupt):
        export(filled, tmp_path / "x.cairn")
    assert (tmp_path / "x.cairn").read_bytes() == b"old"


@pytest.mark.parametrize("at", [-1, 1, 99])
def test_a_cut_beyond_the_head_or_inside_a_command_is_refused(filled, tmp_path, at):
    with pytest.raises(ValueError, match=r"there are events|inside a command"):
        export(filled, tmp_path / "x.cairn", at=at)


# --- hostile and damaged files


def refused(elsewhere: Stacks, data: bytes, kind: type[Exception] = BadArchive) -> None:
    """Import some bytes; they must be refused, with nothing changed."""
    before = state(elsewhere)
    with pytest.raises(kind):
        import_(elsewhere, io.BytesIO(data), "copy")
    assert state(elsewhere) == before


def sealed(data: bytes) -> bytes:
    """Give changed bytes a digest that fits: the work of somebody who means harm."""
    return data[:-32] + blake2b(data[:-32], digest_size=32).digest()


def test_a_file_cut_short_anywhere_is_refused(file, elsewhere):
    data = file.read_bytes()
    for keep in [*range(0, 200, 7), *range(len(data) - 100, len(data), 9), len(data) // 2]:
        refused(elsewhere, data[:keep])


def test_a_file_with_something_behind_it_is_refused(file, elsewhere):
    data = file.read_bytes()
    for behind in (b"\0", b"x" * 1000, data, data[-88:]):
        refused(elsewhere, data + behind)


def test_a_flipped_bit_anywhere_is_refused(file, elsewhere):
    data = file.read_bytes()
    rng = random.Random(2)
    for at in [*range(120), *(rng.randrange(len(data)) for _ in range(60)), *range(len(data) - 90, len(data))]:
        changed = bytearray(data)
        changed[at] ^= 1 << rng.randrange(8)
        refused(elsewhere, bytes(changed), (BadArchive, NewerFormat))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_changed_file_with_a_fitting_digest_is_refused_or_means_the_same(data):
    whole, expected = small_snapshot()
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(changed) - 33))
        changed[at] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder:
        stacks = Stacks(folder, shop.find, "memory")
        try:
            import_(stacks, io.BytesIO(sealed(bytes(changed))), "copy")
        except (BadArchive, NewerFormat, StorageFull):
            assert state(stacks) == ([], [], [])
        else:
            assert history(stacks.get("copy"))[0] == expected
        stacks.close()


_SMALL: list[tuple[bytes, list]] = []


def small_snapshot() -> tuple[bytes, list]:
    if not _SMALL:
        with tempfile.TemporaryDirectory() as folder:
            stacks = Stacks(folder, shop.find, "memory")
            put(stacks.get(), "a", "b", note="n" * 5000)
            put_each(stacks.get(), "cd")
            stream = io.BytesIO()
            export(stacks.get(), stream)
            _SMALL.append((stream.getvalue(), history(stacks.get())[0]))
            stacks.close()
    return _SMALL[0]


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_noise_is_refused(noise):
    with tempfile.TemporaryDirectory() as folder:
        stacks = Stacks(folder, shop.find, "memory")
        for data in (noise, b"\x89CAIRN\r\n" + noise, sealed(b"\x89CAIRN\r\n\0\1\0\0\0\0\0\0" + noise + b"\0" * 32)):
            with pytest.raises((BadArchive, NewerFormat)):
                import_(stacks, io.BytesIO(data), "copy")
        assert state(stacks) == ([], [], [])
        stacks.close()


def test_a_later_format_is_refused_in_words(file, elsewhere):
    data = bytearray(file.read_bytes())
    data[8:10] = b"\0\x02"
    with pytest.raises(NewerFormat, match="format 2"):
        import_(elsewhere, io.BytesIO(sealed(bytes(data))), "copy")


class Forger:
    """Builds snapshots that are well-formed on the outside."""

    def __init__(self, **header) -> None:
        self.out = io.BytesIO()
        fields = {"created": 1.0, "stack_id": "x", "base": (0, bytes(16)), "last": 0, "chain": bytes(16), **header}
        self.writer = ArchiveWriter(self.out, Header(**fields))

    def raw(self, data: bytes) -> Forger:
        self.writer._put(data)
        return self

    def done(self, **counts: int) -> bytes:
        for kind, count in counts.items():
            self.writer._counts[{"events": EVENT, "calls": CALL, "blobs": BLOB}[kind]] = count
        self.writer.finish()
        return self.out.getvalue()


def records(journal) -> list[bytes]:
    return [record for _, record in history(journal)[0]]


def test_a_well_made_forgery_is_taken(filled, elsewhere):
    """Or the tests below would show nothing."""
    assert import_(elsewhere, io.BytesIO(Forger().done()), "empty").events == 0


def test_lengths_beyond_all_measure_are_refused_without_reserving_memory(elsewhere):
    for kind in (EVENT, CALL, BLOB, 200):
        for length in (10, 1 << 30, 10 << 30, (1 << 64) - 1):
            refused(elsewhere, Forger().raw(struct.pack(">BQ", kind, length) + b"abc").done())


def test_a_header_s_or_trailer_s_length_beyond_the_file_is_refused(file, elsewhere):
    data = file.read_bytes()
    for length in (1, 5000, 1 << 20, (1 << 32) - 1):
        refused(elsewhere, sealed(data[:12] + length.to_bytes(4, "big") + data[16:]))
    for number in range(6):
        at = len(data) - 80 + 8 * number
        for value in (0, (1 << 40), (1 << 64) - 1):
            refused(elsewhere, sealed(data[:at] + value.to_bytes(8, "big") + data[at + 8 :]), (BadArchive, StorageFull))


def test_a_decompression_bomb_is_refused(elsewhere):
    forger = Forger()
    for _ in range(300):
        forger.raw(b"\0" * (1 << 20))  # 300 MiB in a few kilobytes
    data = bytearray(forger.done())
    assert len(data) < 100_000
    refused(elsewhere, bytes(data))
    at = len(data) - 80 + 4 * 8
    refused(elsewhere, sealed(bytes(data[:at]) + (100).to_bytes(8, "big") + bytes(data[at + 8 :])))


def test_more_than_the_disk_holds_is_refused_at_once(elsewhere):
    data = bytearray(Forger().done())
    at = len(data) - 80 + 4 * 8
    refused(elsewhere, sealed(bytes(data[:at]) + (1 << 60).to_bytes(8, "big") + bytes(data[at + 8 :])), StorageFull)


def test_a_compression_window_beyond_ours_is_refused(elsewhere):
    import zstandard

    parameters = zstandard.ZstdCompressionParameters(window_log=27, enable_ldm=True)
    packed = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    body = packed.compress(struct.pack(">BQ", 200, 1 << 20) + os.urandom(1 << 20)) + packed.flush()
    head = Forger().out.getvalue()
    content = (1 << 20) + 9
    refused(
        elsewhere, sealed(head + body + b"CAIRNEND" + struct.pack(">6Q", 0, 0, 0, 0, content, len(body)) + bytes(32))
    )


def test_what_later_versions_add_and_mark_as_optional_is_skipped(elsewhere):
    data = Forger().raw(struct.pack(">BQ", 0x80, 5) + b"hello").raw(struct.pack(">BQ", 0xFF, 0)).done()
    assert import_(elsewhere, io.BytesIO(data), "copy").events == 0


def test_what_later_versions_add_and_do_not_mark_is_refused(elsewhere):
    refused(elsewhere, Forger().raw(struct.pack(">BQ", 4, 5) + b"hello").done(), NewerFormat)


def test_forged_contents_are_refused(filled, elsewhere):
    one, two = records(filled)[:2]
    chain = one[-16:]
    blob = b"\3" + struct.pack(">Q", 32 + 5) + sha256(b"hello").digest()

    def event(seq: int, record: bytes) -> bytes:
        return struct.pack(">BQQ", EVENT, len(record) + 8, seq) + record

    def call(first: int, last: int) -> bytes:
        from journal.values import pack

        record = pack(shop.call(last))
        return struct.pack(">BQQ", CALL, len(record) + 8, first) + record

    right = {"last": 1, "chain": chain}
    assert import_(
        elsewhere, io.BytesIO(Forger(**right).raw(call(1, 1) + event(1, one)).done(events=1, calls=1)), "ok"
    ).events
    for forged in [
        Forger(**right).done(),  # an event is missing
        Forger(**right).raw(event(1, one)).done(),  # the counts are wrong
        Forger(**right).raw(event(1, one)).done(events=1, calls=1),
        Forger(**right).raw(event(2, one)).done(events=1),  # wrong seq
        Forger(last=2, chain=two[-16:]).raw(event(1, one) + event(1, two)).done(events=2),
        Forger(last=2, chain=one[-16:]).raw(event(1, two) + event(2, one)).done(events=2),  # exchanged
        Forger(last=1, chain=bytes(16)).raw(event(1, one)).done(events=1),  # another end
        Forger(**right).raw(event(1, one[:-20] + one[-18:])).done(events=1),  # chain broken
        Forger(**right).raw(event(1, b"")).done(events=1),
        Forger(**right).raw(call(1, 2) + event(1, one)).done(events=1, calls=1),  # a call beyond the end
        Forger(**right).raw(call(1, 1) * 2 + event(1, one)).done(events=1, calls=2),
        Forger(**right).raw(event(1, one) + call(1, 1)).done(events=1, calls=1),  # after its event
        Forger(**right).raw(struct.pack(">BQQ", CALL, 9, 1) + b"\xc0" + event(1, one)).done(events=1, calls=1),
        Forger().raw(blob + b"jello").done(blobs=1),  # another hash
        Forger().raw((blob + b"hello") * 2).done(blobs=2),  # twice
        Forger().raw(struct.pack(">BQ", BLOB, 3) + b"abc").done(blobs=1),
        Forger(base=(5, bytes(16)), last=5).done(),
        Forger(last=-1).done(),
    ]:
        refused(elsewhere, forged)


def test_an_event_that_refers_to_a_blob_which_is_not_there_is_refused(filled, elsewhere):
    record = records(filled)[2]
    first = records(filled)[:2]
    body = b"".join(struct.pack(">BQQ", EVENT, len(r) + 8, n + 1) + r for n, r in enumerate([*first, record]))
    refused(elsewhere, Forger(last=3, chain=record[-16:]).raw(body).done(events=3))


@pytest.mark.parametrize(
    ("type", "account", "data"),
    [
        ("../x.Y", "1", {}), ("shop.ItemPut", "1\0002", {}), ("shop.ItemPut", "a" * 600, {}), (".", "1", {}),
        ("cairn.ServiceReset", "", {"of": "../../etc"}), ("cairn.ServiceReset", "", {"of": 5}), ("cairn.ServiceReset", "", {}),
    ],
)  # fmt: skip
def test_an_event_that_fits_no_history_is_refused(elsewhere, type, account, data):
    body = msgspec.msgpack.encode([1, type, 1.0, account, "r", "arn", data, b""])[:-2]
    chain = blake2b(bytes(16) + body, digest_size=16).digest()
    record = body + b"\xc4\x10" + chain
    framed = struct.pack(">BQQ", EVENT, len(record) + 8, 1) + record
    refused(elsewhere, Forger(last=1, chain=chain).raw(framed).done(events=1))


def test_nesting_beyond_reason_is_refused(elsewhere):
    deep = b"\x91" * 100_000 + b"\xc0"
    body = msgspec.msgpack.encode([1, "shop.ItemPut", 1.0, "1", "r", "arn", msgspec.Raw(deep), b""])[:-2]
    chain = blake2b(bytes(16) + body, digest_size=16).digest()
    record = body + b"\xc4\x10" + chain
    framed = struct.pack(">BQQ", EVENT, len(record) + 8, 1) + record
    refused(elsewhere, Forger(last=1, chain=chain).raw(framed).done(events=1))


def test_an_event_of_a_later_release_is_refused_before_it_is_imported(journal, elsewhere, monkeypatch):
    monkeypatch.setattr(shop.ItemPut, "event_version", 2)
    put(journal, "a")
    stream = io.BytesIO()
    export(journal, stream)
    monkeypatch.setattr(shop.ItemPut, "event_version", 1)
    refused(elsewhere, stream.getvalue(), NewerFormat)


@pytest.mark.parametrize("name", ["../x", "a/b", "", "~x"])
def test_a_name_that_could_be_a_path_is_refused(file, elsewhere, name):
    before = state(elsewhere)
    with pytest.raises(BadName):
        import_(elsewhere, file, name)
    assert state(elsewhere) == before


def test_an_import_that_fails_in_the_middle_leaves_no_stack(file, elsewhere, monkeypatch):
    def full(self) -> None:
        raise StorageFull("no space left")

    monkeypatch.setattr(module._Fill, "flush", full)
    with pytest.raises(StorageFull):
        import_(elsewhere, file, "copy")
    assert (elsewhere.names(), leftovers(elsewhere)) == ([], [])
