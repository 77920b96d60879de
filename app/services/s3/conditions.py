"""Conditional requests: reads (304, 412), copies, and writes (412, 409).

Source: RFC 9110, section 13; Amazon S3 API Reference, GetObject and CopyObject ("Additional considerations about
headers"); Amazon S3 User Guide, "Conditional requests".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from app.services import AwsError

MESSAGE = "At least one of the pre-conditions you specified did not hold"


def matches(header: str, etag: str) -> bool:
    """Tell whether a list of ETags (quoted or not, weak or not) or `*` has this one."""
    for item in header.split(","):
        item = item.strip()
        if item == "*":
            return True
        if item.startswith("W/"):
            item = item[2:]
        if item.strip('"') == etag:
            return True
    return False


def judge(
    params: Mapping[str, Any], etag: str, modified: float, prefix: str = ""
) -> tuple[Literal[304, 412] | None, str]:
    """Return what the four conditions of a read say: (None, "") to go on, or the status and the condition's header.

    If-Match decides over If-Unmodified-Since, and If-None-Match over If-Modified-Since. `prefix` is CopySource for the
    conditions of a copy.
    """
    if_match, unmodified = params.get(f"{prefix}IfMatch"), params.get(f"{prefix}IfUnmodifiedSince")
    if if_match is not None:
        if not matches(if_match, etag):
            return 412, "If-Match"
    elif unmodified is not None and modified > unmodified:
        return 412, "If-Unmodified-Since"
    if_none, since = params.get(f"{prefix}IfNoneMatch"), params.get(f"{prefix}IfModifiedSince")
    if if_none is not None:
        if matches(if_none, etag):
            return 304, "If-None-Match"
    elif since is not None and modified <= since:
        return 304, "If-Modified-Since"
    return None, ""


def failed(condition: str) -> AwsError:
    """Return the error of a condition that does not hold."""
    return AwsError("PreconditionFailed", MESSAGE, status=412, Condition=condition)


READ_CONDITIONS = ("IfMatch", "IfNoneMatch", "IfModifiedSince", "IfUnmodifiedSince")


def check_write(params: Mapping[str, Any], etag: str | None, key: str) -> None:
    """Hold a write against If-Match and If-None-Match; `etag` is the current version's, None where there is none.

    Errors: PreconditionFailed (412); NoSuchKey (404) for If-Match on a key that is not there; NotImplemented (501) for
    conditions that S3 does not have on writes.
    """
    if_none = params.get("IfNoneMatch")
    if if_none is not None:
        if if_none.strip() != "*":
            raise unsupported("If-None-Match")
        if etag is not None:
            raise failed("If-None-Match")
    if_match = params.get("IfMatch")
    if if_match is not None:
        if etag is None:
            raise AwsError("NoSuchKey", "The specified key does not exist.", Key=key)
        if not matches(if_match, etag):
            raise failed("If-Match")


def unsupported(header: str) -> AwsError:
    """Return what S3 says of a header that it knows but does not have here."""
    return AwsError(
        "NotImplemented",
        "A header you provided implies functionality that is not implemented",
        status=501,
        Header=header,
        additionalMessage="We don't accept the provided value of If-None-Match header for this API",
    )
