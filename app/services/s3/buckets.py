"""Buckets: create, list, head, delete, and where they are."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from app.services import AwsError, Call, Outcome, State, answer, command, emit, query
from app.services.s3.acls import ACL_PARAMS, ENFORCED, grants_of
from app.services.s3.places import (
    bucket_arn,
    bucket_of,
    check_presigned,
    invalid_argument,
    invalid_bucket_name,
    is_bucket_name,
    owner,
)
from projections.s3 import (
    Bucket,
    BucketConfigured,
    BucketCreated,
    BucketDeleted,
    buckets,
    objects,
    owned,
    versions,
)

OWNERSHIPS = frozenset({"BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"})
MAX_BUCKETS = 10_000
# Since 2023 new buckets encrypt, block public access and have no ACLs.
# Source: https://aws.amazon.com/blogs/aws/heads-up-amazon-s3-security-changes-are-coming-in-april-of-2023/
ENCRYPTED: dict[str, Any] = {
    "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}]
}
BLOCKED: dict[str, Any] = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}


def location(call: Call) -> str:
    """Return the region that a new bucket is to be in. Errors: those of a location constraint that does not fit."""
    configuration = call.params.get("CreateBucketConfiguration") or {}
    constraint = configuration.get("LocationConstraint")
    if constraint is None:
        if call.region in ("us-east-1", "aws-global", ""):
            return "us-east-1"
        raise AwsError(
            "IllegalLocationConstraintException",
            "The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.",
            status=400,
        )
    if constraint == "EU":
        constraint = "eu-west-1"
    if constraint == "us-east-1" or not _is_region(constraint):
        raise AwsError(
            "InvalidLocationConstraint", "The specified location-constraint is not valid", status=400,
            LocationConstraint=constraint,
        )  # fmt: skip
    if call.region not in ("us-east-1", "aws-global", "") and constraint != call.region:
        raise AwsError(
            "IllegalLocationConstraintException",
            f"The {constraint} location constraint is incompatible for the region specific endpoint this request was sent "
            "to.",
            status=400,
        )
    return str(constraint)


def _is_region(text: str) -> bool:
    parts = text.split("-")
    return len(parts) >= 3 and all(part.isalpha() for part in parts[:-1]) and parts[-1].isdigit()


@command("s3", "CreateBucket")
def create_bucket(call: Call, state: State) -> Outcome:
    """Create a bucket; in us-east-1, creating one's own once more succeeds.

    Errors: InvalidBucketName, InvalidLocationConstraint, IllegalLocationConstraintException (400); BucketAlreadyExists,
    BucketAlreadyOwnedByYou (409). Source: Amazon S3 API Reference, CreateBucket.
    """
    params = call.params
    name = params["Bucket"]
    if "_presigned" in params:
        check_presigned(call)
    if not is_bucket_name(name):
        raise invalid_bucket_name(name)
    region = location(call)
    ownership = params.get("ObjectOwnership") or ENFORCED
    if ownership not in OWNERSHIPS:
        raise invalid_argument("Invalid x-amz-object-ownership header", "x-amz-object-ownership", ownership)
    blank = Bucket(name, 0, call.account, region, 0.0, "", False, ownership, {})
    grants = _first_grants(call, blank)
    existing = state[buckets].get(name)
    if existing is not None:
        return _exists_already(call, existing, grants)
    configurations: dict[str, dict[str, Any]] = {
        "encryption": ENCRYPTED,
        "public-access-block": BLOCKED,
        "ownership-controls": {"Rules": [{"ObjectOwnership": ownership}]},
    }
    locked = bool(params.get("ObjectLockEnabledForBucket"))
    if locked:
        configurations["versioning"] = {"Status": "Enabled"}
        configurations["object-lock"] = {"ObjectLockEnabled": "Enabled"}
    if grants is not None:
        configurations["acl"] = {"Grants": grants}
    tags = (params.get("CreateBucketConfiguration") or {}).get("Tags")
    if tags:
        configurations["tagging"] = {"TagSet": tags}
    event = BucketCreated(name, locked, ownership, configurations)
    return emit(event, bucket_arn(name), region=region).answer(
        Location=_location(call, name), BucketArn=bucket_arn(name)
    )


def _location(call: Call, name: str) -> str:
    return f"/{name}" if call.region == "us-east-1" else call.url(f"/{name}/")


def _first_grants(call: Call, bucket: Bucket) -> list[dict[str, str]] | None:
    params = call.params
    if params.get("ACL") == "private" or not (ACL_PARAMS & params.keys()):
        return None
    if bucket.ownership == ENFORCED:
        raise AwsError(
            "InvalidBucketAclWithObjectOwnership",
            "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
            status=400,
        )  # fmt: skip
    blocked = bucket.replace(settings={"public-access-block": BLOCKED})
    return grants_of(params, blocked, call.account, for_bucket=True)


def _exists_already(call: Call, existing: Bucket, grants: list[dict[str, str]] | None) -> Outcome:
    if existing.account != call.account:
        raise AwsError(
            "BucketAlreadyExists",
            "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please "
            "select a different name and try again.",
            status=409, BucketName=existing.name,
        )  # fmt: skip
    if existing.region != "us-east-1" or call.region not in ("us-east-1", "aws-global", ""):
        raise AwsError(
            "BucketAlreadyOwnedByYou",
            "Your previous request to create the named bucket succeeded and you already own it.",
            status=409, BucketName=existing.name,
        )  # fmt: skip
    done = answer(Location=_location(call, existing.name), BucketArn=bucket_arn(existing.name))
    kept = (existing.settings.get("acl") or {}).get("Grants")
    if grants == kept or existing.ownership == ENFORCED:
        return done
    # us-east-1 resets the ACL of a bucket that is created again
    document = {
        "Grants": grants or [{"Type": "CanonicalUser", **owner(existing.account), "Permission": "FULL_CONTROL"}]
    }
    event = BucketConfigured(existing.name, existing.id, "acl", document)
    return done.emit(event, bucket_arn(existing.name), account=existing.account, region=existing.region)


@query("s3", "ListBuckets")
def list_buckets(call: Call, state: State) -> Outcome:
    """List the caller's buckets by name. Errors: InvalidArgument. Source: Amazon S3 API Reference, ListBuckets."""
    params = call.params
    if "_presigned" in params:
        check_presigned(call)
    most, prefix, region = params.get("MaxBuckets"), params.get("Prefix") or "", params.get("BucketRegion")
    if most is not None and not 1 <= most <= MAX_BUCKETS:
        raise invalid_argument(
            f"Argument max-buckets must be an integer between 1 and {MAX_BUCKETS}", "max-buckets", str(most)
        )
    token = params.get("ContinuationToken")
    after = (_untoken(token),) if token else None
    found: list[dict[str, Any]] = []
    more = None
    paged = most is not None or bool(prefix) or region is not None
    for key, bucket in state[owned].scan(call.account, starts_with=prefix, after=after):
        if region is not None and bucket.region != region:
            continue
        if len(found) == (most or MAX_BUCKETS):
            more = _token(found[-1]["Name"])
            break
        each: dict[str, Any] = {"Name": key[1], "CreationDate": float(int(bucket.created))}
        if paged or token:
            each["BucketRegion"] = bucket.region
        each["BucketArn"] = bucket_arn(str(key[1]))
        found.append(each)
    return answer(Owner=owner(call.account), Buckets=found, ContinuationToken=more, Prefix=prefix or None)


def _token(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode("ascii")


def _untoken(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token.encode("ascii")).decode()
    except (binascii.Error, ValueError):
        raise invalid_argument("The continuation token provided is incorrect", "continuation-token", token) from None


@query("s3", "HeadBucket")
def head_bucket(call: Call, state: State) -> Outcome:
    """Tell that a bucket is there, and in which region. Source: Amazon S3 API Reference, HeadBucket."""
    bucket = bucket_of(call, state)
    return answer(BucketRegion=bucket.region, AccessPointAlias=False, BucketArn=bucket_arn(bucket.name))


@query("s3", "GetBucketLocation")
def get_bucket_location(call: Call, state: State) -> Outcome:
    """Answer a bucket's region: nothing for us-east-1. Source: Amazon S3 API Reference, GetBucketLocation."""
    bucket = bucket_of(call, state)
    return answer(LocationConstraint=None if bucket.region == "us-east-1" else bucket.region)


@command("s3", "DeleteBucket")
def delete_bucket(call: Call, state: State) -> Outcome:
    """Delete a bucket that is empty. Errors: NoSuchBucket, BucketNotEmpty (409).

    Unfinished uploads do not keep a bucket; they go with it. Source: Amazon S3 API Reference, DeleteBucket.
    """
    bucket = bucket_of(call, state)
    if next(state[objects].keys(bucket.id), None) is not None:
        raise _not_empty(bucket, "The bucket you tried to delete is not empty")
    if next(state[versions].keys(bucket.id), None) is not None:
        message = "The bucket you tried to delete is not empty. You must delete all versions in the bucket."
        raise _not_empty(bucket, message)
    return emit(
        BucketDeleted(bucket.name, bucket.id), bucket_arn(bucket.name), account=bucket.account, region=bucket.region
    )


def _not_empty(bucket: Bucket, message: str) -> AwsError:
    return AwsError("BucketNotEmpty", message, status=409, BucketName=bucket.name)
