"""Messages that move between queues: into a dead-letter queue, and out of it again by a move task."""

from __future__ import annotations

from journal import Envelope, Event, Record, Table, Tables, fold
from projections.sqs import fifo
from projections.sqs.messages import Gone, Turn, count, messages, remove, turns


class Taken(Record):
    """A message that comes from another queue. In events: only append fields, with defaults."""

    from_sent: int
    from_position: int
    sent: int
    position: int
    due: int  # when it can first be received here
    message_id: str
    source: str  # ARN of the queue from which it came, or had come, into a dead-letter queue
    deduplication: str
    receives: int
    first: int
    task: str = ""  # the move task that moves it


class MoveTask(Record):
    """A message move task. What was moved is in its destination at once; a rate shows in when it can be received there."""

    task_id: str
    destination: str  # "" where messages went back to where they came from
    rate: int  # messages a second, 0 for all at once
    moved: int
    failure: str
    cancelled: int = 0  # when, milliseconds since the epoch
    kept: int = 0  # how many had been moved when it was cancelled


move_tasks = Table("sqs.move_tasks", key=("source_arn", "started"), record=MoveTask)


class MessagesMovedIn(Event, name="sqs.MessagesMovedIn", version=1):
    """Messages came into this queue from another one, which still holds them until MessagesMovedOut."""

    queue: int
    fifo: bool
    source_queue: int
    messages: list[Taken]


class MessagesMovedOut(Event, name="sqs.MessagesMovedOut", version=1):
    """Messages left this queue for another one, `target`."""

    queue: int
    target: str
    messages: list[Gone]


class MoveTaskStarted(Event, name="sqs.MoveTaskStarted", version=1):
    """A move task began, and what it found was moved."""

    task_id: str
    started: int
    destination: str
    rate: int
    moved: int
    failure: str


class MoveTaskCancelled(Event, name="sqs.MoveTaskCancelled", version=1):
    """A move task was cancelled; `kept` messages had been moved by then."""

    started: int
    at: int
    kept: int


@fold(MessagesMovedIn)
def _(event: MessagesMovedIn, on: Envelope, tables: Tables) -> None:
    queue = event.queue
    contents, order = tables[messages], tables[turns]
    came = 0
    for taken in event.messages:
        found = contents.get(event.source_queue, taken.from_sent, taken.from_position)
        if found is None:
            continue
        came += 1
        message = found.replace(
            position=taken.position, message_id=taken.message_id, due=taken.due, source=taken.source,
            deduplication=taken.deduplication, receives=taken.receives, first=taken.first, task=taken.task,
        )  # fmt: skip
        contents.put(message, queue, taken.sent, taken.position)
        turn = Turn(taken.position, taken.due, taken.sent, taken.receives, taken.first)
        order.put(turn, queue, taken.due, taken.position)
        if event.fifo:
            fifo.join(tables, queue, taken.sent, message)
    count(tables, queue, came, 0)


@fold(MessagesMovedOut)
def _(event: MessagesMovedOut, on: Envelope, tables: Tables) -> None:
    remove(tables, event.queue, event.messages)


@fold(MoveTaskStarted)
def _(event: MoveTaskStarted, on: Envelope, tables: Tables) -> None:
    task = MoveTask(event.task_id, event.destination, event.rate, event.moved, event.failure)
    tables[move_tasks].put(task, on.resource, event.started)


@fold(MoveTaskCancelled)
def _(event: MoveTaskCancelled, on: Envelope, tables: Tables) -> None:
    task = tables[move_tasks].get(on.resource, event.started)
    if task is not None:
        tables[move_tasks].put(task.replace(cancelled=event.at, kept=event.kept), on.resource, event.started)
