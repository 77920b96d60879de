"""Range headers against a naive model, and conditions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.s3 import conditions
from app.services.s3.finding import cut
from app.services.s3.ranges import Unsatisfiable, copy_range, resolve


@given(st.binary(max_size=30), st.integers(0, 40), st.integers(0, 40))
def test_a_range_is_a_slice(data, first, last):
    header = f"bytes={first}-{last}"
    if last < first:
        assert resolve(header, len(data)) is None
    elif first >= len(data):
        with pytest.raises(Unsatisfiable):
            resolve(header, len(data))
    else:
        start, length = resolve(header, len(data))
        assert data[start : start + length] == data[first : last + 1]


@given(st.binary(min_size=1, max_size=30), st.integers(1, 40))
def test_a_suffix_range_is_the_end(data, count):
    start, length = resolve(f"bytes=-{count}", len(data))
    assert data[start : start + length] == data[-count:]


def test_the_last_no_bytes_cannot_be_had():
    with pytest.raises(Unsatisfiable):
        resolve("bytes=-0", 10)


@pytest.mark.parametrize(
    "header", ["", "bytes", "bytes=", "bytes=-", "bytes=a-b", "lines=1-2", "bytes=0-1,3-4", "0-1", "bytes=--1"]
)
def test_what_is_no_single_range_is_ignored(header):
    assert resolve(header, 10) is None


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=-5", "0-5", "bytes=5-0", "bytes=a-b", "bytes=0-1,2-3"])
def test_a_copys_range_has_both_ends(header):
    assert copy_range(header) is None


def test_a_copys_range_is_read():
    assert copy_range("bytes=0-9") == (0, 9)


@given(st.lists(st.binary(min_size=1, max_size=9), min_size=1, max_size=6), st.integers(0, 60), st.integers(0, 60))
def test_pieces_are_cut_as_their_whole_would_be(contents, first, length):
    whole = b"".join(contents)
    first = min(first, len(whole))
    length = min(length, len(whole) - first)
    pieces = cut([(each, 0, len(each)) for each in contents], first, length)
    assert (
        b"".join(content[offset : offset + size] for content, offset, size in pieces) == whole[first : first + length]
    )


ETAG = "d41d8cd98f00b204e9800998ecf8427e"


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"IfMatch": f'"{ETAG}"'}, None),
        ({"IfMatch": ETAG}, None),
        ({"IfMatch": "*"}, None),
        ({"IfMatch": '"other"'}, 412),
        ({"IfMatch": f'"other", "{ETAG}"'}, None),
        ({"IfNoneMatch": f'W/"{ETAG}"'}, 304),
        ({"IfNoneMatch": '"other"'}, None),
        ({"IfModifiedSince": 99.0}, None),
        ({"IfModifiedSince": 100.0}, 304),
        ({"IfUnmodifiedSince": 100.0}, None),
        ({"IfUnmodifiedSince": 99.0}, 412),
        ({"IfMatch": ETAG, "IfUnmodifiedSince": 1.0}, None),
        ({"IfNoneMatch": '"other"', "IfModifiedSince": 200.0}, None),
        ({"IfNoneMatch": ETAG, "IfModifiedSince": 1.0}, 304),
        ({"IfMatch": '"other"', "IfNoneMatch": ETAG}, 412),
    ],
)
def test_conditions_of_reads_have_their_precedence(params, expected):
    assert conditions.judge(params, ETAG, 100.0)[0] == expected
