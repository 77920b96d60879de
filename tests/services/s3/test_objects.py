"""Objects: written, read, copied, deleted."""

from __future__ import annotations

import datetime
import hashlib
import os

import pytest
from botocore.exceptions import ClientError

from tests.errors import aws_error


def read(s3, bucket, key, **params):
    return s3.get_object(Bucket=bucket, Key=key, **params)["Body"].read()


@pytest.mark.parametrize("size", [0, 1, 4096, 4097, 600_000, 2_000_000])
def test_content_comes_back_as_it_was(s3, bucket, size):
    data = os.urandom(size)
    etag = s3.put_object(Bucket=bucket, Key="k", Body=data)["ETag"]
    assert etag == f'"{hashlib.md5(data).hexdigest()}"'
    answer = s3.get_object(Bucket=bucket, Key="k")
    assert answer["Body"].read() == data
    assert answer["ContentLength"] == size
    assert answer["ETag"] == etag


def test_headers_and_metadata_come_back(s3, bucket):
    expires = datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    s3.put_object(
        Bucket=bucket, Key="k", Body=b"x", ContentType="text/plain", CacheControl="no-cache", ContentDisposition="inline",
        ContentEncoding="gzip", ContentLanguage="de", Expires=expires, Metadata={"Color": "blue"},
        StorageClass="STANDARD_IA", WebsiteRedirectLocation="/other",
    )  # fmt: skip
    head = s3.head_object(Bucket=bucket, Key="k")
    assert head["ContentType"] == "text/plain"
    assert head["CacheControl"] == "no-cache"
    assert head["ContentDisposition"] == "inline"
    assert head["ContentEncoding"] == "gzip"
    assert head["ContentLanguage"] == "de"
    assert head["Expires"] == expires
    assert head["Metadata"] == {"color": "blue"}
    assert head["StorageClass"] == "STANDARD_IA"
    assert head["WebsiteRedirectLocation"] == "/other"
    assert head["ServerSideEncryption"] == "AES256"


def test_the_default_type_is_octet_stream(s3, bucket, raw):
    raw("PUT", f"/{bucket}/k", b"x")
    assert s3.head_object(Bucket=bucket, Key="k")["ContentType"] == "binary/octet-stream"


def test_an_expires_header_that_is_no_date_is_kept(s3, bucket, raw):
    raw("PUT", f"/{bucket}/k", b"x", {"Expires": "whenever"})
    assert raw("GET", f"/{bucket}/k").headers["expires"] == "whenever"


def test_too_much_metadata_is_refused(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Metadata={"a": "x" * 2047})
    with aws_error("MetadataTooLarge", status=400):
        s3.put_object(Bucket=bucket, Key="k", Metadata={"a": "x" * 2048})


def test_an_absent_key_is_told(s3, bucket):
    with aws_error("NoSuchKey", status=404) as caught:
        s3.get_object(Bucket=bucket, Key="absent")
    assert caught.value.response["Error"]["Key"] == "absent"
    with aws_error("404", status=404):
        s3.head_object(Bucket=bucket, Key="absent")


def test_a_range_is_a_part_of_the_content(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    answer = s3.get_object(Bucket=bucket, Key="k", Range="bytes=2-4")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert answer["ContentRange"] == "bytes 2-4/10"
    assert answer["Body"].read() == b"234"
    assert read(s3, bucket, "k", Range="bytes=-3") == b"789"
    assert read(s3, bucket, "k", Range="bytes=7-") == b"789"
    assert read(s3, bucket, "k", Range="bytes=7-100") == b"789"
    assert read(s3, bucket, "k", Range="bytes=0-1,4-5") == b"0123456789"


def test_a_range_of_a_blob_is_read_from_the_middle(s3, bucket):
    data = os.urandom(100_000)
    s3.put_object(Bucket=bucket, Key="k", Body=data)
    assert read(s3, bucket, "k", Range="bytes=50000-59999") == data[50000:60000]


def test_a_range_behind_the_end_is_refused(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    with aws_error("InvalidRange", status=416) as caught:
        s3.get_object(Bucket=bucket, Key="k", Range="bytes=10-")
    assert caught.value.response["Error"]["ActualObjectSize"] == "10"
    assert caught.value.response["Error"]["RangeRequested"] == "bytes=10-"


def test_conditions_of_a_read(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    modified = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    assert read(s3, bucket, "k", IfMatch=etag, IfUnmodifiedSince=modified - datetime.timedelta(days=1)) == b"x"
    with aws_error("PreconditionFailed", status=412) as caught:
        s3.get_object(Bucket=bucket, Key="k", IfMatch='"other"')
    assert caught.value.response["Error"]["Condition"] == "If-Match"
    with aws_error("304", status=304) as caught:
        s3.get_object(Bucket=bucket, Key="k", IfNoneMatch=etag)
    assert caught.value.response["ResponseMetadata"]["HTTPHeaders"]["etag"] == etag
    with aws_error("304", status=304):
        s3.head_object(Bucket=bucket, Key="k", IfModifiedSince=modified)


def test_response_headers_can_be_asked_for(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentType="text/plain")
    answer = s3.get_object(
        Bucket=bucket,
        Key="k",
        ResponseContentType="text/html",
        ResponseContentDisposition="attachment",
        ResponseCacheControl="x",
    )
    assert (answer["ContentType"], answer["ContentDisposition"], answer["CacheControl"]) == (
        "text/html",
        "attachment",
        "x",
    )


def test_a_write_can_want_the_key_to_be_free(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")
    with aws_error("PreconditionFailed", status=412):
        s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")
    assert read(s3, bucket, "k") == b"1"


def test_a_write_can_want_the_version_it_knows(s3, bucket):
    with aws_error("NoSuchKey", status=404):
        s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfMatch='"any"')
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=etag)
    with aws_error("PreconditionFailed", status=412):
        s3.put_object(Bucket=bucket, Key="k", Body=b"3", IfMatch=etag)
    assert read(s3, bucket, "k") == b"2"


def test_a_delete_can_want_the_version_it_knows(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
    with aws_error("PreconditionFailed", status=412):
        s3.delete_object(Bucket=bucket, Key="k", IfMatch='"other"')
    s3.delete_object(Bucket=bucket, Key="k", IfMatch=etag)
    with aws_error("NoSuchKey", status=404):
        s3.get_object(Bucket=bucket, Key="k")


@pytest.mark.parametrize(
    "key",
    [
        "..",
        "a/../b",
        "a//b",
        "/leading",
        "trailing/",
        "//",
        "ä",
        "a\u0308",
        "%2F",
        "a+b c",
        "\U0001f600",
        "a?b#c&d=e",
        "x" * 1024,
    ],
)
def test_a_key_is_kept_to_the_letter(s3, bucket, key):
    s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert read(s3, bucket, key) == key.encode()
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]


def test_unicode_normal_forms_are_different_keys(s3, bucket):
    s3.put_object(Bucket=bucket, Key="\u00e4", Body=b"composed")
    s3.put_object(Bucket=bucket, Key="a\u0308", Body=b"decomposed")
    assert read(s3, bucket, "\u00e4") == b"composed"
    assert read(s3, bucket, "a\u0308") == b"decomposed"


def test_a_key_of_more_than_1024_bytes_is_refused(s3, bucket):
    with aws_error("KeyTooLongError", status=400):
        s3.put_object(Bucket=bucket, Key="ä" * 513)


def test_a_copy_has_the_sources_content_and_headers(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"data", ContentType="text/plain", Metadata={"m": "1"}, Tagging="t=1")
    s3.copy_object(Bucket=bucket, Key="b", CopySource={"Bucket": bucket, "Key": "a"})
    answer = s3.get_object(Bucket=bucket, Key="b")
    assert (answer["Body"].read(), answer["ContentType"], answer["Metadata"]) == (b"data", "text/plain", {"m": "1"})
    assert s3.get_object_tagging(Bucket=bucket, Key="b")["TagSet"] == [{"Key": "t", "Value": "1"}]


def test_a_copy_can_replace_metadata_and_tags(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"data", ContentType="text/plain", Metadata={"m": "1"}, Tagging="t=1")
    s3.copy_object(
        Bucket=bucket, Key="a", CopySource={"Bucket": bucket, "Key": "a"}, MetadataDirective="REPLACE", Metadata={"n": "2"},
        TaggingDirective="REPLACE", Tagging="u=2",
    )  # fmt: skip
    head = s3.head_object(Bucket=bucket, Key="a")
    assert (head["ContentType"], head["Metadata"]) == ("binary/octet-stream", {"n": "2"})
    assert s3.get_object_tagging(Bucket=bucket, Key="a")["TagSet"] == [{"Key": "u", "Value": "2"}]


def test_a_copy_to_itself_must_change_something(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"data")
    with aws_error("InvalidRequest", status=400, message="copy an object to itself"):
        s3.copy_object(Bucket=bucket, Key="a", CopySource={"Bucket": bucket, "Key": "a"})
    s3.copy_object(Bucket=bucket, Key="a", CopySource={"Bucket": bucket, "Key": "a"}, StorageClass="STANDARD_IA")
    assert s3.head_object(Bucket=bucket, Key="a")["StorageClass"] == "STANDARD_IA"


def test_conditions_of_a_copy(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="a", Body=b"data")["ETag"]
    source = {"Bucket": bucket, "Key": "a"}
    s3.copy_object(Bucket=bucket, Key="b", CopySource=source, CopySourceIfMatch=etag)
    with aws_error("PreconditionFailed", status=412):
        s3.copy_object(Bucket=bucket, Key="c", CopySource=source, CopySourceIfNoneMatch=etag)
    with aws_error("NoSuchKey", status=404):
        s3.copy_object(Bucket=bucket, Key="c", CopySource={"Bucket": bucket, "Key": "absent"})


def test_deleting_what_is_not_there_succeeds(s3, bucket):
    assert s3.delete_object(Bucket=bucket, Key="absent")["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_many_are_deleted_at_once(s3, bucket):
    for key in ("a", "b"):
        s3.put_object(Bucket=bucket, Key=key)
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a"}, {"Key": "b"}, {"Key": "absent"}]})
    assert [each["Key"] for each in answer["Deleted"]] == ["a", "b", "absent"]
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    assert "Deleted" not in s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a"}], "Quiet": True})


def test_at_most_a_thousand_are_deleted_at_once(s3, bucket):
    with aws_error("MalformedXML", status=400):
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": str(number)} for number in range(1001)]})


def test_tags_are_kept_and_counted(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Tagging="a=1&b=x%20y")
    assert s3.get_object(Bucket=bucket, Key="k")["TagCount"] == 2
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "c", "Value": "3"}]})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "c", "Value": "3"}]
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ([("a", "1")] * 2, "InvalidTag"),
        ([(str(n), "") for n in range(11)], "BadRequest"),
        ([("k" * 129, "")], "InvalidTag"),
        ([("k", "v" * 257)], "InvalidTag"),
        ([("aws:k", "v")], "InvalidTag"),
    ],
)
def test_tags_have_limits(s3, bucket, tags, code):
    s3.put_object(Bucket=bucket, Key="k")
    with aws_error(code, status=400):
        s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": k, "Value": v} for k, v in tags]})


def test_attributes_are_those_asked_for(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello", ChecksumAlgorithm="SHA256")
    answer = s3.get_object_attributes(
        Bucket=bucket, Key="k", ObjectAttributes=["ETag", "Checksum", "ObjectSize", "StorageClass", "ObjectParts"]
    )
    assert answer["ETag"] == hashlib.md5(b"hello").hexdigest()
    assert answer["ObjectSize"] == 5
    assert answer["StorageClass"] == "STANDARD"
    assert answer["Checksum"]["ChecksumSHA256"] == "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="
    assert "ObjectParts" not in answer
    with aws_error("InvalidArgument", status=400):
        s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["Nonsense"])


KEY = "pO3upElrwuEXSoFwCfnZPdSsmt/xWeFa0N9KgDijwVs="


def test_what_is_stored_with_a_customers_key_is_read_with_it(client, s3, bucket):
    import base64

    own = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": base64.b64decode(KEY)}
    s3.put_object(Bucket=bucket, Key="k", Body=b"secret", **own)
    assert read(s3, bucket, "k", **own) == b"secret"
    with aws_error("InvalidRequest", status=400):
        s3.get_object(Bucket=bucket, Key="k")
    with aws_error("AccessDenied", status=403):
        s3.get_object(Bucket=bucket, Key="k", SSECustomerAlgorithm="AES256", SSECustomerKey=bytes(32))


def test_an_archived_object_cannot_be_read(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", StorageClass="GLACIER")
    with aws_error("InvalidObjectState", status=403) as caught:
        s3.get_object(Bucket=bucket, Key="k")
    assert caught.value.response["Error"]["StorageClass"] == "GLACIER"


def test_a_storage_class_that_is_none_is_refused(s3, bucket):
    with aws_error("InvalidStorageClass", status=400):
        s3.put_object(Bucket=bucket, Key="k", StorageClass="CHEAP")


def test_what_is_not_built_says_so(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k")
    with pytest.raises(ClientError) as caught:
        s3.get_object_torrent(Bucket=bucket, Key="k")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
