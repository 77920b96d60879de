"""Events and their envelopes: what the journal stores, and how it is chained.

A stored event is msgpack `[version, type, time, account, region, resource, data, chain]`. `chain` is BLAKE2b-128 over
the previous event's chain and this record's bytes up to it, so that a changed, lost or reordered event is detected.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Any, dataclass_transform

import msgspec
from msgspec.msgpack import Ext

from journal import upcast
from journal.values import EXT_BODY, SPILL_OVER, BlobPort, decoder, pack, spill, unspill

NO_CHAIN = bytes(16)
_TAIL = 18  # the bytes of the chain at the end of a record: bin8 header and 16 bytes

TYPES: dict[str, type[Event]] = {}


class _EventType(msgspec.StructMeta):
    """Takes an event class's stored name and version, and registers it."""

    def __new__(
        mcls, cls_name: str, bases: tuple[type, ...], namespace: dict[str, Any], *,
        name: str | None = None, version: int = 1, **options: Any,
    ) -> Any:  # fmt: skip
        cls: Any = super().__new__(mcls, cls_name, bases, namespace, **options)
        if name is not None:
            if name in TYPES and TYPES[name].__qualname__ != cls.__qualname__:
                raise TypeError(f"two events are called {name}")
            cls.event_type = name
            cls.event_version = version
            cls.service = name.partition(".")[0]
            cls.decode = staticmethod(decoder(cls))
            TYPES[name] = cls
        return cls


@dataclass_transform(frozen_default=True, kw_only_default=False)
class Event(msgspec.Struct, metaclass=_EventType, frozen=True, gc=False):
    """A fact, past tense, with every generated value in it. Declare `class X(Event, name="<service>.X", version=1)`.

    Stored by field name: new fields need defaults; anything else needs a higher version and an upcaster.
    """


class Envelope(msgspec.Struct, gc=False):
    """An event as it stands in the journal."""

    seq: int
    version: int
    type: str
    time: float  # seconds since the epoch, UTC, by the stack's clock
    account: str
    region: str
    resource: str  # the ARN of what the event is about
    data: msgspec.Raw | bytes  # the event's fields, packed
    chain: bytes

    @property
    def service(self) -> str:
        """The service whose projection folds it."""
        return self.type.partition(".")[0]

    def fields(self, blobs: BlobPort) -> dict[str, Any]:
        """Return the event's fields as plain values, as stored (not upcast)."""
        value: dict[str, Any] = unspill(_inner(self.data), blobs)
        return value

    def event(self, blobs: BlobPort) -> Event:
        """Return the event as this version of the code knows it. Raises KeyError where it knows no such type."""
        cls: Any = TYPES[self.type]
        raw = bytes(self.data)
        if self.version == cls.event_version and not _is_spilled(raw):
            event: Event = cls.decode(raw)
            return event
        fields = upcast.upcast(self.type, self.version, cls.event_version, self.fields(blobs))
        return msgspec.convert(fields, cls)  # type: ignore[no-any-return]


_unpack_record: Callable[[bytes], list[Any]] = msgspec.msgpack.Decoder(
    tuple[int, str, float, str, str, str, msgspec.Raw, bytes]
).decode  # type: ignore[assignment]


def _is_spilled(raw: bytes) -> bool:
    return raw[0] in (0xC7, 0xC8, 0xC9, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8)


def _inner(raw: msgspec.Raw | bytes) -> bytes:
    """Return the packed fields of an event body, whether it holds spilled values or not."""
    data = bytes(raw)
    if not _is_spilled(data):
        return data
    ext = msgspec.msgpack.decode(data)
    return bytes(ext.data)


def encode(
    event: Event, time: float, account: str, region: str, resource: str, previous: bytes, blobs: BlobPort
) -> tuple[bytes, bytes, bytes]:
    """Return (record, chain, packed fields) of an event to be appended after the one whose chain is `previous`."""
    cls: Any = type(event)
    fields = pack(event)
    data = msgspec.Raw(fields if len(fields) <= SPILL_OVER else pack(Ext(EXT_BODY, spill(fields, blobs))))
    body = b"\x98" + pack((cls.event_version, cls.event_type, time, account, region, resource, data))[1:]
    chain = chain_after(previous, body)
    return body + b"\xc4\x10" + chain, chain, fields


def chain_after(previous: bytes, body: bytes) -> bytes:
    """Return the chain of a record whose bytes before the chain are `body`."""
    return blake2b(previous + body, digest_size=16).digest()


def body_of(record: bytes) -> bytes:
    """Return the bytes of a record that its chain covers."""
    return record[:-_TAIL]


def chain_of(record: bytes) -> bytes:
    """Return the chain that a record carries."""
    return record[-16:]


def decode(seq: int, record: bytes) -> Envelope:
    """Read a stored event. Raises msgspec.DecodeError where the bytes are none."""
    return Envelope(seq, *_unpack_record(record))
