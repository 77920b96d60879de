"""multipart/form-data as S3's form uploads use it: fields first, the file last, read while it arrives.

Source: RFC 7578; Amazon S3 API Reference, "POST Object".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import Message

from app.http import RequestBody
from app.services import AwsError

MAX_FIELDS = 20 * 1024  # bytes of all fields but the file
PIECE = 256 * 1024
_BOUNDARY = re.compile(r'boundary="?([^";,]{1,200})"?', re.IGNORECASE)


def malformed() -> AwsError:
    """Return the error for a body that is no form."""
    return AwsError(
        "MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data.", status=400
    )


class Form:
    """A form that is read as it arrives: `fields` once `read_fields()` came to the file, then the file's content."""

    def __init__(self, body: RequestBody, content_type: str) -> None:
        match = _BOUNDARY.search(content_type)
        if match is None:
            raise malformed()
        self._body = body
        self._delimiter = b"\r\n--" + match[1].encode("latin-1")
        self._buffer = b"\r\n"  # as if a line had ended before the first delimiter
        self._left = body.length
        self.fields: dict[str, str] = {}
        self.file_name: str | None = None  # None: there is no file
        self.file_type = ""

    def _more(self) -> bool:
        size = PIECE if self._left is None else min(PIECE, self._left)
        data = self._body.read(size) if size else b""
        if self._left is not None:
            self._left -= len(data)
        self._buffer += data
        return bool(data)

    def _until(self, mark: bytes, most: int) -> bytes:
        while (at := self._buffer.find(mark)) < 0:
            if len(self._buffer) > most:
                raise AwsError(
                    "MaxPostPreDataLengthExceededError",
                    "Your POST request fields preceding the upload file were too large.",
                    status=400, MaxPostPreDataLengthBytes=str(MAX_FIELDS),
                )  # fmt: skip
            if not self._more():
                raise malformed()
        found, self._buffer = self._buffer[:at], self._buffer[at + len(mark) :]
        return found

    def read_fields(self) -> None:
        """Read the fields, up to the file. Errors: MalformedPOSTRequest, MaxPostPreDataLengthExceededError."""
        self._until(self._delimiter, MAX_FIELDS)
        total = 0
        while True:
            while len(self._buffer) < 2:
                if not self._more():
                    raise malformed()
            if self._buffer.startswith(b"--"):
                return
            self._buffer = self._buffer[2:] if self._buffer.startswith(b"\r\n") else self._buffer
            headers = _headers(self._until(b"\r\n\r\n", MAX_FIELDS))
            disposition = headers.get("content-disposition", "")
            name, file_name = _parameter(disposition, "name"), _parameter(disposition, "filename")
            if name is None:
                raise malformed()
            if name.lower() == "file":
                self.file_name, self.file_type = file_name or "", headers.get("content-type", "")
                return
            value = self._until(self._delimiter, MAX_FIELDS * 2)
            total += len(name) + len(value)
            if total > MAX_FIELDS:
                self._until(b"\0" * 64, 0)
            self.fields[name] = value.decode("utf-8", "surrogateescape")

    def file(self) -> Iterator[bytes]:
        """Yield the file's content. Errors: MalformedPOSTRequest where it has no end."""
        delimiter = self._delimiter
        keep = len(delimiter) - 1
        while True:
            at = self._buffer.find(delimiter)
            if at >= 0:
                if at:
                    yield self._buffer[:at]
                self._buffer = self._buffer[at + len(delimiter) :]
                return
            if len(self._buffer) > keep:
                piece, self._buffer = self._buffer[: len(self._buffer) - keep], self._buffer[len(self._buffer) - keep :]
                yield piece
            if not self._more():
                raise malformed()

    def drain(self) -> None:
        """Swallow what follows the file. Errors: InvalidArgument where it is another file."""
        while self._more():
            if len(self._buffer) > MAX_FIELDS:
                self._buffer = self._buffer[-64:]


def _headers(raw: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in raw.split(b"\r\n"):
        name, mark, value = line.decode("utf-8", "surrogateescape").partition(":")
        if mark:
            found[name.strip().lower()] = value.strip()
    return found


def _parameter(header: str, name: str) -> str | None:
    message = Message()
    message["content-disposition"] = header
    value = message.get_param(name, header="content-disposition")
    return value if isinstance(value, str) else None
