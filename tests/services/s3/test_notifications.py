"""Bucket notifications to SQS."""

from __future__ import annotations

import json
import time

import pytest

from tests.errors import aws_error


@pytest.fixture
def queue(client):
    sqs = client("sqs")
    url = sqs.create_queue(QueueName="told")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return sqs, url, arn


def configure(s3, bucket, arn, *events, rules=()):
    filters = {"Filter": {"Key": {"FilterRules": [{"Name": n, "Value": v} for n, v in rules]}}} if rules else {}
    configuration = {"Id": "mine", "QueueArn": arn, "Events": list(events), **filters}
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [configuration]}
    )


def told(queue, count):
    """Return that many messages besides the test event."""
    sqs, url, _ = queue
    found, deadline = [], time.monotonic() + 15
    while len(found) < count and time.monotonic() < deadline:
        for message in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1, MaxNumberOfMessages=10).get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            body = json.loads(message["Body"])
            if "Records" in body:
                found += body["Records"]
    return found


def test_a_new_configuration_is_tried_out(s3, bucket, queue):
    configure(s3, bucket, queue[2], "s3:ObjectCreated:*")
    sqs, url, _ = queue
    message = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"][0]
    body = json.loads(message["Body"])
    assert (body["Service"], body["Event"], body["Bucket"]) == ("Amazon S3", "s3:TestEvent", bucket)


def test_what_happens_to_objects_is_told(s3, bucket, queue):
    configure(s3, bucket, queue[2], "s3:ObjectCreated:*", "s3:ObjectRemoved:*")
    etag = s3.put_object(Bucket=bucket, Key="a b/ä.txt", Body=b"data")["ETag"].strip('"')
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "a b/ä.txt"})
    s3.delete_object(Bucket=bucket, Key="copy")
    records = sorted(told(queue, 3), key=lambda record: record["s3"]["object"]["sequencer"])
    assert [record["eventName"] for record in records] == [
        "ObjectCreated:Put",
        "ObjectCreated:Copy",
        "ObjectRemoved:Delete",
    ]
    first = records[0]
    assert (first["eventSource"], first["awsRegion"], first["s3"]["configurationId"]) == ("aws:s3", "us-east-1", "mine")
    assert first["s3"]["bucket"]["name"] == bucket
    assert first["s3"]["object"]["key"] == "a+b/%C3%A4.txt"
    assert (first["s3"]["object"]["size"], first["s3"]["object"]["eTag"]) == (4, etag)


def test_filters_choose_keys(s3, bucket, queue):
    configure(s3, bucket, queue[2], "s3:ObjectCreated:Put", rules=[("prefix", "in/"), ("suffix", ".jpg")])
    for key in ("in/a.jpg", "in/a.png", "out/a.jpg"):
        s3.put_object(Bucket=bucket, Key=key)
    s3.put_object(Bucket=bucket, Key="in/b.jpg")
    assert sorted(record["s3"]["object"]["key"] for record in told(queue, 2)) == ["in/a.jpg", "in/b.jpg"]


def test_a_configuration_comes_back_with_an_id(s3, bucket, queue):
    given = {"QueueArn": queue[2], "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [given]})
    found = s3.get_bucket_notification_configuration(Bucket=bucket)["QueueConfigurations"][0]
    assert found["QueueArn"] == queue[2]
    assert found["Id"]
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)


@pytest.mark.parametrize(
    "arn",
    ["nonsense", "arn:aws:sqs:us-east-1:000000000000:absent", "arn:aws:sqs:us-east-1:000000000000:told.fifo"],
)
def test_a_destination_that_is_none_is_refused(s3, bucket, arn):
    with aws_error("InvalidArgument", status=400):
        configure(s3, bucket, arn, "s3:ObjectCreated:*")


def test_configurations_must_not_overlap(s3, bucket, queue):
    each = {"QueueArn": queue[2], "Events": ["s3:ObjectCreated:*"]}
    other = {"QueueArn": queue[2], "Events": ["s3:ObjectCreated:Put"]}
    with aws_error("InvalidArgument", status=400, message="overlap"):
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [each, other]}
        )
