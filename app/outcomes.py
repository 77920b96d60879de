"""What a handler returns: events, an answer, or the wish to wait."""

from __future__ import annotations

from typing import Any

from journal import Event


class Outcome:
    """What a handler decided: events to append (none for a query), and the members of the answer.

    Built by `answer`, `emit` and `wait`; the methods return the same outcome, so that they chain.
    """

    __slots__ = ("deadline", "events", "recheck", "resources", "result")

    def __init__(self) -> None:
        self.events: list[tuple[Event, str, str | None, str | None]] = []
        self.result: dict[str, Any] = {}
        self.deadline: float | None = None
        self.recheck: float | None = None
        self.resources: tuple[str, ...] = ()

    def emit(self, event: Event, resource: str, *, account: str | None = None, region: str | None = None) -> Outcome:
        """Add an event about `resource` (an ARN); its account and region are the call's unless given."""
        self.events.append((event, resource, account, region))
        return self

    def answer(self, **members: Any) -> Outcome:
        """Set the answer's members, named as boto3 names them; timestamps as float seconds; None members left out."""
        self.result = members
        return self


def answer(**members: Any) -> Outcome:
    """Answer without an event. Queries return this; commands too where nothing changes (idempotency)."""
    outcome = Outcome()
    outcome.result = members
    return outcome


def emit(event: Event, resource: str, *, account: str | None = None, region: str | None = None) -> Outcome:
    """Begin an outcome with an event about `resource` (an ARN): `return emit(QueueCreated(…), arn).answer(QueueUrl=url)`."""
    outcome = Outcome()
    outcome.events.append((event, resource, account, region))
    return outcome


def wait(*resources: str, deadline: float, recheck: float | None = None) -> Outcome:
    """Wait for an event about one of these ARNs, then run the handler again; follow with .answer(…) for the time-out.

    `deadline`: by the stack's clock, usually `call.arrived + seconds`; once it has passed, the outcome's answer is given.
    `recheck`: an earlier time at which to look again even without an event (a message becoming visible by itself).
    """
    outcome = Outcome()
    outcome.resources = resources
    outcome.deadline = deadline
    outcome.recheck = recheck
    return outcome
