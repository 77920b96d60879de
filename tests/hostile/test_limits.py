"""Heads, targets and bodies that are larger than what is taken, and gzip that is none."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Server
from tests.hostile.conftest import Victim, code_of, furnish, json_call, nothing_happens, signed

MOST = 4096


@pytest.fixture(scope="module")
def narrow() -> Iterator[Victim]:
    """A server of its own that takes small bodies only."""
    with tempfile.TemporaryDirectory(prefix="cairn-test-") as folder:
        server = Server(Path(folder) / "data", CAIRN_DURABILITY="memory", CAIRN_MAX_BODY=str(MOST)).start()
        try:
            yield furnish(server, "narrow")
        finally:
            server.stop()


@pytest.fixture
def small(narrow):
    with nothing_happens(narrow):
        yield narrow


def chunked(data: bytes, step: int = 1000) -> bytes:
    """Return a chunked body."""
    pieces = [data[at : at + step] for at in range(0, len(data), step)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def in_chunks(victim: Victim, body: bytes, headers: dict[str, str], target: str = "/", method: str = "POST"):
    """Send a request with a chunked body."""
    with victim.connect() as client:
        client.send(victim.head_of(method, target, {**headers, "Transfer-Encoding": "chunked"}) + chunked(body))
        return client.answer()


CREATE = {"Authorization": signed("sqs"), **json_call("AmazonSQS.CreateQueue")}


def padded(size: int) -> bytes:
    return b'{"QueueName":1}'.ljust(size)


def test_a_body_of_just_the_limit_is_read(small):
    assert code_of(small.ask("POST", "/", padded(MOST), CREATE)) == "SerializationException"
    assert code_of(in_chunks(small, padded(MOST), CREATE)) == "SerializationException"


@pytest.mark.parametrize("size", [MOST + 1, 10 * MOST, 4_000_000])
def test_a_larger_body_is_refused(small, size):
    for answer in (small.ask("POST", "/", padded(size), CREATE), in_chunks(small, padded(size), CREATE)):
        assert answer.status == 413
        assert code_of(answer) == "RequestEntityTooLarge"


def test_a_body_of_which_too_much_is_announced_is_not_waited_for(small):
    with small.connect() as client:
        client.send(small.head_of("POST", "/", {**CREATE, "Content-Length": str(10**18)}))
        assert client.answer().status == 413


def test_a_body_that_unpacks_to_too_much_is_refused(small):
    answer = small.ask("POST", "/", gzip.compress(padded(MOST + 1)), {**CREATE, "Content-Encoding": "gzip"})
    assert (answer.status, code_of(answer)) == (400, "SerializationException")


@pytest.mark.parametrize("target", ["/things?tagging", "/things?delete"])
def test_a_document_for_s3_is_bounded_too(small, target):
    method = "POST" if target.endswith("delete") else "PUT"
    assert small.s3(method, target, b"<a>".ljust(MOST + 1)).status == 413
    assert in_chunks(small, b"<a>".ljust(MOST + 1), {"Authorization": signed("s3")}, target, method).status == 413


def test_an_object_may_be_larger_than_the_limit(narrow):
    body = b"x" * (10 * MOST)
    assert narrow.s3("PUT", "/things/large", body).status == 200
    assert narrow.s3("GET", "/things/large").body == body
    assert narrow.s3("DELETE", "/things/large").status == 204


@pytest.mark.parametrize("size", [70_000, 1_000_000])
def test_a_target_that_is_too_long_is_refused(victim, size):
    with victim.connect() as client:
        client.send(b"GET /things/" + b"a" * size + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.answer().status in (414, 431)


def test_headers_that_are_too_large_or_too_many_are_refused(victim):
    assert victim.ask("GET", "/", headers={"x-amz-meta-a": "a" * 70_000}).status == 431
    assert victim.ask("GET", "/", headers={f"x-amz-meta-{n}": "a" for n in range(300)}).status == 431


def test_user_metadata_beyond_two_kilobytes_is_refused(victim):
    answer = victim.s3("PUT", "/things/other", b"a", {"x-amz-meta-a": "a" * 2100})
    assert (answer.status, code_of(answer)) == (400, "MetadataTooLarge")


@pytest.mark.parametrize("length", ["-1", "+5", "1.5", "0x10", "5, 5", "5 5", "", "a", "9" * 30])
def test_a_content_length_that_is_none_is_refused(victim, length):
    with victim.connect() as client:
        client.send(victim.head_of("POST", "/", {**CREATE, "Content-Length": length}) + b'{"QueueName":"a"}')
        assert client.answer().status in (400, 413)


@pytest.mark.parametrize(
    "body", [b"zz\r\n", b"-1\r\n", b"5;\0\r\nabcde\r\n", b"5\nabcde\n0\n\n", b"f" * 5000, b"3\r\nabcde"]
)
def test_chunks_that_are_none_are_refused(victim, body):
    with victim.connect() as client:
        client.send(victim.head_of("POST", "/", {**CREATE, "Transfer-Encoding": "chunked"}) + body + b"\r\n0\r\n\r\n")
        assert client.answer().status == 400
