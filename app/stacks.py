"""The stacks this process serves: an engine each, and the doorbell by which processes hear of each other's commits."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gevent
from gevent import get_hub, monkey
from gevent.hub import Hub

import projections
from app.config import Settings
from app.engine import Engine
from journal import Journal, file_system_warning
from journal.doorbell import Doorbell
from journal.stacks import MAIN, Stacks

log = logging.getLogger("cairn.stacks")

RING_EVERY = 0.002  # seconds
LOOK_AGAIN = 0.05  # seconds


_thread_id = monkey.get_original("_thread", "get_ident")  # the patched one tells greenlets apart, not threads


def _off_the_hub(loop_thread: int) -> Callable[[Callable[[], object]], object]:
    """Return what runs a function that may block for long: on a thread of the hub's pool, where a greenlet asks for it."""

    def offload(work: Callable[[], object]) -> object:
        if isinstance(gevent.getcurrent(), Hub) or _thread_id() != loop_thread:
            return work()
        return get_hub().threadpool.apply(work)

    return offload


class Served:
    """All stacks of a data directory as one process serves them."""

    def __init__(self, settings: Settings) -> None:
        """Open the data directory's stacks. Call it after the process was forked."""
        self.settings = settings
        warning = file_system_warning(settings.data)
        if warning:
            log.warning("%s", warning)
        self.stacks = Stacks(
            settings.data,
            projections.find,
            settings.durability,  # type: ignore[arg-type]
            map_size=settings.map_size,
            pause=gevent.sleep,
            offload=_off_the_hub(_thread_id()),
        )
        self.blobs = self.stacks.blobs
        self.stacks.get(MAIN)
        self.doorbell = Doorbell(Path(settings.data) / "run")
        self._looked: dict[str, tuple[float, Engine]] = {}
        self._engines: dict[str, tuple[Journal, Engine]] = {}
        self.on_ring: list[Callable[[str], None]] = []  # told the stack of each commit heard or made
        self._rest = get_hub().loop.timer(RING_EVERY)
        self._resting = False
        self._unrung: dict[str, dict[str, None]] = {}  # by stack: the ARNs of the next ring
        self._unrung_all: set[str] = set()
        self._listener = gevent.spawn(self._listen)

    def engine(self, name: str = MAIN) -> Engine:
        """Return a stack's engine. Raises journal.stacks.NoSuchStack, BadName.

        Whether another process has deleted or replaced the stack is looked up at most once in LOOK_AGAIN, and at once where
        its ring has been heard.
        """
        now = time.monotonic()
        looked = self._looked.get(name)
        if looked is not None and now < looked[0] and self.stacks.opened(name) is looked[1].journal:
            return looked[1]
        engine = self._look(name)
        self._looked[name] = (now + LOOK_AGAIN, engine)
        return engine

    def _look(self, name: str) -> Engine:
        journal = self.stacks.get(name)
        known = self._engines.get(name)
        if known is not None and known[0] is journal:
            return known[1]
        if known is not None:
            known[1].close()
        engine = Engine(journal, lambda seq, resources: self._rang(name, seq, resources))
        self._engines[name] = (journal, engine)
        return engine

    def open_engines(self) -> list[tuple[str, Engine]]:
        """Return the engines opened so far, by stack."""
        return [(name, engine) for name, (_, engine) in sorted(self._engines.items())]

    def _rang(self, stack: str, seq: int, resources: Sequence[str]) -> None:
        """Ring at once, but no more than once in RING_EVERY: what happens meanwhile is gathered into the next ring.

        Waking another process costs it and us some 20 µs each time, as much as all else that a small command does.
        """
        for heard in self.on_ring:
            heard(stack)
        if self._resting:
            gathered = self._unrung.setdefault(stack, {})
            gathered.update(dict.fromkeys(resources))
            if not resources:
                self._unrung_all.add(stack)
            return
        self.doorbell.ring(stack, seq, resources)
        self._resting = True
        self._rest.start(self._rested)

    def _rested(self) -> None:
        unrung, self._unrung = self._unrung, {}
        everything, self._unrung_all = self._unrung_all, set()
        self._resting = bool(unrung)
        for stack, resources in unrung.items():
            self.doorbell.ring(stack, 0, [] if stack in everything else list(resources))
        if unrung:
            self._rest.start(self._rested)

    def ring_all(self, stack: str) -> None:
        """Wake every waiting call of a stack, in all processes: it was deleted or replaced.

        Returns when every worker has looked: what it acknowledges from then on is not written to a stack that is gone.
        """
        self._looked.pop(stack, None)
        known = self._engines.get(stack)
        if known is not None:
            known[1].waiting.ring_all()
        self._rang(stack, 0, [])
        if self.settings.workers > 1:
            gevent.sleep(LOOK_AGAIN)

    def _listen(self) -> None:
        wait: Any = gevent.socket.wait_read
        while True:
            wait(self.doorbell.socket.fileno())
            for ring in self.doorbell.heard():
                known = self._engines.get(ring.stack)
                if known is not None:
                    for arn in ring.resources:
                        known[1].waiting.ring(arn)
                    if not ring.resources:
                        self._looked.pop(ring.stack, None)
                        known[1].waiting.ring_all()
                for heard in self.on_ring:
                    heard(ring.stack)

    def stop_waiting(self) -> None:
        """Answer every long poll now: the process stops."""
        for _, engine in self._engines.values():
            engine.waiting.close()

    def close(self) -> None:
        """Stop listening and close all."""
        self._listener.kill()
        for _, engine in self._engines.values():
            engine.close()
        time.sleep(0)
        self.doorbell.close()
        self.stacks.close()
