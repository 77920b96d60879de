"""What is told of calls: one access-log line each, and counters for /_cairn/metrics.

A call costs one append. A few times a second what was gathered is counted and written, and now and then the counters go
to `<data>/run/metrics-<pid>.json`, so that whichever worker is asked can add them up.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from bisect import bisect_left
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import gevent
import orjson

from app.config import Settings
from app.errors import AwsError
from app.http import Request
from app.routing import Route

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0)  # seconds
FORMAT = 2  # of the saved file
_FLUSH = 0.05  # seconds; short, so that writing what gathered stalls nobody between two writes of the log
_SAVE = 2.0  # seconds between two writes of the counters

_wall = time.time
_clock = time.perf_counter

# when, seconds taken, service, operation, status, stack, account, region, request id, error, method, path, remote
Noted = tuple[float, float, str, str, int, str, str, str, str, str, str, str, str]


class Observed:
    """One process's view of the calls it answered."""

    def __init__(self, settings: Settings, out: TextIO | None = None) -> None:
        self._json = settings.log_format == "json"
        self._out = out if out is not None else sys.stderr
        self._colour = not self._json and self._out.isatty()
        self._quiet = settings.log_level in ("warn", "warning", "error")
        self._noted: list[Noted] = []
        self._flusher: Any = None
        self._saver: Any = None
        self._delay = _FLUSH
        self._clock = (-1, "")  # the second for which its text is known
        self._path = Path(settings.data) / "run" / f"metrics-{os.getpid()}.json"
        self.measures: Callable[[], dict[str, float]] = dict  # what else is saved: the engines' counters
        # (service, operation, status): calls by bucket, those beyond the last, seconds in all
        self.counts: dict[tuple[str, str, int], list[float]] = {}

    def call(self, route: Route, status: int, began: float, request: Request, request_id: str) -> None:
        """Note a call that was answered. `began`: time.perf_counter() when it came."""
        self._noted.append((
            _wall(), _clock() - began, route.service, route.operation, status, route.stack, route.account, route.region,
            request_id, "", request.method, request.path, request.remote,
        ))  # fmt: skip
        if self._flusher is None:
            self._flusher = gevent.spawn_later(self._delay, self._flush)

    def failure(
        self, service: str, operation: str | None, status: int, began: float, request: Request, request_id: str,
        error: AwsError, route: Route | None = None,
    ) -> None:  # fmt: skip
        """Note a call that was refused; `route` is None where that is because nobody knows what it meant."""
        stack, account, region = ("", "", "") if route is None else (route.stack, route.account, route.region)
        self._noted.append((
            _wall(), _clock() - began, service, operation or "-", status, stack, account, region,
            request_id, error.code, request.method, request.path, request.remote,
        ))  # fmt: skip
        if self._flusher is None:
            self._flusher = gevent.spawn_later(self._delay, self._flush)

    def _flush(self) -> None:
        self._flusher = None
        self.gather()
        if self._saver is None:
            self._saver = gevent.spawn_later(_SAVE, self.save)

    def gather(self) -> None:
        """Count and write what was noted since the last time."""
        noted, self._noted = self._noted, []
        if noted:
            self._count(noted)
            if not self._quiet:
                self._write(noted)

    def finish(self) -> None:
        """Write all there is, and from now on without delay: the process ends."""
        self._delay = 0.0
        self.gather()
        self.save()

    def _count(self, noted: list[Noted]) -> None:
        counts = self.counts
        for _, took, service, operation, status, *_ in noted:
            row = counts.get((service, operation, status))
            if row is None:
                row = counts[service, operation, status] = [0.0] * (len(BUCKETS) + 2)
            row[bisect_left(BUCKETS, took)] += 1
            row[-1] += took

    def _write(self, noted: list[Noted]) -> None:
        line = self._structured if self._json else self._human
        with contextlib.suppress(OSError, ValueError):
            self._out.write("\n".join([line(call) for call in noted]) + "\n")
            self._out.flush()

    def _structured(self, call: Noted) -> str:
        when, took, service, operation, status, stack, account, region, request_id, error, method, path, remote = call
        fields: dict[str, Any] = {
            "time": round(when, 6), "service": service, "operation": operation, "status": status,
            "duration_ms": round(took * 1000, 3), "stack": stack, "account": account, "region": region,
            "request_id": request_id, "method": method, "path": path, "remote": remote,
        }  # fmt: skip
        if error:
            fields["error"] = error
        return orjson.dumps(fields).decode()

    def _human(self, call: Noted) -> str:
        when, took, service, operation, status, stack, account, region, request_id, error, *_ = call
        second = int(when)
        if second != self._clock[0]:
            self._clock = second, time.strftime("%H:%M:%S", time.localtime(second))
        shown = str(status)
        if self._colour:
            shown = f"\x1b[3{'2' if status < 400 else '3' if status < 500 else '1'}m{status}\x1b[0m"
        where = f" {account}/{region}" if account else ""
        if stack and stack != "main":
            where = f" {stack}:{where[1:]}"
        millis = int((when - second) * 1000)
        told = f" {error}" if error else ""
        return f"{self._clock[1]}.{millis:03d} {shown} {service}.{operation}{told} {took * 1000:.1f} ms{where} {request_id}"

    def save(self) -> None:
        """Write the counters where the other workers find them."""
        self._saver = None
        rows = [[*key, *row] for key, row in self.counts.items()]
        saved = {"format": FORMAT, "server": os.getppid(), "calls": rows, "measures": self.measures()}
        temporary = self._path.with_name(f".metrics-{os.getpid()}")
        with contextlib.suppress(OSError):
            temporary.write_bytes(orjson.dumps(saved))
            os.replace(temporary, self._path)
