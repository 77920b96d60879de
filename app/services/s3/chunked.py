"""The aws-chunked content encoding: chunks with signatures in front of them, trailing headers after them.

    1000;chunk-signature=<64 hex digits>\\r\\n<4096 bytes>\\r\\n … 0;chunk-signature=…\\r\\n
    x-amz-checksum-crc32c:…\\r\\nx-amz-trailer-signature:…\\r\\n\\r\\n

Signatures are checked for their form; who knows the secret can check them by `signed` (see ChunkDecoder).
Source: Amazon S3 API Reference, "Signature calculations: transferring payload in multiple chunks", and the same
"with trailing headers".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

MAX_LINE = 16 * 1024
MIN_CHUNK = 8192  # of every signed chunk but the last

_SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}")
_SIGNATURE = re.compile(rb"[0-9a-f]{64}")
_TRAILER = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*:[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
_HEAD, _DATA, _AFTER, _TRAILERS, _DONE = range(5)


class BadChunk(Exception):
    """The encoding is broken. `code` is what S3 calls it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Encoding:
    """What `x-amz-content-sha256: STREAMING-…` promises of a body."""

    __slots__ = ("signed", "trailers")

    def __init__(self, signed: bool, trailers: bool) -> None:
        self.signed = signed
        self.trailers = trailers


ENCODINGS = {
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD": Encoding(signed=True, trailers=False),
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER": Encoding(signed=True, trailers=True),
    "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD": Encoding(signed=False, trailers=False),
    "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER": Encoding(signed=False, trailers=True),
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER": Encoding(signed=False, trailers=True),
}


class ChunkDecoder:
    """Takes the encoded bytes as they arrive, gives back the content."""

    __slots__ = ("_buffer", "_encoding", "_left", "_short", "_signed", "_state", "trailers")

    def __init__(self, encoding: Encoding, signed: Callable[[str, int], None] | None = None) -> None:
        """`signed` is told each chunk's signature and size: the place where one who knows the secret verifies them."""
        self._encoding = encoding
        self._signed = signed
        self._buffer = b""
        self._left = 0
        self._short = False
        self._state = _HEAD
        self.trailers: dict[str, str] = {}

    @property
    def finished(self) -> bool:
        """Whether the last chunk, and the trailers if there are any, have been read."""
        return self._state == _DONE

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the content in some more encoded bytes. Raises BadChunk."""
        buffer = self._buffer + data if self._buffer else data
        at, end = 0, len(buffer)
        while at < end:
            if self._state == _DATA:
                piece = buffer[at : at + self._left]
                at += len(piece)
                self._left -= len(piece)
                if not self._left:
                    self._state = _AFTER
                yield piece
            elif self._state == _AFTER:
                if end - at < 2:
                    break
                if buffer[at : at + 2] != b"\r\n":
                    raise BadChunk("IncompleteBody", "The request body terminated unexpectedly")
                at += 2
                self._state = _HEAD
            elif self._state == _DONE:
                raise BadChunk("IncompleteBody", "The request body has bytes after its last chunk")
            else:
                stop = buffer.find(b"\r\n", at)
                if stop < 0:
                    if end - at > MAX_LINE:
                        raise BadChunk("IncompleteBody", "The request body terminated unexpectedly")
                    break
                line = buffer[at:stop]
                at = stop + 2
                if self._state == _HEAD:
                    self._head(line)
                else:
                    self._trailer(line)
        self._buffer = buffer[at:] if at < end else b""

    def end(self) -> None:
        """Say that no more bytes come. Raises BadChunk where some are missing."""
        # SDKs exist that leave out the empty line after the last chunk or the trailers.
        if self._state == _TRAILERS and not self._buffer.strip():
            self._state = _DONE
        if self._state != _DONE:
            raise BadChunk("IncompleteBody", "The request body terminated unexpectedly")

    def _head(self, line: bytes) -> None:
        size_text, _, extension = line.partition(b";")
        if not _SIZE.fullmatch(size_text):
            raise BadChunk("IncompleteBody", "The request body terminated unexpectedly")
        size = int(size_text, 16)
        if self._encoding.signed:
            name, _, signature = extension.partition(b"=")
            if name != b"chunk-signature" or not _SIGNATURE.fullmatch(signature):
                raise BadChunk(
                    "SignatureDoesNotMatch",
                    "The request signature we calculated does not match the signature you provided. "
                    "Check your key and signing method.",
                )
            if size and self._short:
                raise BadChunk(
                    "InvalidChunkSizeError", "Only the last chunk is allowed to have a size less than 8192 bytes"
                )
            self._short = size < MIN_CHUNK
            if self._signed is not None:
                self._signed(signature.decode("ascii"), size)
        self._left = size
        self._state = _DATA if size else _TRAILERS

    def _trailer(self, line: bytes) -> None:
        if not line:
            self._state = _DONE
            return
        match = _TRAILER.fullmatch(line)
        if match is None or not self._encoding.trailers or len(self.trailers) >= 16:
            raise BadChunk(
                "MalformedTrailerError",
                "The request contained trailing data that was not well-formed or did not conform to our "
                "published schema.",
            )
        self.trailers[match[1].decode("ascii").lower()] = match[2].decode("latin-1").strip()
