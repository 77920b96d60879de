"""Key conditions of Query: which partition, and which stretch of its sort keys.

Both forms, KeyConditionExpression and the older KeyConditions, become a list of `KeyTest`; `KeyRange` is that list held
against the key schema of a table or index, which may have up to four partition and four sort key attributes.
Source: Amazon DynamoDB Developer Guide, "Key condition expressions for the Query operation".
"""

from __future__ import annotations

from typing import Any, NamedTuple

from app.services.dynamodb.attribute_values import check_name, kind_of
from app.services.dynamodb.expressions import (
    All,
    Between,
    Compare,
    Condition,
    Function,
    Not,
    Operand,
    Path,
    References,
    Some,
    ValueRef,
    check_bounds,
)
from app.services.dynamodb.legacy import checked_values
from app.services.dynamodb.refusals import invalid, invalid_values
from projections.dynamodb import Value, keys

_KIND = "KeyConditionExpression"
_MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_LEGACY = {"EQ": "=", "LT": "<", "LE": "<=", "GT": ">", "GE": ">=", "BETWEEN": "BETWEEN", "BEGINS_WITH": "begins_with"}
_NOT_HERE = ("attribute_exists", "attribute_not_exists", "attribute_type", "contains", "size")


class KeyTest(NamedTuple):
    """One attribute held against one value (two for BETWEEN)."""

    name: str
    operator: str  # = < <= > >= BETWEEN begins_with
    values: list[Value]


def _refuse(message: str) -> Exception:
    return invalid(f"Invalid {_KIND}: {message}")


def from_expression(node: Condition, references: References) -> list[KeyTest]:
    """Return the tests of a KeyConditionExpression. Raises ValidationException."""
    tests: list[KeyTest] = []
    _collect(node, references, tests)
    for at, test in enumerate(tests):
        if any(test.name == other.name for other in tests[:at]):
            raise _refuse("KeyConditionExpressions must only contain one condition per key")
    return tests


def _collect(node: Condition, references: References, tests: list[KeyTest]) -> None:
    if isinstance(node, All):
        for each in node.conditions:
            _collect(each, references, tests)
    elif isinstance(node, (Some, Not)):
        raise _refuse(f"Invalid operator used in {_KIND}: {'OR' if isinstance(node, Some) else 'NOT'}")
    elif isinstance(node, Compare):
        if node.operator == "<>":
            raise _refuse(f"Invalid operator used in {_KIND}: <>")
        names = [_name(operand, references) for operand in (node.left, node.right)]
        if names[0] is not None and names[1] is not None:
            raise _refuse(f"Invalid condition in {_KIND}: Multiple attribute names used in one condition")
        if names[0] is not None:
            tests.append(KeyTest(names[0], node.operator, [_value(node.right, references)]))
        elif names[1] is not None:
            tests.append(KeyTest(names[1], _MIRRORED[node.operator], [_value(node.left, references)]))
        else:
            _value(node.left, references)
            _value(node.right, references)
            raise _refuse(f"Invalid condition in {_KIND}: No key attribute specified")
    elif isinstance(node, Between):
        name = _name(node.operand, references)
        bounds = [_value(each, references) for each in (node.low, node.high)]
        if name is None:
            raise _refuse(f"Invalid condition in {_KIND}: No key attribute specified")
        check_bounds(_KIND, *bounds)
        tests.append(KeyTest(name, "BETWEEN", bounds))
    elif isinstance(node, Function):
        tests.append(_begins_with(node, references))
    else:
        raise _refuse(f"Invalid operator used in {_KIND}: IN")


def _begins_with(node: Function, references: References) -> KeyTest:
    if node.name in _NOT_HERE:
        raise _refuse(f"Invalid operator used in {_KIND}: {node.name}")
    if node.name != "begins_with":
        raise _refuse(f"Invalid function name; function: {node.name}")
    if len(node.arguments) != 2:
        raise _refuse(
            "Incorrect number of operands for operator or function; "
            f"operator or function: begins_with, number of operands: {len(node.arguments)}"
        )
    name = _name(node.arguments[0], references)
    value = _value(node.arguments[1], references)
    if name is None:
        raise _refuse(f"Invalid condition in {_KIND}: No key attribute specified")
    if kind_of(value) not in ("S", "B"):
        raise _refuse(
            "Incorrect operand type for operator or function; "
            f"operator or function: begins_with, operand type: {kind_of(value)}"
        )
    return KeyTest(name, "begins_with", [value])


def _name(operand: Operand, references: References) -> str | None:
    if not isinstance(operand, Path):
        return None
    steps = references.steps(_KIND, operand)
    if len(steps) > 1:
        raise _refuse("KeyConditionExpressions cannot have conditions on nested attributes")
    return str(steps[0])


def _value(operand: Operand, references: References) -> Value:
    if isinstance(operand, ValueRef):
        return references.value(_KIND, operand)
    if isinstance(operand, Path):
        raise _refuse(f"Invalid condition in {_KIND}: Multiple attribute names used in one condition")
    raise _refuse("KeyConditionExpressions cannot contain nested operations")


def from_legacy(conditions: dict[str, Any]) -> list[KeyTest]:
    """Return the tests of KeyConditions. Raises ValidationException."""
    tests = []
    for name, condition in conditions.items():
        check_name(name)
        operator = condition["ComparisonOperator"]
        values = checked_values(operator, condition.get("AttributeValueList") or [])
        if operator not in _LEGACY:
            raise invalid("Attempted conditional constraint is not an indexable operation")
        tests.append(KeyTest(name, _LEGACY[operator], values))
    return tests


class KeyRange:
    """Where a query looks: the components all keys begin with, and what bounds the component after them."""

    __slots__ = ("bounds", "leading")

    def __init__(self, tests: list[KeyTest], hash: list[str], range: list[str], types: dict[str, str]) -> None:
        by_name = _checked(tests, hash, range, types)
        fixed = [keys.part(by_name[name].values[0]) for name in hash]
        leading: list[bytes] = list(keys.partition(fixed))
        self.bounds: KeyTest | None = None
        for name in range:
            test = by_name.get(name)
            if test is None:
                break
            if test.operator != "=":
                self.bounds = test
                break
            leading.append(keys.part(test.values[0]))
        self.leading = tuple(leading)

    def arguments(self) -> dict[str, Any]:
        """Return what bounds the scan, as Rows.scan takes it."""
        test = self.bounds
        if test is None:
            return {}
        first = keys.part(test.values[0])
        if test.operator == "begins_with":
            return {"starts_with": first}
        if test.operator == "<":
            return {"stop": (first,)}
        if test.operator == "<=":
            return {"stop": (first + b"\0",)}
        if test.operator == ">=":
            return {"start": (first,)}
        if test.operator == ">":
            return {"start": (first + b"\0",)}
        return {"start": (first,), "stop": (keys.part(test.values[1]) + b"\0",)}

    def holds(self, parts: tuple[bytes, ...]) -> bool:
        """Tell whether a place (of an exclusive start key) lies where this query looks."""
        count = len(self.leading)
        if parts[:count] != self.leading:
            return False
        test = self.bounds
        if test is None:
            return True
        part, first = parts[count], keys.part(test.values[0])
        if test.operator == "begins_with":
            return part.startswith(first)
        if test.operator == "BETWEEN":
            return first <= part <= keys.part(test.values[1])
        return {"<": part < first, "<=": part <= first, ">": part > first, ">=": part >= first}[test.operator]


def _checked(tests: list[KeyTest], hash: list[str], range: list[str], types: dict[str, str]) -> dict[str, KeyTest]:
    """Hold tests against a key schema. Raises ValidationException."""
    by_name = {test.name: test for test in tests}
    if len(hash) > 1 or len(range) > 1:
        _check_several(by_name, hash, range)
    else:
        _check_simple(by_name, hash[0], range[0] if range else None)
    for test in tests:
        for value in test.values:
            if kind_of(value) != types[test.name]:
                raise invalid_values("Condition parameter type does not match schema type")
            if not value[kind_of(value)]:
                kind = "string" if "S" in value else "binary"
                raise invalid(
                    "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain "
                    f"an empty {kind} value. Key: {test.name}"
                )
        if test.operator == "begins_with" and types[test.name] == "N":
            raise invalid_values("Condition parameter type does not match schema type")
    return by_name


def _check_simple(by_name: dict[str, KeyTest], hash: str, range: str | None) -> None:
    if len(by_name) > (1 if range is None else 2):
        if hash not in by_name:
            raise invalid(f"Query condition missed key schema element: {hash}")
        if len(by_name) > 2:
            raise invalid("Conditions can be of length 1 or 2 only")
        raise invalid("Query key condition not supported")
    if hash not in by_name:
        raise invalid(f"Query condition missed key schema element: {hash}")
    if by_name[hash].operator != "=":
        raise invalid("Query key condition not supported")
    if len(by_name) == 2 and range not in by_name:
        raise invalid(f"Query condition missed key schema element: {range}")


def _check_several(by_name: dict[str, KeyTest], hash: list[str], range: list[str]) -> None:
    """Check conditions on keys of several attributes.

    Source: Amazon DynamoDB Developer Guide, "Multi-attribute keys pattern for global secondary indexes".
    """
    for name in hash:
        if name not in by_name or by_name[name].operator != "=":
            raise invalid(
                "Query key condition not supported: all HASH key attributes must have an equality condition; "
                f"missing: {name}"
            )
    for name in by_name:
        if name not in hash and name not in range:
            raise invalid(f"Query key condition not supported: {name} is not a key attribute")
    used = [by_name.get(name) for name in range]
    last = max((at for at, test in enumerate(used) if test is not None), default=-1)
    for at, test in enumerate(used[: max(last, 0)]):
        if test is None or test.operator != "=":
            raise invalid(
                "Query key condition not supported: every RANGE key attribute before the last one used must have an "
                f"equality condition; offending: {range[at]}"
            )
