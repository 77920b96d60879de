"""The process that starts, watches and stops the others: gunicorn's arbiter, and the dispatcher beside its workers.

It imports gevent but never runs a hub, so that what is forked from it starts clean.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunicorn import sock as gunicorn_sockets
from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer

from .data_directory import DirectoryLock, announce
from .dispatching import run_dispatcher

if TYPE_CHECKING:
    from .server import ServerOptions

log = logging.getLogger("cairn.server")

BOOT_FAILURES = 5  # workers in a row that die before they serve, after which we give up
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # before a dead dispatcher is started again
SETTLED = 60.0  # a dispatcher that lived this long has not failed to start


class CairnArbiter(Arbiter):  # type: ignore[misc]
    """gunicorn's arbiter, which says when all workers serve, keeps one dispatcher alive, and stops without polling."""

    LISTENERS: list[Any]

    def __init__(
        self, app: Any, data: Path, dispatcher: str | None, options: ServerOptions, lock: DirectoryLock
    ) -> None:
        """`lock` is the data directory's, which children must not keep."""
        super().__init__(app)
        self._data = data
        self._dispatcher = dispatcher
        self._options = options
        self._lock = lock
        self._dispatcher_pid = 0
        self._dispatcher_started = 0.0
        self._dispatcher_due = 0.0
        self._pause = FIRST_PAUSE
        self._stopping = False
        self._serving: set[int] = set()
        self._said_ready = False
        self._boot_failures = 0
        self._bell: tuple[int, int] = (-1, -1)  # signals ring it
        self._ready: tuple[int, int] = (-1, -1)  # workers write their pid when they serve
        self._poll = select.poll()
        self._lifeline: tuple[int, int] = (-1, -1)  # ends in the children when we do

    # --- start

    def start(self) -> None:
        self._bell, self._ready, self._lifeline = os.pipe(), os.pipe(), os.pipe()
        for end in (*self._bell, self._ready[0]):
            os.set_blocking(end, False)
        for end in (self._bell[0], self._ready[0]):
            self._poll.register(end, select.POLLIN)
        self.worker_class.lifeline = self._lifeline[0]
        self.worker_class.on_ready = staticmethod(self._report_ready)
        super().start()
        addresses = [_url(listener) for listener in self.LISTENERS]
        try:
            announce(self._data, addresses)
        except OSError as error:  # a full disk, say, whose data can be read all the same
            log.warning("Cannot note down where this server is: %s", error)
        log.info("Listening on %s, data in %s", ", ".join(addresses), self._data)

    def init_signals(self) -> None:
        super().init_signals()
        signal.set_wakeup_fd(self._bell[1], warn_on_full_buffer=False)

    def _report_ready(self, pid: int) -> None:
        os.write(self._ready[1], b"%d\n" % pid)

    def wait_for_signals(self, timeout: float = 1.0) -> list[int]:
        """Sleep until a signal comes, a worker reports, or the time is over; return the signals."""
        if self.SIG_QUEUE.empty():
            self._poll.poll(timeout * 1000)
        with contextlib.suppress(BlockingIOError):
            os.read(self._bell[0], 4096)
        self._read_reports()
        signals = []
        while not self.SIG_QUEUE.empty():
            sig = self.SIG_QUEUE.get_nowait()
            if sig != self.WAKEUP_REQUEST:
                signals.append(sig)
        return signals

    def _read_reports(self) -> None:
        try:
            reports = os.read(self._ready[0], 4096)
        except BlockingIOError:
            return
        self._serving.update(int(pid) for pid in reports.split())
        self._serving &= self.WORKERS.keys()
        self._boot_failures = 0
        if not self._said_ready and len(self._serving) >= self.num_workers:
            self._said_ready = True
            # Not through logging: whoever waits for this line looks for it alone, without time or level.
            print("Ready.", file=sys.stderr, flush=True)

    # --- children

    def spawn_workers(self) -> None:
        """Start what is missing, at once: gunicorn waits a random time between two, which only delays the start."""
        for _ in range(self.num_workers - len(self.WORKERS)):
            self.spawn_worker()

    def spawn_worker(self) -> int:
        try:
            pid: int = super().spawn_worker()
        except BaseException as end:
            if os.getpid() == self.pid:
                raise
            # A worker has ended. What follows serve() in whoever called it is the arbiter's to run, not ours.
            code = end.code if isinstance(end, SystemExit) else 1
            _leave(code if isinstance(code, int) else 1)
        return pid

    def manage_workers(self) -> None:
        super().manage_workers()
        self._manage_dispatcher()

    def become_child(self) -> None:
        """Let go, in a forked child, of what is the arbiter's own."""
        self._lock.forget()
        signal.set_wakeup_fd(-1)
        for end in (*self._bell, self._ready[0], self._lifeline[1]):
            os.close(end)

    def _manage_dispatcher(self) -> None:
        if self._dispatcher is None or self._dispatcher_pid or self._stopping:
            return
        now = time.monotonic()
        if now < self._dispatcher_due:
            return
        self._dispatcher_started = now
        pid = os.fork()
        if pid:
            self._dispatcher_pid = pid
            return
        code = 1
        try:
            self.become_child()
            os.close(self._ready[1])
            for listener in self.LISTENERS:
                listener.close()
            for worker in self.WORKERS.values():
                worker.tmp.close()
            run_dispatcher(self._dispatcher, self._options, self._data, self._lifeline[0])
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        except BaseException:
            log.exception("The dispatcher failed")
        finally:
            _leave(code)

    def reap_workers(self) -> None:
        self._reap_dispatcher()
        super().reap_workers()

    def _reap_dispatcher(self) -> None:
        if not self._dispatcher_pid:
            return
        try:
            pid, status = os.waitpid(self._dispatcher_pid, os.WNOHANG)
        except ChildProcessError:  # gunicorn's own reaping was quicker
            pid, status = self._dispatcher_pid, -1
        if not pid:
            return
        self._dispatcher_pid = 0
        if self._stopping:
            return
        now = time.monotonic()
        if now - self._dispatcher_started > SETTLED:
            self._pause = FIRST_PAUSE
        self._dispatcher_due = now + self._pause
        how = "ended" if status < 0 else f"ended with status {os.waitstatus_to_exitcode(status)}"
        log.error("The dispatcher (pid %d) %s; starting it again in %.1f s", pid, how, self._pause)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def worker_ended(self, pid: int) -> None:
        """Count the workers that end before they serve: with several in a row, trying again is no use."""
        if pid in self._serving:
            self._serving.discard(pid)
            return
        if self._stopping:
            return
        self._boot_failures += 1
        if self._boot_failures >= BOOT_FAILURES:
            raise HaltServer("Workers end before they can serve.", self.WORKER_BOOT_ERROR)

    # --- the end

    def stop(self, graceful: bool = True) -> None:
        """Tell all children to stop, wait for them within graceful_timeout, and kill what is left."""
        self._stopping = True
        gunicorn_sockets.close_sockets(self.LISTENERS)
        self.LISTENERS = []
        self._signal_all(signal.SIGTERM if graceful else signal.SIGQUIT)
        limit = time.monotonic() + (self.cfg.graceful_timeout if graceful else 2.0)
        self._reap_all()
        while (self.WORKERS or self._dispatcher_pid) and time.monotonic() < limit:
            signals = self.wait_for_signals(timeout=0.5)
            if signal.SIGINT in signals or signal.SIGQUIT in signals:
                self._signal_all(signal.SIGQUIT)
                limit = min(limit, time.monotonic() + 2.0)
            self._reap_all()
        # A worker needs a moment past the time that it gave its own requests.
        limit = time.monotonic() + 2.0
        while (self.WORKERS or self._dispatcher_pid) and time.monotonic() < limit:
            self.wait_for_signals(timeout=0.1)
            self._reap_all()
        self._signal_all(signal.SIGKILL)
        while self.WORKERS or self._dispatcher_pid:
            self.wait_for_signals(timeout=0.1)
            self._reap_all()

    def _signal_all(self, sig: int) -> None:
        self.kill_workers(sig)
        if self._dispatcher_pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._dispatcher_pid, sig)

    def _reap_all(self) -> None:
        with contextlib.suppress(HaltServer):
            self.reap_workers()

    def handle_usr2(self) -> None:
        """gunicorn would run a second server beside this one, which the data directory's lock forbids."""
        log.warning("SIGUSR2 ignored: stop and start the server to upgrade it")


def _url(listener: Any) -> str:
    name = listener.getsockname()
    if listener.FAMILY == socket.AF_UNIX:
        return f"unix:{name}"
    host = f"[{name[0]}]" if listener.FAMILY == socket.AF_INET6 else name[0]
    return f"http://{host}:{name[1]}"


def _leave(code: int) -> None:
    """End a child without running what its parent registered for its own end."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(code)
