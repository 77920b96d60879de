"""Secondary indexes: sparse, projected, added and removed."""

import pytest

from tests.errors import aws_error


def item(key, **attributes):
    return {"p": {"S": key}, **attributes}


def query(dynamodb, table, index, name, value, **more):
    return dynamodb.query(
        TableName=table, IndexName=index, KeyConditionExpression=f"{name} = :v",
        ExpressionAttributeValues={":v": value}, **more,
    )["Items"]  # fmt: skip


def keys(found):
    return sorted(each["p"]["S"] for each in found)


def test_an_index_holds_only_items_with_its_key_and_many_with_the_same(dynamodb, tables):
    table = tables(gsi={"byx": "x"})
    for key, x in (("a", "1"), ("b", "1"), ("c", "2"), ("d", None)):
        dynamodb.put_item(TableName=table, Item=item(key, **({"x": {"S": x}} if x else {})))
    assert keys(query(dynamodb, table, "byx", "x", {"S": "1"})) == ["a", "b"]
    assert keys(dynamodb.scan(TableName=table, IndexName="byx")["Items"]) == ["a", "b", "c"]


def test_an_index_follows_changes_and_deletions(dynamodb, tables):
    table = tables(gsi={"byx": "xy"})
    dynamodb.put_item(TableName=table, Item=item("a", x={"S": "1"}, y={"N": "1"}))
    dynamodb.update_item(
        TableName=table, Key=item("a"), UpdateExpression="SET y = :y", ExpressionAttributeValues={":y": {"N": "2"}}
    )
    assert [each["y"] for each in query(dynamodb, table, "byx", "x", {"S": "1"})] == [{"N": "2"}]
    dynamodb.update_item(TableName=table, Key=item("a"), UpdateExpression="REMOVE y")
    assert query(dynamodb, table, "byx", "x", {"S": "1"}) == []
    dynamodb.put_item(TableName=table, Item=item("a", x={"S": "1"}, y={"N": "3"}))
    dynamodb.delete_item(TableName=table, Key=item("a"))
    assert query(dynamodb, table, "byx", "x", {"S": "1"}) == []
    (told,) = dynamodb.describe_table(TableName=table)["Table"]["GlobalSecondaryIndexes"]
    assert (told["ItemCount"], told["IndexSizeBytes"]) == (0, 0)


def test_an_index_answers_what_it_projects(dynamodb, tables):
    table = tables(
        gsi={
            "keys": ("x", {"ProjectionType": "KEYS_ONLY"}),
            "some": ("x", {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a"]}),
        }
    )
    whole = item("k", x={"S": "1"}, a={"N": "1"}, b={"N": "2"})
    dynamodb.put_item(TableName=table, Item=whole)
    assert query(dynamodb, table, "keys", "x", {"S": "1"}) == [item("k", x={"S": "1"})]
    assert query(dynamodb, table, "some", "x", {"S": "1"}) == [item("k", x={"S": "1"}, a={"N": "1"})]
    with aws_error("ValidationException", message="does not project"):
        query(dynamodb, table, "keys", "x", {"S": "1"}, ProjectionExpression="b")
    with aws_error("ValidationException", message="ALL_ATTRIBUTES"):
        query(dynamodb, table, "keys", "x", {"S": "1"}, Select="ALL_ATTRIBUTES")


def test_a_local_index_fetches_what_it_does_not_project(dynamodb, tables):
    table = tables("local", "pc", lsi={"byn": ("pn", {"ProjectionType": "KEYS_ONLY"})})
    whole = item("k", c={"S": "c"}, n={"N": "1"}, a={"N": "1"})
    dynamodb.put_item(TableName=table, Item=whole)
    assert query(dynamodb, table, "byn", "p", {"S": "k"}) == [item("k", c={"S": "c"}, n={"N": "1"})]
    assert query(dynamodb, table, "byn", "p", {"S": "k"}, Select="ALL_ATTRIBUTES") == [whole]
    assert query(dynamodb, table, "byn", "p", {"S": "k"}, ConsistentRead=True, ProjectionExpression="a") == [
        {"a": {"N": "1"}}
    ]


def test_reads_of_a_global_index_are_never_consistent(dynamodb, tables):
    table = tables(gsi={"byx": "x"})
    with aws_error("ValidationException", message="Consistent reads are not supported on global secondary indexes"):
        query(dynamodb, table, "byx", "x", {"S": "1"}, ConsistentRead=True)


@pytest.mark.parametrize("value", [{"N": "1"}, {"S": ""}, {"S": "x" * 2049}])
def test_an_item_that_an_index_cannot_hold_is_refused(dynamodb, tables, value):
    table = tables(gsi={"byx": "x"})
    with aws_error("ValidationException", status=400):
        dynamodb.put_item(TableName=table, Item=item("k", x=value))
    with aws_error("ValidationException", status=400):
        dynamodb.update_item(
            TableName=table, Key=item("k"), UpdateExpression="SET x = :x", ExpressionAttributeValues={":x": value}
        )
    assert dynamodb.scan(TableName=table)["Count"] == 0


def test_pages_of_an_index_with_equal_keys_put_together_are_the_whole(dynamodb, tables):
    table = tables(gsi={"byx": "x"})
    for number in range(7):
        dynamodb.put_item(TableName=table, Item=item(str(number), x={"S": "same"}))
    for forward in (True, False):
        found, start = [], {}
        while True:
            page = dynamodb.query(
                TableName=table, IndexName="byx", KeyConditionExpression="x = :v", Limit=2, ScanIndexForward=forward,
                ExpressionAttributeValues={":v": {"S": "same"}}, **start,
            )  # fmt: skip
            found += page["Items"]
            if "LastEvaluatedKey" not in page:
                break
            assert page["LastEvaluatedKey"].keys() == {"p", "x"}
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        assert keys(found) == [str(number) for number in range(7)]


def test_an_index_added_later_is_filled_with_the_items_that_fit(dynamodb, things):
    for key, attributes in {"a": {"x": {"S": "1"}}, "b": {"x": {"N": "1"}}, "c": {}}.items():
        dynamodb.put_item(TableName=things, Item=item(key, **attributes))
    index = {
        "IndexName": "byx", "KeySchema": [{"AttributeName": "x", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }  # fmt: skip
    told = dynamodb.update_table(
        TableName=things,
        AttributeDefinitions=[{"AttributeName": "x", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": index}],
    )["TableDescription"]
    assert told["GlobalSecondaryIndexes"][0]["IndexStatus"] == "CREATING"
    assert keys(dynamodb.scan(TableName=things, IndexName="byx")["Items"]) == ["a"]
    dynamodb.put_item(TableName=things, Item=item("b", x={"S": "2"}))
    dynamodb.delete_item(TableName=things, Key=item("a"))
    (told,) = dynamodb.describe_table(TableName=things)["Table"]["GlobalSecondaryIndexes"]
    assert (told["ItemCount"], told["IndexStatus"]) == (1, "ACTIVE")
    dynamodb.update_table(TableName=things, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "byx"}}])
    with aws_error("ValidationException", message="The table does not have the specified index: byx"):
        dynamodb.scan(TableName=things, IndexName="byx")
    with aws_error("ResourceNotFoundException"):
        dynamodb.update_table(TableName=things, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "byx"}}])


def test_a_table_that_becomes_provisioned_needs_throughput_for_its_indexes_too(dynamodb, tables):
    table = tables(gsi={"byx": "x"})
    units = {"ReadCapacityUnits": 2, "WriteCapacityUnits": 3}
    with aws_error("ValidationException", message="ProvisionedThroughput must be specified for index: byx"):
        dynamodb.update_table(TableName=table, BillingMode="PROVISIONED", ProvisionedThroughput=units)
    dynamodb.update_table(
        TableName=table,
        BillingMode="PROVISIONED",
        ProvisionedThroughput=units,
        GlobalSecondaryIndexUpdates=[{"Update": {"IndexName": "byx", "ProvisionedThroughput": units}}],
    )
    (told,) = dynamodb.describe_table(TableName=table)["Table"]["GlobalSecondaryIndexes"]
    assert told["ProvisionedThroughput"]["WriteCapacityUnits"] == 3


def test_an_index_key_may_have_several_attributes(dynamodb):
    names = ("h1", "h2", "r1", "r2")
    dynamodb.create_table(
        TableName="wide",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("p", *names)],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "wide",
                "KeySchema": [{"AttributeName": n, "KeyType": "HASH" if n[0] == "h" else "RANGE"} for n in names],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    for number, values in enumerate(("aaaa", "aaab", "aaba", "abaa")):
        attributes = {name: {"S": value} for name, value in zip(names, values, strict=True)}
        dynamodb.put_item(TableName="wide", Item=item(str(number), **attributes))

    def find(condition, **more):
        values = {f":{name}": {"S": "a"} for name in names if f":{name}" in condition}
        told = dynamodb.query(
            TableName="wide",
            IndexName="wide",
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            **more,
        )
        return [each["p"]["S"] for each in told["Items"]]

    assert find("h1 = :h1 AND h2 = :h2") == ["0", "1", "2"]
    assert find("h1 = :h1 AND h2 = :h2 AND r1 = :r1 AND r2 > :r2") == ["1"]
    assert find("h1 = :h1 AND h2 = :h2", ScanIndexForward=False) == ["2", "1", "0"]
    with aws_error("ValidationException", message="HASH key attributes must have an equality condition"):
        find("h1 = :h1")
    with aws_error("ValidationException", message="RANGE key attribute before the last one used"):
        find("h1 = :h1 AND h2 = :h2 AND r2 = :r2")
