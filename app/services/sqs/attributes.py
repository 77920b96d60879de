"""Queue attributes: what each may be, as data; between the text that callers send and the settings that are kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from app.services import AwsError
from app.services.sqs.refusals import bad_attribute, bad_parameter, unknown_attribute
from projections.sqs import Settings

SECONDS_A_DAY = 86_400


class Whole(NamedTuple):
    """An attribute that is a whole number in a range."""

    field: str
    least: int
    most: int


class OneOf(NamedTuple):
    """An attribute that is one of some words."""

    field: str
    words: tuple[str, ...]


# Source: Amazon SQS API Reference, SetQueueAttributes (MaximumMessageSize to 1 MiB since August 2025).
NUMBERS = {
    "DelaySeconds": Whole("delay", 0, 900),
    "MaximumMessageSize": Whole("maximum_size", 1_024, 1_048_576),
    "MessageRetentionPeriod": Whole("retention", 60, 14 * SECONDS_A_DAY),
    "ReceiveMessageWaitTimeSeconds": Whole("wait", 0, 20),
    "VisibilityTimeout": Whole("visibility", 0, 43_200),
    "KmsDataKeyReusePeriodSeconds": Whole("kms_reuse", 60, SECONDS_A_DAY),
}
WORDS = {
    "DeduplicationScope": OneOf("deduplication_scope", ("messageGroup", "queue")),
    "FifoThroughputLimit": OneOf("throughput_limit", ("perMessageGroupId", "perQueue")),
}
TEXTS = {
    "Policy": "policy",
    "KmsMasterKeyId": "kms_key",
    "RedrivePolicy": "redrive",
    "RedriveAllowPolicy": "redrive_allow",
}
FLAGS = {"ContentBasedDeduplication": "content_deduplication", "SqsManagedSseEnabled": "managed_sse"}
FIFO_ONLY = ("DeduplicationScope", "FifoThroughputLimit")
COUNTED = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")
READ_ONLY = (*COUNTED, "CreatedTimestamp", "LastModifiedTimestamp", "QueueArn")
NAMES = frozenset((*NUMBERS, *WORDS, *TEXTS, *FLAGS, *READ_ONLY, "FifoQueue", "All"))

MOST_DEAD_LETTER_SOURCES = 10
MOST_RECEIVES = 1_000

DEFAULTS = Settings(
    delay=0, maximum_size=1_048_576, retention=4 * SECONDS_A_DAY, wait=0, visibility=30, policy="", redrive="",
    dead_letter_arn="", maximum_receives=0, redrive_allow="", kms_key="", kms_reuse=0, managed_sse=True,
    content_deduplication=False, deduplication_scope="", throughput_limit="",
)  # fmt: skip
FIFO_DEFAULTS = DEFAULTS.replace(deduplication_scope="queue", throughput_limit="perQueue")


def is_fifo(given: dict[str, str]) -> bool:
    """Tell whether the attributes of CreateQueue ask for a FIFO queue. Raises InvalidAttributeName, …Value."""
    value = given.get("FifoQueue")
    if value is None:
        return False
    if value.lower() == "false":
        raise unknown_attribute("FifoQueue")  # AWS knows no "false": a standard queue is one without the attribute
    if value.lower() != "true":
        raise bad_attribute("FifoQueue")
    return True


def settings(given: dict[str, str], before: Settings, fifo: bool) -> Settings:
    """Return settings with the given attributes set. Raises InvalidAttributeName, …Value, InvalidParameterValue.

    What a dead-letter queue must be besides is checked by `dead_letters.check_target`.
    """
    changes: dict[str, Any] = {}
    for name, text in given.items():
        if name in NUMBERS:
            field, least, most = NUMBERS[name]
            changes[field] = _whole(name, text, least, most)
        elif name in FLAGS and (fifo or name != "ContentBasedDeduplication"):
            changes[FLAGS[name]] = _flag(name, text)
        elif name in WORDS:
            if not fifo:
                raise AwsError(
                    "InvalidAttributeName", f"You can specify the {name} only when FifoQueue is set to true."
                )
            field, words = WORDS[name]
            if text not in words:
                raise bad_attribute(name)
            changes[field] = text
        elif name in TEXTS:
            changes[TEXTS[name]] = text
        elif name != "FifoQueue" or not fifo:
            raise unknown_attribute(name)
    _check_policy(changes)
    _read_redrive(changes)
    _check_redrive_allow(changes)
    _choose_encryption(changes)
    after: Settings = before.replace(**changes)
    if after.throughput_limit == "perMessageGroupId" and after.deduplication_scope != "messageGroup":
        raise bad_attribute(
            "FifoThroughputLimit",
            "The perMessageGroupId value is allowed only when DeduplicationScope is messageGroup.",
        )
    return after


def _whole(name: str, text: str, least: int, most: int) -> int:
    try:
        number = int(text)
    except ValueError:
        raise bad_attribute(name) from None
    if not least <= number <= most:
        raise bad_attribute(name)
    return number


def _flag(name: str, text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise bad_attribute(name)
    return text.lower() == "true"


def _check_policy(changes: dict[str, Any]) -> None:
    text = changes.get("policy")
    if text:
        policy = _json(text)
        if not isinstance(policy, dict) or "Statement" not in policy:
            raise bad_attribute("Policy")


def _read_redrive(changes: dict[str, Any]) -> None:
    """Read a RedrivePolicy into the settings it means. "" takes it away."""
    if "redrive" not in changes:
        return
    text = changes["redrive"]
    if not text:
        changes.update(dead_letter_arn="", maximum_receives=0)
        return

    def refuse(reason: str) -> AwsError:
        return bad_parameter(f"Value {text} for parameter RedrivePolicy is invalid. Reason: {reason}")

    policy = _json(text)
    if not isinstance(policy, dict):
        raise refuse("Redrive policy is not a valid JSON map.")
    for name in ("deadLetterTargetArn", "maxReceiveCount"):
        if name not in policy:
            raise refuse(f"Redrive policy does not contain mandatory attribute: {name}.")
    if len(policy) > 2:
        raise refuse("Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount].")
    try:
        most = int(policy["maxReceiveCount"])
    except (TypeError, ValueError):
        most = 0
    if not 1 <= most <= MOST_RECEIVES:
        raise refuse(
            f"Invalid value for maxReceiveCount: {policy['maxReceiveCount']}, valid values are from 1 to {MOST_RECEIVES} "
            "both inclusive."
        )
    changes.update(dead_letter_arn=str(policy["deadLetterTargetArn"]), maximum_receives=most)


def _check_redrive_allow(changes: dict[str, Any]) -> None:
    text = changes.get("redrive_allow")
    if not text:
        return

    def refuse(reason: str) -> AwsError:
        return bad_parameter(f"Value {text} for parameter RedriveAllowPolicy is invalid. Reason: {reason}")

    policy = _json(text)
    if not isinstance(policy, dict):
        raise refuse("Amazon SQS can't create the redrive allow policy, as it’s in an unsupported format.")
    permission = policy.get("redrivePermission")
    arns = policy.get("sourceQueueArns")
    if permission not in ("allowAll", "denyAll", "byQueue"):
        raise refuse("Amazon SQS can't create the redrive allow policy, as it’s in an unsupported format.")
    if permission == "byQueue":
        if not isinstance(arns, list) or not 1 <= len(arns) <= MOST_DEAD_LETTER_SOURCES:
            raise refuse(f"Between 1 and {MOST_DEAD_LETTER_SOURCES} sourceQueueArns are needed with byQueue.")
    elif arns is not None:
        raise refuse("sourceQueueArns can be given only where redrivePermission is byQueue.")


def _choose_encryption(changes: dict[str, Any]) -> None:
    """One server-side encryption a queue: a key takes the place of SSE-SQS, and SSE-SQS that of a key."""
    if changes.get("kms_key"):
        if changes.get("managed_sse"):
            raise bad_attribute(
                "SqsManagedSseEnabled", "You can use one type of server-side encryption (SSE) at one time."
            )
        changes["managed_sse"] = False
    elif changes.get("managed_sse"):
        changes["kms_key"] = ""


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def differing(given: dict[str, str], asked: Settings, existing: Settings) -> str | None:
    """Return the name of a given attribute that an existing queue has otherwise, or None."""
    for name in given:
        field = _FIELDS.get(name)
        if field is not None and getattr(asked, field) != getattr(existing, field):
            return name
    return None


_FIELDS: dict[str, str] = {
    **{name: number.field for name, number in NUMBERS.items()},
    **{name: word.field for name, word in WORDS.items()},
    **TEXTS,
    **FLAGS,
}


def _shown_flag(value: bool) -> str:
    return "true" if value else "false"


# Attribute -> how a setting of the queue is shown; what gives "" is not set and left out.
SHOWN: dict[str, Callable[[Settings, bool], str]] = {
    "VisibilityTimeout": lambda has, fifo: str(has.visibility),
    "MaximumMessageSize": lambda has, fifo: str(has.maximum_size),
    "MessageRetentionPeriod": lambda has, fifo: str(has.retention),
    "DelaySeconds": lambda has, fifo: str(has.delay),
    "ReceiveMessageWaitTimeSeconds": lambda has, fifo: str(has.wait),
    "Policy": lambda has, fifo: has.policy,
    "RedrivePolicy": lambda has, fifo: has.redrive,
    "RedriveAllowPolicy": lambda has, fifo: has.redrive_allow,
    "KmsMasterKeyId": lambda has, fifo: has.kms_key,
    "KmsDataKeyReusePeriodSeconds": lambda has, fifo: str(has.kms_reuse or 300) if has.kms_key or has.kms_reuse else "",
    "SqsManagedSseEnabled": lambda has, fifo: _shown_flag(has.managed_sse),
    "FifoQueue": lambda has, fifo: "true" if fifo else "",
    "ContentBasedDeduplication": lambda has, fifo: _shown_flag(has.content_deduplication) if fifo else "",
    "DeduplicationScope": lambda has, fifo: has.deduplication_scope,
    "FifoThroughputLimit": lambda has, fifo: has.throughput_limit,
}
