"""Table keys as bytes that sort as the values do.

A key is a tuple of components; each is encoded with a type byte, so that components of any type never run into each
other: bytes and text with NUL escaped and a NUL at the end, integers by length and magnitude, floats by IEEE order.
Text sorts by code point, as AWS's own listings do.
"""

from __future__ import annotations

import struct

Part = str | int | bytes | float
Key = tuple[Part, ...]

_BYTES, _TEXT, _INT_ZERO, _FLOAT = 0x01, 0x02, 0x14, 0x21
_double = struct.Struct(">d")


def _escape(raw: bytes) -> bytes:
    return raw.replace(b"\0", b"\0\xff") if b"\0" in raw else raw


_ABOVE = [bytes((_INT_ZERO + size,)) for size in range(9)]
_BELOW = [bytes((_INT_ZERO - size,)) for size in range(9)]


def _integer(value: int) -> bytes:
    size = (value.bit_length() + 7) >> 3
    if size > 8:
        raise OverflowError("an integer in a key has at most 64 bits")
    if value >= 0:
        return _ABOVE[size] + value.to_bytes(size, "big")
    return _BELOW[size] + (value + (1 << (8 * size)) - 1).to_bytes(size, "big")


def _real(value: float) -> bytes:
    raw = _double.pack(value + 0.0)  # -0.0 becomes 0.0: equal values have equal keys
    if raw[0] & 0x80:
        raw = bytes(byte ^ 0xFF for byte in raw)
    else:
        raw = bytes((raw[0] | 0x80,)) + raw[1:]
    return b"\x21" + raw


def encode(parts: Key) -> bytes:
    """Encode a key. Raises TypeError for a component that is not text, bytes, int or float."""
    out = b""
    for part in parts:
        kind = type(part)
        if kind is str:
            raw = part.encode("utf-8", "surrogatepass")  # type: ignore[union-attr]
            out += b"\x02" + (raw.replace(b"\0", b"\0\xff") if b"\0" in raw else raw) + b"\0"
        elif kind is int:
            out += _integer(part)  # type: ignore[arg-type]
        elif kind is bytes:
            out += b"\x01" + _escape(part) + b"\0"  # type: ignore[arg-type]
        elif kind is float:
            out += _real(part)  # type: ignore[arg-type]
        else:
            raise TypeError(f"a key has text, bytes, int and float components, not {kind.__name__}")
    return out


def encode_beginning(parts: Key, beginning: str | bytes) -> bytes:
    """Encode `parts` and the beginning of one more component, left open: a prefix of every key that has it."""
    if isinstance(beginning, str):
        return encode(parts) + b"\x02" + _escape(beginning.encode("utf-8", "surrogatepass"))
    return encode(parts) + b"\x01" + _escape(beginning)


def decode(raw: bytes) -> Key:
    """Decode a whole key. Raises ValueError where the bytes are no key."""
    parts: list[Part] = []
    at, end = 0, len(raw)
    while at < end:
        code = raw[at]
        at += 1
        if code in (_BYTES, _TEXT):
            stop = raw.find(b"\0", at)
            while stop >= 0 and raw[stop + 1 : stop + 2] == b"\xff":
                stop = raw.find(b"\0", stop + 2)
            if stop < 0:
                raise ValueError("a key's text has no end")
            part = raw[at:stop]
            if b"\0" in part:
                part = part.replace(b"\0\xff", b"\0")
            parts.append(part.decode("utf-8", "surrogatepass") if code == _TEXT else part)
            at = stop + 1
        elif _INT_ZERO - 8 <= code <= _INT_ZERO + 8:
            size = code - _INT_ZERO
            width = abs(size)
            if at + width > end:
                raise ValueError("a key's integer is cut short")
            number = int.from_bytes(raw[at : at + width], "big")
            parts.append(number if size >= 0 else number - (1 << (8 * width)) + 1)
            at += width
        elif code == _FLOAT:
            if at + 8 > end:
                raise ValueError("a key's number is cut short")
            eight = raw[at : at + 8]
            if eight[0] & 0x80:
                eight = bytes((eight[0] & 0x7F,)) + eight[1:]
            else:
                eight = bytes(byte ^ 0xFF for byte in eight)
            parts.append(float(_double.unpack(eight)[0]))
            at += 8
        else:
            raise ValueError(f"a key has an unknown type byte {code:#x}")
    return tuple(parts)


def after(raw: bytes) -> bytes | None:
    """Return the least byte string greater than every one that begins with `raw`; None where there is none."""
    raw = raw.rstrip(b"\xff")
    return raw[:-1] + bytes((raw[-1] + 1,)) if raw else None
