"""Projections: which folds turn one service's events into its tables.

`projections/<service>` declares `projection("<service>", version=N)`, its tables and its folds. A fold is pure: it sees
the event, its envelope and the tables of its own service, and nothing else. Raise the version when a fold or a record
changes: every stack then rebuilds that service's tables from the journal before it next reads them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import lmdb

from journal.events import Envelope, Event
from journal.tables import DECLARED, R, Rows, Table
from journal.values import BlobPort

RESET = "cairn.ServiceReset"

E = TypeVar("E", bound=Event)
Fold = Callable[[Any, Envelope, "Tables"], None]


class Tables:
    """The tables of a stack in one transaction: `tables[table]` gives its rows. Folds write, handlers only read."""

    __slots__ = ("_open", "blobs", "db", "txn")

    def __init__(self, txn: lmdb.Transaction, db: Any, blobs: BlobPort) -> None:
        self.txn = txn
        self.db = db
        self.blobs = blobs
        self._open: dict[str, Rows[Any]] = {}

    def __getitem__(self, table: Table[R]) -> Rows[R]:
        rows = self._open.get(table.name)
        if rows is None:
            rows = self._open[table.name] = Rows(table, self.txn, self.db, self.blobs)
        return rows


class Projection:
    """One service's folds, tables and version."""

    def __init__(self, service: str, version: int) -> None:
        self.service = service
        self.version = version
        self.folds: dict[str, Fold] = {}

    @property
    def tables(self) -> list[Table[Any]]:
        """The service's tables, by name."""
        return [table for name, table in sorted(DECLARED.items()) if table.service == self.service]

    def apply(self, event: Event, on: Envelope, tables: Tables) -> None:
        """Fold one event. Events without a fold change no table; a reset clears all of them."""
        if on.type == RESET:
            for table in self.tables:
                tables[table].clear()
            return
        fold = self.folds.get(on.type)
        if fold is not None:
            fold(event, on, tables)


class FindProjection(Protocol):
    """How the journal is told of projections: by service name; None where the code has none for it."""

    def __call__(self, service: str) -> Projection | None: ...


PROJECTIONS: dict[str, Projection] = {}
_EARLY: dict[str, dict[str, Fold]] = {}


def projection(service: str, version: int) -> Projection:
    """Declare a service's projection, once, in its `projections/<service>` module."""
    declared = PROJECTIONS[service] = Projection(service, version)
    declared.folds = _EARLY.setdefault(service, {})
    return declared


def fold(event: type[E]) -> Callable[[Callable[[E, Envelope, Tables], None]], Callable[[E, Envelope, Tables], None]]:
    """Declare the fold of an event type. Exactly one for each."""
    cls: Any = event

    def declare(function: Callable[[E, Envelope, Tables], None]) -> Callable[[E, Envelope, Tables], None]:
        folds = _EARLY.setdefault(cls.service, {})
        if cls.event_type in folds:
            raise ValueError(f"{cls.event_type} has a fold already")
        folds[cls.event_type] = function
        return function

    return declare
