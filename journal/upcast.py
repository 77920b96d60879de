"""Upcasters: how an event written by an older version of the code reads today.

An upcaster takes the fields of one version and returns those of the next; they are chained. A journal written by any
released version replays on every later one, so an upcaster is never removed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Fields = dict[str, Any]
Upcaster = Callable[[Fields], Fields]

_UPCASTERS: dict[tuple[str, int], Upcaster] = {}


class NewerEvent(Exception):
    """The journal holds an event of a later version than this code knows."""


def upcaster(type: str, version: int) -> Callable[[Upcaster], Upcaster]:
    """Declare the function from `version` of an event type to `version + 1`."""

    def declare(function: Upcaster) -> Upcaster:
        if (type, version) in _UPCASTERS:
            raise ValueError(f"{type} version {version} has an upcaster already")
        _UPCASTERS[type, version] = function
        return function

    return declare


def upcast(type: str, version: int, wanted: int, fields: Fields) -> Fields:
    """Return the fields as version `wanted` has them. Raises NewerEvent, or LookupError where an upcaster is missing."""
    if version > wanted:
        raise NewerEvent(f"{type} version {version} was written by a later Cairn; this one knows version {wanted}")
    while version < wanted:
        step = _UPCASTERS.get((type, version))
        if step is None:
            raise LookupError(f"no upcaster for {type} version {version}")
        fields = step(fields)
        version += 1
    return fields
