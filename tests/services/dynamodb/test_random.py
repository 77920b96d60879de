"""Random sequences of calls against a model, on a stack in this process; its journal replays to the same tables."""

import random

import pytest

from app.errors import AwsError
from tests.services.sqs.inprocess import Stack

STEPS = 400


class Model:
    """What a table with keys p (text) and n (number), an index on x and a local one on y holds."""

    def __init__(self, stack):
        self.stack = stack
        self.items = {}
        element = [{"AttributeName": "p", "KeyType": "HASH"}]
        everything = {"ProjectionType": "ALL"}
        stack(
            "CreateTable", "dynamodb", TableName="pairs", BillingMode="PAY_PER_REQUEST",
            KeySchema=[*element, {"AttributeName": "n", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "N" if name in "ny" else "S"} for name in "pnxy"],
            GlobalSecondaryIndexes=[
                {"IndexName": "byx", "KeySchema": [{"AttributeName": "x", "KeyType": "HASH"}], "Projection": everything}
            ],
            LocalSecondaryIndexes=[
                {
                    "IndexName": "byy",
                    "KeySchema": [*element, {"AttributeName": "y", "KeyType": "RANGE"}],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )  # fmt: skip

    def call(self, operation, **params):
        return self.stack(operation, "dynamodb", **params)

    def put(self, key, attributes):
        item = {"p": {"S": key[0]}, "n": {"N": str(key[1])}, **attributes}
        self.items[key] = item
        return item

    def key(self, key):
        return {"p": {"S": key[0]}, "n": {"N": str(key[1])}}

    def pages(self, operation, **params):
        found = []
        while True:
            page = self.call(operation, TableName="pairs", **params)
            found += page["Items"]
            if "LastEvaluatedKey" not in page:
                return found
            params["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def check(self, limit):
        """Compare everything that can be read with the model."""
        ordered = [self.items[key] for key in sorted(self.items)]
        assert sorted(self.pages("Scan", Limit=limit), key=_order) == ordered
        for name in "abc":
            condition = {
                "KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": name}}, "Limit": limit,
            }  # fmt: skip
            expected = [item for item in ordered if item["p"]["S"] == name]
            assert self.pages("Query", **condition) == expected
            assert self.pages("Query", ScanIndexForward=False, **condition) == expected[::-1]
            local = self.pages("Query", IndexName="byy", **condition)
            with_y = [item for item in expected if "y" in item]
            assert [int(item["y"]["N"]) for item in local] == sorted(int(item["y"]["N"]) for item in with_y)
        indexed = self.pages("Scan", IndexName="byx", Limit=limit)
        assert sorted(indexed, key=_order) == [item for item in ordered if "x" in item]
        told = self.call("DescribeTable", TableName="pairs")["Table"]
        assert told["ItemCount"] == len(self.items)
        assert told["GlobalSecondaryIndexes"][0]["ItemCount"] == len(indexed)


def _order(item):
    return item["p"]["S"], int(item["n"]["N"])


def _attributes(chance):
    attributes = {}
    if chance.random() < 0.6:
        attributes["x"] = {"S": chance.choice(["one", "two", "three"])}
    if chance.random() < 0.6:
        attributes["y"] = {"N": str(chance.randint(-3, 3))}
    attributes["v"] = {"S": "v" * chance.randint(0, 40)}
    return attributes


@pytest.mark.parametrize("seed", range(6))
def test_any_sequence_of_calls_leaves_what_the_model_says(tmp_path, seed):
    chance = random.Random(seed)
    stack = Stack(tmp_path)
    model = Model(stack)
    for step in range(STEPS):
        key = (chance.choice("abc"), chance.randint(-4, 4))
        action = chance.choice(["put", "put", "update", "remove", "delete", "batch", "transact", "refused"])
        if action == "put":
            model.call("PutItem", TableName="pairs", Item=model.put(key, _attributes(chance)))
        elif action == "update":
            attributes = _attributes(chance)
            model.call(
                "UpdateItem", TableName="pairs", Key=model.key(key),
                UpdateExpression="SET " + ", ".join(f"{name} = :{name}" for name in attributes),
                ExpressionAttributeValues={f":{name}": value for name, value in attributes.items()},
            )  # fmt: skip
            model.put(key, {**model.items.get(key, {}), **attributes})
        elif action == "remove":
            model.call("UpdateItem", TableName="pairs", Key=model.key(key), UpdateExpression="REMOVE x")
            if key in model.items:
                model.items[key] = {name: value for name, value in model.items[key].items() if name != "x"}
        elif action == "delete":
            model.call("DeleteItem", TableName="pairs", Key=model.key(key))
            model.items.pop(key, None)
        elif action == "batch":
            other = (key[0], key[1] + 10)
            put = {"PutRequest": {"Item": model.put(other, _attributes(chance))}}
            model.call("BatchWriteItem", RequestItems={"pairs": [put, {"DeleteRequest": {"Key": model.key(key)}}]})
            model.items.pop(key, None)
        elif action == "transact":
            exists = key in model.items
            item = {**model.key(key), **_attributes(chance)}
            put = {"TableName": "pairs", "Item": item, "ConditionExpression": "attribute_not_exists(p)"}
            try:
                model.call("TransactWriteItems", TransactItems=[{"Put": put}])
                assert not exists
                model.items[key] = item
            except AwsError as error:
                assert exists
                assert error.code == "TransactionCanceledException"  # noqa: PT017
        else:
            with pytest.raises(AwsError):
                model.call("PutItem", TableName="pairs", Item={**model.key(key), "x": {"N": "1"}})
        if step % 50 == 49:
            model.check(limit=chance.choice([1, 2, 5, 100]))
    assert stack.differences() == []
    stack.close()
