"""Replay: fold a journal anew into a scratch stack, and compare the tables with those that are served."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from journal import keys
from journal.blobs import BlobStore
from journal.log import Journal, View
from journal.projection import Tables
from journal.stacks import copy_step
from journal.tables import Table


class Difference(NamedTuple):
    """A row that a replay gives otherwise. A side that lacks it has None."""

    table: str
    key: keys.Key
    live: Any
    replayed: Any

    def __str__(self) -> str:
        return f"{self.table} {self.key!r}: live {self.live!r}, replayed {self.replayed!r}"


def compare(
    live: Journal, scratch: Path, blobs: BlobStore, progress: Callable[[int], None] | None = None
) -> Iterator[Difference]:
    """Yield every row in which the tables of `live` differ from those folded from its events in `scratch` (a folder)."""
    replayed = Journal(scratch, blobs, live.find, durability="memory")
    try:
        with live.view() as view:
            while count := copy_step(view, replayed, None):
                if progress is not None:
                    progress(count)
            for service in view.services():
                replayed.rebuild(service, progress)
            with replayed.view() as other:
                for service in view.services():
                    projection = live.find(service)
                    for table in projection.tables if projection is not None else []:
                        yield from _differing(table, view, other)
    finally:
        replayed.close()


def _differing(table: Table[Any], live: View, replayed: View) -> Iterator[Difference]:
    left = Tables(live.txn, live.db["tables"], live.blobs)[table].plain()
    right = Tables(replayed.txn, replayed.db["tables"], replayed.blobs)[table].plain()
    yield from merge(table.name, left, right)


def merge(
    name: str, left: Iterator[tuple[keys.Key, Any]], right: Iterator[tuple[keys.Key, Any]]
) -> Iterator[Difference]:
    """Walk two ordered tables side by side and yield where they differ."""
    one, two = next(left, None), next(right, None)
    while one is not None or two is not None:
        if two is None or (one is not None and keys.encode(one[0]) < keys.encode(two[0])):
            assert one is not None
            yield Difference(name, one[0], one[1], None)
            one = next(left, None)
        elif one is None or keys.encode(two[0]) < keys.encode(one[0]):
            yield Difference(name, two[0], None, two[1])
            two = next(right, None)
        else:
            if one[1] != two[1]:
                yield Difference(name, one[0], one[1], two[1])
            one, two = next(left, None), next(right, None)
