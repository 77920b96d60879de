"""DeleteMessage and DeleteMessageBatch."""

from __future__ import annotations

from typing import Any

from app.services import AwsError, Call, Outcome, State, answer, command, emit
from app.services.sqs import batches, receipts
from app.services.sqs.addresses import Found, find
from app.services.sqs.positions import milliseconds
from app.services.sqs.refusals import bad_value
from projections.sqs import Gone, MessagesDeleted, deliveries

EXPIRED = "The receipt handle has expired"


@command("sqs", "DeleteMessage")
def delete_message(call: Call, state: State) -> Outcome:
    """Delete a message. One that is gone already is deleted again without complaint.

    Errors: QueueDoesNotExist, ReceiptHandleIsInvalid; InvalidParameterValue for a FIFO queue's handle that has expired.
    Source: Amazon SQS API Reference, DeleteMessage; Developer Guide, FIFO queue delivery logic.
    """
    found = find(call, state)
    handle: str = call.params["ReceiptHandle"]
    gone = _gone(state, found, handle, milliseconds(call.now))
    if gone is _LATE:
        raise bad_value(handle, "ReceiptHandle", f"{EXPIRED}.")
    return _outcome(found, [] if gone is None else [gone])


@command("sqs", "DeleteMessageBatch")
def delete_message_batch(call: Call, state: State) -> Outcome:
    """Delete up to ten messages; each succeeds or fails by itself. Source: API Reference, DeleteMessageBatch."""
    found = find(call, state)
    given = batches.entries(call.params, "DeleteMessageBatchRequestEntry")
    now = milliseconds(call.now)
    successful: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    leaving: dict[int, Gone] = {}
    for entry in given:
        try:
            gone = _gone(state, found, entry["ReceiptHandle"], now)
            if gone is _LATE:
                raise AwsError("ReceiptHandleIsInvalid", EXPIRED)
        except AwsError as error:
            failed.append(batches.failed(entry, error))
            continue
        successful.append({"Id": entry["Id"]})
        if gone is not None:
            leaving[gone.position] = gone
    return _outcome(found, list(leaving.values())).answer(Successful=successful, Failed=failed)


_LATE = Gone(0, 0, 0, False)


def _gone(state: State, found: Found, handle: str, now: int) -> Gone | None:
    """Return the message that a handle is for; None where it is gone, _LATE where the handle has expired.

    A standard queue takes any handle it ever gave for the message. Source: the answers of AWS to getmoto/moto#4655.
    """
    queue = found.queue
    meant = receipts.read(handle, queue.id)
    delivery = state[deliveries].get(queue.id, meant.position)
    if delivery is None:
        return None
    if queue.fifo and (
        delivery.received != meant.received or delivery.receives != meant.receives or delivery.visible <= now
    ):
        return _LATE
    return Gone(meant.position, delivery.sent, delivery.visible, True, delivery.group)


def _outcome(found: Found, leaving: list[Gone]) -> Outcome:
    if not leaving:
        return answer()
    where, queue = found
    return emit(MessagesDeleted(queue.id, leaving), where.arn, account=where.account, region=where.region)
