from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from projections.dynamodb import Index, TableShape, index_place, keys, numbers

texts = st.text(min_size=1, max_size=20)


def shape(indexes=()):
    types = {"p": "S", "c": "N", "x": "S", "y": "N"}
    return TableShape(1, "arn", "t", "p", "c", types, list(indexes), None, True)


@given(texts, st.integers(-(10**30), 10**30), st.integers(-(10**30), 10**30))
def test_items_of_a_partition_lie_in_the_order_of_their_numbers(hash, left, right):
    places = [keys.item_place("p", "c", {"p": {"S": hash}, "c": {"N": str(number)}}) for number in (left, right)]
    assert (places[0] < places[1]) == (left < right)


@given(texts, st.binary(min_size=1), st.binary(min_size=1))
def test_binary_sort_keys_lie_in_the_order_of_unsigned_bytes(hash, left, right):
    places = [keys.item_place("p", "c", {"p": {"S": hash}, "c": {"B": raw}}) for raw in (left, right)]
    assert (places[0] < places[1]) == (left < right)


@given(st.lists(texts, min_size=1), st.integers(1, 1000))
def test_segments_share_out_every_partition_once(hashes, total):
    for hash in hashes:
        first = keys.item_place("p", None, {"p": {"S": hash}})[0]
        bounds = [keys.segment(number, total) for number in range(total)]
        assert sum(1 for low, high in bounds if first >= low and (high is None or first < high)) == 1


@given(st.integers(1, 10**6))
def test_segments_leave_no_gap(total):
    assert keys.segment(0, total)[0] == b"\0\0\0\0"
    assert keys.segment(total - 1, total)[1] is None
    middle = total // 2
    if middle:
        assert keys.segment(middle - 1, total)[1] == keys.segment(middle, total)[0]


def test_an_index_leaves_out_items_without_its_key_or_with_one_it_cannot_hold():
    index = Index("i", 1, False, ["x"], ["y"], "ALL", [])
    whole = {"p": {"S": "a"}, "c": {"N": "1"}, "x": {"S": "k"}, "y": {"N": "2"}}
    assert index_place(shape([index]), index, whole) is not None
    for broken in ({"x": {"S": ""}}, {"x": {"N": "1"}}, {"x": {"S": "k" * 2049}}, {"y": {"S": "2"}}):
        assert index_place(shape([index]), index, {**whole, **broken}) is None
    assert index_place(shape([index]), index, {name: whole[name] for name in "pcx"}) is None


def test_a_number_key_is_the_same_however_it_was_written():
    spellings = [numbers.canonical(text) for text in ("1000", "1e3", "+1000.0", "001000")]
    assert len({numbers.sortable(text) for text in spellings}) == 1
    assert Decimal(spellings[0]) == 1000
