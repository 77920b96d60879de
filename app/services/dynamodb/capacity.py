"""Consumed capacity: what reads and writes cost, and how it is told.

Source: Amazon DynamoDB Developer Guide, "DynamoDB read and write operations" (capacity unit consumption).
"""

from __future__ import annotations

from typing import Any

from projections.dynamodb import Attributes, Index, Item, TableShape, index_place, index_size

READ_UNIT = 4096
WRITE_UNIT = 1024


def read_units(size: int, consistent: bool, factor: int = 1) -> float:
    """Return what reading so many bytes costs: at least one unit, half of it where not strongly consistent."""
    units = max(1, -(-size // READ_UNIT)) * factor
    return float(units) if consistent else units / 2


def write_units(size: int, factor: int = 1) -> float:
    """Return what writing so many bytes costs."""
    return float(max(1, -(-size // WRITE_UNIT)) * factor)


class Consumed:
    """What one call consumed of one table and its indexes."""

    __slots__ = ("indexes", "shape", "table")

    def __init__(self, shape: TableShape) -> None:
        self.shape = shape
        self.table = 0.0
        self.indexes: dict[str, float] = {}

    def index(self, index: Index, units: float) -> None:
        """Add units that an index used."""
        if units:
            self.indexes[index.name] = self.indexes.get(index.name, 0.0) + units

    def write(self, old: Item | None, new: Item | None, factor: int = 1) -> None:
        """Add what a write costs: the larger of both images, and each index that it changes."""
        self.table += write_units(max(old.size if old else 0, new.size if new else 0), factor)
        for index in self.shape.indexes:
            self.index(index, _index_units(self.shape, index, old, new) * factor)

    def answer(self, mode: str | None, kind: str = "") -> dict[str, Any] | None:
        """Return ConsumedCapacity as asked for; `kind` (Read, Write) where a transaction tells units by kind too."""
        if mode is None or mode == "NONE":
            return None
        total = self.table + sum(self.indexes.values())
        told: dict[str, Any] = {"TableName": self.shape.name, **_units(total, kind)}
        if mode == "INDEXES":
            if self.table or not self.indexes:
                told["Table"] = _units(self.table, kind)
            for local, member in ((True, "LocalSecondaryIndexes"), (False, "GlobalSecondaryIndexes")):
                used = {
                    index.name: _units(self.indexes[index.name], kind)
                    for index in self.shape.indexes
                    if index.local is local and index.name in self.indexes
                }
                if used:
                    told[member] = used
        return told


def _units(units: float, kind: str) -> dict[str, float]:
    return {"CapacityUnits": units, f"{kind}CapacityUnits": units} if kind else {"CapacityUnits": units}


def _index_units(shape: TableShape, index: Index, old: Item | None, new: Item | None) -> float:
    before = index_place(shape, index, old.item) if old else None
    after = index_place(shape, index, new.item) if new else None
    gone = index_size(shape, index, old) if old and before is not None else 0
    come = index_size(shape, index, new) if new and after is not None else 0
    if before is None and after is None:
        return 0.0
    if before == after:
        same = old is not None and new is not None and _projected_same(index, old.item, new.item, gone, come)
        return 0.0 if same else write_units(max(gone, come))
    return (write_units(gone) if before is not None else 0.0) + (write_units(come) if after is not None else 0.0)


def _projected_same(index: Index, old: Attributes, new: Attributes, gone: int, come: int) -> bool:
    if gone != come:
        return False
    if index.projection == "ALL":
        return old == new
    return all(old.get(name) == new.get(name) for name in index.include)


def item_collections(shape: TableShape, mode: str | None, key: Attributes) -> dict[str, Any] | None:
    """Return ItemCollectionMetrics where they were asked for and the table has local indexes."""
    if mode != "SIZE" or not any(index.local for index in shape.indexes):
        return None
    return {"ItemCollectionKey": {shape.hash: key[shape.hash]}, "SizeEstimateRangeGB": [0.0, 1.0]}
