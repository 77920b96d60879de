"""TransactWriteItems and TransactGetItems."""

import pytest

from app.errors import AwsError
from tests.errors import aws_error
from tests.services.sqs.inprocess import Stack

ADD_ONE = {"UpdateExpression": "ADD v :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}


@pytest.fixture
def write(dynamodb, things):
    def run(*actions, **more):
        items = [{kind: {"TableName": things, **details}} for kind, details in actions]
        return dynamodb.transact_write_items(TransactItems=items, **more)

    return run


def key(name):
    return {"p": {"S": name}}


def items(dynamodb, table):
    return {each["p"]["S"]: each.get("v", {}).get("N") for each in dynamodb.scan(TableName=table)["Items"]}


def test_all_actions_of_a_transaction_happen(dynamodb, things, write):
    for name in ("gone", "changed", "checked"):
        dynamodb.put_item(TableName=things, Item={**key(name), "v": {"N": "1"}})
    write(
        ("Put", {"Item": {**key("new"), "v": {"N": "7"}}}),
        ("Delete", {"Key": key("gone")}),
        ("Update", {"Key": key("changed"), **ADD_ONE}),
        ("ConditionCheck", {"Key": key("checked"), "ConditionExpression": "attribute_exists(v)"}),
    )  # fmt: skip
    assert items(dynamodb, things) == {"new": "7", "changed": "2", "checked": "1"}


def test_one_failed_condition_cancels_all_and_says_which(dynamodb, things, write):
    dynamodb.put_item(TableName=things, Item={**key("there"), "v": {"N": "1"}})
    message = (
        "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed]"
    )
    with aws_error("TransactionCanceledException", status=400, message=message) as caught:
        write(
            ("Put", {"Item": key("new")}),
            ("Put", {
                "Item": key("there"), "ConditionExpression": "attribute_not_exists(p)",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }),
        )  # fmt: skip
    assert caught.value.response["CancellationReasons"] == [
        {"Code": "None"},
        {
            "Code": "ConditionalCheckFailed",
            "Message": "The conditional request failed",
            "Item": {**key("there"), "v": {"N": "1"}},
        },
    ]
    assert items(dynamodb, things) == {"there": "1"}


def test_two_actions_on_one_item_are_refused(write):
    with aws_error("ValidationException", message="cannot include multiple operations on one item"):
        write(("Put", {"Item": key("a")}), ("Delete", {"Key": key("a")}))


def test_an_item_that_does_not_fit_cancels_the_transaction(dynamodb, things, write):
    with aws_error("TransactionCanceledException") as caught:
        write(("Put", {"Item": key("a")}), ("Put", {"Item": {"p": {"N": "1"}}}))
    assert [reason["Code"] for reason in caught.value.response["CancellationReasons"]] == ["None", "ValidationError"]
    assert items(dynamodb, things) == {}


def test_reads_of_a_transaction_come_in_the_order_asked_for(dynamodb, things):
    dynamodb.put_item(TableName=things, Item={**key("a"), "v": {"N": "1"}})
    told = dynamodb.transact_get_items(
        TransactItems=[
            {"Get": {"TableName": things, "Key": key("none")}},
            {"Get": {"TableName": things, "Key": key("a"), "ProjectionExpression": "v"}},
        ]
    )
    assert told["Responses"] == [{}, {"Item": {"v": {"N": "1"}}}]


def test_a_transaction_costs_twice(dynamodb, things, write):
    told = write(("Put", {"Item": key("a")}), ReturnConsumedCapacity="TOTAL")
    assert told["ConsumedCapacity"] == [{"TableName": things, "CapacityUnits": 2.0, "WriteCapacityUnits": 2.0}]


def test_a_token_makes_a_transaction_happen_once(dynamodb, things, write):
    add = ("Update", {"Key": key("a"), **ADD_ONE})
    for _ in range(2):
        write(add, ClientRequestToken="token")
    assert items(dynamodb, things) == {"a": "1"}
    with aws_error("IdempotentParameterMismatchException", status=400):
        write(("Put", {"Item": key("b")}), ClientRequestToken="token")


def test_a_token_is_forgotten_after_ten_minutes(tmp_path):
    stack = Stack(tmp_path)
    stack(
        "CreateTable", "dynamodb", TableName="things", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
    )  # fmt: skip

    def add(amount):
        update = {
            "TableName": "things", "Key": key("a"), "UpdateExpression": "ADD v :n",
            "ExpressionAttributeValues": {":n": {"N": str(amount)}},
        }  # fmt: skip
        stack("TransactWriteItems", "dynamodb", TransactItems=[{"Update": update}], ClientRequestToken="token")
        return stack("GetItem", "dynamodb", TableName="things", Key=key("a"))["Item"]["v"]["N"]

    assert add(1) == "1"
    stack.pass_time(599)
    assert add(1) == "1"
    with pytest.raises(AwsError, match="IdempotentParameterMismatch"):
        add(2)
    stack.pass_time(2)
    assert add(2) == "3"
    assert stack.differences() == []
    stack.close()
