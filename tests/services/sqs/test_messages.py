"""Sending, receiving, deleting and hiding messages, through boto3."""

from __future__ import annotations

import threading
import time
from hashlib import md5
from typing import Any

import pytest

from tests.errors import aws_error


@pytest.fixture
def url(sqs: Any) -> str:
    """The URL of a standard queue."""
    found: str = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    return found


@pytest.fixture
def fifo(sqs: Any) -> str:
    """The URL of a FIFO queue."""
    found: str = sqs.create_queue(QueueName="jobs.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    return found


def receive(sqs: Any, url: str, limit: int = 10, **params: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=limit, **params).get(
        "Messages", []
    )
    return found


def text(value: str, kind: str = "String") -> dict[str, str]:
    return {"DataType": kind, "StringValue": value}


def test_a_message_is_sent_received_and_deleted(sqs: Any, url: str) -> None:
    sent = sqs.send_message(QueueUrl=url, MessageBody="hello ✓")
    digest = md5("hello ✓".encode()).hexdigest()
    assert sent["MD5OfMessageBody"] == digest
    (message,) = receive(sqs, url)
    assert set(message) == {"MessageId", "ReceiptHandle", "MD5OfBody", "Body"}
    assert (message["MessageId"], message["Body"], message["MD5OfBody"]) == (sent["MessageId"], "hello ✓", digest)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    counted = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert counted["ApproximateNumberOfMessages"] == counted["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_an_empty_queue_gives_nothing(sqs: Any, url: str) -> None:
    assert "Messages" not in sqs.receive_message(QueueUrl=url)


def test_the_md5_of_message_attributes_is_that_of_aws(sqs: Any, url: str) -> None:
    """The digests are those that AWS's own calculation gives for these attributes (boto3 checks none by itself)."""
    given = {
        "name": text("value"),
        "number": text("3.14", "Number.float"),
        "blob": {"DataType": "Binary", "BinaryValue": b"\x00\x01\xff"},
    }
    packed = b""
    for name, kind, mark, value in (
        (b"blob", b"Binary", b"\x02", b"\x00\x01\xff"),
        (b"name", b"String", b"\x01", b"value"),
        (b"number", b"Number.float", b"\x01", b"3.14"),
    ):
        for part in (name, kind):
            packed += len(part).to_bytes(4, "big") + part
        packed += mark + len(value).to_bytes(4, "big") + value
    sent = sqs.send_message(QueueUrl=url, MessageBody="x", MessageAttributes=given)
    assert sent["MD5OfMessageAttributes"] == md5(packed).hexdigest()
    (message,) = receive(sqs, url, MessageAttributeNames=["All"])
    assert message["MessageAttributes"] == given
    assert message["MD5OfMessageAttributes"] == md5(packed).hexdigest()


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (["All"], {"a.x", "a.y", "b"}),
        ([".*"], {"a.x", "a.y", "b"}),
        (["a.*"], {"a.x", "a.y"}),
        (["b", "none"], {"b"}),
        ([], None),
        (["none"], None),
    ],
)
def test_message_attributes_are_chosen_by_name_and_prefix(
    sqs: Any, url: str, asked: list[str], given: set[str]
) -> None:
    sqs.send_message(QueueUrl=url, MessageBody="x", MessageAttributes={name: text("v") for name in ("a.x", "a.y", "b")})
    (message,) = receive(sqs, url, MessageAttributeNames=asked)
    assert (set(message["MessageAttributes"]) if given else message.get("MessageAttributes")) == given


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("a b", text("v"), "Attribute name can contain A-Z"),
        ("AWS.x", text("v"), "reserved for internal use"),
        (".x", text("v"), "must not start or end with a period"),
        ("x..y", text("v"), "must not start or end with a period"),
        ("x" * 257, text("v"), "must be shorter than 256 Bytes"),
        ("x", text("v", "Text"), "The type of message (user) attribute 'x' is invalid."),
        ("x", text("v", ""), "must contain non-empty message attribute type"),
        ("x", text(""), "must contain non-empty message attribute value"),
        ("x", text("v", "Number"), "Can't cast the value of message (user) attribute 'x' to a number."),
        ("x", text("v", "Binary"), "must use field 'Binary'"),
        ("x", {"DataType": "String", "BinaryValue": b"v"}, "must use field 'String'"),
    ],
)
def test_a_bad_message_attribute_is_refused(sqs: Any, url: str, name: str, value: dict[str, Any], message: str) -> None:
    with aws_error("InvalidParameterValue", status=400, message=message):
        sqs.send_message(QueueUrl=url, MessageBody="x", MessageAttributes={name: value})


def test_a_message_has_at_most_ten_attributes(sqs: Any, url: str) -> None:
    many = {f"a{number}": text("v") for number in range(11)}
    with aws_error(
        "InvalidParameterValue", message="Number of message attributes [11] exceeds the allowed maximum [10]."
    ):
        sqs.send_message(QueueUrl=url, MessageBody="x", MessageAttributes=many)


def test_the_trace_header_is_a_system_attribute_with_an_md5(sqs: Any, url: str) -> None:
    header = "Root=1-5759e988-bd862e3fe1be46a994272793"
    sent = sqs.send_message(QueueUrl=url, MessageBody="x", MessageSystemAttributes={"AWSTraceHeader": text(header)})
    assert len(sent["MD5OfMessageSystemAttributes"]) == 32
    (message,) = receive(sqs, url, MessageSystemAttributeNames=["AWSTraceHeader"])
    assert message["Attributes"] == {"AWSTraceHeader": header}


def test_system_attributes_tell_who_when_and_how_often(sqs: Any, url: str) -> None:
    before = int(time.time() * 1000)
    sqs.send_message(QueueUrl=url, MessageBody="x")
    (message,) = receive(sqs, url, AttributeNames=["All"])
    has = message["Attributes"]
    assert set(has) == {"SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp"}
    assert (has["SenderId"], has["ApproximateReceiveCount"]) == ("000000000000", "1")
    assert before <= int(has["SentTimestamp"]) <= int(has["ApproximateFirstReceiveTimestamp"]) <= time.time() * 1000


@pytest.mark.parametrize("body", ["\x00", "a\x08b", "\x1f", "\ufffe", "x\uffff"])
def test_a_body_with_a_character_that_is_not_allowed_is_refused(sqs: Any, url: str, body: str) -> None:
    with aws_error("InvalidMessageContents", status=400, message="Invalid characters found"):
        sqs.send_message(QueueUrl=url, MessageBody=body)


@pytest.mark.parametrize("body", ["\t\n\r", "\ud7ff\ue000\ufffd", "\U00010000\U0010ffff", " "])
def test_a_body_comes_back_as_it_was(sqs: Any, url: str, body: str) -> None:
    sqs.send_message(QueueUrl=url, MessageBody=body)
    assert receive(sqs, url)[0]["Body"] == body


def test_an_empty_body_is_refused(sqs: Any, url: str) -> None:
    with aws_error("MissingParameter", message="The request must contain the parameter MessageBody."):
        sqs.send_message(QueueUrl=url, MessageBody="")


def test_a_message_may_have_a_mebibyte_and_no_more(sqs: Any, url: str) -> None:
    body = "x" * 1_048_576
    sqs.send_message(QueueUrl=url, MessageBody=body)
    assert receive(sqs, url)[0]["Body"] == body
    with aws_error("InvalidParameterValue", message="Message must be shorter than 1048576 bytes."):
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes={"a": text("v")})


def test_a_queues_own_limit_counts_attributes_too(sqs: Any) -> None:
    url = sqs.create_queue(QueueName="small", Attributes={"MaximumMessageSize": "1024"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x" * 1_016, MessageAttributes={"a": text("v")})
    with aws_error("InvalidParameterValue", message="Message must be shorter than 1024 bytes."):
        sqs.send_message(QueueUrl=url, MessageBody="x" * 1_017, MessageAttributes={"a": text("v")})


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"MaxNumberOfMessages": 0},
            "Value 0 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10",
        ),
        ({"MaxNumberOfMessages": 11}, "Value 11 for parameter MaxNumberOfMessages is invalid."),
        ({"WaitTimeSeconds": 21}, "Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20"),
        ({"VisibilityTimeout": 43201}, "Value 43201 for parameter VisibilityTimeout is invalid."),
    ],
)
def test_a_receive_out_of_range_is_refused(sqs: Any, url: str, params: dict[str, int], message: str) -> None:
    with aws_error("InvalidParameterValue", status=400, message=message):
        sqs.receive_message(QueueUrl=url, **params)


@pytest.mark.parametrize("delay", [-1, 901])
def test_a_delay_out_of_range_is_refused(sqs: Any, url: str, delay: int) -> None:
    with aws_error("InvalidParameterValue", message="DelaySeconds must be >= 0 and <= 900."):
        sqs.send_message(QueueUrl=url, MessageBody="x", DelaySeconds=delay)


def test_what_is_no_receipt_handle_is_refused(sqs: Any, url: str) -> None:
    for operation in (sqs.delete_message, lambda **asked: sqs.change_message_visibility(VisibilityTimeout=1, **asked)):
        with aws_error("ReceiptHandleIsInvalid", message="is not a valid receipt handle"):
            operation(QueueUrl=url, ReceiptHandle="garbage")


def test_another_queues_receipt_handle_is_refused(sqs: Any, url: str) -> None:
    other = sqs.create_queue(QueueName="other")["QueueUrl"]
    sqs.send_message(QueueUrl=other, MessageBody="x")
    (message,) = receive(sqs, other)
    with aws_error("ReceiptHandleIsInvalid", message="is not valid for this queue."):
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def test_a_message_shown_again_can_be_received_at_once(sqs: Any, url: str) -> None:
    sqs.send_message(QueueUrl=url, MessageBody="x")
    (message,) = receive(sqs, url)
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    assert len(receive(sqs, url)) == 1


def test_a_purged_queue_is_empty(sqs: Any, url: str) -> None:
    for _ in range(3):
        sqs.send_message(QueueUrl=url, MessageBody="x")
    receive(sqs, url, limit=1)
    sqs.purge_queue(QueueUrl=url)
    sqs.purge_queue(QueueUrl=url)
    counted = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert counted["ApproximateNumberOfMessages"] == counted["ApproximateNumberOfMessagesNotVisible"] == "0"
    assert receive(sqs, url) == []


def test_a_long_poll_is_answered_when_a_message_comes(sqs: Any, url: str) -> None:
    threading.Timer(0.3, lambda: sqs.send_message(QueueUrl=url, MessageBody="x")).start()
    began = time.monotonic()
    assert len(receive(sqs, url, WaitTimeSeconds=10)) == 1
    assert time.monotonic() - began < 5


def test_a_long_poll_sees_a_message_become_visible_by_itself(sqs: Any, url: str) -> None:
    sqs.send_message(QueueUrl=url, MessageBody="x", DelaySeconds=1)
    began = time.monotonic()
    assert len(receive(sqs, url, WaitTimeSeconds=10)) == 1
    assert time.monotonic() - began < 5


def test_a_long_poll_ends_without_a_message(sqs: Any, url: str) -> None:
    began = time.monotonic()
    assert receive(sqs, url, WaitTimeSeconds=1) == []
    assert 0.9 < time.monotonic() - began < 5


def test_a_batch_of_messages_is_sent_received_and_deleted(sqs: Any, url: str) -> None:
    entries = [{"Id": f"m{number}", "MessageBody": str(number)} for number in range(10)]
    sent = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert [entry["Id"] for entry in sent["Successful"]] == [entry["Id"] for entry in entries]
    got = receive(sqs, url)
    assert [message["Body"] for message in got] == [str(number) for number in range(10)]
    gone = [{"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]} for number, message in enumerate(got)]
    gone[3]["ReceiptHandle"] = "garbage"
    answer = sqs.delete_message_batch(QueueUrl=url, Entries=gone)
    assert len(answer["Successful"]) == 9
    (failed,) = answer["Failed"]
    assert (failed["Id"], failed["Code"], failed["SenderFault"]) == ("3", "ReceiptHandleIsInvalid", True)


def test_visibility_is_changed_in_a_batch(sqs: Any, url: str) -> None:
    sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": name, "MessageBody": name} for name in "abc"])
    entries = [
        {"Id": message["Body"], "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": seconds}
        for message, seconds in zip(receive(sqs, url), (0, 99_999, 10), strict=True)
    ]
    answer = sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)
    assert [entry["Id"] for entry in answer["Successful"]] == ["a", "c"]
    assert [(entry["Id"], entry["Code"]) for entry in answer["Failed"]] == [("b", "InvalidParameterValue")]
    assert [message["Body"] for message in receive(sqs, url)] == ["a"]


def test_a_bad_entry_fails_alone(sqs: Any, url: str) -> None:
    entries = [{"Id": "good", "MessageBody": "x"}, {"Id": "bad", "MessageBody": "\x00"}]
    answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert [entry["Id"] for entry in answer["Successful"]] == ["good"]
    assert [(entry["Id"], entry["Code"]) for entry in answer["Failed"]] == [("bad", "InvalidMessageContents")]


BATCH = "AWS.SimpleQueueService."


@pytest.mark.parametrize(
    ("code", "ids", "message"),
    [
        ("EmptyBatchRequest", [], "There should be at least one SendMessageBatchRequestEntry in the request."),
        ("TooManyEntriesInBatchRequest", [str(n) for n in range(11)], "Maximum number of entries per request are 10."),
        ("BatchEntryIdsNotDistinct", ["a", "b", "a"], "Id a repeated."),
        ("InvalidBatchEntryId", ["a b"], "A batch entry id can only contain alphanumeric characters"),
        ("InvalidBatchEntryId", ["x" * 81], "at most 80 letters long"),
    ],
)
def test_a_bad_batch_is_refused_as_a_whole(sqs: Any, url: str, code: str, ids: list[str], message: str) -> None:
    with aws_error(BATCH + code, status=400, message=message):
        sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": name, "MessageBody": "x"} for name in ids])
    assert receive(sqs, url) == []


def test_a_batch_of_more_than_a_mebibyte_is_refused(sqs: Any, url: str) -> None:
    entries = [{"Id": name, "MessageBody": "x" * 600_000} for name in "ab"]
    with aws_error(BATCH + "BatchRequestTooLong", message="You have sent 1200000 bytes."):
        sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert receive(sqs, url) == []


def test_a_fifo_message_needs_a_group_and_a_deduplication_id(sqs: Any, fifo: str) -> None:
    with aws_error("MissingParameter", message="The request must contain the parameter MessageGroupId."):
        sqs.send_message(QueueUrl=fifo, MessageBody="x")
    with aws_error("InvalidParameterValue", message="The queue should either have ContentBasedDeduplication enabled"):
        sqs.send_message(QueueUrl=fifo, MessageBody="x", MessageGroupId="g")


@pytest.mark.parametrize("token", ["", "a b", "é", "x" * 129])
def test_groups_and_deduplication_ids_are_printable_and_short(sqs: Any, fifo: str, token: str) -> None:
    with aws_error("InvalidParameterValue", message="MessageGroupId can only include alphanumeric and punctuation"):
        sqs.send_message(QueueUrl=fifo, MessageBody="x", MessageGroupId=token, MessageDeduplicationId="d")
    with aws_error(
        "InvalidParameterValue", message="MessageDeduplicationId can only include alphanumeric and punctuation"
    ):
        sqs.send_message(QueueUrl=fifo, MessageBody="x", MessageGroupId="g", MessageDeduplicationId=token)


def test_a_fifo_message_has_no_delay_of_its_own(sqs: Any, fifo: str) -> None:
    with aws_error("InvalidParameterValue", message="not valid for this queue type"):
        sqs.send_message(QueueUrl=fifo, MessageBody="x", MessageGroupId="g", MessageDeduplicationId="d", DelaySeconds=5)


def test_a_standard_queue_takes_a_group_but_no_deduplication_id(sqs: Any, url: str) -> None:
    sqs.send_message(QueueUrl=url, MessageBody="x", MessageGroupId="tenant")
    (message,) = receive(sqs, url, MessageSystemAttributeNames=["MessageGroupId"])
    assert message["Attributes"] == {"MessageGroupId": "tenant"}
    with aws_error("InvalidParameterValue", message="not valid for this queue type"):
        sqs.send_message(QueueUrl=url, MessageBody="x", MessageDeduplicationId="d")


def test_fifo_messages_come_in_order_with_growing_sequence_numbers(sqs: Any, fifo: str) -> None:
    entries = [
        {"Id": str(n), "MessageBody": str(n), "MessageGroupId": "g", "MessageDeduplicationId": str(n)}
        for n in range(10)
    ]
    sent = sqs.send_message_batch(QueueUrl=fifo, Entries=entries)["Successful"]
    numbers = [entry["SequenceNumber"] for entry in sent]
    assert numbers == sorted(numbers)
    assert {len(number) for number in numbers} == {20}
    got = receive(sqs, fifo, AttributeNames=["All"])
    assert [message["Body"] for message in got] == [str(n) for n in range(10)]
    assert [message["Attributes"]["SequenceNumber"] for message in got] == numbers
    assert got[0]["Attributes"]["MessageDeduplicationId"] == "0"


def test_a_message_that_becomes_a_duplicate_within_its_batch_is_not_sent_twice(sqs: Any, fifo: str) -> None:
    entries = [
        {"Id": name, "MessageBody": name, "MessageGroupId": "g", "MessageDeduplicationId": "same"} for name in "ab"
    ]
    first, second = sqs.send_message_batch(QueueUrl=fifo, Entries=entries)["Successful"]
    assert first["MessageId"] == second["MessageId"]
    assert [message["Body"] for message in receive(sqs, fifo)] == ["a"]


def test_a_hundred_consumers_share_messages_without_sharing_any(sqs: Any, url: str) -> None:
    for batch in range(5):
        sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": f"{batch}-{n}"} for n in range(10)])
    taken: list[str] = []

    def consume() -> None:
        while got := receive(sqs, url, limit=3):
            taken.extend(message["Body"] for message in got)

    consumers = [threading.Thread(target=consume) for _ in range(8)]
    for consumer in consumers:
        consumer.start()
    for consumer in consumers:
        consumer.join()
    assert sorted(taken) == sorted(f"{batch}-{n}" for batch in range(5) for n in range(10))
