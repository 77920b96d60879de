import pytest

from projections.dynamodb import item_size, numbers
from projections.dynamodb.sizes import projected_size, value_size


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": ""}, 0),
        ({"S": "abc"}, 3),
        ({"S": "ü€"}, 5),
        ({"B": b"\0\1"}, 2),
        ({"BOOL": False}, 1),
        ({"NULL": True}, 1),
        ({"N": "0"}, 1),
        ({"N": "7"}, 2),
        ({"N": "-7"}, 3),
        ({"N": "1234"}, 3),
        ({"N": "1000000"}, 2),
        ({"SS": ["a", "bc"]}, 3),
        ({"NS": ["1", "22"]}, 4),
        ({"BS": [b"a", b"bc"]}, 3),
        ({"L": []}, 3),
        ({"L": [{"S": "ab"}, {"NULL": True}]}, 8),
        ({"M": {"k": {"S": "v"}}}, 6),
    ],
)
def test_a_value_counts_as_the_developer_guide_says(value, size):
    assert value_size(value) == size


def test_an_items_size_is_that_of_its_names_and_values():
    assert item_size({"p": {"S": "key"}, "näme": {"N": "12"}}) == 1 + 3 + 5 + 2


def test_what_an_index_projects_counts_only_what_the_item_has():
    assert projected_size({"p": {"S": "key"}, "x": {"S": "long"}}, ["p", "q"]) == 4


def test_thirty_eight_digits_are_twenty_bytes():
    assert numbers.size("9" * 38) == 20
