"""Walking a bucket's keys: pages of keys and common prefixes, by seeking and never by walking past what is not shown."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from typing import Generic, NamedTuple, TypeVar
from urllib.parse import quote

T = TypeVar("T")


class Page(NamedTuple, Generic[T]):
    """A page of a listing."""

    found: list[tuple[str, T]]  # keys, in order
    prefixes: list[str]  # common prefixes, in order
    last: str  # the last key or common prefix of the page
    truncated: bool


# rows(after, past): (key, record) in order, those after a key, or past all that begin with a prefix
Rows = Callable[[str | None, str | None], Iterator[tuple[str, T]]]


def page(rows: Rows[T], prefix: str, delimiter: str, after: str | None, past: str | None, most: int) -> Page[T]:
    """Return up to `most` keys and common prefixes.

    Args:
        rows: yields what begins with the prefix, from where it is told to.
        prefix: what all keys begin with; the delimiter is looked for behind it.
        delimiter: "" for none.
        after: begin after this key.
        past: begin after all keys that begin so (a common prefix that was shown already).
        most: 0 gives nothing, and is not truncated.
    """
    found: list[tuple[str, T]] = []
    prefixes: list[str] = []
    last = ""
    if most <= 0:
        return Page(found, prefixes, last, False)
    size = len(prefix)
    while True:
        again: str | None = None
        for key, record in rows(after, past):
            at = key.find(delimiter, size) if delimiter else -1
            if len(found) + len(prefixes) == most:
                return Page(found, prefixes, last, True)
            if at < 0:
                found.append((key, record))
                last = key
                continue
            again = key[: at + len(delimiter)]
            prefixes.append(again)
            last = again
            break
        if again is None:
            return Page(found, prefixes, last, False)
        after, past = None, again


def token(last: str, is_prefix: bool) -> str:
    """Return the continuation token of a page that ended with a key or a common prefix."""
    return base64.b64encode((("p" if is_prefix else "k") + last).encode("utf-8", "surrogatepass")).decode("ascii")


def untoken(text: str) -> tuple[str | None, str | None] | None:
    """Return (after, past) of a continuation token; None where it is none."""
    try:
        raw = base64.b64decode(text, validate=True).decode("utf-8", "surrogatepass")
    except (binascii.Error, ValueError):
        return None
    if raw[:1] == "k":
        return raw[1:], None
    return (None, raw[1:]) if raw[:1] == "p" else None


def url(text: str) -> str:
    """Encode a key for encoding-type=url, as S3 does."""
    return quote(text, safe="/-_.~*", errors="surrogatepass")
