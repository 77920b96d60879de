"""Reactors: what follows from an event, across services.

A module here declares reactors with `@reactor`. The dispatcher runs them behind the journal, each from a durable cursor.
A reaction's commands and the cursor's move are one transaction: a reaction happens once, however often its process dies.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from app.calls import Call
from journal import Envelope, Event, Tables

React = Callable[[Any, Envelope, Tables], Iterable[Call]]


class Reactor(NamedTuple):
    """A named subscription: which event types it reacts to, and the function from event to further calls."""

    name: str
    types: frozenset[str]
    react: React


_REACTORS: dict[str, Reactor] = {}


def reactor(name: str, *events: type[Event]) -> Callable[[React], React]:
    """Declare a reactor. The function gets (event, envelope, tables) and returns the calls to make: commands of services,
    with account and region set; it reads tables and changes nothing. A call that AWS would refuse is logged."""

    def declare(function: React) -> React:
        if name in _REACTORS:
            raise ValueError(f"there is a reactor {name} already")
        _REACTORS[name] = Reactor(name, frozenset(event.event_type for event in events), function)  # type: ignore[attr-defined]
        return function

    return declare


def every() -> list[Reactor]:
    """Import and return all reactors."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"app.reactors.{module.name}")
    return [_REACTORS[name] for name in sorted(_REACTORS)]
