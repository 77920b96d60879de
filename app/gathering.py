"""How long a committer waits for company.

A flush costs the same for one command as for many. Callers that were just answered tend to come back at once; those that
came during the last flush are waiting already. To flush for one half while the other half is on its way serves everybody
half as often. So where more than one caller was served, the committer waits for as many as were lately there, but never
longer than half of what the last commit took; and where they did not come, it does not wait again for a while.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from gevent import monkey

_STEP = 0.0001  # seconds between two looks
_LONGEST = 0.002  # seconds
_SULK = 16  # commits without waiting after waiting was in vain

_sleep = monkey.get_original("time", "sleep")  # of the thread, not of a greenlet


class Gathering:
    """What one committer expects."""

    def __init__(self, queue: deque[Any], clock: Callable[[], float] = time.monotonic) -> None:
        self._queue = queue
        self._clock = clock
        self._expected = 0
        self._took = 0.0
        self._sulk = 0

    def committed(self, size: int, took: float) -> None:
        """Note that a batch was committed, and how many seconds that took."""
        self._expected = size + len(self._queue)
        self._took = took

    def wait(self) -> None:
        """Wait for company where some is to be expected. Called with at least one command in the queue."""
        expected = self._expected
        if expected <= len(self._queue) or expected == 1:
            return
        if self._sulk:
            self._sulk -= 1
            return
        there = len(self._queue)
        until = self._clock() + min(self._took / 2, _LONGEST)
        while len(self._queue) < expected and self._clock() < until:
            _sleep(_STEP)
        if len(self._queue) == there:
            self._sulk = _SULK
