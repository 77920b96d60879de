"""Values that travel as text, in headers, query strings, paths, forms and XML elements: text to value and back."""

from __future__ import annotations

import binascii
import math
import re
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from app.protocols import timestamps
from app.protocols.malformed import Malformed

TextReader = Callable[[str], Any]
TextWriter = Callable[[Any], str]

_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
_FLOAT = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
SPECIAL_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


def read_integer(text: str) -> int:
    """Read a decimal integer. Raises Malformed."""
    text = text.strip()
    if not _INTEGER.fullmatch(text):
        raise Malformed(f"'{text}' is not an integer")
    return int(text)


def read_float(text: str) -> float:
    """Read a decimal number, NaN or an infinity. Raises Malformed."""
    text = text.strip()
    if text in SPECIAL_FLOATS:
        return SPECIAL_FLOATS[text]
    if not _FLOAT.fullmatch(text):
        raise Malformed(f"'{text}' is not a number")
    return float(text)


def read_boolean(text: str) -> bool:
    """Read true or false, in any case, as AWS does. Raises Malformed."""
    found = BOOLEANS.get(text)
    if found is None:
        found = BOOLEANS.get(text.strip().lower())
        if found is None:
            raise Malformed(f"'{text}' is not a boolean")
    return found


def read_blob(text: str) -> bytes:
    """Decode base64, line breaks allowed. Raises Malformed."""
    try:
        return binascii.a2b_base64("".join(text.split()), strict_mode=True)
    except ValueError:
        raise Malformed(f"'{text}' is not valid base64") from None


def read_timestamp(text: str) -> float:
    """Read a moment in any format. Raises Malformed."""
    try:
        return timestamps.parse(text.strip())
    except (ValueError, OverflowError, TypeError):
        raise Malformed(f"'{text}' is not a timestamp") from None


READERS: dict[str, TextReader] = {
    "string": str,
    "character": str,
    "boolean": read_boolean,
    "integer": read_integer,
    "long": read_integer,
    "float": read_float,
    "double": read_float,
    "blob": read_blob,
    "timestamp": read_timestamp,
}


def write_boolean(value: Any) -> str:
    """Write true or false."""
    return "true" if value else "false"


def write_float(value: Any) -> str:
    """Write a number as Java and Python both read it."""
    value = float(value)
    if math.isfinite(value):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def write_blob(value: Any) -> str:
    """Encode base64."""
    return b64encode(value.encode() if isinstance(value, str) else value).decode("ascii")


def write_timestamp(timestamp_format: str) -> TextWriter:
    """Return the writer for a format; text is passed through (S3 keeps an Expires header that is no date)."""
    formatter = timestamps.FORMATTERS[timestamp_format]
    return lambda value: value if value.__class__ is str else formatter(value)


WRITERS: dict[str, TextWriter] = {
    "string": str,
    "character": str,
    "boolean": write_boolean,
    "integer": str,
    "long": str,
    "float": write_float,
    "double": write_float,
    "blob": write_blob,
}


def writer(kind: str, timestamp_format: str) -> TextWriter:
    """Return the function that writes a scalar of this type as text."""
    return write_timestamp(timestamp_format) if kind == "timestamp" else WRITERS[kind]
