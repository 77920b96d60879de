"""What can happen to a stack as a whole: its clock moves, and a service is reset. The projection is called `cairn`."""

from __future__ import annotations

from journal.events import Envelope, Event
from journal.projection import Tables, fold, projection
from journal.tables import Record, Table

projection("cairn", version=1)


class Clock(Record):
    """A stack's time: wall time plus an offset in seconds, or frozen at a moment (seconds since the epoch)."""

    offset: float = 0.0
    frozen: float | None = None


clocks = Table("cairn.clock", key=("only",), record=Clock)


class ClockMoved(Event, name="cairn.ClockMoved", version=1):
    """The stack's clock was set: it now runs `offset` seconds from wall time, or stands still at `frozen`."""

    offset: float
    frozen: float | None = None


class ServiceReset(Event, name="cairn.ServiceReset", version=1):
    """All that a service held was cleared. Stands in that service's history; the journal itself loses nothing."""

    of: str


@fold(ClockMoved)
def _(event: ClockMoved, on: Envelope, tables: Tables) -> None:
    tables[clocks].put(Clock(event.offset, event.frozen), 0)
