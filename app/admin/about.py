"""/_cairn/health and /_cairn/info: whether Cairn answers, and what it is."""

from __future__ import annotations

import functools
import json
import os
import pkgutil
import time
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import falcon
from gevent import get_hub

from app.admin.stacks import described
from app.data_directory import server_file
from app.stacks import Served
from journal.stacks import MAIN

if TYPE_CHECKING:
    from app.edge import Edge

_STARTED = time.time()


def mount(app: falcon.App, edge: Edge) -> None:
    """Add the routes."""
    app.add_route("/_cairn/health", Health(edge.served))
    app.add_route("/_cairn/info", Info(edge.served))


@functools.cache
def version() -> str:
    """Return Cairn's version."""
    try:
        return metadata.version("cairn-aws")
    except metadata.PackageNotFoundError:  # run from a checkout that is not installed
        return "0+unknown"


@functools.cache
def services() -> tuple[str, ...]:
    """Return botocore's names of the services that Cairn has, without importing them."""
    import app.services

    return tuple(
        sorted(module.name.rstrip("_").replace("_", "-") for module in pkgutil.iter_modules(app.services.__path__))
    )


def started(data: Path) -> float:
    """Return when the server that serves a data directory was started, in seconds since the epoch."""
    try:
        return datetime.fromisoformat(json.loads(server_file(data).read_text())["started"]).timestamp()
    except (OSError, ValueError, KeyError):
        return _STARTED


class Health:
    """Whether calls are answered: the main stack's journal can be read."""

    def __init__(self, served: Served) -> None:
        self._served = served

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Answer 200 where all is well."""
        with self._served.stacks.get(MAIN).view() as view:
            head = view.head()[0]
        resp.media = {"status": "ok", "version": version(), "head": head}

    on_head = on_get


class Info:
    """What serves, since when, with which settings, and what it holds."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._blobs = {"count": 0, "bytes": 0}
        self._counted = float("-inf")

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Describe the server and its stacks; `?stacks=0` leaves out the stacks, which takes a moment where they are many."""
        settings, stacks = self._served.settings, self._served.stacks
        data = Path(settings.data)
        since = started(data)
        told: dict[str, Any] = {
            "version": version(), "pid": os.getppid(), "worker": os.getpid(), "data": str(data),
            "durability": settings.durability, "workers": settings.workers, "listen": list(settings.listen),
            "started": datetime.fromtimestamp(since, UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "uptime": round(time.time() - since, 1), "services": list(settings.services or services()),
        }  # fmt: skip
        if req.get_param_as_bool("stacks", default=True):
            told["stacks"] = [described(stacks, name) for name in stacks.names()]
            told["blobs"] = self._count_blobs()
        resp.media = told

    def _count_blobs(self) -> dict[str, int]:
        """Count blobs, on a thread and at most every ten seconds: there may be a great many."""
        now = time.monotonic()
        if now - self._counted > 10:
            self._counted = now
            self._blobs = get_hub().threadpool.apply(count_blobs, (Path(self._served.settings.data),))
        return self._blobs


def count_blobs(data: Path) -> dict[str, int]:
    """Return how many blobs a data directory has, and their bytes."""
    count = size = 0
    for folder in (data / "blobs").glob("??"):
        with os.scandir(folder) as entries:
            for entry in entries:
                count += 1
                size += entry.stat().st_size
    return {"count": count, "bytes": size}
