"""The worker's slow clock: one greenlet that ticks for every connection's deadline and for the Date header.

A timer per read costs several microseconds a request. A deadline that is a plain attribute, looked at once a
second by one greenlet, costs nothing that shows; it is late by at most one tick, which no timeout here minds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import formatdate
from typing import Protocol

import gevent

NEVER = float("inf")


@dataclass(frozen=True)
class Limits:
    """What one connection may cost us. Times are seconds, sizes bytes."""

    head_size: int = 64 * 1024  # request line and headers together
    head_count: int = 256  # headers in one request
    trailer_size: int = 16 * 1024
    drain_size: int = 1024 * 1024  # unread body that we swallow to keep a connection
    head_timeout: float = 30  # from a request's first byte to the end of its headers
    keepalive: float = 75  # idle time between requests
    body_timeout: float = 60  # without a byte of a body that the app waits for
    send_timeout: float = 60  # without a byte taken by the client
    handshake_timeout: float = 10
    linger_timeout: float = 2  # reading on after a refusal, so that the client sees our answer before a reset

    def tick(self) -> float:
        """Return how often deadlines need looking at."""
        shortest = min(self.head_timeout, self.keepalive, self.body_timeout, self.send_timeout, self.handshake_timeout)
        return max(0.05, min(1.0, shortest / 4))


class Expiring(Protocol):
    """What the pulse watches."""

    deadline: float

    def expire(self) -> None:
        """The deadline has passed: wake whoever waits, with the connection shut."""


class Pulse:
    """The time as of the last tick, and the watch over everything that must not wait for ever."""

    def __init__(self, interval: float = 1.0) -> None:
        self.interval = interval
        self.watched: set[Expiring] = set()
        self.prefixes: dict[str, str] = {}  # status -> the head's first lines, good for this second
        self.now = 0.0
        self.date = ""
        self._second = 0
        self.tick()

    def tick(self) -> None:
        """Look at the clock, and at every deadline."""
        self.now = now = time.monotonic()
        second = int(time.time())
        if second != self._second:
            self._second = second
            self.date = formatdate(second, usegmt=True)
            self.prefixes.clear()
        late = [one for one in self.watched if one.deadline <= now]
        for one in late:
            one.deadline = NEVER
            one.expire()

    def beat(self) -> None:
        """Tick for ever: the body of the pulse's greenlet."""
        while True:
            gevent.sleep(self.interval)
            self.tick()
