"""Fixtures: an engine on an empty stack, in each of the ways in which it commits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from app.calls import Call, Ids
from app.engine import Engine
from app.handlers import Handler
from app.outcomes import Outcome
from journal import State
from journal.stacks import Stacks
from tests.journal import shop


@pytest.fixture(params=["thread", "loop", "caller"])
def committer(request) -> str:
    """Who commits: a native thread, the loop, or whoever calls."""
    return request.param


class Bench:
    """An engine, and what happened around it."""

    def __init__(self, folder: Path, committer: str) -> None:
        self.time = 1000.0
        self.rings: list[tuple[int, list[str]]] = []
        self.stacks = Stacks(folder, shop.find, "relaxed", wall=lambda: self.time, pause=gevent.sleep)
        self.journal = self.stacks.get()
        self.engine = Engine(self.journal, lambda seq, arns: self.rings.append((seq, list(arns))), committer)  # type: ignore[arg-type]

    def handler(self, function: Callable[[Call, State], Outcome], kind: Any = "command") -> Handler:
        """Make a handler of a function."""
        return Handler("shop", function.__name__, kind, function)

    def run(
        self, function: Callable[[Call, State], Outcome], connected: Any = None, seed: int = 1, **params: Any
    ) -> tuple[dict[str, Any], int]:
        """Run a command."""
        call = Call("shop", function.__name__, params, account="1", region="r", ids=Ids(seed), request_id="q")
        return self.engine.command(self.handler(function), call, connected)

    def spawn(self, function: Callable[[Call, State], Outcome], **params: Any) -> Any:
        """Run a command in a greenlet of its own."""
        return gevent.spawn(self.run, function, **params)

    def names(self) -> list[str]:
        """What is on the shelf."""
        return shop.names(self.journal)

    def close(self) -> None:
        self.engine.close()
        gevent.sleep(0.01)
        self.stacks.close()


@pytest.fixture
def bench(tmp_path: Path, committer: str) -> Iterator[Bench]:
    """An engine of each kind."""
    made = Bench(tmp_path / "data", committer)
    yield made
    made.close()


@pytest.fixture(params=["thread", "loop"])
def served(request, tmp_path: Path) -> Iterator[Bench]:
    """An engine as it is served, where callers can wait for each other."""
    made = Bench(tmp_path / "data", request.param)
    yield made
    made.close()
