"""The dispatcher's process, around the dispatcher itself: one at a time, and never longer than its arbiter."""

from __future__ import annotations

import importlib
import logging
import signal
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .data_directory import DirectoryLock
from .lifeline import end_with_arbiter

if TYPE_CHECKING:
    from .server import ServerOptions

log = logging.getLogger("cairn.server")

ORPHAN_TIME = 2.0  # what a dispatcher has to end by itself once its arbiter is gone


class Stop:
    """Tells the dispatcher when to end: call it for a yes or no, or wait on it."""

    def __init__(self) -> None:
        from gevent.event import Event

        self._event = Event()

    def __call__(self) -> bool:
        return bool(self._event.is_set())

    def wait(self, timeout: float | None = None) -> bool:
        """Block this greenlet until it is time to stop, or for `timeout` seconds; tell whether it is."""
        return bool(self._event.wait(timeout))

    def set(self) -> None:
        """Say that it is time."""
        self._event.set()


def run_dispatcher(name: str, options: ServerOptions, data: Path, lifeline: int) -> None:
    """Be the dispatcher process, just forked: patch, take the lock, run `name` until it is told to stop."""
    import gevent
    from gevent import monkey

    for sig in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH, signal.SIGTTIN, signal.SIGTTOU):
        signal.signal(sig, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=monkey.MonkeyPatchWarning)
        monkey.patch_all()
    gevent.reinit()
    stop = Stop()

    def asked(*_: Any) -> None:
        gevent.spawn(stop.set)

    for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(sig, asked)
    end_with_arbiter(lifeline, ORPHAN_TIME)
    gevent.spawn(_watch_arbiter, lifeline, stop)
    lock = DirectoryLock(data / "run" / "dispatcher.lock")
    waiting = False
    while not lock.acquire():  # one of a killed server may need a moment to notice
        if not waiting:
            log.warning("Waiting for another dispatcher (pid %d) to end", lock.holder())
            waiting = True
        if stop.wait(0.1):
            return
    module, _, attribute = name.partition(":")
    try:
        getattr(importlib.import_module(module), attribute)(options, stop)
    finally:
        lock.release()


def _watch_arbiter(lifeline: int, stop: Stop) -> None:
    import gevent

    gevent.get_hub().wait(gevent.get_hub().loop.io(lifeline, 1))
    log.warning("The server process is gone; the dispatcher ends")
    stop.set()
