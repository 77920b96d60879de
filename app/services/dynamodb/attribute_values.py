"""Attribute values in wire form: checked, numbers made canonical, measured, compared.

Source: Amazon DynamoDB Developer Guide, "Supported data types and naming rules", "Service, account, and table quotas".
"""

from __future__ import annotations

from typing import Any

from app.services.dynamodb.refusals import invalid, invalid_values
from projections.dynamodb import Attributes, Value, numbers, text_size

MAX_NESTING = 32
MAX_NAME = 65535
MAX_ITEM = 400 * 1024

KINDS = ("S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL")
_EMPTY = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
_SEVERAL = (
    "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
)
_NESTED = f"Nesting Levels have exceeded supported limits: values can be nested {MAX_NESTING} levels deep"
_NOT_NULL = "One or more parameter values were invalid: Null attribute value types must have the value of true"


def check_item(item: Attributes) -> tuple[Attributes, int]:
    """Return an item with canonical numbers, and its size. Raises ValidationException."""
    total = 0
    out = item
    for name, value in item.items():
        checked, size = check_value(value, 1)
        if checked is not value:
            if out is item:
                out = dict(item)
            out[name] = checked
        length = len(name) if name.isascii() else text_size(name)
        if not 0 < length <= MAX_NAME:
            raise bad_name(name)
        total += length + size
    return out, total


def bad_name(name: str) -> Exception:
    """Return the error for an attribute name that is empty or too long."""
    if not name:
        return invalid_values("Empty attribute name")
    return invalid_values(f"Attribute name is too large, must be less than {MAX_NAME + 1} bytes")


def check_name(name: str) -> None:
    """Refuse an attribute name that is empty or too long."""
    if not 0 < text_size(name) <= MAX_NAME:
        raise bad_name(name)


def check_value(value: Value, depth: int = 1) -> tuple[Value, int]:
    """Return a value with canonical numbers, and its size. Raises ValidationException."""
    if len(value) != 1:
        raise invalid(_SEVERAL if value else _EMPTY)
    kind: str
    inner: Any
    ((kind, inner),) = value.items()
    if kind == "S":
        return value, len(inner) if inner.isascii() else text_size(inner)
    if kind == "N":
        number = canonical(inner)
        return (value if number == inner else {"N": number}), numbers.size(number)
    if kind == "BOOL":
        return value, 1
    if kind == "M":
        return _check_map(value, inner, depth)
    if kind == "L":
        return _check_list(value, inner, depth)
    if kind == "B":
        return value, len(inner)
    if kind == "NULL":
        if inner is not True:
            raise invalid(_NOT_NULL)
        return value, 1
    return _check_set(value, kind, inner)


def canonical(number: str) -> str:
    """Return the canonical spelling of a number. Raises ValidationException."""
    try:
        return numbers.canonical(number)
    except numbers.NumberError as error:
        raise invalid(str(error)) from None


def _check_map(value: Value, members: Attributes, depth: int) -> tuple[Value, int]:
    if depth >= MAX_NESTING and members:
        raise invalid(_NESTED)
    total = 3
    out = members
    for name, member in members.items():
        checked, size = check_value(member, depth + 1)
        if checked is not member:
            if out is members:
                out = dict(members)
            out[name] = checked
        total += text_size(name) + size + 1
    return (value if out is members else {"M": out}), total


def _check_list(value: Value, members: list[Value], depth: int) -> tuple[Value, int]:
    if depth >= MAX_NESTING and members:
        raise invalid(_NESTED)
    total = 3
    checked = []
    changed = False
    for member in members:
        new, size = check_value(member, depth + 1)
        changed = changed or new is not member
        checked.append(new)
        total += size + 1
    return ({"L": checked} if changed else value), total


def _check_set(value: Value, kind: str, members: list[Any]) -> tuple[Value, int]:
    if not members:
        if kind == "BS":
            raise invalid_values("Binary sets should not be empty")
        raise invalid_values(f"An {'number' if kind == 'NS' else 'string'} set  may not be empty")
    if kind == "NS":
        canonicals = [canonical(member) for member in members]
        if len(set(canonicals)) != len(canonicals):
            raise invalid("Input collection contains duplicates")
        return ({kind: canonicals} if canonicals != members else value), sum(map(numbers.size, canonicals))
    if len(set(members)) != len(members):
        shown = members if kind == "SS" else ["..."]
        raise invalid_values(
            f"Input collection [{', '.join(shown)}]{'of type BS' if kind == 'BS' else ''} contains duplicates."
        )
    return value, sum(map(text_size, members)) if kind == "SS" else sum(map(len, members))


def kind_of(value: Value) -> str:
    """Return the type of a value: S, N, M, …"""
    for kind in value:
        return kind
    return ""


def equal(left: Value, right: Value) -> bool:
    """Tell whether two values are equal; sets whatever their order, at any depth."""
    if left == right:
        return True
    kind = kind_of(left)
    if kind != kind_of(right):
        return False
    one, other = left[kind], right[kind]
    if kind in ("SS", "NS", "BS"):
        return len(one) == len(other) and set(one) == set(other)
    if kind == "L":
        return len(one) == len(other) and all(map(equal, one, other))
    if kind == "M":
        return one.keys() == other.keys() and all(equal(member, other[name]) for name, member in one.items())
    return False


def sort_key(value: Value) -> Any:
    """Return what orders a scalar among others of its type (S, N or B)."""
    for kind, inner in value.items():
        if kind == "N":
            return numbers.sortable(inner)
        return inner.encode("utf-8", "surrogatepass") if kind == "S" else inner
    return None


def shown(value: Value) -> str:
    """Return a value as AWS's messages show it: AttributeValue: {S:text}."""
    ((kind, inner),) = value.items()
    if kind in ("SS", "NS"):
        inner = "[" + ", ".join(inner) + "]"
    return f"AttributeValue: {{{kind}:{inner if isinstance(inner, str) else str(inner).lower()}}}"
