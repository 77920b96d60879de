"""The journal: appending, reading history, calls, cursors, and tables rebuilt from events."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journal import (
    Blob,
    Clock,
    ClockMoved,
    Journal,
    JournalDamaged,
    NewerFormat,
    ServiceReset,
    StaleProjection,
    Writer,
    log,
)  # fmt: skip
from journal.stack_events import clocks
from journal.stacks import Stacks
from journal.upcast import NewerEvent
from tests.journal import shop
from tests.journal.shop import ItemPut, ItemTaken, items, put, put_each, rows


@pytest.fixture
def raised(monkeypatch):
    """Raise the version of the shop's projection, as a new release would."""

    def raise_version(version: int = 2) -> None:
        monkeypatch.setattr(shop.SHOP, "version", version)

    return raise_version


def reset(journal: Journal, service: str = "shop") -> None:
    journal.write(lambda writer: writer.append([(ServiceReset(service), "arn:reset", "", "")], 2.0, None))


# --- appending


def test_seqs_count_from_one_and_a_command_is_one_call(journal):
    assert journal.read(lambda view: view.head()) == (0, bytes(16))
    assert put(journal, "a") == 1
    assert put(journal, "b", "c") == 3
    with journal.view() as view:
        assert [(on.seq, on.type, on.resource) for on in view.events()] == [
            (1, "shop.ItemPut", "arn:shop:::a"), (2, "shop.ItemPut", "arn:shop:::b"), (3, "shop.ItemPut", "arn:shop:::c"),
        ]  # fmt: skip
        assert [(first, call.last, call.params) for first, call in view.calls()] == [
            (1, 1, {"names": ["a"]}), (2, 3, {"names": ["b", "c"]}),
        ]  # fmt: skip
        assert view.head() == (3, view.event(3).chain)
        assert [on.seq for on in view.events(2, 2)] == [2]
        assert view.event(4) is None
        assert view.call(3) is None


def test_the_cause_of_an_event_is_the_call_of_its_command(journal):
    put(journal, "a")
    put(journal, "b", "c")
    put(journal, "d", called=False)
    with journal.view() as view:
        assert [found and found[0] for found in map(view.cause_of, (1, 2, 3, 4, 5))] == [1, 2, 2, None, None]


def test_what_raises_leaves_nothing(journal):
    put(journal, "a")

    def work(writer: Writer) -> None:
        writer.append([(ItemPut("b"), "arn", "1", "r")], 1.0, None)
        assert writer.head()[0] == 2
        assert writer.tables[items].has("1", "r", "b")
        raise KeyError

    with pytest.raises(KeyError):
        journal.write(work)
    assert journal.read(lambda view: view.head()[0]) == 1
    assert shop.names(journal) == ["a"]


def test_large_fields_come_back_from_the_blob_store(journal):
    blob = journal.blobs.put(b"p" * 10_000)
    put(journal, "a", note="n" * 20_000, picture=blob)
    with journal.view() as view:
        event = view.event(1).event(journal.blobs)
        assert (event.note, event.picture) == ("n" * 20_000, blob)
        assert view.tables[items].get("111111111111", "eu-west-1", "a").picture == Blob(blob.sha256, 10_000)
        assert len(view.txn.get((1).to_bytes(8, "big"), db=view.db["events"])) < 300


# --- history


def test_a_service_s_history_is_in_order_by_account_and_region(journal):
    for account, region in (("1", "eu"), ("2", "eu"), ("1", "us"), ("2", "eu"), ("1", "eu")):
        put(journal, "a", account=account, region=region)
    reset(journal)
    put(journal, "a", account="2", region="eu")
    with journal.view() as view:
        assert list(view.history("shop")) == [1, 2, 3, 4, 5, 6, 7]
        assert list(view.history("shop", account="1")) == [1, 3, 5, 6]
        assert list(view.history("shop", account="2", region="eu")) == [2, 4, 6, 7]
        assert list(view.history("shop", region="us")) == [3, 6]
        assert list(view.history("shop", after=5)) == [6, 7]
        assert list(view.history("shopping")) == []
        assert view.services() == ["shop"]


def test_services_are_told_in_order(journal):
    put(journal, "a")
    journal.write(lambda writer: writer.append([(ClockMoved(3.0), "arn", "", "")], 1.0, None))
    reset(journal, "shop-2")
    assert journal.read(lambda view: view.services()) == ["cairn", "shop", "shop-2"]


# --- cursors, clock, meta


def test_a_cursor_stands_where_it_was_set(journal):
    assert journal.read(lambda view: view.cursor("mail")) == 0
    journal.write(lambda writer: writer.set_cursor("mail", 17))
    assert journal.read(lambda view: view.cursor("mail")) == 17


def test_subscriptions_start_where_they_are_told_to(journal):
    for name in ("a", "b"):
        journal.write(lambda writer, name=name: writer.set_cursor(name, 3))
    journal.write(lambda writer: writer.start_subscriptions(40))
    assert journal.read(lambda view: [view.cursor(name) for name in ("a", "b", "new")]) == [40, 40, 40]


def test_the_clock_moves_by_an_event_and_can_stand_still(data):
    stacks = Stacks(data, shop.find, "relaxed", wall=lambda: 1000.0)
    journal = stacks.get()
    assert journal.read(lambda view: view.now()) == 1000.0
    journal.write(lambda writer: writer.append([(ClockMoved(50.0), "arn", "", "")], 1.0, None))
    assert journal.read(lambda view: view.now()) == 1050.0
    journal.write(lambda writer: writer.append([(ClockMoved(0.0, frozen=5.0), "arn", "", "")], 1.0, None))
    assert journal.read(lambda view: view.now()) == 5.0
    assert journal.read(lambda view: view.tables[clocks].get(0)) == Clock(0.0, 5.0)
    stacks.close()


# --- rebuilding


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(
                st.sampled_from(["a", "b", "c" * 600, "d" * 2000]), st.sampled_from(["", "x", "n" * 700, "s" * 5000])
            ),
            st.sampled_from(["take a", "take " + "c" * 600, "reset"]),
        ),
        max_size=20,
    )
)
def test_replayed_tables_are_the_live_ones_byte_for_byte(happened):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        stacks = Stacks(folder, shop.find, "memory")
        journal = stacks.get()
        for what in happened:
            if what == "reset":
                reset(journal)
            elif isinstance(what, str):
                taken = ItemTaken(what.removeprefix("take "))
                journal.write(
                    lambda writer, e=taken: writer.append([(e, "arn", "111111111111", "eu-west-1")], 1.0, None)
                )
            else:
                put(journal, what[0], note=what[1])
        live = rows(journal)
        journal.write(lambda writer: writer.set_meta("projection/shop", [0]))
        journal.rebuild("shop")
        assert rows(journal) == live
        stacks.close()


def test_a_raised_version_is_rebuilt_before_it_is_read(journal, raised, monkeypatch):
    put_each(journal, "abc")
    raised()
    monkeypatch.setitem(
        shop.SHOP.folds, "shop.ItemPut", lambda e, on, tables: tables[items].put(shop.Item(9.0, ""), e.name)
    )
    with journal.view() as view, pytest.raises(StaleProjection):
        view.tables[items]
    assert journal.read(lambda view: [item.price for item in view.tables[items].records()]) == [9.0, 9.0, 9.0]


def test_a_raised_version_is_rebuilt_before_it_is_written(journal, raised):
    put_each(journal, "abc")
    raised()
    put(journal, "d", account="1", region="r")
    assert shop.names(journal) == ["a", "b", "c", "d"]
    assert journal.read(lambda view: view.meta("projection/shop")) == [2]


def test_a_lowered_version_is_rebuilt_too(journal, raised):
    put_each(journal, "ab")
    raised(5)
    assert shop.names(journal) == ["a", "b"]
    raised(1)
    with journal.view() as view, pytest.raises(StaleProjection):
        view.tables[items]
    assert shop.names(journal) == ["a", "b"]


def test_a_rebuild_goes_in_steps_and_says_how_far_it_is(journal, raised, monkeypatch):
    put_each(journal, [f"{n:03}" for n in range(95)])
    monkeypatch.setattr(log, "REBUILD_STEP", 20)
    raised()
    told: list[int] = []
    journal.rebuild("shop", told.append)
    assert told == [20, 20, 20, 20, 15]
    assert len(shop.names(journal)) == 95


def test_a_rebuild_that_is_killed_in_the_middle_is_never_served_and_goes_on(journal, raised, monkeypatch):
    put_each(journal, [f"{n:03}" for n in range(90)])
    live = rows(journal)
    monkeypatch.setattr(log, "REBUILD_STEP", 20)
    raised()

    class Killed(BaseException):
        pass

    steps = []

    def kill(count: int) -> None:
        steps.append(count)
        if len(steps) in (2, 4):
            raise Killed

    for _ in range(2):
        with pytest.raises(Killed):
            journal.rebuild("shop", kill)
        with journal.view() as view, pytest.raises(StaleProjection):
            view.tables[items]
        raised(1)
        with journal.view() as view, pytest.raises(StaleProjection):
            view.tables[items]  # nor by the old version of the code, whose rows are gone
        raised(2)
    assert len(shop.names(journal)) == 90
    assert rows(journal) == live
    assert len(steps) < 10


def test_dropping_old_rows_in_steps_is_never_served_either(journal, raised, monkeypatch):
    put_each(journal, [f"{n:03}" + "k" * (n * 13) for n in range(90)])
    live = rows(journal)
    real = log._drop
    monkeypatch.setattr(log, "_drop", lambda writer, service: real(writer, service, most=25))
    raised()
    journal.environment.transact(lambda txn: journal._rebuild_step(Writer(journal, txn), "shop", None))
    assert 0 < len(rows(journal)) < len(live)
    for version in (1, 2):
        raised(version)
        with journal.view() as view, pytest.raises(StaleProjection):
            view.tables[items]
    assert len(shop.names(journal)) == 90
    assert rows(journal) == live


def test_only_the_stale_service_s_rows_are_dropped(journal, raised):
    put_each(journal, "ab")
    journal.write(lambda writer: writer.append([(ClockMoved(3.0), "arn", "", "")], 1.0, None))
    raised()
    journal.rebuild("shop")
    assert journal.read(lambda view: view.tables[clocks].get(0)) == Clock(3.0)


def test_a_reset_is_a_fact_of_history(journal, raised):
    put_each(journal, "ab")
    reset(journal)
    put(journal, "c")
    assert shop.names(journal) == ["c"]
    raised()
    assert shop.names(journal) == ["c"]


def test_a_journal_open_for_reading_says_that_it_cannot_rebuild(stacks, data, raised):
    put_each(stacks.get(), "ab")
    stacks.close()
    reader = Stacks(data, shop.find, readonly=True)
    raised()
    with pytest.raises(StaleProjection):
        shop.names(reader.get())
    raised(1)
    assert shop.names(reader.get()) == ["a", "b"]
    reader.close()


# --- damage, and other versions


def replace_record(journal: Journal, seq: int, change) -> None:
    def work(writer: Writer) -> None:
        key = seq.to_bytes(8, "big")
        writer.txn.put(key, change(bytes(writer.txn.get(key, db=writer.db["events"]))), db=writer.db["events"])

    journal.write(work)


def flip(record: bytes) -> bytes:
    return record.replace(b"note", b"nota")


def test_a_damaged_event_is_never_folded(journal, raised):
    put_each(journal, "abc", note="note")
    replace_record(journal, 2, flip)
    raised()
    with pytest.raises(JournalDamaged, match="event 2 does not have its chain") as caught:
        shop.names(journal)
    assert caught.value.seq == 2


def test_a_missing_event_is_noticed_when_folding(journal, raised):
    put_each(journal, "abc")
    journal.write(lambda writer: writer.txn.delete((2).to_bytes(8, "big"), db=writer.db["events"]))
    raised()
    with pytest.raises(JournalDamaged, match="event 2 is missing"):
        shop.names(journal)


def test_an_event_in_the_wrong_history_is_not_folded(journal, raised):
    put_each(journal, "a")
    journal.write(lambda writer: writer.append([(ClockMoved(3.0), "arn", "", "")], 1.0, None))
    index = b"shop\0001\0r"
    journal.write(lambda writer: writer.txn.put(index, (2).to_bytes(8, "big"), db=writer.db["by_service"]))
    raised()
    with pytest.raises(JournalDamaged, match="event 2"):
        shop.names(journal)


def test_a_damaged_event_is_never_shown(journal):
    put_each(journal, "abc", note="note")
    replace_record(journal, 2, flip)
    with journal.view() as view:
        assert view.event(1).seq == 1
        with pytest.raises(JournalDamaged):
            view.event(2)
        with pytest.raises(JournalDamaged):
            list(view.events())
        assert [on.seq for on in view.events(3)] == [3]


def test_an_event_of_a_later_release_is_not_folded_by_guessing(journal, raised, monkeypatch):
    monkeypatch.setattr(ItemPut, "event_version", 2)
    put_each(journal, "a")
    monkeypatch.setattr(ItemPut, "event_version", 1)
    raised()
    with pytest.raises(NewerEvent):
        shop.names(journal)


def test_a_newer_journal_format_is_refused_in_words(stacks, data):
    stacks.get().write(lambda writer: writer.set_meta("format", 2))
    stacks.close()
    for readonly in (False, True):
        later = Stacks(data, shop.find, "relaxed", readonly=readonly)
        with pytest.raises(NewerFormat, match=r"format 2; this Cairn reads up to 1"):
            later.get()


def test_a_stored_event_is_only_taken_where_it_follows(journal, stacks):
    put_each(journal, "abc")
    other = stacks.create("other")
    with journal.view() as view:
        records = dict(view.records())
    with pytest.raises(JournalDamaged):
        other.write(lambda writer: writer.append_stored(2, records[2]))
    with pytest.raises(JournalDamaged):
        other.write(lambda writer: writer.append_stored(1, records[2]))
    other.write(lambda writer: [writer.append_stored(seq, record) for seq, record in records.items()])
    assert other.read(lambda view: view.head()) == journal.read(lambda view: view.head())


def test_a_call_is_stored_as_it_was(journal):
    def work(writer: Writer) -> None:
        writer.append(
            [(ItemPut("a"), "arn", "1", "r")], 1.0, lambda last: shop.call(last, body=b"b" * 9000, names=["ü"])
        )

    journal.write(work)
    call = journal.read(lambda view: view.call(1))
    assert call.params == {"body": b"b" * 9000, "names": ["ü"]}
    assert msgspec.structs.asdict(call)["operation"] == "Put"
