"""Verifying: every flipped byte of an event, an index or a blob is found and named; nothing else is."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from journal.stacks import Stacks
from journal.verify import Problem, verify, verify_records, verify_stack
from tests.journal import shop
from tests.journal.shop import put, put_each
from tests.journal.test_log import flip, replace_record, reset

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def filled(journal):
    """A journal with a bit of everything: long keys, moved values, blobs, a reset, forks of commands."""
    for n in range(30):
        put(journal, f"{n}", f"{n}" + "k" * (n * 40), note=f"note {n} " * 3)
    put(journal, "large", note="m" * 9000, picture=journal.blobs.put(b"p" * 20_000))
    reset(journal)
    put(journal, "after", called=False)
    put(journal, "end", account="2", region="us", note="note")
    journal.write(lambda writer: writer.set_cursor("mail", 5))
    return journal


def problems(journal) -> list[Problem]:
    return list(verify(journal))


def raw(journal, database: str, work) -> None:
    journal.write(lambda writer: work(writer.txn, writer.db[database]))


def seq(number: int) -> bytes:
    return number.to_bytes(8, "big")


def test_a_whole_stack_has_no_problems(filled):
    told: list[int] = []
    assert list(verify(filled, progress=told.append)) == []
    assert sum(told) > 60


def test_an_empty_stack_has_no_problems(journal):
    assert problems(journal) == []


def test_a_changed_event_is_named_by_its_seq(filled):
    replace_record(filled, 7, flip)
    assert [(p.kind, p.where) for p in problems(filled)] == [("event", "7")]


@pytest.mark.parametrize("at", [0, 1, 5, 20, 40, -30, -18, -17, -16, -1])
def test_a_flipped_byte_anywhere_in_an_event_is_found(filled, at):
    def damage(record: bytes) -> bytes:
        changed = bytearray(record)
        changed[at] ^= 4
        return bytes(changed)

    replace_record(filled, 9, damage)
    assert {p.where for p in problems(filled) if p.kind == "event"} & {"9", "10"}


def test_a_missing_event_is_named(filled):
    raw(filled, "events", lambda txn, db: txn.delete(seq(12), db=db))
    told = problems(filled)
    assert told[0] == Problem("event", "12", "missing from the journal")
    assert {p.kind for p in told} == {"event", "index"}


def test_a_last_event_cut_off_is_noticed_by_what_is_left(filled):
    head = filled.read(lambda view: view.head()[0])
    raw(filled, "events", lambda txn, db: txn.delete(seq(head), db=db))
    assert {p.kind for p in problems(filled)} == {"index", "call"}


def test_events_exchanged_are_found(filled):
    with filled.view() as view:
        records = dict(view.records(3, 4))
    replace_record(filled, 3, lambda record: records[4])
    replace_record(filled, 4, lambda record: records[3])
    assert {"3", "4", "5"} >= {p.where for p in problems(filled) if p.kind == "event"} > set()


def test_an_event_missing_from_its_history_is_named(filled):
    raw(filled, "by_service", lambda txn, db: txn.delete(b"shop\x00111111111111\0eu-west-1", seq(5), db=db))
    assert problems(filled) == [Problem("index", "5", "the event is missing from the history of shop")]


def test_an_event_too_much_in_a_history_is_named(filled):
    raw(filled, "by_service", lambda txn, db: txn.put(b"shop\x002\0us", seq(5), db=db))
    raw(filled, "by_service", lambda txn, db: txn.put(b"shop\x002\0us", seq(5000), db=db))
    assert [(p.kind, p.where) for p in problems(filled)] == [("index", "5"), ("index", "5000")]


@pytest.mark.parametrize(
    ("first", "last", "what"),
    [(3, 9999, "claims events 3 to 9999"), (4, 4, "belongs to the call before"), (3, 2, "claims events")],
)
def test_a_call_with_a_wrong_range_is_named(filled, first, last, what):
    from journal.values import pack_value

    raw(filled, "calls", lambda txn, db: txn.put(seq(first), pack_value(shop.call(last), filled.blobs), db=db))
    told = [p for p in problems(filled) if p.kind == "call"]
    assert told
    assert any(p.where == str(first) and what in p.what for p in told)


def test_a_call_that_cannot_be_read_is_named(filled):
    raw(filled, "calls", lambda txn, db: txn.put(seq(3), b"\x93\x01", db=db))
    assert [(p.kind, p.where) for p in problems(filled)] == [("call", "3")]


def test_a_row_that_cannot_be_read_is_named(filled):
    raw(filled, "tables", lambda txn, db: txn.put(b"shop.items\0\x02a", b"\x93", db=db))
    assert [(p.kind, p.where) for p in problems(filled)] == [("table", "shop.items")]


def test_a_subscription_beyond_the_head_is_named(filled):
    filled.write(lambda writer: writer.set_cursor("mail", 100_000))
    assert [(p.kind, p.where) for p in problems(filled)] == [("meta", "cursor/mail")]


@pytest.mark.parametrize("damage", ["flip", "cut", "gone"])
def test_every_damaged_blob_is_named_by_its_hash_and_who_refers_to_it(filled, damage):
    blobs = list(filled.blobs.every())
    assert len(blobs) >= 2
    for blob in blobs:
        path = Path(filled.blobs.path(blob))
        data = path.read_bytes()
        changed = bytearray(data)
        changed[len(data) // 2] ^= 1
        if damage == "gone":
            path.unlink()
        else:
            path.write_bytes(changed if damage == "flip" else data[:-1])
        told = problems(filled)
        assert ("blob", blob.sha256) in [(p.kind, p.where) for p in told]
        assert any("refers to it" in p.what for p in told)
        assert list(verify_records(filled, blobs=False)) == [] or damage != "flip"
        path.write_bytes(data)
    assert problems(filled) == []


# --- real bytes of the file


def places(data: bytes, marker: bytes) -> list[int]:
    found, at = [], data.find(marker)
    while at >= 0:
        found.append(at)
        at = data.find(marker, at + 1)
    return found


def test_a_byte_of_an_event_flipped_in_the_file_is_found(stacks, data):
    journal = stacks.get()
    put_each(journal, [f"item-{n:03}" for n in range(50)], note="a note to be found")
    stacks.close()
    file = data / "stacks" / "main" / "data.mdb"
    whole = file.read_bytes()
    with Stacks(data, shop.find, readonly=True).get().view() as view:
        record = dict(view.records())[33]
    hits = places(whole, record)
    assert hits
    rng = random.Random(4)
    for at in rng.sample(range(len(record)), 12):
        changed = bytearray(whole)
        for hit in hits:
            changed[hit + at] ^= 1 << rng.randrange(8)
        file.write_bytes(changed)
        told = in_another_process(data)
        assert any(line.startswith(("event 33:", "event 34:")) for line in told), (at, told)
    file.write_bytes(whole)
    assert in_another_process(data) == []


def test_a_byte_flipped_anywhere_in_the_file_never_ends_the_verification(stacks, data, tmp_path):
    """Where the byte matters it is found; where it does not (free pages, unused room) nothing is said."""
    journal = stacks.get()
    put_each(journal, [f"item-{n:03}" + "k" * (n * 9) for n in range(120)], note="n" * 100)
    expected = journal.read(lambda view: list(view.records()))
    stacks.close()
    file = data / "stacks" / "main" / "data.mdb"
    whole = file.read_bytes()
    rng = random.Random(11)
    offsets = [rng.randrange(len(whole)) for _ in range(25)]
    offsets += [page * 4096 + rng.randrange(24) for page in range(2, min(len(whole) // 4096, 20))]  # page headers
    for offset in offsets:
        changed = bytearray(whole)
        changed[offset] ^= 1 << rng.randrange(8)
        file.write_bytes(changed)
        if not in_another_process(data):
            reader = Stacks(data, shop.find, readonly=True)
            assert reader.get().read(lambda view: list(view.records())) == expected
            reader.close()
    file.write_bytes(whole)


@pytest.mark.parametrize("keep", [0, 1, 4096, 5000, 8192, 30_000])
def test_a_file_cut_short_is_a_problem_not_a_crash(stacks, data, keep):
    put_each(stacks.get(), [f"item-{n:03}" for n in range(100)], note="n" * 300)
    stacks.close()
    file = data / "stacks" / "main" / "data.mdb"
    os.truncate(file, keep)
    told = in_another_process(data)
    assert told
    assert all(line.startswith(("store", "event", "index", "call", "table", "meta")) for line in told)


def in_another_process(data: Path) -> list[str]:
    """Verify a stack as `cairn verify` would, and return what is told; the process must survive."""
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from journal.stacks import Stacks\nfrom journal.verify import verify_stack\nfrom tests.journal import shop\n"
        f"for problem in verify_stack(Stacks({str(data)!r}, shop.find, readonly=True), 'main'): print(problem)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


# --- while it is served


def test_a_stack_is_verified_while_another_process_writes_it(stacks, data):
    stacks.get()
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from journal.stacks import Stacks\nfrom tests.journal import shop\n"
        f"journal = Stacks({str(data)!r}, shop.find, 'relaxed').get()\n"
        "print('writing', flush=True)\n"
        "n = 0\n"
        "while True: shop.put(journal, f'{n % 500}', f'x{n % 50}', note='n' * (n % 6000)); n += 1"
    )
    writing = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert writing.stdout is not None
        assert writing.stdout.readline() == "writing\n"
        for _ in range(8):
            assert problems(stacks.get()) == []
    finally:
        writing.kill()
        writing.wait()
    assert problems(stacks.get()) == []


def test_a_stack_open_for_reading_only_is_verified(filled, stacks, data):
    stacks.close()
    reader = Stacks(data, shop.find, readonly=True)
    assert list(verify_stack(reader, "main")) == []
    reader.close()
    shutil.rmtree(data / "blobs")
    reader = Stacks(data, shop.find, readonly=True)
    assert {p.kind for p in verify_stack(reader, "main")} == {"blob"}
    reader.close()
