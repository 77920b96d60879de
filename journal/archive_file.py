"""The snapshot file (`*.cairn`) as bytes: header, compressed records, trailer. docs/snapshot-format.md says it byte by byte.

Nothing read from a file is believed before it is checked, and no length in it makes us reserve memory: what is read is
held in pieces of at most CHUNK bytes, but for single event and call records, which have a limit of their own.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any, BinaryIO, NamedTuple

import msgspec
import zstandard

from journal.log import NewerFormat

FORMAT = 1
MAGIC = b"\x89CAIRN\r\n"
END = b"CAIRNEND"
EVENT, CALL, BLOB = 1, 2, 3
OPTIONAL = 0x80  # kinds from here on may be skipped by who does not know them
CHUNK = 1 << 20
MOST_HEADER = 1 << 20
MOST_RECORD = 256 << 20
WINDOW_LOG = 23  # 8 MiB: the most memory that decompression may ask for

_start = struct.Struct(">8sHHI")  # magic, format, flags, length of the header
_record = struct.Struct(">BQ")  # kind, length
_numbers = struct.Struct(">6Q")
_DIGEST = 32
TRAILER = len(END) + _numbers.size + _DIGEST


class BadArchive(ValueError):
    """A snapshot file is damaged, cut short, or no snapshot at all. Nothing of it was used."""


class Header(msgspec.Struct, frozen=True):
    """What a snapshot says of itself before its records. Unknown fields are left alone."""

    created: float  # seconds since the epoch, UTC
    stack_id: str
    base: tuple[int, bytes]  # seq and chain before the first event
    last: int
    chain: bytes  # of the last event
    lineage: dict[str, Any] | None = None


class Trailer(NamedTuple):
    """What a snapshot says of itself after its records."""

    events: int
    calls: int
    blobs: int
    blob_bytes: int
    content: int  # bytes of all records before compression
    compressed: int  # and after


class ArchiveWriter:
    """Writes a snapshot file front to back."""

    def __init__(self, out: BinaryIO, header: Header) -> None:
        self._out = out
        self._digest = blake2b(digest_size=_DIGEST)
        parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=21, write_checksum=True)
        self._compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
        self._counts = {EVENT: 0, CALL: 0, BLOB: 0}
        self._blob_bytes = self._content = self._compressed = 0
        packed = msgspec.msgpack.encode(header)
        self._write(_start.pack(MAGIC, FORMAT, 0, len(packed)) + packed)

    def _write(self, data: bytes) -> None:
        self._digest.update(data)
        self._out.write(data)

    def _put(self, data: bytes) -> None:
        self._content += len(data)
        packed = self._compressor.compress(data)
        if packed:
            self._compressed += len(packed)
            self._write(packed)

    def record(self, kind: int, seq: int, record: bytes) -> None:
        """Write an event or a call."""
        if len(record) + 8 > MOST_RECORD:
            raise ValueError(f"the record at {seq} is too large for a snapshot")
        self._counts[kind] += 1
        self._put(_record.pack(kind, len(record) + 8) + seq.to_bytes(8, "big") + record)

    def blob(self, sha256: str, size: int, pieces: Iterator[bytes]) -> None:
        """Write a blob, whose pieces have `size` bytes together."""
        self._counts[BLOB] += 1
        self._blob_bytes += size
        self._put(_record.pack(BLOB, size + 32) + bytes.fromhex(sha256))
        for piece in pieces:
            self._put(piece)

    def finish(self) -> Trailer:
        """Write what comes last."""
        packed = self._compressor.flush()
        self._compressed += len(packed)
        self._write(packed)
        counts = self._counts
        trailer = Trailer(counts[EVENT], counts[CALL], counts[BLOB], self._blob_bytes, self._content, self._compressed)
        self._write(END + _numbers.pack(*trailer))
        self._out.write(self._digest.digest())
        return trailer


class ArchiveReader:
    """Reads a snapshot file, front and end first. Raises BadArchive, or NewerFormat."""

    def __init__(self, file: BinaryIO) -> None:
        """`file` can seek. Reads and checks the header and the trailer's form; the digest is check_digest()'s."""
        self._file = file
        self.size = file.seek(0, os.SEEK_END)
        if self.size < _start.size + TRAILER:
            raise BadArchive("the file is too short to be a snapshot")
        magic, version, flags, length = _start.unpack(self._at(0, _start.size))
        if magic != MAGIC:
            raise BadArchive("the file is no Cairn snapshot")
        if version > FORMAT or flags:
            raise NewerFormat(f"the snapshot has format {version} (flags {flags:#x}); this Cairn reads up to {FORMAT}")
        if version == 0 or length > MOST_HEADER or length > self.size - _start.size - TRAILER:
            raise BadArchive("the snapshot's header is damaged")
        try:
            self.header = msgspec.msgpack.decode(self._at(_start.size, length), type=Header)
        except (msgspec.DecodeError, RecursionError, ValueError) as error:
            raise BadArchive(f"the snapshot's header is damaged: {error}") from error
        self._begin = _start.size + length
        end = self._at(self.size - TRAILER, TRAILER)
        self.trailer = Trailer(*_numbers.unpack(end[len(END) : -_DIGEST]))
        self._wanted = end[-_DIGEST:]
        if end[: len(END)] != END or self.trailer.compressed != self.size - TRAILER - self._begin:
            raise BadArchive("the snapshot is cut short, or something follows its end")

    def _at(self, offset: int, size: int) -> bytes:
        self._file.seek(offset)
        data = self._file.read(size)
        if len(data) != size:
            raise BadArchive("the snapshot is cut short")
        return data

    def check_digest(self, progress: Callable[[int], None] | None = None) -> None:
        """Read the whole file. Raises BadArchive unless every byte is as it was written. `progress`: bytes read."""
        digest = blake2b(digest_size=_DIGEST)
        self._file.seek(0)
        left = self.size - _DIGEST
        while left:
            data = self._file.read(min(CHUNK, left))
            if not data:
                raise BadArchive("the snapshot is cut short")
            digest.update(data)
            left -= len(data)
            if progress is not None:
                progress(len(data))
        if digest.digest() != self._wanted:
            raise BadArchive("the snapshot is damaged: its digest does not fit its contents")

    def records(self) -> Iterator[tuple[int, Payload]]:
        """Yield (kind, payload) in order; what is not read of a payload is skipped. Raises BadArchive."""
        content = _Content(_Section(self._file, self._begin, self.trailer.compressed), self.trailer.content)
        while content.left:
            kind, length = _record.unpack(content.exactly(_record.size))
            if length > content.left:
                raise BadArchive("a record of the snapshot claims more bytes than there are")
            payload = Payload(content, length)
            yield kind, payload
            for _ in payload.pieces():
                pass
        content.end()


class Payload:
    """One record's bytes, to be read once."""

    def __init__(self, content: _Content, length: int) -> None:
        self._content = content
        self.left = length

    def exactly(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        if size > self.left:
            raise BadArchive("a record of the snapshot is too short")
        self.left -= size
        return self._content.exactly(size)

    def rest(self) -> bytes:
        """Return all that is left, of a record small enough to be held."""
        if self.left > MOST_RECORD:
            raise BadArchive("a record of the snapshot is larger than records are")
        return self.exactly(self.left)

    def pieces(self) -> Iterator[bytes]:
        """Yield all that is left in pieces."""
        while self.left:
            piece = self._content.some(min(CHUNK, self.left))
            self.left -= len(piece)
            yield piece


class _Section:
    """A part of a file, as a file."""

    def __init__(self, file: BinaryIO, begin: int, size: int) -> None:
        self._file = file
        self._next = begin
        self._end = begin + size

    def read(self, size: int = -1) -> bytes:
        left = self._end - self._next
        self._file.seek(self._next)
        data = self._file.read(left if size < 0 else min(size, left))
        self._next += len(data)
        return data


class _Content:
    """The records' bytes, decompressed as they are asked for and never further than the trailer says."""

    def __init__(self, section: _Section, size: int) -> None:
        self.left = size
        decompressor = zstandard.ZstdDecompressor(max_window_size=1 << WINDOW_LOG)
        self._stream = decompressor.stream_reader(section, read_size=1 << 17, read_across_frames=True)  # type: ignore[arg-type]

    def some(self, size: int) -> bytes:
        """Return between 1 and `size` bytes."""
        data = self._read(size)
        if not data:
            raise BadArchive("the snapshot's contents end too early")
        self.left -= len(data)
        return data

    def exactly(self, size: int) -> bytes:
        """Return `size` bytes, held in memory only as they come."""
        if size <= CHUNK:
            data = self.some(size) if size else b""
            if len(data) == size:
                return data
            parts = [data]
        else:
            parts = []
        have = sum(map(len, parts))
        while have < size:
            parts.append(self.some(min(CHUNK, size - have)))
            have += len(parts[-1])
        return b"".join(parts)

    def end(self) -> None:
        """Raise BadArchive where there is more than there should be."""
        if self._read(1):
            raise BadArchive("the snapshot's contents go on after their end")

    def _read(self, size: int) -> bytes:
        try:
            return bytes(self._stream.read(size))
        except (zstandard.ZstdError, MemoryError) as error:
            raise BadArchive(f"the snapshot cannot be decompressed: {error}") from error
