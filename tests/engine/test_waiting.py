"""Calls that wait: woken by what happens, by the time, or by the end; never late, never in vain for all."""

from __future__ import annotations

import time

import gevent
import pytest

from app.errors import AwsError
from app.outcomes import answer, emit, wait
from tests.journal.shop import ItemPut, ItemTaken, items

SHELF = "arn:shelf"
LONG = 30.0


def put(call, state):
    """Put items on the shelf."""
    outcome = answer()
    for name in call.params["names"]:
        outcome.emit(ItemPut(name), SHELF)
    return outcome


def take(call, state):
    """Take the first item, or wait for one."""
    if call.params.get("closed") and state[items].has("1", "r", "closed"):
        raise AwsError("ShelfClosed", "the shelf is closed")
    for key, item in state[items].scan("1", "r"):
        if item.note <= f"{call.now:09.0f}":
            return emit(ItemTaken(key[2]), SHELF).answer(Name=key[2])
    if call.params.get("seconds") == 0:
        return answer(Name=None)
    times = [float(item.note) for item in state[items].records("1", "r")]
    seconds = call.params.get("seconds", LONG)
    return wait(SHELF, deadline=call.arrived + seconds, recheck=min(times, default=None)).answer(Name=None)


def taken(greenlets) -> list[str | None]:
    return sorted((one.value[0]["Name"] for one in greenlets if one.ready()), key=str)


def settle() -> None:
    """Let everybody come to rest."""
    gevent.sleep(0.05)


def test_what_is_there_is_taken_at_once(served):
    served.run(put, names=["a"])
    assert served.run(take)[0] == {"Name": "a"}


def test_a_waiting_call_is_woken_by_an_event(served):
    waiting = served.spawn(take)
    settle()
    assert not waiting.ready()
    began = time.monotonic()
    served.run(put, names=["a"])
    waiting.join(5)
    assert waiting.value[0] == {"Name": "a"}
    assert time.monotonic() - began < 5


def test_a_call_that_waits_in_vain_is_answered_at_its_deadline(served):
    assert served.run(take, seconds=0.05)[0] == {"Name": None}
    assert len(served.engine.waiting) == 0


def test_an_event_between_the_look_and_the_wait_is_not_lost(served, monkeypatch):
    """Whatever the moment at which something happens, somebody who waits for it hears of it."""
    real = served.engine.waiting.enter
    entered = []

    def enter(resources):
        entered.append(1)
        if len(entered) == 1:  # the call has looked once, and does not stand in the queue yet
            served.run(put, names=["a"])
        return real(resources)

    monkeypatch.setattr(served.engine.waiting, "enter", enter)
    waiting = served.spawn(take)
    waiting.join(5)
    assert waiting.value[0] == {"Name": "a"}


def test_a_ring_from_another_process_while_a_woken_call_looks_is_not_lost(served, monkeypatch):
    """A call is woken, finds nothing since another was faster, and the next event is rung before it waits again."""
    waiting = served.spawn(take)
    settle()
    real, looks = served.engine._run, []

    def run(handler, call):
        turn = real(handler, call)
        if handler.operation == "take" and call.params.get("seconds") != 0:
            looks.append(1)
            if len(looks) == 1:  # it has looked and found nothing: now another process commits and rings
                served.journal.write(lambda writer: writer.append([(ItemPut("b"), SHELF, "1", "r")], 1.0, None))
                served.engine.waiting.ring(SHELF)
        return turn

    monkeypatch.setattr(served.engine, "_run", run)
    served.engine.waiting.ring(SHELF)
    waiting.join(5)
    assert waiting.ready()
    assert waiting.value[0] == {"Name": "b"}


def test_each_of_several_that_wait_gets_one_though_one_event_rings(served):
    waiting = [served.spawn(take) for _ in range(6)]
    settle()
    served.run(put, names=["a", "b", "c", "d"])
    settle()
    gevent.joinall(waiting, timeout=0.5)
    assert taken(waiting) == ["a", "b", "c", "d"]
    served.run(put, names=["e", "f"])
    gevent.joinall(waiting, timeout=5)
    assert taken(waiting) == ["a", "b", "c", "d", "e", "f"]


def test_a_call_looks_again_at_the_time_it_named(served):
    served.journal.write(
        lambda writer: writer.append([(ItemPut("later", note="000001001"), SHELF, "1", "r")], 1.0, None)
    )
    waiting = served.spawn(take)
    settle()
    assert not waiting.ready()
    served.time = 1001.5
    waiting.join(5)
    assert waiting.value[0] == {"Name": "later"}


def test_a_caller_that_has_gone_takes_nothing_and_passes_the_wake_on(served):
    gone = served.spawn(take, connected=lambda: False)
    settle()
    there = served.spawn(take)
    settle()
    served.run(put, names=["a"])
    gevent.joinall([gone, there], timeout=5)
    assert gone.value[0] == {"Name": None}
    assert there.value[0] == {"Name": "a"}


def test_a_failure_reaches_everybody_that_waits(served):
    waiting = [served.spawn(take, closed=True) for _ in range(4)]
    settle()

    def close(call, state):
        return emit(ItemPut("closed", note="999999999"), SHELF).answer()

    served.run(close)
    gevent.joinall(waiting, timeout=5)
    assert [type(one.exception) for one in waiting] == [AwsError] * 4


def test_who_leaves_hands_on_the_time_it_would_have_looked_again(served):
    """The item becomes visible by itself; the call that knew when has left by then."""
    first = served.spawn(take, seconds=0.2)
    settle()
    others = [served.spawn(take) for _ in range(3)]
    settle()
    served.run(put, names=[])
    served.journal.write(
        lambda writer: writer.append([(ItemPut("later", note="000001001"), SHELF, "1", "r")], 1.0, None)
    )
    served.engine.waiting.ring(SHELF)  # heard by the first alone
    first.join(5)
    assert first.value[0] == {"Name": None}
    served.time = 1002.0
    gevent.joinall(others, timeout=3, count=1)
    assert taken(others) == ["later"]


def test_everybody_is_answered_when_the_process_stops(served):
    waiting = [served.spawn(take) for _ in range(5)]
    settle()
    served.engine.waiting.close()
    gevent.joinall(waiting, timeout=5)
    assert [one.value[0] for one in waiting] == [{"Name": None}] * 5
    assert len(served.engine.waiting) == 0


def test_a_moved_clock_lets_everybody_look_again(served):
    served.journal.write(
        lambda writer: writer.append([(ItemPut("later", note="000005000"), SHELF, "1", "r")], 1.0, None)
    )
    waiting = [served.spawn(take) for _ in range(2)]
    settle()
    served.time = 6000.0
    served.engine.waiting.ring_all()
    gevent.joinall(waiting, timeout=5, count=1)
    assert "later" in taken(waiting)


@pytest.mark.parametrize("others", [0, 50])
def test_nobody_stands_in_a_queue_after_leaving(served, others):
    waiting = [served.spawn(take, seconds=0.1) for _ in range(others)]
    served.run(take, seconds=0.05)
    gevent.joinall(waiting, timeout=10)
    assert len(served.engine.waiting) == 0
    assert served.engine.waiting._queues == {}


def test_many_senders_and_many_receivers_lose_nothing(served):
    receivers = [served.spawn(take, seconds=20) for _ in range(40)]
    senders = [gevent.spawn_later(0.001 * (n % 7), served.run, put, names=[f"{n:02}"]) for n in range(40)]
    gevent.joinall([*receivers, *senders], timeout=15, raise_error=True)
    assert taken(receivers) == [f"{n:02}" for n in range(40)]
