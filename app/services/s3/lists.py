"""ListObjects, ListObjectsV2 and ListObjectVersions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from app.services import AwsError, Call, Outcome, State, answer, query
from app.services.s3.finding import check_version_id, version_row
from app.services.s3.places import bucket_of, invalid_argument, owner
from app.services.s3.walking import page, token, untoken, url
from projections.s3 import Bucket, StoredObject, objects, sort_text, versions

PAGE = 1000


def max_keys(params: dict[str, Any], name: str = "MaxKeys", argument: str = "max-keys") -> int:
    """Return how many entries a page may have. Errors: InvalidArgument."""
    most: int = params.get(name, PAGE)
    if not 0 <= most <= 2147483647:
        raise AwsError(
            "InvalidArgument", f"Argument {argument} must be an integer between 0 and 2147483647", status=400,
            ArgumentName=argument, ArgumentValue=str(most),
        )  # fmt: skip
    return min(most, PAGE)


def encoder(params: dict[str, Any]) -> Callable[[str], str]:
    """Return how keys are written in the answer. Errors: InvalidArgument."""
    encoding = params.get("EncodingType")
    if not encoding:
        return lambda text: text
    if encoding != "url":
        raise invalid_argument("Invalid Encoding Method specified in Request", "encoding-type", encoding)
    return url


def _current(state: State, bucket: Bucket, prefix: str) -> Any:
    rows = state[objects]

    def from_there(after: str | None, past: str | None) -> Iterator[tuple[str, StoredObject]]:
        start = None if after is None else (after,)
        for key, record in rows.scan(bucket.id, starts_with=prefix, after=start, past=past):
            yield str(key[1]), record

    return from_there


def entry(key: str, record: StoredObject) -> dict[str, Any]:
    """Return an object as the listings have it."""
    shown: dict[str, Any] = {
        "Key": key,
        "LastModified": record.modified,
        "ETag": f'"{record.etag}"',
        "Size": record.size,
        "StorageClass": record.members.get("StorageClass", "STANDARD"),
    }
    for name in record.checksums:
        if name == "ChecksumType":
            shown["ChecksumType"] = record.checksums[name]
        else:
            shown["ChecksumAlgorithm"] = [name[8:]]
    return shown


def is_common_prefix(marker: str, prefix: str, delimiter: str) -> bool:
    """Tell whether a marker is a common prefix of the listing that it continues."""
    if not delimiter or not marker.startswith(prefix):
        return False
    return 0 <= marker.find(delimiter, len(prefix)) == len(marker) - len(delimiter)


@query("s3", "ListObjects")
def list_objects(call: Call, state: State) -> Outcome:
    """List keys, version 1. Errors: NoSuchBucket, InvalidArgument. Source: Amazon S3 API Reference, ListObjects."""
    params = call.params
    bucket = bucket_of(call, state)
    prefix, delimiter, marker = params.get("Prefix", ""), params.get("Delimiter") or "", params.get("Marker", "")
    most, encode = max_keys(params), encoder(params)
    after, past = marker or None, None
    # a marker that is a common prefix is one that was shown: go on behind all that it stands for
    if is_common_prefix(marker, prefix, delimiter):
        after, past = None, marker
    found = page(_current(state, bucket, prefix), prefix, delimiter, after, past, most)
    whose = owner(bucket.account)
    contents = [{**entry(encode(key), record), "Owner": whose} for key, record in found.found]
    return answer(
        Name=bucket.name, Prefix=prefix, Marker=encode(marker), MaxKeys=most,
        Delimiter=encode(delimiter) if delimiter else None, IsTruncated=found.truncated,
        NextMarker=encode(found.last) if found.truncated and delimiter else None,
        EncodingType=params.get("EncodingType"), Contents=contents or None,
        CommonPrefixes=[{"Prefix": encode(each)} for each in found.prefixes] or None,
    )  # fmt: skip


@query("s3", "ListObjectsV2")
def list_objects_v2(call: Call, state: State) -> Outcome:
    """List keys, version 2. Errors: NoSuchBucket, InvalidArgument. Source: Amazon S3 API Reference, ListObjectsV2."""
    params = call.params
    bucket = bucket_of(call, state)
    prefix, delimiter, start = params.get("Prefix", ""), params.get("Delimiter") or "", params.get("StartAfter")
    most, encode = max_keys(params), encoder(params)
    given = params.get("ContinuationToken")
    after, past = start or None, None
    if given:
        position = untoken(given)
        if position is None:
            raise invalid_argument("The continuation token provided is incorrect", "continuation-token", given)
        after, past = position
    found = page(_current(state, bucket, prefix), prefix, delimiter, after, past, most)
    contents = [entry(encode(key), record) for key, record in found.found]
    if params.get("FetchOwner"):
        whose = owner(bucket.account)
        for each in contents:
            each["Owner"] = whose
    last_is_prefix = bool(found.prefixes) and found.prefixes[-1] == found.last
    return answer(
        Name=bucket.name, Prefix=encode(prefix), MaxKeys=most, KeyCount=len(found.found) + len(found.prefixes),
        Delimiter=encode(delimiter) if delimiter else None, IsTruncated=found.truncated, ContinuationToken=given,
        NextContinuationToken=token(found.last, last_is_prefix) if found.truncated else None,
        StartAfter=encode(start) if start is not None else None,
        EncodingType=params.get("EncodingType"), Contents=contents or None,
        CommonPrefixes=[{"Prefix": encode(each)} for each in found.prefixes] or None,
    )  # fmt: skip


def every_version(
    state: State, bucket: Bucket, prefix: str, begin: tuple[str, str] | None
) -> Callable[[str | None, str | None], Iterator[tuple[str, tuple[StoredObject, bool]]]]:
    """Return what walks all versions and delete markers: by key, newest first; each with whether it is the latest.

    `begin` is (key, sort) of the version after which to begin.
    """

    def from_there(after: str | None, past: str | None) -> Iterator[tuple[str, tuple[StoredObject, bool]]]:
        key_after = None if after is None else (after,)
        old_after: tuple[str, ...] | None = (after, "\U0010ffff") if after is not None else None
        if begin is not None and past is None and after is None:
            key_after, old_after = (begin[0],), begin
        newer = state[objects].scan(bucket.id, starts_with=prefix, after=key_after, past=past)
        older = state[versions].scan(bucket.id, starts_with=prefix, after=old_after, past=past)
        # the rest of the key that we begin in the middle of has its latest version behind it already
        seen = begin[0] if begin is not None and old_after == begin else None
        current, old = next(newer, None), next(older, None)
        while current is not None or old is not None:
            if current is not None and (old is None or str(current[0][1]) <= str(old[0][1])):
                seen = str(current[0][1])
                yield seen, (current[1], True)
                current = next(newer, None)
            elif old is not None:
                key = str(old[0][1])
                yield key, (old[1], key != seen)
                seen = key
                old = next(older, None)

    return from_there


@query("s3", "ListObjectVersions")
def list_object_versions(call: Call, state: State) -> Outcome:
    """List all versions and delete markers, newest first within a key.

    Errors: NoSuchBucket, InvalidArgument. Source: Amazon S3 API Reference, ListObjectVersions.
    """
    params = call.params
    bucket = bucket_of(call, state)
    prefix, delimiter = params.get("Prefix", ""), params.get("Delimiter") or ""
    marker, version = params.get("KeyMarker") or "", params.get("VersionIdMarker")
    most, encode = max_keys(params), encoder(params)
    begin, after, past = None, marker or None, None
    if version is not None:
        if not marker:
            raise invalid_argument(
                "A version-id marker cannot be specified without a key marker.", "version-id-marker", version
            )
        check_version_id(version)
        row = version_row(state, bucket, marker, version)
        begin = (marker, sort_text(version, row.order) if row is not None else version)
        after = None
    elif is_common_prefix(marker, prefix, delimiter):
        after, past = None, marker
    found = page(every_version(state, bucket, prefix, begin), prefix, delimiter, after, past, most)
    shown: list[dict[str, Any]] = []
    markers: list[dict[str, Any]] = []
    whose = owner(bucket.account)
    for key, (record, latest) in found.found:
        if record.marker:
            each: dict[str, Any] = {"Key": encode(key), "LastModified": record.modified}
            markers.append(each)
        else:
            each = entry(encode(key), record)
            shown.append(each)
        each.update(VersionId=record.version, IsLatest=latest, Owner=whose)
    next_version = None
    if found.truncated and found.found and found.last == found.found[-1][0]:
        next_version = found.found[-1][1][0].version
    return answer(
        Name=bucket.name, Prefix=encode(prefix), KeyMarker=encode(marker), VersionIdMarker=version or "", MaxKeys=most,
        Delimiter=encode(delimiter) if delimiter else None, IsTruncated=found.truncated,
        NextKeyMarker=encode(found.last) if found.truncated else None, NextVersionIdMarker=next_version,
        EncodingType=params.get("EncodingType"), Versions=shown or None, DeleteMarkers=markers or None,
        CommonPrefixes=[{"Prefix": encode(each)} for each in found.prefixes] or None,
    )  # fmt: skip
