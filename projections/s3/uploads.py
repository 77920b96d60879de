"""Multipart uploads. Completing one moves nothing: the object then names the upload, whose parts are its content."""

from __future__ import annotations

from journal import Envelope, Event, Record, Table, Tables, fold
from projections.s3.objects import Piece, StoredObject, make_current


class Upload(Record):
    """A multipart upload under way, with what its object will have."""

    initiated: float
    account: str  # the initiator's
    members: dict[str, str]
    metadata: dict[str, str]
    tags: dict[str, str]
    algorithm: str  # of the checksums: CRC32, SHA256, …
    checksum_type: str  # COMPOSITE or FULL_OBJECT
    declared: bool  # whether the caller asked for that algorithm
    lock_mode: str = ""
    retain_until: float = 0.0
    legal_hold: str = ""
    acl: list[dict[str, str]] | None = None


class Part(Record):
    """One part of an upload, or of the object that it became."""

    etag: str
    size: int
    modified: float
    pieces: list[Piece]
    checksums: dict[str, str]


class Completion(Record):
    """What an upload became, so that completing it once more gives the same answer."""

    key: str
    version: str
    etag: str
    parts: str  # a digest of the list of parts that was completed


uploads = Table("s3.uploads", key=("bucket", "key", "upload"), record=Upload)
parts = Table("s3.parts", key=("bucket", "upload", "number"), record=Part)
completions = Table("s3.completions", key=("bucket", "upload"), record=Completion)


class UploadStarted(Event, name="s3.UploadStarted", version=1):
    """A multipart upload began."""

    bucket: str
    bucket_id: int
    key: str
    upload: str
    members: dict[str, str]
    metadata: dict[str, str]
    tags: dict[str, str]
    algorithm: str
    checksum_type: str
    declared: bool
    initiator: str
    lock_mode: str = ""
    retain_until: float = 0.0
    legal_hold: str = ""
    acl: list[dict[str, str]] | None = None


class PartStored(Event, name="s3.PartStored", version=1):
    """A part was uploaded, or copied from an object; an earlier one of its number is replaced."""

    bucket_id: int
    key: str
    upload: str
    number: int
    etag: str
    size: int
    pieces: list[Piece]
    checksums: dict[str, str]


class UploadAborted(Event, name="s3.UploadAborted", version=1):
    """An upload was given up; its parts are gone."""

    bucket_id: int
    key: str
    upload: str


class UploadCompleted(Event, name="s3.UploadCompleted", version=1):
    """An upload became an object, made of some of its parts; the others are gone."""

    bucket: str
    bucket_id: int
    key: str
    upload: str
    version: str
    etag: str
    size: int
    parts: list[int]
    digest: str
    checksums: dict[str, str]


@fold(UploadStarted)
def _(event: UploadStarted, on: Envelope, tables: Tables) -> None:
    upload = Upload(
        float(int(on.time)), event.initiator, event.members, event.metadata, event.tags, event.algorithm,
        event.checksum_type, event.declared, event.lock_mode, event.retain_until, event.legal_hold, event.acl,
    )  # fmt: skip
    tables[uploads].put(upload, event.bucket_id, event.key, event.upload)


@fold(PartStored)
def _(event: PartStored, on: Envelope, tables: Tables) -> None:
    part = Part(event.etag, event.size, float(int(on.time)), event.pieces, event.checksums)
    tables[parts].put(part, event.bucket_id, event.upload, event.number)


@fold(UploadAborted)
def _(event: UploadAborted, on: Envelope, tables: Tables) -> None:
    tables[uploads].delete(event.bucket_id, event.key, event.upload)
    tables[parts].clear(event.bucket_id, event.upload)


@fold(UploadCompleted)
def _(event: UploadCompleted, on: Envelope, tables: Tables) -> None:
    bucket = event.bucket_id
    upload = tables[uploads].get(bucket, event.key, event.upload)
    if upload is None:
        return
    tables[uploads].delete(bucket, event.key, event.upload)
    wanted = set(event.parts)
    for key in list(tables[parts].keys(bucket, event.upload)):
        if key[2] not in wanted:
            tables[parts].delete(*key)
    tables[completions].put(Completion(event.key, event.version, event.etag, event.digest), bucket, event.upload)
    record = StoredObject(
        event.version, on.seq, float(int(on.time)), event.etag, event.size, b"", upload.members, upload.metadata,
        event.checksums, upload.tags, event.upload, len(event.parts), False, upload.lock_mode, upload.retain_until,
        upload.legal_hold, upload.acl,
    )  # fmt: skip
    make_current(tables, bucket, event.key, record)
