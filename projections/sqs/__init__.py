"""Queues, messages and move tasks of SQS: the events, the tables and the folds that fill them.

Every key begins with the queue's id, which is never used again: a deleted and re-created queue sees no old message.
"""

from journal import projection
from projections.sqs.dead_letters import (
    MessagesMovedIn,
    MessagesMovedOut,
    MoveTask,
    MoveTaskCancelled,
    MoveTaskStarted,
    Taken,
    move_tasks,
)
from projections.sqs.fifo import (
    Attempt,
    Deduplication,
    Group,
    Place,
    attempts,
    deduplications,
    group_turns,
    groups,
    lines,
)
from projections.sqs.messages import (
    Change,
    Counts,
    Delivery,
    Gone,
    Message,
    MessagesDeleted,
    MessagesExpired,
    MessagesReceived,
    MessagesSent,
    Receipt,
    Turn,
    VisibilityChanged,
    counts,
    deliveries,
    messages,
    turns,
)
from projections.sqs.queues import (
    Queue,
    QueueAttributesSet,
    QueueCreated,
    QueueDeleted,
    QueuePurged,
    QueueTagged,
    QueueUntagged,
    Settings,
    deleted_queues,
    queues,
    sources,
)

projection("sqs", version=1)

__all__ = [
    "Attempt", "Change", "Counts", "Deduplication", "Delivery", "Gone", "Group", "Message", "MessagesDeleted",
    "MessagesExpired", "MessagesMovedIn", "MessagesMovedOut", "MessagesReceived", "MessagesSent", "MoveTask",
    "MoveTaskCancelled", "MoveTaskStarted", "Place", "Queue", "QueueAttributesSet", "QueueCreated", "QueueDeleted",
    "QueuePurged", "QueueTagged", "QueueUntagged", "Receipt", "Settings", "Taken", "Turn", "VisibilityChanged",
    "attempts", "counts", "deduplications", "deleted_queues", "deliveries", "group_turns", "groups", "lines",
    "messages", "move_tasks", "queues", "sources", "turns",
]  # fmt: skip
