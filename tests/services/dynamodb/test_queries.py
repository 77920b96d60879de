"""Query and Scan: key conditions, order, pages, filters, segments."""

import pytest

from tests.errors import aws_error


@pytest.fixture
def numbers(dynamodb, pairs):
    """A partition `k` with sort keys -5 … 9, and a neighbour."""
    for number in range(-5, 10):
        dynamodb.put_item(
            TableName=pairs, Item={"p": {"S": "k"}, "n": {"N": str(number)}, "even": {"BOOL": number % 2 == 0}}
        )
    dynamodb.put_item(TableName=pairs, Item={"p": {"S": "kk"}, "n": {"N": "0"}})

    def query(condition="", values=None, **more):
        more.setdefault("ExpressionAttributeValues", {":p": {"S": "k"}, **(values or {})})
        told = dynamodb.query(TableName=pairs, KeyConditionExpression="p = :p" + condition, **more)
        told["numbers"] = [int(item["n"]["N"]) for item in told.get("Items", [])]
        return told

    return query


@pytest.mark.parametrize(
    ("condition", "bounds", "expected"),
    [
        ("", [], list(range(-5, 10))),
        (" AND n = :a", [3], [3]),
        (" AND n < :a", [-3], [-5, -4]),
        (" AND n <= :a", [-4], [-5, -4]),
        (" AND n > :a", [7], [8, 9]),
        (" AND n >= :a", [8], [8, 9]),
        (" AND n BETWEEN :a AND :b", [-1, 1], [-1, 0, 1]),
        (" AND :a > n", [-3], [-5, -4]),
    ],
)
def test_a_range_of_sort_keys_comes_back_in_order_both_ways(numbers, condition, bounds, expected):
    values = {name: {"N": str(bound)} for name, bound in zip((":a", ":b"), bounds, strict=False)}
    assert numbers(condition, values)["numbers"] == expected
    assert numbers(condition, values, ScanIndexForward=False)["numbers"] == expected[::-1]


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("limit", [1, 2, 7, 15])
def test_pages_put_together_are_the_whole(numbers, forward, limit):
    found, start = [], {}
    while True:
        page = numbers(Limit=limit, ScanIndexForward=forward, **start)
        found += page["numbers"]
        if "LastEvaluatedKey" not in page:
            break
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert found == (list(range(-5, 10)) if forward else list(range(9, -6, -1)))


def test_a_filter_comes_after_the_limit(numbers):
    told = numbers("", {":t": {"BOOL": True}}, FilterExpression="even = :t", Limit=4)
    assert (told["numbers"], told["Count"], told["ScannedCount"]) == ([-4, -2], 2, 4)
    assert told["LastEvaluatedKey"] == {"p": {"S": "k"}, "n": {"N": "-2"}}


def test_counting_answers_no_items(numbers):
    told = numbers(Select="COUNT")
    assert told["Count"] == 15
    assert "Items" not in told


def test_texts_that_begin_alike_are_found_together(dynamodb, tables):
    tables("names", "pc")
    for name in ("ab", "abc", "abd", "ac", "a", "b"):
        dynamodb.put_item(TableName="names", Item={"p": {"S": "k"}, "c": {"S": name}})
    told = dynamodb.query(
        TableName="names",
        KeyConditionExpression="p = :p AND begins_with(c, :c)",
        ExpressionAttributeValues={":p": {"S": "k"}, ":c": {"S": "ab"}},
        ScanIndexForward=False,
    )
    assert [item["c"]["S"] for item in told["Items"]] == ["abd", "abc", "ab"]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("n = :p", "Query condition missed key schema element: p"),
        ("p = :p AND q = :n", "Query condition missed key schema element: n"),
        ("p < :p", "Query key condition not supported"),
        ("p = :p OR n = :n", "Invalid operator used in KeyConditionExpression: OR"),
        ("p = :p AND n <> :n", "Invalid operator used in KeyConditionExpression: <>"),
        ("p = :p AND p = :p", "KeyConditionExpressions must only contain one condition per key"),
        ("p = :n", "Condition parameter type does not match schema type"),
        ("p = :p AND attribute_exists(n)", "Invalid operator used in KeyConditionExpression: attribute_exists"),
        ("p = :p AND size(n) = :n", "KeyConditionExpressions cannot contain nested operations"),
    ],
)
def test_a_key_condition_that_cannot_be_is_refused_with_the_reason(dynamodb, pairs, expression, message):
    values = {name: value for name, value in ((":p", {"S": "k"}), (":n", {"N": "1"})) if name in expression}
    with aws_error("ValidationException", status=400, message=message):
        dynamodb.query(TableName=pairs, KeyConditionExpression=expression, ExpressionAttributeValues=values)


def test_a_filter_may_not_look_at_the_key(numbers):
    with aws_error("ValidationException", message="Primary key attribute: n"):
        numbers("", {":n": {"N": "1"}}, FilterExpression="n = :n")


def test_a_start_key_of_another_partition_is_refused(numbers):
    with aws_error("ValidationException", message="outside query boundaries"):
        numbers(ExclusiveStartKey={"p": {"S": "kk"}, "n": {"N": "0"}})
    with aws_error("ValidationException", message="The provided starting key is invalid"):
        numbers(ExclusiveStartKey={"p": {"S": "k"}})


def test_a_page_ends_at_a_megabyte(dynamodb, pairs):
    for number in range(4):
        dynamodb.put_item(TableName=pairs, Item={"p": {"S": "k"}, "n": {"N": str(number)}, "v": {"S": "x" * 380_000}})
    told = dynamodb.query(
        TableName=pairs, KeyConditionExpression="p = :p", ExpressionAttributeValues={":p": {"S": "k"}}
    )
    assert told["Count"] == 3
    assert told["LastEvaluatedKey"]["n"] == {"N": "2"}


@pytest.mark.parametrize("total", [1, 3, 16])
def test_segments_share_out_a_table(dynamodb, things, total):
    keys = {f"key {number}" for number in range(40)}
    for key in keys:
        dynamodb.put_item(TableName=things, Item={"p": {"S": key}})
    found = []
    for segment in range(total):
        start = {}
        while True:
            page = dynamodb.scan(TableName=things, Segment=segment, TotalSegments=total, Limit=3, **start)
            found += [item["p"]["S"] for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                break
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert sorted(found) == sorted(keys)


def test_a_segment_beyond_the_last_is_refused(dynamodb, things):
    with aws_error("ValidationException", message="Segment: 2 is not less than TotalSegments: 2"):
        dynamodb.scan(TableName=things, Segment=2, TotalSegments=2)
    with aws_error("ValidationException", message="The TotalSegments parameter is required"):
        dynamodb.scan(TableName=things, Segment=0)


def test_a_scans_order_is_the_same_each_time(dynamodb, things):
    for number in range(20):
        dynamodb.put_item(TableName=things, Item={"p": {"S": str(number)}})
    orders = [[item["p"]["S"] for item in dynamodb.scan(TableName=things)["Items"]] for _ in range(2)]
    assert orders[0] == orders[1]
    assert orders[0] != sorted(orders[0])


def test_paginators_of_boto3_walk_a_scan(dynamodb, things):
    for number in range(10):
        dynamodb.put_item(TableName=things, Item={"p": {"S": str(number)}})
    pages = dynamodb.get_paginator("scan").paginate(TableName=things, PaginationConfig={"PageSize": 3})
    assert len(pages.build_full_result()["Items"]) == 10
