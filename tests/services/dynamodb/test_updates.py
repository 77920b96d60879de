"""UpdateItem: what expressions do to items."""

import pytest

from tests.errors import aws_error

START = {
    "p": {"S": "k"},
    "count": {"N": "5"},
    "names": {"SS": ["a", "b"]},
    "list": {"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}]},
    "map": {"M": {"x": {"N": "1"}, "y": {"N": "2"}}},
}


@pytest.fixture
def update(dynamodb, things):
    dynamodb.put_item(TableName=things, Item=START)

    def run(expression, values=None, names=None, key="k", **more):
        if values:
            more["ExpressionAttributeValues"] = values
        if names:
            more["ExpressionAttributeNames"] = names
        return dynamodb.update_item(TableName=things, Key={"p": {"S": key}}, UpdateExpression=expression, **more)

    run.item = lambda key="k": dynamodb.get_item(TableName=things, Key={"p": {"S": key}}).get("Item")
    return run


@pytest.mark.parametrize(
    ("expression", "values", "changed"),
    [
        ("SET a = :v", {":v": {"S": "x"}}, {"a": {"S": "x"}}),
        ("SET #c = #c + :v", {":v": {"N": "1.5"}}, {"count": {"N": "6.5"}}),
        ("SET #c = :v - #c", {":v": {"N": "1"}}, {"count": {"N": "-4"}}),
        ("SET #c = if_not_exists(a, :v)", {":v": {"N": "9"}}, {"count": {"N": "9"}}),
        ("SET #c = if_not_exists(#c, :v) + :v", {":v": {"N": "9"}}, {"count": {"N": "14"}}),
        ("SET #l = list_append(:v, #l)", {":v": {"L": [{"S": "n"}]}}, {"list": {"L": [{"S": "n"}, *START["list"]["L"]]}}),
        ("SET #l[1] = :v", {":v": {"S": "n"}}, {"list": {"L": [{"N": "0"}, {"S": "n"}, {"N": "2"}]}}),
        ("SET #l[7] = :v, #l[5] = :w", {":v": {"S": "v"}, ":w": {"S": "w"}},
         {"list": {"L": [*START["list"]["L"], {"S": "w"}, {"S": "v"}]}}),
        ("SET #m.x = :v", {":v": {"S": "n"}}, {"map": {"M": {"x": {"S": "n"}, "y": {"N": "2"}}}}),
        ("REMOVE #m.x, #l[0], #l[2]", None, {"map": {"M": {"y": {"N": "2"}}}, "list": {"L": [{"N": "1"}]}}),
        ("REMOVE #c, never", None, {"count": None}),
        ("ADD #c :v", {":v": {"N": "10"}}, {"count": {"N": "15"}}),
        ("ADD a :v", {":v": {"N": "10"}}, {"a": {"N": "10"}}),
        ("ADD #n :v", {":v": {"SS": ["b", "c"]}}, {"names": {"SS": ["a", "b", "c"]}}),
        ("DELETE #n :v", {":v": {"SS": ["b", "z"]}}, {"names": {"SS": ["a"]}}),
        ("DELETE #n :v", {":v": {"SS": ["b", "a"]}}, {"names": None}),
        ("set a = #c remove #c", None, {"a": {"N": "5"}, "count": None}),
    ],
)  # fmt: skip
def test_an_update_changes_what_it_says_and_nothing_else(update, expression, values, changed):
    aliases = {"#c": "count", "#l": "list", "#m": "map", "#n": "names"}
    update(expression, values, {alias: name for alias, name in aliases.items() if alias in expression} or None)
    expected = {**START, **changed}
    assert update.item() == {name: value for name, value in expected.items() if value is not None}


def test_an_update_creates_the_item(update):
    update("SET a = :v", {":v": {"N": "1"}}, key="new")
    assert update.item("new") == {"p": {"S": "new"}, "a": {"N": "1"}}


def test_removing_from_no_item_creates_none(update):
    update("REMOVE a", key="new")
    assert update.item("new") is None


@pytest.mark.parametrize(
    ("returns", "expected"),
    [
        ("ALL_OLD", START),
        ("UPDATED_OLD", {"map": {"M": {"x": {"N": "1"}}}}),
        ("UPDATED_NEW", {"map": {"M": {"x": {"S": "n"}}}, "a": {"S": "n"}}),
    ],
)  # fmt: skip
def test_return_values_show_what_was_asked_for(update, returns, expected):
    told = update("SET #m.x = :v, a = :v", {":v": {"S": "n"}}, {"#m": "map"}, ReturnValues=returns)
    assert told["Attributes"] == expected


@pytest.mark.parametrize(
    ("expression", "values", "message"),
    [
        ("SET p = :v", {":v": {"S": "x"}}, "Cannot update attribute p. This attribute is part of the key"),
        ("SET a = b", None, "refers to an attribute that does not exist in the item"),
        ("SET a = names + :v", {":v": {"N": "1"}}, "reserved keyword; reserved keyword: names"),
        ("SET a.b = :v", {":v": {"S": "x"}}, "document path provided in the update expression is invalid for update"),
        ("SET a = :v, a.b = :v", {":v": {"S": "x"}},
         "Two document paths overlap with each other; must remove or rewrite one of these paths; "
         "path one: [a], path two: [a, b]"),
        ("SET a.b = :v REMOVE a[0]", {":v": {"S": "x"}}, "Two document paths conflict with each other"),
        ("ADD a :v", {":v": {"S": "x"}}, "operator: ADD, operand type: STRING"),
        ("DELETE a :v", {":v": {"N": "1"}}, "operator: DELETE, operand type: NUMBER"),
        ("SET a = :v + :v", {":v": {"S": "x"}}, "operator or function: +, operand type: S"),
        ("SET a = :w", {":v": {"S": "x"}}, "value used in expression is not defined; attribute value: :w"),
        ("SET a = size(b)", None, "The function is not allowed in an update expression; function: size"),
        ("SET a = :v SET b = :v", {":v": {"S": "x"}}, 'The "SET" section can only be used once'),
        ("SET a = :v b", {":v": {"S": "x"}}, 'Syntax error; token: "b", near: ":v b"'),
        ("", None, "The expression can not be empty;"),
    ],
)  # fmt: skip
def test_an_update_that_cannot_be_is_refused_with_the_reason(update, expression, values, message):
    with aws_error("ValidationException", status=400, message=message):
        update(expression, values)
    assert update.item() == START


def test_an_item_may_not_grow_beyond_400_kilobytes(update):
    with aws_error("ValidationException", message="Item size to update has exceeded the maximum allowed size"):
        update("SET a = :v", {":v": {"S": "x" * 409600}})


def test_a_failed_condition_leaves_the_item_alone(update):
    with aws_error("ConditionalCheckFailedException"):
        update("SET a = :v", {":v": {"N": "1"}, ":c": {"N": "6"}}, {"#c": "count"}, ConditionExpression="#c = :c")
    assert update.item() == START
