"""A small service for the journal's own tests: items in a shop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from journal import (
    PROJECTIONS,
    Blob,
    Content,
    Envelope,
    Event,
    Journal,
    JournaledCall,
    Record,
    Table,
    Tables,
    Writer,
    fold,
    projection,
)  # fmt: skip

SHOP = projection("shop", version=1)


class Item(Record):
    """What the shop knows of an item."""

    price: float
    note: str
    picture: Content = b""


items = Table("shop.items", key=("account", "region", "name"), record=Item)
notes = Table("shop.notes", key=("note", "name"), record=Item)


class ItemPut(Event, name="shop.ItemPut", version=1):
    """An item was put on the shelf."""

    name: str
    price: float = 1.0
    note: str = ""
    picture: Content = b""


class ItemTaken(Event, name="shop.ItemTaken", version=1):
    """An item was taken off."""

    name: str


@fold(ItemPut)
def _(event: ItemPut, on: Envelope, tables: Tables) -> None:
    _forget(event.name, on, tables)
    item = Item(event.price, event.note, event.picture)
    tables[items].put(item, on.account, on.region, event.name)
    tables[notes].put(item, event.note, event.name)


@fold(ItemTaken)
def _(event: ItemTaken, on: Envelope, tables: Tables) -> None:
    _forget(event.name, on, tables)


def _forget(name: str, on: Envelope, tables: Tables) -> None:
    old = tables[items].get(on.account, on.region, name)
    if old is not None:
        tables[items].delete(on.account, on.region, name)
        tables[notes].delete(old.note, name)


def find(service: str) -> Any:
    """How the tests' journals find projections."""
    return PROJECTIONS.get(service)


def call(last: int, **params: Any) -> JournaledCall:
    """A call as the engine would store it."""
    return JournaledCall(
        "shop", "Put", params, "111111111111", "eu-west-1", "arn:aws:iam::111111111111:root", None, "test/1", "r-1", "json",
        1_700_000_000.0, 0.001, None, "", last,
    )  # fmt: skip


def put(
    journal: Journal, *names: str, account: str = "111111111111", region: str = "eu-west-1", time: float = 1_700_000_000.0,
    called: bool = True, **fields: Any,
) -> int:  # fmt: skip
    """Append one command that puts some items; return its last seq."""
    happened: list[tuple[Event, str, str, str]] = [
        (ItemPut(name, **fields), f"arn:shop:::{name}", account, region) for name in names
    ]

    def work(writer: Writer) -> int:
        return writer.append(happened, time, (lambda last: call(last, names=list(names))) if called else None)

    return journal.write(work)


def put_each(journal: Journal, names: Iterable[str], **fields: Any) -> None:
    """Append one command for each name, all in one transaction."""

    def work(writer: Writer) -> None:
        for name in names:
            event = ItemPut(name, **fields)
            writer.append(
                [(event, f"arn:shop:::{name}", "1", "r")], 1.0, lambda last, name=name: call(last, names=[name])
            )

    journal.write(work)


def names(journal: Journal) -> list[str]:
    """Return the names of all items there are."""
    return journal.read(lambda view: [str(key[2]) for key, _ in view.tables[items].scan()])


def rows(journal: Journal) -> list[tuple[bytes, bytes]]:
    """Return the tables exactly as LMDB has them."""
    with journal.view() as view, view.txn.cursor(db=view.db["tables"]) as cursor:
        return [(bytes(key), bytes(value)) for key, value in cursor]


def picture(journal: Journal, data: bytes) -> Blob:
    """Store a blob."""
    return journal.blobs.put(data)
