"""S3's checksums: names, hashing as the bytes pass, and the checksum of an object from those of its parts.

Source: Amazon S3 User Guide, "Checking object integrity".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable
from typing import Protocol

from awscrt import checksums as crt


class Digest(Protocol):
    """What hashes bytes as they pass."""

    def update(self, data: bytes, /) -> object: ...

    def digest(self) -> bytes: ...


class _Crc:
    """A CRC as a digest, big-endian."""

    __slots__ = ("_function", "_size", "_value")

    def __init__(self, function: Callable[[bytes, int], int], size: int) -> None:
        self._function = function
        self._size = size
        self._value = 0

    def update(self, data: bytes) -> None:
        self._value = self._function(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, "big")


class _XxHash:
    """An xxHash as a digest."""

    __slots__ = ("_hash",)

    def __init__(self, made: crt.XXHash) -> None:
        self._hash = made

    def update(self, data: bytes) -> None:
        self._hash.update(data)

    def digest(self) -> bytes:
        return bytes(self._hash.finalize())


ALGORITHMS: dict[str, Callable[[], Digest]] = {
    "CRC32": lambda: _Crc(crt.crc32, 4),
    "CRC32C": lambda: _Crc(crt.crc32c, 4),
    "CRC64NVME": lambda: _Crc(crt.crc64nvme, 8),
    "SHA1": hashlib.sha1,
    "SHA256": hashlib.sha256,
    "SHA512": hashlib.sha512,
    "MD5": hashlib.md5,
    "XXHASH64": lambda: _XxHash(crt.XXHash.new_xxhash64()),
    "XXHASH3": lambda: _XxHash(crt.XXHash.new_xxhash3_64()),
    "XXHASH128": lambda: _XxHash(crt.XXHash.new_xxhash3_128()),
}
SIZES = {
    "CRC32": 4, "CRC32C": 4, "CRC64NVME": 8, "SHA1": 20, "SHA256": 32, "SHA512": 64, "MD5": 16,
    "XXHASH64": 8, "XXHASH3": 8, "XXHASH128": 16,
}  # fmt: skip
MEMBERS = {f"Checksum{name}": name for name in ALGORITHMS}  # as in the model: "ChecksumCRC32" -> "CRC32"
HEADERS = {f"x-amz-checksum-{name.lower()}": name for name in ALGORITHMS}
FULL_OBJECT, COMPOSITE = "FULL_OBJECT", "COMPOSITE"
DEFAULT = "CRC64NVME"  # what S3 computes where the caller gives none

_COMBINE: dict[str, Callable[[int, int, int], int]] = {
    "CRC32": crt.combine_crc32,
    "CRC32C": crt.combine_crc32c,
    "CRC64NVME": crt.combine_crc64nvme,
}
# The type where CreateMultipartUpload names an algorithm only, and the types that an algorithm may have.
DEFAULT_TYPES = {name: FULL_OBJECT if name == "CRC64NVME" else COMPOSITE for name in ALGORITHMS}


def allows(algorithm: str, kind: str) -> bool:
    """Tell whether multipart uploads may have this checksum type with this algorithm."""
    if kind == FULL_OBJECT:
        return algorithm in _COMBINE
    return algorithm != "CRC64NVME"


def text(raw: bytes) -> str:
    """Return a digest as S3 writes it."""
    return base64.b64encode(raw).decode("ascii")


def parse(value: str, size: int) -> bytes | None:
    """Return the digest that a header's text means, or None where it cannot be one of that size."""
    try:
        raw = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if len(raw) == size else None


def once(algorithm: str, data: bytes) -> bytes:
    """Return the digest of bytes that are at hand."""
    if algorithm == "CRC64NVME":
        return int(crt.crc64nvme(data, 0)).to_bytes(8, "big")
    if algorithm == "CRC32":
        return int(crt.crc32(data, 0)).to_bytes(4, "big")
    digest = ALGORITHMS[algorithm]()
    digest.update(data)
    return digest.digest()


def composite(algorithm: str, parts: Iterable[str]) -> str:
    """Return the checksum of checksums of an upload's parts, with their number."""
    digests = [base64.b64decode(part) for part in parts]
    return f"{text(once(algorithm, b''.join(digests)))}-{len(digests)}"


def combined(algorithm: str, parts: Iterable[tuple[str, int]]) -> str:
    """Return the checksum of the whole from those of its parts and their sizes; CRCs only."""
    combine, value = _COMBINE[algorithm], 0
    for checksum, size in parts:
        value = combine(value, int.from_bytes(base64.b64decode(checksum), "big"), size)
    return text(value.to_bytes(SIZES[algorithm], "big"))


def etag_of_parts(etags: list[str]) -> str:
    """Return the ETag of an object uploaded in parts: the MD5 of their MD5s, and their number."""
    return f"{hashlib.md5(b''.join([bytes.fromhex(etag[:32]) for etag in etags])).hexdigest()}-{len(etags)}"
