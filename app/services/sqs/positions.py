"""Positions of messages: unique in a stack, growing with every message sent; and times in milliseconds."""

from __future__ import annotations

from app.services import Call

_SHIFT = 20  # up to 2^20 messages a command
_FIRST_SEQUENCE_NUMBER = 18_850_000_000_000_000_000


class Positions:
    """Gives out the positions of one command, from the seq that its first event will have."""

    __slots__ = ("_next",)

    def __init__(self, call: Call) -> None:
        self._next = call.seq << _SHIFT

    def next(self) -> int:
        """Return the next position."""
        position = self._next
        self._next += 1
        return position


def sequence_number(position: int) -> str:
    """Return the SequenceNumber of a FIFO message: 20 digits that grow, as AWS's."""
    return str(_FIRST_SEQUENCE_NUMBER + position)


def milliseconds(seconds: float) -> int:
    """Return a time of the stack's clock as SQS shows it."""
    return int(seconds * 1000)
