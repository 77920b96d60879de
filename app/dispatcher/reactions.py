"""Reactions: every reactor follows every stack's journal from its durable cursor."""

from __future__ import annotations

import heapq
import itertools
import logging
from collections.abc import Callable

from gevent.event import Event as Signal

from app import handlers, reactors
from app.calls import Call
from app.engine import Engine, react
from app.reactors import Reactor
from app.stacks import Served
from journal import Envelope, StaleProjection, View, Writer

log = logging.getLogger("cairn.reactions")

STEP = 500  # events a transaction
_IDLE = 5.0  # seconds after which all stacks are looked at even without a ring


class Reactions:
    """Follows all stacks of a data directory."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._rung: set[str] = set()
        self._signal = Signal()
        served.on_ring.append(self._ring)
        self._reactors = reactors.every()

    def _ring(self, stack: str) -> None:
        self._rung.add(stack)
        self._signal.set()

    def run(self, stopped: Callable[[], bool]) -> None:
        """Follow until told to stop."""
        waited = _IDLE
        while not stopped():
            if waited >= _IDLE:
                self._rung.update(self._served.stacks.names())
                waited = 0.0
            rung, self._rung = self._rung, set()
            self._signal.clear()
            for stack in sorted(rung):
                try:
                    if self.follow(stack):
                        self._ring(stack)
                except LookupError:
                    continue  # the stack was deleted meanwhile
                except Exception:
                    log.exception("reactions on stack %s failed; they are tried again", stack)
            if not self._signal.wait(0.25):
                waited += 0.25

    def follow(self, stack: str) -> bool:
        """Let every reactor take one step on a stack; tell whether one has more to do."""
        engine = self._served.engine(stack)
        more = False
        for reactor in self._reactors:
            more = self._advance(engine, reactor) or more
        return more

    def _advance(self, engine: Engine, reactor: Reactor) -> bool:
        """Look for the next events that may concern a reactor; react to them; move its cursor; tell whether more wait.

        Only histories of services that it listens to are read, so that what happens elsewhere costs it nothing.
        """
        with engine.journal.view() as view:
            seqs = _next(view, reactor)
            concerned = any(_type(view, seq) in reactor.types for seq in seqs)
        if not seqs:
            return False
        if concerned:
            engine.write(lambda writer: _react(writer, reactor, seqs[-1]))
        else:
            engine.write(lambda writer: writer.set_cursor(reactor.name, max(seqs[-1], writer.cursor(reactor.name))))
        return len(seqs) == STEP


def _next(view: View, reactor: Reactor) -> list[int]:
    """Return the next seqs, at most STEP, in the histories of the services that a reactor listens to."""
    after = view.cursor(reactor.name)
    services = sorted({kind.partition(".")[0] for kind in reactor.types})
    return list(itertools.islice(heapq.merge(*(view.history(service, after=after) for service in services)), STEP))


def _type(view: View, seq: int) -> str:
    envelope = view.event(seq)
    return "" if envelope is None else envelope.type


def _react(writer: Writer, reactor: Reactor, last: int) -> None:
    """React to the events up to `last` and move the cursor, all in the caller's transaction."""
    for seq in [seq for seq in _next(writer, reactor) if seq <= last]:
        envelope = writer.event(seq)
        if envelope is None or envelope.type not in reactor.types:
            continue
        for call in _wanted(writer, reactor, envelope):
            call.cause, call.reactor = envelope.seq, reactor.name
            react(writer, handlers.handler(call.service, call.operation), call)
    writer.set_cursor(reactor.name, max(last, writer.cursor(reactor.name)))


def _wanted(writer: Writer, reactor: Reactor, envelope: Envelope) -> list[Call]:
    """Return the calls with which a reactor answers an event; none where it fails, which must not hold up later events."""
    try:
        return list(reactor.react(envelope.event(writer.blobs), envelope, writer.tables))
    except StaleProjection:
        raise
    except Exception:
        log.exception("%s failed on event %d, which is passed over", reactor.name, envelope.seq)
        return []
