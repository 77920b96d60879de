"""What changes of an object without a new version of it: tags, retention, legal hold, access control list."""

from __future__ import annotations

from typing import Any

from journal import Envelope, Event, Tables, fold
from projections.s3.objects import NULL, null_versions, objects, versions


class ObjectTagged(Event, name="s3.ObjectTagged", version=1):
    """A version's tags were replaced (by none, where they were deleted)."""

    bucket: str
    bucket_id: int
    key: str
    version: str
    tags: dict[str, str]


class ObjectRetained(Event, name="s3.ObjectRetained", version=1):
    """A version's retention was set, or lifted (mode "")."""

    bucket: str
    bucket_id: int
    key: str
    version: str
    mode: str
    until: float


class ObjectHeld(Event, name="s3.ObjectHeld", version=1):
    """A version's legal hold was switched ON or OFF."""

    bucket: str
    bucket_id: int
    key: str
    version: str
    status: str


class ObjectAclSet(Event, name="s3.ObjectAclSet", version=1):
    """A version's grants were replaced."""

    bucket: str
    bucket_id: int
    key: str
    version: str
    acl: list[dict[str, str]] | None


@fold(ObjectTagged)
def _(event: ObjectTagged, on: Envelope, tables: Tables) -> None:
    _change(tables, event.bucket_id, event.key, event.version, tags=event.tags)


@fold(ObjectRetained)
def _(event: ObjectRetained, on: Envelope, tables: Tables) -> None:
    _change(tables, event.bucket_id, event.key, event.version, lock_mode=event.mode, retain_until=event.until)


@fold(ObjectHeld)
def _(event: ObjectHeld, on: Envelope, tables: Tables) -> None:
    _change(tables, event.bucket_id, event.key, event.version, legal_hold=event.status)


@fold(ObjectAclSet)
def _(event: ObjectAclSet, on: Envelope, tables: Tables) -> None:
    _change(tables, event.bucket_id, event.key, event.version, acl=event.acl)


def _change(tables: Tables, bucket: int, key: str, version: str, **changes: Any) -> None:
    current = tables[objects].get(bucket, key)
    if current is not None and current.version == version:
        tables[objects].put(current.replace(**changes), bucket, key)
        return
    sort = version
    if version == NULL:
        null = tables[null_versions].get(bucket, key)
        if null is None:
            return
        sort = null.sort
    found = tables[versions].get(bucket, key, sort)
    if found is not None:
        tables[versions].put(found.replace(**changes), bucket, key, sort)
