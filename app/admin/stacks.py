"""/_cairn/stacks: list, create, fork, delete, reset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import falcon

from journal import ServiceReset, Writer
from journal.stacks import MAIN, BadName, NoSuchStack, StackExists

if TYPE_CHECKING:
    from app.edge import Edge


def mount(app: falcon.App, edge: Edge) -> None:
    """Add the routes."""
    served = edge.served
    app.add_route("/_cairn/stacks", StackList(served))
    app.add_route("/_cairn/stacks/{name}", OneStack(served))
    app.add_route("/_cairn/stacks/{name}/reset", Reset(served))


def described(served: Any, name: str) -> dict[str, Any]:
    """Return what is told of a stack: its name, id, head seq, and lineage."""
    journal = served.engine(name).journal
    with journal.view() as view:
        return {"name": name, "id": view.meta("stack_id"), "head": view.head()[0], "lineage": view.meta("lineage")}


class StackList:
    """All stacks."""

    def __init__(self, served: Any) -> None:
        self._served = served

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List stacks."""
        resp.media = {"stacks": [described(self._served, name) for name in self._served.stacks.names()]}

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Make a stack: `{"name": …}`, empty, or with `"from"` (and `"at"`, a seq) a fork."""
        wish = req.get_media()
        try:
            name = wish["name"]
            if wish.get("from"):
                self._served.stacks.fork(name, wish["from"], wish.get("at"))
            else:
                self._served.stacks.create(name)
        except (KeyError, TypeError) as error:
            raise falcon.HTTPBadRequest(title="BadRequest", description='the body must be {"name": …}') from error
        except (BadName, ValueError) as error:
            status = falcon.HTTPConflict if isinstance(error, StackExists) else falcon.HTTPBadRequest
            raise status(title=type(error).__name__, description=str(error)) from error
        except NoSuchStack as error:
            raise falcon.HTTPNotFound(title="NoSuchStack", description=str(error)) from error
        resp.status = 201
        resp.media = described(self._served, name)


class OneStack:
    """One stack."""

    def __init__(self, served: Any) -> None:
        self._served = served

    def on_get(self, req: falcon.Request, resp: falcon.Response, name: str) -> None:
        """Describe a stack."""
        try:
            resp.media = described(self._served, name)
        except (NoSuchStack, BadName) as error:
            raise falcon.HTTPNotFound(title="NoSuchStack", description=str(error)) from error

    def on_delete(self, req: falcon.Request, resp: falcon.Response, name: str) -> None:
        """Delete a stack; `main` is only reset, never deleted."""
        if name == MAIN:
            raise falcon.HTTPBadRequest(title="MainStack", description="the stack main cannot be deleted; reset it")
        try:
            self._served.stacks.delete(name)
        except (NoSuchStack, BadName) as error:
            raise falcon.HTTPNotFound(title="NoSuchStack", description=str(error)) from error
        resp.status = 204


class Reset:
    """A stack's services back to nothing; history keeps what was."""

    def __init__(self, served: Any) -> None:
        self._served = served

    def on_post(self, req: falcon.Request, resp: falcon.Response, name: str) -> None:
        """Reset all services, or those of `?service=…`."""
        wanted = req.get_param_as_list("service")
        try:
            engine = self._served.engine(name)
        except (NoSuchStack, BadName) as error:
            raise falcon.HTTPNotFound(title="NoSuchStack", description=str(error)) from error
        resp.media = {"reset": engine.write(lambda writer: reset(writer, wanted))}


def reset(writer: Writer, wanted: list[str] | None = None) -> list[str]:
    """Clear services (all that have a history, by default) by an event each; return their names."""
    services = [name for name in (wanted or writer.services()) if name != "cairn"]
    now = writer.now()
    for name in services:
        writer.append([(ServiceReset(name), f"arn:cairn:::service/{name}", "", "")], now, None)
    return services
