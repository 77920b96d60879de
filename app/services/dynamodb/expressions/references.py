"""ExpressionAttributeNames and ExpressionAttributeValues of one call: checked, looked up, and accounted for."""

from __future__ import annotations

import re
from typing import Any

from app.errors import AwsError
from app.services.dynamodb.attribute_values import check_name, check_value
from app.services.dynamodb.expressions.nodes import Path, Step, ValueRef
from app.services.dynamodb.refusals import invalid
from projections.dynamodb import Attributes, Value

Steps = tuple[Step, ...]

_NAME = re.compile(r"#[0-9a-zA-Z_]+\Z")
_VALUE = re.compile(r":[0-9a-zA-Z_]+\Z")
MAX_REFERENCE = 255


class References:
    """What `#name` and `:value` stand for in one call's expressions, and which of them were used."""

    __slots__ = ("names", "used_names", "used_values", "values")

    def __init__(self, names: dict[str, str], values: Attributes) -> None:
        self.names = names
        self.values = values
        self.used_names: set[str] = set()
        self.used_values: set[str] = set()

    def steps(self, kind: str, path: Path) -> Steps:
        """Return a path's steps with the names that its references stand for."""
        for step in path.steps:
            if step.__class__ is str and step[0] == "#":
                return tuple([self._step(kind, each) for each in path.steps])
        return path.steps

    def _step(self, kind: str, step: Step) -> Step:
        if isinstance(step, int) or step[0] != "#":
            return step
        name = self.names.get(step)
        if name is None:
            raise invalid(
                f"Invalid {kind}: An expression attribute name used in the document path is not defined; "
                f"attribute name: {step}"
            )
        self.used_names.add(step)
        return name

    def value(self, kind: str, reference: ValueRef) -> Value:
        """Return the value that a reference stands for."""
        value = self.values.get(reference.name)
        if value is None:
            raise invalid(
                f"Invalid {kind}: An expression attribute value used in expression is not defined; "
                f"attribute value: {reference.name}"
            )
        self.used_values.add(reference.name)
        return value

    def finish(self) -> None:
        """Refuse names and values that no expression used."""
        if len(self.used_names) < len(self.names):
            unused = [name for name in self.names if name not in self.used_names]
            raise invalid(f"Value provided in ExpressionAttributeNames unused in expressions: keys: {_listed(unused)}")
        if len(self.used_values) < len(self.values):
            unused = [name for name in self.values if name not in self.used_values]
            raise invalid(f"Value provided in ExpressionAttributeValues unused in expressions: keys: {_listed(unused)}")


def _listed(keys: list[str]) -> str:
    return "{" + ", ".join(keys) + "}"


def references(params: dict[str, Any], *expressions: str) -> References:
    """Read a call's names and values, given which of its parameters hold expressions. Raises ValidationException."""
    names = params.get("ExpressionAttributeNames")
    values = params.get("ExpressionAttributeValues")
    if names is None and values is None:
        return References({}, {})
    present = any(params.get(each) is not None for each in expressions)
    nulls = " and ".join(expressions) + (" is null" if len(expressions) == 1 else " are null")
    if names is not None:
        if not present:
            raise invalid(f"ExpressionAttributeNames can only be specified when using expressions: {nulls}")
        if not names:
            raise invalid("ExpressionAttributeNames must not be empty")
        for key, name in names.items():
            if not _NAME.match(key):
                raise invalid(f'ExpressionAttributeNames contains invalid key: Syntax error; key: "{key}"')
            _check_length("ExpressionAttributeNames", key)
            try:
                check_name(name)
            except AwsError as error:
                raise invalid(
                    f"ExpressionAttributeNames contains invalid value: {error.message} for key {key}"
                ) from None
    if values is None:
        return References(names or {}, {})
    if not present:
        raise invalid(f"ExpressionAttributeValues can only be specified when using expressions: {nulls}")
    if not values:
        raise invalid("ExpressionAttributeValues must not be empty")
    return References(names or {}, {key: _checked(key, value) for key, value in values.items()})


def _check_length(where: str, key: str) -> None:
    if len(key) > MAX_REFERENCE:
        raise invalid(f'{where} contains invalid key: Key length must be at most {MAX_REFERENCE}; key: "{key}"')


def _checked(key: str, value: Value) -> Value:
    if not _VALUE.match(key):
        raise invalid(f'ExpressionAttributeValues contains invalid key: Syntax error; key: "{key}"')
    _check_length("ExpressionAttributeValues", key)
    try:
        return check_value(value)[0]
    except AwsError as error:
        raise invalid(f"ExpressionAttributeValues contains invalid value: {error.message} for key {key}") from None
