"""GetCallerIdentity, GetAccessKeyInfo, DecodeAuthorizationMessage."""

from __future__ import annotations

from app.arns import partition
from app.principal import DEFAULT_ACCOUNT, decode_account
from app.services import AwsError, Call, Outcome, State, answer, query
from app.services.sts.credentials import session_of
from projections.sts import credentials


@query("sts", "GetCallerIdentity")
def get_caller_identity(call: Call, state: State) -> Outcome:
    """Say who calls: the session that temporary credentials are for, or the account's root for any other key.

    Errors: ExpiredToken (403). Source: AWS STS API Reference, GetCallerIdentity.
    """
    session = session_of(call, state)
    if session is not None:
        return answer(UserId=session.user_id, Account=session.account, Arn=session.arn)
    arn = f"arn:{partition(call.region)}:iam::{call.account}:root"
    return answer(UserId=call.account, Account=call.account, Arn=arn)


@query("sts", "GetAccessKeyInfo")
def get_access_key_info(call: Call, state: State) -> Outcome:
    """Say which account an access key belongs to. Source: AWS STS API Reference, GetAccessKeyInfo."""
    key: str = call.params["AccessKeyId"]
    session = state[credentials].get(key)
    return answer(Account=session.account if session is not None else decode_account(key) or DEFAULT_ACCOUNT)


@query("sts", "DecodeAuthorizationMessage")
def decode_authorization_message(call: Call, state: State) -> Outcome:
    """Decode why a request was refused. Cairn's refusals carry no encoded message, so none that comes here is valid.

    Errors: InvalidAuthorizationMessageException. Source: AWS STS API Reference, DecodeAuthorizationMessage.
    """
    raise AwsError("InvalidAuthorizationMessageException", "Message is not a valid encoded authorization message.")
