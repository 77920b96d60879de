"""The doorbell: a datagram socket per process, by which a commit in one process is heard at once in all others.

A ring is a hint, never the truth: it may be lost, and whoever hears one reads the journal.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

_MOST_RESOURCES = 64
_LOOK_AGAIN = 1.0  # seconds after which the folder is read again for processes that came
_SIZE = 32_768


class Ring(msgspec.Struct, array_like=True, frozen=True):
    """What a ring says: events up to `seq` were committed to a stack, about these ARNs (empty: about anything)."""

    stack: str
    seq: int
    resources: list[str]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Ring).decode


class Doorbell:
    """This process's socket under `<data>/run/`, and the way to all others."""

    def __init__(self, folder: str | Path) -> None:
        self._folder = str(folder)
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        self._name = f"bell-{os.getpid()}-{time.monotonic_ns():x}"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind(self._reachable(self._name))
        self._others: list[str] = []
        self._looked = -_LOOK_AGAIN
        self._send = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._send.setblocking(False)

    def _reachable(self, name: str) -> str:
        """Return a path short enough for a socket's address (108 bytes) however deep the folder lies."""
        path = os.path.join(self._folder, name)
        if len(path.encode()) < 100:
            return path
        if not hasattr(self, "_fd"):
            self._fd = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        return f"/proc/self/fd/{self._fd}/{name}"

    def ring(self, stack: str, seq: int, resources: Sequence[str]) -> None:
        """Tell all other processes. Never blocks, never fails."""
        now = time.monotonic()
        if now - self._looked > _LOOK_AGAIN:
            self._looked = now
            with contextlib.suppress(OSError):
                self._others = [n for n in os.listdir(self._folder) if n.startswith("bell-") and n != self._name]
        if not self._others:
            return
        told = list(resources) if len(resources) <= _MOST_RESOURCES else []
        message = _encode(Ring(stack, seq, told))
        if len(message) > _SIZE:
            message = _encode(Ring(stack, seq, []))
        for name in tuple(self._others):
            try:
                self._send.sendto(message, self._reachable(name))
            except BlockingIOError:
                continue  # its queue is full of rings: it will look anyway
            except OSError as error:
                if error.errno not in (errno.ECONNREFUSED, errno.ENOENT):
                    continue
                with contextlib.suppress(ValueError):
                    self._others.remove(name)
                with contextlib.suppress(OSError):  # a killed process's socket: nobody listens on it any more
                    os.unlink(os.path.join(self._folder, name))

    def heard(self) -> list[Ring]:
        """Return the rings that came since the last time, without blocking."""
        rings: list[Ring] = []
        while True:
            try:
                rings.append(_decode(self.socket.recv(_SIZE + 1024)))
            except (BlockingIOError, InterruptedError):
                return rings
            except msgspec.DecodeError:
                continue
            except OSError:
                return rings

    def close(self) -> None:
        """Close and remove the socket."""
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(self._folder, self._name))
        self.socket.close()
        self._send.close()
