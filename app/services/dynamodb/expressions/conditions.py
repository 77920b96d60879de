"""Conditions and filters: from nodes to a function of an item.

Each node becomes a closure, bound to this call's names and values; what can be refused without an item is refused here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.services.dynamodb.attribute_values import KINDS, equal, kind_of, sort_key
from app.services.dynamodb.attribute_values import shown as shown_value
from app.services.dynamodb.expressions.nodes import (
    All,
    Between,
    Compare,
    Condition,
    Function,
    In,
    Literal,
    Not,
    Operand,
    Path,
    Some,
    ValueRef,
)
from app.services.dynamodb.expressions.paths import find, shown
from app.services.dynamodb.expressions.references import References, Steps
from app.services.dynamodb.refusals import invalid
from projections.dynamodb import Attributes, Value, text_size

Test = Callable[[Attributes], bool]
Get = Callable[[Attributes], Value | None]

ORDERED = ("S", "N", "B")
_OPERANDS = {
    "attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2, "size": 1,
}  # fmt: skip
_UPDATE_ONLY = ("if_not_exists", "list_append")
_PLACE = {"ConditionExpression": "condition", "FilterExpression": "filter", "KeyConditionExpression": "key condition"}
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


def compile_condition(kind: str, node: Condition, references: References) -> Test:
    """Return the function that a condition is. Raises ValidationException."""
    return _Compiler(kind, references).condition(node)


class _Compiler:
    def __init__(self, kind: str, references: References) -> None:
        self.kind = kind
        self.references = references

    def refuse(self, message: str) -> Exception:
        return invalid(f"Invalid {self.kind}: {message}")

    def wrong_type(self, operator: str, type: str) -> Exception:
        return self.refuse(
            f"Incorrect operand type for operator or function; operator or function: {operator}, operand type: {type}"
        )

    def condition(self, node: Condition) -> Test:
        if isinstance(node, Compare):
            return self.compare(node)
        if isinstance(node, (All, Some)):
            tests = [self.condition(each) for each in node.conditions]
            if isinstance(node, All):
                return lambda item: _all(tests, item)
            return lambda item: _some(tests, item)
        if isinstance(node, Not):
            test = self.condition(node.condition)
            return lambda item: not test(item)
        if isinstance(node, Between):
            return self.between(node)
        if isinstance(node, In):
            return self.among(node)
        return self.function(node)

    # Operands

    def operand(self, node: Operand) -> tuple[Get, Value | None, Steps | None]:
        """Return how to get an operand from an item; its value where it is constant; its path where it is one."""
        if isinstance(node, Path):
            steps = self.references.steps(self.kind, node)
            if len(steps) == 1:
                name: Any = steps[0]
                return (lambda item: item.get(name)), None, steps
            return (lambda item: find(item, steps)), None, steps
        if isinstance(node, (ValueRef, Literal)):
            value = node.value if isinstance(node, Literal) else self.references.value(self.kind, node)
            return (lambda item: value), value, None
        if isinstance(node, Function):
            if node.name != "size":
                self.check_function(node)
                raise self.misplaced(node.name)
            return self.size(node), None, None
        raise self.refuse("Syntax error; arithmetic is not allowed here")

    def misplaced(self, name: str) -> Exception:
        return self.refuse(f"The function is not allowed to be used this way in an expression; function: {name}")

    def check_function(self, node: Function) -> None:
        expected = _OPERANDS.get(node.name)
        if expected is None:
            if node.name in _UPDATE_ONLY:
                raise self.refuse(
                    f"The function is not allowed in a {_PLACE.get(self.kind, 'condition')} expression; "
                    f"function: {node.name}"
                )
            raise self.refuse(f"Invalid function name; function: {node.name}")
        if len(node.arguments) != expected:
            raise self.refuse(
                "Incorrect number of operands for operator or function; "
                f"operator or function: {node.name}, number of operands: {len(node.arguments)}"
            )

    def size(self, node: Function) -> Get:
        self.check_function(node)
        argument = node.arguments[0]
        if isinstance(argument, Function):
            self.operand(argument)
            raise self.wrong_type("size", "N")
        get, constant, _ = self.operand(argument)
        if constant is not None and _size(constant) is None:
            raise self.wrong_type("size", kind_of(constant))

        def measure(item: Attributes) -> Value | None:
            value = get(item)
            length = None if value is None else _size(value)
            return None if length is None else {"N": str(length)}

        return measure

    # Operators

    def distinct(self, operator: str, first: Steps | None, others: list[Steps | None]) -> None:
        if first is not None and first in others:
            raise self.refuse(
                "The first operand must be distinct from the remaining operands for this operator or function; "
                f"operator: {operator}, first operand: {shown(first)}"
            )

    def compare(self, node: Compare) -> Test:
        get_left, left, left_path = self.operand(node.left)
        get_right, right, right_path = self.operand(node.right)
        self.distinct(node.operator, left_path, [right_path])
        if node.operator == "=":
            if right is not None:
                return lambda item: (value := get_left(item)) is not None and (value == right or equal(value, right))
            return lambda item: _equal(get_left(item), get_right(item))
        if node.operator == "<>":
            return lambda item: not _equal(get_left(item), get_right(item))
        for constant in (left, right):
            if constant is not None and kind_of(constant) not in ORDERED:
                raise self.wrong_operand(node.operator, constant)
        holds = _ORDER[node.operator]
        return lambda item: _ordered(holds, get_left(item), get_right(item))

    def wrong_operand(self, operator: str, value: Value) -> Exception:
        return self.refuse(
            f"Incorrect operand type for operator or function; operator: {operator}, operand type: {kind_of(value)}"
        )

    def between(self, node: Between) -> Test:
        get, value, path = self.operand(node.operand)
        get_low, low, low_path = self.operand(node.low)
        get_high, high, high_path = self.operand(node.high)
        self.distinct("BETWEEN", path, [low_path, high_path])
        for constant in (value, low, high):
            if constant is not None and kind_of(constant) not in ORDERED:
                raise self.wrong_operand("BETWEEN", constant)
        if low is not None and high is not None:
            check_bounds(self.kind, low, high)
        at_most = _ORDER["<="]

        def test(item: Attributes) -> bool:
            found = get(item)
            return _ordered(at_most, get_low(item), found) and _ordered(at_most, found, get_high(item))

        return test

    def among(self, node: In) -> Test:
        get, _, path = self.operand(node.operand)
        choices = [self.operand(choice) for choice in node.choices]
        self.distinct("IN", path, [choice[2] for choice in choices])
        gets = [choice[0] for choice in choices]

        def test(item: Attributes) -> bool:
            value = get(item)
            return value is not None and any(_equal(value, other(item)) for other in gets)

        return test

    # Functions

    def function(self, node: Function) -> Test:
        self.check_function(node)
        name = node.name
        if name == "size":
            self.operand(node.arguments[0])
            raise self.misplaced(name)
        get, constant, path = self.operand(node.arguments[0])
        if name in ("attribute_exists", "attribute_not_exists"):
            self.need_path(name, path)
            if name == "attribute_exists":
                return lambda item: get(item) is not None
            return lambda item: get(item) is None
        get_other, other, other_path = self.operand(node.arguments[1])
        self.distinct(name, path, [other_path])
        if name == "attribute_type":
            return self.attribute_type(get, other)
        if name == "begins_with":
            for value in (constant, other):
                if value is not None and kind_of(value) not in ("S", "B"):
                    raise self.wrong_type(name, kind_of(value))
            return lambda item: begins_with(get(item), get_other(item))
        return lambda item: contains(get(item), get_other(item))

    def need_path(self, name: str, path: Steps | None) -> None:
        if path is None:
            raise self.refuse(f"Operator or function requires a document path; operator or function: {name}")

    def attribute_type(self, get: Get, type: Value | None) -> Test:
        if type is None:
            raise self.wrong_type("attribute_type", "PATH")
        wanted = type.get("S")
        if wanted is None:
            raise self.wrong_type("attribute_type", kind_of(type))
        if wanted not in KINDS:
            raise self.refuse(
                f"Invalid attribute type name found; type: {wanted}, valid types: {{{','.join(sorted(KINDS))}}}"
            )
        return lambda item: (value := get(item)) is not None and wanted in value


def check_bounds(kind: str, low: Value, high: Value) -> None:
    """Refuse constant bounds of BETWEEN that differ in type or are the wrong way round."""
    bounds = f"lower bound operand: {shown_value(low)}, upper bound operand: {shown_value(high)}"
    if kind_of(low) != kind_of(high):
        raise invalid(
            f"Invalid {kind}: The BETWEEN operator requires same data type for lower and upper bounds; {bounds}"
        )
    if sort_key(low) > sort_key(high):
        raise invalid(
            f"Invalid {kind}: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
            f"{bounds}"
        )


def _all(tests: list[Test], item: Attributes) -> bool:
    for test in tests:  # noqa: SIM110 - a generator would be a second frame for each of up to 300 nested levels
        if not test(item):
            return False
    return True


def _some(tests: list[Test], item: Attributes) -> bool:
    for test in tests:  # noqa: SIM110 - as above
        if test(item):
            return True
    return False


def _equal(left: Value | None, right: Value | None) -> bool:
    return left is not None and right is not None and equal(left, right)


def _ordered(holds: Callable[[Any, Any], bool], left: Value | None, right: Value | None) -> bool:
    if left is None or right is None:
        return False
    kind = kind_of(left)
    return kind == kind_of(right) and kind in ORDERED and holds(sort_key(left), sort_key(right))


def _size(value: Value) -> int | None:
    ((kind, inner),) = value.items()
    if kind in ("N", "BOOL", "NULL"):
        return None
    return text_size(inner) if kind == "S" else len(inner)


def begins_with(value: Value | None, prefix: Value | None) -> bool:
    """Tell whether a text or binary begins with another."""
    if value is None or prefix is None:
        return False
    kind = kind_of(prefix)
    return kind in ("S", "B") and kind in value and value[kind].startswith(prefix[kind])


def contains(value: Value | None, wanted: Value | None) -> bool:
    """Tell whether a text or binary has another within it, or a set or list has a member."""
    if value is None or wanted is None:
        return False
    kind, inner = next(iter(value.items()))
    other = kind_of(wanted)
    if kind == "L":
        return any(equal(member, wanted) for member in inner)
    if kind in ("S", "B"):
        return kind == other and wanted[other] in inner
    return kind in ("SS", "NS", "BS") and kind[0] == other and wanted[other] in inner
