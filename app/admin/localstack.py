"""/_localstack/*: what LocalStack's users and their tools ask."""

from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import falcon

from app.admin.about import services, started, version
from app.admin.journal import NDJSON, line
from app.admin.metrics import gather
from app.admin.stacks import reset_stack
from app.observing import Observed
from app.stacks import Served
from journal.stacks import MAIN

if TYPE_CHECKING:
    from app.edge import Edge

_SESSION = str(uuid.uuid4())
_MACHINE = "cairn"  # LocalStack's is a telemetry id; nothing is ever sent anywhere, and nothing identifies a machine


def mount(app: falcon.App, edge: Edge) -> None:
    """Add the routes."""
    health = Health(edge.served, edge.observed)
    app.add_route("/_localstack/health", health)
    app.add_route("/health", LegacyHealth(health, edge))
    app.add_route("/_localstack/info", Info(edge.served))
    app.add_route("/_localstack/state/reset", StateReset(edge.served))
    app.add_route("/_localstack/state/{service}/reset", StateReset(edge.served))


class Health:
    """The services: `available`, `running` once they were used, or `disabled`."""

    def __init__(self, served: Served, observed: Observed) -> None:
        self._served = served
        self._observed = observed

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Answer in LocalStack's shape."""
        resp.media = self.told()

    def on_head(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Answer 200."""

    def told(self) -> dict[str, Any]:
        """Return the state of all services."""
        settings = self._served.settings
        self._observed.gather()
        totals = gather(Path(settings.data) / "run", os.getppid())
        used = {key[0] for calls in (totals.calls, self._observed.counts) for key in calls}
        return {
            "services": {
                name: "disabled" if settings.services and name not in settings.services
                else "running" if name in used else "available"
                for name in services()
            },
            "edition": "community",
            "version": version(),
        }  # fmt: skip


class LegacyHealth:
    """`GET /health`, as early LocalStacks had it. A call to S3 about a bucket of that name goes where it belongs."""

    def __init__(self, health: Health, edge: Edge) -> None:
        self._health = health
        self._edge = edge

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Answer as /_localstack/health does, unless the request is signed."""
        signed = req.get_header("Authorization") or "Signature=" in req.query_string
        if signed or req.query_string:
            self._pass_on(req, resp)
        else:
            self._health.on_get(req, resp)

    def _pass_on(self, req: falcon.Request, resp: falcon.Response) -> None:
        from app.edge import request_of

        environ = req.env
        response = self._edge.answer(request_of(environ), environ.get("cairn.connected"))
        environ["cairn.response"] = response

    on_head = on_put = on_post = on_delete = on_options = on_patch = _pass_on


class Info:
    """What runs."""

    def __init__(self, served: Served) -> None:
        self._data = Path(served.settings.data)

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Answer in LocalStack's shape."""
        resp.media = {
            "version": version(), "edition": "community", "is_license_activated": False, "session_id": _SESSION,
            "machine_id": _MACHINE, "system": sys.platform, "is_docker": Path("/.dockerenv").exists(),
            "server_time_utc": datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="seconds"),
            "uptime": int(time.time() - started(self._data)),
        }  # fmt: skip


class StateReset:
    """The main stack's services back to nothing."""

    def __init__(self, served: Served) -> None:
        self._served = served

    def on_post(self, req: falcon.Request, resp: falcon.Response, service: str | None = None) -> None:
        """Reset all services, or one; a line for each."""
        done = reset_stack(self._served, MAIN, [service] if service else None)
        resp.content_type = NDJSON
        resp.data = b"".join(_told(done))


def _told(names: list[str]) -> Iterator[bytes]:
    for name in names:
        yield line({"service": name, "status": "ok"})
