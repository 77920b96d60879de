"""The admin endpoints: /_cairn/*, /_localstack/*, /health. A module a subject; `add_routes` mounts all there are."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

import falcon

if TYPE_CHECKING:
    from app.edge import Edge


def add_routes(app: falcon.App, edge: Edge) -> None:
    """Mount every module here that has `mount(app, edge)`, and let all of them complain in the same form."""
    from app.admin import refusals

    for found in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"app.admin.{found.name}")
        if module is not refusals and hasattr(module, "mount"):
            module.mount(app, edge)
    refusals.mount(app)
    app.add_middleware(refusals.OnlyFromHere(edge.origins))
