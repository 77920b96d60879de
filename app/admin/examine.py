"""/_cairn/verify and /_cairn/replay: is the journal whole, and are the tables what it says? Work of a process of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import falcon
from gevent import subprocess

from app import long_work
from app.admin.journal import NDJSON
from app.stacks import Served
from journal.stacks import MAIN, NoSuchStack

if TYPE_CHECKING:
    from app.edge import Edge


def mount(app: falcon.App, edge: Edge) -> None:
    """Add the routes."""
    app.add_route("/_cairn/verify", Verify(edge.served))
    app.add_route("/_cairn/replay", Replay(edge.served))


class Work:
    """Long work in a process of its own, which ends with whoever waits for it."""

    def __init__(
        self, served: Served, kind: Literal["verify", "replay", "import", "export"], stack: str, *more: str
    ) -> None:
        """`more` as long_work.main takes it. The process is started when the first of its lines or pieces is asked for."""
        self._command, self._environment = long_work.command(kind, Path(served.settings.data), stack, *more)
        self._environment["CAIRN_DURABILITY"] = served.settings.durability
        self._process: Any = None

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._command, env=self._environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def lines(self) -> Iterator[bytes]:
        """Yield its lines as they come; where it dies without a last word, an error line."""
        self._start()
        try:
            last = b""
            for line in self._process.stdout:
                last = line
                yield line
            if self._process.wait() and not last.startswith(b'{"error"'):
                yield _died(self._process.stderr.read())
        finally:
            self.end()

    def pieces(self, size: int = 256 * 1024) -> Iterator[bytes]:
        """Yield what it writes. Raises OSError where it fails: whoever reads must not take a part for the whole."""
        self._start()
        try:
            while piece := self._process.stdout.read1(size):
                yield piece
            if self._process.wait():
                raise OSError(self._process.stderr.read()[-2000:].decode(errors="replace"))
        finally:
            self.end()

    def end(self) -> None:
        """End the process where it runs yet."""
        with contextlib.suppress(ProcessLookupError):
            if self._process.poll() is None:
                self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        self._process.stderr.close()


def _died(told: bytes) -> bytes:
    from app.admin.journal import line
    from app.admin.refusals import body

    words = told.decode(errors="replace").strip().splitlines()
    return line(body("InternalFailure", words[-1] if words else "The process that did the work was killed."))


def _exists(served: Served, stack: str) -> None:
    """Raise NoSuchStack where there is none. It is not opened: it may be damaged."""
    if stack != MAIN and stack not in served.stacks.names():
        raise NoSuchStack(f"there is no stack {stack!r}")


class Verify:
    """Check a stack's journal."""

    def __init__(self, served: Served) -> None:
        self._served = served

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Stream progress and problems as NDJSON; the last line is `done`, or `error`. `stack`, `blobs=0`."""
        stack = req.get_param("stack", default=MAIN)
        _exists(self._served, stack)
        blobs = req.get_param_as_bool("blobs", default=True)
        resp.content_type = NDJSON
        resp.stream = Work(self._served, "verify", stack, "blobs" if blobs else "no-blobs").lines()

    on_post = on_get


class Replay:
    """Fold a stack's events anew, and compare."""

    def __init__(self, served: Served) -> None:
        self._served = served

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Stream progress and differences as NDJSON; the last line is `done`, or `error`. `stack`."""
        stack = req.get_param("stack", default=MAIN)
        _exists(self._served, stack)
        resp.content_type = NDJSON
        resp.stream = Work(self._served, "replay", stack).lines()

    on_post = on_get
