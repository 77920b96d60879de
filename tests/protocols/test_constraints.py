"""Constraints of the models, in the words of AWS."""

from __future__ import annotations

from typing import Any

import pytest

from app import protocols
from app.errors import AwsError


def refusal(service: str, operation: str, params: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(AwsError) as refused:
        protocols.operation(service, operation).validate(params)
    return refused.value.code, refused.value.message


def accept(service: str, operation: str, params: dict[str, Any]) -> None:
    protocols.operation(service, operation).validate(params)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"TableName": "t", "Item": {}, "ReturnValues": "X"},
            "1 validation error detected: Value 'X' at 'returnValues' failed to satisfy constraint: "
            "Member must satisfy enum value set: [NONE, ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATED_NEW]",
        ),
        (
            {"TableName": "", "Item": {}},
            "1 validation error detected: Value '' at 'tableName' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1",
        ),
        (
            {"Item": {"x" * 65536: {"S": "a"}}},
            "2 validation errors detected: Value null at 'tableName' failed to satisfy constraint: "
            f"Member must not be null; Value '{{{'x' * 65536}={{S=a}}}}' at 'item' failed to satisfy constraint: "
            "Map keys must satisfy constraint: [Member must have length less than or equal to 65535]",
        ),
    ],
)
def test_dynamodb_puts_it_as_coral_does(params: dict[str, Any], message: str) -> None:
    assert refusal("dynamodb", "PutItem", params) == ("ValidationException", message)


def test_paths_go_through_lists_and_maps() -> None:
    requests = {"t": [{"PutRequest": {}}]}
    assert refusal("dynamodb", "BatchWriteItem", {"RequestItems": requests}) == (
        "ValidationException",
        "1 validation error detected: Value null at 'requestItems.t.member.1.member.putRequest.item' failed to satisfy "
        "constraint: Member must not be null",
    )
    assert refusal("dynamodb", "BatchWriteItem", {"RequestItems": {"t": []}})[1] == (
        "1 validation error detected: Value '[]' at 'requestItems.t.member' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1"
    )


def test_elements_of_a_list_are_answered_for_by_the_list() -> None:
    code, message = refusal("dynamodb", "UntagResource", {"ResourceArn": "a", "TagKeys": ["ok", "x" * 129]})
    assert code == "ValidationException"
    assert message == (
        f"1 validation error detected: Value '[ok, {'x' * 129}]' at 'tagKeys' failed to satisfy constraint: Member must "
        "satisfy constraint: [Member must have length less than or equal to 128, "
        "Member must have length greater than or equal to 1]"
    )


def test_patterns_and_ranges_are_checked() -> None:
    code, message = refusal("iam", "CreateUser", {"UserName": "no spaces"})
    assert (code, message) == (
        "ValidationError",
        "1 validation error detected: Value 'no spaces' at 'userName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [\\w+=,.@-]+",
    )
    _, message = refusal("sts", "GetSessionToken", {"DurationSeconds": 5})
    assert message.endswith(
        "'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"
    )


def test_what_is_sensitive_is_not_repeated() -> None:
    code, message = refusal("cognito-idp", "SignUp", {"ClientId": "c", "Username": "u", "Password": "two words\n" * 50})
    assert code == "InvalidParameterException"
    assert "Value at 'password' failed" in message
    assert "two words" not in message


def test_sqs_names_the_missing_parameter() -> None:
    assert refusal("sqs", "CreateQueue", {}) == (
        "MissingParameter",
        "The request must contain the parameter QueueName.",
    )
    accept("sqs", "SendMessage", {"QueueUrl": "", "MessageBody": "", "MessageAttributes": {"a": {}}})


def test_ec2_names_the_missing_parameter() -> None:
    assert refusal("ec2", "CreateKeyPair", {}) == (
        "MissingParameter",
        "The request must contain the parameter KeyName",
    )


def test_what_was_not_sent_is_not_checked() -> None:
    accept("dynamodb", "ListTables", {})
    accept("dynamodb", "GetItem", {"TableName": "t", "Key": {"a": {"S": ""}}, "ProjectionExpression": None})


def test_a_recursive_shape_is_walked_to_its_end() -> None:
    item: dict[str, Any] = {"S": "x"}
    for _ in range(20):
        item = {"L": [{"M": {"k": item}}]}
    accept("dynamodb", "PutItem", {"TableName": "t", "Item": {"a": item}})
