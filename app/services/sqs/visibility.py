"""ChangeMessageVisibility and ChangeMessageVisibilityBatch."""

from __future__ import annotations

from typing import Any

from app.services import AwsError, Call, Outcome, State, answer, command, emit
from app.services.sqs import batches, receipts
from app.services.sqs.addresses import Found, find
from app.services.sqs.positions import milliseconds
from app.services.sqs.refusals import bad_value
from projections.sqs import Change, VisibilityChanged, deliveries

LONGEST = 43_200  # seconds, from when the message was received


@command("sqs", "ChangeMessageVisibility")
def change_message_visibility(call: Call, state: State) -> Outcome:
    """Hide a message in flight for longer, or show it again (0).

    Errors: QueueDoesNotExist, ReceiptHandleIsInvalid, MessageNotInflight, InvalidParameterValue.
    Source: Amazon SQS API Reference, ChangeMessageVisibility.
    """
    found = find(call, state)
    params = call.params
    change = _change(state, found, params["ReceiptHandle"], params["VisibilityTimeout"], milliseconds(call.now))
    return _outcome(found, [change])


@command("sqs", "ChangeMessageVisibilityBatch")
def change_message_visibility_batch(call: Call, state: State) -> Outcome:
    """Change up to ten messages' visibility; each succeeds or fails by itself."""
    found = find(call, state)
    given = batches.entries(call.params, "ChangeMessageVisibilityBatchRequestEntry")
    now = milliseconds(call.now)
    successful: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    changes: dict[int, Change] = {}
    for entry in given:
        seconds = entry.get("VisibilityTimeout")
        if seconds is None:
            seconds = found.queue.settings.visibility
        try:
            change = _change(state, found, entry["ReceiptHandle"], seconds, now)
        except AwsError as error:
            failed.append(batches.failed(entry, error))
            continue
        successful.append({"Id": entry["Id"]})
        changes[change.position] = change
    return _outcome(found, list(changes.values())).answer(Successful=successful, Failed=failed)


def _change(state: State, found: Found, handle: str, seconds: int, now: int) -> Change:
    """Return the change that is asked for. Raises ReceiptHandleIsInvalid, MessageNotInflight, InvalidParameterValue."""
    queue = found.queue
    if not 0 <= seconds <= LONGEST:
        raise bad_value(seconds, "VisibilityTimeout", f"VisibilityTimeout must be an integer between 0 and {LONGEST}.")
    meant = receipts.read(handle, queue.id)
    delivery = state[deliveries].get(queue.id, meant.position)
    if delivery is None:
        raise bad_value(
            handle, "ReceiptHandle", "Message does not exist or is not available for visibility timeout change."
        )
    if queue.fifo and (
        delivery.received != meant.received or delivery.receives != meant.receives or delivery.visible <= now
    ):
        raise bad_value(handle, "ReceiptHandle", "The receipt handle has expired.")
    if delivery.visible <= now:
        raise AwsError("MessageNotInflight")
    if now + seconds * 1000 > delivery.received + LONGEST * 1000:
        raise bad_value(
            seconds, "VisibilityTimeout",
            f"Total VisibilityTimeout for the message is beyond the limit [{LONGEST} seconds]",
        )  # fmt: skip
    return Change(meant.position, delivery.visible, now + seconds * 1000)


def _outcome(found: Found, changes: list[Change]) -> Outcome:
    if not changes:
        return answer()
    where, queue = found
    return emit(VisibilityChanged(queue.id, changes), where.arn, account=where.account, region=where.region)
