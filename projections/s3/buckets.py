"""Buckets: their settings, and their configuration documents."""

from __future__ import annotations

from typing import Any

from msgspec import field

from journal import Envelope, Event, Record, Table, Tables, fold


class Bucket(Record):
    """What every call about a bucket needs to know of it, and no more: it is read each time."""

    name: str
    id: int  # the seq of its creation: the key of all its rows
    account: str
    region: str
    created: float  # seconds since the epoch, UTC
    versioning: str = ""  # "" until first set, then Enabled or Suspended
    locked: bool = False  # object lock
    ownership: str = ""  # "" where the ownership controls were deleted
    settings: dict[str, Any] = field(
        default_factory=dict
    )  # configurations that writing or reading an object needs, by kind


class OwnedBucket(Record):
    """A bucket as ListBuckets shows it."""

    region: str
    created: float


class Configuration(Record):
    """A configuration document of a bucket, as it was put."""

    document: dict[str, Any]


buckets = Table("s3.buckets", key=("name",), record=Bucket)
owned = Table("s3.owned", key=("account", "name"), record=OwnedBucket)
configurations = Table("s3.configurations", key=("bucket", "kind", "id"), record=Configuration)

# Small documents that are wanted on every write or read of an object: kept in the bucket's own record too.
HOT = frozenset({"encryption", "object-lock", "acl", "public-access-block", "lifecycle"})


class BucketCreated(Event, name="s3.BucketCreated", version=1):
    """A bucket came to be, with the configuration AWS gives new ones."""

    bucket: str
    locked: bool
    ownership: str
    configurations: dict[str, dict[str, Any]]  # documents by kind


class BucketDeleted(Event, name="s3.BucketDeleted", version=1):
    """An empty bucket was deleted; its unfinished uploads and its configuration went with it."""

    bucket: str
    bucket_id: int


class BucketConfigured(Event, name="s3.BucketConfigured", version=1):
    """A configuration document of a bucket was put."""

    bucket: str
    bucket_id: int
    kind: str
    document: dict[str, Any]
    id: str = ""  # of the document, where a bucket may have several of the kind (analytics, inventory, …)


class BucketUnconfigured(Event, name="s3.BucketUnconfigured", version=1):
    """A configuration document of a bucket was deleted."""

    bucket: str
    bucket_id: int
    kind: str
    id: str = ""


@fold(BucketCreated)
def _(event: BucketCreated, on: Envelope, tables: Tables) -> None:
    hot = {kind: document for kind, document in event.configurations.items() if kind in HOT}
    bucket = Bucket(
        event.bucket, on.seq, on.account, on.region, on.time, "Enabled" if event.locked else "", event.locked,
        event.ownership, hot,
    )  # fmt: skip
    tables[buckets].put(bucket, event.bucket)
    tables[owned].put(OwnedBucket(on.region, on.time), on.account, event.bucket)
    for kind, document in event.configurations.items():
        tables[configurations].put(Configuration(document), on.seq, kind, "")


@fold(BucketDeleted)
def _(event: BucketDeleted, on: Envelope, tables: Tables) -> None:
    from projections.s3.uploads import completions, parts, uploads

    bucket = tables[buckets].get(event.bucket)
    if bucket is not None:
        tables[buckets].delete(event.bucket)
        tables[owned].delete(bucket.account, event.bucket)
    tables[configurations].clear(event.bucket_id)
    tables[uploads].clear(event.bucket_id)
    tables[parts].clear(event.bucket_id)
    tables[completions].clear(event.bucket_id)


@fold(BucketConfigured)
def _(event: BucketConfigured, on: Envelope, tables: Tables) -> None:
    tables[configurations].put(Configuration(event.document), event.bucket_id, event.kind, event.id)
    _note(tables, event.bucket, event.kind, event.document)


@fold(BucketUnconfigured)
def _(event: BucketUnconfigured, on: Envelope, tables: Tables) -> None:
    tables[configurations].delete(event.bucket_id, event.kind, event.id)
    _note(tables, event.bucket, event.kind, None)


def _note(tables: Tables, name: str, kind: str, document: dict[str, Any] | None) -> None:
    """Keep in the bucket's record what is wanted there."""
    bucket = tables[buckets].get(name)
    if bucket is None:
        return
    if kind == "versioning":
        bucket = bucket.replace(versioning=(document or {}).get("Status", bucket.versioning))
    elif kind == "ownership-controls":
        rules = (document or {}).get("Rules", [])
        bucket = bucket.replace(ownership=rules[0]["ObjectOwnership"] if rules else "")
    elif kind in HOT:
        settings = {each: value for each, value in bucket.settings.items() if each != kind}
        if document is not None:
            settings[kind] = document
        bucket = bucket.replace(settings=settings, locked=bucket.locked or kind == "object-lock")
    else:
        return
    tables[buckets].put(bucket, name)
