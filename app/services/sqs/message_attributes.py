"""Message attributes: what they may be, their MD5, and which of them a consumer asked for."""

from __future__ import annotations

import re
import struct
from hashlib import md5
from typing import Any

from app.services import AwsError
from app.services.sqs.refusals import bad_parameter
from projections.sqs import Message

MOST_ATTRIBUTES = 10
LONGEST_NAME = LONGEST_TYPE = 256
NAME = re.compile(r"[A-Za-z0-9_.-]+\Z")
TYPES = ("String", "Number", "Binary")
NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*\Z")

Stored = dict[str, tuple[str, str, bytes]]  # name -> data type, text, bytes: as projections.sqs keeps them
_length = struct.Struct(">I").pack


def stored(given: dict[str, dict[str, Any]]) -> tuple[Stored, int]:
    """Return message attributes as they are kept, and their size. Raises InvalidParameterValue.

    Source: Amazon SQS Developer Guide, Message attribute components and data types.
    """
    if len(given) > MOST_ATTRIBUTES:
        raise bad_parameter(
            f"Number of message attributes [{len(given)}] exceeds the allowed maximum [{MOST_ATTRIBUTES}]."
        )
    kept: Stored = {}
    size = 0
    for name, value in given.items():
        _check_name(name)
        kind, text, data = _value(name, value)
        kept[name] = (kind, text, data)
        size += len(name.encode()) + len(kind.encode()) + len(text.encode()) + len(data)
    return kept, size


def _check_name(name: str) -> None:
    if not name:
        raise bad_parameter("The message attribute name must not be empty.")
    if len(name) > LONGEST_NAME:
        raise bad_parameter(f"Message (user) attribute name must be shorter than {LONGEST_NAME} Bytes")
    if not NAME.match(name):
        raise bad_parameter(
            f"The message attribute name '{name}' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore (_), "
            "hyphen (-), and period (.) characters."
        )
    if name.lower().startswith(("aws.", "amazon.")):
        raise bad_parameter(
            "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for "
            "internal use."
        )
    if name[0] == "." or name[-1] == "." or ".." in name:
        raise bad_parameter(
            f"The message attribute name '{name}' must not start or end with a period or have successive periods."
        )


def _value(name: str, value: dict[str, Any]) -> tuple[str, str, bytes]:
    kind: str = value.get("DataType") or ""
    if not kind:
        raise bad_parameter(f"The message attribute '{name}' must contain non-empty message attribute type.")
    if len(kind) > LONGEST_TYPE:
        raise bad_parameter(f"Message (user) attribute type must be shorter than {LONGEST_TYPE} Bytes")
    sort = kind.partition(".")[0]
    if sort not in TYPES:
        raise bad_parameter(
            f"The type of message (user) attribute '{name}' is invalid. You must use only the following supported type "
            "prefixes: Binary, Number, String."
        )
    text, data = value.get("StringValue"), value.get("BinaryValue")
    if value.get("StringListValues") or value.get("BinaryListValues"):
        raise AwsError(
            "UnsupportedOperation", "Message attribute list values in SendMessage operation are not supported."
        )
    if not text and not data:
        raise bad_parameter(
            f"The message attribute '{name}' must contain non-empty message attribute value for message attribute "
            f"type '{kind}'."
        )
    if sort == "Binary":
        if not data or text:
            raise bad_parameter(f"The message attribute '{name}' with type '{kind}' must use field 'Binary'.")
        return kind, "", data
    if not text or data:
        raise bad_parameter(f"The message attribute '{name}' with type '{kind}' must use field 'String'.")
    if sort == "Number" and not NUMBER.match(text):
        raise bad_parameter(f"Can't cast the value of message (user) attribute '{name}' to a number.")
    check_text(text)
    return kind, text, b""


_CONTROLS = bytes(code for code in range(32) if code not in (9, 10, 13))
_OUTSIDE = re.compile("[\ud800-\udfff\ufffe\uffff]")


def check_text(text: str) -> bytes:
    """Return text as UTF-8. Raises InvalidMessageContents where a character is not allowed.

    Source: Amazon SQS API Reference, SendMessage.
    """
    try:
        raw = text.encode()
        allowed = len(raw.translate(None, _CONTROLS)) == len(raw) and (text.isascii() or not _OUTSIDE.search(text))
    except UnicodeEncodeError:
        allowed = False
    if not allowed:
        raise AwsError(
            "InvalidMessageContents",
            "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | "
            "#x10000 to #x10FFFF",
        )
    return raw


def digest(attributes: Stored) -> bytes:
    """Return the MD5 of attributes: by name, each part's length and bytes, with a mark before text (1) or bytes (2).

    Source: Amazon SQS Developer Guide, Calculating the MD5 message digest for message attributes.
    """
    out = bytearray()
    for name in sorted(attributes):
        kind, text, data = attributes[name]
        _add(out, name.encode())
        _add(out, kind.encode())
        if kind.startswith("Binary"):
            out += b"\x02"
            _add(out, data)
        else:
            out += b"\x01"
            _add(out, text.encode())
    return md5(out, usedforsecurity=False).digest()


def _add(out: bytearray, part: bytes) -> None:
    out += _length(len(part))
    out += part


def wanted(message: Message, names: list[str]) -> Stored:
    """Return the attributes that MessageAttributeNames ask for: by name, `All`, `.*`, or a prefix `name.*`.

    Source: Amazon SQS API Reference, ReceiveMessage.
    """
    has = message.attributes
    if not has or not names:
        return {}
    if "All" in names or ".*" in names:
        return has
    prefixes = tuple(name[:-2] for name in names if name.endswith(".*"))
    return {name: value for name, value in has.items() if name in names or (prefixes and name.startswith(prefixes))}


def shown(attributes: Stored) -> dict[str, dict[str, Any]]:
    """Return attributes as an answer has them."""
    return {
        name: {"BinaryValue": data, "DataType": kind}
        if kind.startswith("Binary")
        else {"StringValue": text, "DataType": kind}
        for name, (kind, text, data) in attributes.items()
    }
