"""Amazon SQS: queues, messages, dead-letter queues and move tasks.

Other services put a message into a queue through `app.services.sqs.sending`, as a caller would.
"""

from app.services.sqs import (
    deleting,
    move_tasks,
    permissions,
    queues,
    receiving,
    sending,
    tags,
    visibility,
)

__all__ = ["deleting", "move_tasks", "permissions", "queues", "receiving", "sending", "tags", "visibility"]
