"""Dead-letter queues: which queue may have which, and taking out what has been received too often."""

from __future__ import annotations

import json

from app.services import Call, Outcome, State
from app.services.sqs.addresses import Address, Found, find_arn, sqs_arn
from app.services.sqs.positions import Positions, milliseconds
from app.services.sqs.refusals import bad_value
from projections.sqs import Gone, MessagesMovedIn, MessagesMovedOut, Settings, Taken


def check_target(state: State, source: Address, fifo: bool, settings: Settings) -> None:
    """Raise InvalidParameterValue where a queue cannot have the dead-letter queue that its RedrivePolicy names.

    Source: Amazon SQS Developer Guide, Using dead-letter queues: same account, region and type; its RedriveAllowPolicy.
    """
    text = settings.redrive
    target = sqs_arn(settings.dead_letter_arn)
    if target is None:
        raise bad_value(text, "RedrivePolicy", f"Invalid ARN: {settings.dead_letter_arn}.")
    if target.account != source.account:
        raise bad_value(text, "RedrivePolicy", "Dead-letter target owner should be same as the source.")
    if target.region != source.region:
        raise bad_value(text, "RedrivePolicy", "Dead-letter target must be in same region as the source.")
    if target.resource.endswith(".fifo") != fifo:
        raise bad_value(text, "RedrivePolicy", "Dead-letter queue must be same type of queue as the source.")
    found = find_arn(settings.dead_letter_arn, state)
    if found is None:
        raise bad_value(text, "RedrivePolicy", "Dead letter target does not exist.")
    if not _allows(found.queue.settings.redrive_allow, source.arn):
        raise bad_value(
            text, "RedrivePolicy", "Dead-letter target's RedriveAllowPolicy does not allow this source queue."
        )


def _allows(policy: str, source: str) -> bool:
    if not policy:
        return True
    said = json.loads(policy)
    if said["redrivePermission"] == "byQueue":
        return source in said["sourceQueueArns"]
    return bool(said["redrivePermission"] == "allowAll")


def target_of(source: Found, state: State) -> Found | None:
    """Return the dead-letter queue of a queue; None where it has none, or where that is gone."""
    arn = source.queue.settings.dead_letter_arn
    return find_arn(arn, state) if arn else None


def move(
    outcome: Outcome,
    call: Call,
    source: Found,
    target: Found,
    gone: list[tuple[Gone, str, int, int]],
    places: Positions,
) -> None:
    """Add to an outcome the events that move messages into a dead-letter queue.

    `gone`: each message with its id, how often it was received, and when first. A standard queue's message keeps the
    time it was sent; a FIFO queue's is as new, and its message id becomes its deduplication id. Source: Amazon SQS
    Developer Guide, Setting-up dead-letter queue retention; Learn how to configure a dead-letter queue redrive.
    """
    now = milliseconds(call.now)
    fifo = target.queue.fifo
    taken = [
        Taken(
            left.sent, left.position, now if fifo else left.sent, places.next(), now, message_id, source.address.arn,
            message_id if fifo else "", receives, first,
        )
        for left, message_id, receives, first in gone
    ]  # fmt: skip
    arrived = MessagesMovedIn(target.queue.id, fifo, source.queue.id, taken)
    outcome.emit(arrived, target.address.arn, account=target.address.account, region=target.address.region)
    left_event = MessagesMovedOut(source.queue.id, target.address.arn, [entry[0] for entry in gone])
    outcome.emit(left_event, source.address.arn, account=source.address.account, region=source.address.region)
