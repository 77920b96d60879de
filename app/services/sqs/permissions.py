"""AddPermission and RemovePermission: statements of a queue's policy, by label."""

from __future__ import annotations

import json
import re
from typing import Any

from app.arns import partition
from app.services import AwsError, Call, Outcome, State, command
from app.services.sqs.addresses import find
from app.services.sqs.queues import emit_settings
from app.services.sqs.refusals import bad_value, missing

LABEL = re.compile(r"[A-Za-z0-9_-]{1,80}\Z")
ACCOUNT = re.compile(r"[0-9]{12}\Z")
MOST_ACTIONS = 7
ACTIONS = frozenset((
    "*", "AddPermission", "CancelMessageMoveTask", "ChangeMessageVisibility", "CreateQueue", "DeleteMessage", "DeleteQueue",
    "GetQueueAttributes", "GetQueueUrl", "ListDeadLetterSourceQueues", "ListMessageMoveTasks", "ListQueueTags", "ListQueues",
    "PurgeQueue", "ReceiveMessage", "RemovePermission", "SendMessage", "SetQueueAttributes", "StartMessageMoveTask", "TagQueue",
    "UntagQueue",
))  # fmt: skip
OWNERS_ONLY = frozenset((
    "AddPermission", "CancelMessageMoveTask", "CreateQueue", "DeleteQueue", "ListMessageMoveTasks", "ListQueues",
    "ListQueueTags", "RemovePermission", "SetQueueAttributes", "StartMessageMoveTask", "TagQueue", "UntagQueue",
))  # fmt: skip


@command("sqs", "AddPermission")
def add_permission(call: Call, state: State) -> Outcome:
    """Add a statement to a queue's policy that lets accounts do actions.

    Errors: QueueDoesNotExist; OverLimit for more than seven actions; InvalidParameterValue, MissingParameter.
    Source: Amazon SQS API Reference, AddPermission.
    """
    where, queue = find(call, state)
    params = call.params
    label: str = params["Label"]
    accounts: list[str] = params["AWSAccountIds"]
    actions: list[str] = params["Actions"]
    if not accounts:
        raise missing("AWSAccountIds")
    if not actions:
        raise missing("Actions")
    if not LABEL.match(label):
        raise bad_value(
            label, "Label", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
        )
    if len(actions) > MOST_ACTIONS:
        raise AwsError("OverLimit", f"{len(actions)} Actions were found, maximum allowed is {MOST_ACTIONS}.")
    for action in actions:
        if action not in ACTIONS:
            raise bad_value(
                f"SQS:{action}", "ActionName", "Please refer to the appropriate WSDL for a list of valid actions."
            )
        if action in OWNERS_ONLY:
            raise bad_value(f"SQS:{action}", "ActionName", "Only the queue owner is allowed to invoke this action.")
    for account in accounts:
        if not ACCOUNT.match(account):
            raise bad_value(json.dumps(accounts), "PrincipalId", "Unable to verify.")
    policy = _policy(queue.settings.policy, where.arn)
    if any(statement.get("Sid") == label for statement in policy["Statement"]):
        raise bad_value(label, "Label", "Already exists.")
    principals = [f"arn:{partition(where.region)}:iam::{account}:root" for account in accounts]
    verbs = [f"SQS:{action}" for action in actions]
    policy["Statement"].append(
        {
            "Sid": label,
            "Effect": "Allow",
            "Principal": {"AWS": principals[0] if len(principals) == 1 else principals},
            "Action": verbs[0] if len(verbs) == 1 else verbs,
            "Resource": where.arn,
        }
    )
    return emit_settings(where, queue.name, queue.settings.replace(policy=_text(policy)), ["Policy"])


@command("sqs", "RemovePermission")
def remove_permission(call: Call, state: State) -> Outcome:
    """Take the statement with a label out of a queue's policy. Errors: QueueDoesNotExist, InvalidParameterValue."""
    where, queue = find(call, state)
    label: str = call.params["Label"]
    policy = _policy(queue.settings.policy, where.arn)
    kept = [statement for statement in policy["Statement"] if statement.get("Sid") != label]
    if len(kept) == len(policy["Statement"]):
        raise bad_value(label, "Label", "can't find label.")
    policy["Statement"] = kept
    text = _text(policy) if kept else ""
    return emit_settings(where, queue.name, queue.settings.replace(policy=text), ["Policy"])


def _policy(text: str, arn: str) -> dict[str, Any]:
    if not text:
        return {"Version": "2008-10-17", "Id": f"{arn}/SQSDefaultPolicy", "Statement": []}
    policy: dict[str, Any] = json.loads(text)
    if isinstance(policy["Statement"], dict):
        policy["Statement"] = [policy["Statement"]]
    return policy


def _text(policy: dict[str, Any]) -> str:
    return json.dumps(policy, separators=(",", ":"))
