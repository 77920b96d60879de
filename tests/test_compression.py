"""Gzipped requests and answers."""

from __future__ import annotations

import gzip
import http.client
import json
import zlib
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.compression import Damaged, PackedBody, accepts
from app.http import BytesBody

SIGNED = "AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/{}/aws4_request, SignedHeaders=host, Signature={}"


class Trickle(BytesBody):
    """A body that comes in pieces of a few bytes."""

    def __init__(self, data, step):
        super().__init__(data)
        self.length = None
        self.step = step

    def read(self, size=-1):
        return super().read(self.step if size < 0 else min(size, self.step))


@pytest.fixture
def ask(stack):
    """`ask(service, path, body, headers)`: a POST as it is given; returns (status, headers, body)."""

    def send(service, path, body, headers, method="POST"):
        connection = http.client.HTTPConnection("127.0.0.1", stack.server.port, timeout=30)
        headers = {"Authorization": SIGNED.format(service, "0" * 64), **headers}
        connection.request(method, f"/_stack/{stack.name}{path}", body, headers)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, answer.headers, data

    return send


def json_headers(target, **more):
    return {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0", **more}


GZIP = {"Content-Encoding": "gzip"}


@given(data=st.binary(max_size=3000), members=st.integers(1, 3), step=st.integers(1, 700), size=st.integers(-1, 90))
def test_a_gzipped_body_reads_the_same_in_any_pieces(data, members, step, size):
    packed = gzip.compress(data) * members
    body = PackedBody(Trickle(packed, step), 10_000)
    read = b""
    while piece := body.read(size or -1):
        assert size <= 0 or len(piece) <= size
        read += piece
    assert read == data * members


@given(data=st.binary(max_size=400), cut=st.integers(1, 30))
def test_a_gzipped_body_cut_short_is_refused(data, cut):
    packed = gzip.compress(data)
    with pytest.raises(Damaged):
        PackedBody(BytesBody(packed[: max(1, len(packed) - cut)]), 1000).read()


@given(data=st.binary(min_size=1, max_size=200))
def test_any_bytes_unpack_or_are_refused(data):
    try:
        PackedBody(BytesBody(data), 1000).read()
    except Damaged:
        pass
    else:
        gzip.decompress(data)


def test_a_body_may_unpack_to_just_what_is_allowed():
    assert PackedBody(BytesBody(gzip.compress(b"x" * 1000)), 1000).read() == b"x" * 1000
    with pytest.raises(Damaged, match="more than 1000 bytes"):
        PackedBody(BytesBody(gzip.compress(b"x" * 1001)), 1000).read()


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("gzip", True),
        ("gzip, deflate, br", True),
        ("br;q=1, GZIP;q=0.5", True),
        ("x-gzip", True),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("deflate", False),
        ("", False),
    ],
)
def test_who_accepts_gzip(header, wanted):
    assert accepts(header) is wanted


def test_a_gzipped_json_request_is_unpacked(ask):
    body = gzip.compress(json.dumps({"QueueName": "packed"}).encode())
    status, _, answer = ask("sqs", "/", body, json_headers("AmazonSQS.CreateQueue", **GZIP))
    assert status == 200
    assert json.loads(answer)["QueueUrl"].endswith("/packed")


def test_a_gzipped_form_is_unpacked_before_its_action_is_looked_for(ask):
    form = urlencode({"Action": "CreateQueue", "Version": "2012-11-05", "QueueName": "packed"}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", **GZIP}
    status, _, answer = ask("sqs", "/", gzip.compress(form), headers)
    assert status == 200, answer
    assert b"/packed</QueueUrl>" in answer


def test_other_content_encodings_mean_nothing(ask):
    headers = json_headers("AmazonSQS.ListQueues", **{"Content-Encoding": "amz-1.0"})
    assert ask("sqs", "/", b"{}", headers)[0] == 200


@pytest.mark.parametrize(
    "body",
    [b"not gzip", gzip.compress(b"{}")[:-3], gzip.compress(b"{}") + b"more"],
    ids=["never gzip", "cut short", "with more behind it"],
)
def test_damaged_gzip_is_a_serialization_error(ask, body):
    status, _, answer = ask("sqs", "/", body, json_headers("AmazonSQS.CreateQueue", **GZIP))
    assert status == 400
    assert json.loads(answer)["__type"].endswith("SerializationException")


def test_a_damaged_gzipped_form_is_answered_as_a_form(ask):
    headers = {"Content-Type": "application/x-www-form-urlencoded", **GZIP}
    status, _, answer = ask("sqs", "/", b"Action=CreateQueue&QueueName=a", headers)
    assert status == 400
    assert b"<Code>MalformedInput</Code>" in answer


def test_a_bomb_is_refused_without_being_unpacked(ask):
    megabyte = b" " * (1 << 20)
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(megabyte) for _ in range(200)) + packer.flush()
    status, _, answer = ask("sqs", "/", bomb, json_headers("AmazonSQS.CreateQueue", **GZIP))
    assert status == 400
    assert b"unpacks to more than" in answer
    form = {"Content-Type": "application/x-www-form-urlencoded", **GZIP}
    assert ask("sqs", "/", bomb, form)[0] == 413


def test_s3_keeps_what_came_and_says_so(ask):
    packed = gzip.compress(b"page")
    assert ask("s3", "/packed-bucket", b"", {}, "PUT")[0] == 200
    assert ask("s3", "/packed-bucket/page", packed, GZIP, "PUT")[0] == 200
    status, headers, body = ask("s3", "/packed-bucket/page", None, {}, "GET")
    assert (status, headers["Content-Encoding"], body) == (200, "gzip", packed)


@pytest.fixture
def wide_item(client):
    """Put an item whose answer is large; returns the request that reads it."""
    dynamodb = client("dynamodb")
    dynamodb.create_table(
        TableName="wide", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )  # fmt: skip
    dynamodb.put_item(TableName="wide", Item={"id": {"S": "a"}, "text": {"S": "wide " * 1000}})
    return json.dumps({"TableName": "wide", "Key": {"id": {"S": "a"}}}).encode()


def test_dynamodb_gzips_a_large_answer_for_who_accepts_it(ask, wide_item):
    headers = json_headers("DynamoDB_20120810.GetItem", **{"Accept-Encoding": "gzip, deflate"})
    status, answered, body = ask("dynamodb", "/", wide_item, headers)
    assert (status, answered["Content-Encoding"]) == (200, "gzip")
    assert int(answered["x-amz-crc32"]) == zlib.crc32(body)
    assert json.loads(gzip.decompress(body))["Item"]["text"] == {"S": "wide " * 1000}


@pytest.mark.parametrize("accepted", ["identity", "gzip;q=0", "br"])
def test_dynamodb_gzips_for_nobody_else(ask, wide_item, accepted):
    headers = json_headers("DynamoDB_20120810.GetItem", **{"Accept-Encoding": accepted})
    _, answered, body = ask("dynamodb", "/", wide_item, headers)
    assert answered["Content-Encoding"] is None
    assert json.loads(body)["Item"]["text"] == {"S": "wide " * 1000}


def test_small_answers_are_never_gzipped(ask):
    headers = json_headers("DynamoDB_20120810.ListTables", **{"Accept-Encoding": "gzip"})
    _, answered, body = ask("dynamodb", "/", b"{}", headers)
    assert answered["Content-Encoding"] is None
    assert json.loads(body) == {"TableNames": []}
