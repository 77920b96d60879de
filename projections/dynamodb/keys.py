"""Where items and index entries lie: attribute values as bytes that sort as AWS sorts them.

A partition key comes first behind a hash of it, as in AWS: a Scan meets partitions in an order that is stable and says
nothing, and a parallel Scan's segments are ranges of that hash. Sort keys follow in order: text as UTF-8, binary as it
is, numbers as `numbers.sortable`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zlib import crc32

from projections.dynamodb.numbers import sortable
from projections.dynamodb.sizes import Attributes, Value

HASH_BITS = 32
MAX_HASH = 2048  # bytes of a partition key attribute
MAX_RANGE = 1024  # bytes of a sort key attribute
Place = tuple[bytes, ...]


def part(value: Value) -> bytes:
    """Return a key attribute's value (text, binary, or a canonical number) as bytes that sort as it does."""
    inner: Any
    for kind, inner in value.items():
        if kind == "S":
            return inner.encode("utf-8", "surrogatepass")  # type: ignore[no-any-return]
        return sortable(inner) if kind == "N" else inner
    raise ValueError("an attribute value has one member")


def partition(parts: Sequence[bytes]) -> Place:
    """Return the components of a partition key: the hash goes in front of the first of them."""
    first = parts[0]
    checksum = crc32(first)
    for more in parts[1:]:
        checksum = crc32(more, checksum)
    # CRC-32 alone keeps short keys that differ at their ends close together; the multiplication spreads them.
    return ((checksum * 0x9E3779B1 & 0xFFFFFFFF).to_bytes(4, "big") + first, *parts[1:])


def segment(number: int, total: int) -> tuple[bytes, bytes | None]:
    """Return the first hash of a Scan segment, and the first one past it (None for the last segment)."""
    low, high = (number << HASH_BITS) // total, ((number + 1) << HASH_BITS) // total
    return low.to_bytes(4, "big"), high.to_bytes(4, "big") if high < 1 << HASH_BITS else None


def item_place(hash: str, range: str | None, item: Attributes) -> Place:
    """Return where an item lies in its table."""
    raw = part(item[hash])
    first = (crc32(raw) * 0x9E3779B1 & 0xFFFFFFFF).to_bytes(4, "big") + raw
    return (first,) if range is None else (first, part(item[range]))
