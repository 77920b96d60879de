"""The parameters that came before expressions: Expected, AttributeUpdates, AttributesToGet, filters, KeyConditions.

They are turned into what expressions become: tests of items, updates, trees of paths, key conditions.
Source: Amazon DynamoDB Developer Guide, "Legacy conditional parameters".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.errors import AwsError
from app.services.dynamodb.attribute_values import check_name, check_value, equal, kind_of, sort_key
from app.services.dynamodb.expressions import CompiledUpdate, Test, Tree
from app.services.dynamodb.refusals import invalid, invalid_values
from projections.dynamodb import Attributes, Value

_COUNTS: dict[str, tuple[int, int]] = {
    "EQ": (1, 1), "NE": (1, 1), "LE": (1, 1), "LT": (1, 1), "GE": (1, 1), "GT": (1, 1), "NOT_NULL": (0, 0),
    "NULL": (0, 0), "CONTAINS": (1, 1), "NOT_CONTAINS": (1, 1), "BEGINS_WITH": (1, 1), "IN": (1, 10**6),
    "BETWEEN": (2, 2),
}  # fmt: skip
_SCALARS = ("S", "N", "B")
_ALLOWED: dict[str, tuple[str, ...]] = {
    "LE": _SCALARS, "LT": _SCALARS, "GE": _SCALARS, "GT": _SCALARS, "BETWEEN": _SCALARS, "IN": _SCALARS,
    "CONTAINS": (*_SCALARS, "BOOL", "NULL"), "NOT_CONTAINS": (*_SCALARS, "BOOL", "NULL"), "BEGINS_WITH": ("S", "B"),
}  # fmt: skip
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "LT": lambda left, right: left < right,
    "LE": lambda left, right: left <= right,
    "GT": lambda left, right: left > right,
    "GE": lambda left, right: left >= right,
}


def not_both(params: dict[str, Any], old: tuple[str, ...], new: tuple[str, ...]) -> None:
    """Refuse a call that has both legacy parameters and expressions."""
    expressions = [name for name in new if params.get(name) is not None]
    if not expressions:
        return
    others = [name for name in old if params.get(name) is not None]
    if others:
        raise invalid(
            "Can not use both expression and non-expression parameters in the same request: "
            f"Non-expression parameters: {{{', '.join(others)}}} Expression parameters: {{{', '.join(expressions)}}}"
        )


def attributes_to_get(names: list[str]) -> Tree:
    """Return AttributesToGet as a tree of paths."""
    for at, name in enumerate(names):
        check_name(name)
        if name in names[:at]:
            raise invalid_values(f"Duplicate value in attribute name: {name}")
    return {name: {} for name in names}


# Conditions


def expected(params: dict[str, Any]) -> Test | None:
    """Return Expected with ConditionalOperator as a test of the old item."""
    conditions = params.get("Expected")
    operator = params.get("ConditionalOperator")
    if not conditions:
        if operator is not None:
            raise invalid("ConditionalOperator cannot be used without Filter or Expected")
        return None
    tests = [_expectation(name, condition) for name, condition in conditions.items()]
    return _joined(tests, operator)


def filter_of(params: dict[str, Any], name: str) -> Test | None:
    """Return QueryFilter or ScanFilter with ConditionalOperator as a test of items."""
    conditions = params.get(name)
    operator = params.get("ConditionalOperator")
    if not conditions:
        if operator is not None:
            raise invalid("ConditionalOperator cannot be used without Filter or Expected")
        return None
    tests = []
    for attribute, condition in conditions.items():
        comparison = condition["ComparisonOperator"]
        tests.append(_comparison(attribute, comparison, condition.get("AttributeValueList") or []))
    return _joined(tests, operator)


def _joined(tests: list[Test], operator: str | None) -> Test:
    if operator is not None and len(tests) < 2:
        raise invalid("ConditionalOperator can only be used when Filter or Expected has two or more elements")
    if len(tests) == 1:
        return tests[0]
    if operator == "OR":
        return lambda item: any(test(item) for test in tests)
    return lambda item: all(test(item) for test in tests)


def _expectation(name: str, condition: dict[str, Any]) -> Test:
    value, exists = condition.get("Value"), condition.get("Exists")
    operator, values = condition.get("ComparisonOperator"), condition.get("AttributeValueList")
    check_name(name)
    if value is not None and values is not None:
        raise invalid_values(f"Value and AttributeValueList cannot be used together for Attribute: {name}")
    if operator is not None:
        if exists is not None:
            raise invalid_values(f"Exists and ComparisonOperator cannot be used together for Attribute: {name}")
        if value is not None:
            values = [value]
        if values is None and _COUNTS[operator][0]:
            raise invalid_values(
                f"Value or AttributeValueList must be used with ComparisonOperator: {operator} for Attribute: {name}"
            )
        return _comparison(name, operator, values or [])
    if values is not None:
        raise invalid_values(f"AttributeValueList can only be used with a ComparisonOperator for Attribute: {name}")
    if exists is False:
        if value is not None:
            raise invalid_values(f"Value cannot be used when Exists is set to false for Attribute: {name}")
        return lambda item: name not in item
    if value is None:
        shown = "null" if exists is None else "true"
        raise invalid_values(f"Value must be provided when Exists is {shown} for Attribute: {name}")
    return _comparison(name, "EQ", [value])


def checked_values(operator: str, values: list[Value]) -> list[Value]:
    """Return the values of a comparison, checked for it. Raises ValidationException."""
    low, high = _COUNTS[operator]
    checked = [check_value(value)[0] for value in values]
    if not low <= len(values) <= high:
        raise invalid_values(f"Invalid number of argument(s) for the {operator} ComparisonOperator")
    allowed = _ALLOWED.get(operator)
    for value in checked:
        if allowed is not None and kind_of(value) not in allowed:
            raise invalid_values(f"ComparisonOperator {operator} is not valid for {kind_of(value)} AttributeValue type")
    if operator in ("IN", "BETWEEN") and len({kind_of(value) for value in checked}) > 1:
        raise invalid_values("AttributeValues inside AttributeValueList must be of same type")
    if operator == "BETWEEN" and sort_key(checked[0]) > sort_key(checked[1]):
        raise invalid(
            "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"
        )
    return checked


def _comparison(name: str, operator: str, values: list[Value]) -> Test:
    checked = checked_values(operator, values)
    if operator == "NULL":
        return lambda item: name not in item
    if operator == "NOT_NULL":
        return lambda item: name in item
    test = _value_test(operator, checked)
    if operator == "NE":  # and NE alone: where the attribute is missing, CONTAINS and NOT_CONTAINS are both false
        return lambda item: (value := item.get(name)) is None or test(value)
    return lambda item: (value := item.get(name)) is not None and test(value)


def _value_test(operator: str, values: list[Value]) -> Callable[[Value], bool]:
    first = values[0]
    kind = kind_of(first)
    if operator == "EQ":
        return lambda value: equal(value, first)
    if operator == "NE":
        return lambda value: not equal(value, first)
    if operator == "IN":
        return lambda value: any(equal(value, each) for each in values)
    if operator == "BETWEEN":
        low, high = sort_key(first), sort_key(values[1])
        return lambda value: kind in value and low <= sort_key(value) <= high
    if operator == "BEGINS_WITH":
        return lambda value: kind in value and value[kind].startswith(first[kind])
    if operator == "CONTAINS":
        return lambda value: _contains(value, first)
    if operator == "NOT_CONTAINS":
        return lambda value: not _contains(value, first)
    holds, bound = _ORDER[operator], sort_key(first)
    return lambda value: kind in value and holds(sort_key(value), bound)


def _contains(value: Value, wanted: Value) -> bool:
    kind, inner = next(iter(value.items()))
    other = kind_of(wanted)
    if kind == "L":
        return any(equal(member, wanted) for member in inner)
    if kind in ("S", "B"):
        return kind == other and wanted[other] in inner
    return kind in ("SS", "NS", "BS") and kind[0] == other and wanted[other] in inner


# AttributeUpdates


class _LegacyUpdate(CompiledUpdate):
    """AttributeUpdates: as an update expression, but ADD also appends to lists, and deletions create no item."""

    __slots__ = ("appends",)

    def __init__(self, updates: dict[str, Any]) -> None:
        sets: list[Any] = []
        removes: list[Any] = []
        adds: list[Any] = []
        deletes: list[Any] = []
        self.appends: list[tuple[str, Value]] = []
        for name, update in updates.items():
            check_name(name)
            action, given = update.get("Action", "PUT"), update.get("Value")
            if given is None:
                if action != "DELETE":
                    raise invalid_values("Only DELETE action is allowed when no attribute value is specified")
                removes.append((name,))
                continue
            value = check_value(given)[0]
            kind = kind_of(value)
            if action == "PUT":
                sets.append(((name,), lambda item, value=value: value))
            elif action == "ADD":
                if kind == "L":
                    self.appends.append((name, value))
                elif kind in ("N", "SS", "NS", "BS"):
                    adds.append(((name,), value))
                else:
                    raise invalid_values(f"ADD action is not supported for the type {kind}")
            elif kind in ("SS", "NS", "BS"):
                deletes.append(((name,), value))
            else:
                raise invalid_values(f"DELETE action is not supported for the type {kind}")
        super().__init__(sets, removes, adds, deletes)
        for name, _ in self.appends:
            self.touched[name] = {}
            self.names.append(name)

    @property
    def creates(self) -> bool:
        """Tell whether an item that is not there comes to be."""
        return bool(self.sets or self.adds or self.appends) or not self.names

    def apply(self, item: Attributes) -> Attributes:
        try:
            new = super().apply(item)
        except AwsError as error:
            if error.message.startswith("An operand in the update expression"):
                raise invalid("Type mismatch for attribute to update") from None
            raise
        for name, value in self.appends:
            old = item.get(name)
            if old is None:
                new[name] = value
            elif "L" in old:
                new[name] = {"L": old["L"] + value["L"]}
            else:
                raise invalid("Type mismatch for attribute to update")
        return new


def attribute_updates(updates: dict[str, Any]) -> CompiledUpdate:
    """Return AttributeUpdates as an update. Raises ValidationException."""
    return _LegacyUpdate(updates)
