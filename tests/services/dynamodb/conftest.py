"""Fixtures: a DynamoDB client on a fresh stack, and tables made in one line."""

from __future__ import annotations

import pytest

KINDS = {"p": "S", "c": "S", "n": "N", "x": "S", "y": "N", "z": "B"}


class Tables:
    """Makes tables whose key attributes are named for their types: p c x text, n y numbers, z binary."""

    def __init__(self, client) -> None:
        self.client = client

    def __call__(self, name="things", keys="p", gsi=None, lsi=None, **more):
        """Create a table with these key attributes (hash, range), indexes as {name: keys}; return its name."""
        indexes = {**(gsi or {}), **(lsi or {})}
        used = dict.fromkeys(keys + "".join(each if isinstance(each, str) else each[0] for each in indexes.values()))
        more.setdefault("BillingMode", "PAY_PER_REQUEST")
        for member, given in (("GlobalSecondaryIndexes", gsi), ("LocalSecondaryIndexes", lsi)):
            if given:
                more[member] = [self.index(index, what) for index, what in given.items()]
        self.client.create_table(
            TableName=name,
            KeySchema=self.schema(keys),
            AttributeDefinitions=[{"AttributeName": each, "AttributeType": KINDS[each]} for each in used],
            **more,
        )
        return name

    @staticmethod
    def schema(keys):
        return [{"AttributeName": each, "KeyType": kind} for each, kind in zip(keys, ("HASH", "RANGE"), strict=False)]

    def index(self, name, what):
        keys, projection = (what, {"ProjectionType": "ALL"}) if isinstance(what, str) else what
        return {"IndexName": name, "KeySchema": self.schema(keys), "Projection": projection}


@pytest.fixture
def dynamodb(client):
    return client("dynamodb")


@pytest.fixture
def tables(dynamodb):
    return Tables(dynamodb)


@pytest.fixture
def things(tables):
    """A table with a hash key `p` of text."""
    return tables()


@pytest.fixture
def pairs(tables):
    """A table with a hash key `p` of text and a range key `n` of numbers."""
    return tables("pairs", "pn")
