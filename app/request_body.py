"""Request bodies, read from the connection only as fast as the app reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

from .http import Truncated
from .pulse import NEVER
from .transport import RECEIVE, PeerGone, Transport

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
PIECE = 1024 * 1024
FRAMING = 8192  # read at once while looking for a chunk's size: what is read is copied for each small chunk in it
MAX_CHUNK_LINE = 4096  # a chunk's size with its extensions
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?")
TRAILER = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")


class Source(Protocol):
    """The connection as a body needs it: its transport, and what was read past the head."""

    buffer: bytes
    transport: Transport


class Body:
    """What bodies share: the file-like reading that WSGI asks of `wsgi.input`, over `_some` of the subclass.

    `read(size)` waits for all `size` bytes or the end, as WSGI apps expect.
    """

    length: int | None

    def __init__(self, source: Source, expects: bool) -> None:
        """`expects`: the client waits for 100 Continue before it sends anything."""
        self.trailers: dict[str, str] = {}
        self.expects = expects
        self.failed = False
        self._source = source
        self._line_rest = b""

    def _some(self, most: int) -> bytes:
        """Return 1 to `most` bytes, or b"" at the end."""
        raise NotImplementedError

    def read(self, size: int = -1) -> bytes:
        """Return `size` bytes, fewer only at the end (all that is left when negative). Raises Truncated."""
        if self._line_rest:
            return self._read_after_line(size)
        if size == 0:
            return b""
        data = self._some(PIECE if size < 0 else size)
        if len(data) == size or not data:
            return data
        pieces = [data]
        missing = size - len(data)
        while size < 0 or missing > 0:
            data = self._some(PIECE if size < 0 else missing)
            if not data:
                break
            pieces.append(data)
            missing -= len(data)
        return b"".join(pieces) if len(pieces) > 1 else pieces[0]

    def _read_after_line(self, size: int) -> bytes:
        rest = self._line_rest
        if 0 <= size <= len(rest):
            self._line_rest = rest[size:]
            return rest[:size]
        self._line_rest = b""
        return rest + self.read(size if size < 0 else size - len(rest))

    def readline(self, size: int = -1) -> bytes:
        """Return the next line with its end, at most `size` bytes of it."""
        data = self._line_rest
        self._line_rest = b""
        while (end := data.find(b"\n") + 1) == 0 and (size < 0 or len(data) < size):
            more = self._some(RECEIVE)
            if not more:
                break
            data += more
        end = end or len(data)
        if 0 <= size < end:
            end = size
        self._line_rest = data[end:]
        return data[:end]

    def readlines(self, hint: int = -1) -> list[bytes]:
        """Return the remaining lines."""
        return list(self)

    def __iter__(self) -> Iterator[bytes]:
        while line := self.readline():
            yield line

    def _more(self, most: int) -> bytes:
        """Return bytes off the wire, whatever they mean; asks a waiting client to go on first."""
        source = self._source
        data = source.buffer
        if data:
            if len(data) <= most:
                source.buffer = b""
                return data
            source.buffer = data[most:]
            return data[:most]
        transport = source.transport
        if self.expects:
            self.expects = False
            try:
                transport.send(CONTINUE)
            except PeerGone:
                raise self._broken("the client went away before it sent its body") from None
        transport.deadline = transport.pulse.now + transport.limits.body_timeout
        data = transport.receive(most)
        transport.deadline = NEVER
        if not data:
            raise self._broken("the client went away before its body was whole")
        return data

    def _broken(self, why: str) -> Truncated:
        self.failed = True
        return Truncated(why)

    def finished(self) -> bool:
        """Tell whether the next byte on the wire belongs to the next request."""
        raise NotImplementedError

    def reusable(self, limit: int) -> bool:
        """Tell, before the answer is sent, whether the connection can be kept though the app did not read all."""
        raise NotImplementedError

    def drain(self, limit: int) -> bool:
        """Swallow what the app left; False where that is too much, or the client does not send it."""
        try:
            while not self.finished() and limit > 0:
                limit -= len(self._some(min(RECEIVE, limit)))
        except Truncated:
            return False
        return self.finished()


class NoBody(Body):
    """The body of a request that has none."""

    def __init__(self) -> None:
        super().__init__(None, expects=False)  # type: ignore[arg-type]
        self.length: int | None = 0

    def read(self, size: int = -1) -> bytes:
        return b""

    def _some(self, most: int) -> bytes:
        return b""

    def finished(self) -> bool:
        return True

    def reusable(self, limit: int) -> bool:
        return True


class SizedBody(Body):
    """A body whose length the client announced."""

    def __init__(self, source: Source, length: int, expects: bool) -> None:
        super().__init__(source, expects)
        self.length: int | None = length
        self._left = length

    def _some(self, most: int) -> bytes:
        left = self._left
        if not left:
            return b""
        if self.failed:
            raise Truncated("the body broke off earlier")
        data = self._more(min(most, left, PIECE))
        self._left = left - len(data)
        return data

    def finished(self) -> bool:
        return not self._left

    def reusable(self, limit: int) -> bool:
        # A client that was never told to go on may send its body or not: its next byte means nothing sure.
        return not self._left or (self._left <= limit and not self.expects and not self.failed)


class ChunkedBody(Body):
    """A chunked body; its trailers are there once it has been read to the end."""

    def __init__(self, source: Source, expects: bool) -> None:
        super().__init__(source, expects)
        self.length: int | None = None
        self._chunk = 0  # bytes left of the current chunk
        self._begun = False
        self._ended = False

    def _some(self, most: int) -> bytes:
        if self._ended:
            return b""
        if self.failed:
            raise Truncated("the body broke off earlier")
        if not self._chunk and not self._next_chunk():
            return b""
        data = self._more(min(most, self._chunk, PIECE))
        self._chunk -= len(data)
        return data

    def _next_chunk(self) -> bool:
        if self._begun and self._line(2) != b"":
            raise self._broken("a chunk is longer than it said")
        self._begun = True
        size = CHUNK_SIZE.fullmatch(self._line(MAX_CHUNK_LINE))
        if size is None:
            raise self._broken("malformed chunk size")
        self._chunk = int(size[1], 16)
        if not self._chunk:
            self._read_trailers()
            self._ended = True
        return not self._ended

    def _read_trailers(self) -> None:
        left = self._source.transport.limits.trailer_size
        while line := self._line(left):
            left -= len(line) + 2
            trailer = TRAILER.fullmatch(line)
            if trailer is None:
                raise self._broken("malformed trailer")
            name = trailer[1].decode("latin-1").lower()
            value = trailer[2].rstrip(b" \t").decode("latin-1")
            self.trailers[name] = f"{self.trailers[name]}, {value}" if name in self.trailers else value

    def _line(self, limit: int) -> bytes:
        """Return the next line without its CRLF, which must be a CRLF, within `limit` bytes."""
        source = self._source
        line = b""
        while True:
            data = source.buffer
            end = data.find(b"\n") + 1
            line += data[: end or limit + 1]
            if len(line) > limit:
                raise self._broken("malformed chunk framing")
            source.buffer = data[end:] if end else b""
            if end:
                break
            source.buffer = self._more(FRAMING)
        if line[-2:-1] != b"\r":
            raise self._broken("a line of the chunk framing ends in a bare LF")
        return line[:-2]

    def finished(self) -> bool:
        return self._ended

    def reusable(self, limit: int) -> bool:
        """An unread rest of unknown length can be kept only if it is here already."""
        if self._ended or self.expects or self.failed:
            return self._ended
        source = self._source
        ready = len(source.buffer)
        while ready < limit and (more := source.transport.receive_ready(RECEIVE)):
            source.buffer += more
            ready += len(more)
        waiting, source.transport = source.transport, Exhausted(source.transport)  # type: ignore[assignment]
        try:
            return self.drain(limit)
        finally:
            source.transport = waiting


class Exhausted:
    """A transport with nothing more to say: lets a body be drained of what has arrived, and no further."""

    def __init__(self, transport: Transport) -> None:
        self.limits = transport.limits
        self.pulse = transport.pulse
        self.deadline = NEVER

    def receive(self, size: int) -> bytes:
        return b""
