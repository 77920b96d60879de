"""Access control lists of buckets and objects. Buckets made with today's defaults have none (BucketOwnerEnforced).

A grant is kept as {"Type", "ID" or "URI", "Permission"}. Source: Amazon S3 User Guide, "Access control list (ACL)
overview" and "Controlling ownership of objects and disabling ACLs for your bucket".
"""

from __future__ import annotations

import re
from typing import Any

from app.services import AwsError, Call, Outcome, State, answer, command, emit, query
from app.services.s3.finding import find_version
from app.services.s3.places import access_denied, bucket_arn, bucket_of, invalid_argument, object_arn, owner, owner_id
from projections.s3 import Bucket, BucketConfigured, ObjectAclSet

ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
AUTHENTICATED = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery"
GROUPS = frozenset({ALL_USERS, AUTHENTICATED, LOG_DELIVERY})
PUBLIC = frozenset({ALL_USERS, AUTHENTICATED})
PERMISSIONS = frozenset({"FULL_CONTROL", "WRITE", "WRITE_ACP", "READ", "READ_ACP"})
ENFORCED = "BucketOwnerEnforced"
CANNED_FOR_BUCKETS = frozenset(
    {"private", "public-read", "public-read-write", "authenticated-read", "log-delivery-write"}
)
CANNED = CANNED_FOR_BUCKETS | {"aws-exec-read", "bucket-owner-read", "bucket-owner-full-control"}
GRANT_HEADERS = {
    "GrantFullControl": "FULL_CONTROL",
    "GrantRead": "READ",
    "GrantReadACP": "READ_ACP",
    "GrantWrite": "WRITE",
    "GrantWriteACP": "WRITE_ACP",
}
ACL_PARAMS = frozenset({"ACL", "AccessControlPolicy", *GRANT_HEADERS})

_GRANTEE = re.compile(r'\s*(id|uri|emailAddress)\s*=\s*"?([^",]*)"?\s*')
_CANONICAL = re.compile(r"[0-9a-f]{64}")

Grant = dict[str, str]


def _user(account_or_id: str, permission: str) -> Grant:
    identity = account_or_id if len(account_or_id) == 64 else owner_id(account_or_id)
    return {"Type": "CanonicalUser", "ID": identity, "Permission": permission}


def _group(uri: str, permission: str) -> Grant:
    return {"Type": "Group", "URI": uri, "Permission": permission}


def canned(name: str, account: str, bucket_owner: str) -> list[Grant]:
    """Return the grants that a canned ACL stands for, the owner's first."""
    grants = [_user(account, "FULL_CONTROL")]
    if name in ("public-read", "public-read-write"):
        grants.append(_group(ALL_USERS, "READ"))
    if name == "public-read-write":
        grants.append(_group(ALL_USERS, "WRITE"))
    if name == "authenticated-read":
        grants.append(_group(AUTHENTICATED, "READ"))
    if name == "log-delivery-write":
        grants += [_group(LOG_DELIVERY, "WRITE"), _group(LOG_DELIVERY, "READ_ACP")]
    if account != bucket_owner and name in ("bucket-owner-read", "bucket-owner-full-control"):
        grants.append(_user(bucket_owner, "READ" if name == "bucket-owner-read" else "FULL_CONTROL"))
    return grants


def _from_headers(params: dict[str, Any]) -> list[Grant]:
    grants = []
    for name, permission in GRANT_HEADERS.items():
        for item in filter(None, (params.get(name) or "").split(",")):
            match = _GRANTEE.fullmatch(item)
            if match is None:
                raise invalid_argument("Argument format not recognized", f"x-amz-grant-{permission.lower()}", item)
            grants.append(_grantee(match[1], match[2], permission))
    return grants


def _grantee(kind: str, value: str, permission: str) -> Grant:
    if permission not in PERMISSIONS:
        raise AwsError("MalformedACLError", MALFORMED, status=400)
    if kind == "uri":
        if value not in GROUPS:
            raise invalid_argument("Invalid group uri", "uri", value)
        return _group(value, permission)
    if kind == "emailAddress":  # since October 2025
        raise AwsError("UnsupportedArgument", "Granting access by e-mail address is no longer supported.", status=405)
    if not _CANONICAL.fullmatch(value):
        raise invalid_argument("Invalid id", "id", value)
    return _user(value, permission)


MALFORMED = "The XML you provided was not well-formed or did not validate against our published schema"


def _from_document(policy: dict[str, Any]) -> list[Grant]:
    if not policy.get("Owner"):
        raise AwsError("MalformedACLError", MALFORMED, status=400)
    grants = []
    for grant in policy.get("Grants") or []:
        grantee, permission = grant.get("Grantee") or {}, grant.get("Permission", "")
        if grantee.get("Type") == "Group" or "URI" in grantee:
            grants.append(_grantee("uri", grantee.get("URI", ""), permission))
        elif "EmailAddress" in grantee:
            grants.append(_grantee("emailAddress", grantee["EmailAddress"], permission))
        elif "ID" in grantee:
            grants.append(_grantee("id", grantee["ID"], permission))
        else:
            raise AwsError("MalformedACLError", MALFORMED, status=400)
    return grants


def grants_of(params: dict[str, Any], bucket: Bucket, account: str, for_bucket: bool = False) -> list[Grant] | None:
    """Return the grants that a call asks for; None where it asks for none, or for what is the case anyway.

    Errors: AccessControlListNotSupported (400) where the bucket has no ACLs; AccessDenied (403) where public ones are
    blocked; InvalidArgument, InvalidRequest, MalformedACLError (400).
    """
    if not (ACL_PARAMS & params.keys()):
        return None
    name, policy = params.get("ACL"), params.get("AccessControlPolicy")
    headers = any(params.get(header) for header in GRANT_HEADERS)
    if name is not None:
        if name not in (CANNED_FOR_BUCKETS if for_bucket else CANNED):
            raise invalid_argument("", "x-amz-acl", name)
        if headers:
            raise AwsError("InvalidRequest", "Specifying both Canned ACLs and Header Grants is not allowed", status=400)
        grants = canned(name, account, bucket.account)
    elif headers:
        grants = _from_headers(params)
    elif policy is not None:
        grants = _from_document(policy)
    else:
        return None
    own = [_user(bucket.account, "FULL_CONTROL")]
    if bucket.ownership == ENFORCED:
        if name == "bucket-owner-full-control" or (name is None and grants == own):
            return None
        raise AwsError("AccessControlListNotSupported", "The bucket does not allow ACLs", status=400)
    check_not_public(bucket, grants)
    return None if grants == [_user(account, "FULL_CONTROL")] else grants


def check_not_public(bucket: Bucket, grants: list[Grant]) -> None:
    """Refuse grants to everybody where the bucket blocks them. Errors: AccessDenied."""
    block = bucket.settings.get("public-access-block") or {}
    if block.get("BlockPublicAcls") and any(grant.get("URI") in PUBLIC for grant in grants):
        raise access_denied()


def shown(grants: list[Grant] | None, account: str) -> list[dict[str, Any]]:
    """Return grants as GetBucketAcl and GetObjectAcl have them."""
    if grants is None:
        grants = [_user(account, "FULL_CONTROL")]
    return [
        {
            "Grantee": {key: value for key, value in grant.items() if key != "Permission"},
            "Permission": grant["Permission"],
        }
        for grant in grants
    ]


@query("s3", "GetBucketAcl")
def get_bucket_acl(call: Call, state: State) -> Outcome:
    """Answer a bucket's owner and grants. Source: Amazon S3 API Reference, GetBucketAcl."""
    bucket = bucket_of(call, state)
    kept = bucket.settings.get("acl")
    grants = None if kept is None or bucket.ownership == ENFORCED else kept["Grants"]
    return answer(Owner=owner(bucket.account), Grants=shown(grants, bucket.account))


@command("s3", "PutBucketAcl")
def put_bucket_acl(call: Call, state: State) -> Outcome:
    """Replace a bucket's grants. Errors: those of grants_of. Source: Amazon S3 API Reference, PutBucketAcl."""
    bucket = bucket_of(call, state)
    if not (ACL_PARAMS & call.params.keys()):
        raise AwsError(
            "MissingSecurityHeader",
            "Your request was missing a required header",
            status=400,
            MissingHeaderName="x-amz-acl",
        )
    grants = grants_of(call.params, bucket, bucket.account, for_bucket=bucket.ownership != ENFORCED)
    if grants is None and "acl" not in bucket.settings:
        return answer()
    document = {"Grants": [_user(bucket.account, "FULL_CONTROL")] if grants is None else grants}
    event = BucketConfigured(bucket.name, bucket.id, "acl", document)
    return emit(event, bucket_arn(bucket.name), account=bucket.account, region=bucket.region)


@query("s3", "GetObjectAcl")
def get_object_acl(call: Call, state: State) -> Outcome:
    """Answer a version's owner and grants. Source: Amazon S3 API Reference, GetObjectAcl."""
    bucket = bucket_of(call, state)
    record = find_version(call, state, bucket)
    grants = None if bucket.ownership == ENFORCED else record.acl
    return answer(Owner=owner(bucket.account), Grants=shown(grants, bucket.account))


@command("s3", "PutObjectAcl")
def put_object_acl(call: Call, state: State) -> Outcome:
    """Replace a version's grants. Errors: those of grants_of. Source: Amazon S3 API Reference, PutObjectAcl."""
    bucket = bucket_of(call, state)
    record = find_version(call, state, bucket)
    grants = grants_of(call.params, bucket, bucket.account)
    if grants == record.acl:
        return answer()
    key = call.params["Key"]
    event = ObjectAclSet(bucket.name, bucket.id, key, record.version, grants)
    return emit(event, object_arn(bucket.name, key), account=bucket.account, region=bucket.region)
