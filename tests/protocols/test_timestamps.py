"""Moments in every format that AWS writes and reads."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
from botocore.utils import parse_timestamp
from hypothesis import given
from hypothesis import strategies as st

from app.protocols import timestamps

MOMENTS = st.integers(min_value=-62135596800000 // 2, max_value=253402300799999).map(lambda each: each / 1000)


@pytest.mark.parametrize(
    "text",
    [
        "2017-07-14T02:40:00Z",
        "2017-07-14T02:40:00.000Z",
        "2017-07-14T04:40:00+02:00",
        "2017-07-14T02:40:00",
        "20170714T024000Z",
        "2017-07-14 02:40:00Z",
        "Fri, 14 Jul 2017 02:40:00 GMT",
        "Friday, 14-Jul-17 02:40:00 GMT",
        "Fri Jul 14 02:40:00 2017",
        "1500000000",
        "1500000000.0",
        "1.5E9",
    ],
)
def test_every_format_is_read(text: str) -> None:
    assert timestamps.parse(text) == 1.5e9


@pytest.mark.parametrize(
    "text", ["", "x", "2017-13-01T00:00:00Z", "nan", "inf", "1e99", "0000-01-01T00:00:00Z", "Fri, 99 Jul 2017", "\0"]
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        timestamps.parse(text)


@given(MOMENTS)
def test_what_is_written_is_read_back(moment: float) -> None:
    assert timestamps.parse(timestamps.iso8601(moment)) == pytest.approx(moment, abs=1e-3)
    assert timestamps.parse(timestamps.iso8601_milliseconds(moment)) == pytest.approx(moment, abs=1e-3)
    assert timestamps.parse(timestamps.rfc822(moment)) == pytest.approx(moment, abs=1)
    assert timestamps.unix(moment) == pytest.approx(moment, abs=1e-3)


@given(MOMENTS.filter(lambda each: each > 0))
def test_botocore_reads_what_is_written(moment: float) -> None:
    expected = datetime.fromtimestamp(moment, UTC).timestamp()
    assert parse_timestamp(timestamps.iso8601(moment)).timestamp() == pytest.approx(expected, abs=1e-3)
    assert parse_timestamp(timestamps.rfc822(moment)).timestamp() == pytest.approx(expected, abs=1)


@given(st.text() | st.from_regex(r"[0-9TZ:.+\- ]{1,30}"))
def test_any_text_is_a_moment_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert timestamps.EARLIEST <= timestamps.parse(text) < timestamps.LATEST
