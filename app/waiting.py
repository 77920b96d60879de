"""Calls that wait for an event about a resource: long polls.

One waiting call is woken for each ring, in the order they came; its own events ring again, so that the next is woken while
there is more to take. A call that wakes and finds nothing goes back to the end.
"""

from __future__ import annotations

from collections import deque

from gevent.event import Event


class Waiter:
    """One waiting call."""

    __slots__ = ("event", "resources")

    def __init__(self, resources: tuple[str, ...]) -> None:
        self.resources = resources
        self.event = Event()


class WaitingRoom:
    """The calls of one process and stack that wait, by the ARN they wait for. Used on the hub's thread only."""

    def __init__(self) -> None:
        self._queues: dict[str, deque[Waiter]] = {}
        self.closed = False

    def __len__(self) -> int:
        return sum(len(queue) for queue in self._queues.values())

    def enter(self, resources: tuple[str, ...]) -> Waiter:
        """Join the queues of some ARNs."""
        waiter = Waiter(resources)
        for arn in resources:
            self._queues.setdefault(arn, deque()).append(waiter)
        return waiter

    def leave(self, waiter: Waiter) -> None:
        """Leave the queues; a wake-up that came in the meantime is handed on by the caller's ring()."""
        for arn in waiter.resources:
            queue = self._queues.get(arn)
            if queue is not None:
                if waiter in queue:
                    queue.remove(waiter)
                if not queue:
                    self._queues.pop(arn, None)

    def ring(self, resource: str) -> None:
        """Wake the call that has waited longest for this ARN."""
        queue = self._queues.get(resource)
        if queue:
            waiter = queue.popleft()
            waiter.event.set()
            if not queue:
                self._queues.pop(resource, None)

    def ring_all(self) -> None:
        """Wake everybody: it is not known what happened, or the clock moved."""
        queues, self._queues = self._queues, {}
        for queue in queues.values():
            for waiter in queue:
                waiter.event.set()

    def close(self) -> None:
        """Wake everybody for the last time: the process stops."""
        self.closed = True
        self.ring_all()
