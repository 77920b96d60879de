"""CreateQueue, DeleteQueue, ListQueues, GetQueueUrl, Get- and SetQueueAttributes, PurgeQueue."""

from __future__ import annotations

from app.services import AwsError, Call, Outcome, State, answer, command, emit, query
from app.services.sqs import attributes
from app.services.sqs.addresses import Address, Found, address, check_name, find, queue_url
from app.services.sqs.attributes import COUNTED, DEFAULTS, FIFO_DEFAULTS, SHOWN
from app.services.sqs.counting import counted
from app.services.sqs.dead_letters import check_target
from app.services.sqs.pages import after, page
from app.services.sqs.refusals import bad_attribute, no_queue, unknown_attribute
from app.services.sqs.tags import check_tags
from projections.sqs import (
    QueueAttributesSet,
    QueueCreated,
    QueueDeleted,
    QueuePurged,
    Settings,
    deleted_queues,
    queues,
    sources,
)

WAIT_AFTER_DELETION = 60  # seconds; only with SQS_DELAY_RECENTLY_DELETED (docs/decisions/0020-sqs-waits.md)
WAIT_AFTER_PURGE = 60  # seconds; only with SQS_DELAY_PURGE_RETRY


@command("sqs", "CreateQueue")
def create_queue(call: Call, state: State) -> Outcome:
    """Create a queue, or answer the URL of one that has the attributes given.

    Errors: QueueNameExists, QueueDeletedRecently, InvalidAttributeName, InvalidAttributeValue, InvalidParameterValue.
    Source: Amazon SQS API Reference, CreateQueue.
    """
    params = call.params
    name: str = params["QueueName"]
    given: dict[str, str] = params.get("Attributes") or {}
    tags: dict[str, str] = params.get("tags") or {}
    fifo = attributes.is_fifo(given)
    check_name(name, fifo)
    where = address(call.account, call.region, name)
    existing = state[queues].get(call.account, call.region, name)
    asked = attributes.settings(given, FIFO_DEFAULTS if fifo else DEFAULTS, fifo)
    if existing is not None:
        other = attributes.differing(given, asked, existing.settings)
        if other is not None:
            raise AwsError(
                "QueueNameExists",
                f"A queue already exists with the same name and a different value for attribute {other}",
            )
        return answer(QueueUrl=queue_url(call, where))
    if asked.redrive:
        check_target(state, where, fifo, asked)
    check_tags(tags, name)
    if call.settings is not None and call.settings.sqs_recently_deleted:
        deletion = state[deleted_queues].get(call.account, call.region, name)
        if deletion is not None and call.now < deletion.at + WAIT_AFTER_DELETION:
            raise AwsError(
                "QueueDeletedRecently",
                f"You must wait {WAIT_AFTER_DELETION} seconds after deleting a queue before you can create another with the "
                "same name.",
            )
    return emit(QueueCreated(call.seq, name, fifo, asked, tags), where.arn).answer(QueueUrl=queue_url(call, where))


@command("sqs", "DeleteQueue")
def delete_queue(call: Call, state: State) -> Outcome:
    """Delete a queue with all that is in it. Errors: QueueDoesNotExist. Source: API Reference, DeleteQueue."""
    where, queue = find(call, state)
    return emit(QueueDeleted(queue.id, queue.name), where.arn, account=where.account, region=where.region)


@command("sqs", "PurgeQueue")
def purge_queue(call: Call, state: State) -> Outcome:
    """Delete all messages of a queue.

    Errors: QueueDoesNotExist; PurgeQueueInProgress within 60 seconds of the last, where SQS_DELAY_PURGE_RETRY asks for it.
    Source: Amazon SQS API Reference, PurgeQueue.
    """
    where, queue = find(call, state)
    if call.settings is not None and call.settings.sqs_purge_retry and call.now < queue.purged + WAIT_AFTER_PURGE:
        raise AwsError(
            "PurgeQueueInProgress",
            f"Only one PurgeQueue operation on {queue.name} is allowed every {WAIT_AFTER_PURGE} seconds.",
        )
    return emit(QueuePurged(queue.id, queue.name), where.arn, account=where.account, region=where.region)


@query("sqs", "GetQueueUrl")
def get_queue_url(call: Call, state: State) -> Outcome:
    """Find a queue by its name, and its owner's account where that is another. Errors: QueueDoesNotExist."""
    where = address(call.params.get("QueueOwnerAWSAccountId") or call.account, call.region, call.params["QueueName"])
    if not state[queues].has(where.account, where.region, where.name):
        raise no_queue()
    return answer(QueueUrl=queue_url(call, where))


@query("sqs", "ListQueues")
def list_queues(call: Call, state: State) -> Outcome:
    """List the caller's queues in a region by name. Source: Amazon SQS API Reference, ListQueues."""
    params = call.params
    found = state[queues].keys(
        call.account, call.region, starts_with=params.get("QueueNamePrefix") or None, after=after(params)
    )
    names, token = page(params, (str(key[2]) for key in found))
    urls = [queue_url(call, address(call.account, call.region, name)) for name in names]
    return answer(QueueUrls=urls or None, NextToken=token)


@query("sqs", "ListDeadLetterSourceQueues")
def list_dead_letter_source_queues(call: Call, state: State) -> Outcome:
    """List the queues whose RedrivePolicy names this queue. Errors: QueueDoesNotExist."""
    where, _ = find(call, state)
    found = state[sources].keys(where.arn, after=after(call.params))
    arns, token = page(call.params, (str(key[1]) for key in found))
    urls = [queue_url(call, address(where.account, where.region, arn.rpartition(":")[2])) for arn in arns]
    return answer(queueUrls=urls, NextToken=token)


@query("sqs", "GetQueueAttributes")
def get_queue_attributes(call: Call, state: State) -> Outcome:
    """Answer the attributes asked for, by name or All.

    Errors: QueueDoesNotExist, InvalidAttributeName. Source: Amazon SQS API Reference, GetQueueAttributes.
    """
    found = find(call, state)
    asked: list[str] = call.params.get("AttributeNames") or []
    for name in asked:
        if name not in attributes.NAMES:
            raise unknown_attribute(name)
    wanted = attributes.NAMES if "All" in asked else frozenset(asked)
    shown = _shown(found, state, call.now, wanted)
    return answer(Attributes=shown or None)


def _shown(found: Found, state: State, now: float, wanted: frozenset[str]) -> dict[str, str]:
    """Return the wanted attributes that are set, in AWS's order."""
    where, queue = found
    shown: dict[str, str] = {}
    if "QueueArn" in wanted:
        shown["QueueArn"] = where.arn
    if not wanted.isdisjoint(COUNTED):
        for name, number in zip(COUNTED, counted(queue, state, now), strict=True):
            if name in wanted:
                shown[name] = str(number)
    if "CreatedTimestamp" in wanted:
        shown["CreatedTimestamp"] = str(int(queue.created))
    if "LastModifiedTimestamp" in wanted:
        shown["LastModifiedTimestamp"] = str(int(queue.modified))
    for name, show in SHOWN.items():
        if name in wanted:
            text = show(queue.settings, queue.fifo)
            if text:
                shown[name] = text
    return shown


@command("sqs", "SetQueueAttributes")
def set_queue_attributes(call: Call, state: State) -> Outcome:
    """Change attributes; the rest stay. "" takes a policy away.

    Errors: QueueDoesNotExist, InvalidAttributeName, InvalidAttributeValue, InvalidParameterValue.
    Source: Amazon SQS API Reference, SetQueueAttributes.
    """
    where, queue = find(call, state)
    given: dict[str, str] = call.params["Attributes"]
    if "FifoQueue" in given and (not queue.fifo or given["FifoQueue"].lower() != "true"):
        raise bad_attribute("FifoQueue", "Modifying queue type is not supported.")
    asked = attributes.settings(given, queue.settings, queue.fifo)
    if "RedrivePolicy" in given and asked.redrive:
        check_target(state, where, queue.fifo, asked)
    return emit_settings(where, queue.name, asked, sorted(given))


def emit_settings(where: Address, name: str, settings: Settings, changed: list[str]) -> Outcome:
    """Return the outcome that sets a queue's attributes."""
    return emit(QueueAttributesSet(name, settings, changed), where.arn, account=where.account, region=where.region)
