"""GetSessionToken and GetFederationToken."""

from __future__ import annotations

from app.arns import partition
from app.services import AwsError, Call, Outcome, State, command
from app.services.sts.credentials import Limits, issue, limits, session_of

DEFAULT_SECONDS = 43_200


@command("sts", "GetSessionToken")
def get_session_token(call: Call, state: State) -> Outcome:
    """Give out temporary credentials of the caller's own. MFA codes are not checked.

    Errors: AccessDenied (403) where the caller's credentials are temporary already.
    Source: AWS STS API Reference, GetSessionToken. AWS cuts a root user's session to an hour; Cairn gives what is asked
    for, since the account's own keys are all that its callers have.
    """
    _refuse_sessions(call, state)
    arn = f"arn:{partition(call.region)}:iam::{call.account}:root"
    seconds = call.params.get("DurationSeconds") or DEFAULT_SECONDS
    return issue(call, call.account, arn, call.account, seconds, Limits("", [], {}, []))


@command("sts", "GetFederationToken")
def get_federation_token(call: Call, state: State) -> Outcome:
    """Give out temporary credentials of a federated user.

    Errors: AccessDenied (403) where the caller's credentials are temporary, and those of `limits`.
    Source: AWS STS API Reference, GetFederationToken.
    """
    _refuse_sessions(call, state)
    params = call.params
    name: str = params["Name"]
    arn = f"arn:{partition(call.region)}:sts::{call.account}:federated-user/{name}"
    user_id = f"{call.account}:{name}"
    seconds = params.get("DurationSeconds") or DEFAULT_SECONDS
    return issue(
        call,
        call.account,
        arn,
        user_id,
        seconds,
        limits(params),
        FederatedUser={"FederatedUserId": user_id, "Arn": arn},
    )


def _refuse_sessions(call: Call, state: State) -> None:
    if session_of(call, state) is not None:
        raise AwsError("AccessDenied", f"Cannot call {call.operation} with session credentials", status=403)
