"""Bucket policies: stored as the text they were put as; what makes one public, or malformed.

Source: Amazon S3 User Guide, "Blocking public access to your Amazon S3 storage" ("The meaning of public").
"""

from __future__ import annotations

import fnmatch
import json
from typing import Any

from app.services import AwsError, Call, Outcome, State, answer, command, query
from app.services.s3.configurations import kept, put, unput
from app.services.s3.places import access_denied, bucket_of
from app.services.s3.settings import is_private_network
from projections.s3 import Bucket

MAX_POLICY = 20 * 1024
VERSIONS = frozenset({"2012-10-17", "2008-10-17"})
# Conditions on one of these, with fixed values, make a statement for everybody not public.
NARROWING = frozenset(
    {"aws:sourceip", "aws:sourcearn", "aws:sourceaccount", "aws:sourcevpc", "aws:sourcevpce", "aws:sourceowner"}
    | {"aws:principalorgid", "aws:principalorgpaths", "aws:principalaccount", "aws:principalarn", "aws:userid"}
    | {"s3:x-amz-server-side-encryption-aws-kms-key-id", "s3:dataaccesspointarn", "s3:dataaccesspointaccount"}
)


def malformed(message: str) -> AwsError:
    """Return the error for a policy that is none."""
    return AwsError("MalformedPolicy", message, status=400)


def parse(text: str, bucket: Bucket) -> dict[str, Any]:
    """Read a policy's text and check what S3 checks. Errors: MalformedPolicy (400)."""
    if not text.strip():
        raise malformed("Missing required field Statement")
    try:
        policy = json.loads(text)
    except (ValueError, RecursionError):
        raise malformed("Policies must be valid JSON and the first byte must be '{'") from None
    if not isinstance(policy, dict):
        raise malformed("Policies must be valid JSON and the first byte must be '{'")
    if len(text.encode()) > MAX_POLICY:
        raise AwsError("PolicyTooLarge", "Policy exceeds the maximum allowed document size.", status=400)
    if policy.get("Version", "2008-10-17") not in VERSIONS:
        raise malformed("The policy must contain a valid version string")
    statements = policy.get("Statement")
    if not statements:
        raise malformed("Missing required field Statement")
    for statement in statements if isinstance(statements, list) else [statements]:
        _check_statement(statement, bucket)
    return policy


def _check_statement(statement: Any, bucket: Bucket) -> None:
    if not isinstance(statement, dict):
        raise malformed("Invalid policy syntax.")
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise malformed(
            f"Invalid effect: {statement.get('Effect')}" if "Effect" in statement else "Missing required field Effect"
        )
    if ("Principal" in statement) == ("NotPrincipal" in statement):
        raise malformed("Missing required field Principal")
    if "NotPrincipal" in statement and statement["Effect"] == "Allow":
        raise malformed("Allow with NotPrincipal is not allowed.")
    actions = as_list(statement.get("Action", statement.get("NotAction")))
    if not actions:
        raise malformed("Missing required field Action")
    for action in actions:
        if not isinstance(action, str) or not (action == "*" or action.lower().startswith("s3:") or ":" in action):
            raise malformed("Policy has invalid action")
    resources = as_list(statement.get("Resource", statement.get("NotResource")))
    if not resources:
        raise malformed("Missing required field Resource")
    for resource in resources:
        if not isinstance(resource, str) or not covers(resource, bucket.name):
            raise malformed("Policy has invalid resource")


def covers(resource: str, bucket: str) -> bool:
    """Tell whether a policy's resource is in its bucket."""
    if resource == "*":
        return True
    parts = resource.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or parts[2] != "s3":
        return False
    name = parts[5].partition("/")[0]
    if "*" in name or "?" in name or "${" in name:
        return fnmatch.fnmatchcase(bucket, name.split("${")[0] + "*" if "${" in name else name)
    return name == bucket


def as_list(value: Any) -> list[Any]:
    """Return a policy's element as the list that it may be."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def is_public(policy: dict[str, Any]) -> bool:
    """Tell whether a policy lets everybody do something."""
    return any(
        statement.get("Effect") == "Allow"
        and _for_everybody(statement)
        and not _narrowed(statement.get("Condition") or {})
        for statement in as_list(policy.get("Statement"))
    )


def _for_everybody(statement: dict[str, Any]) -> bool:
    if "NotPrincipal" in statement:
        return True
    principal = statement["Principal"]
    if principal == "*":
        return True
    return isinstance(principal, dict) and any("*" in as_list(value) for value in principal.values())


def _narrowed(condition: dict[str, Any]) -> bool:
    for operator, keys in condition.items():
        if not isinstance(keys, dict) or "not" in operator.lower() or operator.lower().endswith("ifexists"):
            continue
        for key, values in keys.items():
            if key.lower() not in NARROWING:
                continue
            texts = [str(value) for value in as_list(values)]
            if key.lower() == "aws:sourceip":
                if all(is_private_network(text) for text in texts):
                    return True
            elif texts and not any(text in ("*", "") or text.startswith("*") for text in texts):
                return True
    return False


@command("s3", "PutBucketPolicy")
def put_bucket_policy(call: Call, state: State) -> Outcome:
    """Replace a bucket's policy. Errors: MalformedPolicy; AccessDenied (403) for a public one where they are blocked."""
    bucket = bucket_of(call, state)
    text = call.params.get("Policy") or ""
    policy = parse(text, bucket)
    block = bucket.settings.get("public-access-block") or {}
    if block.get("BlockPublicPolicy") and is_public(policy):
        raise access_denied(
            f"User: {call.principal or 'anonymous'} is not authorized to perform: s3:PutBucketPolicy on resource: "
            f'"arn:aws:s3:::{bucket.name}" because public policies are prevented by the BlockPublicPolicy setting in S3 Block '
            "Public Access."
        )
    return put(call, bucket, "policy", {"Policy": text})


@query("s3", "GetBucketPolicy")
def get_bucket_policy(call: Call, state: State) -> Outcome:
    """Answer a bucket's policy. Errors: NoSuchBucketPolicy (404)."""
    bucket = bucket_of(call, state)
    return answer(Policy=_policy(state, bucket))


def _policy(state: State, bucket: Bucket) -> str:
    document = kept(state, bucket, "policy")
    if document is None:
        raise AwsError("NoSuchBucketPolicy", "The bucket policy does not exist", status=404, BucketName=bucket.name)
    text: str = document["Policy"]
    return text


@command("s3", "DeleteBucketPolicy")
def delete_bucket_policy(call: Call, state: State) -> Outcome:
    """Delete a bucket's policy."""
    return unput(state, bucket_of(call, state), "policy")


@query("s3", "GetBucketPolicyStatus")
def get_bucket_policy_status(call: Call, state: State) -> Outcome:
    """Tell whether a bucket's policy is public. Errors: NoSuchBucketPolicy (404)."""
    bucket = bucket_of(call, state)
    return answer(PolicyStatus={"IsPublic": is_public(json.loads(_policy(state, bucket)))})
