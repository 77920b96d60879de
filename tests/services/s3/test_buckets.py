"""Buckets: names, places, owners, ends."""

from __future__ import annotations

import pytest

from tests.errors import aws_error


def test_a_bucket_is_listed_with_its_owner(s3, bucket):
    answer = s3.list_buckets()
    assert [each["Name"] for each in answer["Buckets"]] == [bucket]
    assert len(answer["Owner"]["ID"]) == 64
    assert "DisplayName" not in answer["Owner"]


@pytest.mark.parametrize(
    "name",
    [
        "ab",
        "a" * 64,
        "Upper",
        "under_score",
        "-begins",
        "ends-",
        "two..dots",
        "dot.-dash",
        "192.168.1.1",
        "xn--x",
        "x-s3alias",
    ],
)
def test_a_bad_name_is_refused(s3, name):
    with aws_error("InvalidBucketName", status=400, message="not valid"):
        s3.create_bucket(Bucket=name)


@pytest.mark.parametrize("name", ["abc", "a" * 63, "with.dots.in.it", "1begins-with-digit", "10.0.0"])
def test_a_good_name_is_taken(s3, name):
    s3.create_bucket(Bucket=name)
    s3.head_bucket(Bucket=name)


def test_creating_ones_own_bucket_again_succeeds_in_us_east_1(s3, bucket):
    s3.create_bucket(Bucket=bucket)


def test_creating_ones_own_bucket_again_is_refused_elsewhere(client):
    west = client("s3", region="us-west-2")
    place = {"LocationConstraint": "us-west-2"}
    west.create_bucket(Bucket="somewhere", CreateBucketConfiguration=place)
    with aws_error("BucketAlreadyOwnedByYou", status=409):
        west.create_bucket(Bucket="somewhere", CreateBucketConfiguration=place)


def test_a_name_is_taken_for_all_accounts(client, bucket):
    with aws_error("BucketAlreadyExists", status=409):
        client("s3", account="111111111111").create_bucket(Bucket=bucket)


def test_a_bucket_is_where_its_constraint_says(client):
    west = client("s3", region="us-west-2")
    west.create_bucket(Bucket="in-oregon", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    assert west.get_bucket_location(Bucket="in-oregon")["LocationConstraint"] == "us-west-2"
    assert west.head_bucket(Bucket="in-oregon")["BucketRegion"] == "us-west-2"


def test_a_bucket_in_us_east_1_has_no_constraint(s3, bucket):
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None


def test_a_regional_endpoint_wants_its_region_named(client):
    west = client("s3", region="us-west-2")
    with aws_error("IllegalLocationConstraintException", status=400):
        west.create_bucket(Bucket="nowhere-said")
    with aws_error("IllegalLocationConstraintException", status=400):
        west.create_bucket(Bucket="elsewhere-said", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})


def test_no_region_of_this_name(s3):
    with aws_error("InvalidLocationConstraint", status=400):
        s3.create_bucket(Bucket="on-the-moon", CreateBucketConfiguration={"LocationConstraint": "moon"})


def test_buckets_are_listed_in_pages(s3):
    names = [f"page-{number:02}" for number in range(7)]
    for name in [*names, "other"]:
        s3.create_bucket(Bucket=name)
    pages = s3.get_paginator("list_buckets").paginate(Prefix="page-", PaginationConfig={"PageSize": 3})
    found = [[each["Name"] for each in page["Buckets"]] for page in pages]
    assert [len(page) for page in found] == [3, 3, 1]
    assert [name for page in found for name in page] == names


def test_buckets_are_listed_by_region(client, s3, bucket):
    place = {"LocationConstraint": "eu-west-1"}
    client("s3", region="eu-west-1").create_bucket(Bucket="in-ireland", CreateBucketConfiguration=place)
    assert [each["Name"] for each in s3.list_buckets(BucketRegion="eu-west-1")["Buckets"]] == ["in-ireland"]


def test_an_accounts_list_has_its_own_buckets_only(client, bucket):
    assert client("s3", account="111111111111").list_buckets()["Buckets"] == []


def test_what_is_not_there_is_told(s3):
    with aws_error("NoSuchBucket", status=404) as caught:
        s3.list_objects_v2(Bucket="absent")
    assert caught.value.response["Error"]["BucketName"] == "absent"
    with aws_error("404", status=404):
        s3.head_bucket(Bucket="absent")


def test_only_an_empty_bucket_is_deleted(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k")
    with aws_error("BucketNotEmpty", status=409):
        s3.delete_bucket(Bucket=bucket)
    s3.delete_object(Bucket=bucket, Key="k")
    s3.delete_bucket(Bucket=bucket)
    with aws_error("NoSuchBucket", status=404):
        s3.delete_bucket(Bucket=bucket)


def test_a_bucket_with_only_a_delete_marker_is_not_empty(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.delete_object(Bucket=bucket, Key="never-was")
    with aws_error("BucketNotEmpty", status=409, message="versions"):
        s3.delete_bucket(Bucket=bucket)


def test_a_bucket_created_again_has_nothing_of_the_old_one(s3, bucket):
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"x")
    s3.delete_bucket(Bucket=bucket)
    s3.create_bucket(Bucket=bucket)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    with aws_error("NoSuchTagSet", status=404):
        s3.get_bucket_tagging(Bucket=bucket)
    with aws_error("NoSuchUpload", status=404):
        s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)


def test_the_expected_owner_is_held_against_the_real_one(s3, bucket):
    s3.list_objects_v2(Bucket=bucket, ExpectedBucketOwner="000000000000")
    with aws_error("AccessDenied", status=403):
        s3.list_objects_v2(Bucket=bucket, ExpectedBucketOwner="111111111111")
