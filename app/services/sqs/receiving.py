"""ReceiveMessage."""

from __future__ import annotations

from typing import Any

from app.services import AwsError, Call, Outcome, State, answer, command, wait
from app.services.sqs import dead_letters, receipts
from app.services.sqs.addresses import Found, find
from app.services.sqs.counting import expiry, in_flight
from app.services.sqs.message_attributes import digest, shown, wanted
from app.services.sqs.positions import Positions, milliseconds, sequence_number
from app.services.sqs.refusals import bad_value, unknown_attribute
from projections.sqs import (
    Change,
    Gone,
    Message,
    MessagesExpired,
    MessagesReceived,
    Receipt,
    VisibilityChanged,
    attempts,
    deliveries,
    group_turns,
    lines,
    messages,
    turns,
)

MOST_MESSAGES = 10
LONGEST_WAIT = 20
LONGEST_VISIBILITY = 43_200
MOST_IN_FLIGHT = 120_000  # Source: Amazon SQS Developer Guide, message quotas (standard, and FIFO since 2024)
MOST_SWEPT = 500  # expired or dead messages that one receive takes out of the way
SYSTEM_ATTRIBUTES = frozenset((
    "All", "SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp", "SequenceNumber",
    "MessageDeduplicationId", "MessageGroupId", "AWSTraceHeader", "DeadLetterQueueSourceArn",
))  # fmt: skip


@command("sqs", "ReceiveMessage")
def receive_message(call: Call, state: State) -> Outcome:
    """Hand out up to ten messages and hide them from others; wait for one where none is there.

    Errors: QueueDoesNotExist; OverLimit where a standard queue has 120,000 messages in flight; InvalidParameterValue.
    Source: Amazon SQS API Reference, ReceiveMessage.
    """
    found = find(call, state)
    asked = Asked(call.params, found)
    receiving = Receiving(call, state, found, asked)
    if in_flight(found.queue, state, receiving.now, MOST_IN_FLIGHT):
        if not found.queue.fifo:  # a FIFO queue says nothing, it just gives nothing
            raise AwsError("OverLimit", "The maximum number of in flight messages is reached.")
    elif asked.attempt and receiving.repeat():
        pass
    elif found.queue.fifo:
        receiving.from_groups()
    else:
        receiving.from_turns()
    return receiving.outcome()


class Asked:
    """The parameters of a receive, checked, with the queue's own values where they are not given."""

    __slots__ = ("attempt", "attribute_names", "limit", "system_names", "visibility", "wait")

    def __init__(self, params: dict[str, Any], found: Found) -> None:
        """Raises InvalidParameterValue, InvalidAttributeName."""
        settings = found.queue.settings
        limit = params.get("MaxNumberOfMessages")
        if limit is None:
            limit = 1
        elif not 1 <= limit <= MOST_MESSAGES:
            raise bad_value(limit, "MaxNumberOfMessages", f"Must be between 1 and {MOST_MESSAGES}, if provided.")
        seconds = params.get("WaitTimeSeconds")
        if seconds is None:
            seconds = settings.wait
        elif not 0 <= seconds <= LONGEST_WAIT:
            raise bad_value(seconds, "WaitTimeSeconds", f"Must be >= 0 and <= {LONGEST_WAIT}, if provided.")
        visibility = params.get("VisibilityTimeout")
        if visibility is None:
            visibility = settings.visibility
        elif not 0 <= visibility <= LONGEST_VISIBILITY:
            raise bad_value(
                visibility, "VisibilityTimeout", f"Must be between 0 and {LONGEST_VISIBILITY}, if provided."
            )
        names: list[str] = [*(params.get("AttributeNames") or ()), *(params.get("MessageSystemAttributeNames") or ())]
        for name in names:
            if name not in SYSTEM_ATTRIBUTES:
                raise unknown_attribute(name)
        self.limit: int = limit
        self.wait: int = seconds
        self.visibility: int = visibility
        self.system_names = SYSTEM_ATTRIBUTES if "All" in names else frozenset(names)
        self.attribute_names: list[str] = params.get("MessageAttributeNames") or []
        self.attempt: str = (params.get("ReceiveRequestAttemptId") or "") if found.queue.fifo else ""


class Receiving:
    """One receive: what it takes, and what it finds that should no longer be there."""

    __slots__ = (
        "again", "asked", "call", "dead", "expired", "expiry", "found", "given", "limit_receives", "next", "now", "receipts",
        "state", "target",
    )  # fmt: skip

    def __init__(self, call: Call, state: State, found: Found, asked: Asked) -> None:
        self.call = call
        self.state = state
        self.found = found
        self.asked = asked
        self.now = milliseconds(call.now)
        self.expiry = expiry(found.queue, self.now)
        self.target = dead_letters.target_of(found, state)
        self.limit_receives = found.queue.settings.maximum_receives if self.target is not None else 0
        self.next: int | None = None  # when something becomes visible
        self.given: list[dict[str, Any]] = []
        self.receipts: list[Receipt] = []
        self.again: list[Change] = []
        self.expired: list[Gone] = []
        self.dead: list[tuple[Gone, str, int, int]] = []

    def from_turns(self) -> None:
        """Take messages of a standard queue, in the order in which they became visible."""
        queue = self.found.queue.id
        for turn in self.state[turns].records(queue):
            if turn.visible > self.now:
                self.next = turn.visible
                return
            self._take(turn.position, turn.sent, turn.visible, turn.receives, turn.first, "")
            if len(self.receipts) == self.asked.limit or len(self.expired) + len(self.dead) >= MOST_SWEPT:
                return

    def from_groups(self) -> None:
        """Take messages of a FIFO queue: the group whose head is first, as many of it as there may be, then the next."""
        queue = self.found.queue.id
        for key in self.state[group_turns].keys(queue):
            free, group = int(key[1]), str(key[3])
            if free > self.now:
                self.next = free
                return
            for place in self.state[lines].records(queue, group):
                if place.visible > self.now:
                    break
                self._take(place.position, place.sent, place.visible, place.receives, place.first, group)
                if len(self.receipts) == self.asked.limit or len(self.expired) + len(self.dead) >= MOST_SWEPT:
                    return

    def _take(self, position: int, sent: int, visible: int, receives: int, first: int, group: str) -> None:
        """Take a message, or put it aside as expired or dead."""
        queue = self.found.queue.id
        message = self.state[messages].get(queue, sent, position)
        if message is None:
            return
        here = receives - message.receives  # a dead-letter queue's message had been received elsewhere before
        if sent <= self.expiry:
            self.expired.append(Gone(position, sent, visible, here > 0, group))
            return
        if self.limit_receives and here >= self.limit_receives:
            self.dead.append((Gone(position, sent, visible, here > 0, group), message.message_id, receives, first))
            return
        receives += 1
        first = first or self.now
        hidden = self.now + self.asked.visibility * 1000
        self.receipts.append(Receipt(position, sent, visible, hidden, receives, first, here > 0, group))
        handle = receipts.write(queue, position, receives, self.now)
        self.given.append(self._shown(message, handle, sent, receives, first))

    def repeat(self) -> bool:
        """Give what the same attempt was given before, if within five minutes and nothing of it has changed since.

        Source: Amazon SQS API Reference, ReceiveMessage, ReceiveRequestAttemptId.
        """
        queue = self.found.queue.id
        before = self.state[attempts].get(queue, self.asked.attempt)
        if before is None or before.until <= self.now:
            return False
        given = []
        for position in before.positions:
            delivery = self.state[deliveries].get(queue, position)
            if delivery is None or delivery.received != before.received or delivery.visible <= self.now:
                return False
            message = self.state[messages].get(queue, delivery.sent, position)
            if message is None:
                return False
            handle = receipts.write(queue, position, delivery.receives, delivery.received)
            given.append(self._shown(message, handle, delivery.sent, delivery.receives, delivery.first))
            self.again.append(Change(position, delivery.visible, self.now + self.asked.visibility * 1000))
        self.given = given
        return True

    def _shown(self, message: Message, handle: str, sent: int, receives: int, first: int) -> dict[str, Any]:
        """Return a message as the answer has it."""
        body: dict[str, Any] = {
            "MessageId": message.message_id,
            "ReceiptHandle": handle,
            "MD5OfBody": message.md5.hex(),
            "Body": message.body,
        }
        names = self.asked.system_names
        if names:
            body["Attributes"] = self._system(message, names, sent, receives, first) or None
        if message.attributes and self.asked.attribute_names:
            chosen = wanted(message, self.asked.attribute_names)
            if chosen:
                whole = len(chosen) == len(message.attributes)
                body["MD5OfMessageAttributes"] = (message.attributes_md5 if whole else digest(chosen)).hex()
                body["MessageAttributes"] = shown(chosen)
        return body

    def _system(self, message: Message, names: frozenset[str], sent: int, receives: int, first: int) -> dict[str, str]:
        has = {
            "SenderId": message.sender,
            "SentTimestamp": str(sent),
            "ApproximateReceiveCount": str(receives),
            "ApproximateFirstReceiveTimestamp": str(first),
        }
        if message.group:
            has["MessageGroupId"] = message.group
        if self.found.queue.fifo:
            has["SequenceNumber"] = sequence_number(message.position)
            has["MessageDeduplicationId"] = message.deduplication
        if message.trace:
            has["AWSTraceHeader"] = message.trace
        if message.source and not message.task:
            has["DeadLetterQueueSourceArn"] = message.source
        return has if names is SYSTEM_ATTRIBUTES else {name: value for name, value in has.items() if name in names}

    def outcome(self) -> Outcome:
        """Return the events of what was taken and put aside, and the answer; or the wish to wait."""
        where, queue = self.found
        swept = len(self.expired) + len(self.dead)
        if not self.given and not swept and self.asked.wait:
            return wait(
                where.arn,
                deadline=self.call.arrived + self.asked.wait,
                recheck=None if self.next is None else self.next / 1000,
            ).answer()
        outcome = answer(Messages=self.given or None)
        if self.expired:
            gone = MessagesExpired(queue.id, self.expired)
            outcome.emit(gone, where.arn, account=where.account, region=where.region)
        if self.dead and self.target is not None:
            dead_letters.move(outcome, self.call, self.found, self.target, self.dead, Positions(self.call))
        if self.receipts:
            received = MessagesReceived(queue.id, self.now, self.receipts, self.asked.attempt)
            outcome.emit(received, where.arn, account=where.account, region=where.region)
        if self.again:
            outcome.emit(VisibilityChanged(queue.id, self.again), where.arn, account=where.account, region=where.region)
        return outcome
