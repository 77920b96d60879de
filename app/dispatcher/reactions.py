"""Reactions: every reactor follows every stack's journal from its durable cursor."""

from __future__ import annotations

import logging
from collections.abc import Callable

from gevent.event import Event as Signal

from app import handlers, reactors
from app.engine import Engine, react
from app.reactors import Reactor
from app.stacks import Served
from journal import Writer

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
        """Look for the next events that concern a reactor; react to them; move its cursor."""
        with engine.journal.view() as view:
            cursor, head = view.cursor(reactor.name), view.head()[0]
            if cursor >= head:
                return False
            concerned, last = False, cursor
            for envelope in view.events(cursor + 1, min(head, cursor + STEP)):
                last = envelope.seq
                concerned = concerned or envelope.type in reactor.types
        if concerned:
            engine.write(lambda writer: _react(writer, reactor, last))
        elif last < head or last - cursor >= 100:
            engine.write(lambda writer: writer.set_cursor(reactor.name, last))
        return last < head


def _react(writer: Writer, reactor: Reactor, last: int) -> None:
    """React to the events up to `last` and move the cursor, all in the caller's transaction."""
    for envelope in list(writer.events(writer.cursor(reactor.name) + 1, last)):
        if envelope.type not in reactor.types:
            continue
        event = envelope.event(writer.blobs)
        for call in reactor.react(event, envelope, writer.tables):
            call.cause, call.reactor = envelope.seq, reactor.name
            react(writer, handlers.handler(call.service, call.operation), call)
    writer.set_cursor(reactor.name, last)
