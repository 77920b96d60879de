"""What expressions are made of once parsed: names and values are still references (`#n`, `:v`)."""

from __future__ import annotations

from typing import NamedTuple

from projections.dynamodb import Value

Step = str | int  # an attribute or map member by name (or `#reference`), a list element by index


class Path(NamedTuple):
    """A document path: `a.#b[2]`."""

    steps: tuple[Step, ...]


class ValueRef(NamedTuple):
    """`:value`."""

    name: str


class Literal(NamedTuple):
    """A value in place: what legacy parameters hold."""

    value: Value


class Function(NamedTuple):
    """`size(a)`, `list_append(a, :v)`, and every other name with parentheses."""

    name: str
    arguments: tuple[Operand, ...]


class Arithmetic(NamedTuple):
    """`a + :v` or `a - :v`."""

    operator: str
    left: Operand
    right: Operand


Operand = Path | ValueRef | Literal | Function | Arithmetic


class Compare(NamedTuple):
    """`a < :v`."""

    operator: str
    left: Operand
    right: Operand


class Between(NamedTuple):
    """`a BETWEEN :low AND :high`."""

    operand: Operand
    low: Operand
    high: Operand


class In(NamedTuple):
    """`a IN (:v, :w)`."""

    operand: Operand
    choices: tuple[Operand, ...]


class All(NamedTuple):
    """`x AND y AND z`."""

    conditions: tuple[Condition, ...]


class Some(NamedTuple):
    """`x OR y OR z`."""

    conditions: tuple[Condition, ...]


class Not(NamedTuple):
    """`NOT x`."""

    condition: Condition


Condition = Compare | Between | In | All | Some | Not | Function


class Update(NamedTuple):
    """An update expression's four sections."""

    set: tuple[tuple[Path, Operand], ...]
    remove: tuple[Path, ...]
    add: tuple[tuple[Path, ValueRef], ...]
    delete: tuple[tuple[Path, ValueRef], ...]
