"""Commands: together in a commit, alone in their failures, the same again with the same clock and ids."""

from __future__ import annotations

import gevent
import pytest

from app.calls import Call, Ids
from app.errors import AwsError
from app.outcomes import answer, emit
from journal import ClockMoved, StorageFull
from journal.replay import compare
from journal.verify import verify
from tests.journal import shop
from tests.journal.shop import ItemPut, items


def put(call, state):
    """Put an item, named by the caller."""
    name = call.params["name"]
    if state[items].has(call.account, call.region, name):
        return answer(Existing=True)
    return emit(ItemPut(name, note=call.ids.hex(8)), f"arn:{name}").answer(Seq=call.seq, Now=call.now)


def refuse(call, state):
    """Refuse, as AWS does."""
    raise AwsError("NoSuchShelf", "there is no such shelf")


def fail(call, state):
    """Fail on a bug."""
    raise ZeroDivisionError


def put_two_then_spoil(call, state):
    """Emit a good event, and one whose fold raises."""
    return emit(ItemPut("good"), "arn:good").emit(ItemPut("spoiled"), "arn:spoiled").answer()


@pytest.fixture
def spoiled(monkeypatch):
    """A fold with a bug: it raises at the item `spoiled`."""
    real = shop.SHOP.folds["shop.ItemPut"]

    def fold(event, on, tables):
        real(event, on, tables)
        if event.name == "spoiled":
            raise LookupError("a bug in a fold")

    monkeypatch.setitem(shop.SHOP.folds, "shop.ItemPut", fold)


def test_a_command_is_answered_with_its_last_seq(bench):
    assert bench.run(put, name="a") == ({"Seq": 1, "Now": 1000.0}, 1)
    assert bench.run(put, name="b") == ({"Seq": 2, "Now": 1000.0}, 2)
    assert bench.run(put, name="a") == ({"Existing": True}, 2)
    assert bench.names() == ["a", "b"]
    assert bench.rings == [(1, ["arn:a"]), (2, ["arn:b"])]


def test_the_call_is_stored_with_its_events(bench):
    bench.run(put, name="a")
    with bench.journal.view() as view:
        call = view.call(1)
        assert (call.service, call.operation, call.params, call.account, call.request_id) == (
            "shop",
            "put",
            {"name": "a"},
            "1",
            "q",
        )
        assert (call.last, call.time) == (1, 1000.0)
        assert [(on.account, on.region, on.resource, on.time) for on in view.events()] == [("1", "r", "arn:a", 1000.0)]


def test_commands_that_come_together_share_a_commit(served):
    waiting = [served.spawn(put, name=f"{n}") for n in range(20)]
    gevent.joinall(waiting, raise_error=True)
    assert sorted(answered.value[1] for answered in waiting) == list(range(1, 21))
    measures = served.engine.measures
    assert (measures.commands, measures.events) == (20, 20)
    assert measures.batches < 20
    assert measures.largest_batch > 1
    assert list(verify(served.journal)) == []


def test_of_two_commands_in_one_commit_the_second_sees_what_the_first_did(served):
    one, two = served.spawn(put, name="a"), served.spawn(put, name="a")
    gevent.joinall([one, two], raise_error=True)
    assert [one.value[0].get("Existing"), two.value[0].get("Existing")] == [None, True]


@pytest.mark.parametrize(("failing", "error"), [(refuse, AwsError), (fail, ZeroDivisionError)])
def test_a_failing_command_leaves_nothing_and_disturbs_no_neighbour(bench, failing, error):
    running = [bench.spawn(failing if n % 3 == 1 else put, name=f"{n}") for n in range(9)]
    gevent.joinall(running)
    assert [type(one.exception) if one.exception else None for one in running] == [None, error, None] * 3
    assert bench.names() == ["0", "2", "3", "5", "6", "8"]
    assert bench.journal.read(lambda view: view.head()[0]) == 6


def test_a_fold_that_raises_spoils_only_its_own_command(bench, spoiled, tmp_path):
    functions = [put, put_two_then_spoil, put, put_two_then_spoil, put]
    running = [bench.spawn(function, name=f"{n}") for n, function in enumerate(functions)]
    gevent.joinall(running)
    assert [type(one.exception) for one in running if one.exception] == [LookupError, LookupError]
    assert bench.names() == ["0", "2", "4"]
    assert sorted(one.value[1] for one in running if not one.exception) == [1, 2, 3]
    assert list(verify(bench.journal)) == []
    assert list(compare(bench.journal, tmp_path / "scratch", bench.stacks.blobs)) == []
    assert [seq for seq, _ in bench.rings] == sorted(seq for seq, _ in bench.rings)
    assert {arn for _, arns in bench.rings for arn in arns} >= {"arn:0", "arn:2", "arn:4"}


def test_what_cannot_be_stored_spoils_only_its_own_command(bench):
    def put_rubbish(call, state):
        return emit(ItemPut(object()), "arn:rubbish").answer()

    running = [bench.spawn(function, name=f"{n}") for n, function in enumerate([put, put_rubbish, put])]
    gevent.joinall(running)
    assert isinstance(running[1].exception, TypeError)
    assert bench.names() == ["0", "2"]


def test_the_same_clock_and_ids_give_the_same_journal_byte_for_byte(bench, tmp_path):
    from tests.engine.conftest import Bench

    other = Bench(tmp_path / "other", "caller")
    for one in (bench, other):
        for n in range(5):
            one.time = 1000.0 + n
            one.run(put, name=f"{n}", seed=n)
    with bench.journal.view() as left, other.journal.view() as right:
        assert list(left.records()) == list(right.records())
    assert shop.rows(bench.journal) == shop.rows(other.journal)
    other.close()


def test_ids_from_a_seed_come_again_and_others_do_not():
    one, two = Ids(7), Ids(7)
    draw = lambda ids: (ids.uuid(), ids.hex(9), ids.text(20), ids.bytes(5))  # noqa: E731
    assert draw(one) == draw(two)
    assert draw(Ids()) != draw(Ids())
    assert len(Ids(1).hex(9)) == 9


def test_a_command_s_time_is_the_stack_s(bench):
    bench.engine.write(lambda writer: writer.append([(ClockMoved(500.0), "arn:clock", "", "")], writer.now(), None))
    assert bench.run(put, name="a")[0]["Now"] == 1500.0


def test_a_query_sees_a_snapshot_and_the_stack_s_time(bench):
    def look(call, state):
        return answer(Names=[key[2] for key, _ in state[items].scan()], Now=call.now)

    bench.run(put, name="a")
    call = Call("shop", "look", {})
    assert bench.engine.query(bench.handler(look, "query"), call) == {"Names": ["a"], "Now": 1000.0}


def test_a_full_disk_fails_every_command_of_the_commit_and_later_ones_work(bench, monkeypatch):
    real = bench.journal.write

    def full(work):
        raise StorageFull("no space left")

    monkeypatch.setattr(bench.journal, "write", full)
    running = [bench.spawn(put, name=f"{n}") for n in range(3)]
    gevent.joinall(running)
    assert all(isinstance(one.exception, StorageFull) for one in running)
    monkeypatch.setattr(bench.journal, "write", real)
    assert bench.run(put, name="a")[1] == 1
    assert bench.names() == ["a"]


def test_a_stale_projection_is_rebuilt_under_a_command(bench, monkeypatch):
    bench.run(put, name="a")
    monkeypatch.setattr(shop.SHOP, "version", 9)
    assert bench.run(put, name="a") == ({"Existing": True}, 1)


def test_large_parameters_and_fields_are_taken_by_many_callers_at_once(bench):
    running = [bench.spawn(put, name=f"{n}" + "x" * 6000, body="b" * 9000) for n in range(8)]
    gevent.joinall(running, timeout=30, raise_error=True)
    assert len(bench.names()) == 8


def test_write_rings_for_what_it_appended(bench):
    def work(writer):
        writer.append([(ItemPut("a"), "arn:a", "1", "r"), (ItemPut("b"), "arn:b", "1", "r")], 1.0, None)
        writer.append([(ItemPut("a"), "arn:a", "1", "r")], 1.0, None)

    bench.engine.write(work)
    assert bench.rings == [(3, ["arn:a", "arn:b"])]
