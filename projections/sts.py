"""Temporary credentials that STS issued: whose they are, and until when."""

from __future__ import annotations

from journal import Envelope, Event, Record, Table, Tables, fold, projection

projection("sts", version=1)


class Credentials(Record):
    """Temporary credentials. They stay after they have expired, so that this can be told from never having been issued."""

    account: str
    arn: str  # the principal's: a role session, a federated user, or the caller of GetSessionToken
    user_id: str  # as GetCallerIdentity and SQS's SenderId have it
    secret: str
    token: str
    issued: float  # seconds since the epoch, UTC
    expires: float
    source_identity: str
    tags: dict[str, str]
    transitive: list[str]  # keys of tags that the next role of a chain inherits


credentials = Table("sts.credentials", key=("access_key",), record=Credentials)


class CredentialsIssued(Event, name="sts.CredentialsIssued", version=1):
    """Temporary credentials were given out, by the operation `by`."""

    by: str
    access_key: str
    account: str
    arn: str
    user_id: str
    secret: str
    token: str
    expires: float
    source_identity: str
    tags: dict[str, str]
    transitive: list[str]
    policy: str
    policy_arns: list[str]


@fold(CredentialsIssued)
def _(event: CredentialsIssued, on: Envelope, tables: Tables) -> None:
    row = Credentials(
        event.account, event.arn, event.user_id, event.secret, event.token, on.time, event.expires, event.source_identity,
        event.tags, event.transitive,
    )  # fmt: skip
    tables[credentials].put(row, event.access_key)
