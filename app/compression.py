"""Compressed bodies: requests that come gzipped, and answers of services that gzip theirs.

SDKs compress what an operation's model allows (CloudWatch's PutMetricData), and any service takes a gzipped request.
S3 alone does not unpack: there Content-Encoding is metadata of the object.
"""

from __future__ import annotations

import zlib

from app.http import Request, RequestBody, Response

PACKS = frozenset({"dynamodb", "dynamodbstreams"})  # services whose answers are gzipped for who accepts that
KEEPS = frozenset({"s3"})  # services that keep a body as it came
WORTH_PACKING = 1024  # bytes; AWS documents no bound, and below this a packet is a packet
_GZIP = 31  # zlib's wbits for gzip's own framing
_PIECE = 64 * 1024
_LEVEL = 1  # what JSON gains at higher levels is not worth the time on a loopback


class Damaged(Exception):
    """A body that is not the gzip it says it is, or that unpacks to more than we take."""


class PackedBody:
    """A gzipped body, unpacked as it is read; never more than `most` bytes of it."""

    def __init__(self, packed: RequestBody, most: int) -> None:
        self.packed = packed
        self.length: int | None = None
        self.trailers = packed.trailers
        self._most = most
        self._left = most
        self._member = zlib.decompressobj(_GZIP)
        self._waiting = b""  # packed bytes not unpacked yet
        self._begun = False  # a member has begun that has not ended

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, b"" at the end. Raises Truncated, Damaged."""
        if size == 0:
            return b""
        if size > 0:
            return self._some(size)
        pieces = []
        while piece := self._some(_PIECE):
            pieces.append(piece)
        return b"".join(pieces)

    def _some(self, size: int) -> bytes:
        while True:
            if not self._waiting:
                self._waiting = self.packed.read(_PIECE)
                if not self._waiting:
                    return self._end()
            self._begun = True
            try:
                data = self._member.decompress(self._waiting, size)
            except zlib.error:
                raise Damaged("The body is not valid gzip, which its Content-Encoding says it is") from None
            self._waiting = self._member.unconsumed_tail
            if self._member.eof:  # another may follow
                self._waiting = self._member.unused_data
                self._member = zlib.decompressobj(_GZIP)
                self._begun = False
            if data:
                return self._counted(data)

    def _end(self) -> bytes:
        data = self._member.flush() if self._begun else b""
        if data:
            return self._counted(data)
        if self._begun:
            raise Damaged("The gzipped body ends early")
        return b""

    def _counted(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left < 0:
            raise Damaged(f"The body unpacks to more than {self._most} bytes")
        return data


def unpack(request: Request, most: int) -> None:
    """Let a request with a Content-Encoding be read unpacked; other encodings than gzip mean nothing to AWS."""
    if request.headers["content-encoding"].strip().lower() in ("gzip", "x-gzip") and request.body.length != 0:
        request.body = PackedBody(request.body, most)


def keep_packed(request: Request) -> None:
    """Take `unpack` back, for a service that keeps bodies as they came; nothing of the body has been read."""
    if isinstance(request.body, PackedBody):
        request.body = request.body.packed


def pack(response: Response, accepted: str) -> None:
    """Gzip an answer where that is accepted and worth it. Its checksum is that of what is sent, as DynamoDB's is."""
    data = response.body
    if not isinstance(data, bytes) or len(data) < WORTH_PACKING or not accepts(accepted):
        return
    response.body = packed = zlib.compress(data, _LEVEL, _GZIP)
    response.headers = [
        (name, str(zlib.crc32(packed)) if name.lower() == "x-amz-crc32" else value) for name, value in response.headers
    ]
    response.headers.append(("Content-Encoding", "gzip"))


def accepts(accepted: str) -> bool:
    """Tell whether an Accept-Encoding header names gzip, without the weight 0 that refuses it (RFC 9110, 12.5.3)."""
    for each in accepted.lower().split(","):
        coding, _, weight = each.partition(";")
        if coding.strip() in ("gzip", "x-gzip"):
            name, _, value = weight.replace(" ", "").partition("=")
            return not (name == "q" and value.strip("0.") == "" and value != "")
    return False
