"""A request and a response as the rest of the edge sees them, whatever server read them from the wire."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Protocol

CHUNK = 256 * 1024


class Truncated(Exception):
    """The client closed the connection, or broke its framing, before its body was whole."""


class RequestBody(Protocol):
    """A body that is read while it arrives; reading blocks the greenlet, never the process."""

    length: int | None  # Content-Length, or None where the body is chunked
    trailers: dict[str, str]  # HTTP trailers, complete once read() has returned b""

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes (all that is left when negative); b"" at the end. Raises Truncated."""


class BytesBody:
    """A body that is already whole: tests, and servers that give us one."""

    def __init__(self, data: bytes = b"", trailers: dict[str, str] | None = None) -> None:
        self.length: int | None = len(data)
        self.trailers = trailers or {}
        self._data = memoryview(data)

    def read(self, size: int = -1) -> bytes:
        cut = len(self._data) if size < 0 else size
        head, self._data = self._data[:cut], self._data[cut:]
        return bytes(head)


class Request:
    """One HTTP request. `path` and `query` are as on the wire: percent-encoded, `//` and `..` kept."""

    __slots__ = ("body", "headers", "method", "path", "query", "remote", "scheme")

    def __init__(
        self,
        method: str,
        target: str,
        headers: dict[str, str],
        body: RequestBody | None = None,
        scheme: str = "http",
        remote: str = "127.0.0.1",
    ) -> None:
        """`target` is the request line's; `headers` have lower-case names, repeated ones joined by ", "."""
        if not target.startswith("/") and "://" in target:  # absolute-form, as proxies send it
            target = "/" + target.split("://", 1)[1].partition("/")[2]
        self.method = method
        self.path, _, self.query = target.partition("?")
        self.headers = headers
        self.body: RequestBody = body if body is not None else BytesBody()
        self.scheme = scheme
        self.remote = remote


class FileBody:
    """A response body that lies in files: parts of them, in order. Our worker hands them to sendfile."""

    def __init__(self, parts: Iterable[tuple[str, int, int]]) -> None:
        """`parts`: (path, offset in bytes, length in bytes)."""
        self.parts = list(parts)
        self.length = sum(length for _, _, length in self.parts)

    def __iter__(self) -> Iterator[bytes]:
        for path, offset, length in self.parts:
            with open(path, "rb") as file:
                file.seek(offset, os.SEEK_SET)
                while length > 0:
                    data = file.read(min(CHUNK, length))
                    if not data:
                        raise OSError(f"{path} ends {length} bytes early")
                    length -= len(data)
                    yield data


class Response:
    """One HTTP response. A body that is an iterable of bytes without a known length is sent chunked."""

    __slots__ = ("body", "headers", "status")

    def __init__(
        self,
        status: int = 200,
        headers: list[tuple[str, str]] | None = None,
        body: bytes | FileBody | Iterable[bytes] = b"",
    ) -> None:
        self.status = status
        self.headers = headers if headers is not None else []
        self.body = body

    def header(self, name: str) -> str | None:
        """Return the first value of a header, by name in any case."""
        name = name.lower()
        return next((value for key, value in self.headers if key.lower() == name), None)
