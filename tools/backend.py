"""Where commands get their answers: from a running server over HTTP, or from a data directory whose server is stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from tools.options import DEFAULT_ENDPOINT, Where, data_directory, fail

Line = dict[str, Any]
Tell = Callable[[Line], None]


class Backend(Protocol):
    """What can be asked, of whichever of the two. Failures end the command with what to do next (tools.options.fail)."""

    where: str  # for people: an endpoint, or a folder

    def info(self) -> Line:
        """Return what /_cairn/info answers; a stopped server has no pid."""

    def stacks(self) -> list[Line]:
        """Return all stacks."""

    def log(self, stack: str, wishes: Mapping[str, Any], follow: bool) -> Iterator[Line]:
        """Yield the journal's commands; for ever where they are followed."""

    def show(self, stack: str, seq: int) -> Line:
        """Return one command with its call and its events."""

    def verify(self, stack: str, blobs: bool, tell: Tell) -> None:
        """Verify; tell lines of progress, problems and the end."""

    def replay(self, stack: str, tell: Tell) -> None:
        """Replay and compare; tell lines of progress, differences and the end."""

    def export(self, stack: str, file: BinaryIO, at: int | None, tell: Tell) -> None:
        """Write a snapshot to a file."""

    def import_(self, path: Path, stack: str, replace: bool, tell: Tell) -> None:
        """Make a stack of a snapshot; with `replace`, in the place of one that holds something."""

    def fork(self, name: str, source: str, at: int | None) -> Line:
        """Make a fork; return it."""

    def delete(self, stack: str) -> None:
        """Delete a stack."""

    def reset(self, stack: str, services: list[str]) -> list[str]:
        """Clear services (none: all); return their names."""


def find(where: Where) -> Backend:
    """Return what answers: the server that was named, the one that has the data directory, or the directory itself.

    Where nothing was named and no server has ./.cairn, one at localhost:4566 is taken before the directory.
    """
    from tools.over_http import Http
    from tools.running import running

    if where.endpoint:
        return Http(where.endpoint)
    data = data_directory(where)
    server = running(data)
    if server is not None:
        return Http(server.url)
    if where.data is None:
        near = Http(DEFAULT_ENDPOINT)
        if near.answers():
            return near
    return stopped(data, where)


def stopped(data: Path, where: Where) -> Backend:
    """Return the backend of a directory without a server."""
    if not (data / "stacks").is_dir():
        if where.data is None:
            fail(
                f"No server answers at {DEFAULT_ENDPOINT}, and there is no Cairn data in {data}.",
                "Start one with `cairn start`, or say where yours is with --data DIR or --endpoint URL.",
            )
        fail(f"There is no Cairn data in {data}.", f"Start a server on it with `cairn start --data {where.data}`.")
    from tools.directly import Direct

    return Direct(data)
