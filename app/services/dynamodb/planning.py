"""What a call's parameters mean before any table is looked at: worked out at the edge, outside the writer's turn.

`@planned(operation, make)` puts what `make(params)` returns beside the parameters, which stay as they came (the journal
keeps them); `plan(call, make)` in the handler gets it, or makes it where the handler is run without its preparation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from app.http import Request
from app.services import Call, prepare
from app.services.dynamodb import legacy
from app.services.dynamodb.expressions import (
    References,
    Test,
    Tree,
    compile_condition,
    parse_condition,
    parse_projection,
    references,
    tree,
)
from app.services.dynamodb.expressions.nodes import Path

P = TypeVar("P")


class Planned(dict[str, Any]):
    """A call's parameters, and what they mean."""

    __slots__ = ("plan",)
    plan: Any


def planned(operation: str, make: Callable[[dict[str, Any]], Any]) -> None:
    """Have `make` run at the edge before an operation's handler."""

    def run(call: Call, request: Request, blobs: Any) -> None:
        params = Planned(call.params)
        params.plan = make(call.params)
        call.params = params

    prepare("dynamodb", operation)(run)


def plan(call: Call, make: Callable[[dict[str, Any]], P]) -> P:
    """Return a call's plan."""
    params = call.params
    if params.__class__ is Planned:
        return params.plan  # type: ignore[no-any-return,attr-defined,unused-ignore]
    return make(params)


def condition(params: dict[str, Any], found: References) -> Test | None:
    """Return a call's ConditionExpression as a test of the old item."""
    text = params.get("ConditionExpression")
    if text is None:
        return None
    return compile_condition("ConditionExpression", parse_condition("ConditionExpression", text), found)


def filter_test(params: dict[str, Any], found: References) -> tuple[Test | None, set[str]]:
    """Return a call's FilterExpression as a test of items, and the top-level attributes it looks at."""
    text = params.get("FilterExpression")
    if text is None:
        return None, set()
    node = parse_condition("FilterExpression", text)
    return compile_condition("FilterExpression", node, found), names_in(node, found)


def names_in(node: Any, found: References) -> set[str]:
    """Return the top-level attributes that a parsed expression looks at."""
    if isinstance(node, Path):
        return {str(found.steps("FilterExpression", node)[0])}
    if isinstance(node, tuple):
        names: set[str] = set()
        for each in node:
            if isinstance(each, tuple):
                names |= names_in(each, found)
        return names
    return set()


def projection(params: dict[str, Any], found: References) -> Tree | None:
    """Return ProjectionExpression or AttributesToGet as a tree of paths; None where the whole item is wanted."""
    text = params.get("ProjectionExpression")
    if text is not None:
        paths = parse_projection(text)
        return tree("ProjectionExpression", [found.steps("ProjectionExpression", path) for path in paths])
    names = params.get("AttributesToGet")
    return None if names is None else legacy.attributes_to_get(names)


__all__ = ["condition", "filter_test", "names_in", "plan", "planned", "projection", "references"]
