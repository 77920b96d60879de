"""What a new object has besides its content, as the headers of PutObject, CreateMultipartUpload and CopyObject say it.

Source: Amazon S3 API Reference, PutObject; Amazon S3 User Guide, "Working with object metadata".
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from email.header import decode_header, make_header
from typing import Any

from app.services import AwsError, Call
from app.services.s3.acls import grants_of
from app.services.s3.encryption import encryption_members
from app.services.s3.places import check_key, invalid_argument
from app.services.s3.tagging import parse_header
from projections.s3 import NULL, Bucket, order_text

MAX_METADATA = 2048  # bytes of names and values
STORAGE_CLASSES = frozenset(
    {"STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "GLACIER_IR"}
    | {"DEEP_ARCHIVE"}
)
SYSTEM = ("CacheControl", "ContentDisposition", "ContentLanguage", "Expires", "WebsiteRedirectLocation")
DEFAULT_TYPE = "binary/octet-stream"
LOCK_MODES = frozenset({"GOVERNANCE", "COMPLIANCE"})
DAY = 86400.0

_ENCODED_WORD = re.compile(r"=\?[A-Za-z0-9-]+\?[BbQq]\?[^?]*\?=")


def check_write(params: dict[str, Any], headers: Mapping[str, str]) -> None:
    """Hold the headers of a write against what needs no state, and bring them into the form that is kept.

    Errors: KeyTooLongError, MetadataTooLarge, InvalidStorageClass, InvalidArgument, InvalidTag.
    """
    check_key(params["Key"])
    metadata = params.get("Metadata")
    if metadata:
        params["Metadata"] = metadata = {name: readable(value) for name, value in metadata.items()}
        size = sum(len(name.encode()) + len(value.encode("utf-8", "surrogatepass")) for name, value in metadata.items())
        if size > MAX_METADATA:
            raise AwsError(
                "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size", status=400,
                Size=str(size), MaxSizeAllowed=str(MAX_METADATA),
            )  # fmt: skip
    if "Expires" in params:
        params["Expires"] = headers.get("expires") or str(params["Expires"])
    if "ContentEncoding" in params:
        strip_chunked(params)
    storage = params.get("StorageClass")
    if storage is not None and storage not in STORAGE_CLASSES:
        raise AwsError(
            "InvalidStorageClass",
            "The storage class you specified is not valid",
            status=400,
            StorageClassRequested=storage,
        )
    if "Tagging" in params:
        parse_header(params["Tagging"])
    if "ObjectLockMode" in params or "ObjectLockRetainUntilDate" in params:
        check_lock_headers(params)


def strip_chunked(params: dict[str, Any]) -> None:
    """Take aws-chunked, which is the transfer's and not the object's, out of Content-Encoding."""
    text = params["ContentEncoding"]
    if "aws-chunked" in text.lower():
        kept = [item for item in (each.strip() for each in text.split(",")) if item.lower() != "aws-chunked"]
        if kept and kept[0]:
            params["ContentEncoding"] = ",".join(kept)
        else:
            del params["ContentEncoding"]


def readable(text: str) -> str:
    """Return a metadata header as text: UTF-8 where it is, and RFC 2047's encoded words decoded."""
    if not text.isascii():
        try:
            return text.encode("latin-1").decode("utf-8")
        except UnicodeError:
            return text
    if "=?" in text and _ENCODED_WORD.search(text):
        try:
            return str(make_header(decode_header(text)))
        except (ValueError, LookupError):
            return text
    return text


def header_safe(metadata: dict[str, str]) -> dict[str, str]:
    """Return metadata fit for headers: what is not ASCII as encoded words, as S3 gives it back."""
    if all(value.isascii() for value in metadata.values()):
        return metadata
    return {
        name: value if value.isascii() else f"=?UTF-8?B?{base64.b64encode(value.encode()).decode()}?="
        for name, value in metadata.items()
    }


def check_lock_headers(params: dict[str, Any]) -> None:
    """Check a retention given in headers. Errors: InvalidArgument."""
    mode, until = params.get("ObjectLockMode"), params.get("ObjectLockRetainUntilDate")
    if mode is None or until is None:
        missing = "x-amz-object-lock-mode" if mode is None else "x-amz-object-lock-retain-until-date"
        raise invalid_argument(
            "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied", missing, ""
        )
    if mode not in LOCK_MODES:
        raise invalid_argument("Unknown wormMode directive.", "x-amz-object-lock-mode", mode)


class Attributes:
    """What a new object has besides its content."""

    __slots__ = ("acl", "legal_hold", "lock_mode", "members", "metadata", "retain_until", "tags")

    def __init__(self, call: Call, bucket: Bucket) -> None:
        """Read a call's params, checked by check_write, in the light of its bucket.

        Errors: InvalidRequest (no object lock on the bucket), AccessControlListNotSupported, AccessDenied, and those of
        server-side encryption.
        """
        params = call.params
        members = {"ContentType": params.get("ContentType") or DEFAULT_TYPE}
        for name in SYSTEM:
            value = params.get(name)
            if value is not None:
                members[name] = value
        encoding = params.get("ContentEncoding")
        if encoding is not None:
            members["ContentEncoding"] = encoding
        storage = params.get("StorageClass")
        if storage is not None and storage != "STANDARD":
            members["StorageClass"] = storage
        encryption_members(params, bucket, members)
        self.members: dict[str, str] = members
        self.metadata: dict[str, str] = params.get("Metadata") or {}
        tagging = params.get("Tagging")
        self.tags: dict[str, str] = parse_header(tagging) if tagging else params.get("_tags") or {}
        self.acl = grants_of(params, bucket, call.account)
        self.lock_mode, self.retain_until, self.legal_hold = "", 0.0, ""
        if bucket.locked or "ObjectLockMode" in params or "ObjectLockLegalHoldStatus" in params:
            self._lock(call, bucket)

    def _lock(self, call: Call, bucket: Bucket) -> None:
        params = call.params
        mode, hold = params.get("ObjectLockMode"), params.get("ObjectLockLegalHoldStatus")
        if (mode or hold) and not bucket.locked:
            raise AwsError("InvalidRequest", "Bucket is missing Object Lock Configuration", status=400)
        if hold is not None and hold not in ("ON", "OFF"):
            raise invalid_argument("Legal Hold must be either of 'ON' or 'OFF'", "x-amz-object-lock-legal-hold", hold)
        self.legal_hold = hold or ""
        if mode is not None:
            if params["ObjectLockRetainUntilDate"] <= call.now:
                raise invalid_argument(
                    "The retain until date must be in the future!", "x-amz-object-lock-retain-until-date",
                    str(params["ObjectLockRetainUntilDate"]),
                )  # fmt: skip
            self.lock_mode, self.retain_until = mode, params["ObjectLockRetainUntilDate"]
            return
        rule = (bucket.settings.get("object-lock") or {}).get("Rule", {}).get("DefaultRetention")
        if rule:
            self.lock_mode = rule["Mode"]
            self.retain_until = float(int(call.now + DAY * (rule.get("Days") or 365 * rule.get("Years", 0))))


def new_version(call: Call, bucket: Bucket, number: int = 0) -> str:
    """Return the version id of the object that this call's event number `number` makes."""
    if bucket.versioning != "Enabled":
        return NULL
    return order_text(call.seq + number) + call.ids.text(24)


def shown_version(bucket: Bucket, version: str) -> str | None:
    """Return a version id as answers have it: nothing where the bucket was never versioned."""
    return version if bucket.versioning else None


def made_version(bucket: Bucket, version: str) -> str | None:
    """Return the id of a version that was just made, as answers have it: nothing where versioning is not enabled."""
    return version if bucket.versioning == "Enabled" else None
