"""A stack in this process, with a clock that tests move: calls go straight to the engine."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path
from typing import Any

import projections
from app import handlers
from app.calls import Call, Ids
from app.config import Settings
from app.engine import Engine
from journal import BlobStore, Journal
from journal.replay import compare

ACCOUNT, REGION = "000000000000", "us-east-1"


class Stack:
    """One stack without a server."""

    _seeds = itertools.count(1)

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.time = 1_760_000_000.0
        self.blobs = BlobStore(self.folder / "blobs", False)
        self.journal = Journal(
            self.folder / "stack",
            self.blobs,
            projections.find,
            durability="memory",
            map_size=1 << 26,
            wall=lambda: self.time,
        )
        self.engine = Engine(self.journal, committer="caller")
        self.ids = Ids(next(self._seeds))
        self.settings: Settings | None = None

    def __call__(
        self, operation: str, service: str = "sqs", account: str = ACCOUNT, access_key: str | None = None, **params: Any
    ) -> dict[str, Any]:
        """Make a call; return its answer without members that are None. Raises AwsError."""
        handler = handlers.handler(service, operation)
        call = Call(
            service, operation, params, account=account, region=REGION, access_key=access_key, ids=self.ids,
            settings=self.settings,
        )  # fmt: skip
        if handler.kind == "query":
            result = self.engine.query(handler, call)
        else:
            result, _ = self.engine.command(handler, call)
        return {name: value for name, value in result.items() if value is not None}

    def pass_time(self, seconds: float) -> None:
        """Let time pass, without waiting for it."""
        self.time += seconds

    def differences(self) -> list[str]:
        """Return in words where the tables differ from what a replay of the journal gives."""
        with tempfile.TemporaryDirectory(prefix="cairn-replay-") as scratch:
            return [str(difference) for difference in compare(self.journal, Path(scratch), self.blobs)]

    def close(self) -> None:
        """Close the journal."""
        self.engine.close()
        self.journal.environment.close()
