"""SendMessage and SendMessageBatch."""

from __future__ import annotations

import re
from hashlib import md5, sha256
from typing import Any

from app.services import AwsError, Call, Outcome, State, answer, command, emit
from app.services.sqs import batches
from app.services.sqs.addresses import Found, find
from app.services.sqs.message_attributes import Stored, check_text, digest, stored
from app.services.sqs.positions import Positions, milliseconds, sequence_number
from app.services.sqs.refusals import bad_parameter, bad_value, missing
from app.services.sts import sender_id
from projections.sqs import Deduplication, Message, MessagesSent, Queue, deduplications

LONGEST_DELAY = 900
BATCH_LIMIT = 1_048_576  # bytes of all messages together. Source: API Reference, SendMessageBatch
TOKEN = re.compile(r"[!-~]{1,128}\Z")  # alphanumeric and punctuation
_WRONG_TYPE = "The request include parameter that is not valid for this queue type"


@command("sqs", "SendMessage")
def send_message(call: Call, state: State) -> Outcome:
    """Send one message.

    Errors: QueueDoesNotExist, InvalidMessageContents, InvalidParameterValue, MissingParameter.
    Source: Amazon SQS API Reference, SendMessage.
    """
    found = find(call, state)
    sending = Sending(call, state, found)
    params = call.params
    message, size = sending.message(params)
    limit = found.queue.settings.maximum_size
    if size > limit:
        raise _too_long(limit)
    sent = sending.accept(message)
    return sending.outcome().answer(**sent)


@command("sqs", "SendMessageBatch")
def send_message_batch(call: Call, state: State) -> Outcome:
    """Send up to ten messages; each succeeds or fails by itself.

    Errors: QueueDoesNotExist, BatchRequestTooLong and those of every batch (`batches.entries`).
    Source: Amazon SQS API Reference, SendMessageBatch.
    """
    found = find(call, state)
    given = batches.entries(call.params, "SendMessageBatchRequestEntry")
    sending = Sending(call, state, found)
    total = 0
    successful: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    limit = found.queue.settings.maximum_size
    for entry in given:
        try:
            message, size = sending.message(entry)
            total += size
            if size > limit:
                raise _too_long(limit)
        except AwsError as error:
            failed.append(batches.failed(entry, error))
            continue
        successful.append({"Id": entry["Id"], **sending.accept(message)})
    if total > BATCH_LIMIT:
        raise AwsError(
            "BatchRequestTooLong",
            f"Batch requests cannot be longer than {BATCH_LIMIT} bytes. You have sent {total} bytes.",
        )
    return sending.outcome().answer(Successful=successful, Failed=failed)


def _too_long(limit: int) -> AwsError:
    return bad_parameter(f"One or more parameters are invalid. Reason: Message must be shorter than {limit} bytes.")


class Sending:
    """The messages of one command, on their way into one queue."""

    __slots__ = ("call", "found", "messages", "now", "places", "scope", "sender", "state")

    def __init__(self, call: Call, state: State, found: Found) -> None:
        self.call = call
        self.state = state
        self.found = found
        self.messages: list[Message] = []
        self.now = milliseconds(call.now)
        self.places = Positions(call)
        self.sender = sender_id(call, state)
        self.scope = "messageGroup" if found.queue.settings.deduplication_scope == "messageGroup" else ""

    def message(self, entry: dict[str, Any]) -> tuple[Message, int]:
        """Return the message that an entry (or SendMessage's parameters) asks for, and its size. Raises AwsError."""
        queue = self.found.queue
        body: str = entry["MessageBody"]
        if not body:
            raise missing("MessageBody")
        raw = check_text(body)
        size = len(raw)
        attributes: Stored = {}
        attributes_md5 = b""
        given = entry.get("MessageAttributes")
        if given:
            attributes, more = stored(given)
            attributes_md5 = digest(attributes)
            size += more
        system = entry.get("MessageSystemAttributes")
        trace = _trace(system) if system else ""
        group = entry.get("MessageGroupId")
        deduplication = entry.get("MessageDeduplicationId")
        delay = entry.get("DelaySeconds")
        if queue.fifo:
            group, deduplication = _fifo_tokens(queue, group, deduplication, raw)
            if delay:
                raise bad_value(delay, "DelaySeconds", f"{_WRONG_TYPE}.")
            delay = None
        else:
            if deduplication is not None:
                raise bad_value(deduplication, "MessageDeduplicationId", f"{_WRONG_TYPE}.")
            if group is not None and not TOKEN.match(group):
                raise _bad_token(group, "MessageGroupId")
        if delay is None:
            delay = queue.settings.delay
        elif not 0 <= delay <= LONGEST_DELAY:
            raise bad_value(delay, "DelaySeconds", f"DelaySeconds must be >= 0 and <= {LONGEST_DELAY}.")
        message = Message(
            self.places.next(), self.call.ids.uuid(), body, md5(raw, usedforsecurity=False).digest(),
            self.now + delay * 1000, self.sender, attributes, attributes_md5, group or "", deduplication or "", trace,
        )  # fmt: skip
        return message, size

    def accept(self, message: Message) -> dict[str, Any]:
        """Take a message, unless it is a duplicate of one; return what is answered for it."""
        message_id, position = message.message_id, message.position
        fifo = self.found.queue.fifo
        if fifo:
            original = self._original(message)
            if original is None:
                self.messages.append(message)
            else:
                message_id, position = original.message_id, original.position
        else:
            self.messages.append(message)
        sent: dict[str, Any] = {"MessageId": message_id, "MD5OfMessageBody": message.md5.hex()}
        if message.attributes_md5:
            sent["MD5OfMessageAttributes"] = message.attributes_md5.hex()
        if message.trace:
            sent["MD5OfMessageSystemAttributes"] = digest({"AWSTraceHeader": ("String", message.trace, b"")}).hex()
        if fifo:
            sent["SequenceNumber"] = sequence_number(position)
        return sent

    def _original(self, message: Message) -> Deduplication | None:
        """Return the message of the last five minutes that this one repeats, or None."""
        for other in self.messages:
            if other.deduplication == message.deduplication and (not self.scope or other.group == message.group):
                return Deduplication(other.message_id, other.position, 0)
        scope = message.group if self.scope else ""
        noted = self.state[deduplications].get(self.found.queue.id, scope, message.deduplication)
        return noted if noted is not None and noted.until > self.now else None

    def outcome(self) -> Outcome:
        """Return the outcome: one event for all that was taken, none where all were duplicates."""
        if not self.messages:
            return answer()
        where, queue = self.found
        sent = MessagesSent(queue.id, self.now, queue.fifo, self.messages, self.scope)
        return emit(sent, where.arn, account=where.account, region=where.region)


def _fifo_tokens(queue: Queue, group: str | None, deduplication: str | None, body: bytes) -> tuple[str, str]:
    """Return a FIFO message's group and deduplication id. Raises MissingParameter, InvalidParameterValue."""
    if group is None:
        raise missing("MessageGroupId")
    if not TOKEN.match(group):
        raise _bad_token(group, "MessageGroupId")
    if deduplication is None:
        if not queue.settings.content_deduplication:
            raise bad_parameter(
                "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
            )
        return group, sha256(body).hexdigest()
    if not TOKEN.match(deduplication):
        raise _bad_token(deduplication, "MessageDeduplicationId")
    return group, deduplication


def _bad_token(value: str, name: str) -> AwsError:
    return bad_value(
        value, name, f"{name} can only include alphanumeric and punctuation characters. 1 to 128 in length."
    )


def _trace(system: dict[str, dict[str, Any]]) -> str:
    """Return the X-Ray header among the system attributes. It does not count to the size. Raises InvalidParameterValue."""
    for name, value in system.items():
        if name != "AWSTraceHeader":
            raise bad_parameter(f"Message system attribute name '{name}' is invalid.")
        if value.get("DataType") != "String":
            raise bad_parameter(
                "The type of message (system) attribute 'AWSTraceHeader' is invalid. You must use only the following supported "
                "type prefixes: String."
            )
        if not value.get("StringValue"):
            raise bad_parameter(
                f"The message system attribute '{name}' must contain non-empty message system attribute value for message "
                "system attribute type 'String'."
            )
        check_text(value["StringValue"])
    return str(system["AWSTraceHeader"]["StringValue"])
