"""CopyObject, and the source of copies.

A copy shares its source's blobs; no byte is moved. Source: Amazon S3 API Reference, CopyObject.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple
from urllib.parse import unquote

from app.services import AwsError, Call, Outcome, State, command, emit, prepare
from app.services.s3 import checksums, conditions
from app.services.s3.attributes import Attributes, check_write, made_version, new_version
from app.services.s3.encryption import answered, check_customer_key
from app.services.s3.finding import (
    check_version_id,
    no_such_key,
    no_such_version,
    pieces_of,
    read_whole,
    version_row,
)
from app.services.s3.objects import check_conditions
from app.services.s3.places import bucket_named, bucket_of, invalid_argument, object_arn
from app.services.s3.presigned import guard
from app.services.s3.receiving import MAX_OBJECT
from projections.s3 import Bucket, ObjectStored, Piece, StoredObject, objects

READ_HERE = 8 * 1024 * 1024  # content that has to be hashed anew is read up to this size


class Source(NamedTuple):
    """What is copied."""

    bucket: Bucket
    key: str
    record: StoredObject


@prepare("s3", "CopyObject")
def prepare_copy(call: Call, request: Any, blobs: Any) -> None:
    """Check what needs no state."""
    guard(call, request)
    check_write(call.params, request.headers)


def split_source(text: str) -> tuple[str, str, str | None]:
    """Return (bucket, key, version) of an x-amz-copy-source header. Errors: InvalidArgument."""
    path, mark, version = text.partition("?versionId=")
    path = unquote(path)
    if path.startswith("arn:") and ":accesspoint/" not in path:
        path = path.rpartition(":::")[2]
    bucket, _, key = path.removeprefix("/").partition("/")
    if not bucket or not key:
        raise invalid_argument(
            "Copy Source must mention the source bucket and key: sourcebucket/sourcekey", "x-amz-copy-source", text
        )
    return bucket, key, unquote(version) if mark else None


def find_source(call: Call, state: State) -> Source:
    """Return what a copy's source means, held against its conditions.

    Errors: NoSuchBucket, NoSuchKey, NoSuchVersion (404); InvalidRequest for a delete marker; PreconditionFailed (412).
    """
    params = call.params
    name, key, version = split_source(params["CopySource"])
    bucket = bucket_named(state, name, params.get("ExpectedSourceBucketOwner"))
    if version is None:
        record = state[objects].get(bucket.id, key)
        if record is None:
            raise no_such_key(key)
    else:
        check_version_id(version)
        record = version_row(state, bucket, key, version)
        if record is None:
            raise no_such_version(key, version)
        if record.marker:
            raise AwsError(
                "InvalidRequest", "The source of a copy request may not specifically refer to a delete marker by version id.",
                status=400,
            )  # fmt: skip
    check_customer_key(params, record.members, "CopySource")
    status, condition = conditions.judge(params, record.etag, record.modified, "CopySource")
    if status is not None:
        raise conditions.failed(f"x-amz-copy-source-{condition}")
    if record.members.get("StorageClass") in ("GLACIER", "DEEP_ARCHIVE"):
        raise AwsError(
            "ObjectNotInActiveTierError", "The source object of the COPY action is not in the active tier", status=403
        )
    return Source(bucket, key, record)


@command("s3", "CopyObject")
def copy_object(call: Call, state: State) -> Outcome:
    """Make an object of another's content, in its present or a former version.

    Errors: those of find_source; InvalidRequest for a copy to itself that changes nothing; those of PutObject.
    """
    params = call.params
    bucket = bucket_of(call, state)
    key = params["Key"]
    source = find_source(call, state)
    if "IfMatch" in params or "IfNoneMatch" in params:
        check_conditions(params, state, bucket, key)
    record = source.record
    if record.size > MAX_OBJECT:
        raise AwsError(
            "InvalidRequest",
            f"The specified copy source is larger than the maximum allowable size for a copy source: {MAX_OBJECT}",
            status=400,
        )
    directive, tagging = params.get("MetadataDirective", "COPY"), params.get("TaggingDirective", "COPY")
    if directive not in ("COPY", "REPLACE"):
        raise invalid_argument("Unknown metadata directive.", "x-amz-metadata-directive", directive)
    if tagging not in ("COPY", "REPLACE"):
        raise invalid_argument("Unknown tagging directive.", "x-amz-tagging-directive", tagging)
    what = Attributes(call, bucket)
    _check_changes(params, source, bucket, key, directive)
    members, metadata = what.members, what.metadata
    if directive == "COPY":
        metadata = record.metadata
        kept = {name: value for name, value in record.members.items() if name in COPIED}
        members = {**{name: value for name, value in members.items() if name not in COPIED}, **kept}
    tags = record.tags if tagging == "COPY" else what.tags
    pieces = pieces_of(state, source.bucket.id, record)
    etag, sums = _digests(call, state, record, pieces)
    single = not record.upload
    version = new_version(call, bucket)
    event = ObjectStored(
        bucket.name, bucket.id, key, version, etag, record.size, record.content if single else b"", members, metadata,
        sums, tags, [] if single else pieces, what.lock_mode, what.retain_until, what.legal_hold, what.acl, "Copy",
    )  # fmt: skip
    shown = {name: value for name, value in sums.items() if "ChecksumAlgorithm" in params or name != "ChecksumType"}
    return emit(event, object_arn(bucket.name, key), account=bucket.account, region=bucket.region).answer(
        CopyObjectResult={"ETag": f'"{etag}"', "LastModified": float(int(call.now)), **shown},
        VersionId=made_version(bucket, version),
        CopySourceVersionId=record.version if source.bucket.versioning else None,
        **answered(members),
    )


# What comes with the source unless it is replaced; the storage class, encryption and redirection do not.
COPIED = frozenset(
    {"ContentType", "CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "Expires"}
)
_CHANGES = (
    "StorageClass", "ServerSideEncryption", "SSECustomerAlgorithm", "WebsiteRedirectLocation", "SSEKMSKeyId",
    "BucketKeyEnabled", "ChecksumAlgorithm",
)  # fmt: skip


def _check_changes(params: dict[str, Any], source: Source, bucket: Bucket, key: str, directive: str) -> None:
    """Refuse to copy an object to itself without changing anything. Errors: InvalidRequest."""
    if source.bucket.id != bucket.id or source.key != key or directive == "REPLACE":
        return
    if split_source(params["CopySource"])[2] is not None or any(name in params for name in _CHANGES):
        return
    raise AwsError(
        "InvalidRequest",
        "This copy request is illegal because it is trying to copy an object to itself without changing the object's "
        "metadata, storage class, website redirect location or encryption attributes.",
        status=400,
    )


def _digests(call: Call, state: State, record: StoredObject, pieces: list[Piece]) -> tuple[str, dict[str, str]]:
    """Return the ETag and the checksums of a copy.

    S3 hashes a copy anew. Where the source was uploaded in parts and is too large to be read here, the copy keeps its
    ETag (which is no MD5, and says so) and its checksum of checksums.
    """
    algorithm = call.params.get("ChecksumAlgorithm")
    etag, sums = record.etag, record.checksums
    whole = sums.get("ChecksumType") == checksums.FULL_OBJECT
    wants_other = algorithm is not None and f"Checksum{algorithm}" not in sums
    if not (record.upload and "-" in etag) and whole and not wants_other:
        return etag, sums
    if algorithm is not None and algorithm not in checksums.ALGORITHMS:
        raise AwsError(
            "InvalidRequest",
            "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, "
            "CRC64NVME, SHA1, SHA256]",
            status=400,
        )
    if record.size > READ_HERE:
        return etag, sums
    data = read_whole(state, pieces)
    name = algorithm or next((each[8:] for each in sums if each != "ChecksumType"), checksums.DEFAULT)
    sums = {f"Checksum{name}": checksums.text(checksums.once(name, data)), "ChecksumType": checksums.FULL_OBJECT}
    return hashlib.md5(data).hexdigest(), sums
