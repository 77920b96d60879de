"""Temporary credentials: issuing them, and finding out whose they are."""

from __future__ import annotations

import json
import zlib
from typing import Any, NamedTuple

from app.principal import RANDOM_BYTES, encode_access_key
from app.services import AwsError, Call, Outcome, State, emit
from projections.sts import Credentials, CredentialsIssued, credentials

TEMPORARY = ("ASIA", "LSIA")  # how access keys of temporary credentials begin, AWS's and ours
LARGEST_TOKEN = 4_096  # bytes. Source: AWS STS API Reference, MinimumSessionTokenSize
LARGEST_POLICY = 2_048  # characters of plain text. Source: AWS STS API Reference, AssumeRole, Policy
MOST_POLICY_ARNS = 10

_TOKEN_START = "FwoGZXIvYXdzE"  # as AWS's session tokens begin
_TOKEN_LENGTH = 364
_SECRET_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


class Principal(NamedTuple):
    """Whom an access key stands for."""

    account: str
    arn: str
    user_id: str
    secret: str


def principal_of(state: State, access_key: str, now: float) -> Principal | None:
    """Return the principal of an access key that STS issued on this stack; None where it did not, or it has expired."""
    found = state[credentials].get(access_key)
    if found is None or found.expires <= now:
        return None
    return Principal(found.account, found.arn, found.user_id, found.secret)


def sender_id(call: Call, state: State) -> str:
    """Return the caller's unique id, as SQS's SenderId has it: an account's own keys are its root's, whose id it is."""
    key = call.access_key
    if key is not None and key.startswith(TEMPORARY):
        found = state[credentials].get(key)
        if found is not None:
            return found.user_id
    return call.account


def session_of(call: Call, state: State) -> Credentials | None:
    """Return the caller's temporary credentials, None where they are others. Raises ExpiredToken."""
    key = call.access_key
    found = state[credentials].get(key) if key is not None and key.startswith(TEMPORARY) else None
    if found is not None and found.expires <= call.now:
        raise AwsError("ExpiredToken", "The security token included in the request is expired", status=403)
    return found


class Limits(NamedTuple):
    """The session policies and tags of a request, checked."""

    policy: str
    policy_arns: list[str]
    tags: dict[str, str]
    transitive: list[str]

    @property
    def packed(self) -> int | None:
        """How much of the room for policies and tags they take, in percent; None where there are none."""
        plain = "".join([self.policy, *self.policy_arns, *(f"{key}\0{value}\0" for key, value in self.tags.items())])
        return -(-len(zlib.compress(plain.encode())) * 100 // LARGEST_POLICY) if plain else None


def limits(params: dict[str, Any]) -> Limits:
    """Return a request's session policies and tags.

    Errors: MalformedPolicyDocument, PackedPolicyTooLarge, ValidationError, InvalidParameterValue.
    Source: IAM User Guide, Session policies; Passing session tags in STS.
    """
    policy: str = params.get("Policy") or ""
    if policy:
        try:
            document = json.loads(policy)
        except ValueError:
            document = None
        if not isinstance(document, dict) or "Statement" not in document:
            raise AwsError("MalformedPolicyDocumentException", "The policy is not in the valid JSON format.")
    arns = [descriptor.get("arn") or "" for descriptor in params.get("PolicyArns") or []]
    if len(arns) > MOST_POLICY_ARNS:
        raise AwsError(
            "ValidationError",
            f"1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length less "
            f"than or equal to {MOST_POLICY_ARNS}",
            status=400,
        )
    tags: dict[str, str] = {}
    for tag in params.get("Tags") or []:
        if any(tag["Key"].lower() == key.lower() for key in tags):
            raise AwsError(
                "InvalidParameterValue",
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
                status=400,
            )
        tags[tag["Key"]] = tag["Value"]
    transitive: list[str] = params.get("TransitiveTagKeys") or []
    for key in transitive:
        if key not in tags:
            raise AwsError(
                "InvalidParameterValue",
                "The specified transitive tag key must be included in the requested tags.",
                status=400,
            )
    found = Limits(policy, arns, tags, transitive)
    packed = found.packed or 0
    if len(policy) > LARGEST_POLICY or packed > 100:
        percent = max(packed, -(-len(policy) * 100 // LARGEST_POLICY))
        raise AwsError(
            "PackedPolicyTooLargeException",
            f"Packed size of session tags and policies consumes {percent}% of allotted space, please use smaller ones.",
        )
    return found


def issue(
    call: Call, account: str, arn: str, user_id: str, seconds: int, given: Limits, *,
    source_identity: str = "", inherited: dict[str, str] | None = None, **members: Any,
) -> Outcome:  # fmt: skip
    """Return the outcome that issues credentials to a principal; `members` stand in the answer beside them.

    Keys begin with LSIA, which says everywhere that their account can be read from them, or with ASIA as AWS's do where
    PARITY_AWS_ACCESS_KEY_ID asks for it.
    """
    ids = call.ids
    prefix = "ASIA" if call.settings is not None and call.settings.parity_access_keys else "LSIA"
    least = call.params.get("MinimumSessionTokenSize") or 0
    token = _TOKEN_START + ids.text(max(_TOKEN_LENGTH, least) - len(_TOKEN_START))
    expires = float(int(call.now) + seconds)
    issued = CredentialsIssued(
        call.operation, encode_access_key(account, prefix, ids.bytes(RANDOM_BYTES)), account, arn, user_id,
        ids.text(40, _SECRET_LETTERS), token, expires, source_identity, {**(inherited or {}), **given.tags},
        sorted({*(inherited or ()), *given.transitive}), given.policy, given.policy_arns,
    )  # fmt: skip
    return emit(issued, arn, account=account, region="").answer(
        Credentials={
            "AccessKeyId": issued.access_key,
            "SecretAccessKey": issued.secret,
            "SessionToken": token,
            "Expiration": expires,
        },
        PackedPolicySize=given.packed,
        SourceIdentity=source_identity or None,
        SessionTokenSize=len(token),
        SessionTokenUtilization=-(-len(token) * 100 // LARGEST_TOKEN),
        **members,
    )
