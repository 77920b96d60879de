"""What FIFO queues add: the line of each message group, which groups can be received from, and deduplication.

Only messages at the head of a line are ever received: at most ten, since a group is locked while any of them is in
flight. So a group's state is found by reading the head of its line, however long that is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal import Record, Table, Tables

if TYPE_CHECKING:
    from projections.sqs.messages import Message, MessagesReceived, MessagesSent

DEDUPLICATION_MS = 300_000  # Source: Amazon SQS Developer Guide, Exactly-once processing: a five-minute interval


class Place(Record):
    """A message's place in its group's line."""

    position: int
    sent: int
    visible: int  # when it can be received
    receives: int
    first: int
    delivered: bool  # received in this queue at least once


class Group(Record):
    """A message group that has messages: when its head can be received, and which message that is."""

    free: int
    head: int


class Nothing(Record):
    """A row whose key says it all."""


class Deduplication(Record):
    """The message that a deduplication id stands for, until when."""

    message_id: str
    position: int
    until: int


class Attempt(Record):
    """What a receive request attempt was given, until when a repetition gets the same."""

    positions: list[int]
    received: int
    until: int


lines = Table("sqs.lines", key=("queue", "group", "position"), record=Place)
groups = Table("sqs.groups", key=("queue", "group"), record=Group)
group_turns = Table("sqs.group_turns", key=("queue", "free", "head", "group"), record=Nothing)
deduplications = Table("sqs.deduplications", key=("queue", "scope", "id"), record=Deduplication)
attempts = Table("sqs.attempts", key=("queue", "id"), record=Attempt)
reminders = Table("sqs.reminders", key=("queue", "until", "kind", "scope", "id"), record=Nothing)

_SEND, _RECEIVE = 0, 1


def append(tables: Tables, event: MessagesSent) -> None:
    """Put sent messages at the end of their groups' lines, and note their deduplication ids."""
    queue, sent = event.queue, event.sent
    for message in event.messages:
        join(tables, queue, sent, message)
        scope = message.group if event.scope == "messageGroup" else ""
        until = sent + DEDUPLICATION_MS
        noted = Deduplication(message.message_id, message.position, until)
        tables[deduplications].put(noted, queue, scope, message.deduplication)
        tables[reminders].put(Nothing(), queue, until, _SEND, scope, message.deduplication)
    _forget_before(tables, queue, sent)


def join(tables: Tables, queue: int, sent: int, message: Message) -> None:
    """Put one message at the end of its group's line."""
    group, position = message.group, message.position
    place = Place(position, sent, message.due, message.receives, message.first, False)
    tables[lines].put(place, queue, group, position)
    if not tables[groups].has(queue, group):
        tables[groups].put(Group(message.due, position), queue, group)
        tables[group_turns].put(Nothing(), queue, message.due, position, group)


def receive(tables: Tables, event: MessagesReceived) -> None:
    """Note which places were received; their groups are locked."""
    queue = event.queue
    touched: dict[str, None] = {}
    for receipt in event.receipts:
        group = receipt.group
        place = Place(receipt.position, receipt.sent, receipt.visible, receipt.receives, receipt.first, True)
        tables[lines].put(place, queue, group, receipt.position)
        touched[group] = None
    for group in touched:
        _settle(tables, queue, group)
    if event.attempt:
        until = event.at + DEDUPLICATION_MS
        given = Attempt([receipt.position for receipt in event.receipts], event.at, until)
        tables[attempts].put(given, queue, event.attempt)
        tables[reminders].put(Nothing(), queue, until, _RECEIVE, "", event.attempt)
        _forget_before(tables, queue, event.at)


def hide(tables: Tables, queue: int, group: str, position: int, visible: int) -> None:
    """Change when a message of a group can be received again."""
    place = tables[lines].get(queue, group, position)
    if place is not None:
        tables[lines].put(place.replace(visible=visible), queue, group, position)
        _settle(tables, queue, group)


def leave(tables: Tables, queue: int, group: str, position: int) -> None:
    """Take a message out of its group's line."""
    if tables[lines].delete(queue, group, position):
        _settle(tables, queue, group)


def _settle(tables: Tables, queue: int, group: str) -> None:
    """Bring a group's row and its turn in line with the head of its line.

    A group is free once its head is due and none of its messages is in flight: AWS gives no message of a group while
    another one is. Source: Amazon SQS Developer Guide, FIFO queue delivery logic.
    """
    free = head = 0
    for place in tables[lines].records(queue, group):
        if not head:
            head, free = place.position, place.visible
        elif not place.delivered:
            break
        else:
            free = max(free, place.visible)
        if not place.delivered:
            break
    before = tables[groups].get(queue, group)
    if before is not None:
        if before.head == head and before.free == free:
            return
        tables[group_turns].delete(queue, before.free, before.head, group)
    if head:
        tables[groups].put(Group(free, head), queue, group)
        tables[group_turns].put(Nothing(), queue, free, head, group)
    else:
        tables[groups].delete(queue, group)


def _forget_before(tables: Tables, queue: int, now: int) -> None:
    """Drop a few rows whose interval is over, so that the tables hold no more than was sent within it."""
    over = []
    for key in tables[reminders].keys(queue, stop=(now,)):
        over.append(key)
        if len(over) == 3:
            break
    for key in over:
        _, until, kind, scope, name = key
        tables[reminders].delete(*key)
        if kind == _SEND:
            noted = tables[deduplications].get(queue, scope, name)
            if noted is not None and noted.until == until:
                tables[deduplications].delete(queue, scope, name)
        else:
            given = tables[attempts].get(queue, name)
            if given is not None and given.until == until:
                tables[attempts].delete(queue, name)


def empty(tables: Tables, queue: int) -> None:
    """Take all lines out of a queue; what was sent within the interval is still remembered."""
    everything: tuple[Table[Any], ...] = (lines, groups, group_turns, attempts)
    for table in everything:
        tables[table].clear(queue)


def forget(tables: Tables, queue: int) -> None:
    """Drop all that is left of a deleted queue."""
    remembered: tuple[Table[Any], ...] = (deduplications, attempts, reminders)
    for table in remembered:
        tables[table].clear(queue)
