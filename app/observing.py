"""What is told of calls: one access-log line each, and counters for /_cairn/metrics.

Lines are gathered and written together a few times a second. Counters live in this process and are written to
`<data>/run/metrics-<pid>.json` now and then, so that whichever worker is asked can add them up.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, TextIO

import gevent
import orjson

from app.config import Settings
from app.errors import AwsError
from app.http import Request
from app.routing import Route

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0)
_FLUSH = 0.2
_SAVE = 2.0


class Observed:
    """One process's view of the calls it answered."""

    def __init__(self, settings: Settings, out: TextIO | None = None) -> None:
        self._json = settings.log_format == "json"
        self._out = out if out is not None else sys.stderr
        self._colour = not self._json and self._out.isatty()
        self._quiet = settings.log_level in ("warn", "warning", "error")
        self._lines: list[str] = []
        self._flusher: Any = None
        self._saved = 0.0
        self._path = Path(settings.data) / "run" / f"metrics-{os.getpid()}.json"
        self.counts: dict[tuple[str, str, int], list[float]] = {}  # (service, operation, status): buckets…, count, seconds

    def call(self, route: Route, status: int, began: float, request: Request, request_id: str) -> None:
        """Note a call that was answered."""
        self._note(route.service, route.operation, status, began, request, request_id, route.stack, "")

    def failure(
        self, service: str, operation: str | None, status: int, began: float, request: Request, request_id: str, error: AwsError
    ) -> None:
        """Note a call that was refused."""
        self._note(service, operation or "-", status, began, request, request_id, "", error.code)

    def _note(
        self, service: str, operation: str, status: int, began: float, request: Request, request_id: str, stack: str, error: str
    ) -> None:
        took = time.perf_counter() - began
        row = self.counts.get((service, operation, status))
        if row is None:
            row = self.counts[service, operation, status] = [0.0] * (len(BUCKETS) + 2)
        for at, bound in enumerate(BUCKETS):
            if took <= bound:
                row[at] += 1
                break
        row[-2] += 1
        row[-1] += took
        if self._quiet:
            if self._flusher is None:
                self._flusher = gevent.spawn_later(_FLUSH, self._flush)
            return
        if self._json:
            self._lines.append(
                json.dumps(
                    {
                        "time": time.time(), "service": service, "operation": operation, "status": status,
                        "ms": round(took * 1000, 3), "stack": stack, "request_id": request_id, "error": error,
                        "method": request.method, "path": request.path, "remote": request.remote,
                    }
                )
            )  # fmt: skip
        else:
            self._lines.append(f"{time.time():.3f}\0{service}.{operation}\0{status}\0{took * 1000:.1f}\0{error}")
        if self._flusher is None:
            self._flusher = gevent.spawn_later(_FLUSH, self._flush)

    def _flush(self) -> None:
        self._flusher = None
        lines, self._lines = self._lines, []
        if lines:
            text = "\n".join(lines) if self._json else "\n".join(self._human(line) for line in lines)
            with contextlib.suppress(OSError, ValueError):
                self._out.write(text + "\n")
                self._out.flush()
        now = time.monotonic()
        if now - self._saved > _SAVE:
            self._saved = now
            self.save()
        elif self._flusher is None:
            self._flusher = gevent.spawn_later(_SAVE, self._flush)

    def _human(self, line: str) -> str:
        moment, name, status, took, error = line.split("\0")
        clock = time.strftime("%H:%M:%S", time.localtime(float(moment))) + moment[moment.index(".") :]
        if self._colour:
            paint = "\x1b[32m" if status < "4" else "\x1b[33m" if status < "5" else "\x1b[31m"
            status = f"{paint}{status}\x1b[0m"
        return f"{clock} {name} {status} {took} ms {error}".rstrip()

    def save(self) -> None:
        """Write the counters where the other workers find them."""
        rows = [[*key, *row] for key, row in self.counts.items()]
        temporary = self._path.with_suffix(f".{os.getpid()}")
        with contextlib.suppress(OSError):
            temporary.write_bytes(orjson.dumps(rows))
            os.replace(temporary, self._path)
