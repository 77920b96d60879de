"""A response's status line and headers, as bytes for the wire."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

from .pulse import Pulse

STATUS = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
BODILESS = frozenset({"204", "304"})  # never with a body, whatever the app gave
KNOWN_NAMES = 2048

# Headers that are not simply copied. What frames the message is ours to say, not the app's.
_LENGTH, _DATE, _SERVER, _CONNECTION, _DROPPED, _COPIED = "length", "date", "server", "connection", "dropped", ""
_SPECIAL = {
    "content-length": _LENGTH,
    "date": _DATE,
    "server": _SERVER,
    "connection": _CONNECTION,
    "transfer-encoding": _DROPPED,
    "keep-alive": _DROPPED,
    "trailer": _DROPPED,
    "upgrade": _DROPPED,
}
_kinds: dict[str, str] = {}


def _kind(name: str) -> str:
    kind = _SPECIAL.get(name.lower(), _COPIED)
    if len(_kinds) < KNOWN_NAMES:
        _kinds[name] = kind
    return kind


def status_text(status: int) -> str:
    """Return a status as WSGI writes it."""
    return STATUS.get(status) or f"{status} Unknown"


class ResponseHead:
    """One response's head, before it is known how its body will be framed."""

    __slots__ = ("_lines", "close", "length", "status")

    def __init__(self, pulse: Pulse, status: str, headers: Iterable[tuple[str, str]]) -> None:
        """Copy the app's headers, in order and case. Raises ValueError where one would break the framing."""
        self.status = status
        self.length: int | None = None  # as the app said it
        self.close = False  # the app asked for it
        lines = []
        own = dated = False
        for name, value in headers:
            kind = _kinds.get(name)
            if kind is None:
                kind = _kind(name)
            if kind:
                if kind == _LENGTH:
                    self.length = _whole_number(value)
                    continue
                if kind == _DROPPED:
                    continue
                if kind == _CONNECTION:
                    self.close = self.close or "close" in value.lower()
                    continue
                dated = dated or kind == _DATE
                own = own or kind == _SERVER
            lines.append(f"{name}: {value}\r\n")
        block = "".join(lines)
        if block.count("\n") != len(lines) or block.count("\r") != len(lines) or "\0" in block:
            raise ValueError("a response header contains a line break")
        if own or dated:
            prefix = f"HTTP/1.1 {status}\r\n"
            prefix += "" if own else "Server: Cairn\r\n"
            prefix += "" if dated else f"Date: {pulse.date}\r\n"
        else:
            prefix = pulse.prefixes.get(status) or _prefix(pulse, status)
        self._lines = prefix + block

    def encode(self, framing: str) -> bytes:
        """Return the head with the headers that frame its body, and the blank line."""
        return f"{self._lines}{framing}\r\n".encode("latin-1")


def _prefix(pulse: Pulse, status: str) -> str:
    if "\r" in status or "\n" in status or not status[:3].isdigit():
        raise ValueError(f"malformed status {status!r}")
    prefix = f"HTTP/1.1 {status}\r\nServer: Cairn\r\nDate: {pulse.date}\r\n"
    if len(pulse.prefixes) < KNOWN_NAMES:
        pulse.prefixes[status] = prefix
    return prefix


def _whole_number(value: str) -> int:
    text = str(value)
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"malformed Content-Length {value!r}")
    return int(text)
