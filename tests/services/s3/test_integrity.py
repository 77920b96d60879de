"""What a body must be: whole, as long and as its digests say, and well encoded. Nothing is changed where it is not."""

from __future__ import annotations

import base64
import hashlib
import socket
from urllib.parse import urlsplit

import pytest

from app.services.s3 import checksums
from tests.errors import aws_error

SIGNATURE = "0123456789abcdef" * 4


def code(answer):
    return answer.body.decode().partition("<Code>")[2].partition("</Code>")[0]


@pytest.fixture
def absent(s3, bucket):
    yield
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def crc32(data):
    return checksums.text(checksums.once("CRC32", data))


@pytest.mark.usefixtures("absent")
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Content-MD5": "nonsense"}, "InvalidDigest"),
        ({"Content-MD5": ""}, "InvalidDigest"),
        ({"Content-MD5": base64.b64encode(bytes(16)).decode()}, "BadDigest"),
        ({"x-amz-checksum-crc32": "AAAAAA=="}, "BadDigest"),
        ({"x-amz-checksum-crc32": "nonsense"}, "InvalidRequest"),
        ({"x-amz-checksum-sha256": "AAAAAA=="}, "InvalidRequest"),
        ({"x-amz-checksum-crc32": crc32(b"data"), "x-amz-checksum-sha1": "x"}, "InvalidRequest"),
        ({"x-amz-sdk-checksum-algorithm": "CRC32"}, "InvalidRequest"),
        ({"x-amz-content-sha256": "0" * 64}, "XAmzContentSHA256Mismatch"),
        ({"x-amz-content-sha256": "nonsense"}, "InvalidArgument"),
        ({"x-amz-tagging": "a=1&a=2"}, "InvalidArgument"),
        ({"x-amz-storage-class": "CHEAP"}, "InvalidStorageClass"),
        ({"x-amz-acl": "public-read"}, "AccessControlListNotSupported"),
        ({"Content-Length": str(6 * 1024**3)}, "EntityTooLarge"),
        ({"x-amz-meta-a": "x" * 2048}, "MetadataTooLarge"),
    ],
)
def test_a_promise_that_is_not_kept_is_refused(raw, bucket, headers, expected):
    answer = raw("PUT", f"/{bucket}/k", b"data", headers)
    assert (answer.status, code(answer)) == (400, expected)


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-MD5": base64.b64encode(hashlib.md5(b"data").digest()).decode()},
        {"x-amz-content-sha256": hashlib.sha256(b"data").hexdigest()},
        {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"},
        *[
            {f"x-amz-checksum-{name.lower()}": checksums.text(checksums.once(name, b"data"))}
            for name in ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256")
        ],
    ],
)
def test_a_promise_that_is_kept_is_taken(raw, bucket, headers):
    answer = raw("PUT", f"/{bucket}/k", b"data", headers)
    assert answer.status == 200
    for name, value in headers.items():
        if name.startswith("x-amz-checksum"):
            assert answer.headers[name] == value


def test_without_a_checksum_s3_computes_one(raw, bucket):
    answer = raw("PUT", f"/{bucket}/k", b"data")
    assert answer.headers["x-amz-checksum-crc64nvme"] == checksums.text(checksums.once("CRC64NVME", b"data"))
    assert answer.headers["x-amz-checksum-type"] == "FULL_OBJECT"


@pytest.mark.usefixtures("absent")
def test_a_length_is_wanted(raw, bucket):
    answer = raw("PUT", f"/{bucket}/k")
    assert (answer.status, code(answer)) == (411, "MissingContentLength")


@pytest.mark.parametrize("path", ["a%00b", "%00", "%ff", "%c3%28", "a%ed%a0%80"])
@pytest.mark.usefixtures("absent")
def test_a_path_that_is_no_text_is_refused(raw, bucket, path):
    answer = raw("PUT", f"/{bucket}/{path}", b"x")
    assert answer.status == 400


def test_a_path_is_decoded_once(raw, s3, bucket):
    for path in ("a%252Fb", "a%2Fb", "..%2f..", "%2e%2e/x", "a%20b", "a+b"):
        assert raw("PUT", f"/{bucket}/{path}", b"x").status == 200
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert keys == sorted(["a%2Fb", "a/b", "../..", "../x", "a b", "a+b"])


def chunked(data, signed=False, trailer=None, step=64 * 1024):
    out = b""
    for chunk in [*[data[at : at + step] for at in range(0, len(data), step)], b""]:
        signature = f";chunk-signature={SIGNATURE}".encode() if signed else b""
        out += f"{len(chunk):x}".encode() + signature + b"\r\n" + chunk + (b"\r\n" if chunk else b"")
    if trailer is not None:
        out += trailer + b"\r\n"
    return out + b"\r\n"


def headers_for(data, kind, **more):
    return {"x-amz-content-sha256": kind, "x-amz-decoded-content-length": str(len(data)), **more}


SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
UNSIGNED = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


@pytest.mark.parametrize("size", [0, 100, 70_000, 1_500_000])
def test_a_chunked_body_is_decoded(raw, s3, bucket, size):
    data = bytes(range(256)) * (size // 256 + 1)
    data = data[:size]
    headers = headers_for(data, SIGNED, **{"Content-Encoding": "aws-chunked,gzip"})
    assert raw("PUT", f"/{bucket}/k", chunked(data, signed=True), headers).status == 200
    answer = s3.get_object(Bucket=bucket, Key="k")
    assert (answer["Body"].read(), answer["ContentEncoding"]) == (data, "gzip")


@pytest.mark.parametrize("name", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_a_checksum_may_come_in_the_trailer(raw, s3, bucket, name):
    data = b"some data"
    header = f"x-amz-checksum-{name.lower()}"
    value = checksums.text(checksums.once(name, data))
    body = chunked(data, trailer=f"{header}:{value}".encode())
    answer = raw("PUT", f"/{bucket}/k", body, headers_for(data, UNSIGNED, **{"x-amz-trailer": header}))
    assert (answer.status, answer.headers[header]) == (200, value)


@pytest.mark.usefixtures("absent")
@pytest.mark.parametrize(
    ("trailer", "expected"),
    [
        (b"x-amz-checksum-crc32:AAAAAA==", "BadDigest"),
        (b"x-amz-checksum-crc32:nonsense", "InvalidRequest"),
        (b"nonsense", "MalformedTrailerError"),
        (None, "MalformedTrailerError"),
    ],
)
def test_a_trailer_that_is_wrong_is_refused(raw, bucket, trailer, expected):
    headers = headers_for(b"data", UNSIGNED, **{"x-amz-trailer": "x-amz-checksum-crc32"})
    answer = raw("PUT", f"/{bucket}/k", chunked(b"data", trailer=trailer), headers)
    assert (answer.status, code(answer)) == (400, expected)


@pytest.mark.usefixtures("absent")
@pytest.mark.parametrize(
    ("body", "length", "status", "expected"),
    [
        (b"4\r\ndata\r\n0\r\n\r\n", "4", 403, "SignatureDoesNotMatch"),
        (b"4;chunk-signature=short\r\ndata\r\n0\r\n\r\n", "4", 403, "SignatureDoesNotMatch"),
        (b"zz;chunk-signature=" + b"0" * 64 + b"\r\ndata\r\n", "4", 400, "IncompleteBody"),
        (chunked(b"data", signed=True)[:-80], "4", 400, "IncompleteBody"),
        (chunked(b"data", signed=True), "5", 400, "IncompleteBody"),
        (chunked(b"data", signed=True), "3", 400, "IncompleteBody"),
        (chunked(b"data", signed=True), "", 411, "MissingContentLength"),
    ],
)
def test_a_badly_chunked_body_is_refused(raw, bucket, body, length, status, expected):
    headers = {"x-amz-content-sha256": SIGNED, "x-amz-decoded-content-length": length}
    answer = raw("PUT", f"/{bucket}/k", body, headers)
    assert (answer.status, code(answer)) == (status, expected)


@pytest.mark.usefixtures("absent")
@pytest.mark.parametrize("size", [10, 3_000_000])
def test_a_body_that_is_cut_off_changes_nothing(stack, server, bucket, size):
    place = urlsplit(stack.url)
    head = f"PUT {place.path}/{bucket}/k HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: {size + 100}\r\n"
    head += "Authorization: AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/s3/aws4_request, "
    head += f"SignedHeaders=host, Signature={'0' * 64}\r\n\r\n"
    with socket.create_connection((place.hostname, place.port), timeout=30) as connection:
        connection.sendall(head.encode() + b"x" * size)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(65536)
    assert not answer or answer.startswith(b"HTTP/1.1 400")
    assert list((server.data / "blobs" / "tmp").iterdir()) == []


@pytest.mark.parametrize(
    "body",
    [b"<", b"<Tagging>", b"<Wrong/>", b"\xff\xfe", b"<Tagging><TagSet><Tag><Key>a</Key></TagSet></Tagging>"],
)
def test_xml_that_is_malformed_is_refused(raw, s3, bucket, body):
    s3.put_object(Bucket=bucket, Key="k")
    md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
    answer = raw("PUT", f"/{bucket}/k?tagging", body, {"Content-MD5": md5})
    assert (answer.status, code(answer)) == (400, "MalformedXML")


@pytest.mark.parametrize(
    ("authorization", "date", "status", "expected"),
    [
        ("AWS nonsense", "Mon, 01 Jan 2024 00:00:00 GMT", 400, "InvalidArgument"),
        ("AWS key:signature", "", 403, "AccessDenied"),
        ("AWS key:signature", "nonsense", 403, "AccessDenied"),
        ("AWS key:signature", "Mon, 01 Jan 2024 00:00:00 GMT", 403, "RequestTimeTooSkewed"),
    ],
)
def test_a_version_2_signature_has_a_form_and_a_date(raw, bucket, authorization, date, status, expected):
    answer = raw("PUT", f"/{bucket}/k", b"x", {"Authorization": authorization, "Date": date})
    assert (answer.status, code(answer)) == (status, expected)


def test_an_error_of_a_head_has_no_body(raw, bucket):
    answer = raw("HEAD", f"/{bucket}/absent")
    assert (answer.status, answer.body) == (404, b"")


def test_bad_digest_through_boto3(s3, bucket):
    with aws_error("BadDigest", status=400):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", ChecksumCRC32="AAAAAA==")
