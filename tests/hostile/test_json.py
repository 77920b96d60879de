"""JSON bodies that are none, or hold what the model does not."""

from __future__ import annotations

import json

import pytest

from tests.hostile.conftest import code_of, json_call

DEEP = 200_000
BROKEN = {
    "an open brace": b"{",
    "an open bracket": b"[",
    "half a word": b"nul",
    "a missing value": b'{"QueueName":',
    "something after the end": b'{"QueueName":"a"}x',
    "two documents": b'{"QueueName":"a"}{"QueueName":"b"}',
    "single quotes": b"{'QueueName':'a'}",
    "a trailing comma": b'{"QueueName":"a",}',
    "a byte order mark": b'\xef\xbb\xbf{"QueueName":"a"}',
    "UTF-16": '{"QueueName":"a"}'.encode("utf-16"),
    "invalid UTF-8": b'{"QueueName":"\xff\xfe"}',
    "a surrogate in UTF-8": b'{"QueueName":"\xed\xa0\x80"}',
    "an overlong slash": b'{"QueueName":"\xc0\xaf"}',
    "a lone surrogate": b'{"QueueName":"\\ud800"}',
    "a surrogate pair in disorder": b'{"QueueName":"\\udc00\\ud800"}',
    "a raw NUL": b'{"QueueName":"a\x00"}',
    "a NUL alone": b"\x00",
    "NaN": b'{"QueueName":NaN}',
    "Infinity": b'{"DelaySeconds":Infinity}',
    "deep lists": b"[" * DEEP,
    "deep maps": b'{"a":' * DEEP,
    "deep lists, closed": b'{"QueueName":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "deep and valid": b'{"Nonsense":' + b"[" * 900 + b"]" * 900 + b',"QueueName":1}',
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize(
    ("service", "target"), [("sqs", "AmazonSQS.CreateQueue"), ("dynamodb", "DynamoDB_20120810.PutItem")]
)
def test_a_body_that_is_no_json_is_a_serialization_error(victim, service, target, body):
    answer = victim.call(service, body, json_call(target))
    assert answer.status == 400
    assert code_of(answer) in ("SerializationException", "ValidationException", "MissingParameter")


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"1", b"true", b"null", b"1e999", b"-0", b"[[[]]]"])
def test_a_body_that_is_no_object_is_refused(victim, body):
    answer = victim.call("sqs", body, json_call("AmazonSQS.CreateQueue"))
    assert answer.status == 400


SCALARS = [True, 1, -1.5, 10**30, 2**63, "", "\0", "a/b", "\u202e", "x" * 10_000]
WRONG = [
    *(("QueueName", value) for value in [None, [], ["a"], {}, {"a": "b"}, *SCALARS]),
    *(("Attributes", value) for value in [[], ["a"], {"a": "b"}, {"DelaySeconds": 1}, {"DelaySeconds": "x"}, *SCALARS]),
    *(("tags", value) for value in [[], ["a"], {"a": 1}, {"a": ["b"]}, {"": "b"}, *SCALARS]),
]


@pytest.mark.parametrize(("member", "value"), WRONG, ids=lambda value: repr(value)[:20])
def test_members_of_the_wrong_type_are_refused(victim, member, value):
    params = {"QueueName": "other", member: value}
    answer = victim.call("sqs", json.dumps(params).encode(), json_call("AmazonSQS.CreateQueue"))
    assert answer.status == 400, answer.body


ATTRIBUTES = [
    1, "text", [], ["S"], {}, {"S": 1}, {"S": None}, {"N": "one"}, {"N": 1}, {"N": "1e999"}, {"N": "9" * 39},
    {"N": ""}, {"N": "\u0661"}, {"N": "NaN"}, {"B": "?"}, {"B": "AAA"}, {"BOOL": "true"}, {"NULL": False}, {"SS": []},
    {"SS": ["a", "a"]}, {"NS": ["1", "1.0"]}, {"L": {}}, {"M": []}, {"S": "a", "N": "1"}, {"X": "a"}, {"L": [{}]},
    {"L": [{"M": {"a": {"L": [{"N": "x"}]}}}]},
]  # fmt: skip


@pytest.mark.parametrize("value", ATTRIBUTES, ids=lambda value: json.dumps(value)[:30])
def test_attribute_values_that_are_none_are_refused(victim, value):
    params = {"TableName": "items", "Item": {"id": {"S": "a"}, "bad": value}}
    answer = victim.call("dynamodb", json.dumps(params).encode(), json_call("DynamoDB_20120810.PutItem"))
    assert answer.status == 400, answer.body
    assert code_of(answer) in ("SerializationException", "ValidationException")


@pytest.mark.parametrize("depth", [33, 300, 5000, 50_000])
def test_attribute_values_nested_too_deeply_are_refused(victim, depth):
    body = b'{"TableName":"items","Item":{"id":{"S":"a"},"d":%s{"S":"x"}%s}}' % (b'{"L":[' * depth, b"]}" * depth)
    answer = victim.call("dynamodb", body, json_call("DynamoDB_20120810.PutItem"))
    assert answer.status == 400
    assert code_of(answer) in ("SerializationException", "ValidationException")


@pytest.mark.parametrize(
    "expression",
    [
        "(" * 5000, "a = " * 1000, "NOT " * 2000 + "a = :a", "a" * 5000, "a[99999999999999999999] = :a", "\0", "\ud83d",
        "a = :a AND", "#", ":", "a.b.c.", "a[", "a[-1] = :a", "a[1.5] = :a", "attribute_exists(" * 400,
        "a IN (" + ",".join([":a"] * 200) + ")",
    ],
    ids=range(16),
)  # fmt: skip
def test_expressions_that_are_none_are_refused(victim, expression):
    params = {
        "TableName": "items", "Item": {"id": {"S": "a"}}, "ConditionExpression": expression,
        "ExpressionAttributeValues": {":a": {"S": "a"}},
    }  # fmt: skip
    answer = victim.call("dynamodb", json.dumps(params).encode(), json_call("DynamoDB_20120810.PutItem"))
    assert answer.status == 400, answer.body


def test_a_number_with_very_many_digits_costs_nothing(victim):
    body = b'{"QueueName":"a","Attributes":{"DelaySeconds":%s}}' % (b"9" * 1_000_000)
    assert victim.call("sqs", body, json_call("AmazonSQS.CreateQueue")).status == 400
