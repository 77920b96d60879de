"""Requests hidden in others: whatever two parsers could read differently is refused, and the connection closed."""

from __future__ import annotations

import socket

import pytest

from tests.hostile.conftest import signed

HIDDEN = (
    "POST /?Action=CreateQueue&Version=2012-11-05&QueueName=smuggled HTTP/1.1\r\nHost: localhost\r\n"
    "x-cairn-stack: {stack}\r\nAuthorization: " + signed("sqs") + "\r\nContent-Length: 0\r\n\r\n"
)
OPENING = "POST / HTTP/1.1\r\nHost: localhost\r\nx-cairn-stack: {stack}\r\nAuthorization: " + signed("sqs") + "\r\n"
HEADS = {
    "length and chunks": "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": "Content-Length: 0\r\nContent-Length: {size}\r\n\r\n",
    "two lengths in one": "Content-Length: 0, {size}\r\n\r\n",
    "the same length twice in one": "Content-Length: 0, 0\r\n\r\n",
    "a signed length": "Content-Length: +0\r\n\r\n",
    "a negative length": "Content-Length: -1\r\n\r\n",
    "a hexadecimal length": "Content-Length: 0x0\r\n\r\n",
    "an empty length": "Content-Length:\r\n\r\n",
    "a length with a space inside": "Content-Length: 0 0\r\n\r\n",
    "a space before the colon": "Content-Length : 0\r\n\r\n",
    "an underlined length": "Content_Length: 5\r\nTransfer-Encoding: xchunked\r\n\r\n",
    "another coding": "Transfer-Encoding: xchunked\r\n\r\n",
    "identity": "Transfer-Encoding: identity\r\n\r\n",
    "two codings": "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "two codings in one": "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "gzip and chunks": "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a quoted coding": 'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "a coding with a vertical tab": "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a coding with a NUL": "Transfer-Encoding: chunked\x00\r\n\r\n0\r\n\r\n",
    "a folded coding": "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "a folded header": "A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "a bare line feed": "A: b\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a bare carriage return": "A: b\rContent-Length: 0\r\n\r\n",
    "line feeds only": "Content-Length: 0\n\n",
    "a line without a colon": "nonsense\r\nContent-Length: 0\r\n\r\n",
    "an empty name": ": b\r\nContent-Length: 0\r\n\r\n",
    "a NUL in a name": "A\x00: b\r\nContent-Length: 0\r\n\r\n",
    "two hosts": "Host: example.org\r\nContent-Length: 0\r\n\r\n",
    "an overlong chunk": "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
    "a chunk of an odd size": "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n",
    "a chunk with bare line feeds": "Transfer-Encoding: chunked\r\n\r\n0\n\n",
    "a chunk whose extension hides a line": "Transfer-Encoding: chunked\r\n\r\n0;a=\nb\r\n\r\n",
    "a trailer that is a length": "Transfer-Encoding: chunked\r\n\r\n0\r\nContent Length: 5\r\n\r\n",
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_a_request_hidden_behind_another_is_never_answered(victim, head):
    hidden = HIDDEN.format(stack=victim.stack)
    text = OPENING.format(stack=victim.stack) + head.replace("{size}", str(len(hidden))) + hidden
    with victim.connect() as client:
        client.send(text.encode("latin-1"))
        answer = client.answer()
        assert 400 <= answer.status <= 501, answer
        assert client.closed()
    assert b"smuggled" not in answer.body


LINES = [
    "POST  / HTTP/1.1", "POST /", "POST / HTTP/0.9", "POST / HTTP/2.0", "POST / HTTP/1.1 ", " POST / HTTP/1.1",
    "POST\t/ HTTP/1.1", "PO\x00ST / HTTP/1.1", "POST / http/1.1", "POST / RTSP/1.0", "POST nonsense HTTP/1.1",
    "POST * HTTP/1.1", "POST / HTTP/1.1\x00", "NONSENSE / HTTP/1.1", "post / HTTP/1.1", "PRI * HTTP/2.0",
    "POST /a b HTTP/1.1", "CONNECT localhost:1 HTTP/1.1",
]  # fmt: skip


@pytest.mark.parametrize("line", LINES)
def test_a_request_line_that_is_none_is_refused(victim, line):
    hidden = HIDDEN.format(stack=victim.stack)
    with victim.connect() as client:
        client.send(f"{line}\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n{hidden}".encode("latin-1"))
        answer = client.answer()
        assert answer.status in (400, 405, 501, 505), answer
        assert client.closed()


def test_an_absolute_target_names_the_host(victim):
    with victim.connect() as client:
        head = victim.head_of("GET", "http://things.s3.localhost/kept", {"Host": "other.s3.localhost"})
        client.send(head)
        assert client.answer().body == b"kept"


def test_bytes_that_are_no_http_are_refused_at_once(victim):
    for garbage in (
        b"\x00" * 10,
        b"SSH-2.0-OpenSSH_9\r\n",
        b"\x80\x01\x03",
        b"{}\n",
        "\u00e9".encode(),
        b"\x16\x03\x01\x00\x05abcde",
    ):
        with victim.connect() as client:
            client.send(garbage)
            client.socket.shutdown(socket.SHUT_WR)
            rest = client.rest()
            assert rest == b"" or rest.startswith((b"HTTP/1.1 400 ", b"\x15\x03")), rest
