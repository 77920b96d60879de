"""ReturnConsumedCapacity and ReturnItemCollectionMetrics."""

import pytest


def units(told):
    return told["ConsumedCapacity"]["CapacityUnits"]


@pytest.mark.parametrize(("size", "expected"), [(1, 1), (1024, 1), (1025, 2), (10_000, 10)])
def test_a_write_costs_a_unit_for_each_kilobyte(dynamodb, things, size, expected):
    item = {"p": {"S": "k"}, "v": {"S": "x" * max(size - 3, 0)}}
    assert units(dynamodb.put_item(TableName=things, Item=item, ReturnConsumedCapacity="TOTAL")) == expected


def test_a_write_costs_what_the_larger_of_both_items_does(dynamodb, things):
    dynamodb.put_item(TableName=things, Item={"p": {"S": "k"}, "v": {"S": "x" * 3000}})
    assert units(dynamodb.put_item(TableName=things, Item={"p": {"S": "k"}}, ReturnConsumedCapacity="TOTAL")) == 3
    assert units(dynamodb.delete_item(TableName=things, Key={"p": {"S": "k"}}, ReturnConsumedCapacity="TOTAL")) == 1


@pytest.mark.parametrize(("size", "consistent", "expected"), [(4096, True, 1), (4097, True, 2), (4096, False, 0.5)])
def test_a_read_costs_a_unit_for_each_four_kilobytes_or_half(dynamodb, things, size, consistent, expected):
    dynamodb.put_item(TableName=things, Item={"p": {"S": "k"}, "v": {"S": "x" * (size - 3)}})
    told = dynamodb.get_item(
        TableName=things, Key={"p": {"S": "k"}}, ConsistentRead=consistent, ReturnConsumedCapacity="TOTAL"
    )
    assert units(told) == expected


def test_a_query_costs_by_the_sum_of_what_it_read(dynamodb, pairs):
    for number in range(3):
        dynamodb.put_item(TableName=pairs, Item={"p": {"S": "k"}, "n": {"N": str(number)}, "v": {"S": "x" * 2000}})
    told = dynamodb.query(
        TableName=pairs, KeyConditionExpression="p = :p", ExpressionAttributeValues={":p": {"S": "k"}},
        ReturnConsumedCapacity="TOTAL", ConsistentRead=True,
    )  # fmt: skip
    assert units(told) == 2


def test_indexes_are_told_apart_when_asked_for(dynamodb, tables):
    table = tables("both", "pc", gsi={"global": "x"}, lsi={"local": "px"})
    item = {"p": {"S": "k"}, "c": {"S": "c"}, "x": {"S": "x"}}
    told = dynamodb.put_item(TableName=table, Item=item, ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]
    assert told == {
        "TableName": table,
        "CapacityUnits": 3.0,
        "Table": {"CapacityUnits": 1.0},
        "LocalSecondaryIndexes": {"local": {"CapacityUnits": 1.0}},
        "GlobalSecondaryIndexes": {"global": {"CapacityUnits": 1.0}},
    }
    moved = {**item, "x": {"S": "y"}}
    told = dynamodb.put_item(TableName=table, Item=moved, ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]
    assert told["GlobalSecondaryIndexes"] == {"global": {"CapacityUnits": 2.0}}
    told = dynamodb.put_item(TableName=table, Item=moved, ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]
    assert "GlobalSecondaryIndexes" not in told


def test_item_collections_are_told_of_for_tables_with_local_indexes(dynamodb, tables, things):
    table = tables("local", "pc", lsi={"local": "px"})
    item = {"p": {"S": "k"}, "c": {"S": "c"}}
    told = dynamodb.put_item(TableName=table, Item=item, ReturnItemCollectionMetrics="SIZE")
    assert told["ItemCollectionMetrics"]["ItemCollectionKey"] == {"p": {"S": "k"}}
    told = dynamodb.put_item(TableName=things, Item={"p": {"S": "k"}}, ReturnItemCollectionMetrics="SIZE")
    assert "ItemCollectionMetrics" not in told
