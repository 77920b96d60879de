"""SQS over the query protocol, as SDKs before 2023 speak it: forms in, XML out."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from typing import Any
from xml.etree import ElementTree

import pytest

NAMESPACE = "{http://queue.amazonaws.com/doc/2012-11-05/}"


def call(stack: Any, path: str = "/", **params: str) -> tuple[int, ElementTree.Element]:
    """Return the status and XML of an unsigned call."""
    form = urllib.parse.urlencode({**params, "Version": "2012-11-05"}).encode()
    scope = "Credential=000000000000/20260101/us-east-1/sqs/aws4_request"
    headers = {"authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"}
    request = urllib.request.Request(stack.url + path, form, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, ElementTree.fromstring(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, ElementTree.fromstring(error.read())


def found(xml: ElementTree.Element, *path: str) -> str:
    text = xml.findtext("/".join(NAMESPACE + name for name in path))
    assert text is not None, ElementTree.tostring(xml)
    return text


def test_a_message_goes_through_in_forms_and_xml(stack: Any) -> None:
    _, made = call(
        stack, Action="CreateQueue", QueueName="jobs", **{"Attribute.1.Name": "DelaySeconds", "Attribute.1.Value": "0"}
    )
    url = found(made, "CreateQueueResult", "QueueUrl")
    _, sent = call(
        stack, Action="SendMessage", QueueUrl=url, MessageBody="hello <&>",
        **{
            "MessageAttribute.1.Name": "a", "MessageAttribute.1.Value.DataType": "String",
            "MessageAttribute.1.Value.StringValue": "v",
        },
    )  # fmt: skip
    assert found(sent, "SendMessageResult", "MD5OfMessageAttributes")
    _, got = call(
        stack, Action="ReceiveMessage", QueueUrl=url, **{"MessageAttributeName.1": "All", "AttributeName.1": "All"}
    )
    assert found(got, "ReceiveMessageResult", "Message", "Body") == "hello <&>"
    assert found(got, "ReceiveMessageResult", "Message", "MessageAttribute", "Name") == "a"
    handle = found(got, "ReceiveMessageResult", "Message", "ReceiptHandle")
    status, _ = call(stack, Action="DeleteMessage", QueueUrl=url, ReceiptHandle=handle)
    assert status == 200


def test_a_queues_url_is_where_its_calls_may_go(stack: Any) -> None:
    call(stack, Action="CreateQueue", QueueName="jobs")
    status, answer = call(stack, "/000000000000/jobs", Action="GetQueueAttributes", **{"AttributeName.1": "QueueArn"})
    assert status == 200
    assert found(answer, "GetQueueAttributesResult", "Attribute", "Value").endswith(":jobs")


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"Action": "GetQueueUrl", "QueueName": "none"}, "AWS.SimpleQueueService.NonExistentQueue"),
        ({"Action": "CreateQueue", "QueueName": "a b"}, "InvalidParameterValue"),
        (
            {"Action": "CreateQueue", "QueueName": "a", "Attribute.1.Name": "x", "Attribute.1.Value": "1"},
            "InvalidAttributeName",
        ),
    ],
)
def test_errors_have_the_query_protocols_codes(stack: Any, params: dict[str, str], code: str) -> None:
    status, answer = call(stack, **params)
    assert status == 400
    assert found(answer, "Error", "Code") == code
    assert found(answer, "Error", "Type") == "Sender"
