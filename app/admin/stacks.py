"""/_cairn/stacks: list, create, fork, delete, reset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import falcon
from gevent import get_hub

from app.admin.refusals import Refusal, wanted_body
from app.stacks import Served
from journal import Journal, ServiceReset, StorageFull, Writer
from journal.stacks import MAIN, Stacks

if TYPE_CHECKING:
    from app.edge import Edge


def mount(app: falcon.App, edge: Edge) -> None:
    """Add the routes."""
    served = edge.served
    app.add_route("/_cairn/stacks", StackList(served))
    app.add_route("/_cairn/stacks/{name}", OneStack(served))
    app.add_route("/_cairn/stacks/{name}/reset", Reset(served))


def described(stacks: Stacks, name: str) -> dict[str, Any]:
    """Return what is told of a stack: its name, id, head seq, lineage, and its size on disk in bytes."""
    journal = stacks.get(name)
    with journal.view() as view:
        return {
            "name": name, "id": view.meta("stack_id"), "head": view.head()[0], "lineage": view.meta("lineage"),
            "bytes": size_of(journal),
        }  # fmt: skip


def size_of(journal: Journal) -> int:
    """Return how many bytes a journal takes on the disk."""
    return (journal.path / "data.mdb").stat().st_blocks * 512


class StackList:
    """All stacks."""

    def __init__(self, served: Served) -> None:
        self._served = served

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List stacks."""
        stacks = self._served.stacks
        resp.media = {"stacks": [described(stacks, name) for name in stacks.names()]}

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Make a stack: `{"name": …}`, empty, or with `"from"` (and `"at"`, a seq) a fork."""
        wish = wanted_body(req)
        name, source, at = wish.get("name"), wish.get("from"), wish.get("at")
        if not isinstance(name, str):
            raise Refusal(400, "BadRequest", 'The body must name the stack: {"name": …}.')
        if not (source is None or isinstance(source, str)) or not (at is None or type(at) is int):
            raise Refusal(400, "BadRequest", '"from" is the name of a stack, and "at" a seq of it.')
        stacks = self._served.stacks
        if source is None and at is None:
            stacks.create(name)
        else:
            fork(stacks, name, source or MAIN, at)
        resp.status = 201
        resp.media = described(stacks, name)


def fork(stacks: Stacks, name: str, source: str, at: int | None) -> None:
    """Make a fork on a thread: copying a long history must not hold up other calls. Raises as Stacks.fork does."""
    if source == MAIN:
        stacks.get(MAIN)  # made at first use

    def work() -> Exception | None:
        try:
            stacks.fork(name, source, at)
        except (ValueError, LookupError, StorageFull) as error:
            return error  # raised on a thread, it would be printed too
        return None

    error = get_hub().threadpool.apply(work)
    if type(error) is ValueError:
        raise Refusal(400, "NoSuchPoint", f"{error}.") from error
    if error is not None:
        raise error


class OneStack:
    """One stack."""

    def __init__(self, served: Served) -> None:
        self._served = served

    def on_get(self, req: falcon.Request, resp: falcon.Response, name: str) -> None:
        """Describe a stack."""
        resp.media = described(self._served.stacks, name)

    def on_delete(self, req: falcon.Request, resp: falcon.Response, name: str) -> None:
        """Delete a stack; `main` is only reset, never deleted."""
        if name == MAIN:
            raise Refusal(400, "MainStack", "The stack main cannot be deleted; reset it.")
        self._served.stacks.delete(name)
        self._served.ring_all(name)
        resp.status = 204


class Reset:
    """A stack's services back to nothing; history keeps what was."""

    def __init__(self, served: Served) -> None:
        self._served = served

    def on_post(self, req: falcon.Request, resp: falcon.Response, name: str) -> None:
        """Reset all services, or those of `?service=…`."""
        resp.media = {"reset": reset_stack(self._served, name, req.get_param_as_list("service"))}


def reset_stack(served: Served, name: str, wanted: list[str] | None) -> list[str]:
    """Reset services of a stack that is served; return their names."""
    done: list[str] = served.engine(name).write(lambda writer: reset(writer, wanted))
    return done


def reset(writer: Writer, wanted: list[str] | None = None) -> list[str]:
    """Clear services (all that have a history, by default) by an event each; return their names."""
    have = [name for name in writer.services() if name != "cairn"]
    services = have if not wanted else [name for name in dict.fromkeys(wanted) if name in have]
    now = writer.now()
    for name in services:
        writer.append([(ServiceReset(name), f"arn:cairn:::service/{name}", "", "")], now, None)
    return services
