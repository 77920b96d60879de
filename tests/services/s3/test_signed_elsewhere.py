"""Presigned URLs and browsers' forms."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
import requests

from tests.errors import aws_error


def error(answer):
    return answer.text.partition("<Code>")[2].partition("</Code>")[0]


@pytest.fixture(params=["s3", "s3v4"])
def signer(client, bucket, request):
    return client("s3", signature_version=request.param)


def test_a_presigned_get_is_answered(s3, signer, bucket):
    s3.put_object(Bucket=bucket, Key="a b/ä", Body=b"data")
    url = signer.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "a b/ä"}, ExpiresIn=60)
    answer = requests.get(url, timeout=10)
    assert (answer.status_code, answer.content) == (200, b"data")


def test_a_presigned_put_is_taken(s3, signer, bucket):
    url = signer.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "k"}, ExpiresIn=60)
    assert requests.put(url, data=b"data", timeout=10).status_code == 200
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"data"


def test_a_presigned_url_that_is_too_old_is_refused(s3, bucket, client, stack):
    s3.put_object(Bucket=bucket, Key="k")
    old = client("s3", signature_version="s3").generate_presigned_url(
        "get_object", {"Bucket": bucket, "Key": "k"}, ExpiresIn=-10
    )
    answer = requests.get(old, timeout=10)
    assert (answer.status_code, error(answer)) == (403, "AccessDenied")
    assert "Request has expired" in answer.text


@pytest.mark.parametrize(("seconds", "message"), [(604801, "less than"), (-1, "non-negative")])
def test_a_presigned_urls_life_has_bounds(client, bucket, seconds, message):
    url = client("s3", signature_version="s3v4").generate_presigned_url(
        "get_object", {"Bucket": bucket, "Key": "k"}, ExpiresIn=60
    )
    answer = requests.get(url.replace("X-Amz-Expires=60", f"X-Amz-Expires={seconds}"), timeout=10)
    assert (answer.status_code, error(answer)) == (400, "AuthorizationQueryParametersError")
    assert message in answer.text


def test_a_presigned_url_must_have_all_of_its_parameters(client, bucket):
    url = client("s3", signature_version="s3v4").generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"})
    answer = requests.get(url.replace("X-Amz-Date", "X-Amz-Datum"), timeout=10)
    assert (answer.status_code, error(answer)) == (400, "AuthorizationQueryParametersError")


def post(stack, bucket, fields, content=b"data", name="file.txt", conditions=None, expires=600, policy=None):
    expiration = (datetime.now(UTC) + timedelta(seconds=expires)).strftime("%Y-%m-%dT%H:%M:%SZ")
    document = policy or {"expiration": expiration, "conditions": conditions or []}
    if conditions is not None or policy is not None:
        text = b64encode(json.dumps(document).encode()).decode()
        fields = {**fields, "policy": text, "AWSAccessKeyId": "000000000000", "signature": "c2ln"}
    return requests.post(f"{stack.url}/{bucket}", data=fields, files={"file": (name, content)}, timeout=10)


def test_a_form_that_boto3_signs_is_taken(s3, bucket):
    form = s3.generate_presigned_post(bucket, "form/${filename}", Conditions=[["content-length-range", 1, 100]])
    answer = requests.post(form["url"], data=form["fields"], files={"file": ("x.txt", b"abc")}, timeout=10)
    assert answer.status_code == 204
    assert answer.headers["location"].endswith(f"/{bucket}/form/x.txt")
    assert s3.get_object(Bucket=bucket, Key="form/x.txt")["Body"].read() == b"abc"


def test_a_forms_fields_are_the_objects_headers(s3, stack, bucket):
    fields = {
        "key": "k", "Content-Type": "text/plain", "x-amz-meta-color": "blue",
        "tagging": "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>",
    }  # fmt: skip
    assert post(stack, bucket, fields).status_code == 204
    head = s3.head_object(Bucket=bucket, Key="k")
    assert (head["ContentType"], head["Metadata"], head["TagCount"]) == ("text/plain", {"color": "blue"}, 1)


def test_a_form_says_what_answer_it_wants(stack, bucket):
    assert post(stack, bucket, {"key": "k", "success_action_status": "200"}).status_code == 200
    created = post(stack, bucket, {"key": "k", "success_action_status": "201"})
    assert created.status_code == 201
    assert "<Key>k</Key>" in created.text
    assert post(stack, bucket, {"key": "k", "success_action_status": "404"}).status_code == 204
    form = {"key": "k", "success_action_redirect": f"{stack.url}/{bucket}/elsewhere"}
    answer = requests.post(f"{stack.url}/{bucket}", data=form, files={"file": b"x"}, timeout=10, allow_redirects=False)
    assert answer.status_code == 303
    assert urlsplit(answer.headers["location"]).query.startswith(f"bucket={bucket}&key=k&etag=%22")


@pytest.mark.parametrize("size", [0, 5000, 700_000])
def test_a_forms_file_may_be_large(s3, stack, bucket, size):
    data = (b"--boundary\r\n" * (size // 12 + 1))[:size]
    assert post(stack, bucket, {"key": "k"}, data).status_code == 204
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == data


BUCKET, KEY = {"bucket": "?"}, ["starts-with", "$key", "up/"]


@pytest.mark.parametrize(
    ("fields", "options", "status", "expected"),
    [
        ({"key": "up/a"}, {}, 204, ""),
        ({"key": "UP/a"}, {}, 403, "AccessDenied"),
        ({"key": "up/a", "x-amz-meta-more": "1"}, {}, 403, "AccessDenied"),
        ({"key": "up/a", "x-ignore-me": "1"}, {}, 204, ""),
        ({"key": "up/a"}, {"expires": -10}, 403, "AccessDenied"),
        ({"key": "up/a"}, {"content": b"x" * 11}, 400, "EntityTooLarge"),
        ({"key": "up/a"}, {"content": b"x"}, 400, "EntityTooSmall"),
        ({}, {}, 400, "InvalidArgument"),
        ({"key": "up/a"}, {"policy": {"conditions": [BUCKET]}}, 400, "InvalidPolicyDocument"),
        ({"key": "up/a"}, {"policy": {"expiration": "2100-01-01T00:00:00Z"}}, 400, "InvalidPolicyDocument"),
        ({"key": "up/a"}, {"policy": {"expiration": "soon", "conditions": [BUCKET]}}, 400, "InvalidPolicyDocument"),
    ],
)
def test_a_form_is_held_against_its_policy(stack, s3, bucket, fields, options, status, expected):
    options = {"conditions": [{"bucket": bucket}, KEY, ["content-length-range", 2, 10]], **options}
    answer = post(stack, bucket, fields, **options)
    assert (answer.status_code, error(answer)) == (status, expected)
    if status != 204:
        assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_a_form_without_a_file_is_refused(stack, bucket):
    answer = requests.post(f"{stack.url}/{bucket}", files={"key": (None, "k")}, timeout=10)
    assert (answer.status_code, error(answer)) == (400, "InvalidArgument")


def test_a_form_that_has_no_end_is_refused(stack, s3, bucket):
    body = b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nk\r\n'
    body += b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\ndata and no end'
    answer = requests.post(
        f"{stack.url}/{bucket}", data=body, headers={"Content-Type": "multipart/form-data; boundary=b"}, timeout=10
    )
    assert (answer.status_code, error(answer)) == (400, "MalformedPOSTRequest")
    with aws_error("NoSuchKey"):
        s3.get_object(Bucket=bucket, Key="k")
