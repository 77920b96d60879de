"""Bytes in and out of one client's socket, plain or TLS. Waiting blocks the greenlet, never the process."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
from typing import Any

import gevent
from gevent.ssl import SSLContext

from .pulse import NEVER, Limits, Pulse

RECEIVE = 64 * 1024
SEND = 256 * 1024
SMALL_FILE = 32 * 1024  # below this one read and one send are cheaper than sendfile's set-up
TURN = 1024 * 1024  # bytes moved before another greenlet gets a turn
READ, WRITE = 1, 2
TCP_ESTABLISHED = 1


class PeerGone(Exception):
    """The client went away, or took nothing for too long, while we were sending."""


class Transport:
    """A plain connection.

    It uses the raw socket below gevent's and waits on the hub by itself: gevent's own recv and send cost more
    than all of our parsing. `deadline` is watched by the pulse.
    """

    __slots__ = ("_moved", "_reader", "_writer", "deadline", "expired", "hub", "limits", "pulse", "raw", "sock")
    scheme = "http"

    def __init__(self, sock: Any, pulse: Pulse, limits: Limits) -> None:
        """`sock` is a gevent socket, just accepted."""
        self.sock = sock
        self.raw = sock._sock
        self.hub = gevent.get_hub()
        self.pulse = pulse
        self.limits = limits
        self.deadline = NEVER
        self.expired = False
        self._reader = self.hub.loop.io(self.raw.fileno(), READ)
        self._writer = self.hub.loop.io(self.raw.fileno(), WRITE)
        self._moved = 0
        pulse.watched.add(self)

    # --- reading

    def peek(self) -> int:
        """Wait for the first byte and return it without taking it; -1 where none comes."""
        self.deadline = self.pulse.now + self.limits.keepalive
        while True:
            try:
                first = self.raw.recv(1, socket.MSG_PEEK)
            except BlockingIOError:
                self.hub.wait(self._reader)
            except OSError:
                return -1
            else:
                return first[0] if first else -1

    def next_bytes(self, size: int = RECEIVE) -> bytes:
        """Return what the client sends next, b"" at the end; other greenlets get their turn before.

        After an answer there is nothing to read yet, so waiting first saves a failed read, and a client that
        always has a request ready cannot keep the hub for itself.
        """
        self.hub.wait(self._reader)
        return self.receive(size)

    def receive(self, size: int) -> bytes:
        """Return up to `size` bytes as soon as there are any; b"" at the end, on a reset and once expired."""
        while True:
            try:
                data: bytes = self.raw.recv(size)
            except BlockingIOError:
                self.hub.wait(self._reader)
                continue
            except OSError:
                return b""
            self._moved += len(data)
            if self._moved > TURN:
                self._yield()
            return data

    def receive_ready(self, size: int) -> bytes:
        """Return up to `size` bytes that are here already, b"" where there are none."""
        try:
            data: bytes = self.raw.recv(size)
        except OSError:
            return b""
        return data

    def connected(self) -> bool:
        """Tell whether the client is still there, without taking or disturbing what it has sent."""
        try:
            if sys.platform == "linux" and self.raw.family != socket.AF_UNIX:
                # The connection's state sees a close behind pipelined data too, which peeking cannot.
                return bool(self.raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == TCP_ESTABLISHED)
            return bool(self.raw.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except BlockingIOError:
            return True
        except OSError:
            return False

    # --- writing

    def send(self, data: bytes, flags: int = 0) -> None:
        """Send all of `data`. Raises PeerGone."""
        try:
            sent = self.raw.send(data, flags)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            raise PeerGone from error
        if sent != len(data):
            self._send_rest(memoryview(data)[sent:])
        elif sent > RECEIVE:
            self._count(sent)

    def _send_rest(self, rest: memoryview) -> None:
        while rest:
            self._wait_writable()
            try:
                rest = rest[self.raw.send(rest[:SEND]) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise PeerGone from error

    def send_file(self, file: int, offset: int, length: int) -> None:
        """Send a part of an open file. Raises PeerGone, and OSError where the file is at fault."""
        if length <= SMALL_FILE:
            self._send_file_by_reading(file, offset, length)
            return
        target = self.raw.fileno()
        while length > 0:
            try:
                sent = os.sendfile(target, file, offset, min(length, SEND))
            except BlockingIOError:
                self._wait_writable()
                continue
            except OSError as error:
                if error.errno in (errno.EINVAL, errno.ENOSYS, errno.EOVERFLOW):  # a file system without sendfile
                    self._send_file_by_reading(file, offset, length)
                    return
                if error.errno == errno.EIO:
                    raise
                raise PeerGone from error
            if not sent:
                raise OSError(f"a file ends {length} bytes early")
            offset += sent
            length -= sent
            self._count(sent)

    def _send_file_by_reading(self, file: int, offset: int, length: int) -> None:
        while length > 0:
            data = os.pread(file, min(length, SEND), offset)
            if not data:
                raise OSError(f"a file ends {length} bytes early")
            self.send(data)
            offset += len(data)
            length -= len(data)

    def _wait_writable(self) -> None:
        self.deadline = self.pulse.now + self.limits.send_timeout
        self.hub.wait(self._writer)
        self.deadline = NEVER
        if self.expired:
            raise PeerGone

    def _count(self, moved: int) -> None:
        self._moved += moved
        if self._moved > TURN:
            self._yield()

    def _yield(self) -> None:
        self._moved = 0
        gevent.sleep(0)

    # --- the end

    def stop_reading(self) -> None:
        """Wake a reader that waits for a next request; what has arrived already is still read."""
        with contextlib.suppress(OSError):
            self.raw.shutdown(socket.SHUT_RD)

    def expire(self) -> None:
        """The deadline passed. A reader wakes and may still answer; a writer wakes and fails."""
        self.expired = True
        with contextlib.suppress(OSError):
            self.raw.shutdown(socket.SHUT_RD)
        if self._writer.active:
            with contextlib.suppress(OSError):
                self.raw.shutdown(socket.SHUT_WR)

    def linger(self) -> None:
        """Say that no more comes, and swallow what the client still sends, for a while.

        Closing a socket with unread bytes resets the connection, and a reset overtakes the answer in the client.
        """
        self.expired = False
        try:
            self.raw.shutdown(socket.SHUT_WR)
        except OSError:
            return
        self.deadline = self.pulse.now + self.limits.linger_timeout
        while not self.expired:
            try:
                swallowed = len(self.raw.recv(RECEIVE))
                if not swallowed:
                    return
                self._count(swallowed)  # lets the pulse see our deadline, however much comes
            except BlockingIOError:
                self.hub.wait(self._reader)
            except OSError:
                return

    def close(self) -> None:
        """Leave the pulse and the hub, and close the socket."""
        self.pulse.watched.discard(self)
        self._reader.close()
        self._writer.close()
        with contextlib.suppress(OSError):
            self.sock.close()


class TlsTransport(Transport):
    """A connection inside TLS, over gevent's SSL sockets."""

    __slots__ = ("_tls",)
    scheme = "https"

    def __init__(self, plain: Transport, context: SSLContext) -> None:
        """Take over the connection of `plain`, whose first byte began a handshake. Raises OSError."""
        plain.pulse.watched.discard(plain)
        plain.sock.setblocking(True)  # gevent's kind of blocking: it waits for what TLS wants to read or write
        self._tls = context.wrap_socket(plain.sock, server_side=True, do_handshake_on_connect=False)
        plain._reader.close()
        plain._writer.close()
        super().__init__(self._tls, plain.pulse, plain.limits)

    def handshake(self) -> bool:
        """Shake hands; False where the client does not manage to, in time."""
        self.deadline = self.pulse.now + self.limits.handshake_timeout
        try:
            self._tls.do_handshake()
        except (OSError, ValueError):
            return False
        finally:
            self.deadline = NEVER
        return not self.expired

    def next_bytes(self, size: int = RECEIVE) -> bytes:
        gevent.sleep(0)
        return self.receive(size)

    def receive(self, size: int) -> bytes:
        try:
            data: bytes = self._tls.recv(size)
        except (OSError, ValueError):
            return b""
        self._count(len(data))
        return data

    def receive_ready(self, size: int) -> bytes:
        pending = self._tls.pending()
        return self.receive(min(pending, size)) if pending else b""

    def send(self, data: bytes, flags: int = 0) -> None:
        rest = memoryview(data)
        try:
            while rest:
                self.deadline = self.pulse.now + self.limits.send_timeout
                rest = rest[self._tls.send(rest[:RECEIVE]) :]
        except (OSError, ValueError) as error:
            raise PeerGone from error
        finally:
            self.deadline = NEVER
        self._count(len(data))

    def send_file(self, file: int, offset: int, length: int) -> None:
        self._send_file_by_reading(file, offset, length)

    def linger(self) -> None:
        self._say_goodbye()
        super().linger()

    def close(self) -> None:
        self._say_goodbye()
        super().close()

    def _say_goodbye(self) -> None:
        """Send TLS's own end of the connection, without waiting for the client's."""
        self._tls.settimeout(0.0)
        with contextlib.suppress(OSError, ValueError):
            self._tls.unwrap()

    def expire(self) -> None:
        """Nothing of a session that stopped half-way can be used: shut it both ways."""
        self.expired = True
        with contextlib.suppress(OSError):
            self.raw.shutdown(socket.SHUT_RDWR)
