"""The query and ec2 protocols: forms in, XML out."""

from __future__ import annotations

import pytest

from app import protocols
from app.errors import AwsError
from tests.protocols.asking import read_form, request


def test_sqs_by_query_takes_the_names_it_always_had() -> None:
    form = (
        "Action=SendMessage&Version=2012-11-05&QueueUrl=q&MessageBody=a+b%26c"
        "&MessageAttribute.1.Name=n&MessageAttribute.1.Value.DataType=Binary&MessageAttribute.1.Value.BinaryValue=AAEC"
        "&MessageSystemAttribute.1.Name=AWSTraceHeader&MessageSystemAttribute.1.Value.DataType=String"
        "&MessageSystemAttribute.1.Value.StringValue=t"
    )
    assert read_form("sqs", "SendMessage", form) == {
        "QueueUrl": "q",
        "MessageBody": "a b&c",
        "MessageAttributes": {"n": {"DataType": "Binary", "BinaryValue": b"\x00\x01\x02"}},
        "MessageSystemAttributes": {"AWSTraceHeader": {"DataType": "String", "StringValue": "t"}},
    }
    form = "QueueName=q&Attribute.1.Name=DelaySeconds&Attribute.1.Value=5&Tag.1.Key=k&Tag.1.Value=v"
    assert read_form("sqs", "CreateQueue", form) == {
        "QueueName": "q",
        "Attributes": {"DelaySeconds": "5"},
        "tags": {"k": "v"},
    }
    form = (
        "SendMessageBatchRequestEntry.2.Id=b&SendMessageBatchRequestEntry.1.Id=a&SendMessageBatchRequestEntry.10.Id=c"
    )
    assert [each["Id"] for each in read_form("sqs", "SendMessageBatch", form)["Entries"]] == ["a", "b", "c"]


def test_sqs_takes_lists_and_maps_without_an_index() -> None:
    assert read_form("sqs", "GetQueueAttributes", "AttributeName=All")["AttributeNames"] == ["All"]
    form = "Attribute.Name=DelaySeconds&Attribute.Value=5"
    assert read_form("sqs", "SetQueueAttributes", form)["Attributes"] == {"DelaySeconds": "5"}


def test_sqs_by_query_answers_with_flattened_lists_and_maps() -> None:
    message = {"MessageId": "1", "Body": '<"&\r', "Attributes": {"SenderId": "s"}, "MessageAttributes": {}}
    result = {"Messages": [message, {"MessageId": "2"}]}
    response = protocols.operation("sqs", "ReceiveMessage").serialize("query", result, "id")
    assert response.header("content-type") == "text/xml"
    assert response.body == (
        b'<?xml version="1.0"?><ReceiveMessageResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/">'
        b"<ReceiveMessageResult><Message><MessageId>1</MessageId><Body>&lt;&quot;&amp;&#xd;</Body>"
        b"<Attribute><Name>SenderId</Name><Value>s</Value></Attribute></Message>"
        b"<Message><MessageId>2</MessageId></Message></ReceiveMessageResult>"
        b"<ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></ReceiveMessageResponse>"
    )


def test_parameters_may_be_in_the_query_string() -> None:
    compiled = protocols.operation("sqs", "ListQueues")
    params = compiled.parse("query", request(method="GET", target="/?Action=ListQueues&QueueNamePrefix=a%2Fb"))
    assert params == {"QueueNamePrefix": "a/b"}


def test_an_empty_value_is_an_empty_list() -> None:
    assert read_form("iam", "TagUser", "UserName=u&Tags=") == {"UserName": "u", "Tags": []}


def test_ec2_names_are_capitalised_and_its_lists_are_flat() -> None:
    form = "Filter.1.Name=instance-id&Filter.1.Value.1=i-1&Filter.1.Value.2=i-2&MaxResults=5&DryRun=true"
    assert read_form("ec2", "DescribeInstances", form) == {
        "Filters": [{"Name": "instance-id", "Values": ["i-1", "i-2"]}],
        "MaxResults": 5,
        "DryRun": True,
    }


def test_ec2_answers_in_its_own_envelope() -> None:
    response = protocols.operation("ec2", "CreateKeyPair").serialize("ec2", {"KeyName": "k"}, "id")
    assert response.body == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<CreateKeyPairResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
        b"<requestId>id</requestId><keyName>k</keyName></CreateKeyPairResponse>"
    )
    result = {"Snapshots": [{"StartTime": 1.5e9}]}
    response = protocols.operation("ec2", "DescribeSnapshots").serialize("ec2", result, "id")
    assert isinstance(response.body, bytes)
    assert b"<snapshotSet><item><startTime>2017-07-14T02:40:00.000Z</startTime></item></snapshotSet>" in response.body


@pytest.mark.parametrize(
    ("service", "operation", "form", "code"),
    [
        ("sqs", "SendMessage", "QueueUrl=%ff", "MalformedQueryString"),
        ("sqs", "SendMessage", "DelaySeconds=many", "MalformedInput"),
        ("sqs", "SendMessage", "QueueUrl.1.x=y", "MalformedInput"),
        ("iam", "TagUser", "Tags.member.1=x", "MalformedInput"),
        ("ec2", "DescribeInstances", "MaxResults=x", "InvalidParameterValue"),
    ],
)
def test_forms_that_cannot_be_read_are_refused(service: str, operation: str, form: str, code: str) -> None:
    with pytest.raises(AwsError) as refused:
        read_form(service, operation, form)
    assert refused.value.code == code


def test_a_name_of_a_million_parts_costs_nothing() -> None:
    assert read_form("iam", "CreateUser", "a" + ".a" * 1_000_000 + "=1&UserName=u") == {"UserName": "u"}
