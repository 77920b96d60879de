"""What is known of queues: their settings, their tags, and which queue is whose dead-letter queue."""

from __future__ import annotations

from journal import Envelope, Event, Record, Table, Tables, fold
from projections.sqs.fifo import forget
from projections.sqs.messages import empty


class Settings(Record):
    """A queue's attributes, parsed. Stands in events too: only append fields, with defaults.

    Times are seconds, sizes bytes; "" and 0 mean that the attribute is not set.
    """

    delay: int
    maximum_size: int
    retention: int
    wait: int
    visibility: int
    policy: str
    redrive: str  # RedrivePolicy as it was given
    dead_letter_arn: str  # … and what it says
    maximum_receives: int
    redrive_allow: str  # RedriveAllowPolicy as it was given
    kms_key: str
    kms_reuse: int
    managed_sse: bool
    content_deduplication: bool
    deduplication_scope: str  # "queue" or "messageGroup"; "" for standard queues
    throughput_limit: str  # "perQueue" or "perMessageGroupId"; "" for standard queues


class Queue(Record):
    """A queue. `id` begins the keys of all that lies in it."""

    id: int
    name: str
    fifo: bool
    settings: Settings
    tags: dict[str, str]
    created: float  # seconds since the epoch, UTC
    modified: float
    purged: float = 0.0  # when it was last purged


class Deletion(Record):
    """When a queue of this name was last deleted."""

    at: float  # seconds since the epoch, UTC


class Nothing(Record):
    """A row whose key says it all."""


queues = Table("sqs.queues", key=("account", "region", "name"), record=Queue)
deleted_queues = Table("sqs.deleted_queues", key=("account", "region", "name"), record=Deletion)
sources = Table("sqs.sources", key=("dead_letter_arn", "source_arn"), record=Nothing)


class QueueCreated(Event, name="sqs.QueueCreated", version=1):
    """A queue came into being; its id is its own for ever."""

    queue: int
    name: str
    fifo: bool
    settings: Settings
    tags: dict[str, str]


class QueueAttributesSet(Event, name="sqs.QueueAttributesSet", version=1):
    """A queue's attributes became `settings`; `changed` names what the caller set."""

    name: str
    settings: Settings
    changed: list[str]


class QueueTagged(Event, name="sqs.QueueTagged", version=1):
    """Tags were added or changed."""

    name: str
    tags: dict[str, str]


class QueueUntagged(Event, name="sqs.QueueUntagged", version=1):
    """Tags were removed."""

    name: str
    keys: list[str]


class QueueDeleted(Event, name="sqs.QueueDeleted", version=1):
    """A queue went, with all that lay in it."""

    queue: int
    name: str


class QueuePurged(Event, name="sqs.QueuePurged", version=1):
    """All messages of a queue went."""

    queue: int
    name: str


@fold(QueueCreated)
def _(event: QueueCreated, on: Envelope, tables: Tables) -> None:
    queue = Queue(event.queue, event.name, event.fifo, event.settings, event.tags, on.time, on.time)
    tables[queues].put(queue, on.account, on.region, event.name)
    if event.settings.dead_letter_arn:
        tables[sources].put(Nothing(), event.settings.dead_letter_arn, on.resource)


@fold(QueueAttributesSet)
def _(event: QueueAttributesSet, on: Envelope, tables: Tables) -> None:
    key = (on.account, on.region, event.name)
    queue = tables[queues].get(*key)
    if queue is None:
        return
    before, after = queue.settings.dead_letter_arn, event.settings.dead_letter_arn
    if before != after:
        if before:
            tables[sources].delete(before, on.resource)
        if after:
            tables[sources].put(Nothing(), after, on.resource)
    tables[queues].put(queue.replace(settings=event.settings, modified=on.time), *key)


@fold(QueueTagged)
def _(event: QueueTagged, on: Envelope, tables: Tables) -> None:
    key = (on.account, on.region, event.name)
    queue = tables[queues].get(*key)
    if queue is not None:
        tables[queues].put(queue.replace(tags={**queue.tags, **event.tags}), *key)


@fold(QueueUntagged)
def _(event: QueueUntagged, on: Envelope, tables: Tables) -> None:
    key = (on.account, on.region, event.name)
    queue = tables[queues].get(*key)
    if queue is not None:
        kept = {name: value for name, value in queue.tags.items() if name not in event.keys}
        tables[queues].put(queue.replace(tags=kept), *key)


@fold(QueueDeleted)
def _(event: QueueDeleted, on: Envelope, tables: Tables) -> None:
    key = (on.account, on.region, event.name)
    queue = tables[queues].get(*key)
    if queue is not None and queue.settings.dead_letter_arn:
        tables[sources].delete(queue.settings.dead_letter_arn, on.resource)
    tables[queues].delete(*key)
    tables[deleted_queues].put(Deletion(on.time), *key)
    empty(tables, event.queue)
    forget(tables, event.queue)


@fold(QueuePurged)
def _(event: QueuePurged, on: Envelope, tables: Tables) -> None:
    key = (on.account, on.region, event.name)
    queue = tables[queues].get(*key)
    if queue is not None:
        tables[queues].put(queue.replace(purged=on.time), *key)
    empty(tables, event.queue)
