"""PostObject: uploads from a browser's form, under a policy that the form carries.

Source: Amazon S3 API Reference, "POST Object" and "POST Policy".
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from app.http import Request
from app.protocols import timestamps
from app.protocols.xml_reading import parse_xml
from app.services import AwsError, Call, Outcome, State, command, prepare
from app.services.s3 import checksums
from app.services.s3.attributes import check_write
from app.services.s3.completing import location
from app.services.s3.forms import Form
from app.services.s3.objects import check_conditions, store
from app.services.s3.places import bucket_of, invalid_argument
from app.services.s3.presigned import guard
from app.services.s3.receiving import MAX_OBJECT, Spool, Wanted
from app.services.s3.tagging import parse_set

# Form fields that are params of PutObject, by their names in lower case.
PARAMS = {
    "acl": "ACL",
    "cache-control": "CacheControl",
    "content-disposition": "ContentDisposition",
    "content-encoding": "ContentEncoding",
    "content-language": "ContentLanguage",
    "content-type": "ContentType",
    "expires": "Expires",
    "if-match": "IfMatch",
    "if-none-match": "IfNoneMatch",
    "x-amz-storage-class": "StorageClass",
    "x-amz-website-redirect-location": "WebsiteRedirectLocation",
    "x-amz-server-side-encryption": "ServerSideEncryption",
    "x-amz-server-side-encryption-aws-kms-key-id": "SSEKMSKeyId",
    "x-amz-server-side-encryption-customer-algorithm": "SSECustomerAlgorithm",
    "x-amz-server-side-encryption-customer-key": "SSECustomerKey",
    "x-amz-server-side-encryption-customer-key-md5": "SSECustomerKeyMD5",
    "x-amz-object-lock-mode": "ObjectLockMode",
    "x-amz-object-lock-legal-hold": "ObjectLockLegalHoldStatus",
}
# Fields that no condition has to allow.
FREE = frozenset(
    {"file", "policy", "signature", "awsaccesskeyid", "x-amz-signature", "x-amz-checksum-algorithm", "submit", "bucket"}
)
STATUSES = {"200": 200, "201": 201, "204": 204}


@prepare("s3", "PostObject")
def receive(call: Call, request: Request, blobs: Any) -> None:
    """Read a form: its fields become params as PutObject has them, its file is spooled as PutObject's body is.

    Errors: MalformedPOSTRequest, InvalidArgument, InvalidPolicyDocument, AccessDenied, EntityTooSmall, EntityTooLarge.
    """
    form = Form(request.body, request.headers.get("content-type", ""))
    form.read_fields()
    fields = form.fields
    if form.file_name is None:
        raise invalid_argument("POST requires exactly one file upload per request.", "file", "0")
    by_name = {name.lower(): value for name, value in fields.items()}
    params = call.params
    if "key" not in by_name:
        raise _missing("key")
    params["Key"] = by_name["key"].replace("${filename}", form.file_name)
    for name, value in by_name.items():
        member = PARAMS.get(name)
        if member is not None:
            params[member] = value
        elif name.startswith("x-amz-meta-"):
            params.setdefault("Metadata", {})[name[11:]] = value
    if "ContentType" not in params and form.file_type:
        params["ContentType"] = form.file_type
    if "x-amz-object-lock-retain-until-date" in by_name:
        params["ObjectLockRetainUntilDate"] = timestamps.parse(by_name["x-amz-object-lock-retain-until-date"])
    if by_name.get("tagging"):
        params["_tags"] = _tags(by_name["tagging"])
    guard(call, request)
    check_write(params, {"expires": by_name.get("expires", "")})
    smallest, largest = _policy(call, by_name, form.file_name)
    status, redirect = (
        by_name.get("success_action_status", ""),
        by_name.get("success_action_redirect") or by_name.get("redirect"),
    )
    params["_answer"] = [STATUSES.get(status, 204), redirect or ""]
    spool = Spool(_wanted(by_name))
    params["Body"] = spool.take(_bounded(form.file(), largest), blobs, None)
    if spool.size < smallest:
        raise AwsError(
            "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size", status=400,
            ProposedSize=str(spool.size), MinSizeAllowed=str(smallest),
        )  # fmt: skip
    form.drain()
    params["_received"] = [spool.etag, spool.size, spool.results()]


def _missing(name: str) -> AwsError:
    message = (
        f"Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of the fields."
    )
    return invalid_argument(message, name, "")


def _tags(text: str) -> dict[str, str]:
    """Return the tags of a tagging field, which is an XML document."""
    pairs = []
    for element in parse_xml(text.encode()).iter():
        if element.tag.rpartition("}")[2] == "Tag":
            found = {child.tag.rpartition("}")[2]: child.text or "" for child in element}
            pairs.append({"Key": found.get("Key", ""), "Value": found.get("Value", "")})
    return parse_set({"TagSet": pairs}, 10)


def _wanted(fields: dict[str, str]) -> Wanted:
    wanted = Wanted()
    for header, algorithm in checksums.HEADERS.items():
        if header in fields:
            if checksums.parse(fields[header], checksums.SIZES[algorithm]) is None:
                raise AwsError("InvalidRequest", f"Value for {header} header is invalid.", status=400)
            wanted.algorithm, wanted.checksum = algorithm, fields[header]
    md5 = fields.get("content-md5")
    if md5 is not None:
        wanted.md5 = checksums.parse(md5, 16)
        if wanted.md5 is None:
            raise AwsError("InvalidDigest", "The Content-MD5 you specified was invalid.", status=400)
    return wanted


def _bounded(pieces: Iterator[bytes], largest: int) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > largest:
            raise AwsError(
                "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size", status=400,
                ProposedSize=str(size), MaxSizeAllowed=str(largest),
            )  # fmt: skip
        yield piece


# -- the policy


def _bad_policy(message: str) -> AwsError:
    return AwsError("InvalidPolicyDocument", f"Invalid Policy: {message}", status=400)


def _against(message: str) -> AwsError:
    return AwsError("AccessDenied", f"Invalid according to Policy: {message}", status=403)


def _policy(call: Call, fields: dict[str, str], file_name: str) -> tuple[int, int]:
    """Hold a form against its policy; return the bounds of its file's size. The expiry is left to the handler.

    A signature is not verified: which secret it was made with is not known here.
    """
    text = fields.get("policy")
    signed = "signature" in fields or "x-amz-signature" in fields
    if text is None:
        if signed:
            raise _missing("policy")
        return 0, MAX_OBJECT
    if "x-amz-signature" not in fields:
        for name, shown in (("awsaccesskeyid", "AWSAccessKeyId"), ("signature", "signature")):
            if name not in fields:
                raise _missing(shown)
    try:
        policy = json.loads(base64.b64decode(text, validate=False))
    except (binascii.Error, ValueError, RecursionError):
        raise _bad_policy("Invalid JSON.") from None
    if not isinstance(policy, dict):
        raise _bad_policy("Invalid JSON.")
    if "expiration" not in policy:
        raise _bad_policy("Policy missing expiration.")
    call.params["_policy_until"] = _expiration(policy["expiration"])
    conditions = policy.get("conditions")
    if not isinstance(conditions, list) or not conditions:
        raise _bad_policy(
            "Policy missing conditions." if conditions is None else "Invalid 'conditions' value: must be a List."
        )
    fields = {**fields, "bucket": call.params["Bucket"], "key": call.params["Key"]}
    smallest, largest = 0, MAX_OBJECT
    allowed = set(FREE)
    for condition in conditions:
        if isinstance(condition, list) and condition and str(condition[0]).lower() == "content-length-range":
            smallest, largest = _size_range(condition)
            continue
        allowed |= _hold(condition, fields)
    for name in fields:
        if name not in allowed and not name.startswith("x-ignore-"):
            raise _against(f"Extra input fields: {name}")
    return smallest, min(largest, MAX_OBJECT)


_EXPIRATION = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def _expiration(value: Any) -> float:
    if not isinstance(value, str) or not _EXPIRATION.fullmatch(value):
        raise _bad_policy(f"Invalid 'expiration' value: '{value}'")
    try:
        return timestamps.parse(value)
    except ValueError:
        raise _bad_policy(f"Invalid 'expiration' value: '{value}'") from None


def _size_range(condition: list[Any]) -> tuple[int, int]:
    if len(condition) != 3:
        raise _bad_policy("Invalid content-length-range: wrong number of arguments.")
    try:
        return int(condition[1]), int(condition[2])
    except (TypeError, ValueError):
        raise _bad_policy("Invalid content-length-range: arguments must be integers.") from None


def _hold(condition: Any, fields: dict[str, str]) -> set[str]:
    """Hold a form against one condition; return the names of the fields that it allows."""
    if isinstance(condition, dict):
        if not condition:
            raise _bad_policy("Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.")
        for name, wanted in condition.items():
            if not isinstance(wanted, str):
                raise _bad_policy("Invalid Simple-Condition: value must be a string.")
            if fields.get(name.lower()) != wanted:
                shown = json.dumps(["eq", f"${name}", wanted])
                raise _against(f"Policy Condition failed: {shown}")
        return {name.lower() for name in condition}
    if not isinstance(condition, list) or len(condition) != 3 or not all(isinstance(each, str) for each in condition):
        raise _bad_policy("Invalid Condition: must be a List of three strings or an Object.")
    kind, name, wanted = condition
    if kind.lower() not in ("eq", "starts-with") or not name.startswith("$"):
        raise _bad_policy(f"Invalid Condition: unknown operation '{kind}'.")
    value = fields.get(name[1:].lower())
    if kind.lower() == "eq":
        holds = value == wanted
    elif name[1:].lower() == "content-type" and value and "," in value:
        holds = all(each.strip().startswith(wanted) for each in value.split(","))
    else:
        holds = (value or "").startswith(wanted) and (value is not None or not wanted)
    if not holds:
        raise _against(f"Policy Condition failed: {json.dumps(condition)}")
    return {name[1:].lower()}


@command("s3", "PostObject")
def post_object(call: Call, state: State) -> Outcome:
    """Store what a form uploaded. Errors: NoSuchBucket; AccessDenied where the policy has expired; those of PutObject."""
    params = call.params
    bucket = bucket_of(call, state)
    until = params.get("_policy_until")
    if until is not None and call.now > until:
        raise _against("Policy expired.")
    key = params["Key"]
    if "IfMatch" in params or "IfNoneMatch" in params:
        check_conditions(params, state, bucket, key)
    etag, size, sums = params["_received"]
    outcome = store(call, state, bucket, key, params["Body"], etag, size, sums, "Post")
    status, redirect = params["_answer"]
    where = location(call, bucket.name, key)
    body = b""
    result = outcome.result
    if redirect:
        status = 303
        mark = "&" if "?" in redirect else "?"
        result["Location"] = redirect + mark + urlencode({"bucket": bucket.name, "key": key, "etag": f'"{etag}"'})
    else:
        result["Location"] = where
        if status == 201:
            body = (
                '<?xml version="1.0" encoding="UTF-8"?>\n'
                f"<PostResponse><Location>{escape(where)}</Location><Bucket>{bucket.name}</Bucket>"
                f"<Key>{escape(key)}</Key><ETag>&quot;{etag}&quot;</ETag></PostResponse>"
            ).encode()
    result.update(Status=status, Body=body)
    return outcome
