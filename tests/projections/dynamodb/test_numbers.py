from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.dynamodb import numbers

digits = st.integers(min_value=1, max_value=10**38 - 1)


@st.composite
def in_range(draw):
    """A number DynamoDB can hold, as a Decimal."""
    coefficient = draw(digits)
    first = draw(st.integers(numbers.MIN_EXPONENT, numbers.MAX_EXPONENT))
    sign = draw(st.sampled_from([-1, 1]))
    return draw(st.sampled_from([Decimal(0), sign * Decimal(coefficient).scaleb(first - len(str(coefficient)) + 1)]))


@given(in_range(), in_range())
def test_sortable_bytes_sort_as_the_numbers_do(left, right):
    packed = [numbers.sortable(numbers.canonical(str(each))) for each in (left, right)]
    assert (packed[0] < packed[1]) == (left < right)
    assert (packed[0] == packed[1]) == (left == right)


@given(in_range())
def test_canonical_text_keeps_the_value_and_is_stable(number):
    text = numbers.canonical(str(number))
    with_context = Decimal(text)
    assert with_context == number
    assert "E" not in text.upper()
    assert numbers.canonical(text) == text


@given(in_range(), in_range())
def test_sums_are_exact_or_refused(left, right):
    try:
        total = numbers.plus(numbers.canonical(str(left)), numbers.canonical(str(right)))
    except numbers.NumberError:
        return
    import decimal

    with decimal.localcontext(decimal.Context(prec=400)):
        assert Decimal(total) == left + right


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("007", "7"), ("+3", "3"), ("1.10", "1.1"), ("1e3", "1000"), ("5e-1", "0.5"), ("-0.0", "0"), (".5", "0.5"),
        ("0e5", "0"), ("1E+2", "100"), ("-273.150", "-273.15"), ("1e125", "1" + "0" * 125),
    ],
)  # fmt: skip
def test_every_spelling_becomes_one(text, expected):
    assert numbers.canonical(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dog", "cannot be converted to a numeric value: dog"),
        (" 1", "cannot be converted"),
        ("", "cannot be converted to a numeric value"),
        (".", "cannot be converted"),
        ("NaN", "cannot be converted"),
        ("Infinity", "cannot be converted"),
        ("٣", "cannot be converted"),
        ("1e126", "Number overflow"),
        ("1e99999999999999999999", "Number overflow"),
        ("0.9e-130", "Number underflow"),
        ("1" * 39, "more than 38 significant digits"),
    ],
)
def test_what_is_no_number_is_refused(text, message):
    with pytest.raises(numbers.NumberError, match=message):
        numbers.canonical(text)


def test_a_sum_with_too_many_digits_is_an_overflow():
    with pytest.raises(numbers.NumberError, match="Number overflow"):
        numbers.plus(numbers.canonical("1e50"), "1")


def test_thirty_eight_digits_survive_arithmetic():
    assert numbers.minus("10000000000000000000000", "1") == "9999999999999999999999"
