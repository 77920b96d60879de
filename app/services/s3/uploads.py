"""Multipart uploads: create, list, abort; parts uploaded, copied and listed. Completing is in completing.py.

Source: Amazon S3 User Guide, "Uploading and copying objects using multipart upload".
"""

from __future__ import annotations

import hashlib
from typing import Any

from app.services import AwsError, Blob, Call, Outcome, State, answer, command, emit, prepare, query
from app.services.s3 import checksums
from app.services.s3.attributes import Attributes, check_write
from app.services.s3.copies import READ_HERE, find_source
from app.services.s3.encryption import answered, check_same_key
from app.services.s3.finding import cut, pieces_of, read_whole
from app.services.s3.lists import encoder
from app.services.s3.places import bucket_of, invalid_argument, object_arn, owner
from app.services.s3.presigned import guard
from app.services.s3.ranges import copy_range
from app.services.s3.receiving import MAX_OBJECT
from app.services.s3.walking import page
from projections.s3 import Bucket, PartStored, Piece, Upload, UploadAborted, UploadStarted, parts, uploads

MAX_PARTS = 10_000
PAGE = 1000


@prepare("s3", "CreateMultipartUpload")
def prepare_create(call: Call, request: Any, blobs: Any) -> None:
    """Check what needs no state."""
    guard(call, request)
    check_write(call.params, request.headers)


@command("s3", "CreateMultipartUpload")
def create_multipart_upload(call: Call, state: State) -> Outcome:
    """Begin an upload. Errors: NoSuchBucket, InvalidRequest, and those of PutObject's headers."""
    params = call.params
    bucket = bucket_of(call, state)
    key = params["Key"]
    declared = params.get("ChecksumAlgorithm")
    algorithm = declared or checksums.DEFAULT
    kind = params.get("ChecksumType")
    if algorithm not in checksums.ALGORITHMS:
        raise AwsError(
            "InvalidRequest",
            "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, "
            "CRC64NVME, SHA1, SHA256]",
            status=400,
        )
    if kind is not None and declared is None:
        raise AwsError(
            "InvalidRequest",
            "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
            status=400,
        )
    if kind is not None and kind not in (checksums.COMPOSITE, checksums.FULL_OBJECT):
        raise AwsError("InvalidRequest", "Value for x-amz-checksum-type header is invalid.", status=400)
    if kind is not None and not checksums.allows(algorithm, kind):
        raise AwsError(
            "InvalidRequest",
            f"The {kind} checksum type cannot be used with the {algorithm.lower()} checksum algorithm.",
            status=400,
        )
    kind = kind or checksums.DEFAULT_TYPES[algorithm]
    what = Attributes(call, bucket)
    upload = f"{call.seq:012x}{call.ids.text(84)}"
    event = UploadStarted(
        bucket.name, bucket.id, key, upload, what.members, what.metadata, what.tags, algorithm, kind, declared is not None,
        call.account, what.lock_mode, what.retain_until, what.legal_hold, what.acl,
    )  # fmt: skip
    return emit(event, object_arn(bucket.name, key), account=bucket.account, region=bucket.region).answer(
        Bucket=bucket.name, Key=key, UploadId=upload, ChecksumAlgorithm=declared,
        ChecksumType=kind if declared else None, **answered(what.members),
    )  # fmt: skip


def no_such_upload(upload: str) -> AwsError:
    """Return the error for an upload that is not under way."""
    return AwsError(
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or "
        "completed.",
        status=404, UploadId=upload,
    )  # fmt: skip


def upload_of(call: Call, state: State, bucket: Bucket) -> Upload:
    """Return the upload that a call means. Errors: NoSuchUpload."""
    found = state[uploads].get(bucket.id, call.params["Key"], call.params["UploadId"])
    if found is None:
        raise no_such_upload(call.params["UploadId"])
    return found


def check_number(number: int) -> None:
    """Refuse a part number out of bounds. Errors: InvalidArgument."""
    if not 1 <= number <= MAX_PARTS:
        raise invalid_argument(
            "Part number must be an integer between 1 and 10000, inclusive", "partNumber", str(number)
        )


@command("s3", "UploadPart")
def upload_part(call: Call, state: State) -> Outcome:
    """Store a part. Its body was received by receiving.receive. Errors: NoSuchBucket, NoSuchUpload, InvalidArgument."""
    params = call.params
    bucket = bucket_of(call, state)
    number = params["PartNumber"]
    check_number(number)
    upload = upload_of(call, state, bucket)
    check_same_key(params, upload.members)
    etag, size, computed = params["_received"]
    content = params["Body"]
    given = next((name for name in checksums.MEMBERS if name in params), None)
    if upload.declared and given not in (None, f"Checksum{upload.algorithm}"):
        raise AwsError(
            "InvalidRequest",
            f"Checksum Type mismatch occurred, expected checksum Type: {upload.algorithm.lower()}, actual checksum Type: "
            f"{checksums.MEMBERS[str(given)].lower()}",
            status=400,
        )
    sums = _part_checksums(state, upload, computed, [(content, 0, size)])
    event = PartStored(bucket.id, params["Key"], params["UploadId"], number, etag, size, [(content, 0, size)], sums)
    shown = sums if upload.declared else {given: params[given]} if given is not None else {}
    return emit(event, object_arn(bucket.name, params["Key"]), account=bucket.account, region=bucket.region).answer(
        ETag=f'"{etag}"', **shown, **answered(upload.members)
    )


def _part_checksums(state: State, upload: Upload, computed: dict[str, str], pieces: list[Piece]) -> dict[str, str]:
    """Return a part's checksum by the algorithm of its upload."""
    name = f"Checksum{upload.algorithm}"
    if name in computed:
        return {name: computed[name]}
    content, _, size = pieces[0]
    if upload.algorithm == "SHA256" and len(pieces) == 1 and isinstance(content, Blob) and size == content.size:
        return {name: checksums.text(bytes.fromhex(content.sha256))}
    if sum(length for _, _, length in pieces) <= READ_HERE:
        return {name: checksums.text(checksums.once(upload.algorithm, read_whole(state, pieces)))}
    return {}


@command("s3", "UploadPartCopy")
def upload_part_copy(call: Call, state: State) -> Outcome:
    """Make a part of an object or a range of one. Errors: NoSuchUpload, InvalidArgument, InvalidRange, InvalidRequest."""
    params = call.params
    bucket = bucket_of(call, state)
    number = params["PartNumber"]
    check_number(number)
    source = find_source(call, state)
    upload = upload_of(call, state, bucket)
    check_same_key(params, upload.members)
    record = source.record
    pieces = pieces_of(state, source.bucket.id, record)
    size, etag, computed = record.size, record.etag, record.checksums
    header = params.get("CopySourceRange")
    if header is not None:
        span = copy_range(header)
        if span is None:
            raise invalid_argument(
                "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the "
                "zero-based offsets of the first and last bytes to copy", "x-amz-copy-source-range", header,
            )  # fmt: skip
        first, last = span
        if last >= record.size:
            raise invalid_argument(
                f"Range specified is not valid for source object of size: {record.size}",
                "x-amz-copy-source-range",
                header,
            )
        size = last - first + 1
        pieces = cut(pieces, first, size)
    if size > MAX_OBJECT:
        raise AwsError(
            "InvalidRequest",
            f"The specified copy source is larger than the maximum allowable size for a copy source: {MAX_OBJECT}",
            status=400,
        )
    if size != record.size or record.upload or computed.get("ChecksumType") != checksums.FULL_OBJECT:
        etag, computed = _part_etag(state, pieces, size), {}
    sums = _part_checksums(
        state, upload, {} if len(computed) == 2 and f"Checksum{upload.algorithm}" not in computed else computed, pieces
    )
    event = PartStored(bucket.id, params["Key"], params["UploadId"], number, etag, size, pieces, sums)
    return emit(event, object_arn(bucket.name, params["Key"]), account=bucket.account, region=bucket.region).answer(
        CopyPartResult={"ETag": f'"{etag}"', "LastModified": float(int(call.now)), **(sums if upload.declared else {})},
        CopySourceVersionId=record.version if source.bucket.versioning else None,
        **answered(upload.members),
    )


def _part_etag(state: State, pieces: list[Piece], size: int) -> str:
    """Return the ETag of a part that is a range: its MD5; of a large one, a digest of what it is made of."""
    if size <= READ_HERE:
        return hashlib.md5(read_whole(state, pieces)).hexdigest()
    made_of = repr([(content.sha256 if isinstance(content, Blob) else content, *span) for content, *span in pieces])
    return hashlib.md5(made_of.encode()).hexdigest()


@command("s3", "AbortMultipartUpload")
def abort_multipart_upload(call: Call, state: State) -> Outcome:
    """Give an upload up. Errors: NoSuchBucket, NoSuchUpload."""
    bucket = bucket_of(call, state)
    upload_of(call, state, bucket)
    event = UploadAborted(bucket.id, call.params["Key"], call.params["UploadId"])
    return emit(event, object_arn(bucket.name, call.params["Key"]), account=bucket.account, region=bucket.region)


def _most(params: dict[str, Any], name: str, argument: str) -> int:
    most: int = params.get(name, PAGE)
    if not 0 <= most <= 2147483647:
        raise invalid_argument(f"Argument {argument} must be an integer between 0 and 2147483647", argument, str(most))
    return min(most, PAGE)


@query("s3", "ListParts")
def list_parts(call: Call, state: State) -> Outcome:
    """List an upload's parts by number. Errors: NoSuchBucket, NoSuchUpload, InvalidArgument."""
    params = call.params
    bucket = bucket_of(call, state)
    upload = upload_of(call, state, bucket)
    most = _most(params, "MaxParts", "max-parts")
    marker_text = str(params.get("PartNumberMarker", 0) or 0)
    if not marker_text.isdigit():
        raise invalid_argument("Argument part-number-marker must be an integer", "part-number-marker", marker_text)
    marker = min(int(marker_text), 1 << 31)
    found: list[dict[str, Any]] = []
    truncated = False
    for key, part in state[parts].scan(bucket.id, params["UploadId"], after=(marker,)):
        if len(found) == most:
            truncated = most > 0
            break
        found.append(
            {
                "PartNumber": key[2],
                "LastModified": part.modified,
                "ETag": f'"{part.etag}"',
                "Size": part.size,
                **part.checksums,
            }
        )
    return answer(
        Bucket=bucket.name, Key=params["Key"], UploadId=params["UploadId"], PartNumberMarker=marker,
        NextPartNumberMarker=found[-1]["PartNumber"] if found else 0, MaxParts=most, IsTruncated=truncated,
        Parts=found or None, Initiator=owner(upload.account), Owner=owner(bucket.account),
        StorageClass=upload.members.get("StorageClass", "STANDARD"),
        ChecksumAlgorithm=upload.algorithm if upload.declared else None,
        ChecksumType=upload.checksum_type if upload.declared else None,
    )  # fmt: skip


@query("s3", "ListMultipartUploads")
def list_multipart_uploads(call: Call, state: State) -> Outcome:
    """List uploads under way by key, oldest first within a key. Errors: NoSuchBucket, InvalidArgument."""
    params = call.params
    bucket = bucket_of(call, state)
    prefix, delimiter = params.get("Prefix", ""), params.get("Delimiter") or ""
    marker, upload_marker = params.get("KeyMarker") or "", params.get("UploadIdMarker") or ""
    most, encode = _most(params, "MaxUploads", "max-uploads"), encoder(params)
    begin = (marker, upload_marker) if marker and upload_marker else None

    def rows(after: str | None, past: str | None) -> Any:
        start: tuple[str, ...] | None = None if after is None else (after, "\U0010ffff")
        if begin is not None and after is None and past is None:
            start = begin
        for key, upload in state[uploads].scan(bucket.id, starts_with=prefix, after=start, past=past):
            yield str(key[1]), (str(key[2]), upload)

    found = page(rows, prefix, delimiter, None if begin else marker or None, None, most)
    shown = [
        {
            "Key": encode(key), "UploadId": upload_id, "Initiated": upload.initiated,
            "StorageClass": upload.members.get("StorageClass", "STANDARD"), "Owner": owner(bucket.account),
            "Initiator": owner(upload.account), "ChecksumAlgorithm": upload.algorithm if upload.declared else None,
            "ChecksumType": upload.checksum_type if upload.declared else None,
        }
        for key, (upload_id, upload) in found.found
    ]  # fmt: skip
    next_upload = None
    if found.truncated and found.found and found.last == found.found[-1][0]:
        next_upload = found.found[-1][1][0]
    return answer(
        Bucket=bucket.name, KeyMarker=encode(marker), UploadIdMarker=upload_marker, Prefix=encode(prefix),
        Delimiter=encode(delimiter) if delimiter else None, MaxUploads=most, IsTruncated=found.truncated,
        NextKeyMarker=encode(found.last) if found.truncated else None, NextUploadIdMarker=next_upload,
        EncodingType=params.get("EncodingType"), Uploads=shown or None,
        CommonPrefixes=[{"Prefix": encode(each)} for each in found.prefixes] or None,
    )  # fmt: skip
