"""CompleteMultipartUpload: parts become an object without being copied.

Source: Amazon S3 API Reference, CompleteMultipartUpload; Amazon S3 User Guide, "Multipart upload checksums".
"""

from __future__ import annotations

import hashlib
from typing import Any

from app.services import AwsError, Call, Outcome, State, answer, command, emit
from app.services.s3 import checksums
from app.services.s3.attributes import made_version, new_version
from app.services.s3.encryption import answered, check_same_key
from app.services.s3.expiry import expiration
from app.services.s3.finding import version_row
from app.services.s3.objects import check_conditions
from app.services.s3.places import bucket_of, object_arn
from app.services.s3.uploads import no_such_upload
from app.services.s3.walking import url
from projections.s3 import Bucket, Part, Upload, UploadCompleted, completions, parts, uploads

MIN_PART = 5 * 1024 * 1024
MAX_SIZE = 5 * 1024**4
MALFORMED = "The XML you provided was not well-formed or did not validate against our published schema"


@command("s3", "CompleteMultipartUpload")
def complete_multipart_upload(call: Call, state: State) -> Outcome:
    """Make an object of an upload's parts; doing it again gives the same answer.

    Errors: NoSuchUpload (404); InvalidPart, InvalidPartOrder, EntityTooSmall, MalformedXML, BadDigest, InvalidRequest
    (400); PreconditionFailed (412).
    """
    params = call.params
    bucket = bucket_of(call, state)
    key, upload_id = params["Key"], params["UploadId"]
    listed = (params.get("MultipartUpload") or {}).get("Parts") or []
    upload = state[uploads].get(bucket.id, key, upload_id)
    if upload is None:
        return _once_more(call, state, bucket, listed)
    if not listed:
        raise AwsError("MalformedXML", MALFORMED, status=400)
    if "SSECustomerKeyMD5" in params or upload.declared:
        check_same_key(params, upload.members)
    if "IfMatch" in params or "IfNoneMatch" in params:
        check_conditions(params, state, bucket, key)
    chosen = _chosen(state, bucket, upload_id, upload, listed)
    size = sum(part.size for _, part in chosen)
    if size > MAX_SIZE:
        raise AwsError("EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size.", status=400)
    expected = params.get("MpuObjectSize")
    if expected is not None and int(expected) != size:
        raise AwsError(
            "InvalidRequest",
            f"The provided 'x-amz-mp-object-size' header value {expected} does not match what was computed: {size}",
            status=400,
        )
    etag = checksums.etag_of_parts([part.etag for _, part in chosen])
    sums = _checksums(params, upload, chosen)
    version = new_version(call, bucket)
    numbers = [number for number, _ in chosen]
    event = UploadCompleted(
        bucket.name, bucket.id, key, upload_id, version, etag, size, numbers, _digest(listed), sums,
    )  # fmt: skip
    return emit(event, object_arn(bucket.name, key), account=bucket.account, region=bucket.region).answer(
        Location=location(call, bucket.name, key), Bucket=bucket.name, Key=key, ETag=f'"{etag}"',
        VersionId=made_version(bucket, version),
        Expiration=expiration(state, bucket, key, size, upload.tags, call.now),
        **sums, **answered(upload.members),
    )  # fmt: skip


def location(call: Call, bucket: str, key: str) -> str:
    """Return an object's URL on this server."""
    return call.url(f"/{bucket}/{url(key)}")


def _digest(listed: list[dict[str, Any]]) -> str:
    text = ",".join(f"{each.get('PartNumber')}={(each.get('ETag') or '').strip(chr(34))}" for each in listed)
    return hashlib.md5(text.encode()).hexdigest()


def _once_more(call: Call, state: State, bucket: Bucket, listed: list[dict[str, Any]]) -> Outcome:
    """Answer a repeated Complete as the first time, as long as its object is there."""
    key, upload_id = call.params["Key"], call.params["UploadId"]
    done = state[completions].get(bucket.id, upload_id)
    if done is None or done.key != key or done.parts != _digest(listed):
        raise no_such_upload(upload_id)
    record = version_row(state, bucket, key, done.version)
    if record is None or record.upload != upload_id:
        raise no_such_upload(upload_id)
    return answer(
        Location=location(call, bucket.name, key), Bucket=bucket.name, Key=key, ETag=f'"{done.etag}"',
        VersionId=made_version(bucket, done.version), **record.checksums, **answered(record.members),
    )  # fmt: skip


def _chosen(
    state: State, bucket: Bucket, upload_id: str, upload: Upload, listed: list[dict[str, Any]]
) -> list[tuple[int, Part]]:
    """Return the parts that the request lists, each held against what was uploaded."""
    member = f"Checksum{upload.algorithm}"
    needs_checksums = upload.declared and upload.checksum_type == checksums.COMPOSITE
    chosen: list[tuple[int, Part]] = []
    previous = 0
    for each in listed:
        number, etag = each.get("PartNumber"), each.get("ETag")
        if number is None or etag is None:
            raise AwsError("MalformedXML", MALFORMED, status=400)
        if number <= previous:
            raise AwsError(
                "InvalidPartOrder",
                "The list of parts was not in ascending order. Parts must be ordered by part number.",
                status=400, UploadId=upload_id,
            )  # fmt: skip
        previous = number
        part = state[parts].get(bucket.id, upload_id, number)
        etag = etag.strip('"')
        if part is None or part.etag != etag:
            raise _invalid_part(upload_id, number, etag)
        for name in checksums.MEMBERS:
            given = each.get(name)
            if given is not None and upload.declared and given != part.checksums.get(name):
                raise _invalid_part(upload_id, number, etag)
        if needs_checksums and each.get(member) is None:
            raise AwsError(
                "InvalidRequest",
                f"The upload was created using a {upload.algorithm.lower()} checksum. The complete request must include the "
                f"checksum for each part. It was missing for part {number} in the request.",
                status=400,
            )
        chosen.append((number, part))
    for number, part in chosen[:-1]:
        if part.size < MIN_PART:
            raise AwsError(
                "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size", status=400,
                ProposedSize=str(part.size), MinSizeAllowed=str(MIN_PART), PartNumber=str(number), ETag=part.etag,
            )  # fmt: skip
    return chosen


def _invalid_part(upload_id: str, number: int, etag: str) -> AwsError:
    return AwsError(
        "InvalidPart",
        "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified "
        "entity tag may not match the part's entity tag.",
        status=400, UploadId=upload_id, PartNumber=str(number), ETag=etag,
    )  # fmt: skip


def _checksums(params: dict[str, Any], upload: Upload, chosen: list[tuple[int, Part]]) -> dict[str, str]:
    """Return the object's checksum, held against the request's. Errors: BadDigest, InvalidRequest."""
    kind = params.get("ChecksumType")
    if kind is not None and kind != upload.checksum_type:
        raise AwsError(
            "InvalidRequest",
            f"The upload was created using the {upload.checksum_type} checksum mode. The complete request must use the same "
            "checksum mode.",
            status=400,
        )
    name = f"Checksum{upload.algorithm}"
    if any(name not in part.checksums for _, part in chosen):
        return {}
    if upload.checksum_type == checksums.FULL_OBJECT:
        value = checksums.combined(upload.algorithm, [(part.checksums[name], part.size) for _, part in chosen])
    else:
        value = checksums.composite(upload.algorithm, [part.checksums[name] for _, part in chosen])
    given = params.get(name)
    if given is not None and given != value and given != value.partition("-")[0]:
        raise AwsError(
            "BadDigest",
            f"The {upload.algorithm.lower()} you specified did not match the calculated checksum.",
            status=400,
        )
    return {name: value, "ChecksumType": upload.checksum_type}
