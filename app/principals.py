"""Who calls: the account and ARN behind a request's access key."""

from __future__ import annotations

from app.engine import Engine
from app.routing import Route

_TEMPORARY = ("ASIA", "LSIA")


def principal(engine: Engine, route: Route) -> tuple[str, str]:
    """Return (account, principal ARN). Keys that STS issued on this stack give the role's account and session."""
    key = route.access_key
    if key is not None and key.startswith(_TEMPORARY):
        from app.services.sts.credentials import principal_of

        found = engine.journal.read(lambda view: principal_of(view.tables, key, view.now()))
        if found is not None:
            return found.account, found.arn
    return route.account, f"arn:aws:iam::{route.account}:root"
