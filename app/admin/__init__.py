"""The admin endpoints: /_cairn/*, /_localstack/*, /_aws/*. A module a subject; `add_routes` mounts them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import falcon

if TYPE_CHECKING:
    from app.edge import Edge


def add_routes(app: falcon.App, edge: Edge) -> None:
    """Mount every admin endpoint."""
    from app.admin import stacks

    stacks.mount(app, edge)
