"""Stacks: made, forked, deleted and replaced, each entirely or not at all."""

from __future__ import annotations

import os
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journal import Closed, JournalDamaged
from journal import stacks as module
from journal.replay import compare
from journal.stacks import BadName, NoSuchStack, StackExists, Stacks
from journal.swap import swap
from tests.journal import shop
from tests.journal.shop import put, put_each, rows
from tests.journal.test_log import flip, replace_record


def history(journal):
    with journal.view() as view:
        return list(view.records()), list(view.call_records()), list(view.history("shop"))


def leftovers(stacks):
    return [entry.name for entry in stacks.root.iterdir() if entry.name.startswith("~")]


def test_main_is_there_at_once_and_others_when_made(stacks):
    stacks.get()
    put(stacks.create("one"), "a")
    assert stacks.names() == ["main", "one"]
    assert shop.names(stacks.get("one")) == ["a"]
    assert shop.names(stacks.get("main")) == []
    with pytest.raises(NoSuchStack):
        stacks.get("two")
    with pytest.raises(StackExists):
        stacks.create("one")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "~a", "-a", "a" * 64, "a\n", "ü", "a\0"])
def test_a_name_that_could_be_a_path_or_worse_is_refused(stacks, name):
    for act in (stacks.create, stacks.delete, stacks.fork, stacks.get):
        with pytest.raises((BadName, ValueError)):
            act(name)
    assert stacks.names() == []


def test_a_fork_at_the_head_is_the_same_and_then_goes_its_own_way(stacks):
    parent = stacks.get()
    put_each(parent, "abc", note="n" * 9000)
    fork = stacks.fork("fork")
    assert history(fork) == history(parent)
    assert rows(fork) == rows(parent)
    put(fork, "only here")
    put(parent, "only there")
    assert "only here" not in shop.names(parent)
    assert "only there" not in shop.names(fork)
    with parent.view() as one, fork.view() as two:
        assert two.meta("lineage") == {"parent": "main", "parent_id": one.meta("stack_id"), "seq": 3}
        assert one.meta("stack_id") != two.meta("stack_id")
        assert (one.cursor("mail"), two.cursor("mail")) == (0, 3)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(1, 3), min_size=1, max_size=12), st.data())
def test_a_fork_at_a_seq_is_what_the_stack_was_then(sizes, data):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        stacks = Stacks(folder, shop.find, "memory")
        journal = stacks.get()
        then = {0: []}
        for number, size in enumerate(sizes):
            last = put(journal, *(f"{number % 4}-{n}" for n in range(size)), note=str(number) * 300)
            then[last] = rows(journal)
        at = data.draw(st.sampled_from(sorted(then)))
        fork = stacks.fork("fork", at=at)
        shop.names(fork)
        assert rows(fork) == then[at]
        assert history(fork)[0] == history(journal)[0][:at]
        inside = [seq for seq in range(1, max(then)) if seq not in then]
        if inside:
            with pytest.raises(ValueError, match="inside a command"):
                stacks.fork("another", at=data.draw(st.sampled_from(inside)))
        stacks.close()


@pytest.mark.parametrize("at", [-1, 4, 100])
def test_a_fork_beyond_the_head_is_refused(stacks, at):
    put_each(stacks.get(), "abc")
    with pytest.raises(ValueError, match="there are events 1 to 3"):
        stacks.fork("fork", at=at)
    assert (stacks.names(), leftovers(stacks)) == (["main"], [])


def test_copying_history_goes_in_steps(stacks, monkeypatch):
    monkeypatch.setattr(module, "_COPY_STEP", 7)
    journal = stacks.get()
    for n in range(10):
        put(journal, *(f"{n}-{m}" for m in range(3)))
    assert history(stacks.fork("fork", at=27)) == tuple(
        part[:27] if len(part) != 10 else part[:9] for part in history(journal)
    )


def test_a_damaged_event_is_not_copied(stacks):
    put_each(stacks.get(), "abc", note="note")
    replace_record(stacks.get(), 2, flip)
    with pytest.raises(JournalDamaged):
        stacks.fork("fork", at=2)
    assert (stacks.names(), leftovers(stacks)) == (["main"], [])


def test_a_deleted_stack_is_gone_and_its_name_is_free(stacks):
    old = stacks.create("one")
    put(old, "a")
    stacks.delete("one")
    assert stacks.names() == []
    assert leftovers(stacks) == []
    with pytest.raises(Closed):
        shop.names(old)
    with pytest.raises(NoSuchStack):
        stacks.delete("one")
    assert shop.names(stacks.create("one")) == []


def test_another_process_s_deletion_is_noticed(stacks, data):
    """Two Stacks of one directory stand for two processes; LMDB forbids only that both have one file open at once."""
    stacks.create("one")
    put(stacks.get("one"), "a")
    folder = data / "stacks" / "one"
    shutil.move(folder, data / "stacks" / "~trash")
    with pytest.raises(NoSuchStack):
        stacks.get("one")


def test_a_replaced_stack_is_noticed_by_other_processes(stacks, data):
    put(stacks.get(), "old")
    other = Stacks(data, shop.find, "relaxed")
    staging, journal = other.stage()
    put(journal, "new")
    journal.close()
    other.replace("main", staging)
    assert shop.names(stacks.get()) == ["new"]
    assert leftovers(stacks) == []


def test_replacing_what_is_not_there_makes_it(stacks):
    staging, journal = stacks.stage()
    put(journal, "new")
    journal.close()
    stacks.replace("fresh", staging)
    assert shop.names(stacks.get("fresh")) == ["new"]


def test_a_name_taken_in_the_meantime_is_not_overwritten(stacks):
    staging, journal = stacks.stage()
    journal.close()
    put(stacks.create("one"), "a")
    with pytest.raises(StackExists):
        stacks.settle("one", staging)
    assert shop.names(stacks.get("one")) == ["a"]


@pytest.mark.parametrize("kernel", ["new", "old"])
def test_two_folders_are_exchanged(tmp_path, monkeypatch, kernel):
    if kernel == "old":
        import ctypes

        monkeypatch.setattr(ctypes, "CDLL", lambda *a, **k: object())
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    swap(tmp_path / "one", tmp_path / "two")
    assert {name: (tmp_path / name / "file").read_text() for name in os.listdir(tmp_path)} == {
        "one": "two",
        "two": "one",
    }


def test_a_stack_deleted_while_it_is_opened_stays_deleted(stacks, monkeypatch):
    stacks.create("one")
    other = Stacks(stacks.data, shop.find)
    opens = module.Journal

    def late(folder, *args, **kwargs):
        if folder.name == "one":
            stacks.delete("one")
        return opens(folder, *args, **kwargs)

    monkeypatch.setattr(module, "Journal", late)
    with pytest.raises(NoSuchStack):
        other.get("one")
    assert (stacks.names(), os.listdir(stacks.root)) == ([], [])
    other.close()


def test_what_killed_processes_left_is_swept(stacks):
    _, journal = stacks.stage()
    journal.close()
    stacks.blobs.writer()
    assert stacks.sweep() == 0
    assert stacks.sweep(older_than=-1) == 2
    assert leftovers(stacks) == []


def test_a_stack_being_made_is_not_listed(stacks):
    stacks.get()
    staging, journal = stacks.stage()
    assert stacks.names() == ["main"]
    journal.close()
    stacks.discard(staging)


def test_reading_only_makes_nothing(tmp_path):
    reader = Stacks(tmp_path / "none", shop.find, readonly=True)
    assert reader.names() == []
    with pytest.raises(NoSuchStack):
        reader.get()
    assert not (tmp_path / "none" / "stacks").exists()


def test_a_replay_that_gives_other_tables_is_told_row_by_row(stacks, tmp_path):
    journal = stacks.get()
    put_each(journal, "abc")
    assert list(compare(journal, tmp_path / "same", stacks.blobs)) == []

    def meddle(writer):
        writer.tables[shop.items].put(shop.Item(99.0, ""), "1", "r", "b")
        writer.tables[shop.items].delete("1", "r", "c")

    journal.write(meddle)
    told = [str(difference) for difference in compare(journal, tmp_path / "scratch", stacks.blobs)]
    assert len(told) == 2
    assert "shop.items ('1', 'r', 'b'): live [99.0" in told[0]
    assert "live None" in told[1]
