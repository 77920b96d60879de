"""A request's first line and headers: from bytes to a WSGI environ and a dict of headers, strictly.

llhttp (through httptools) refuses nearly everything that request smuggling is made of: bare CR or LF, NUL and
control characters, folded lines, space before a colon, two Content-Lengths, Content-Length beside
Transfer-Encoding. What it lets through and we do not is refused here: see `RequestHead.parse`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_to_bytes

from httptools import HttpRequestParser
from httptools.parser.errors import HttpParserError, HttpParserUpgrade

from .pulse import Limits

KNOWN_NAMES = 2048  # header names remembered; a client that invents names must not grow us for ever


class BadHead(Exception):
    """A request that is refused before any of the app sees it; the connection closes after it."""

    def __init__(self, status: str, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def bad_request(message: str) -> BadHead:
    """Return what a request that breaks HTTP's grammar is refused with."""
    return BadHead("400 Bad Request", "BadRequest", message)


def too_long(seen: bytes | bytearray) -> BadHead:
    """Return the refusal of a head that passes the limit: its line is too long, or its headers are."""
    if b"\r\n" not in seen:
        return BadHead("414 URI Too Long", "RequestURITooLong", "The request line is too long.")
    return BadHead(
        "431 Request Header Fields Too Large", "RequestHeaderSectionTooLarge", "The request headers are too large."
    )


class RequestHead:
    """Parses one head after another for one connection; its attributes are those of the last one."""

    __slots__ = ("_count", "_max", "environ", "headers", "http11", "method", "target")
    _names: dict[bytes, tuple[str, str]] = {}  # noqa: RUF012  (shared on purpose: a cache)

    def __init__(self, limits: Limits) -> None:
        self._max = limits.head_count
        self.environ: dict[str, Any] = {}
        self.headers: dict[str, str] = {}
        self.method = ""
        self.target = ""
        self.http11 = True

    def parse(self, head: bytes, environ: dict[str, Any]) -> None:
        """Read `head`, whose last four bytes are the blank line; headers go to `environ` too. Raises BadHead."""
        self.environ = environ
        headers: dict[str, str] = {}
        self.headers = headers
        self._count = 0
        try:
            HttpRequestParser(self).feed_data(head)
        except HttpParserUpgrade:
            pass  # an offer of h2c or of a websocket: we go on in HTTP/1.1, as RFC 9110 lets us
        except HttpParserError as error:
            if isinstance(error.__context__, BadHead):
                raise error.__context__ from None
            raise bad_request(str(error)) from None
        # llhttp takes "GET  / HTTP/1.1", a missing version, and RTSP and ICE for versions.
        parts = head[: head.find(b"\r\n")].decode("latin-1").split(" ")
        if len(parts) != 3:
            raise bad_request("Malformed request line.")
        self.method, target, version = parts
        if version == "HTTP/1.1":
            self.http11 = True
            if "host" not in headers:
                raise bad_request("Missing Host header.")
        elif version == "HTTP/1.0":
            self.http11 = False
            if "transfer-encoding" in headers:
                raise bad_request("Transfer-Encoding in HTTP/1.0.")
        else:
            raise BadHead("505 HTTP Version Not Supported", "HTTPVersionNotSupported", "Speak HTTP/1.1 or HTTP/1.0.")
        self.target = target
        if target[0] != "/":
            self._unusual_target(target)
        environ["REQUEST_METHOD"] = self.method
        environ["SERVER_PROTOCOL"] = version
        environ["RAW_URI"] = target

    def _unusual_target(self, target: str) -> None:
        """Absolute form (proxies) names the host itself, and overrides Host; "*" is for OPTIONS."""
        _, separator, rest = target.partition("://")
        if separator:
            self.headers["host"] = self.environ["HTTP_HOST"] = rest.partition("/")[0].partition("?")[0]
        elif target != "*" or self.method != "OPTIONS":
            raise bad_request("Malformed request target.")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header; called by the parser."""
        names = self._names.get(name) or self._learn(name)
        self._count += 1
        if self._count > self._max:
            raise BadHead("431 Request Header Fields Too Large", "RequestHeaderSectionTooLarge", "Too many headers.")
        text = value.rstrip(b" \t").decode("latin-1")
        lower, key = names
        headers = self.headers
        if lower in headers:
            if lower == "host":
                raise bad_request("More than one Host header.")
            text = headers[lower] + ("; " if lower == "cookie" else ", ") + text
        headers[lower] = text
        if key:
            self.environ[key] = text

    def _learn(self, name: bytes) -> tuple[str, str]:
        lower = name.decode("latin-1").lower()
        if "_" in lower:
            key = ""  # would pass for its twin with hyphens in the environ
        elif lower in ("content-type", "content-length"):
            key = lower.upper().replace("-", "_")
        else:
            key = "HTTP_" + lower.upper().replace("-", "_")
        if len(self._names) < KNOWN_NAMES:
            self._names[name] = (lower, key)
        return lower, key

    def keep_alive(self) -> bool:
        """Tell whether the client wants the connection kept."""
        wish = self.headers.get("connection")
        if wish is None:
            return self.http11
        tokens = {token.strip(" \t") for token in wish.lower().split(",")}
        if "close" in tokens:
            return False
        return self.http11 or "keep-alive" in tokens


def path_info(path: str) -> str:
    """Return WSGI's PATH_INFO: percent-decoded, each byte as one latin-1 character."""
    return unquote_to_bytes(path).decode("latin-1") if "%" in path else path
