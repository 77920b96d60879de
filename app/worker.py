"""Our gunicorn worker: gevent's accept loop and gunicorn's process life, with our own HTTP in between.

gunicorn's own request parsing and response writing cost some 110 of the 135 µs that it spends on a request.
Reading with llhttp and writing once, as `connection.py` does, leaves about 16.
"""

from __future__ import annotations

import gc
import logging
import os
import socket
import sys
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import gevent
import gevent.monkey
from gevent.event import Event
from gevent.pool import Pool
from gevent.server import StreamServer
from gevent.ssl import SSLContext
from gunicorn.workers.ggevent import GeventWorker

from .connection import Connection, Environ
from .lifeline import end_with_arbiter
from .pulse import Limits, Pulse
from .tls import Certificates
from .transport import TlsTransport, Transport

log = logging.getLogger("cairn.server")

TLS_HANDSHAKE = 0x16  # the first byte of a TLS record that begins a connection; no HTTP request begins so

on_stopping: list[Callable[[], None]] = []
"""Called once when this worker is told to stop, so that waits of requests in flight can be cut short."""


class FileWrapper:
    """WSGI's wsgi.file_wrapper."""

    def __init__(self, file: Any, size: int = 256 * 1024) -> None:
        """`file` has read, and perhaps close."""
        self._file = file
        self._size = size
        self.close = getattr(file, "close", lambda: None)

    def __iter__(self) -> FileWrapper:
        return self

    def __next__(self) -> bytes:
        data: bytes = self._file.read(self._size)
        if not data:
            raise StopIteration
        return data


class CairnWorker(GeventWorker):  # type: ignore[misc]
    """Serves HTTP and HTTPS on the same sockets. `cfg` carries our own settings, as `Serving` in server.py."""

    limits = Limits()
    certificates: Certificates | None = None
    on_ready: Callable[[int], None] | None = None  # told this worker's pid once it takes connections
    lifeline: int | None = None  # a pipe whose other end the arbiter holds: it ends when the arbiter does

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.connections: set[Connection] = set()
        self.silent: set[Transport] = set()  # of which nothing has come yet, so that their protocol is not known
        self.pulse: Pulse
        self._hurry = False
        self._woken: Event

    def patch(self) -> None:
        with warnings.catch_warnings():
            # The arbiter, from which we are forked, has imported ssl; gevent's patch of it works all the same.
            warnings.simplefilter("ignore", category=gevent.monkey.MonkeyPatchWarning)
            super().patch()

    def load_wsgi(self) -> None:
        super().load_wsgi()
        # What is loaded now lives as long as we do: no collection need ever look at it again.
        gc.collect()
        gc.freeze()
        # What a request leaves is freed by its reference counts; looking for cycles every 700 objects costs 5 %.
        gc.set_threshold(50_000, 20, 50)

    # --- the life of the process

    def run(self) -> None:
        """Serve until told to stop; then finish what is under way."""
        self.pulse = Pulse(self.limits.tick())
        self._woken = Event()
        gevent.spawn(self.pulse.beat)
        if self.lifeline is not None:
            end_with_arbiter(self.lifeline)
        pool = Pool(self.worker_connections)
        servers = [self._listen(sock, pool) for sock in self.sockets]
        if self.on_ready is not None:
            self.on_ready(os.getpid())
        while self.alive:
            self.notify()
            self._woken.wait(1.0)
        for server in servers:
            server.close()
        self._finish(pool)

    def _listen(self, sock: Any, pool: Pool) -> StreamServer:
        sock.setblocking(1)
        server = StreamServer(sock, handle=partial(self.handle, sock), spawn=pool)
        if self.cfg.workers > 1:
            server.max_accept = 1  # leave some for the other workers
        server.start()
        return server

    def _finish(self, pool: Pool) -> None:
        for hook in on_stopping:
            try:
                hook()
            except Exception:
                log.exception("a stop hook failed")
        for connection in list(self.connections):
            connection.stop()
        for transport in list(self.silent):
            transport.stop_reading()
        waited = 0.0
        while len(pool) and waited < self.cfg.graceful_timeout and not self._hurry:
            self.notify()
            pool.join(timeout=0.25)
            waited += 0.25
        if len(pool):
            log.warning("Stopping with %d connections in use", len(pool))
            pool.kill(timeout=1)

    def _stop(self, hurry: bool) -> None:
        self.alive = False
        self._hurry = self._hurry or hurry
        self._woken.set()

    # Signal handlers may run in the hub, which must not block or switch.

    def handle_exit(self, sig: int, frame: Any) -> None:
        self.alive = False
        gevent.spawn(self._stop, False)

    def handle_quit(self, sig: int, frame: Any) -> None:
        self.alive = False
        gevent.spawn(self._stop, True)

    # --- connections

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve one connection; nothing that happens on it goes further than it."""
        client.setblocking(False)
        transport = Transport(client, self.pulse, self.limits)
        connection = None
        try:
            if client.family != socket.AF_UNIX:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.certificates is not None:
                first = self._first_byte(transport)
                if first < 0:
                    return
                if first == TLS_HANDSHAKE:
                    secured = self._secure(transport, self.certificates.context())
                    if secured is None:
                        return
                    transport = secured
            connection = Connection(transport, self.wsgi, self._environ(transport, listener, addr), self.limits)
            connection.stopping = not self.alive
            self.connections.add(connection)
            connection.serve()
        except gevent.GreenletExit:
            pass
        except Exception:
            log.exception("A connection failed")
        finally:
            if connection is not None:
                self.connections.discard(connection)
            transport.close()

    def _first_byte(self, transport: Transport) -> int:
        self.silent.add(transport)
        if not self.alive:
            transport.stop_reading()
        try:
            return transport.peek()
        finally:
            self.silent.discard(transport)

    def _secure(self, transport: Transport, context: SSLContext) -> TlsTransport | None:
        try:
            secured = TlsTransport(transport, context)
        except OSError:  # the client has gone already
            return None
        if secured.handshake():
            return secured
        secured.close()
        return None

    def _environ(self, transport: Transport, listener: Any, addr: Any) -> Environ:
        name = listener.getsockname()
        server = name if isinstance(name, tuple) else ("localhost", 0)
        remote = addr if isinstance(addr, tuple) else ("127.0.0.1", 0)
        return {
            "SERVER_SOFTWARE": "Cairn",
            "SERVER_NAME": server[0],
            "SERVER_PORT": str(server[1]),
            "REMOTE_ADDR": remote[0],
            "REMOTE_PORT": str(remote[1]),
            "SCRIPT_NAME": "",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": transport.scheme,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": self.cfg.workers > 1,
            "wsgi.run_once": False,
            "wsgi.file_wrapper": FileWrapper,
            "wsgi.input_terminated": True,
        }
