"""What is known of messages: their contents, whose turn is next, and who has received them.

A message's contents never change, so they are written once (`messages`). What changes is small: when it can next be
received (`turns`, ordered by that time, so that a receive reads only what it takes, however deep the queue), and, once it
has been received, by how often and until when it is hidden (`deliveries`, found by its position, which receipt handles
carry). All times in these tables are whole milliseconds since the epoch, UTC, as SQS shows them.
"""

from __future__ import annotations

from typing import Any

from journal import Envelope, Event, Record, Table, Tables, fold
from projections.sqs import fifo


class Message(Record):
    """A message's contents. Stands in events too: only append fields, with defaults.

    `position` is unique in the stack and grows with every message sent: it orders a FIFO queue.
    """

    position: int
    message_id: str
    body: str
    md5: bytes
    due: int  # when it can first be received
    sender: str
    attributes: dict[str, tuple[str, str, bytes]]  # name -> data type, and text or bytes
    attributes_md5: bytes  # b"" where there are none
    group: str = ""
    deduplication: str = ""
    trace: str = ""  # AWSTraceHeader
    source: str = ""  # ARN of the queue from which it came into this dead-letter queue
    receives: int = 0  # how often it had been received before it came into this queue
    first: int = 0  # … and when first
    task: str = ""  # the move task that brought it here


class Turn(Record):
    """A message's place in the order of receiving. Holds its key's parts too: a receive then decodes no key."""

    position: int
    visible: int
    sent: int
    receives: int  # how often it was received
    first: int  # when first, 0 if never


class Delivery(Record):
    """The last time a message was received; there is none before the first."""

    sent: int
    visible: int  # when it can be received again
    receives: int
    first: int
    received: int
    group: str  # of a FIFO queue


class Counts(Record):
    """How many messages there are in a queue, and how many of them were received in it at least once."""

    total: int
    received: int


messages = Table("sqs.messages", key=("queue", "sent", "position"), record=Message)
turns = Table("sqs.turns", key=("queue", "visible", "position"), record=Turn)
deliveries = Table("sqs.deliveries", key=("queue", "position"), record=Delivery)
counts = Table("sqs.counts", key=("queue",), record=Counts)


class Receipt(Record):
    """One message as it was received: where its turn was, and when it comes again. In events: only append fields."""

    position: int
    sent: int
    was: int
    visible: int
    receives: int
    first: int
    again: bool  # it had been received in this queue before
    group: str = ""  # of a FIFO queue


class Change(Record):
    """A message's turn moved from one time to another. In events: only append fields."""

    position: int
    was: int
    visible: int


class Gone(Record):
    """A message that left its queue, and all that is needed to find its rows. In events: only append fields."""

    position: int
    sent: int
    visible: int
    delivered: bool
    group: str = ""  # of a FIFO queue


class MessagesSent(Event, name="sqs.MessagesSent", version=1):
    """Messages were sent to a queue, in order."""

    queue: int
    sent: int
    fifo: bool
    messages: list[Message]
    scope: str = ""  # "messageGroup" where deduplication ids count within a group


class MessagesReceived(Event, name="sqs.MessagesReceived", version=1):
    """Messages were handed to a consumer."""

    queue: int
    at: int
    receipts: list[Receipt]
    attempt: str = ""  # ReceiveRequestAttemptId


class VisibilityChanged(Event, name="sqs.VisibilityChanged", version=1):
    """Messages in flight are to be hidden for longer, or for less."""

    queue: int
    changes: list[Change]


class MessagesDeleted(Event, name="sqs.MessagesDeleted", version=1):
    """A consumer is done with messages."""

    queue: int
    messages: list[Gone]


class MessagesExpired(Event, name="sqs.MessagesExpired", version=1):
    """Messages were found to have outlived the queue's retention period."""

    queue: int
    messages: list[Gone]


@fold(MessagesSent)
def _(event: MessagesSent, on: Envelope, tables: Tables) -> None:
    queue, sent = event.queue, event.sent
    contents, order = tables[messages], tables[turns]
    for message in event.messages:
        position, due = message.position, message.due
        contents.put(message, queue, sent, position)
        order.put(Turn(position, due, sent, message.receives, message.first), queue, due, position)
    count(tables, queue, len(event.messages), 0)
    if event.fifo:
        fifo.append(tables, event)


@fold(MessagesReceived)
def _(event: MessagesReceived, on: Envelope, tables: Tables) -> None:
    queue = event.queue
    order, given = tables[turns], tables[deliveries]
    newly = 0
    for receipt in event.receipts:
        position, visible, sent = receipt.position, receipt.visible, receipt.sent
        receives, first = receipt.receives, receipt.first
        order.delete(queue, receipt.was, position)
        order.put(Turn(position, visible, sent, receives, first), queue, visible, position)
        given.put(Delivery(sent, visible, receives, first, event.at, receipt.group), queue, position)
        newly += not receipt.again
    if newly:
        count(tables, queue, 0, newly)
    if on.resource.endswith(".fifo"):
        fifo.receive(tables, event)


@fold(VisibilityChanged)
def _(event: VisibilityChanged, on: Envelope, tables: Tables) -> None:
    queue = event.queue
    order, given = tables[turns], tables[deliveries]
    for change in event.changes:
        delivery = given.get(queue, change.position)
        if delivery is None:
            continue
        order.delete(queue, change.was, change.position)
        turn = Turn(change.position, change.visible, delivery.sent, delivery.receives, delivery.first)
        order.put(turn, queue, change.visible, change.position)
        given.put(delivery.replace(visible=change.visible), queue, change.position)
        if delivery.group:
            fifo.hide(tables, queue, delivery.group, change.position, change.visible)


@fold(MessagesDeleted)
def _(event: MessagesDeleted, on: Envelope, tables: Tables) -> None:
    remove(tables, event.queue, event.messages)


@fold(MessagesExpired)
def _(event: MessagesExpired, on: Envelope, tables: Tables) -> None:
    remove(tables, event.queue, event.messages)


def remove(tables: Tables, queue: int, gone: list[Gone]) -> None:
    """Take messages out of a queue."""
    contents, order, given = tables[messages], tables[turns], tables[deliveries]
    received = 0
    for message in gone:
        position = message.position
        contents.delete(queue, message.sent, position)
        order.delete(queue, message.visible, position)
        if message.delivered:
            given.delete(queue, position)
            received += 1
        if message.group:
            fifo.leave(tables, queue, message.group, position)
    count(tables, queue, -len(gone), -received)


def count(tables: Tables, queue: int, total: int, received: int) -> None:
    """Add to a queue's counts."""
    rows = tables[counts]
    before = rows.get(queue)
    if before is not None:
        total += before.total
        received += before.received
    rows.put(Counts(total, received), queue)


def empty(tables: Tables, queue: int) -> None:
    """Take everything out of a queue."""
    everything: tuple[Table[Any], ...] = (messages, turns, deliveries, counts)
    for table in everything:
        tables[table].clear(queue)
    fifo.empty(tables, queue)
