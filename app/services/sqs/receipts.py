"""Receipt handles: opaque to callers, and all that is needed to find the message again.

A handle says which queue, which message and which time of receiving; a checksum tells a real one from any other text.
"""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from typing import NamedTuple

from app.services import AwsError

_LAYOUT = struct.Struct(">3sQQIQ")
_MARK = b"\x01\x01\x01"  # "AQEB", as AWS's handles begin
_SUM = struct.Struct(">I")


class Handle(NamedTuple):
    """What a receipt handle means."""

    queue: int
    position: int
    receives: int  # how often the message had been received, this time included
    received: int  # when, milliseconds


def write(queue: int, position: int, receives: int, received: int) -> str:
    """Return the handle of one receive of a message."""
    raw = _LAYOUT.pack(_MARK, queue, position, receives, received)
    return base64.b64encode(raw + _SUM.pack(zlib.crc32(raw))).decode("ascii")


def read(text: str, queue: int) -> Handle:
    """Return what a handle means. Raises ReceiptHandleIsInvalid where it is none, or another queue's."""
    try:
        raw = base64.b64decode(text, validate=True)
        mark, of_queue, position, receives, received = _LAYOUT.unpack(raw[:-4])
        genuine = mark == _MARK and _SUM.pack(zlib.crc32(raw[:-4])) == raw[-4:]
    except (ValueError, binascii.Error, struct.error):
        genuine = False
    if not genuine:
        raise AwsError("ReceiptHandleIsInvalid", f'The input receipt handle "{text}" is not a valid receipt handle.')
    if of_queue != queue:
        raise AwsError("ReceiptHandleIsInvalid", f'The receipt handle "{text}" is not valid for this queue.')
    return Handle(of_queue, position, receives, received)
