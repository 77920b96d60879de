"""PutItem, GetItem, DeleteItem, and what may be in an item."""

import pytest

from tests.errors import aws_error

EVERYTHING = {
    "p": {"S": "all"},
    "text": {"S": "grüße"},
    "empty": {"S": ""},
    "number": {"N": "-12.5"},
    "binary": {"B": b"\x00\xff"},
    "texts": {"SS": ["a", "b"]},
    "numbers": {"NS": ["1", "2"]},
    "binaries": {"BS": [b"a", b"b"]},
    "null": {"NULL": True},
    "yes": {"BOOL": True},
    "list": {"L": [{"N": "1"}, {"M": {}}]},
    "map": {"M": {"deep": {"L": [{"B": b"x"}]}}},
}


def put(dynamodb, table, **more):
    return dynamodb.put_item(TableName=table, Item={"p": {"S": "k"}, **more.pop("item", {})}, **more)


def get(dynamodb, table, key="k", **more):
    return dynamodb.get_item(TableName=table, Key={"p": {"S": key}}, **more).get("Item")


def test_an_item_of_every_type_comes_back_as_it_was(dynamodb, things):
    dynamodb.put_item(TableName=things, Item=EVERYTHING)
    assert get(dynamodb, things, "all") == EVERYTHING


def test_numbers_come_back_in_one_spelling(dynamodb, things):
    put(dynamodb, things, item={"v": {"L": [{"N": "1e3"}, {"N": "+007.50"}, {"N": "-0"}]}, "s": {"NS": ["1.0", "2"]}})
    found = get(dynamodb, things)
    assert found["v"] == {"L": [{"N": "1000"}, {"N": "7.5"}, {"N": "0"}]}
    assert found["s"] == {"NS": ["1", "2"]}


def test_putting_replaces_the_whole_item_and_can_answer_the_old_one(dynamodb, things):
    put(dynamodb, things, item={"a": {"N": "1"}, "b": {"N": "2"}})
    old = put(dynamodb, things, item={"a": {"N": "3"}}, ReturnValues="ALL_OLD")["Attributes"]
    assert old == {"p": {"S": "k"}, "a": {"N": "1"}, "b": {"N": "2"}}
    assert get(dynamodb, things) == {"p": {"S": "k"}, "a": {"N": "3"}}


def test_a_new_item_has_no_old_values(dynamodb, things):
    assert "Attributes" not in put(dynamodb, things, ReturnValues="ALL_OLD")


def test_put_has_no_new_values_to_return(dynamodb, things):
    with aws_error("ValidationException", message="ReturnValues can only be ALL_OLD or NONE"):
        put(dynamodb, things, ReturnValues="ALL_NEW")


def test_deleting_answers_the_old_item_and_nothing_is_no_error(dynamodb, things):
    put(dynamodb, things, item={"a": {"N": "1"}})
    gone = dynamodb.delete_item(TableName=things, Key={"p": {"S": "k"}}, ReturnValues="ALL_OLD")["Attributes"]
    assert gone["a"] == {"N": "1"}
    assert get(dynamodb, things) is None
    assert "Attributes" not in dynamodb.delete_item(TableName=things, Key={"p": {"S": "k"}}, ReturnValues="ALL_OLD")


def test_a_failed_condition_changes_nothing_and_can_show_the_item(dynamodb, things):
    put(dynamodb, things, item={"a": {"N": "1"}})
    with aws_error("ConditionalCheckFailedException", status=400, message="The conditional request failed") as caught:
        put(
            dynamodb,
            things,
            ConditionExpression="attribute_not_exists(p)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert caught.value.response["Item"]["a"] == {"N": "1"}
    assert get(dynamodb, things)["a"] == {"N": "1"}


def test_a_projection_cuts_out_nested_parts(dynamodb, things):
    dynamodb.put_item(TableName=things, Item=EVERYTHING)
    found = get(dynamodb, things, "all", ProjectionExpression="#m.deep[0], yes", ExpressionAttributeNames={"#m": "map"})
    assert found == {"map": {"M": {"deep": {"L": [{"B": b"x"}]}}}, "yes": {"BOOL": True}}


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"q": {"S": "x"}}, "One or more parameter values were invalid: Missing the key p in the item"),
        ({"p": {"N": "1"}}, "Type mismatch for key p expected: S actual: N"),
        ({"p": {"S": ""}}, "cannot contain an empty string value. Key: p"),
        ({"p": {"S": "x" * 2049}}, "exceeded the maximum size limit of2048 bytes"),
        ({"p": {"S": "k"}, "a": {}}, "Supplied AttributeValue is empty"),
        ({"p": {"S": "k"}, "a": {"S": "x", "N": "1"}}, "more than one datatypes set"),
        ({"p": {"S": "k"}, "a": {"SS": []}}, "An string set  may not be empty"),
        ({"p": {"S": "k"}, "a": {"SS": ["x", "x"]}}, "Input collection [x, x] contains duplicates."),
        ({"p": {"S": "k"}, "a": {"NS": ["1", "1.0"]}}, "Input collection contains duplicates"),
        ({"p": {"S": "k"}, "a": {"NULL": False}}, "Null attribute value types must have the value of true"),
        ({"p": {"S": "k"}, "a": {"N": "one"}}, "cannot be converted to a numeric value: one"),
        ({"p": {"S": "k"}, "a": {"N": "1e126"}}, "Number overflow"),
        ({"p": {"S": "k"}, "a": {"N": "9" * 39}}, "more than 38 significant digits"),
        ({"p": {"S": "k"}, "": {"S": "x"}}, "Empty attribute name"),
        ({"p": {"S": "k"}, "a": {"S": "x" * 409600}}, "Item size has exceeded the maximum allowed size"),
    ],
)
def test_an_item_that_cannot_be_is_refused_with_the_reason(dynamodb, things, item, message):
    with aws_error("ValidationException", status=400, message=message):
        dynamodb.put_item(TableName=things, Item=item)
    assert dynamodb.scan(TableName=things)["Count"] == 0


def test_values_nest_thirty_two_levels_deep_and_no_deeper(dynamodb, things):
    value = {"S": "core"}
    for _ in range(31):
        value = {"L": [value]}
    put(dynamodb, things, item={"a": value})
    with aws_error("ValidationException", message="Nesting Levels have exceeded"):
        put(dynamodb, things, item={"a": {"L": [value]}})


def test_an_item_may_be_as_large_as_400_kilobytes(dynamodb, things):
    put(dynamodb, things, item={"a": {"S": "x" * (409600 - 3)}})
    assert len(get(dynamodb, things)["a"]["S"]) == 409597


@pytest.mark.parametrize("key", [{}, {"q": {"S": "x"}}, {"p": {"N": "1"}}, {"p": {"S": "x"}, "q": {"S": "y"}}])
def test_a_key_that_does_not_fit_the_schema_is_refused(dynamodb, things, key):
    with aws_error("ValidationException", message="The provided key element does not match the schema"):
        dynamodb.get_item(TableName=things, Key=key)


def test_a_number_key_finds_its_item_however_it_is_written(dynamodb, pairs):
    dynamodb.put_item(TableName=pairs, Item={"p": {"S": "k"}, "n": {"N": "1000"}})
    found = dynamodb.get_item(TableName=pairs, Key={"p": {"S": "k"}, "n": {"N": "1e3"}})["Item"]
    assert found["n"] == {"N": "1000"}


def test_an_item_operation_on_no_table_is_refused(dynamodb):
    with aws_error("ResourceNotFoundException", status=400, message="Requested resource not found"):
        get(dynamodb, "nothing")


def test_names_and_values_that_are_not_used_are_refused(dynamodb, things):
    with aws_error("ValidationException", message="unused in expressions: keys: {#b}"):
        get(dynamodb, things, ProjectionExpression="#a", ExpressionAttributeNames={"#a": "a", "#b": "b"})
    with aws_error(
        "ValidationException", message="ExpressionAttributeValues can only be specified when using expressions"
    ):
        put(dynamodb, things, ExpressionAttributeValues={":v": {"S": "x"}})


def test_expressions_and_their_predecessors_do_not_mix(dynamodb, things):
    with aws_error("ValidationException", message="Can not use both expression and non-expression parameters"):
        put(
            dynamodb,
            things,
            ConditionExpression="attribute_exists(p)",
            Expected={"p": {"Exists": False}},
        )
