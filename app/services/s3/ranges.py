"""The Range header of GetObject and HeadObject, and x-amz-copy-source-range. Source: RFC 9110, section 14."""

from __future__ import annotations

import re

_RANGE = re.compile(r"bytes=\s*(\d*)\s*-\s*(\d*)\s*", re.IGNORECASE | re.ASCII)
_COPY_RANGE = re.compile(r"bytes=(\d{1,19})-(\d{1,19})", re.ASCII)


class Unsatisfiable(Exception):
    """No byte of the range is in the object."""


def resolve(header: str, size: int) -> tuple[int, int] | None:
    """Return (first, length) of the one range that a header asks for; None where it is to be ignored.

    S3 ignores what it cannot read and lists of ranges, and answers the whole object. Raises Unsatisfiable.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None:
        return None
    first_text, last_text = match.groups()
    if len(first_text) > 19 or len(last_text) > 19 or not (first_text or last_text):
        return None
    if not first_text:
        length = min(int(last_text), size)
        if not length:
            raise Unsatisfiable
        return size - length, length
    first = int(first_text)
    last = int(last_text) if last_text else size - 1
    if last_text and last < first:
        return None
    if first >= size:
        raise Unsatisfiable
    return first, min(last, size - 1) - first + 1


def copy_range(header: str) -> tuple[int, int] | None:
    """Return (first, last) of x-amz-copy-source-range, which must name both; None where it is malformed."""
    match = _COPY_RANGE.fullmatch(header)
    if match is None:
        return None
    first, last = int(match[1]), int(match[2])
    return (first, last) if first <= last else None
