"""TagQueue, UntagQueue, ListQueueTags."""

from __future__ import annotations

from app.services import Call, Outcome, State, answer, command, emit, query
from app.services.sqs.addresses import find
from app.services.sqs.refusals import bad_parameter, bad_value, missing
from projections.sqs import QueueTagged, QueueUntagged

MOST_TAGS = 50
LONGEST_KEY, LONGEST_VALUE = 128, 256


def check_tags(tags: dict[str, str], queue: str) -> None:
    """Raise InvalidParameterValue where a queue cannot have these tags.

    Source: Amazon SQS Developer Guide, Cost allocation tags; AWS Billing, tag restrictions.
    """
    if len(tags) > MOST_TAGS:
        raise bad_parameter(f"Too many tags added for queue {queue}.")
    for key, value in tags.items():
        if not 1 <= len(key) <= LONGEST_KEY:
            raise bad_value(key, "TagKey", f"Tag keys must be between 1 and {LONGEST_KEY} characters in length.")
        if key.lower().startswith("aws:"):
            raise bad_value(key, "TagKey", "Tag keys cannot begin with aws:.")
        if len(value) > LONGEST_VALUE:
            raise bad_value(value, "TagValue", f"Tag values must be at most {LONGEST_VALUE} characters in length.")


@command("sqs", "TagQueue")
def tag_queue(call: Call, state: State) -> Outcome:
    """Add tags, or change those that have the same keys. Errors: QueueDoesNotExist, InvalidParameterValue, MissingParameter."""
    where, queue = find(call, state)
    tags: dict[str, str] = call.params["Tags"]
    if not tags:
        raise missing("Tags")
    check_tags({**queue.tags, **tags}, queue.name)
    return emit(QueueTagged(queue.name, tags), where.arn, account=where.account, region=where.region)


@command("sqs", "UntagQueue")
def untag_queue(call: Call, state: State) -> Outcome:
    """Remove tags; keys that the queue does not have are ignored. Errors: QueueDoesNotExist, InvalidParameterValue."""
    where, queue = find(call, state)
    keys: list[str] = call.params["TagKeys"]
    if not keys:
        raise bad_parameter("Tag keys must be between 1 and 128 characters in length.")
    if not any(key in queue.tags for key in keys):
        return answer()
    return emit(QueueUntagged(queue.name, keys), where.arn, account=where.account, region=where.region)


@query("sqs", "ListQueueTags")
def list_queue_tags(call: Call, state: State) -> Outcome:
    """List a queue's tags. Errors: QueueDoesNotExist."""
    return answer(Tags=find(call, state).queue.tags or None)
