"""The aws-chunked encoding, split anywhere, and broken everywhere."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.s3.chunked import ENCODINGS, BadChunk, ChunkDecoder

SIGNED = ENCODINGS["STREAMING-AWS4-HMAC-SHA256-PAYLOAD"]
SIGNED_TRAILER = ENCODINGS["STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"]
UNSIGNED_TRAILER = ENCODINGS["STREAMING-UNSIGNED-PAYLOAD-TRAILER"]
SIGNATURE = "0123456789abcdef" * 4


def encode(chunks: list[bytes], signed: bool, trailers: dict[str, str]) -> bytes:
    out = b""
    for chunk in [*chunks, b""]:
        out += (
            f"{len(chunk):x}".encode() + (f";chunk-signature={SIGNATURE}".encode() if signed else b"") + b"\r\n" + chunk
        )
        if chunk:
            out += b"\r\n"
    for name, value in trailers.items():
        out += f"{name}:{value}\r\n".encode()
    return out + b"\r\n"


def decode(data: bytes, encoding=UNSIGNED_TRAILER, step: int = 0) -> tuple[bytes, dict[str, str]]:
    decoder = ChunkDecoder(encoding)
    pieces = [data] if not step else [data[at : at + step] for at in range(0, len(data), step)]
    content = b"".join(b"".join(decoder.feed(piece)) for piece in pieces)
    decoder.end()
    return content, decoder.trailers


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=5), st.integers(1, 60))
def test_content_comes_out_the_same_however_the_bytes_are_split(chunks, step):
    trailers = {"x-amz-checksum-crc32": "AAAAAA=="}
    data = encode(chunks, False, trailers)
    assert decode(data, step=step) == (b"".join(chunks), trailers)


def test_every_split_into_two_gives_the_same():
    data = encode(
        [b"a" * 9000, b"\r\n0\r\n"], True, {"x-amz-checksum-crc32c": "sOO8/Q==", "x-amz-trailer-signature": SIGNATURE}
    )
    for at in [*range(120), *range(8990, len(data) + 1)]:
        decoder = ChunkDecoder(SIGNED_TRAILER)
        content = b"".join(decoder.feed(data[:at])) + b"".join(decoder.feed(data[at:]))
        decoder.end()
        assert content == b"a" * 9000 + b"\r\n0\r\n"
        assert decoder.trailers["x-amz-checksum-crc32c"] == "sOO8/Q=="


@given(st.integers(1, 200))
def test_a_body_cut_short_is_refused(missing):
    data = encode([b"x" * 100, b"y" * 50], False, {"x-amz-checksum-crc32": "AAAAAA=="})
    if missing == 31:  # all of the trailer: whoever was promised one will miss it
        assert decode(data[: -2 - missing]) == (b"x" * 100 + b"y" * 50, {})
        return
    with pytest.raises(BadChunk) as refused:
        decode(data[: -2 - missing])
    assert refused.value.code == "IncompleteBody"


def test_an_absent_last_empty_line_is_forgiven():
    assert decode(b"3\r\nabc\r\n0\r\n")[0] == b"abc"


@pytest.mark.parametrize(
    ("head", "code"),
    [
        (b"3", "SignatureDoesNotMatch"),
        (b"3;chunk-signature=", "SignatureDoesNotMatch"),
        (b"3;chunk-signature=" + b"0" * 63, "SignatureDoesNotMatch"),
        (b"3;chunk-signature=" + b"0" * 65, "SignatureDoesNotMatch"),
        (b"3;chunk-signature=" + b"g" * 64, "SignatureDoesNotMatch"),
        (b"3;signature=" + b"0" * 64, "SignatureDoesNotMatch"),
        (b"xyz;chunk-signature=" + b"0" * 64, "IncompleteBody"),
        (b"-3;chunk-signature=" + b"0" * 64, "IncompleteBody"),
        (b";chunk-signature=" + b"0" * 64, "IncompleteBody"),
        (b"0x3;chunk-signature=" + b"0" * 64, "IncompleteBody"),
    ],
)
def test_a_bad_chunk_header_is_refused(head, code):
    with pytest.raises(BadChunk) as refused:
        decode(head + b"\r\nabc\r\n", SIGNED)
    assert refused.value.code == code


def test_a_chunk_without_its_line_end_is_refused():
    with pytest.raises(BadChunk):
        decode(b"3\r\nabcd\r\n0\r\n\r\n")


def test_only_the_last_signed_chunk_may_be_small():
    small = encode([b"a" * 8191, b"b"], True, {})
    with pytest.raises(BadChunk) as refused:
        decode(small, SIGNED)
    assert refused.value.code == "InvalidChunkSizeError"
    assert decode(encode([b"a" * 8192, b"b"], True, {}), SIGNED)[0] == b"a" * 8192 + b"b"


def test_a_malformed_trailer_is_refused():
    with pytest.raises(BadChunk) as refused:
        decode(b"0\r\nno colon here\r\n\r\n")
    assert refused.value.code == "MalformedTrailerError"


def test_trailers_that_were_not_promised_are_refused():
    with pytest.raises(BadChunk) as refused:
        decode(encode([], True, {"x-amz-checksum-crc32": "AAAAAA=="}), SIGNED)
    assert refused.value.code == "MalformedTrailerError"


def test_an_endless_chunk_header_is_refused():
    decoder = ChunkDecoder(UNSIGNED_TRAILER)
    list(decoder.feed(b"1" * 16 * 1024))
    with pytest.raises(BadChunk):
        list(decoder.feed(b"1"))


def test_bytes_after_the_end_are_refused():
    with pytest.raises(BadChunk):
        decode(b"0\r\n\r\nmore")


@given(st.binary(max_size=300))
def test_any_bytes_either_decode_or_are_refused(data):
    for encoding in ENCODINGS.values():
        with contextlib.suppress(BadChunk):
            decode(data, encoding)


def test_signatures_are_handed_to_who_can_verify_them():
    told = []
    decoder = ChunkDecoder(SIGNED, lambda signature, size: told.append((signature, size)))
    list(decoder.feed(encode([b"abc"], True, {})))
    assert told == [(SIGNATURE, 3), (SIGNATURE, 0)]
