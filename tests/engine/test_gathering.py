"""How long a committer waits for company, on a clock that only sleeping moves."""

from __future__ import annotations

from collections import deque

import pytest

from app import gathering
from app.gathering import Gathering


class Moment:
    """A clock; `arrivals` are commands that come while the committer sleeps, by the number of the sleep."""

    def __init__(self, queue: deque[str]) -> None:
        self.queue = queue
        self.now = 0.0
        self.sleeps = 0
        self.arrivals: dict[int, int] = {}

    def sleep(self, seconds: float) -> None:
        self.sleeps += 1
        self.now += seconds
        self.queue.extend("command" for _ in range(self.arrivals.get(self.sleeps, 0)))


@pytest.fixture
def queue():
    return deque()


@pytest.fixture
def moment(queue, monkeypatch):
    moment = Moment(queue)
    monkeypatch.setattr(gathering, "_sleep", moment.sleep)
    return moment


@pytest.fixture
def committer(queue, moment):
    return Gathering(queue, lambda: moment.now)


def test_a_first_command_is_not_kept_waiting(queue, moment, committer):
    queue.append("command")
    committer.wait()
    assert moment.sleeps == 0


def test_a_lone_caller_is_never_kept_waiting(queue, moment, committer):
    committer.committed(1, 0.001)
    queue.append("command")
    committer.wait()
    assert moment.sleeps == 0


def test_callers_that_were_just_answered_are_waited_for(queue, moment, committer):
    queue.extend(["command"] * 4)
    committer.committed(4, 0.004)
    moment.arrivals = {2: 1, 3: 3}
    committer.wait()
    assert (len(queue), moment.sleeps) == (8, 3)


def test_nobody_waits_for_longer_than_half_of_the_last_commit(queue, moment, committer):
    queue.append("command")
    committer.committed(7, 0.001)
    moment.arrivals = {1: 1}
    committer.wait()
    assert moment.now == pytest.approx(0.0005, abs=0.00011)


def test_after_a_slow_commit_the_wait_stays_short(queue, moment, committer):
    queue.append("command")
    committer.committed(7, 3.0)
    committer.wait()
    assert moment.now == pytest.approx(0.002, abs=0.00011)


def test_where_nobody_came_the_next_commits_do_not_wait(queue, moment, committer):
    queue.append("command")
    committer.committed(3, 0.001)
    committer.wait()
    before = moment.sleeps
    for _ in range(10):
        committer.committed(3, 0.001)
        committer.wait()
    assert moment.sleeps == before
