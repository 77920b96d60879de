"""Values as bytes: msgpack, with references to blobs, and large values moved out of LMDB.

Extension codes: 1 a `Blob` that the application handles by reference; 2 and 3 a string or bytes of more than
SPILL_OVER bytes that was moved to the blob store and is put back when read; 4 an event body that holds such values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec
from msgspec.msgpack import Ext

SPILL_OVER = 4096
SPILLED = b"\xc1"  # a byte that msgpack never uses: marks a record or call that holds spilled values
EXT_BLOB, EXT_TEXT, EXT_BYTES, EXT_BODY = 1, 2, 3, 4

T = TypeVar("T")


class Blob:
    """A reference to an immutable byte string in the blob store: its SHA-256 in hex, and its size in bytes."""

    __slots__ = ("sha256", "size")

    def __init__(self, sha256: str, size: int) -> None:
        self.sha256 = sha256
        self.size = size

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Blob) and other.sha256 == self.sha256 and other.size == self.size

    def __hash__(self) -> int:
        return hash(self.sha256)

    def __repr__(self) -> str:
        return f"Blob({self.sha256[:12]}…, {self.size})"


# A record's or event's field that is either small bytes in place or a Blob. msgspec cannot express the union.
if TYPE_CHECKING:
    Content = bytes | Blob
else:
    Content = Any


class BlobPort(Protocol):
    """What this module needs of a blob store."""

    def put(self, data: bytes) -> Blob: ...

    def read(self, blob: Blob) -> bytes: ...


def _reference(blob: Blob) -> bytes:
    return bytes.fromhex(blob.sha256) + blob.size.to_bytes(8, "big")


def _blob(data: bytes | memoryview) -> Blob:
    return Blob(bytes(data[:32]).hex(), int.from_bytes(data[32:40], "big"))


def _enc_hook(value: Any) -> Any:
    if isinstance(value, Blob):
        return Ext(EXT_BLOB, _reference(value))
    raise TypeError(f"{type(value).__name__} is not something the journal stores")


def ext_hook(code: int, data: memoryview) -> Any:
    """Read extension values where nothing was spilled."""
    if code == EXT_BLOB:
        return _blob(data)
    return Ext(code, bytes(data))


pack: Callable[[Any], bytes] = msgspec.msgpack.Encoder(enc_hook=_enc_hook).encode
_unpack_any = msgspec.msgpack.Decoder(ext_hook=ext_hook).decode


def decoder(kind: type[T]) -> Callable[[bytes], T]:
    """Return a compiled function from msgpack to `kind`; for values that hold nothing spilled."""
    return msgspec.msgpack.Decoder(kind, ext_hook=ext_hook).decode


def _move_out(value: Any, blobs: BlobPort) -> Any:
    if isinstance(value, str):
        if len(value) * 4 > SPILL_OVER:
            data = value.encode("utf-8", "surrogatepass")
            if len(data) > SPILL_OVER:
                return Ext(EXT_TEXT, _reference(blobs.put(data)))
        return value
    if isinstance(value, bytes):
        return Ext(EXT_BYTES, _reference(blobs.put(value))) if len(value) > SPILL_OVER else value
    if isinstance(value, dict):
        return {key: _move_out(item, blobs) for key, item in value.items()}
    if isinstance(value, list):
        return [_move_out(item, blobs) for item in value]
    return value


def spill(packed: bytes, blobs: BlobPort) -> bytes:
    """Return the same value with strings and bytes over SPILL_OVER moved to the blob store."""
    return pack(_move_out(_unpack_any(packed), blobs))


def unspill(packed: bytes | memoryview, blobs: BlobPort) -> Any:
    """Read a value that spill() wrote, with all it moved out put back. Raises OSError where a blob is missing."""

    def put_back(code: int, data: memoryview) -> Any:
        if code == EXT_BLOB:
            return _blob(data)
        raw = blobs.read(_blob(data))
        return raw.decode("utf-8", "surrogatepass") if code == EXT_TEXT else raw

    return msgspec.msgpack.Decoder(ext_hook=put_back).decode(packed)


def pack_value(value: Any, blobs: BlobPort) -> bytes:
    """Pack a record or call; what is large goes to the blob store."""
    packed = pack(value)
    if len(packed) <= SPILL_OVER:
        return packed
    return SPILLED + spill(packed, blobs)


def unpack_value(packed: bytes, kind: type[T], decode: Callable[[bytes], T], blobs: BlobPort) -> T:
    """Read what pack_value() wrote; `decode` is decoder(kind)."""
    if packed[:1] == SPILLED:
        return msgspec.convert(unspill(packed[1:], blobs), kind)
    return decode(packed)


def unpack_any(packed: bytes, blobs: BlobPort) -> Any:
    """Read what pack_value() wrote as plain lists, dicts and scalars."""
    if packed[:1] == SPILLED:
        return unspill(packed[1:], blobs)
    return _unpack_any(packed)


def references(packed: bytes | memoryview) -> list[Blob]:
    """Return every blob that a packed value refers to, spilled values included (found without reading them)."""
    found: list[Blob] = []

    def note(code: int, data: memoryview) -> Any:
        if code == EXT_BODY:
            found.extend(references(data))
        elif code in (EXT_BLOB, EXT_TEXT, EXT_BYTES):
            found.append(_blob(data))
        return None

    body = packed[1:] if bytes(packed[:1]) == SPILLED else packed
    msgspec.msgpack.Decoder(ext_hook=note).decode(body)
    return found
