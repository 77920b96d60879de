"""Expected, AttributeUpdates, AttributesToGet, KeyConditions, QueryFilter, ScanFilter."""

import pytest

from tests.errors import aws_error

ITEM = {
    "p": {"S": "k"}, "text": {"S": "hello"}, "number": {"N": "5"}, "set": {"SS": ["a", "b"]}, "list": {"L": [{"N": "1"}]},
}  # fmt: skip


@pytest.fixture
def update(dynamodb, things):
    dynamodb.put_item(TableName=things, Item=ITEM)

    def run(**more):
        dynamodb.update_item(TableName=things, Key={"p": {"S": "k"}}, **more)
        return dynamodb.get_item(TableName=things, Key={"p": {"S": "k"}})["Item"]

    return run


def compare(operator, *values):
    return {"ComparisonOperator": operator, "AttributeValueList": list(values)}


@pytest.mark.parametrize(
    ("name", "condition", "holds"),
    [
        ("text", {"Value": {"S": "hello"}}, True),
        ("text", {"Value": {"S": "other"}}, False),
        ("never", {"Exists": False}, True),
        ("text", {"Exists": False}, False),
        ("number", compare("EQ", {"N": "5.0"}), True),
        ("number", compare("NE", {"N": "5"}), False),
        ("never", compare("NE", {"N": "5"}), True),
        ("number", compare("LT", {"N": "6"}), True),
        ("number", compare("GE", {"N": "6"}), False),
        ("number", compare("LT", {"S": "6"}), False),
        ("number", compare("BETWEEN", {"N": "1"}, {"N": "5"}), True),
        ("number", compare("IN", {"N": "4"}, {"N": "5"}), True),
        ("text", compare("BEGINS_WITH", {"S": "he"}), True),
        ("text", compare("CONTAINS", {"S": "ell"}), True),
        ("set", compare("CONTAINS", {"S": "a"}), True),
        ("list", compare("NOT_CONTAINS", {"N": "1"}), False),
        ("never", compare("NOT_CONTAINS", {"N": "1"}), False),
        ("never", {"ComparisonOperator": "NULL"}, True),
        ("text", {"ComparisonOperator": "NOT_NULL"}, True),
    ],
)
def test_an_expectation_lets_the_write_through_or_not(update, name, condition, holds):
    change = {"AttributeUpdates": {"done": {"Value": {"BOOL": True}}}, "Expected": {name: condition}}
    if holds:
        assert update(**change)["done"] == {"BOOL": True}
    else:
        with aws_error("ConditionalCheckFailedException"):
            update(**change)


def test_expectations_are_joined_by_and_unless_told_otherwise(update):
    expected = {"text": {"Value": {"S": "hello"}}, "number": {"Value": {"N": "6"}}}
    with aws_error("ConditionalCheckFailedException"):
        update(AttributeUpdates={}, Expected=expected)
    update(AttributeUpdates={}, Expected=expected, ConditionalOperator="OR")


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({}, "Value must be provided when Exists is null for Attribute: a"),
        ({"Exists": True}, "Value must be provided when Exists is true for Attribute: a"),
        ({"Exists": False, "Value": {"S": "x"}}, "Value cannot be used when Exists is set to false for Attribute: a"),
        (compare("EQ"), "Invalid number of argument(s) for the EQ ComparisonOperator"),
        (compare("LT", {"SS": ["x"]}), "ComparisonOperator LT is not valid for SS AttributeValue type"),
        (compare("BETWEEN", {"N": "2"}, {"N": "1"}), "lower bound is greater than the upper bound"),
    ],
)
def test_an_expectation_that_cannot_be_is_refused(update, condition, message):
    with aws_error("ValidationException", message=message):
        update(Expected={"a": condition})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"text": {"Action": "DELETE"}}, {"text": None}),
        ({"number": {"Action": "ADD", "Value": {"N": "2"}}}, {"number": {"N": "7"}}),
        ({"set": {"Action": "ADD", "Value": {"SS": ["c"]}}}, {"set": {"SS": ["a", "b", "c"]}}),
        ({"set": {"Action": "DELETE", "Value": {"SS": ["a"]}}}, {"set": {"SS": ["b"]}}),
        ({"list": {"Action": "ADD", "Value": {"L": [{"N": "2"}]}}}, {"list": {"L": [{"N": "1"}, {"N": "2"}]}}),
        ({"dotted.name": {"Value": {"N": "1"}}}, {"dotted.name": {"N": "1"}}),
    ],
)
def test_attribute_updates_change_the_item(update, changes, expected):
    wanted = {name: value for name, value in {**ITEM, **expected}.items() if value is not None}
    assert update(AttributeUpdates=changes) == wanted


def test_key_conditions_and_filters_find_items(dynamodb, pairs):
    for number in range(6):
        dynamodb.put_item(TableName=pairs, Item={"p": {"S": "k"}, "n": {"N": str(number)}, "v": {"N": str(number % 2)}})
    told = dynamodb.query(
        TableName=pairs,
        KeyConditions={"p": compare("EQ", {"S": "k"}), "n": compare("BETWEEN", {"N": "1"}, {"N": "4"})},
        QueryFilter={"v": compare("EQ", {"N": "1"})},
        AttributesToGet=["n"],
    )
    assert told["Items"] == [{"n": {"N": "1"}}, {"n": {"N": "3"}}]
    assert told["ScannedCount"] == 4
    assert dynamodb.scan(TableName=pairs, ScanFilter={"v": compare("NE", {"N": "1"})})["Count"] == 3
    with aws_error("ValidationException", message="not an indexable operation"):
        dynamodb.query(TableName=pairs, KeyConditions={"p": compare("NE", {"S": "k"})})
