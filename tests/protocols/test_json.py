"""The json protocol: what is converted, what is ignored, and what is refused in which words."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from decimal import Decimal

import orjson
import pytest

from app import protocols
from app.errors import AwsError
from tests.protocols.asking import read_json, request


def test_blobs_are_decoded_wherever_they_are() -> None:
    item = {"a": {"B": "AAEC"}, "l": {"L": [{"BS": ["AA=="]}, {"M": {"x": {"B": ""}}}]}}
    params = read_json("dynamodb", "PutItem", {"TableName": "t", "Item": item})
    assert params["Item"] == {"a": {"B": b"\x00\x01\x02"}, "l": {"L": [{"BS": [b"\x00"]}, {"M": {"x": {"B": b""}}}]}}


def test_unknown_members_and_nulls_are_ignored() -> None:
    sent = {"QueueUrl": "q", "MessageBody": "m", "Unknown": {"x": 1}, "DelaySeconds": None}
    assert read_json("sqs", "SendMessage", sent) == {"QueueUrl": "q", "MessageBody": "m"}


def test_an_absent_body_is_an_empty_object() -> None:
    assert read_json("sqs", "ListQueues", b"") == {}


def test_timestamps_become_seconds() -> None:
    for sent in (1.5e9, "2017-07-14T02:40:00Z"):
        params = read_json("kinesis", "GetShardIterator", {"StreamName": "s", "Timestamp": sent})
        assert params["Timestamp"] == 1.5e9


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "Unexpected character or end of input in the JSON document"),
        (b'{"TableName": "\xff"}', "Unexpected character or end of input in the JSON document"),
        (b'{"TableName": "\\ud800"}', "Unexpected character or end of input in the JSON document"),
        (b"[" * 100_000, "Unexpected character or end of input in the JSON document"),
        (b"[]", "Start of list found where not expected"),
        (b"3", "Expected null"),
        (b'{"TableName": 3}', "can not be converted to an String"),
        (b'{"TableName": true}', "class java.lang.Boolean can not be converted to an String"),
        (b'{"TableName": []}', "Start of list found where not expected"),
        (b'{"TableName": {}}', "Start of structure or map found where not expected."),
        (b'{"Item": []}', "Start of list found where not expected"),
        (b'{"Item": "x"}', "Expected map or null"),
        (b'{"Item": {"a": "x"}}', "Expected null"),
        (b'{"Item": {"a": {"L": "x"}}}', "Expected list or null"),
        (b'{"Item": {"a": {"BOOL": "x"}}}', "'x' can not be converted to an Boolean"),
        (b'{"Item": {"a": {"B": 1}}}', "can not be converted to a Blob"),
        (b'{"Item": {"a": {"B": "23456"}}}', "a multiple of 4 bytes but found: 5"),
        (b'{"Item": {"a": {"B": "+*+="}}}', "Invalid Base64 character: '*'"),
        (b'{"Item": {"a": ' + b'{"L":[' * 450 + b"]}" * 450 + b"}}", "nested too deeply"),
    ],
)
def test_dynamodb_refuses_what_it_cannot_read_as_coral_does(body: bytes, message: str) -> None:
    with pytest.raises(AwsError) as refused:
        read_json("dynamodb", "PutItem", body)
    assert message in refused.value.message
    response = protocols.serialize_error("dynamodb", "PutItem", "json", refused.value, "id")
    assert response.status == 400
    assert isinstance(response.body, bytes)
    answer = orjson.loads(response.body)
    assert answer["__type"] == "com.amazon.coral.service#SerializationException"
    assert message in answer["Message"]


def test_an_answer_leaves_out_what_is_none_and_what_the_model_does_not_have() -> None:
    result = {"Item": {"a": {"S": "null"}, "b": {"B": b"\x00", "S": None}}, "ConsumedCapacity": None, "_private": 1}
    response = protocols.operation("dynamodb", "GetItem").serialize("json", result, "id-1")
    assert isinstance(response.body, bytes)
    assert orjson.loads(response.body) == {"Item": {"a": {"S": "null"}, "b": {"B": "AA=="}}}
    assert response.header("content-type") == "application/x-amz-json-1.0"
    assert response.header("x-amzn-requestid") == "id-1"
    assert response.header("x-amz-crc32") == str(zlib.crc32(response.body))


def test_moments_may_be_given_as_datetimes() -> None:
    table = {"Table": {"CreationDateTime": datetime(2017, 7, 14, 2, 40, tzinfo=UTC)}}
    response = protocols.operation("dynamodb", "DescribeTable").serialize("json", table, "id")
    assert response.body == b'{"Table":{"CreationDateTime":1500000000}}'


def test_numbers_beyond_what_orjson_writes_are_written() -> None:
    deep: dict[str, object] = {"S": "x"}
    for _ in range(200):
        deep = {"M": {"m": deep}}
    response = protocols.operation("dynamodb", "GetItem").serialize("json", {"Item": {"a": deep}}, "id")
    assert orjson.loads(response.body)["Item"]["a"] == deep  # type: ignore[arg-type]
    units = {"ConsumedCapacity": {"CapacityUnits": Decimal("0.5")}}
    response = protocols.operation("dynamodb", "GetItem").serialize("json", units, "id")
    assert response.body == b'{"ConsumedCapacity":{"CapacityUnits":0.5}}'


def test_an_operation_without_output_answers_nothing() -> None:
    response = protocols.operation("sqs", "DeleteMessage").serialize("json", {}, "id")
    assert (response.status, response.body) == (200, b"")


def test_nothing_is_copied_where_nothing_changes() -> None:
    body = orjson.dumps({"TableName": "t", "Item": {"a": {"S": "x"}}})
    params = protocols.operation("dynamodb", "PutItem").parse("json", request(body))
    assert params == orjson.loads(body)
