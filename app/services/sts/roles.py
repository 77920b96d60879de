"""AssumeRole; and what all ways of assuming a role share."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any, NamedTuple

from app.services import AwsError, Call, Outcome, State, command
from app.services.sts.credentials import issue, limits, session_of

DEFAULT_SECONDS = 3_600
LONGEST_CHAINED = 3_600  # Source: IAM User Guide, Roles terms and concepts, Role chaining

_ROLE = re.compile(r"arn:(aws[a-z-]*):iam::(\d{12}):role/(?:[!-~]*/)?([\w+=,.@-]{1,64})\Z", re.ASCII)


class Role(NamedTuple):
    """A role, as its ARN names it."""

    partition: str
    account: str
    name: str
    id: str

    def session(self, name: str) -> tuple[str, str]:
        """Return the ARN and the unique id of a session of the role."""
        return f"arn:{self.partition}:sts::{self.account}:assumed-role/{self.name}/{name}", f"{self.id}:{name}"


def role(arn: str) -> Role:
    """Return the role that an ARN names; it need not exist while Cairn has no IAM. Raises ValidationError.

    Its id is made from its ARN, so that it is the same in every session.
    """
    found = _ROLE.match(arn)
    if found is None:
        raise AwsError("ValidationError", f"{arn} is invalid", status=400)
    digest = base64.b32encode(hashlib.sha256(arn.encode()).digest()).decode("ascii")
    return Role(found[1], found[2], found[3], "AROA" + digest[:17])


@command("sts", "AssumeRole")
def assume_role(call: Call, state: State) -> Outcome:
    """Give out credentials of a role's session. Trust policies are not evaluated: any caller may assume any role.

    Errors: ValidationError, ExpiredToken, AccessDenied, and those of `limits`. Source: AWS STS API Reference, AssumeRole.
    """
    params = call.params
    assumed = role(params["RoleArn"])
    seconds: int = params.get("DurationSeconds") or DEFAULT_SECONDS
    given = limits(params)
    source = params.get("SourceIdentity") or ""
    inherited: dict[str, str] = {}
    caller = session_of(call, state)
    if caller is not None:
        if ":assumed-role/" in caller.arn and seconds > LONGEST_CHAINED:
            raise AwsError(
                "ValidationError",
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
                status=400,
            )
        if caller.source_identity and source not in ("", caller.source_identity):
            raise AwsError("AccessDenied", "The source identity of a role chain cannot be changed.", status=403)
        source = source or caller.source_identity
        inherited = {key: value for key, value in caller.tags.items() if key in caller.transitive}
    name: str = params["RoleSessionName"]
    arn, user_id = assumed.session(name)
    return issue(
        call, assumed.account, arn, user_id, seconds, given, source_identity=source, inherited=inherited,
        AssumedRoleUser=user(arn, user_id),
    )  # fmt: skip


def user(arn: str, user_id: str) -> dict[str, Any]:
    """Return a role's session as answers have it."""
    return {"AssumedRoleId": user_id, "Arn": arn}
