"""boto3's resource APIs: SQS, S3 and DynamoDB as objects."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest
from boto3.dynamodb.conditions import Attr, Key
from boto3.dynamodb.types import Binary
from botocore.exceptions import ClientError


def test_a_queue_and_its_messages(stack):
    sqs = stack.resource("sqs")
    queue = sqs.create_queue(QueueName="jobs", Attributes={"VisibilityTimeout": "5"})
    assert queue.attributes["QueueArn"] == "arn:aws:sqs:us-east-1:000000000000:jobs"
    assert sqs.get_queue_by_name(QueueName="jobs").url == queue.url
    assert [each.url for each in sqs.queues.filter(QueueNamePrefix="jo")] == [queue.url]
    sent = queue.send_message(MessageBody="work", MessageAttributes={"n": {"DataType": "Number", "StringValue": "1"}})
    (message,) = queue.receive_messages(MessageAttributeNames=["All"], AttributeNames=["All"])
    assert (message.body, message.message_id) == ("work", sent["MessageId"])
    assert message.message_attributes["n"]["StringValue"] == "1"
    assert message.attributes["ApproximateReceiveCount"] == "1"
    message.change_visibility(VisibilityTimeout=0)
    (message,) = queue.receive_messages()
    message.delete()
    queue.send_messages(Entries=[{"Id": str(n), "MessageBody": str(n)} for n in range(10)])
    queue.load()
    assert queue.attributes["ApproximateNumberOfMessages"] == "10"
    queue.purge()
    queue.delete()
    assert list(sqs.queues.all()) == []


def test_a_bucket_and_its_objects(stack):
    s3 = stack.resource("s3")
    bucket = s3.create_bucket(Bucket="things")
    assert bucket.creation_date is not None
    assert [each.name for each in s3.buckets.all()] == ["things"]
    for n in range(12):
        bucket.put_object(Key=f"folder/{n:02}", Body=str(n).encode(), Metadata={"n": str(n)})
    assert [each.key for each in bucket.objects.page_size(5).limit(7)] == [f"folder/{n:02}" for n in range(7)]
    thing = s3.Object("things", "folder/03")
    assert (thing.content_length, thing.metadata, thing.get()["Body"].read()) == (1, {"n": "3"}, b"3")
    s3.Object("things", "copy").copy_from(CopySource="things/folder/03")
    s3.meta.client.copy({"Bucket": "things", "Key": "folder/04"}, "things", "copy/managed")
    assert s3.Object("things", "copy/managed").get()["Body"].read() == b"4"
    summary = next(iter(bucket.objects.filter(Prefix="copy")))
    assert (summary.key, summary.size, summary.Object().e_tag) == ("copy", 1, thing.e_tag)
    deleted = bucket.objects.filter(Prefix="folder/").delete()
    assert sum(len(answer["Deleted"]) for answer in deleted) == 12
    bucket.objects.delete()
    bucket.delete()
    bucket.wait_until_not_exists()


def test_a_bucket_with_versions(stack):
    s3 = stack.resource("s3")
    bucket = s3.create_bucket(Bucket="things")
    bucket.Versioning().enable()
    assert bucket.Versioning().status == "Enabled"
    for body in [b"one", b"two"]:
        bucket.put_object(Key="key", Body=body)
    s3.Object("things", "key").delete()
    versions = list(bucket.object_versions.filter(Prefix="key"))
    assert len(versions) == 3
    assert sorted(each.get()["Body"].read() for each in versions if each.size is not None) == [b"one", b"two"]
    bucket.object_versions.delete()
    bucket.delete()


def test_managed_transfers_of_what_needs_several_parts(stack, tmp_path):
    s3 = stack.resource("s3")
    bucket = s3.create_bucket(Bucket="things")
    data = bytes(range(256)) * 40_000  # above the threshold of 8 MiB
    bucket.upload_fileobj(io.BytesIO(data), "large", ExtraArgs={"ContentType": "x/y"})
    assert s3.Object("things", "large").content_type == "x/y"
    assert s3.Object("things", "large").e_tag.endswith('-2"')
    path = tmp_path / "large"
    bucket.download_file("large", str(path))
    assert path.read_bytes() == data


@pytest.fixture
def table(stack):
    """A DynamoDB table as a resource, there and active."""
    table = stack.resource("dynamodb").create_table(
        TableName="stones", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "hill", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "hill", "AttributeType": "S"}, {"AttributeName": "n", "AttributeType": "N"},
        ],
    )  # fmt: skip
    table.wait_until_exists()
    return table


def test_items_keep_pythons_types(table):
    item = {
        "hill": "h", "n": Decimal("1.50"), "none": None, "yes": True, "raw": Binary(b"\0\xff"), "empty": "",
        "list": [Decimal(1), "two", {"three": Decimal(3)}], "set": {"a", "b"}, "numbers": {Decimal(1), Decimal("2.5")},
    }  # fmt: skip
    table.put_item(Item=item)
    assert table.get_item(Key={"hill": "h", "n": Decimal("1.5")})["Item"] == item


def test_a_batch_writer_and_conditions_as_objects(table):
    with table.batch_writer(overwrite_by_pkeys=["hill", "n"]) as batch:
        for n in range(60):
            batch.put_item(Item={"hill": "h", "n": n, "odd": n % 2 == 1})
        batch.delete_item(Key={"hill": "h", "n": 0})
    table.reload()
    assert table.item_count is not None
    found = table.query(
        KeyConditionExpression=Key("hill").eq("h") & Key("n").between(0, 9),
        FilterExpression=Attr("odd").eq(True) & Attr("absent").not_exists(),
    )
    assert [int(item["n"]) for item in found["Items"]] == [1, 3, 5, 7, 9]
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        table.put_item(Item={"hill": "h", "n": 1}, ConditionExpression=Attr("hill").not_exists())
    changed = table.update_item(
        Key={"hill": "h", "n": 1}, UpdateExpression="SET seen = if_not_exists(seen, :zero) + :one",
        ExpressionAttributeValues={":zero": 0, ":one": 1}, ReturnValues="UPDATED_NEW",
    )  # fmt: skip
    assert changed["Attributes"] == {"seen": Decimal(1)}


def test_tables_as_a_collection(stack, table):
    dynamodb = stack.resource("dynamodb")
    assert [each.name for each in dynamodb.tables.all()] == ["stones"]
    items = [{"hill": "h", "n": n} for n in range(3)]
    dynamodb.batch_write_item(RequestItems={"stones": [{"PutRequest": {"Item": item}} for item in items]})
    found = dynamodb.batch_get_item(RequestItems={"stones": {"Keys": items}})["Responses"]["stones"]
    assert sorted(item["n"] for item in found) == [0, 1, 2]
    table.delete()
    table.wait_until_not_exists()
    assert list(dynamodb.tables.all()) == []
