"""Objects: put, get, head, and GetObjectAttributes."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

from app.services import AwsError, Call, Outcome, State, answer, command, emit, query
from app.services.s3 import conditions
from app.services.s3.attributes import Attributes, header_safe, new_version, shown_version
from app.services.s3.checksums import FULL_OBJECT
from app.services.s3.encryption import answered, check_customer_key
from app.services.s3.expiry import expiration
from app.services.s3.finding import body_of, cut, find_version, newest, pieces_of
from app.services.s3.places import bucket_of, invalid_argument, object_arn
from app.services.s3.ranges import Unsatisfiable, resolve
from projections.s3 import Bucket, ObjectStored, StoredObject, parts

OVERRIDES = {
    "ResponseCacheControl": "CacheControl",
    "ResponseContentDisposition": "ContentDisposition",
    "ResponseContentEncoding": "ContentEncoding",
    "ResponseContentLanguage": "ContentLanguage",
    "ResponseContentType": "ContentType",
    "ResponseExpires": "Expires",
}
MAX_PARTS = 10_000


@command("s3", "PutObject")
def put_object(call: Call, state: State) -> Outcome:
    """Store an object whole. Its body was received by receiving.receive.

    Errors: NoSuchBucket; PreconditionFailed (412), NoSuchKey (404) for conditional writes; those of Attributes.
    Source: Amazon S3 API Reference, PutObject.
    """
    params = call.params
    bucket = bucket_of(call, state)
    key = params["Key"]
    if "IfMatch" in params or "IfNoneMatch" in params:
        check_conditions(params, state, bucket, key)
    if "WriteOffsetBytes" in params:
        raise conditions.unsupported("x-amz-write-offset-bytes")
    etag, size, checksums = params["_received"]
    return store(call, state, bucket, key, params["Body"], etag, size, checksums, "Put")


def check_conditions(params: dict[str, Any], state: State, bucket: Bucket, key: str) -> None:
    """Hold a conditional write against the key's current version."""
    current = newest(state, bucket, key)
    if current is not None and current.marker:
        current = None
    conditions.check_write(params, None if current is None else current.etag, key)


def store(
    call: Call, state: State, bucket: Bucket, key: str, content: Any, etag: str, size: int, checksums: dict[str, str],
    by: str,
) -> Outcome:  # fmt: skip
    """Make a received body an object, and answer as PutObject does."""
    what = Attributes(call, bucket)
    version = new_version(call, bucket)
    sums = {**checksums, "ChecksumType": FULL_OBJECT}
    event = ObjectStored(
        bucket.name, bucket.id, key, version, etag, size, content, what.members, what.metadata, sums, what.tags, [],
        what.lock_mode, what.retain_until, what.legal_hold, what.acl, by,
    )  # fmt: skip
    outcome = emit(event, object_arn(bucket.name, key), account=bucket.account, region=bucket.region)
    result: dict[str, Any] = {"ETag": f'"{etag}"', **sums, **answered(what.members)}
    if bucket.versioning == "Enabled":
        result["VersionId"] = version
    expires = expiration(state, bucket, key, size, what.tags, call.now)
    if expires is not None:
        result["Expiration"] = expires
    outcome.result = result
    return outcome


def head_members(call: Call, state: State, bucket: Bucket, record: StoredObject) -> dict[str, Any]:
    """Return what GetObject and HeadObject both answer of a version."""
    params = call.params
    result: dict[str, Any] = {
        "AcceptRanges": "bytes",
        "LastModified": record.modified,
        "ETag": f'"{record.etag}"',
        **record.members,
    }
    if record.metadata:
        result["Metadata"] = header_safe(record.metadata)
    if bucket.versioning:
        result["VersionId"] = record.version
    if record.tags:
        result["TagCount"] = len(record.tags)
    if params.get("ChecksumMode") == "ENABLED" and "Range" not in params and "PartNumber" not in params:
        result.update(record.checksums)
    if record.lock_mode and record.retain_until > 0:
        result["ObjectLockMode"] = record.lock_mode
        result["ObjectLockRetainUntilDate"] = record.retain_until
    if record.legal_hold:
        result["ObjectLockLegalHoldStatus"] = record.legal_hold
    if "lifecycle" in bucket.settings:
        expires = expiration(state, bucket, params["Key"], record.size, record.tags, record.modified)
        if expires is not None and params.get("VersionId") is None:
            result["Expiration"] = expires
    return result


def check_read(call: Call, bucket: Bucket, record: StoredObject) -> None:
    """Hold a read against its conditions and its key. Errors: PreconditionFailed (412), NotModified (304)."""
    params = call.params
    members = record.members
    if "SSECustomerKeyMD5" in params or "SSECustomerKeyMD5" in members:
        check_customer_key(params, members)
    for name in conditions.READ_CONDITIONS:
        if name in params:
            break
    else:
        return
    status, condition = conditions.judge(params, record.etag, record.modified)
    if status == 412:
        raise conditions.failed(condition)
    if status == 304:
        headers = {"ETag": f'"{record.etag}"', "Last-Modified": http_date(record.modified)}
        for name, header in (("CacheControl", "Cache-Control"), ("Expires", "Expires")):
            if name in members:
                headers[header] = members[name]
        if bucket.versioning:
            headers["x-amz-version-id"] = record.version
        raise AwsError("NotModified", "Not Modified", status=304, headers=headers)


def http_date(when: float) -> str:
    """Format a moment as an HTTP date."""
    return formatdate(when, usegmt=True)


@query("s3", "GetObject")
def get_object(call: Call, state: State) -> Outcome:
    """Answer a version's content, whole, a range or a part of it.

    Errors: NoSuchBucket, NoSuchKey, NoSuchVersion (404); MethodNotAllowed (405); InvalidRange, InvalidPartNumber (416);
    PreconditionFailed (412); NotModified (304); InvalidObjectState (403) for archived objects.
    Source: Amazon S3 API Reference, GetObject.
    """
    params = call.params
    bucket = bucket_of(call, state)
    record = find_version(call, state, bucket)
    check_read(call, bucket, record)
    storage = record.members.get("StorageClass")
    if storage in ("GLACIER", "DEEP_ARCHIVE"):
        raise AwsError(
            "InvalidObjectState",
            "The operation is not valid for the object's storage class",
            status=403,
            StorageClass=storage,
        )
    result = head_members(call, state, bucket, record)
    first, length = span(call, state, bucket, record, result)
    result["ContentLength"] = length
    content = record.content
    if not record.upload and content.__class__ is bytes:
        result["Body"] = content if length == record.size else content[first : first + length]
    else:
        result["Body"] = body_of(state, cut(pieces_of(state, bucket.id, record), first, length)) if length else b""
    if len(params) > 2:
        override(call, result)
    outcome = answer()
    outcome.result = result
    return outcome


@query("s3", "HeadObject")
def head_object(call: Call, state: State) -> Outcome:
    """Answer what GetObject would, without the content. Source: Amazon S3 API Reference, HeadObject."""
    bucket = bucket_of(call, state)
    record = find_version(call, state, bucket)
    check_read(call, bucket, record)
    result = head_members(call, state, bucket, record)
    _, result["ContentLength"] = span(call, state, bucket, record, result)
    override(call, result)
    outcome = answer()
    outcome.result = result
    return outcome


def override(call: Call, result: dict[str, Any]) -> None:
    """Replace headers by what response-… parameters say; only signed requests may ask for it."""
    params = call.params
    for param, member in OVERRIDES.items():
        value = params.get(param)
        if value is not None:
            if call.access_key is None:
                raise AwsError(
                    "InvalidRequest", "Request specific response headers cannot be used for anonymous GET requests.",
                    status=400,
                )  # fmt: skip
            result[member] = value


def span(call: Call, state: State, bucket: Bucket, record: StoredObject, result: dict[str, Any]) -> tuple[int, int]:
    """Return (first byte, length) of what Range or PartNumber ask for, and note it in the answer.

    Errors: InvalidRange (416), InvalidPartNumber (416), InvalidRequest (400) for both at once.
    """
    params, size = call.params, record.size
    header, number = params.get("Range"), params.get("PartNumber")
    if number is not None:
        if header is not None:
            raise AwsError(
                "InvalidRequest", "Cannot specify both Range header and partNumber query parameter", status=400
            )
        return _part_span(call, state, bucket, record, number, result)
    if header is None:
        return 0, size
    try:
        found = resolve(header, size)
    except Unsatisfiable:
        raise AwsError(
            "InvalidRange", "The requested range is not satisfiable", status=416,
            headers={"Content-Range": f"bytes */{size}"}, ActualObjectSize=str(size), RangeRequested=header,
        ) from None  # fmt: skip
    if found is None:
        return 0, size
    first, length = found
    result["ContentRange"] = f"bytes {first}-{first + length - 1}/{size}"
    return found


def _part_span(
    call: Call, state: State, bucket: Bucket, record: StoredObject, number: int, result: dict[str, Any]
) -> tuple[int, int]:
    if not 1 <= number <= MAX_PARTS:
        raise invalid_argument(
            "Part number must be an integer between 1 and 10000, inclusive", "partNumber", str(number)
        )
    checked = call.params.get("ChecksumMode") == "ENABLED"
    if not record.parts:
        if number != 1:
            raise _no_such_part(number, 1)
        if checked:
            result.update(record.checksums)
        if record.size:
            result["ContentRange"] = f"bytes 0-{record.size - 1}/{record.size}"
        return 0, record.size
    first, wanted = 0, None
    for each, part in numbered_parts(state, bucket, record):
        if each == number:
            wanted = part
            break
        first += part.size
    if wanted is None:
        raise _no_such_part(number, record.parts)
    result["PartsCount"] = record.parts
    if wanted.size:
        result["ContentRange"] = f"bytes {first}-{first + wanted.size - 1}/{record.size}"
    if checked:
        result.update(wanted.checksums)
        result["ChecksumType"] = record.checksums.get("ChecksumType")
    return first, wanted.size


def _no_such_part(number: int, count: int) -> AwsError:
    return AwsError(
        "InvalidPartNumber", "The requested partnumber is not satisfiable", status=416,
        PartNumberRequested=str(number), ActualPartCount=str(count),
    )  # fmt: skip


def numbered_parts(state: State, bucket: Bucket, record: StoredObject) -> Any:
    """Yield (number, part) of an object that was uploaded in parts."""
    for key, part in state[parts].scan(bucket.id, record.upload):
        yield key[2], part


@query("s3", "GetObjectAttributes")
def get_object_attributes(call: Call, state: State) -> Outcome:
    """Answer chosen attributes of a version: ETag, Checksum, ObjectParts, StorageClass, ObjectSize.

    Errors: NoSuchKey, NoSuchVersion (404), InvalidArgument. Source: Amazon S3 API Reference, GetObjectAttributes.
    """
    params = call.params
    bucket = bucket_of(call, state)
    record = find_version(call, state, bucket)
    check_customer_key(params, record.members)
    wanted = params.get("ObjectAttributes") or []
    known = {"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"}
    if not wanted or not set(wanted) <= known:
        raise invalid_argument("Invalid attribute name specified.", "x-amz-object-attributes", ",".join(wanted))
    result: dict[str, Any] = {"LastModified": record.modified, "VersionId": shown_version(bucket, record.version)}
    if "ETag" in wanted:
        result["ETag"] = record.etag
    if "Checksum" in wanted:
        result["Checksum"] = dict(record.checksums)
    if "ObjectParts" in wanted and record.parts:
        result["ObjectParts"] = _object_parts(params, state, bucket, record)
    if "StorageClass" in wanted:
        result["StorageClass"] = record.members.get("StorageClass", "STANDARD")
    if "ObjectSize" in wanted:
        result["ObjectSize"] = record.size
    return answer(**result)


def _object_parts(params: dict[str, Any], state: State, bucket: Bucket, record: StoredObject) -> dict[str, Any]:
    """Return the page of parts; the parts themselves are listed only where they have checksums of their own."""
    answered: dict[str, Any] = {"TotalPartsCount": record.parts}
    if record.checksums.get("ChecksumType") == FULL_OBJECT and not any(
        part.checksums for _, part in numbered_parts(state, bucket, record)
    ):
        return answered
    most = min(int(params.get("MaxParts", 1000)), 1000)
    marker = int(params.get("PartNumberMarker", 0) or 0)
    found: list[dict[str, Any]] = []
    more = False
    for number, part in numbered_parts(state, bucket, record):
        if number <= marker:
            continue
        if len(found) == most:
            more = True
            break
        found.append({"PartNumber": number, "Size": part.size, **part.checksums})
    answered.update(PartNumberMarker=str(marker), MaxParts=most, IsTruncated=more, Parts=found)
    answered["NextPartNumberMarker"] = str(found[-1]["PartNumber"]) if found else str(marker)
    return answered
