"""/_cairn/snapshot: a stack as a file, out and in."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import falcon
import orjson

from app.admin.examine import Work
from app.admin.journal import NDJSON
from app.admin.refusals import Refusal
from app.http import Truncated
from app.stacks import Served
from journal.stacks import MAIN

if TYPE_CHECKING:
    from app.edge import Edge

PIECE = 1024 * 1024
_STATUS = {"StackExists": 409, "StorageFull": 507, "InternalFailure": 500}  # of an import; what else fails is the file


def mount(app: falcon.App, edge: Edge) -> None:
    """Add the route."""
    app.add_route("/_cairn/snapshot", Snapshot(edge.served))


class Snapshot:
    """A stack as a `.cairn` file."""

    def __init__(self, served: Served) -> None:
        self._served = served

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Export: stream a stack's snapshot; `stack`, and `at`, a seq. An answer that is cut short has failed."""
        stack = req.get_param("stack", default=MAIN)
        at = req.get_param_as_int("at", min_value=0)
        with self._served.stacks.get(stack).view() as view:
            head = view.head()[0]
        if at is not None and at > head:
            raise Refusal(400, "NoSuchPoint", f"{stack} has events 1 to {head}; there is no {at}.")
        resp.content_type = "application/vnd.cairn.snapshot"
        resp.downloadable_as = f"{stack}.cairn"
        resp.set_header("x-cairn-seq", str(head if at is None else at))
        work = Work(self._served, "export", stack, *([] if at is None else [str(at)]))
        pieces = work.pieces()
        try:
            first = next(pieces, b"")  # a failure at once is a refusal, not half an answer
        except OSError as error:
            raise _refused(str(error)) from error
        resp.stream = _chained(first, pieces)

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Import: the body is a snapshot, of which the stack `into` (main by default) is made.

        `replace=1`: also where it holds something. Nothing changes unless the snapshot is whole. A caller that accepts
        NDJSON is told of progress.
        """
        into = req.get_param("into", default=MAIN)
        replace = req.get_param_as_bool("replace", default=False)
        self._served.stacks.folder(into)  # is it a name?
        file = self._spooled(req)
        lines = self._import(file, into, replace)
        if NDJSON in (req.get_header("Accept") or ""):
            resp.content_type = NDJSON
            resp.stream = lines
            return
        last = {}
        for line in lines:
            last = orjson.loads(line)
        if "error" in last:
            code = last["error"]["code"]
            raise Refusal(_STATUS.get(code, 400), code, last["error"]["message"])
        resp.status = 201
        resp.media = last.get("done", {})

    def _spooled(self, req: falcon.Request) -> str:
        """Write the body to a temporary file on the data directory's disk; return its path."""
        fd, path = tempfile.mkstemp(prefix="import-", suffix=".cairn", dir=Path(self._served.settings.data) / "run")
        try:
            with os.fdopen(fd, "wb") as file:
                _copy(req.env["wsgi.input"], file)
        except BaseException as error:
            os.unlink(path)
            if isinstance(error, Truncated):
                raise Refusal(400, "IncompleteBody", "The snapshot ended before it was complete.") from error
            raise
        return path

    def _import(self, path: str, into: str, replace: bool) -> Iterator[bytes]:
        try:
            yield from Work(self._served, "import", into, path, *(["replace"] if replace else [])).lines()
            self._served.ring_all(into)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)


def _copy(source: BinaryIO, target: BinaryIO) -> None:
    while piece := source.read(PIECE):
        target.write(piece)


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _refused(told: str) -> Refusal:
    lines = [line for line in told.splitlines() if line.startswith('{"error"')]
    if not lines:
        return Refusal(500, "InternalFailure", told.strip().splitlines()[-1] if told.strip() else "The export failed.")
    error = orjson.loads(lines[-1])["error"]
    return Refusal(400, error["code"], error["message"])
