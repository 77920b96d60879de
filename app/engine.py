"""The engine: runs queries and commands against one stack. The only writer of the journal.

Commands queue for a committer. It takes all that wait, runs each handler on the current tables, appends and folds its
events, and commits once; callers are answered after the commit is durable. With `strict` durability the committer is a
native thread, so that a flush stalls neither reads nor long polls; where a commit costs no flush it is the loop itself,
once it has read every request that had arrived (docs/decisions/0002-who-commits.md). Handlers write nothing, so one that
fails disturbs no neighbour; only a fold that raises (a bug) spoils a batch, which is then run again one command at a time.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Literal

from gevent import get_hub, monkey
from gevent.hub import Waiter as Landing

from app.calls import Call
from app.errors import AwsError
from app.gathering import Gathering
from app.handlers import Handler
from app.outcomes import Outcome
from app.waiting import WaitingRoom
from journal import Event, Journal, JournaledCall, StaleProjection, StorageFull, View, Writer

log = logging.getLogger("cairn.engine")

_allocate_lock = monkey.get_original("_thread", "allocate_lock")
_start_thread = monkey.get_original("_thread", "start_new_thread")

Committer = Literal["thread", "loop", "caller"]
Rang = Callable[[int, Sequence[str]], None]


class Spoiled(Exception):
    """An event could not be folded or stored: a bug in a handler or a fold, found in the middle of a batch."""


class Turn:
    """One command's turn in a batch."""

    __slots__ = ("began", "call", "error", "handler", "landing", "outcome", "seq")

    def __init__(self, handler: Handler, call: Call) -> None:
        self.handler = handler
        self.call = call
        self.began = time.perf_counter()
        self.landing: Any = None
        self.outcome: Outcome | None = None
        self.error: BaseException | None = None
        self.seq = 0


class Measures:
    """What the engine counts, for /_cairn/metrics."""

    __slots__ = ("batches", "commands", "commit_seconds", "events", "largest_batch")

    def __init__(self) -> None:
        self.batches = 0
        self.commands = 0
        self.events = 0
        self.largest_batch = 0
        self.commit_seconds = 0.0


class Engine:
    """One stack, served by this process."""

    def __init__(self, journal: Journal, rang: Rang | None = None, committer: Committer | None = None) -> None:
        """`rang` is told of each commit: (head seq, ARNs). `committer`: by default a thread where a commit means a flush,
        else the loop; `caller` for tools and tests without a loop."""
        self.journal = journal
        self.waiting = WaitingRoom()
        self.measures = Measures()
        self._rang = rang
        self._committed_by: Committer = committer or (
            "thread" if journal.environment.durability == "strict" else "loop"
        )
        self._scheduled = False
        self._queue: deque[Turn] = deque()
        self._done: deque[tuple[list[Turn], dict[str, int]]] = deque()
        self._bell: Any = None
        self._closed = False

    # -- queries

    def query(self, handler: Handler, call: Call) -> dict[str, Any]:
        """Run a query on a consistent snapshot and return its answer. Raises AwsError."""

        def work(view: View) -> dict[str, Any]:
            call.now = call.arrived = view.now()
            return handler.handle(call, view.tables).result

        return self.journal.read(work)

    # -- commands

    def command(
        self, handler: Handler, call: Call, connected: Callable[[], bool] | None = None
    ) -> tuple[dict[str, Any], int]:
        """Run a command, waiting where its handler wishes to; return (answer, last seq) once it is durable.

        `connected` tells whether the caller is still there: a woken call without one takes nothing. Raises AwsError,
        StorageFull.
        """
        turn = self._run(handler, call)
        outcome = turn.outcome
        assert outcome is not None
        if outcome.deadline is None or outcome.events:
            return outcome.result, turn.seq
        return self._wait(handler, call, outcome, turn.seq, connected)

    def _wait(
        self, handler: Handler, call: Call, outcome: Outcome, seq: int, connected: Callable[[], bool] | None
    ) -> tuple[dict[str, Any], int]:
        give_up = time.monotonic() + max(0.0, (outcome.deadline or 0.0) - call.now)
        resources = outcome.resources
        while True:
            waiter = self.waiting.enter(resources)  # before looking: what happens from now on is not missed
            again, empty = False, False
            try:
                turn = self._run(handler, call)
                assert turn.outcome is not None
                outcome, seq = turn.outcome, turn.seq
                if outcome.deadline is None or outcome.events:
                    return outcome.result, seq
                empty = True
                left = give_up - time.monotonic()
                if left <= 0 or self.waiting.closed:
                    return outcome.result, seq
                if not waiter.event.is_set():
                    pause = left
                    if outcome.recheck is not None:
                        pause = min(left, max(0.001, outcome.recheck - call.now))
                    waiter.event.wait(pause)
                    if connected is not None and not connected():
                        return outcome.result, seq
                    if not waiter.event.is_set() and time.monotonic() >= give_up:
                        return outcome.result, seq
                again = True
            finally:
                self.waiting.leave(waiter)
                # Who leaves hands on what may be there for others: more than it took, a ring that it no longer answers,
                # a moment at which it alone would have looked again, or the news that made its handler fail.
                if not again and (not empty or waiter.event.is_set() or outcome.recheck is not None):
                    for arn in resources:
                        self.waiting.ring(arn)

    def _run(self, handler: Handler, call: Call) -> Turn:
        turn = Turn(handler, call)
        if self._committed_by == "caller":
            self._finish([turn], self._commit([turn]))
        else:
            turn.landing = Landing()
            self._queue.append(turn)
            if not self._scheduled:  # once all requests that have arrived are read: they share a commit
                self._scheduled = True
                get_hub().loop.run_callback(self._wake if self._committed_by == "thread" else self._commit_queue)
            turn.landing.get()
        if turn.error is not None:
            try:
                raise turn.error
            finally:
                turn.error = None  # or frame, turn, error and traceback would keep each other
        return turn

    def _commit_queue(self) -> None:
        """On the hub, once all requests that had arrived were read: commit what they queued."""
        self._scheduled = False
        batch, self._queue = list(self._queue), deque()
        self._finish(batch, self._commit(batch))

    def _wake(self) -> None:
        self._scheduled = False
        if self._bell is None:
            self._bell = _allocate_lock()
            self._landings = get_hub().loop.async_()
            self._landings.start(self._land)
            _start_thread(self._committer, ())
        elif self._bell.locked():
            with contextlib.suppress(RuntimeError):  # the committer was faster: it is awake
                self._bell.release()

    def _committer(self) -> None:
        """The native thread: take all that wait, commit, hand back; sleep when there is nothing."""
        gathering = Gathering(self._queue)
        while not self._closed:
            batch: list[Turn] = []
            if self._queue:
                gathering.wait()
            while self._queue:
                batch.append(self._queue.popleft())
            if batch:
                began = time.monotonic()
                resources = self._commit(batch)
                gathering.committed(len(batch), time.monotonic() - began)
                self._done.append((batch, resources))
                self._landings.send()
            else:
                self._bell.acquire(False)
                if not self._queue and not self._closed:
                    self._bell.acquire()

    def _land(self) -> None:
        """On the hub, called by the committer: hand back the batches that are done."""
        while self._done:
            self._finish(*self._done.popleft())

    def _finish(self, batch: list[Turn], resources: dict[str, int]) -> None:
        """On the hub: wake callers, then whoever waits for what happened, here and in other processes."""
        for turn in batch:
            if turn.landing is not None:
                turn.landing.switch(None)
        if resources:
            for arn in resources:
                self.waiting.ring(arn)
            if self._rang is not None:
                self._rang(max(turn.seq for turn in batch), list(resources))

    def _commit(self, batch: list[Turn]) -> dict[str, int]:
        """Run a batch in one transaction; set each turn's outcome or error; return the ARNs with events."""
        try:
            return self._attempt(batch)
        except Spoiled as spoiled:
            if len(batch) == 1:
                batch[0].error = spoiled.__cause__
                return {}
        except BaseException as error:
            for turn in batch:
                turn.error, turn.outcome = error, None
            return {}
        resources: dict[str, int] = {}
        for turn in batch:
            resources.update(self._commit([turn]))
        return resources

    def _attempt(self, batch: list[Turn]) -> dict[str, int]:
        began = time.perf_counter()
        resources: dict[str, int] = {}
        before = [0]

        def work(writer: Writer) -> None:
            resources.clear()
            now = writer.now()
            before[0] = writer.head()[0]
            for turn in batch:
                self._decide(writer, turn, now, resources)
            before[0] = writer.head()[0] - before[0]

        self.journal.write(work)
        measures = self.measures
        measures.batches += 1
        measures.commands += len(batch)
        measures.events += before[0]
        measures.largest_batch = max(measures.largest_batch, len(batch))
        measures.commit_seconds += time.perf_counter() - began
        return resources

    def _decide(self, writer: Writer, turn: Turn, now: float, resources: dict[str, int]) -> None:
        """Run one handler and append what it decided."""
        call = turn.call
        head = writer.head()[0]
        call.now = now
        if not call.arrived:
            call.arrived = now
        call.seq = head + 1
        turn.error = turn.outcome = None
        turn.seq = head
        try:
            outcome = turn.handler.handle(call, writer.tables)
        except StaleProjection:
            raise
        except Exception as error:
            turn.error = error
            return
        turn.outcome = outcome
        if not outcome.events:
            return
        happened: list[tuple[Event, str, str, str]] = []
        for event, resource, account, region in outcome.events:
            happened.append(
                (
                    event,
                    resource,
                    call.account if account is None else account,
                    call.region if region is None else region,
                )
            )
            resources[resource] = resources.get(resource, 0) + 1
        try:
            turn.seq = writer.append(happened, now, lambda last: _journaled(turn, last))
        except (StaleProjection, StorageFull):
            raise
        except Exception as error:
            if type(error).__module__.startswith("lmdb"):
                raise  # the store's own: a full map or disk, handled by the transaction
            raise Spoiled from error

    # -- reactions and the stack as a whole

    def write(self, work: Callable[[Writer], Any]) -> Any:
        """Run `work` in a write transaction of its own (reactions, clock, reset), and ring for what it appended."""
        marks = [0]
        resources: list[str] = []

        def noted(writer: Writer) -> Any:
            resources.clear()
            marks[0] = writer.head()[0]
            result = work(writer)
            for envelope in writer.events(marks[0] + 1):
                resources.append(envelope.resource)
            marks[0] = writer.head()[0]
            return result

        result = self.journal.write(noted)
        if resources:
            for arn in dict.fromkeys(resources):
                self.waiting.ring(arn)
            if self._rang is not None:
                self._rang(marks[0], list(dict.fromkeys(resources)))
        return result

    def close(self) -> None:
        """Stop: nothing is queued any more."""
        self._closed = True
        self.waiting.close()
        if self._bell is not None and self._bell.locked():
            self._bell.release()
            self._landings.stop()


def _journaled(turn: Turn, last: int) -> JournaledCall:
    call = turn.call
    return JournaledCall(
        call.service, call.operation, call.params, call.account, call.region, call.principal, call.access_key, call.user_agent,
        call.request_id, call.protocol, call.now, time.perf_counter() - turn.began, call.cause, call.reactor, last,
    )  # fmt: skip


def react(writer: Writer, handler: Handler, call: Call) -> int | None:
    """Run one command of a reaction inside a transaction that also moves the reactor's cursor.

    Returns the last seq, or None where AWS would refuse the command (which is logged: a reaction has no caller).
    """
    turn = Turn(handler, call)
    call.now = call.arrived = writer.now()
    call.seq = writer.head()[0] + 1
    try:
        outcome = handler.handle(call, writer.tables)
    except AwsError as error:
        log.warning("%s: %s:%s was refused: %s", call.reactor, call.service, call.operation, error)
        return None
    except StaleProjection:
        raise
    except Exception:  # a bug must not hold up every later event
        log.exception("%s: %s:%s failed and is passed over", call.reactor, call.service, call.operation)
        return None
    if not outcome.events:
        return writer.head()[0]
    happened = [
        (event, resource, call.account if account is None else account, call.region if region is None else region)
        for event, resource, account, region in outcome.events
    ]
    return writer.append(happened, call.now, lambda last: _journaled(turn, last))
