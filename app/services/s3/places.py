"""Where a call goes: buckets and their names, keys, owners, ARNs; and what every S3 call is held against."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import time
from functools import lru_cache
from typing import Any

from app.services import AwsError, Call, State
from projections.s3 import Bucket, buckets

MAX_KEY = 1024  # bytes of UTF-8

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ACCESSIBLE_NAME = re.compile(r"[A-Za-z0-9._-]{3,255}")  # what buckets could be called before 2018
_FORBIDDEN_STARTS = ("xn--", "sthree-", "amzn-s3-demo-bucket-")
_FORBIDDEN_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


def is_bucket_name(name: str) -> bool:
    """Tell whether a new general purpose bucket may have this name.

    Source: Amazon S3 User Guide, "General purpose bucket naming rules". (The prefix amzn-s3-demo-bucket is reserved for
    documentation; it is allowed here, since examples are copied.)
    """
    if not _NAME.fullmatch(name) or ".." in name or ".-" in name or "-." in name:
        return False
    if name.startswith(_FORBIDDEN_STARTS[:2]) or name.endswith(_FORBIDDEN_ENDS):
        return False
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return True
    return False


def invalid_bucket_name(name: str) -> AwsError:
    """Return the error for a name that no bucket can have."""
    return AwsError("InvalidBucketName", "The specified bucket is not valid.", status=400, BucketName=name)


def no_such_bucket(name: str) -> AwsError:
    """Return the error for a bucket that is not there."""
    return AwsError("NoSuchBucket", "The specified bucket does not exist", status=404, BucketName=name)


def bucket_of(call: Call, state: State) -> Bucket:
    """Return the bucket that a call is about.

    Errors: NoSuchBucket; InvalidBucketName; AccessDenied where it is not the expected owner's, or the presigned URL has
    expired.
    """
    params = call.params
    name = params["Bucket"]
    bucket = state[buckets].get(name)
    if "_presigned" in params:
        check_presigned(call)
    if bucket is None:
        if not _ACCESSIBLE_NAME.fullmatch(name):
            raise invalid_bucket_name(name)
        raise no_such_bucket(name)
    expected = params.get("ExpectedBucketOwner")
    if expected is not None and expected != bucket.account:
        raise access_denied()
    return bucket


def bucket_named(state: State, name: str, expected_owner: str | None = None) -> Bucket:
    """Return another bucket that a call names (a copy's source). Errors as bucket_of."""
    bucket = state[buckets].get(name)
    if bucket is None:
        raise no_such_bucket(name)
    if expected_owner is not None and expected_owner != bucket.account:
        raise access_denied()
    return bucket


def check_presigned(call: Call) -> None:
    """Refuse a presigned URL after its time. `_presigned` is (time it was signed, seconds it is good for)."""
    signed, expires = call.params["_presigned"]
    if call.now > signed + expires:
        raise AwsError(
            "AccessDenied", "Request has expired", status=403, **{"X-Amz-Expires": str(int(expires))},  # type: ignore[arg-type]
            Expires=iso8601(signed + expires), ServerTime=iso8601(call.now),
        )  # fmt: skip


def access_denied(message: str = "Access Denied") -> AwsError:
    """Return S3's refusal."""
    return AwsError("AccessDenied", message, status=403)


def invalid_argument(message: str, name: str, value: str) -> AwsError:
    """Return the error for an argument, with its name and value as S3 gives them back."""
    return AwsError("InvalidArgument", message, status=400, ArgumentName=name, ArgumentValue=value)


def check_key(key: str) -> None:
    """Hold a new object's key against its limits. Errors: KeyTooLongError; InvalidURI for NUL and broken text."""
    try:
        size = len(key.encode("utf-8"))
    except UnicodeEncodeError:
        raise invalid_uri(key) from None
    if size > MAX_KEY:
        raise AwsError(
            "KeyTooLongError", "Your key is too long", status=400, Size=str(size), MaxSizeAllowed=str(MAX_KEY)
        )
    if "\0" in key:
        raise invalid_uri(key)


def invalid_uri(key: str) -> AwsError:
    """Return the error for a key that cannot be one."""
    return AwsError(
        "InvalidURI", "Couldn't parse the specified URI.", status=400, URI=key.encode("utf-8", "replace").decode()
    )


@lru_cache(maxsize=256)
def owner_id(account: str) -> str:
    """Return an account's canonical user id: 64 hexadecimal digits that depend on nothing else."""
    return hashlib.sha256(f"canonical user of account {account}".encode()).hexdigest()


def owner(account: str) -> dict[str, Any]:
    """Return an account as an Owner. DisplayName is not given since November 2025."""
    return {"ID": owner_id(account)}


def bucket_arn(name: str) -> str:
    """Return a bucket's ARN."""
    return f"arn:aws:s3:::{name}"


def object_arn(name: str, key: str) -> str:
    """Return an object's ARN."""
    return f"arn:aws:s3:::{name}/{key}"


def iso8601(when: float) -> str:
    """Format a moment as S3's error fields have it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(when))
