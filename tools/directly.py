"""The backend that reads and writes a data directory itself, for when its server is stopped."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from app import history, long_work
from journal.stacks import MAIN, NoSuchStack, Stacks
from tools.backend import Line, Tell
from tools.options import fail
from tools.over_http import advice_for, sentence

LOOK_AGAIN = 0.25  # seconds between two looks at a journal that is followed


class Direct:
    """A data directory."""

    def __init__(self, data: Path) -> None:
        self.where = str(data)
        self._data = data
        self._durability = os.environ.get("CAIRN_DURABILITY") or "strict"

    @contextmanager
    def _opened(self, write: bool = False) -> Iterator[Stacks]:
        """The directory's stacks; what goes wrong with them ends the command in plain words."""
        try:
            with long_work.opened(self._data, self._durability, readonly=not write) as stacks:
                if write:
                    stacks.get(MAIN)  # made at first use
                yield stacks
        except long_work.FAILURES as error:
            told = long_work.complaint(error)["error"]
            code = "NoSuchPoint" if type(error) is ValueError else told["code"]
            fail(sentence(told["message"]), advice_for(code))

    def info(self) -> Line:
        from app.admin.about import count_blobs, version

        return {
            "version": version(), "pid": None, "data": str(self._data), "stacks": self.stacks(),
            "blobs": count_blobs(self._data),
        }  # fmt: skip

    def stacks(self) -> list[Line]:
        from app.admin.stacks import described

        with self._opened() as stacks:
            return [described(stacks, name) for name in stacks.names()]

    def log(self, stack: str, wishes: Mapping[str, Any], follow: bool) -> Iterator[Line]:
        with self._opened() as stacks:
            wanted = history.Filter.of(wishes, time.time())
            journal = stacks.get(stack)
            if not follow:
                yield from (entry for entry in history.log(journal, wanted) if entry is not None)
                return
            head = history.head(journal)
            if wanted.limit:
                yield from history.last_of(history.log(journal, history.newest(wanted, head)))
            for entry in history.follow(lambda: stacks.get(stack), wanted, head, _look_again):
                if entry is not None:
                    yield entry

    def show(self, stack: str, seq: int) -> Line:
        with self._opened() as stacks:
            return history.show(stacks.get(stack), seq)

    def verify(self, stack: str, blobs: bool, tell: Tell) -> None:
        with self._opened() as stacks:
            long_work.verify(stacks, stack, tell, blobs)

    def replay(self, stack: str, tell: Tell) -> None:
        with self._opened() as stacks:
            long_work.replay(stacks, stack, tell)

    def export(self, stack: str, file: BinaryIO, at: int | None, tell: Tell) -> None:
        with self._opened() as stacks:
            long_work.export(stacks, stack, file, tell, at)

    def import_(self, path: Path, stack: str, replace: bool, tell: Tell) -> None:
        with self._opened(write=True) as stacks, path.open("rb") as file:
            long_work.import_(stacks, file, stack, tell, replace)

    def fork(self, name: str, source: str, at: int | None) -> Line:
        from app.admin.stacks import described

        with self._opened(write=True) as stacks:
            stacks.fork(name, source, at)
            return described(stacks, name)

    def delete(self, stack: str) -> None:
        with self._opened(write=True) as stacks:
            stacks.delete(stack)

    def reset(self, stack: str, services: list[str]) -> list[str]:
        from app.admin.stacks import reset

        with self._opened(write=True) as stacks:
            if stack not in stacks.names():
                raise NoSuchStack(f"there is no stack {stack!r}")
            return stacks.get(stack).write(lambda writer: reset(writer, services))


def _look_again() -> bool:
    time.sleep(LOOK_AGAIN)
    return True
