"""Client request tokens of TransactWriteItems, remembered for ten minutes."""

from __future__ import annotations

from journal import Envelope, Event, Record, Table, Tables, fold

REMEMBERED = 600.0  # seconds


class Token(Record):
    """A token that was used: a digest of what it was used for, and when."""

    digest: str
    time: float


class Expiry(Record):
    """Tokens by time, so that old ones are found; the key says all."""


tokens = Table("dynamodb.tokens", key=("account", "region", "token"), record=Token)
expiries = Table("dynamodb.token_times", key=("account", "region", "time", "token"), record=Expiry)


class TransactionCommitted(Event, name="dynamodb.TransactionCommitted", version=1):
    """A transaction with a client request token was done; its item events stand beside it."""

    token: str
    digest: str


@fold(TransactionCommitted)
def _(event: TransactionCommitted, on: Envelope, tables: Tables) -> None:
    known = tables[tokens].get(on.account, on.region, event.token)
    if known is not None:
        tables[expiries].delete(on.account, on.region, known.time, event.token)
    expired = list(tables[expiries].keys(on.account, on.region, stop=(on.time - REMEMBERED,)))
    for key in expired:
        tables[expiries].delete(*key)
        tables[tokens].delete(on.account, on.region, key[3])
    tables[tokens].put(Token(event.digest, on.time), on.account, on.region, event.token)
    tables[expiries].put(Expiry(), on.account, on.region, on.time, event.token)
