"""Update expressions: from nodes to a function that makes the new item from the old one."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from app.services.dynamodb.attribute_values import kind_of
from app.services.dynamodb.expressions.conditions import Get
from app.services.dynamodb.expressions.nodes import (
    Arithmetic,
    Function,
    Literal,
    Operand,
    Path,
    Update,
    ValueRef,
)
from app.services.dynamodb.expressions.paths import Tree, find, tree
from app.services.dynamodb.expressions.references import References, Steps
from app.services.dynamodb.refusals import invalid
from projections.dynamodb import Attributes, Value, numbers

_MISSING = "The provided expression refers to an attribute that does not exist in the item"
_WRONG_TYPE = "An operand in the update expression has an incorrect data type"
_NO_PLACE = "The document path provided in the update expression is invalid for update"

_TYPE_NAMES = {
    "S": "STRING", "N": "NUMBER", "B": "BINARY", "SS": "STRING_SET", "NS": "NUMBER_SET", "BS": "BINARY_SET",
    "M": "MAP", "L": "LIST", "BOOL": "BOOLEAN", "NULL": "NULL",
}  # fmt: skip
_ADDABLE = ("N", "SS", "NS", "BS")
_SETS = ("SS", "NS", "BS")


class CompiledUpdate:
    """An update bound to a call: `apply` it to items; `names` it touches at top level; `touched` as a tree of paths."""

    __slots__ = ("adds", "deletes", "names", "nested", "removes", "sets", "touched")

    def __init__(
        self,
        sets: list[tuple[Steps, Get]],
        removes: list[Steps],
        adds: list[tuple[Steps, Value]],
        deletes: list[tuple[Steps, Value]],
    ) -> None:
        self.sets = sets
        self.removes = removes
        self.adds = adds
        self.deletes = deletes
        paths = [steps for steps, _ in sets] + removes + [steps for steps, _ in adds] + [steps for steps, _ in deletes]
        self.touched: Tree = tree("UpdateExpression", paths)
        self.names: list[str] = [name for name in self.touched if isinstance(name, str)]
        self.nested = any(len(steps) > 1 for steps in paths)

    @property
    def creates(self) -> bool:
        """Tell whether an item that is not there comes to be: not by deletions alone."""
        return bool(self.sets or self.adds)

    def apply(self, item: Attributes) -> Attributes:
        """Return the new item; the old one is not changed. Raises ValidationException.

        All operands are read from the old item. Elements set past a list's end are appended in the order of their
        indexes, and elements are removed by the indexes they had.
        """
        values = [(steps, get(item)) for steps, get in self.sets]
        for steps, given in self.adds:
            values.append((steps, _added(find(item, steps), given)))
        gone = list(self.removes)
        for steps, given in self.deletes:
            old = find(item, steps)
            if old is not None:
                left = _without(old, given)
                if left is None:
                    gone.append(steps)
                else:
                    values.append((steps, left))
        writer = _Writer(item)
        late: list[tuple[Steps, Value]] = []
        for steps, value in values:
            assert value is not None
            if len(steps) == 1:
                writer.item[steps[0]] = value  # type: ignore[index]
            elif not writer.put(steps, value):
                late.append((steps, value))
        for steps in sorted(gone, key=_last_index, reverse=True):
            writer.remove(steps)
        for steps, value in sorted(late, key=lambda each: _last_index(each[0])):
            writer.append(steps, value)
        return writer.item


def _last_index(steps: Steps) -> int:
    last = steps[-1]
    return last if isinstance(last, int) else -1


class _Writer:
    """A new item in the making. Containers on the way to a change are copied once; all else is shared with the old."""

    def __init__(self, item: Attributes) -> None:
        self.item = dict(item)
        self.owned: set[int] = set()
        self.kept: list[Any] = []  # keeps copies alive, so that an id stands for one of them only

    def container(self, steps: Steps) -> Any:
        """Return the map or list, copied, that holds a path's last step. Refuses where there is none of the kind."""
        members: Any = self.item
        for step, below in pairwise(steps):
            if isinstance(step, int):
                value = members[step] if step < len(members) else None
            else:
                value = members.get(step)
            kind = "L" if isinstance(below, int) else "M"
            if value is None or kind not in value:
                raise invalid(_NO_PLACE)
            inner = value[kind]
            if id(inner) not in self.owned:
                inner = list(inner) if kind == "L" else dict(inner)
                self.owned.add(id(inner))
                self.kept.append(inner)
                members[step] = {kind: inner}
            members = inner
        return members

    def put(self, steps: Steps, value: Value) -> bool:
        """Set a nested value; False where it is a list element past the end, to be appended later."""
        members = self.container(steps)
        last = steps[-1]
        if isinstance(last, int) and last >= len(members):
            return False
        members[last] = value
        return True

    def append(self, steps: Steps, value: Value) -> None:
        self.container(steps).append(value)

    def remove(self, steps: Steps) -> None:
        members = self.container(steps)
        last = steps[-1]
        if isinstance(last, int):
            if last < len(members):
                del members[last]
        else:
            members.pop(last, None)


def _added(old: Value | None, given: Value) -> Value:
    if old is None:
        return given
    kind = kind_of(given)
    if kind not in old:
        raise invalid(_WRONG_TYPE)
    if kind == "N":
        return {"N": _calculate(numbers.plus, old["N"], given["N"])}
    known = set(old[kind])
    return {kind: old[kind] + [member for member in given[kind] if member not in known]}


def _without(old: Value, given: Value) -> Value | None:
    kind = kind_of(given)
    if kind not in old:
        raise invalid(_WRONG_TYPE)
    gone = set(given[kind])
    left = [member for member in old[kind] if member not in gone]
    return {kind: left} if left else None


def _calculate(operation: Callable[[str, str], str], left: str, right: str) -> str:
    try:
        return operation(left, right)
    except numbers.NumberError as error:
        raise invalid(str(error)) from None


def compile_update(node: Update, references: References) -> CompiledUpdate:
    """Bind an update to a call's names and values. Raises ValidationException."""
    compiler = _Compiler(references)
    return CompiledUpdate(
        [(compiler.steps(path), compiler.operand(operand)[0]) for path, operand in node.set],
        [compiler.steps(path) for path in node.remove],
        [(compiler.steps(path), compiler.constant("ADD", value, _ADDABLE)) for path, value in node.add],
        [(compiler.steps(path), compiler.constant("DELETE", value, _SETS)) for path, value in node.delete],
    )


class _Compiler:
    def __init__(self, references: References) -> None:
        self.references = references

    def refuse(self, message: str) -> Exception:
        return invalid(f"Invalid UpdateExpression: {message}")

    def steps(self, path: Path) -> Steps:
        return self.references.steps("UpdateExpression", path)

    def constant(self, operator: str, reference: ValueRef, allowed: tuple[str, ...]) -> Value:
        value = self.references.value("UpdateExpression", reference)
        if kind_of(value) not in allowed:
            raise self.refuse(
                "Incorrect operand type for operator or function; "
                f"operator: {operator}, operand type: {_TYPE_NAMES[kind_of(value)]}"
            )
        return value

    def operand(self, node: Operand) -> tuple[Get, Value | None]:
        """Return how to get an operand's value from the old item, and its value where it is constant."""
        if isinstance(node, Path):
            steps = self.steps(node)

            def get(item: Attributes) -> Value:
                value = find(item, steps)
                if value is None:
                    raise invalid(_MISSING)
                return value

            return get, None
        if isinstance(node, (ValueRef, Literal)):
            constant = node.value if isinstance(node, Literal) else self.references.value("UpdateExpression", node)
            return (lambda item: constant), constant
        if isinstance(node, Arithmetic):
            return self.arithmetic(node), None
        return self.function(node), None

    def arithmetic(self, node: Arithmetic) -> Get:
        get_left, left = self.operand(node.left)
        get_right, right = self.operand(node.right)
        for constant in (left, right):
            if constant is not None and "N" not in constant:
                raise self.wrong_type(node.operator, constant)
        operation = numbers.plus if node.operator == "+" else numbers.minus

        def calculate(item: Attributes) -> Value:
            one, other = get_left(item), get_right(item)
            if one is None or other is None or "N" not in one or "N" not in other:
                raise invalid(_WRONG_TYPE)
            return {"N": _calculate(operation, one["N"], other["N"])}

        return calculate

    def wrong_type(self, operator: str, value: Value) -> Exception:
        return self.refuse(
            "Incorrect operand type for operator or function; "
            f"operator or function: {operator}, operand type: {kind_of(value)}"
        )

    def function(self, node: Function, within: str = "") -> Get:
        name = node.name
        if name not in ("if_not_exists", "list_append"):
            known = ("attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size")
            if name in known:
                raise self.refuse(f"The function is not allowed in an update expression; function: {name}")
            raise self.refuse(f"Invalid function name; function: {name}")
        if len(node.arguments) != 2:
            raise self.refuse(
                "Incorrect number of operands for operator or function; "
                f"operator or function: {name}, number of operands: {len(node.arguments)}"
            )
        if name == "list_append" and within:
            # AWS allows if_not_exists within list_append, and no list_append within any function.
            raise self.refuse(f"The function is not allowed to be used this way in an expression; function: {name}")
        first, second = [
            (self.function(argument, name), None) if isinstance(argument, Function) else self.operand(argument)
            for argument in node.arguments
        ]
        if name == "list_append":
            return self.list_append(first, second)
        if not isinstance(node.arguments[0], Path):
            raise self.refuse(f"Operator or function requires a document path; operator or function: {name}")
        steps = self.steps(node.arguments[0])
        otherwise = second[0]

        def if_not_exists(item: Attributes) -> Value | None:
            found = find(item, steps)
            return otherwise(item) if found is None else found

        return if_not_exists

    def list_append(self, first: tuple[Get, Value | None], second: tuple[Get, Value | None]) -> Get:
        for _, constant in (first, second):
            if constant is not None and "L" not in constant:
                raise self.wrong_type("list_append", constant)

        def append(item: Attributes) -> Value:
            one, other = first[0](item), second[0](item)
            if one is None or other is None or "L" not in one or "L" not in other:
                raise invalid(_WRONG_TYPE)
            return {"L": one["L"] + other["L"]}

        return append
