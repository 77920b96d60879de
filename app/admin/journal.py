"""/_cairn/log, /_cairn/show and /_cairn/events: the journal, read."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import falcon
import gevent
import orjson
from gevent.event import Event as Signal

from app import history
from app.history import Entry, Filter
from app.stacks import Served
from journal.stacks import MAIN, NoSuchStack

if TYPE_CHECKING:
    from app.edge import Edge

NDJSON = "application/x-ndjson"
HEARTBEAT = 5.0  # seconds of silence after which a follower is sent an empty line, which finds out who has gone


def mount(app: falcon.App, edge: Edge) -> None:
    """Add the routes."""
    from app import worker

    followers = Followers(edge.served)
    worker.on_stopping.append(followers.end)
    app.add_route("/_cairn/log", Log(edge.served, followers))
    app.add_route("/_cairn/show/{seq:int}", Show(edge.served))
    app.add_route("/_cairn/events/{seq:int}", OneEvent(edge.served))


def line(told: Any) -> bytes:
    """Return one line of NDJSON."""
    return orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)


class Followers:
    """Those who wait for a stack's next commit."""

    def __init__(self, served: Served) -> None:
        self._waiting: dict[str, set[Signal]] = {}
        self._ended = False
        served.on_ring.append(self._ring)

    def _ring(self, stack: str) -> None:
        for signal in self._waiting.get(stack, ()):
            signal.set()

    def enter(self, stack: str) -> Signal:
        """Return a signal that is set by each commit to a stack, until leave()."""
        signal = Signal()
        self._waiting.setdefault(stack, set()).add(signal)
        return signal

    def leave(self, stack: str, signal: Signal) -> None:
        """Forget a signal."""
        self._waiting[stack].discard(signal)

    def wait(self, signal: Signal) -> bool:
        """Wait for a commit, or the heartbeat's time; tell whether to go on."""
        if not self._ended:
            signal.wait(HEARTBEAT)
            signal.clear()
        return not self._ended

    def end(self) -> None:
        """Let all followers end: the process stops."""
        self._ended = True
        for signals in self._waiting.values():
            for signal in signals:
                signal.set()


class Log:
    """The journal, a line a command."""

    def __init__(self, served: Served, followers: Followers) -> None:
        self._served = served
        self._followers = followers

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Stream commands as NDJSON. `stack`, the filters of history.Filter, and `follow=1`: go on for ever."""
        wishes = {name: value for name, value in req.params.items() if name not in ("stack", "follow")}
        stack = req.get_param("stack", default=MAIN)
        follow = req.get_param_as_bool("follow", default=False)
        wanted = Filter.of(wishes, time.time())
        journal = self._served.stacks.get(stack)
        resp.content_type = NDJSON
        if not follow:
            resp.stream = _lines(history.log(journal, wanted))
            return
        resp.set_header("connection", "close")  # it ends with the server's stop, which would wait for a next request
        resp.stream = self._follow(stack, wanted)

    def _follow(self, stack: str, wanted: Filter) -> Iterator[bytes]:
        """Yield the last `limit` entries there are (none, by default), then all that come until the stack is deleted."""
        signal = self._followers.enter(stack)
        with contextlib.suppress(NoSuchStack), contextlib.ExitStack() as left:
            left.callback(self._followers.leave, stack, signal)
            stacks = self._served.stacks
            head = history.head(stacks.get(stack))
            if wanted.limit:
                yield from _lines(history.last_of(history.log(stacks.get(stack), history.newest(wanted, head))))
            entries = history.follow(lambda: stacks.get(stack), wanted, head, lambda: self._followers.wait(signal))
            for entry in entries:
                yield b"\n" if entry is None else line(entry)


def _lines(entries: Iterable[Entry | None]) -> Iterator[bytes]:
    for entry in entries:
        if entry is None:
            gevent.sleep(0)
        else:
            yield line(entry)


class Show:
    """One command: its call and its events in full."""

    def __init__(self, served: Served) -> None:
        self._served = served

    def on_get(self, req: falcon.Request, resp: falcon.Response, seq: int) -> None:
        """Show the command that an event belongs to."""
        resp.media = history.show(self._served.stacks.get(req.get_param("stack", default=MAIN)), seq)


class OneEvent:
    """One event."""

    def __init__(self, served: Served) -> None:
        self._served = served

    def on_get(self, req: falcon.Request, resp: falcon.Response, seq: int) -> None:
        """Show one event."""
        shown = history.show(self._served.stacks.get(req.get_param("stack", default=MAIN)), seq)
        resp.media = next(event for event in shown["events"] if event["seq"] == seq)
