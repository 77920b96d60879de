"""Bodies of objects and parts: read while they arrive, hashed as they pass, checked, and put into the blob store.

Source: Amazon S3 API Reference, PutObject and UploadPart; "Checking object integrity".
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

from gevent import get_hub

from app.http import Request, RequestBody
from app.services import AwsError, Blob, Call, Content, prepare
from app.services.s3 import checksums
from app.services.s3.attributes import check_write
from app.services.s3.checksums import DEFAULT, HEADERS, MEMBERS, SIZES, Digest
from app.services.s3.chunked import ENCODINGS, BadChunk, ChunkDecoder, Encoding
from app.services.s3.places import invalid_argument
from app.services.s3.presigned import guard

MAX_OBJECT = 5 * 1024**3
INLINE = 4096  # content of up to this many bytes stays in the event
BLOCK = 512 * 1024  # two are in memory at once: one is hashed on a thread while the other is read
_UNHASHED = frozenset({"UNSIGNED-PAYLOAD", ""})
_HEX = re.compile(r"[0-9a-f]{64}")
_PART_ALGORITHMS = ("CRC32", "CRC32C", "CRC64NVME")  # cheap: computed for parts whose upload may want any of them


class Wanted:
    """What a request promises of its content."""

    __slots__ = ("algorithm", "checksum", "length", "md5", "sha256")

    def __init__(self) -> None:
        self.algorithm: str | None = None  # of the checksum declared, in a header or for the trailer
        self.checksum: str | None = None  # its value, where a header has it
        self.length = 0
        self.md5: bytes | None = None
        self.sha256: str | None = None


@prepare("s3", "PutObject", "UploadPart")
def receive(call: Call, request: Request, blobs: Any) -> None:
    """Spool a request's body: params get its content as Body, and [etag, size, checksums] as _received.

    Errors: MissingContentLength (411), EntityTooLarge, InvalidDigest, BadDigest, XAmzContentSHA256Mismatch,
    InvalidRequest, IncompleteBody, MalformedTrailerError, SignatureDoesNotMatch.
    """
    params = call.params
    guard(call, request)
    check_write(params, request.headers)
    wanted, encoding = expectations(params, request)
    whole = call.operation == "PutObject"
    spool = Spool(wanted, () if whole else _PART_ALGORITHMS)
    params["Body"] = spool.take(blocks(request, encoding, spool), blobs, wanted.length)
    params["_received"] = [spool.etag, spool.size, spool.results()]


def expectations(params: dict[str, Any], request: Request) -> tuple[Wanted, Encoding | None]:
    """Read what headers say of a body, and refuse what cannot be."""
    headers, body = request.headers, request.body
    wanted = Wanted()
    declared = headers.get("x-amz-content-sha256", "")
    encoding = ENCODINGS.get(declared)
    if encoding is None:
        if declared not in _UNHASHED:
            if not _HEX.fullmatch(declared):
                raise invalid_argument(
                    "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, or a valid sha256 "
                    "value.", "x-amz-content-sha256", declared,
                )  # fmt: skip
            wanted.sha256 = declared
        if body.length is None or "content-length" not in headers:
            raise _no_length()
        wanted.length = body.length
    else:
        text = headers.get("x-amz-decoded-content-length", "")
        if not re.fullmatch(r"\d{1,18}", text):
            raise _no_length()
        wanted.length = int(text)
    if wanted.length > MAX_OBJECT:
        raise AwsError(
            "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size", status=400,
            ProposedSize=str(wanted.length), MaxSizeAllowed=str(MAX_OBJECT),
        )  # fmt: skip
    md5 = params.get("ContentMD5")
    if md5 is not None:
        wanted.md5 = checksums.parse(md5, 16)
        if wanted.md5 is None:
            raise AwsError(
                "InvalidDigest", "The Content-MD5 you specified was invalid.", status=400, **{"Content-MD5": md5}
            )
    _declared_checksum(params, headers, encoding, wanted)
    return wanted, encoding


def _declared_checksum(
    params: dict[str, Any], headers: dict[str, str], encoding: Encoding | None, wanted: Wanted
) -> None:
    for member, algorithm in MEMBERS.items():
        if member in params:
            if wanted.algorithm is not None:
                raise _bad_request(
                    "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
                )
            wanted.algorithm, wanted.checksum = algorithm, params[member]
            if checksums.parse(params[member], SIZES[algorithm]) is None:
                raise _bad_request(f"Value for x-amz-checksum-{algorithm.lower()} header is invalid.")
    trailer = headers.get("x-amz-trailer")
    if trailer:
        algorithm = HEADERS.get(trailer.strip().lower(), "")
        if not algorithm or encoding is None or not encoding.trailers:
            raise _bad_request("The value specified in the x-amz-trailer header is not supported")
        if wanted.algorithm is not None:
            raise _bad_request("Expecting a single x-amz-checksum- header")
        wanted.algorithm = algorithm
    named = params.get("ChecksumAlgorithm")
    if named is None:
        return
    if named not in SIZES:
        raise _bad_request("Value for x-amz-sdk-checksum-algorithm header is invalid.")
    if wanted.algorithm is None:
        raise _bad_request(
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were "
            "found."
        )
    if wanted.algorithm != named:
        raise _bad_request("Value for x-amz-sdk-checksum-algorithm header is invalid.")


def _no_length() -> AwsError:
    return AwsError("MissingContentLength", "You must provide the Content-Length HTTP header.", status=411)


def _bad_request(message: str) -> AwsError:
    return AwsError("InvalidRequest", message, status=400)


def blocks(request: Request, encoding: Encoding | None, spool: Spool) -> Iterator[bytes]:
    """Yield a request's content in blocks; what its trailers say is left with the spool."""
    body = request.body
    if encoding is None:
        length = body.length or 0
        while length > 0:
            data = body.read(min(BLOCK, length))
            if not data:
                raise incomplete()
            length -= len(data)
            yield data
        return
    try:
        yield from _decoded(body, encoding, spool)
    except BadChunk as bad:
        raise AwsError(bad.code, bad.message, status=403 if bad.code == "SignatureDoesNotMatch" else 400) from None


def _decoded(body: RequestBody, encoding: Encoding, spool: Spool) -> Iterator[bytes]:
    decoder = ChunkDecoder(encoding)
    pending: list[bytes] = []
    size = 0
    limit = BLOCK if body.length is None else min(BLOCK, body.length)
    while data := body.read(limit):
        for piece in decoder.feed(data):
            pending.append(piece)
            size += len(piece)
        if size >= BLOCK:
            yield b"".join(pending)
            pending, size = [], 0
    decoder.end()
    if pending:
        yield b"".join(pending)
    spool.trailers = decoder.trailers


def incomplete() -> AwsError:
    """Return the error for a body that is not as long as its headers say."""
    return AwsError(
        "IncompleteBody",
        "You did not provide the number of bytes specified by the Content-Length HTTP header",
        status=400,
    )


class Spool:
    """Takes content in blocks; hashes, checks and stores it."""

    __slots__ = ("_digests", "_md5", "_sha256", "_wanted", "etag", "size", "trailers")

    def __init__(self, wanted: Wanted, more: tuple[str, ...] = ()) -> None:
        """`more`: algorithms to compute where the request declares none."""
        self._wanted = wanted
        self._md5 = hashlib.md5()
        self._sha256: Any = None
        names = (
            {wanted.algorithm, DEFAULT}
            if wanted.algorithm and more
            else {wanted.algorithm}
            if wanted.algorithm
            else more or (DEFAULT,)
        )
        self._digests: dict[str, Digest | bytes] = {name: checksums.ALGORITHMS[name]() for name in names if name}
        self.trailers: dict[str, str] = {}
        self.etag = ""
        self.size = 0

    def take(self, source: Iterator[bytes], blobs: Any, length: int | None) -> Content:
        """Store content that should be `length` bytes (None: however many); nothing stays behind of what is refused."""
        held: list[bytes] = []
        for data in source:
            self.size += len(data)
            if length is not None and self.size > length:
                raise incomplete()
            held.append(data)
            if self.size > BLOCK:
                return self._stream(held, source, blobs, length)
        data = b"".join(held) if len(held) != 1 else held[0]
        if len(data) > INLINE or self._wanted.sha256 is not None:
            self._sha256 = hashlib.sha256(data)
        self._hash(data)
        self._check(length)
        if len(data) <= INLINE:
            return data
        with blobs.writer(hashing=False) as writer:
            writer.write(data)
            blob: Blob = writer.finish(Blob(self._sha256.hexdigest(), self.size))
            return blob

    def _stream(self, held: list[bytes], source: Iterator[bytes], blobs: Any, length: int | None) -> Content:
        """Store much content: each block is hashed and written on a thread while the next arrives."""
        self._sha256 = hashlib.sha256()
        pool = get_hub().threadpool
        with blobs.writer(hashing=False) as writer:

            def absorb(data: bytes) -> None:
                self._sha256.update(data)
                self._hash(data)
                writer.write(data)

            for data in held:
                absorb(data)
            held.clear()
            busy = None
            try:
                for data in source:
                    self.size += len(data)
                    if length is not None and self.size > length:
                        raise incomplete()
                    if busy is not None:
                        busy.get()
                    busy = pool.spawn(absorb, data)
            finally:
                if busy is not None:
                    busy.get()
            self._check(length)
            blob: Blob = writer.finish(Blob(self._sha256.hexdigest(), self.size))
            return blob

    def _hash(self, data: bytes) -> None:
        self._md5.update(data)
        for digest in self._digests.values():
            digest.update(data)  # type: ignore[union-attr]

    def _check(self, length: int | None) -> None:
        wanted = self._wanted
        if length is not None and self.size != length:
            raise incomplete()
        md5 = self._md5.digest()
        self.etag = md5.hex()
        for name, digest in self._digests.items():
            self._digests[name] = digest.digest()  # type: ignore[union-attr]
        if wanted.md5 is not None and wanted.md5 != md5:
            raise AwsError(
                "BadDigest", "The Content-MD5 you specified did not match what we received.", status=400,
                ExpectedDigest=checksums.text(wanted.md5), CalculatedDigest=checksums.text(md5),
            )  # fmt: skip
        if wanted.sha256 is not None and wanted.sha256 != self._sha256.hexdigest():
            raise AwsError(
                "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.",
                status=400, ClientComputedContentSHA256=wanted.sha256, S3ComputedContentSHA256=self._sha256.hexdigest(),
            )  # fmt: skip
        if wanted.algorithm is not None:
            self._check_checksum(wanted.algorithm, wanted.checksum)

    def _check_checksum(self, algorithm: str, expected: str | None) -> None:
        if expected is None:
            expected = self.trailers.get(f"x-amz-checksum-{algorithm.lower()}")
            if expected is None:
                raise AwsError(
                    "MalformedTrailerError",
                    "The request contained trailing data that was not well-formed or did not conform to our published "
                    "schema.",
                    status=400,
                )
            if checksums.parse(expected, SIZES[algorithm]) is None:
                raise _bad_request(f"Value for x-amz-checksum-{algorithm.lower()} trailing header is invalid.")
        if checksums.parse(expected, SIZES[algorithm]) != self._digests[algorithm]:
            raise AwsError(
                "BadDigest", f"The {algorithm} you specified did not match the calculated checksum.", status=400
            )

    def results(self) -> dict[str, str]:
        """Return the checksums that were computed, by their names in answers."""
        return {f"Checksum{name}": checksums.text(digest) for name, digest in self._digests.items()}  # type: ignore[arg-type]
