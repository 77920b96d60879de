"""Keys as bytes sort as their values do, and come back as they were."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from journal import keys

texts = st.text(st.characters(), max_size=20)
parts = st.one_of(
    texts,
    st.binary(max_size=20),
    st.integers(-(2**64) + 1, 2**64 - 1),
    st.floats(allow_nan=False),
)
tuples = st.lists(parts, max_size=4).map(tuple)


@given(tuples)
@example(("\0", b"\0\xff", "\0\xff\0", -1, 0, 1, 255, 256, -255, -256, 0.0, float("inf")))
def test_a_key_comes_back_as_it_was(key):
    assert keys.decode(keys.encode(key)) == key


@pytest.mark.parametrize(
    "values",
    [
        st.tuples(texts, texts),
        st.tuples(st.binary(), st.binary()),
        st.tuples(st.integers(-(2**64) + 1, 2**64 - 1), st.integers(-(2**64) + 1, 2**64 - 1)),
        st.tuples(st.floats(allow_nan=False), st.floats(allow_nan=False)),
        st.tuples(st.tuples(texts, st.integers(-9, 9)), st.tuples(texts, st.integers(-9, 9))),
    ],
    ids=["text", "bytes", "int", "float", "tuples"],
)
def test_keys_sort_as_their_values_do(values):
    @given(values)
    def check(pair):
        one, two = (value if isinstance(value, tuple) else (value,) for value in pair)
        left, right = keys.encode(one), keys.encode(two)
        assert (left < right, left == right) == (one < two, one == two)

    check()


@given(texts, texts, tuples)
def test_a_beginning_is_a_prefix_of_exactly_the_keys_that_begin_so(beginning, text, leading):
    inside = keys.encode((*leading, text)).startswith(keys.encode_beginning(leading, beginning))
    assert inside == text.startswith(beginning)


@given(tuples, tuples)
def test_leading_components_are_a_prefix_of_no_other_keys(one, two):
    assert keys.encode(two).startswith(keys.encode(one)) == (keys.encode(two[: len(one)]) == keys.encode(one))


@given(st.binary(max_size=6), st.binary(max_size=6))
def test_after_is_the_least_string_beyond_all_that_begin_so(prefix, other):
    beyond = keys.after(prefix)
    if beyond is None:
        assert prefix.strip(b"\xff") == b""
    elif other.startswith(prefix):
        assert other < beyond
    else:
        assert (other < prefix) or (other >= beyond)


def test_equal_numbers_have_equal_keys():
    assert keys.encode((-0.0,)) == keys.encode((0.0,))


@pytest.mark.parametrize("wrong", [None, True, [1], {}])
def test_other_types_are_refused(wrong):
    with pytest.raises(TypeError):
        keys.encode((wrong,))


@pytest.mark.parametrize("number", [2**64, -(2**64)])
def test_an_integer_beyond_64_bits_is_refused(number):
    with pytest.raises(OverflowError):
        keys.encode((number,))


@given(st.binary(max_size=30))
def test_bytes_that_are_no_key_are_refused_or_read_never_worse(raw):
    with contextlib.suppress(ValueError):
        keys.decode(raw)
