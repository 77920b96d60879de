"""Objects and their versions.

`objects` holds the current version of every key that has one, which is what GET and the listings read. Noncurrent
versions and all delete markers are in `versions`, newest first. A key's newest version is its row in `objects`, or else
(then it is a delete marker) its first row in `versions`.
"""

from __future__ import annotations

from msgspec import field

from journal import Content, Envelope, Event, Record, Table, Tables, fold

NULL = "null"
Piece = tuple[Content, int, int]  # content, offset, length

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"  # in the order of their code points
_LARGEST = 62**8 - 1


def order_text(order: int) -> str:
    """Return eight characters that sort later things first: version ids begin so."""
    left, text = _LARGEST - order, ""
    for _ in range(8):
        left, digit = divmod(left, 62)
        text = _DIGITS[digit] + text
    return text


class StoredObject(Record):
    """One version of an object, or a delete marker."""

    version: str  # "null" where it was written without versioning
    order: int  # the seq that made it
    modified: float  # whole seconds since the epoch, UTC
    etag: str  # without quotes
    size: int
    content: Content
    members: dict[str, str]  # of GetObject's answer, exactly as they are given back (ContentType, StorageClass, …)
    metadata: dict[str, str] = field(default_factory=dict)
    checksums: dict[str, str] = field(default_factory=dict)  # members of the answer, ChecksumType included
    tags: dict[str, str] = field(default_factory=dict)
    upload: str = ""  # whose parts are the content, instead of `content`
    parts: int = 0  # how many, where it was uploaded in parts
    marker: bool = False
    lock_mode: str = ""
    retain_until: float = 0.0
    legal_hold: str = ""
    acl: list[dict[str, str]] | None = None  # None: the owner's alone


objects = Table("s3.objects", key=("bucket", "key"), record=StoredObject)
versions = Table("s3.versions", key=("bucket", "key", "sort"), record=StoredObject)


class NullVersion(Record):
    """Where in `versions` a key's null version is."""

    sort: str


null_versions = Table("s3.null_versions", key=("bucket", "key"), record=NullVersion)


def sort_text(version: str, order: int) -> str:
    """Return the last component of a version's key in `versions`."""
    return order_text(order) if version == NULL else version


class ObjectStored(Event, name="s3.ObjectStored", version=1):
    """An object was written whole: by a put, a form or a copy."""

    bucket: str
    bucket_id: int
    key: str
    version: str
    etag: str
    size: int
    content: Content
    members: dict[str, str]
    metadata: dict[str, str] = field(default_factory=dict)
    checksums: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    pieces: list[Piece] = field(default_factory=list)  # the content of a copy of what was uploaded in parts
    lock_mode: str = ""
    retain_until: float = 0.0
    legal_hold: str = ""
    acl: list[dict[str, str]] | None = None
    by: str = "Put"  # Put, Post or Copy: the notification's name


class DeleteMarkerCreated(Event, name="s3.DeleteMarkerCreated", version=1):
    """An object of a versioned bucket was deleted: a marker hides its versions."""

    bucket: str
    bucket_id: int
    key: str
    version: str


class ObjectDeleted(Event, name="s3.ObjectDeleted", version=1):
    """A version (or a delete marker) is gone for good."""

    bucket: str
    bucket_id: int
    key: str
    version: str
    marker: bool = False


@fold(ObjectStored)
def _(event: ObjectStored, on: Envelope, tables: Tables) -> None:
    upload = ""
    if event.pieces:
        from projections.s3.uploads import Part, parts

        upload = f"copy-{on.seq}"
        part = Part(event.etag, event.size, on.time, event.pieces, {})
        tables[parts].put(part, event.bucket_id, upload, 1)
    record = StoredObject(
        event.version, on.seq, float(int(on.time)), event.etag, event.size, event.content, event.members,
        event.metadata, event.checksums, event.tags, upload, 0, False, event.lock_mode, event.retain_until,
        event.legal_hold, event.acl,
    )  # fmt: skip
    make_current(tables, event.bucket_id, event.key, record)


@fold(DeleteMarkerCreated)
def _(event: DeleteMarkerCreated, on: Envelope, tables: Tables) -> None:
    record = StoredObject(event.version, on.seq, float(int(on.time)), "", 0, b"", {}, marker=True)
    bucket, key = event.bucket_id, event.key
    step_back(tables, bucket, key, event.version)
    tables[objects].delete(bucket, key)
    put_version(tables, bucket, key, record)


@fold(ObjectDeleted)
def _(event: ObjectDeleted, on: Envelope, tables: Tables) -> None:
    bucket, key = event.bucket_id, event.key
    current = tables[objects].get(bucket, key)
    if current is not None and current.version == event.version:
        tables[objects].delete(bucket, key)
        forget_content(tables, bucket, current)
        current = None
    else:
        delete_version(tables, bucket, key, event.version)
    if current is None:
        promote(tables, bucket, key)


def make_current(tables: Tables, bucket: int, key: str, record: StoredObject) -> None:
    """Put a new version of an object before all others."""
    step_back(tables, bucket, key, record.version)
    tables[objects].put(record, bucket, key)


def step_back(tables: Tables, bucket: int, key: str, version: str) -> None:
    """Make room for a new version: keep the current one as noncurrent, or drop the null version that it replaces."""
    current = tables[objects].get(bucket, key)
    if version == NULL:
        if current is not None and current.version == NULL:
            forget_content(tables, bucket, current)
            return
        delete_version(tables, bucket, key, NULL)
    if current is not None:
        put_version(tables, bucket, key, current)


def put_version(tables: Tables, bucket: int, key: str, record: StoredObject) -> None:
    """Keep a noncurrent version or a delete marker."""
    sort = sort_text(record.version, record.order)
    tables[versions].put(record, bucket, key, sort)
    if record.version == NULL:
        tables[null_versions].put(NullVersion(sort), bucket, key)


def delete_version(tables: Tables, bucket: int, key: str, version: str) -> None:
    """Delete a noncurrent version or a delete marker, if it is there."""
    sort = version
    if version == NULL:
        null = tables[null_versions].get(bucket, key)
        if null is None:
            return
        tables[null_versions].delete(bucket, key)
        sort = null.sort
    found = tables[versions].get(bucket, key, sort)
    if found is not None:
        tables[versions].delete(bucket, key, sort)
        forget_content(tables, bucket, found)


def promote(tables: Tables, bucket: int, key: str) -> None:
    """Make the newest version current again, after what stood before it was deleted."""
    newest = next(tables[versions].records(bucket, key), None)
    if newest is None or newest.marker:
        return
    tables[versions].delete(bucket, key, sort_text(newest.version, newest.order))
    if newest.version == NULL:
        tables[null_versions].delete(bucket, key)
    tables[objects].put(newest, bucket, key)


def forget_content(tables: Tables, bucket: int, record: StoredObject) -> None:
    """Drop the parts that a deleted version was made of."""
    if record.upload:
        from projections.s3.uploads import completions, parts

        tables[parts].clear(bucket, record.upload)
        tables[completions].delete(bucket, record.upload)
