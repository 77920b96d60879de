"""What every S3 call is held against before its handler: the query of presigned URLs, customers' encryption keys.

Source: Amazon S3 API Reference, "Authenticating requests: using query parameters"; "Server-side encryption with
customer-provided keys".
"""

from __future__ import annotations

import base64
import binascii
import calendar
import hashlib
import re
import time
from typing import Any
from urllib.parse import parse_qsl

from app.http import Request
from app.protocols import timestamps
from app.services import AwsError, Call
from app.services.s3.places import invalid_argument, iso8601

WEEK = 604800
MAX_SKEW = 900
V4_PARAMETERS = ("X-Amz-Credential", "X-Amz-Signature", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Expires")

_DATE = re.compile(r"\d{8}T\d{6}Z")


def guard(call: Call, request: Request, blobs: Any = None) -> None:
    """Note until when a presigned URL is good, and check customers' keys (which are not kept).

    Errors: AuthorizationQueryParametersError (400), AccessDenied (403), InvalidArgument (400).
    """
    query = request.query
    if query and ("X-Amz-Algorithm" in query or "AWSAccessKeyId" in query):
        _note_expiry(call, dict(parse_qsl(query, keep_blank_values=True)))
    headers = request.headers
    authorization = headers.get("authorization")
    if authorization is not None and authorization.startswith("AWS "):
        _check_version_2(authorization, headers.get("x-amz-date") or headers.get("date") or "")
    params = call.params
    if "x-amz-server-side-encryption" in headers and call.operation in ("GetObject", "HeadObject"):
        raise invalid_argument(
            "x-amz-server-side-encryption header is not supported for this operation.",
            "x-amz-server-side-encryption", headers["x-amz-server-side-encryption"],
        )  # fmt: skip
    if "SSECustomerAlgorithm" in params or "SSECustomerKey" in params or "SSECustomerKeyMD5" in params:
        _check_customer_key(params, "")
    if "CopySourceSSECustomerKey" in params:
        _check_customer_key(params, "CopySource")


def _check_version_2(authorization: str, date: str) -> None:
    """Check the form of a version 2 signature and the date it was made.

    The skew is one between the client's clock and this machine's: a stack's clock, which may have been moved, says
    nothing of it.
    """
    if authorization.count(":") != 1 or not authorization[4:].partition(":")[0]:
        message = "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature"
        raise invalid_argument(message, "Authorization", authorization)
    try:
        made = timestamps.parse(date)
    except (ValueError, OverflowError, TypeError):
        made = -1.0
    if made < 0:
        message = "AWS authentication requires a valid Date or x-amz-date header"
        raise AwsError("AccessDenied", message, status=403)
    now = time.time()
    if abs(now - made) > MAX_SKEW:
        raise AwsError(
            "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.",
            status=403, RequestTime=date, ServerTime=iso8601(now), MaxAllowedSkewMilliseconds=str(MAX_SKEW * 1000),
        )  # fmt: skip


def _note_expiry(call: Call, query: dict[str, str]) -> None:
    if "X-Amz-Algorithm" in query:
        if any(name not in query for name in V4_PARAMETERS):
            raise _bad_query(
                "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, "
                "X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
            )
        if query["X-Amz-Algorithm"] not in ("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"):
            raise _bad_query('X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"')
        if not _DATE.fullmatch(query["X-Amz-Date"]):
            raise _bad_query("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
        text = query["X-Amz-Expires"]
        if not re.fullmatch(r"-?\d{1,18}", text):
            raise _bad_query("X-Amz-Expires should be a number")
        expires = int(text)
        if expires < 0:
            raise _bad_query("X-Amz-Expires must be non-negative")
        if expires > WEEK:
            raise _bad_query(
                "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than "
                "604800 seconds"
            )
        try:
            signed = calendar.timegm(time.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ"))
        except ValueError:
            raise _bad_query("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"") from None
        call.params["_presigned"] = [float(signed), float(expires)]
        return
    if "Expires" not in query or "Signature" not in query:
        raise AwsError(
            "AccessDenied",
            "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters",
            status=403,
        )
    if not re.fullmatch(r"\d{1,18}", query["Expires"]):
        raise AwsError("AccessDenied", f"Invalid date (should be seconds since epoch): {query['Expires']}", status=403)
    call.params["_presigned"] = [float(query["Expires"]), 0.0]


def _bad_query(message: str) -> AwsError:
    return AwsError("AuthorizationQueryParametersError", message, status=400)


def _check_customer_key(params: dict[str, Any], prefix: str) -> None:
    """Check a customer's key against its digest; what goes on from here is the digest alone."""
    header = "x-amz-server-side-encryption-customer-algorithm"
    algorithm = params.get(f"{prefix}SSECustomerAlgorithm")
    key, digest = params.pop(f"{prefix}SSECustomerKey", None), params.get(f"{prefix}SSECustomerKeyMD5")
    if algorithm is None:
        raise invalid_argument(
            "Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption "
            "algorithm.", header, "null",
        )  # fmt: skip
    if algorithm != "AES256":
        raise AwsError(
            "InvalidEncryptionAlgorithmError",
            "The encryption request you specified is not valid. Supported value: AES256.",
            status=400, ArgumentName=header, ArgumentValue=algorithm,
        )  # fmt: skip
    if not key:
        raise invalid_argument(
            "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret "
            "key.", "x-amz-server-side-encryption-customer-key", "null",
        )  # fmt: skip
    try:
        raw = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 32:
        raise invalid_argument(
            "The secret key was invalid for the specified algorithm.", "x-amz-server-side-encryption-customer-key", key
        )
    if not digest:
        raise invalid_argument(
            "Requests specifying Server Side Encryption with Customer provided keys must provide the client calculated "
            "MD5 of the secret key.", "x-amz-server-side-encryption-customer-key-MD5", "null",
        )  # fmt: skip
    if base64.b64encode(hashlib.md5(raw).digest()).decode() != digest:
        raise invalid_argument(
            "The calculated MD5 hash of the key did not match the hash that was provided.",
            "x-amz-server-side-encryption-customer-key-MD5", digest,
        )  # fmt: skip
