"""Document paths in items: looking them up, cutting them out, and refusing those that get in each other's way."""

from __future__ import annotations

from typing import Any

from app.services.dynamodb.expressions.references import Steps
from app.services.dynamodb.refusals import invalid
from projections.dynamodb import Attributes, Value

Tree = dict[Any, Any]  # step -> the tree below it; {} where a path ends


def find(item: Attributes, steps: Steps) -> Value | None:
    """Return the value at a path, or None."""
    first: Any = steps[0]
    value: Any = item.get(first)
    for step in steps[1:]:
        if value is None:
            return None
        if step.__class__ is int:
            members = value.get("L")
            value = members[step] if members is not None and step < len(members) else None
        else:
            members = value.get("M")
            value = members.get(step) if members is not None else None
    return value  # type: ignore[no-any-return]


def shown(steps: Steps) -> str:
    """Return a path as AWS's messages show it: [a, b, [0]]."""
    return "[" + ", ".join([f"[{step}]" if isinstance(step, int) else step for step in steps]) + "]"


def tree(kind: str, paths: list[Steps]) -> Tree:
    """Return the paths as a tree. Refuses paths that overlap (one contains another) or conflict (map and list)."""
    root: Tree = {}
    for at, steps in enumerate(paths):
        branch = root
        for depth, step in enumerate(steps):
            if branch and isinstance(next(iter(branch)), int) != isinstance(step, int):
                raise _clash(kind, "conflict", paths, at, steps[:depth])
            below = branch.get(step)
            last = depth == len(steps) - 1
            if below is None:
                below = branch[step] = {}
            elif last or not below:
                raise _clash(kind, "overlap", paths, at, steps[: depth + 1])
            branch = below
    return root


def _clash(kind: str, how: str, paths: list[Steps], at: int, common: Steps) -> Exception:
    other = next(steps for steps in paths[:at] if steps[: len(common)] == common)
    return invalid(
        f"Invalid {kind}: Two document paths {how} with each other; must remove or rewrite one of these paths; "
        f"path one: {shown(other)}, path two: {shown(paths[at])}"
    )


def project(item: Attributes, wanted: Tree) -> Attributes:
    """Return the parts of an item that a tree of paths names; list elements close up, in their order."""
    out: Attributes = {}
    for name, below in wanted.items():
        value = item.get(name)
        if value is None:
            continue
        if below:
            value = _cut(value, below)
            if value is None:
                continue
        out[name] = value
    return out


def _cut(value: Value, wanted: Tree) -> Value | None:
    if isinstance(next(iter(wanted)), int):
        members = value.get("L")
        if members is None:
            return None
        kept = []
        for index in sorted(wanted):
            if index < len(members):
                member = _cut(members[index], wanted[index]) if wanted[index] else members[index]
                if member is not None:
                    kept.append(member)
        return {"L": kept} if kept else None
    inside = value.get("M")
    if inside is None:
        return None
    found = project(inside, wanted)
    return {"M": found} if found else None
