"""The journal by itself: appending against raw LMDB, replay, fork, restart with a long history."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lmdb

import projections
from app import handlers
from app.calls import Call
from app.engine import Engine
from bench.servers import WORK, cairn
from journal import Durability, Envelope, Event, JournaledCall, Record, Table, Tables, Writer, fold, projection
from journal.stacks import Stacks

LONG = 1_000_000


def _call(operation: str, **params: Any) -> Call:
    return Call("sqs", operation, params, request_id=str(uuid.UUID(int=0)), principal="arn:aws:iam::000000000000:root")


def fill(engine: Engine, messages: int, batch: int = 500) -> str:
    """Send messages through the engine's committer, `batch` to a commit; return the queue's URL."""
    create = handlers.handler("sqs", "CreateQueue")
    url: str = engine.command(create, _call("CreateQueue", QueueName="bench"))[0]["QueueUrl"]
    from app.engine import Turn

    handler = handlers.handler("sqs", "SendMessage")
    for _ in range(messages // batch):
        turns = [Turn(handler, _call("SendMessage", QueueUrl=url, MessageBody="x" * 256)) for _ in range(batch)]
        engine._commit(turns)
        for turn in turns:
            if turn.error:
                raise turn.error
    return url


class Noted(Event, name="bench.Noted", version=1):
    """What the append benchmark appends: an event of some 300 bytes."""

    item: str
    body: str


class Note(Record):
    """What it folds to."""

    body: str
    time: float


notes = Table("bench.notes", key=("account", "region", "item"), record=Note)
projection("bench", version=1)


@fold(Noted)
def _(event: Noted, on: Envelope, tables: Tables) -> None:
    tables[notes].put(Note(event.body, on.time), on.account, on.region, event.item)


def append_against_lmdb(folder: Path, batch: int, durability: Durability, count: int) -> tuple[float, float]:
    """Return commands a second: appended (event, chain, call, index, one folded record), and the same bytes put raw."""
    stacks = Stacks(folder / "ours", projections.find, durability)
    journal = stacks.get()
    events = [
        (Noted(f"item-{n:09}", "x" * 256), "arn:aws:bench:::item", "000000000000", "us-east-1") for n in range(count)
    ]

    def append(start: int) -> None:
        def work(writer: Writer) -> None:
            now = writer.now()
            for happened in events[start : start + batch]:
                writer.append((happened,), now, _caused)

        journal.write(work)

    append(0)
    began = time.perf_counter()
    for start in range(batch, count, batch):
        append(start)
    ours = (count - batch) / (time.perf_counter() - began)
    with journal.view() as view:
        names = ("events", "calls", "by_service", "tables")
        rows = {name: list(view.txn.cursor(db=view.db[name])) for name in names}
    stacks.close()
    env = lmdb.open(str(folder / "raw"), map_size=1 << 32, max_dbs=5, sync=durability == "strict")
    shapes = {"by_service": {"dupsort": True, "dupfixed": True}}
    databases = [(rows[name], env.open_db(name.encode(), **shapes.get(name, {}))) for name in names]
    began = time.perf_counter()
    for start in range(0, count, batch):
        with env.begin(write=True) as txn:
            for at in range(start, min(start + batch, count)):
                for table, db in databases:
                    key, value = table[at]
                    txn.put(key, value, db=db)
    raw = count / (time.perf_counter() - began)
    env.close()
    return ours, raw


def _caused(last: int) -> JournaledCall:
    return JournaledCall(
        "bench", "Note", {"Item": "item", "Body": "x" * 256}, "000000000000", "us-east-1", "arn:aws:iam::000000000000:root",
        None, "bench", "00000000-0000-0000-0000-000000000000", "json", 0.0, 0.0, None, "", last,
    )  # fmt: skip


def replay(folder: Path) -> float:
    """Return SQS events folded a second when a projection is rebuilt, on one core."""
    stacks = Stacks(folder, projections.find, "relaxed")
    fill(Engine(stacks.get(), committer="caller"), 100_000)
    journal = stacks.get()
    journal.environment.transact(lambda txn: txn.put(b"projection/sqs", b"\x91\x00", db=journal.environment.db["meta"]))
    began = time.perf_counter()
    journal.rebuild("sqs")
    rate = 100_000 / (time.perf_counter() - began)
    stacks.close()
    return rate


def fork(folder: Path) -> tuple[float, float]:
    """Return seconds of a fork of a 20,000-event stack at the head, and in the middle (median of 5)."""
    stacks = Stacks(folder, projections.find)
    fill(Engine(stacks.get(), committer="caller"), 20_000)
    times: dict[int | None, list[float]] = {None: [], 10_001: []}
    for at, spent in times.items():
        for n in range(5):
            began = time.perf_counter()
            stacks.fork(f"fork-{at}-{n}", at=at)
            spent.append(time.perf_counter() - began)
    stacks.close()
    return sorted(times[None])[2], sorted(times[10_001])[2]


def restart(seconds: Callable[[Path], float], folder: Path) -> tuple[float, float]:
    """Return the start times of a server without a journal and with LONG events (median of 3 each)."""
    empty = sorted(seconds(folder / f"empty{n}") for n in range(3))[1]
    data = folder / "long"
    stacks = Stacks(data, projections.find, "relaxed")
    fill(Engine(stacks.get(), committer="caller"), LONG, 5000)
    stacks.close()
    return empty, sorted(seconds(data) for _ in range(3))[1]


def start_time(data: Path) -> float:
    """Return the seconds from `cairn start` to the first answered AWS call."""
    from bench.everyday import client

    data.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    with cairn("strict", data=data) as server:
        client(server, "sqs").list_queues()
        return time.perf_counter() - began


def figures(say: Callable[[str], None], long: bool = True) -> dict[str, Any]:
    """Measure all of it."""
    WORK.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="journal-", dir=WORK))
    try:
        out: dict[str, Any] = {"append": {}}
        for durability, count in (("strict", 2000), ("relaxed", 20_000)):
            for batch in (1, 8, 32):
                ours, raw = append_against_lmdb(folder / f"{durability}{batch}", batch, durability, count)
                out["append"][f"{durability}, {batch} a commit"] = [ours, raw]
                say(
                    f"append, {durability}, {batch} a commit: {ours:,.0f}/s; raw LMDB {raw:,.0f}/s; ratio {ours / raw:.2f}"
                )
        out["replay"] = replay(folder / "replay")
        say(f"replay: {out['replay']:,.0f} SQS events/s")
        out["fork"] = fork(folder / "fork")
        say(
            f"fork of 20,000 events: {out['fork'][0] * 1000:.0f} ms at the head, {out['fork'][1] * 1000:.0f} ms in the middle"
        )
        if long:
            out["restart"] = restart(start_time, folder)
            say(f"start to first call: {out['restart'][0]:.2f} s empty, {out['restart'][1]:.2f} s with {LONG:,} events")
        return out
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    print(json.dumps(figures(print)))
