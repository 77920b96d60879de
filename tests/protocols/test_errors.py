"""Errors in every protocol: names, codes, statuses, faults and fields."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app import protocols
from app.errors import AwsError, NotBuilt


def answer(service: str, protocol: str, error: AwsError) -> tuple[int, Any, Any]:
    response = protocols.serialize_error(service, None, protocol, error, "id-1")
    assert isinstance(response.body, bytes)
    body = orjson.loads(response.body) if "json" in protocol else response.body.decode()
    return response.status, body, response


def test_a_modelled_error_of_a_former_query_service_says_both_its_names() -> None:
    status, body, response = answer("sqs", "json", AwsError("QueueDoesNotExist", "Gone."))
    assert status == 400
    assert body == {"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "Gone."}
    assert response.header("x-amzn-query-error") == "AWS.SimpleQueueService.NonExistentQueue;Sender"
    assert answer("sqs", "json", AwsError("AWS.SimpleQueueService.NonExistentQueue", "Gone."))[1] == body


def test_an_error_in_no_model_is_given_as_it_is() -> None:
    status, body, response = answer("sqs", "json", AwsError("InvalidParameterValue", "No."))
    assert status == 400
    assert body == {"__type": "com.amazon.coral.service#InvalidParameterValueException", "message": "No."}
    assert response.header("x-amzn-query-error") == "InvalidParameterValue;Sender"
    assert answer("kinesis", "json", AwsError("Odd", "No.", status=418))[:2] == (
        418,
        {"__type": "Odd", "message": "No."},
    )


def test_the_query_protocol_names_code_and_fault() -> None:
    status, body, _ = answer("sqs", "query", AwsError("QueueDoesNotExist", "<Gone>"))
    assert status == 400
    assert body == (
        '<?xml version="1.0"?><ErrorResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><Error><Type>Sender</Type>'
        "<Code>AWS.SimpleQueueService.NonExistentQueue</Code><Message>&lt;Gone&gt;</Message><Detail/></Error>"
        "<RequestId>id-1</RequestId></ErrorResponse>"
    )
    assert answer("iam", "query", AwsError("NoSuchEntityException", "x"))[0] == 404
    assert "<Code>NoSuchEntity</Code>" in answer("iam", "query", AwsError("NoSuchEntityException", "x"))[1]
    assert "<Type>Receiver</Type>" in answer("iam", "query", AwsError("ServiceFailure", "x"))[1]


def test_ec2_has_an_envelope_of_its_own() -> None:
    assert answer("ec2", "ec2", AwsError("InvalidInstanceID.NotFound", "x"))[1] == (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>InvalidInstanceID.NotFound</Code>'
        "<Message>x</Message></Error></Errors><RequestID>id-1</RequestID></Response>"
    )


def test_modelled_fields_are_written() -> None:
    reasons = [{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Item": {"a": {"B": b"\x00"}}}]
    error = AwsError("TransactionCanceledException", "Cancelled.", CancellationReasons=reasons)
    body = answer("dynamodb", "json", error)[1]
    assert body["__type"] == "com.amazonaws.dynamodb.v20120810#TransactionCanceledException"
    assert body["CancellationReasons"][1]["Item"] == {"a": {"B": "AA=="}}
    assert body["Message"] == "Cancelled."


def test_rest_json_puts_the_name_and_bound_fields_in_headers() -> None:
    error = AwsError("TooManyRequestsException", "Slow.", retryAfterSeconds="3", Reason="CallerRateLimitExceeded")
    status, body, response = answer("lambda", "rest-json", error)
    assert status == 429
    assert body == {"Reason": "CallerRateLimitExceeded", "Type": "User", "message": "Slow."}
    assert response.header("x-amzn-errortype") == "TooManyRequestsException"
    assert response.header("Retry-After") == "3"


def test_headers_of_the_error_are_added() -> None:
    response = protocols.serialize_error(
        "s3", None, "rest-xml", AwsError("SlowDown", "x", headers={"Retry-After": "1"}), "id"
    )
    assert (response.status, response.header("retry-after")) == (503, "1")


@pytest.mark.parametrize("service", ["sqs", "s3", "lambda", "ec2", "iam", "nobody"])
@pytest.mark.parametrize("protocol", ["json", "query", "ec2", "rest-json", "rest-xml", "smithy-rpc-v2-cbor"])
def test_any_error_can_be_said_in_any_protocol(service: str, protocol: str) -> None:
    for error in (NotBuilt("sqs", "X"), AwsError("Odd\x00<", 'm\ud83d\ude00 "', Extra=True, Other=[1, {"a": b"x"}])):
        response = protocols.serialize_error(service, None, protocol, error, "id")
        assert response.status in (400, 501)
        assert response.body
