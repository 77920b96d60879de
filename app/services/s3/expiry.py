"""The x-amz-expiration header: when a lifecycle rule of the bucket will expire an object.

Source: Amazon S3 User Guide, "How to determine when objects will expire".
"""

from __future__ import annotations

import math
from email.utils import formatdate
from typing import Any
from urllib.parse import quote

from app.services import State
from projections.s3 import Bucket

DAY = 86400


def expiration(state: State, bucket: Bucket, key: str, size: int, tags: dict[str, str], modified: float) -> str | None:
    """Return the header for an object of a bucket whose lifecycle expires it; None where none does."""
    document = bucket.settings.get("lifecycle")
    if document is None:
        return None
    best: tuple[float, str] | None = None
    for rule in document.get("Rules") or []:
        expires = rule.get("Expiration") or {}
        if rule.get("Status") != "Enabled" or not _applies(rule, key, size, tags):
            continue
        if "Days" in expires:
            when = (math.floor(modified / DAY) + 1 + expires["Days"]) * DAY
        elif "Date" in expires:
            when = float(expires["Date"])
        else:
            continue
        if best is None or when < best[0]:
            best = (when, rule.get("ID", ""))
    return None if best is None else f'expiry-date="{formatdate(best[0], usegmt=True)}", rule-id="{quote(best[1])}"'


def _applies(rule: dict[str, Any], key: str, size: int, tags: dict[str, str]) -> bool:
    only = rule.get("Filter") or {}
    every = only.get("And") or only
    prefix = rule.get("Prefix") or every.get("Prefix") or ""
    wanted = list(every.get("Tags") or []) + ([only["Tag"]] if "Tag" in only else [])
    return (
        key.startswith(prefix)
        and all(tags.get(tag["Key"]) == tag["Value"] for tag in wanted)
        and size > every.get("ObjectSizeGreaterThan", -1)
        and size < every.get("ObjectSizeLessThan", 1 << 62)
    )
