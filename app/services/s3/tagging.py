"""Tags of objects and buckets: their limits, and the x-amz-tagging header.

Source: Amazon S3 User Guide, "Categorizing your storage using tags"; API Reference, PutObjectTagging.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote_plus

from app.services import AwsError
from app.services.s3.places import invalid_argument

MAX_OBJECT_TAGS = 10
MAX_BUCKET_TAGS = 50
MAX_NAME, MAX_VALUE = 128, 256  # characters

_ALLOWED = re.compile(r"[\w\s+\-=.:/@]*", re.UNICODE)


def checked(pairs: list[tuple[str, str]], most: int) -> dict[str, str]:
    """Return tags that are within S3's limits. Errors: BadRequest, InvalidTag."""
    if len(pairs) > most:
        if most == MAX_OBJECT_TAGS:
            raise AwsError("BadRequest", f"Object tags cannot be greater than {most}", status=400)
        raise AwsError("BadRequest", f"Bucket tag count cannot be greater than {most}", status=400)
    tags: dict[str, str] = {}
    for name, value in pairs:
        if not name or len(name) > MAX_NAME:
            raise _invalid("The TagKey you have provided is invalid", name, None)
        if len(value) > MAX_VALUE:
            raise _invalid("The TagValue you have provided is invalid", name, value)
        if not _ALLOWED.fullmatch(name):
            raise _invalid("The TagKey you have provided is invalid", name, None)
        if not _ALLOWED.fullmatch(value):
            raise _invalid("The TagValue you have provided is invalid", name, value)
        if name.lower().startswith("aws:"):
            raise AwsError("InvalidTag", "System tags cannot be added/updated by requester", status=400)
        if name in tags:
            raise _invalid("Cannot provide multiple Tags with the same key", name, None)
        tags[name] = value
    return tags


def _invalid(message: str, name: str, value: str | None) -> AwsError:
    fields: dict[str, Any] = {"TagKey": name} if value is None else {"TagKey": name, "TagValue": value}
    return AwsError("InvalidTag", message, status=400, **fields)


def parse_header(text: str) -> dict[str, str]:
    """Return the tags of an x-amz-tagging header, which is a query string. Errors: InvalidArgument, InvalidTag."""
    pairs = []
    for item in text.split("&"):
        if not item:
            continue
        name, _, value = item.partition("=")
        pairs.append((unquote_plus(name), unquote_plus(value)))
        if not name or "=" in value:
            raise invalid_argument(
                "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name "
                "duplicates.", "x-amz-tagging", text,
            )  # fmt: skip
    if len({name for name, _ in pairs}) != len(pairs):
        raise invalid_argument(
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name "
            "duplicates.", "x-amz-tagging", text,
        )  # fmt: skip
    return checked(pairs, MAX_OBJECT_TAGS)


def parse_set(tagging: dict[str, Any], most: int) -> dict[str, str]:
    """Return the tags of a Tagging document. Errors: MalformedXML, BadRequest, InvalidTag."""
    pairs = [(tag.get("Key", ""), tag.get("Value", "")) for tag in tagging.get("TagSet") or []]
    return checked(pairs, most)


def tag_set(tags: dict[str, str]) -> list[dict[str, str]]:
    """Return tags as a TagSet."""
    return [{"Key": name, "Value": value} for name, value in tags.items()]
