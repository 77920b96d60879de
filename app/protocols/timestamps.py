"""Moments in time as AWS's protocols write them. Inside Cairn a moment is seconds since the epoch, UTC, as a float."""

from __future__ import annotations

import calendar
import math
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_tz
from functools import lru_cache
from typing import Any

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

# The years 1 to 9999, all that ISO 8601 and HTTP dates can say in four digits.
EARLIEST = -62135596800.0
LATEST = 253402300800.0

_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s*([Zz]|[+-]\d\d:?\d\d)?", re.ASCII
)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)[Tt](\d\d)(\d\d)(\d\d)()([Zz])", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d{0,20})?([eE][+-]?\d{1,2})?", re.ASCII)


def parse(text: str) -> float:
    """Read a moment in any form AWS takes: ISO 8601, an HTTP date, or seconds since the epoch. Raises ValueError."""
    match = _ISO.fullmatch(text) or _COMPACT.fullmatch(text)
    if match:
        year, month, day, hour, minute, second, fraction, zone = match.groups()
        seconds = _epoch(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))
        if zone and zone not in "Zz":
            offset = int(zone[1:3]) * 3600 + int(zone[-2:]) * 60
            seconds -= offset if zone[0] == "+" else -offset
        if fraction:
            return number((seconds * 10**9 + int(fraction.ljust(9, "0"))) / 10**9)
        return number(seconds)
    if _NUMBER.fullmatch(text):
        return number(float(text))
    try:
        parts = parsedate_tz(text)
        if parts is not None:
            return number(_epoch(*parts[:6]) - (parts[9] or 0))
    except (TypeError, IndexError, OverflowError):  # the standard library's parser breaks on some of what is no date
        pass
    raise ValueError("not a timestamp")


def _epoch(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int:
    """Return a moment as seconds since the epoch; a leap second is the one before it. Raises ValueError."""
    when = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    return calendar.timegm(when.timetuple())


def number(value: float) -> float:
    """Check seconds since the epoch. Raises ValueError where no date could say it."""
    if not EARLIEST <= value < LATEST:  # false for NaN too
        raise ValueError("timestamp out of range")
    return float(value)


def seconds(value: Any) -> float:
    """Return a moment given as a float, an integer or a datetime as seconds since the epoch."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            value = value.replace(tzinfo=UTC)
        moment: float = value.timestamp()
        return moment
    return float(value)


@lru_cache(maxsize=1024)
def rfc822(value: Any) -> str:
    """Format as an HTTP date: Sun, 06 Nov 1994 08:49:37 GMT."""
    year, month, day, hour, minute, second, weekday, _, _ = time.gmtime(math.floor(seconds(value)))
    return f"{DAYS[weekday]}, {day:02d} {MONTHS[month - 1]} {year:04d} {hour:02d}:{minute:02d}:{second:02d} GMT"


@lru_cache(maxsize=1024)
def iso8601(value: Any) -> str:
    """Format as 2015-01-27T22:08:12Z, with milliseconds where there are any."""
    whole, thousandths = divmod(math.floor(seconds(value) * 1000 + 1e-4), 1000)
    year, month, day, hour, minute, second = time.gmtime(whole)[:6]
    fraction = f".{thousandths:03d}" if thousandths else ""
    return f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}{fraction}Z"


@lru_cache(maxsize=1024)
def iso8601_milliseconds(value: Any) -> str:
    """Format as 2015-01-27T22:08:12.000Z: always with milliseconds, as S3 and EC2 do."""
    text = iso8601(value)
    return text if "." in text else text[:-1] + ".000Z"


def unix(value: Any) -> float | int:
    """Format as seconds since the epoch: whole where they are, else with the milliseconds AWS has."""
    whole = round(seconds(value), 3)
    return int(whole) if whole == int(whole) else whole


def unix_text(value: Any) -> str:
    """Format as seconds since the epoch, for places that hold text (headers, query strings, XML)."""
    return str(unix(value))


FORMATTERS: dict[str, Callable[[Any], str]] = {"iso8601": iso8601, "rfc822": rfc822, "unixTimestamp": unix_text}
