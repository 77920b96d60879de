"""Chunked bodies and heads without a socket: any bytes, in any pieces."""

from __future__ import annotations

import contextlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.http import Truncated
from app.pulse import NEVER, Limits, Pulse
from app.request_body import ChunkedBody, SizedBody
from app.request_head import BadHead, RequestHead

AFTER = b"GET /next HTTP/1.1\r\n"


class Pieces:
    """A transport whose client sends given pieces and then closes."""

    def __init__(self, pieces):
        self.limits = Limits()
        self.pulse = Pulse()
        self.deadline = NEVER
        self.pieces = [piece for piece in pieces if piece]

    def receive(self, size):
        if not self.pieces:
            return b""
        piece = self.pieces.pop(0)
        if len(piece) > size:
            self.pieces.insert(0, piece[size:])
        return piece[:size]

    receive_ready = receive


class Wire:
    """The connection, as a body sees it."""

    def __init__(self, pieces):
        self.buffer = b""
        self.transport = Pieces(pieces)


def cut(data, places):
    """Return `data` cut at `places`."""
    edges = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[a:b] for a, b in pairwise(edges)]


places = st.lists(st.integers(0, 10_000), max_size=12)


@given(chunks=st.lists(st.binary(min_size=1, max_size=50), max_size=8), places=places, size=st.integers(-1, 40))
def test_a_chunked_body_reads_the_same_however_it_arrives(chunks, places, size):
    wire = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\nX-A: b\r\n\r\n"
    source = Wire(cut(wire + AFTER, places))
    body = ChunkedBody(source, expects=False)
    data = b""
    while piece := body.read(size or -1):
        assert size <= 0 or len(piece) <= size
        data += piece
    assert data == b"".join(chunks)
    assert body.trailers == {"x-a": "b"}
    assert body.finished()
    assert source.buffer + b"".join(source.transport.pieces) == AFTER


@given(data=st.binary(max_size=200), places=places, size=st.integers(-1, 40))
def test_a_sized_body_reads_the_same_however_it_arrives(data, places, size):
    source = Wire(cut(data + AFTER, places))
    body = SizedBody(source, len(data), expects=False)
    read = b""
    while piece := body.read(size or -1):
        read += piece
    assert read == data
    assert source.buffer + b"".join(source.transport.pieces) == AFTER


@given(data=st.binary(max_size=300), size=st.integers(1, 30), places=places)
def test_lines_and_reads_may_be_mixed(data, size, places):
    body = SizedBody(Wire(cut(data, places)), len(data), expects=False)
    read = []
    while piece := (body.readline(size) if len(read) % 2 else body.read(size)):
        assert len(piece) <= size
        read.append(piece)
    assert b"".join(read) == data


@given(data=st.binary(max_size=120), places=places)
def test_any_bytes_are_a_chunked_body_or_truncated(data, places):
    body = ChunkedBody(Wire(cut(data, places)), expects=False)
    try:
        body.read()
    except Truncated:
        assert not body.finished()
        with pytest.raises(Truncated):
            body.read()
    else:
        assert body.finished()


head_text = st.text(
    st.sampled_from("GET POSThtp/1.0:-_ \t\r\n\0\x7f%?#é;,=" + "Content-Length" + "Transfer-Encoding" + "chunked"),
    max_size=80,
)


@given(line=head_text, headers=st.lists(head_text, max_size=4))
def test_any_bytes_are_a_head_or_refused(line, headers):
    raw = "\r\n".join([line, *headers]).encode("latin-1", "replace").replace(b"\r\n\r\n", b"") + b"\r\n\r\n"
    head = RequestHead(Limits())
    environ = {}
    with contextlib.suppress(BadHead):
        head.parse(raw, environ)
        assert head.method
        assert head.target
        assert environ["RAW_URI"] == head.target


@given(
    headers=st.lists(st.tuples(st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,10}", fullmatch=True), st.binary(max_size=20)))
)
def test_header_values_arrive_byte_for_byte(headers):
    clean = [(name, bytes(b for b in value if b >= 32 and b != 127).strip(b" ")) for name, value in headers]
    clean = [
        pair for pair in clean if pair[0].lower() not in ("content-length", "transfer-encoding", "host", "connection")
    ]
    raw = b"GET / HTTP/1.1\r\nhost: h\r\n" + b"".join(b"%b: %b\r\n" % (n.encode(), v) for n, v in clean) + b"\r\n"
    head = RequestHead(Limits())
    head.parse(raw, {})
    for name, value in clean:
        assert value.decode("latin-1") in head.headers[name.lower()]
