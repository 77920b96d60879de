"""Any bytes at all: well-formed answers or a close, no failure of ours, and a server that goes on.

CAIRN_HOSTILE_EXAMPLES=5000 for a longer run.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app import handlers
from tests.conftest import Server
from tests.hostile.conftest import Victim, furnish, signed
from tests.server.serving import Answer, Client

EXAMPLES = int(os.environ.get("CAIRN_HOSTILE_EXAMPLES", "120"))
REFUSALS = (501, 505)  # not built; not a version of HTTP that we speak
some = settings(
    max_examples=EXAMPLES, deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)  # fmt: skip

PREFIXES = {"sqs": "AmazonSQS", "dynamodb": "DynamoDB_20120810"}
# An operation that waits, or that takes down what every example needs, proves nothing here.
OPERATIONS = {
    service: [name for name in handlers.operations(service) if name != "ReceiveMessage"]
    for service in ("sqs", "dynamodb", "sts")
}
CONTENT_TYPES = [
    "application/x-amz-json-1.0", "application/json", "application/cbor", "application/xml", "text/plain", "",
    "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "multipart/form-data",
]  # fmt: skip
ODD_VALUES = [
    "",
    "0",
    "-1",
    "1e9",
    "\xff",
    "é",
    ",",
    ";",
    "=",
    "%",
    "%zz",
    '"',
    "a" * 300,
    "null",
    "true",
    "bytes=0-",
    "*",
]
NAMES = [
    "Accept", "Accept-Encoding", "Content-Encoding", "Content-MD5", "Content-Type", "Date", "Expect", "If-Match",
    "If-Modified-Since", "If-None-Match", "Origin", "Range", "Smithy-Protocol", "TE", "Upgrade", "X-Amz-Acl",
    "X-Amz-Checksum-Crc32", "X-Amz-Checksum-Mode", "X-Amz-Content-Sha256", "X-Amz-Copy-Source",
    "X-Amz-Copy-Source-Range", "X-Amz-Date", "X-Amz-Decoded-Content-Length", "X-Amz-Expected-Bucket-Owner",
    "X-Amz-Meta-A", "X-Amz-Sdk-Checksum-Algorithm", "X-Amz-Security-Token", "X-Amz-Server-Side-Encryption",
    "X-Amz-Storage-Class", "X-Amz-Tagging", "X-Amz-Target", "X-Amz-Trailer", "X-Amz-Website-Redirect-Location",
]  # fmt: skip
VALUES = [
    "gzip", "aws-chunked", "100-continue", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "x-amz-checksum-crc32", "CRC32", "UNSIGNED-PAYLOAD", "rpc-v2-cbor", "/things/kept", "things/kept?versionId=x",
    "AES256", "aws:kms", "STANDARD", "REPLACE", "a=b&c=d", "Mon, 01 Jan 2024 00:00:00 GMT", "20240101T000000Z",
]  # fmt: skip
PIECES = [
    "/", "//", "..", "%2f", "%00", "%", "%ff", "things", "kept", "?", "&", "=", "a", "uploads", "uploadId", "partNumber",
    "versionId", "versions", "acl", "policy", "tagging", "lifecycle", "cors", "delete", "list-type=2", "max-keys", "-1",
    "marker", "prefix", "delimiter", "encoding-type=url", "continuation-token", "notification", "location", "torrent",
    "X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Credential", "X-Amz-Signature", "AWSAccessKeyId", "Expires", "Signature",
    "service", "operation", "000000000000", "jobs", "_stack", "_cairn", "select&select-type=2", "attributes", "Action",
]  # fmt: skip
XML = ["<", ">", "</", "/>", "&", "&lt;", "&#0;", "<![CDATA[", "]]>", "<!--", "<?xml?>", "Delete", "Object", "Key", "x"]
JSON = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"',
    '"QueueName"',
    '"TableName"',
    '"items"',
    '"QueueUrl"',
    '"id"',
    '"S"',
    "1",
    "null",
]

bodies = st.one_of(
    st.binary(max_size=200),
    st.lists(st.sampled_from(JSON), max_size=20).map(lambda parts: "".join(parts).encode()),
    st.lists(st.sampled_from(XML), max_size=20).map(lambda parts: "".join(parts).encode()),
    st.lists(st.sampled_from(["Action=", "CreateQueue", "&", "=", "Attribute.1.Name", ".", "%", "+"]), max_size=12).map(
        lambda parts: "".join(parts).encode()
    ),
)
texts = st.one_of(
    st.sampled_from(VALUES),
    st.sampled_from(ODD_VALUES),
    st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=30),
)
targets = st.sampled_from(
    [f"{prefix}.{name}" for service, prefix in PREFIXES.items() for name in OPERATIONS[service]]
    + ["AmazonSQS.", ".", "Nobody.Nothing", "DynamoDB_20120810.Nothing", "AmazonSQS.ListQueues.ListQueues", "\xff"]
)
headers = st.lists(
    st.one_of(st.tuples(st.sampled_from(NAMES), texts), st.tuples(st.just("X-Amz-Target"), targets)), max_size=5
)
paths = st.lists(st.sampled_from(PIECES), max_size=6).map(lambda parts: "/" + "".join(parts))
services = st.sampled_from(
    ["s3", "s3", "sqs", "dynamodb", "sts", "lambda", "ec2", "monitoring", "route53", "nobody", ""]
)
methods = st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH"])


@pytest.fixture(scope="module")
def wild(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    """A server of its own: what random requests do to it is nobody's loss."""
    folder = tmp_path_factory.mktemp("wild")
    server = Server(folder / "data", CAIRN_DURABILITY="relaxed").start()
    victim = furnish(server, "wild")
    yield victim
    server.stop()


def answers(client: Client, method: str) -> list[Answer]:
    """Return all answers up to the close, each of which must be framed as HTTP wants it."""
    found = []
    try:
        while client.buffer or client._fill():
            answer = client.answer(method)
            found.append(answer)
            if answer.status != 100:
                method = "GET"
    except ConnectionResetError:
        pass
    return found


def exchange(victim: Victim, data: bytes, method: str = "GET") -> list[Answer]:
    """Send bytes and nothing more; return what comes back, which must not be a failure of ours."""
    log = victim.server.log
    before = log.stat().st_size
    with victim.connect() as client:
        try:
            client.send(data)
            client.socket.shutdown(socket.SHUT_WR)
        except OSError:  # refused before it was all sent
            pass
        found = answers(client, method)
    said = log.read_bytes()[before:].decode(errors="replace")
    assert "Traceback" not in said, said
    for answer in found:
        assert answer.status < 500 or answer.status in REFUSALS, answer
    return found


def request(method: str, path: str, service: str, more: list[tuple[str, str]], body: bytes) -> bytes:
    """Return a request whose framing is right, whatever else it says."""
    lines = [("Host", "localhost"), ("x-cairn-stack", "wild"), ("Content-Length", str(len(body)))]
    if service:
        lines.append(("Authorization", signed(service)))
    given = {name.lower() for name, _ in lines}
    lines += [(name, value) for name, value in more if name.lower() not in given]
    head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines)
    return head.encode("latin-1") + b"\r\n" + body


@some
@given(data=st.binary(max_size=400).filter(lambda data: data[:1] != b"\x16"))  # with which TLS begins
@example(data=b"\0" * 20_000)
@example(data=b"\r\n" * 5_000)
def test_bytes_are_refused_or_pass_without_a_word(wild, data):
    for answer in exchange(wild, data):
        assert 400 <= answer.status < 500


@some
@given(method=methods, path=paths, service=services, more=headers, body=bodies)
def test_requests_of_odd_parts_are_answered(wild, method, path, service, more, body):
    found = exchange(wild, request(method, path, service, more, body), method)
    assert [answer for answer in found if answer.status != 100]


@some
@given(operation=targets, body=bodies, kind=st.sampled_from(CONTENT_TYPES), service=services)
def test_operations_with_odd_bodies_are_answered(wild, operation, body, kind, service):
    more = [("X-Amz-Target", operation), ("Content-Type", kind)]
    assert len(exchange(wild, request("POST", "/", service, more, body), "POST")) == 1


VALID = [
    request("PUT", "/things/new", "s3", [("x-amz-meta-a", "b")], b"data"),
    request("GET", "/things?list-type=2&prefix=k", "s3", [], b""),
    request(
        "POST", "/things?delete", "s3", [("Content-MD5", "x")],
        b"<Delete><Object><Key>none</Key></Object><Quiet>true</Quiet></Delete>",
    ),
    request(
        "PUT", "/things/streamed", "s3",
        [
            ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"), ("x-amz-decoded-content-length", "4"),
            ("x-amz-trailer", "x-amz-checksum-crc32"), ("Content-Encoding", "aws-chunked"),
        ],
        b"4\r\ndata\r\n0\r\nx-amz-checksum-crc32:rfPwYw==\r\n\r\n",
    ),
    request("POST", "/", "sqs", [("X-Amz-Target", "AmazonSQS.CreateQueue")], b'{"QueueName":"new","Attributes":{}}'),
    request(
        "POST", "/", "sqs", [("Content-Type", "application/x-www-form-urlencoded")],
        b"Action=SendMessage&Version=2012-11-05&QueueUrl=http%3A%2F%2Flocalhost%2F000000000000%2Fjobs&MessageBody=a",
    ),
    request(
        "POST", "/", "dynamodb", [("X-Amz-Target", "DynamoDB_20120810.UpdateItem")],
        b'{"TableName":"items","Key":{"id":{"S":"a"}},"UpdateExpression":"SET n = if_not_exists(n, :z) + :o",'
        b'"ExpressionAttributeValues":{":z":{"N":"0"},":o":{"N":"1"}}}',
    ),
    request("POST", "/", "sts", [("Content-Type", "application/x-www-form-urlencoded")],
            b"Action=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::1:role/a&RoleSessionName=abc"),
]  # fmt: skip
wound = st.tuples(st.floats(0, 1), st.sampled_from(["set", "insert", "delete", "cut", "double"]), st.binary(max_size=4))
wounds = st.lists(wound, min_size=1, max_size=4)


def wounded(data: bytes, where: list[tuple[float, str, bytes]]) -> bytes:
    """Return bytes with some of them changed."""
    for place, how, other in where:
        at = int(place * len(data))
        if how == "set":
            data = data[:at] + other + data[at + len(other) :]
        elif how == "insert":
            data = data[:at] + other + data[at:]
        elif how == "delete":
            data = data[:at] + data[at + 1 + len(other) :]
        elif how == "double":
            data = data[: at + 20] + data[at:]
        else:
            data = data[:at]
    return data


@pytest.mark.parametrize("data", VALID, ids=range(len(VALID)))
def test_requests_unharmed_are_served(wild, data):
    (answer,) = exchange(wild, data)
    assert answer.status in (200, 400), answer


@some
@given(data=st.sampled_from(VALID), where=wounds)
def test_requests_with_wounds_are_answered_or_dropped(wild, data, where):
    exchange(wild, wounded(data, where))


def test_the_server_is_as_it_was(wild):
    assert wild.s3("GET", "/things/kept").status in (200, 404)  # a wounded DeleteObjects may have hit it
    assert "Traceback" not in wild.log
