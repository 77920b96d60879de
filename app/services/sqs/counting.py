"""How many messages a queue has that can be received, are in flight, or are delayed."""

from __future__ import annotations

from app.services import State
from app.services.sqs.positions import milliseconds
from projections.sqs import Queue, counts, deliveries, messages, turns


def counted(queue: Queue, state: State, now: float) -> tuple[int, int, int]:
    """Return (visible, in flight, delayed) at a time.

    Reads the turns that are yet to come, and no others; messages past their retention are in none of the three.
    """
    kept = state[counts].get(queue.id)
    if kept is None or not kept.total:
        return 0, 0, 0
    moment = milliseconds(now)
    flying = delayed = 0
    for turn in state[turns].records(queue.id, start=(moment + 1,)):
        if turn.receives:
            flying += 1
        else:
            delayed += 1
    visible = kept.total - flying - delayed
    for message in state[messages].records(queue.id, stop=(expiry(queue, moment) + 1,)):
        delivery = state[deliveries].get(queue.id, message.position)
        if delivery is None:
            due = message.due
        else:
            due = delivery.visible
        if due <= moment:
            visible -= 1
        elif delivery is not None or message.receives:
            flying -= 1
        else:
            delayed -= 1
    return visible, flying, delayed


def in_flight(queue: Queue, state: State, moment: int, limit: int) -> bool:
    """Tell whether at least `limit` messages are in flight; costs one read unless that many were ever received."""
    kept = state[counts].get(queue.id)
    if kept is None or kept.received < limit:
        return False
    flying = 0
    for turn in state[turns].records(queue.id, start=(moment + 1,)):
        flying += turn.receives > 0
        if flying >= limit:
            return True
    return False


def expiry(queue: Queue, moment: int) -> int:
    """Return the time such that what was sent then or before has outlived the queue's retention period."""
    return moment - queue.settings.retention * 1000
