"""S3: where bucket and key are, and which operation is meant."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.routing import is_preflight
from tests.routing.asking import asking, refused, routed, scope

S3 = scope("s3")
DATE = "20261124"

OPERATIONS = [
    ("GET", "/", {}, "ListBuckets"),
    ("GET", "/?max-buckets=10&x-id=ListBuckets", {}, "ListBuckets"),
    ("PUT", "/b", {}, "CreateBucket"),
    ("PUT", "/b/", {}, "CreateBucket"),
    ("HEAD", "/b", {}, "HeadBucket"),
    ("DELETE", "/b", {}, "DeleteBucket"),
    ("GET", "/b", {}, "ListObjects"),
    ("GET", "/b/?prefix=acl&delimiter=%2F", {}, "ListObjects"),
    ("GET", "/b?list-type=1", {}, "ListObjects"),
    ("GET", "/b?list-type=2&prefix=a", {}, "ListObjectsV2"),
    ("GET", "/b?prefix=a&list%2Dtype=2", {}, "ListObjectsV2"),
    ("GET", "/b?versions", {}, "ListObjectVersions"),
    ("GET", "/b?versions=&prefix=x", {}, "ListObjectVersions"),
    ("GET", "/b?uploads", {}, "ListMultipartUploads"),
    ("GET", "/b?location", {}, "GetBucketLocation"),
    ("GET", "/b?acl", {}, "GetBucketAcl"),
    ("PUT", "/b?acl=", {}, "PutBucketAcl"),
    ("GET", "/b?tagging", {}, "GetBucketTagging"),
    ("GET", "/b?versioning", {}, "GetBucketVersioning"),
    ("GET", "/b?lifecycle", {}, "GetBucketLifecycleConfiguration"),
    ("PUT", "/b?lifecycle", {}, "PutBucketLifecycleConfiguration"),
    ("DELETE", "/b?lifecycle", {}, "DeleteBucketLifecycle"),
    ("GET", "/b?notification", {}, "GetBucketNotificationConfiguration"),
    ("PUT", "/b?notification", {}, "PutBucketNotificationConfiguration"),
    ("GET", "/b?analytics", {}, "ListBucketAnalyticsConfigurations"),
    ("GET", "/b?analytics&id=1", {}, "GetBucketAnalyticsConfiguration"),
    ("GET", "/b?id=1&inventory", {}, "GetBucketInventoryConfiguration"),
    ("GET", "/b?inventory&continuation-token=id", {}, "ListBucketInventoryConfigurations"),
    ("GET", "/b?session", {}, "CreateSession"),
    ("POST", "/b?delete", {}, "DeleteObjects"),
    ("POST", "/b?delete", {"content_type": "application/x-www-form-urlencoded"}, "DeleteObjects"),
    ("POST", "/b", {"content_type": "multipart/form-data; boundary=x"}, "PostObject"),
    ("POST", "/b/", {"content_type": "multipart/form-data; boundary=x"}, "PostObject"),
    ("GET", "/b/k", {}, "GetObject"),
    ("GET", "/b/k?versionId=1&response-content-type=a%2Fb", {}, "GetObject"),
    ("GET", "/b/k?session=of-a-web-page", {}, "GetObject"),
    ("GET", "/b/k?partNumber=1", {}, "GetObject"),
    ("GET", "/b/k?uploadId=1", {}, "ListParts"),
    ("GET", "/b/k?attributes", {}, "GetObjectAttributes"),
    ("GET", "/b/k?versionId=3&tagging", {}, "GetObjectTagging"),
    ("GET", "/b/k?torrent", {}, "GetObjectTorrent"),
    ("HEAD", "/b/k", {}, "HeadObject"),
    ("HEAD", "/b/k?partNumber=1", {}, "HeadObject"),
    ("PUT", "/b/k", {}, "PutObject"),
    ("PUT", "/b/k?x-id=PutObject", {}, "PutObject"),
    ("PUT", "/b/k?x-id=CopyObject", {"x_amz_copy_source": "b/other"}, "CopyObject"),
    ("PUT", "/b/k?partNumber=1&uploadId=2", {}, "UploadPart"),
    ("PUT", "/b/k?partNumber=1&uploadId=2", {"x_amz_copy_source": "b/other"}, "UploadPartCopy"),
    ("PUT", "/b/k?tagging", {"x_amz_copy_source": "ignored"}, "PutObjectTagging"),
    ("PUT", "/b/k?acl", {}, "PutObjectAcl"),
    ("PUT", "/b/k?legal-hold", {}, "PutObjectLegalHold"),
    ("PUT", "/b/k?renameObject", {}, "RenameObject"),
    ("POST", "/b/k?uploads", {}, "CreateMultipartUpload"),
    ("POST", "/b/k?uploadId=1", {}, "CompleteMultipartUpload"),
    ("POST", "/b/k?select&select-type=2", {}, "SelectObjectContent"),
    ("POST", "/b/k?restore&versionId=1", {}, "RestoreObject"),
    ("DELETE", "/b/k", {}, "DeleteObject"),
    ("DELETE", "/b/k?versionId=1", {}, "DeleteObject"),
    ("DELETE", "/b/k?uploadId=1", {}, "AbortMultipartUpload"),
    ("DELETE", "/b/k?tagging", {}, "DeleteObjectTagging"),
    ("OPTIONS", "/b/k", {"origin": "https://a.example", "access_control_request_method": "PUT"}, "Preflight"),
]


@pytest.mark.parametrize(("method", "target", "headers", "operation"), OPERATIONS)
def test_an_operation_is_told_by_method_subresource_and_headers(
    method: str, target: str, headers: dict[str, str], operation: str
) -> None:
    for authorization in ({"authorization": S3}, {}):
        found = routed(method, target, **headers, **authorization)
        assert (found.service, found.operation, found.protocol) == ("s3", operation, "rest-xml")


HOSTS = [
    ("b.s3.localhost:4566", "b", None),
    ("b.with.dots.s3.localhost:4566", "b.with.dots", None),
    ("b.s3.localhost.localstack.cloud:4566", "b", None),
    ("b.s3.eu-central-1.localhost.localstack.cloud:4566", "b", "eu-central-1"),
    ("b.s3.amazonaws.com", "b", None),
    ("B.S3.AmazonAWS.com", "b", None),
    ("b.s3.us-west-2.amazonaws.com", "b", "us-west-2"),
    ("b.s3.dualstack.us-west-2.amazonaws.com", "b", "us-west-2"),
    ("b.s3-us-west-2.amazonaws.com", "b", "us-west-2"),
    ("b.s3.cn-north-1.amazonaws.com.cn", "b", "cn-north-1"),
    ("b.s3-accelerate.amazonaws.com", "b", None),
    ("b.s3.in.it.s3.us-gov-west-1.amazonaws.com", "b.s3.in.it", "us-gov-west-1"),
    ("b--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com", "b--use1-az4--x-s3", "us-east-1"),
    ("b.s3.cairn.example:4566", "b", None),
    ("b.s3.eu-west-3.cairn.example", "b", "eu-west-3"),
    ("b.localhost:4566", "b", None),
    ("b.localhost.localstack.cloud:4566", "b", None),
    ("b.with.dots.localhost:4566", "b.with.dots", None),
    ("b.s3.localhost.", "b", None),
]


@pytest.mark.parametrize(("host", "bucket", "region"), HOSTS)
def test_a_bucket_in_the_host(host: str, bucket: str, region: str | None) -> None:
    found = routed("GET", "/k/x", host=host)
    assert (found.operation, found.labels) == ("GetObject", {"Bucket": bucket, "Key": "k/x"})
    assert found.region == (region or "us-east-1")
    assert routed("GET", "/", host=host, authorization=S3).labels == {"Bucket": bucket}
    assert routed("PUT", "/", host=host).operation == "CreateBucket"
    assert routed("POST", "/", host=host, content_type="multipart/form-data; boundary=-").operation == "PostObject"


@pytest.mark.parametrize("name", ["sqs", "lambda", "events", "us-east-1", "stack"])
def test_a_bucket_may_have_a_services_name_where_the_scope_says_s3(name: str) -> None:
    assert routed("GET", "/k", host=f"{name}.localhost:4566", authorization=S3).labels["Bucket"] == name


@pytest.mark.parametrize(
    "host",
    [
        "localhost:4566",
        "127.0.0.1:4566",
        "[::1]:4566",
        "s3.localhost",
        "s3.localhost.localstack.cloud:4566",
        "s3.eu-west-1.localhost.localstack.cloud:4566",
        "s3.us-west-2.amazonaws.com",
        "s3-us-west-2.amazonaws.com",
        "s3.dualstack.us-west-2.amazonaws.com",
        "cairn:4566",
        "host.docker.internal:4566",
        "s3.cairn.example",
        "",
    ],
)
def test_a_bucket_in_the_path(host: str) -> None:
    assert routed("GET", "/b/k/x", host=host, authorization=S3).labels == {"Bucket": "b", "Key": "k/x"}
    assert routed("GET", "/b/k/x", host=host).labels == {"Bucket": "b", "Key": "k/x"}


KEYS = [
    "k",
    "a//b",
    "/a",
    "//",
    "..",
    "a/../b",
    "./a",
    "a/",
    "a%2fb",
    "a%2Fb/",
    "%2e%2e/",
    "a+b%20c",
    "ü",
    "%FF",
    "?",
    "*",
]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_kept_to_the_byte(key: str) -> None:
    raw = key.replace("?", "%3F")
    assert routed("PUT", f"/b/{raw}", authorization=S3).labels == {"Bucket": "b", "Key": raw}
    assert routed("PUT", f"/{raw}", authorization=S3, host="b.s3.localhost").labels == {"Bucket": "b", "Key": raw}


@given(st.text(min_size=1, max_size=60).filter(lambda key: key not in ("", "/")), st.sampled_from(["", "/", "/%~"]))
def test_any_key_comes_back(key: str, safe: str) -> None:
    raw = quote(key, safe=safe, errors="surrogatepass").replace("?", "%3F")
    assert routed("GET", f"/b/{raw}", authorization=S3).labels["Key"] == raw


REFUSED = [
    ("POST", "/b/k", {}, "MethodNotAllowed", 405),
    ("PATCH", "/b/k", {}, "MethodNotAllowed", 405),
    ("PROPFIND", "/b", {}, "MethodNotAllowed", 405),
    ("PUT", "/", {}, "MethodNotAllowed", 405),
    ("POST", "/b", {}, "PreconditionFailed", 412),
    ("DELETE", "/b?acl", {}, "MethodNotAllowed", 405),
    ("DELETE", "/b?versioning", {}, "MethodNotAllowed", 405),
    ("DELETE", "/b/k?acl", {}, "MethodNotAllowed", 405),
    ("GET", "/b/k?uploads", {}, "MethodNotAllowed", 405),
    ("GET", "/b/k?location", {}, "InvalidRequest", 400),
    ("PUT", "/b/k?versioning", {}, "InvalidRequest", 400),
    ("GET", "/b?attributes", {}, "InvalidRequest", 400),
    ("PUT", "/b?legal-hold", {}, "InvalidRequest", 400),
]


@pytest.mark.parametrize(("method", "target", "headers", "code", "status"), REFUSED)
def test_what_s3_does_not_do_is_never_taken_for_something_else(
    method: str, target: str, headers: dict[str, str], code: str, status: int
) -> None:
    error = refused(method, target, authorization=S3, **headers)
    assert (error.code, error.status, error.service, error.protocol) == (code, status, "s3", "rest-xml")


def test_a_presigned_url_of_signature_version_4() -> None:
    query = (
        f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=000000000042%2F{DATE}%2Fap-south-1%2Fs3%2Faws4_request"
        f"&X-Amz-Date={DATE}T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00"
    )
    found = routed("PUT", f"/b/k?{query}")
    assert (found.operation, found.region, found.account) == ("PutObject", "ap-south-1", "000000000042")
    assert routed("PUT", f"/b/k?partNumber=2&uploadId=u&{query}").operation == "UploadPart"
    assert routed("GET", f"/b?list-type=2&{query}").operation == "ListObjectsV2"


def test_a_presigned_url_of_signature_version_2() -> None:
    found = routed("GET", "/b/k?AWSAccessKeyId=000000000042&Signature=x%3D&Expires=1890000000")
    assert (found.operation, found.account, found.access_key) == ("GetObject", "000000000042", "000000000042")


def test_a_signature_of_version_2_in_the_header() -> None:
    found = routed("PUT", "/b/k", authorization="AWS 000000000042:frJIUN8DYpKDtOLCwo//yllqDzg=")
    assert (found.service, found.operation, found.account) == ("s3", "PutObject", "000000000042")


def test_s3_control_by_account_header_host_and_scope() -> None:
    path = "/v20180820/accesspoint/mine"
    for headers in (
        {"x_amz_account_id": "123456789012"},
        {"host": "123456789012.localhost:4566"},
        {"host": "123456789012.s3-control.us-east-1.localhost.localstack.cloud:4566"},
        {"host": "123456789012.s3-control.us-east-1.amazonaws.com"},
        {"authorization": scope("s3-outposts")},
    ):
        found = routed("GET", path, **({"authorization": S3} | headers))
        assert (found.service, found.operation, found.labels) == ("s3control", "GetAccessPoint", {"name": "mine"})
    assert routed("GET", path, authorization=S3).labels == {"Bucket": "v20180820", "Key": "accesspoint/mine"}


def test_s3_under_its_other_signing_names() -> None:
    assert routed("GET", "/b?session", authorization=scope("s3express")).operation == "CreateSession"
    assert routed("GET", "/", authorization=scope("s3express")).operation == "ListDirectoryBuckets"
    answer = routed("POST", "/WriteGetObjectResponse", authorization=scope("s3-object-lambda"), host="r.localhost")
    assert answer.operation == "WriteGetObjectResponse"


def test_a_website_endpoint_is_published() -> None:
    for host in ("b.s3-website.localhost.localstack.cloud:4566", "b.s3-website-eu-west-1.amazonaws.com"):
        found = routed("GET", "/docs/", host=host)
        assert (found.service, found.labels) == ("s3-website", {"Bucket": "b", "Key": "docs/"})


def test_a_preflight_is_told_from_other_options() -> None:
    asked = {"origin": "https://a.example", "access_control_request_method": "PUT"}
    assert is_preflight(asking("OPTIONS", "/b/k", **asked))
    assert not is_preflight(asking("OPTIONS", "/b/k"))
    assert not is_preflight(asking("PUT", "/b/k", **asked))
