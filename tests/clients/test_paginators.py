"""boto3's paginators, over more than fits a page."""

from __future__ import annotations

import pytest


def pages(client, operation, size, **params):
    """Return all pages of an operation, with at most `size` of its things each."""
    return list(client.get_paginator(operation).paginate(**params, PaginationConfig={"PageSize": size}))


def gathered(found, member):
    return [thing for page in found for thing in page.get(member, [])]


@pytest.fixture
def sqs(client):
    return client("sqs")


@pytest.fixture
def s3(client):
    s3 = client("s3")
    s3.create_bucket(Bucket="things")
    return s3


@pytest.fixture
def dynamodb(client):
    return client("dynamodb")


def make_table(dynamodb, name):
    dynamodb.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "hill", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "hill", "AttributeType": "S"}, {"AttributeName": "n", "AttributeType": "N"},
        ],
    )  # fmt: skip


@pytest.fixture
def stones(dynamodb):
    """A table with 23 items under one hash key."""
    make_table(dynamodb, "stones")
    for n in range(23):
        dynamodb.put_item(TableName="stones", Item={"hill": {"S": "h"}, "n": {"N": str(n)}})
    return "stones"


def test_queues_come_in_pages(sqs):
    urls = sorted(sqs.create_queue(QueueName=f"queue-{n}")["QueueUrl"] for n in range(7))
    found = pages(sqs, "list_queues", 3)
    assert [len(page["QueueUrls"]) for page in found] == [3, 3, 1]
    assert sorted(gathered(found, "QueueUrls")) == urls


def test_sources_of_a_dead_letter_queue_come_in_pages(sqs):
    sqs.create_queue(QueueName="dead")
    policy = '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":"3"}'
    for n in range(5):
        sqs.create_queue(QueueName=f"source-{n}", Attributes={"RedrivePolicy": policy})
    dead = sqs.get_queue_url(QueueName="dead")["QueueUrl"]
    found = pages(sqs, "list_dead_letter_source_queues", 2, QueueUrl=dead)
    assert [len(page["queueUrls"]) for page in found] == [2, 2, 1]
    assert {url.rpartition("/")[2] for url in gathered(found, "queueUrls")} == {f"source-{n}" for n in range(5)}


@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2"])
def test_objects_come_in_pages(s3, operation):
    keys = sorted(["a b", "a+b", "a&b", "ä", "z/1", "z/2", *(f"k{n}" for n in range(5))], key=str.encode)
    for key in keys:
        s3.put_object(Bucket="things", Key=key)
    found = pages(s3, operation, 3, Bucket="things")
    assert [len(page["Contents"]) for page in found] == [3, 3, 3, 2]
    assert [each["Key"] for each in gathered(found, "Contents")] == keys


def test_common_prefixes_come_in_pages_with_objects(s3):
    for key in ["a", "b/1", "b/2", "c", "d/1", "d/2", "e"]:
        s3.put_object(Bucket="things", Key=key)
    found = pages(s3, "list_objects_v2", 2, Bucket="things", Delimiter="/")
    assert [each["Key"] for each in gathered(found, "Contents")] == ["a", "c", "e"]
    assert [each["Prefix"] for each in gathered(found, "CommonPrefixes")] == ["b/", "d/"]


def test_versions_come_in_pages(s3):
    s3.put_bucket_versioning(Bucket="things", VersioningConfiguration={"Status": "Enabled"})
    for key in ["a", "b"]:
        for body in [b"1", b"2", b"3"]:
            s3.put_object(Bucket="things", Key=key, Body=body)
        s3.delete_object(Bucket="things", Key=key)
    found = pages(s3, "list_object_versions", 3, Bucket="things")
    assert [each["Key"] for each in gathered(found, "Versions")] == ["a"] * 3 + ["b"] * 3
    assert [each["Key"] for each in gathered(found, "DeleteMarkers")] == ["a", "b"]
    assert len({each["VersionId"] for each in gathered(found, "Versions")}) == 6


def test_uploads_and_their_parts_come_in_pages(s3):
    ids = {s3.create_multipart_upload(Bucket="things", Key="key")["UploadId"] for _ in range(5)}
    found = pages(s3, "list_multipart_uploads", 2, Bucket="things")
    assert {each["UploadId"] for each in gathered(found, "Uploads")} == ids
    upload = {"Bucket": "things", "Key": "key", "UploadId": ids.pop()}
    for number in range(1, 6):
        s3.upload_part(**upload, PartNumber=number, Body=b"part")
    found = pages(s3, "list_parts", 2, **upload)
    assert [each["PartNumber"] for each in gathered(found, "Parts")] == [1, 2, 3, 4, 5]


def test_buckets_come_in_pages(s3):
    for n in range(4):
        s3.create_bucket(Bucket=f"more-{n}")
    found = pages(s3, "list_buckets", 2)
    assert [each["Name"] for each in gathered(found, "Buckets")] == [*(f"more-{n}" for n in range(4)), "things"]


def test_tables_come_in_pages(dynamodb):
    for n in range(5):
        make_table(dynamodb, f"table-{n}")
    found = pages(dynamodb, "list_tables", 2)
    assert gathered(found, "TableNames") == [f"table-{n}" for n in range(5)]


def test_items_come_in_pages(dynamodb, stones):
    found = pages(dynamodb, "scan", 5, TableName=stones)
    assert sorted(int(item["n"]["N"]) for item in gathered(found, "Items")) == list(range(23))
    found = pages(
        dynamodb, "query", 4, TableName=stones, ScanIndexForward=False, KeyConditionExpression="hill = :h AND n < :n",
        ExpressionAttributeValues={":h": {"S": "h"}, ":n": {"N": "20"}},
    )  # fmt: skip
    assert [int(item["n"]["N"]) for item in gathered(found, "Items")] == list(range(19, -1, -1))


def test_a_paginator_goes_on_where_it_was_told_to_stop(dynamodb, stones):
    scan = dynamodb.get_paginator("scan")
    first = scan.paginate(TableName=stones, PaginationConfig={"MaxItems": 7, "PageSize": 3}).build_full_result()
    rest = scan.paginate(
        TableName=stones, PaginationConfig={"PageSize": 5, "StartingToken": first["NextToken"]}
    ).build_full_result()
    assert len(first["Items"]) == 7
    assert len(first["Items"] + rest["Items"]) == 23
    assert {item["n"]["N"] for item in first["Items"] + rest["Items"]} == {str(n) for n in range(23)}


def test_a_search_over_all_pages(s3):
    for n in range(6):
        s3.put_object(Bucket="things", Key=f"k{n}", Body=b"x" * n)
    found = s3.get_paginator("list_objects_v2").paginate(Bucket="things", PaginationConfig={"PageSize": 2})
    assert list(found.search("Contents[?Size > `3`].Key")) == ["k4", "k5"]
