"""How many bytes items count for: what limits, pages, capacity and table sizes are made of.

Source: Amazon DynamoDB Developer Guide, "DynamoDB item sizes and formats".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from projections.dynamodb import numbers

Value = dict[str, Any]  # one attribute value as on the wire: {"S": "text"}, {"N": "1"}, {"M": {…}}, binary as bytes
Attributes = dict[str, Value]  # an item, or a key

CONTAINER = 3  # a list or map
ELEMENT = 1  # each of its members


def text_size(text: str) -> int:
    """Return the length of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def value_size(value: Value) -> int:
    """Return the size of an attribute value (numbers canonical)."""
    ((kind, inner),) = value.items()
    if kind == "S":
        return text_size(inner)
    if kind == "N":
        return numbers.size(inner)
    if kind == "B":
        return len(inner)
    if kind == "BOOL" or kind == "NULL":
        return 1
    if kind == "M":
        return CONTAINER + sum(text_size(name) + value_size(member) + ELEMENT for name, member in inner.items())
    if kind == "L":
        return CONTAINER + sum(value_size(member) + ELEMENT for member in inner)
    if kind == "SS":
        return sum(map(text_size, inner))
    if kind == "NS":
        return sum(map(numbers.size, inner))
    return sum(map(len, inner))


def item_size(item: Attributes) -> int:
    """Return the size of an item: names and values."""
    return sum([text_size(name) + value_size(value) for name, value in item.items()])


def projected_size(item: Attributes, names: Iterable[str]) -> int:
    """Return the size of some attributes of an item, those it has."""
    return sum([text_size(name) + value_size(item[name]) for name in names if name in item])
