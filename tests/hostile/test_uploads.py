"""Uploads in S3's own chunks that are wrong, and uploads that break off."""

from __future__ import annotations

import base64
import zlib

import pytest

from tests.hostile.conftest import SIGNATURE, code_of, signed
from tests.server.serving import until

SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
DATA = b"d" * 10_000
CRC = base64.b64encode(zlib.crc32(DATA).to_bytes(4, "big")).decode()
MARK = f";chunk-signature={SIGNATURE}"


def chunk(data: bytes, mark: str = MARK, size: str | None = None) -> bytes:
    """Return a chunk, or the last one with neither data nor its empty line."""
    size = f"{len(data):x}" if size is None else size
    return f"{size}{mark}\r\n".encode("latin-1") + (data + b"\r\n" if data else b"")


def headers_of(kind: str, length: str | None = str(len(DATA)), **more: str) -> dict[str, str]:
    """Return the headers of an upload in S3's chunks; in `more`, `_` stands for `-`."""
    headers = {"x-amz-content-sha256": kind, "Content-Encoding": "aws-chunked"}
    if length is not None:
        headers["x-amz-decoded-content-length"] = length
    return headers | {name.replace("_", "-"): value for name, value in more.items()}


SENT = chunk(DATA) + chunk(b"")
SIGNED_BODIES = {
    "no signature": chunk(DATA, "") + chunk(b"", "") + b"\r\n",
    "an empty signature": chunk(DATA, ";chunk-signature=") + chunk(b"") + b"\r\n",
    "a short signature": chunk(DATA, MARK[:-1]) + chunk(b"") + b"\r\n",
    "a long signature": chunk(DATA, MARK + "0") + chunk(b"") + b"\r\n",
    "a signature in no hex": chunk(DATA, MARK[:-1] + "g") + chunk(b"") + b"\r\n",
    "another extension": chunk(DATA, ";nonsense=" + SIGNATURE) + chunk(b"") + b"\r\n",
    "two extensions": chunk(DATA, MARK + MARK) + chunk(b"") + b"\r\n",
    "a size in no hex": chunk(DATA, size="xyz") + chunk(b"") + b"\r\n",
    "a negative size": chunk(DATA, size="-5") + chunk(b"") + b"\r\n",
    "no size": chunk(DATA, size="") + chunk(b"") + b"\r\n",
    "a size with a prefix": chunk(DATA, size="0x2710") + chunk(b"") + b"\r\n",
    "a size too small": chunk(DATA, size="270f") + chunk(b"") + b"\r\n",
    "a size too large": chunk(DATA, size="2711") + chunk(b"") + b"\r\n",
    "an exabyte": chunk(DATA, size="fffffffffffffff") + chunk(b"") + b"\r\n",
    "a size of many digits": chunk(DATA, size="0" * 100 + "2710") + chunk(b"") + b"\r\n",
    "no last chunk": chunk(DATA),
    "no data": b"",
    "half a chunk": chunk(DATA)[:5000],
    "half a head": chunk(DATA) + b"0;chunk-sig",
    "bare line feeds": SENT.replace(b"\r\n", b"\n"),
    "bytes after the last chunk": SENT + b"\r\nmore bytes",
    "a trailer that was not announced": SENT + b"x-amz-checksum-crc32:" + CRC.encode() + b"\r\n\r\n",
    "plain bytes": DATA,
    "a very long head": b"0" * 40_000 + SENT,
    "too little data": chunk(DATA[:-1]) + chunk(b"") + b"\r\n",
    "too much data": chunk(DATA + b"d") + chunk(b"") + b"\r\n",
    "small chunks before the last": chunk(DATA[:5000]) + chunk(DATA[5000:]) + chunk(b"") + b"\r\n",
}


@pytest.mark.parametrize("body", SIGNED_BODIES.values(), ids=SIGNED_BODIES)
@pytest.mark.parametrize("target", ["/things/new", "/things/kept"])
def test_chunks_that_are_broken_store_nothing(victim, target, body):
    blobs = victim.stored()
    answer = victim.s3("PUT", target, body, headers_of(SIGNED))
    assert answer.status in (400, 403), answer.body
    assert code_of(answer) in (
        "IncompleteBody", "SignatureDoesNotMatch", "InvalidChunkSizeError", "MalformedTrailerError",
    )  # fmt: skip
    assert victim.stored() == blobs


@pytest.mark.parametrize("length", [None, "", "-1", "a", "1e4", "0x10", "9" * 30, "9999", "10001", "0", "5368709121"])
def test_a_decoded_length_that_is_wrong_stores_nothing(victim, length):
    answer = victim.s3("PUT", "/things/new", SENT + b"\r\n", headers_of(SIGNED, length))
    assert answer.status in (400, 411), answer.body
    assert code_of(answer) in ("IncompleteBody", "MissingContentLength", "EntityTooLarge")


TRAILERS = {
    "none": b"\r\n",
    "another's": b"x-amz-checksum-crc32c:AAAAAA==\r\n\r\n",
    "of another body": b"x-amz-checksum-crc32:AAAAAA==\r\n\r\n",
    "too short": b"x-amz-checksum-crc32:AAAA\r\n\r\n",
    "no base64": b"x-amz-checksum-crc32:????????\r\n\r\n",
    "empty": b"x-amz-checksum-crc32:\r\n\r\n",
    "no colon": b"x-amz-checksum-crc32\r\n\r\n",
    "no name": b":AAAAAA==\r\n\r\n",
    "a NUL": b"x-amz-checksum-crc32:AAA\0AA==\r\n\r\n",
    "very many": b"".join(b"x-a-%d:b\r\n" % number for number in range(1000)) + b"\r\n",
    "very long": b"x-amz-checksum-crc32:" + b"A" * 100_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("trailer", TRAILERS.values(), ids=TRAILERS)
@pytest.mark.parametrize(("kind", "mark"), [(UNSIGNED_TRAILER, ""), (SIGNED_TRAILER, MARK)])
def test_trailers_that_are_wrong_store_nothing(victim, kind, mark, trailer):
    body = chunk(DATA, mark) + chunk(b"", mark) + trailer
    answer = victim.s3("PUT", "/things/new", body, headers_of(kind, x_amz_trailer="x-amz-checksum-crc32"))
    assert answer.status == 400, answer.body
    assert code_of(answer) in ("MalformedTrailerError", "BadDigest", "InvalidRequest", "IncompleteBody")


@pytest.mark.parametrize(
    "name", ["x-amz-checksum-md99", "x-amz-meta-a", "", "content-length", "x-amz-checksum-crc32,a"]
)
def test_trailers_that_s3_does_not_know_store_nothing(victim, name):
    body = chunk(DATA, "") + chunk(b"", "") + f"{name}:AAAA\r\n\r\n".encode()
    answer = victim.s3("PUT", "/things/new", body, headers_of(UNSIGNED_TRAILER, x_amz_trailer=name))
    assert answer.status == 400, answer.body


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}, "BadDigest"),
        ({"Content-MD5": "nonsense"}, "InvalidDigest"),
        ({"Content-MD5": ""}, "InvalidDigest"),
        ({"x-amz-content-sha256": "0" * 64}, "XAmzContentSHA256Mismatch"),
        ({"x-amz-content-sha256": "nonsense"}, "InvalidArgument"),
        ({"x-amz-content-sha256": "STREAMING-NONSENSE"}, "InvalidArgument"),
        ({"x-amz-checksum-crc32": "AAAAAA=="}, "BadDigest"),
        ({"x-amz-checksum-crc32": "A"}, "InvalidRequest"),
        ({"x-amz-checksum-sha256": "AAAAAA=="}, "InvalidRequest"),
        ({"x-amz-checksum-crc32": CRC, "x-amz-checksum-sha1": "AAAA"}, "InvalidRequest"),
        ({"x-amz-sdk-checksum-algorithm": "ROT13"}, "InvalidRequest"),
        ({"x-amz-trailer": "x-amz-checksum-crc32"}, "InvalidRequest"),
    ],
)
def test_digests_that_do_not_fit_store_nothing(victim, headers, code):
    answer = victim.s3("PUT", "/things/new", DATA, headers)
    assert (answer.status, code_of(answer)) == (400, code)


PARTS = [0, 1, 4096, 5000, 300_000]


@pytest.mark.parametrize("size", PARTS)
def test_an_upload_that_breaks_off_leaves_nothing(victim, size):
    blobs = victim.stored()
    part = b"p" * size
    plain = {"Authorization": signed("s3")}
    for target in ("/things/new", "/things/kept"):
        victim.half("PUT", target, part, {**plain, "Content-Length": "1000000"})
        victim.half("PUT", target, b"f4240\r\n" + part, {**plain, "Transfer-Encoding": "chunked"})
        in_chunks = {**plain, **headers_of(SIGNED, "1000000"), "Content-Length": "1000200"}
        victim.half("PUT", target, f"f4240{MARK}\r\n".encode() + part, in_chunks)
    assert until(lambda: not victim.spooled())
    assert victim.s3("HEAD", "/things/new").status == 404
    assert victim.stored() == blobs


def test_a_part_that_breaks_off_is_no_part(wall, client):
    s3 = client("s3")
    upload = s3.create_multipart_upload(Bucket="things", Key="parts")["UploadId"]
    target = f"/things/parts?partNumber=1&uploadId={upload}"
    wall.half("PUT", target, b"p" * 100_000, {"Authorization": signed("s3"), "Content-Length": "1000000"})
    assert until(lambda: not wall.spooled())
    assert "Parts" not in s3.list_parts(Bucket="things", Key="parts", UploadId=upload)


def test_a_form_that_breaks_off_leaves_nothing(victim):
    blobs = victim.stored()
    form = b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nnew\r\n'
    form += b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n' + b"f" * 50_000
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    victim.half("POST", "/things", form, {**kind, "Content-Length": "1000000"})
    answer = victim.ask("POST", "/things", form, kind)
    assert (answer.status, code_of(answer)) == (400, "MalformedPOSTRequest")
    assert until(lambda: not victim.spooled())
    assert victim.stored() == blobs


def test_a_call_that_breaks_off_does_nothing(victim):
    headers = {"Authorization": signed("sqs"), "Content-Type": "application/x-www-form-urlencoded"}
    victim.half("POST", "/", b"Action=CreateQueue&QueueName=other", {**headers, "Content-Length": "100"})
    victim.half(
        "POST", "/", b"22\r\nAction=CreateQueue&QueueName=other\r\n", {**headers, "Transfer-Encoding": "chunked"}
    )
    headers = {**headers, "X-Amz-Target": "AmazonSQS.CreateQueue", "Content-Type": "application/x-amz-json-1.0"}
    victim.half("POST", "/", b'{"QueueName":"other"}', {**headers, "Content-Length": "100"})
