"""The dispatcher process: reactors behind every stack's journal."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from gevent import monkey

log = logging.getLogger("cairn.dispatcher")


def run(options: Any, stop: Any) -> None:
    """Run until told to stop. Called in a process of its own, forked by the arbiter before it opened anything.

    `stop`: an event with is_set() and wait(seconds), or a callable that tells whether to stop.
    """
    monkey.patch_all()
    from app.config import load
    from app.dispatcher.reactions import Reactions
    from app.stacks import Served

    served = Served(load())
    reactions = Reactions(served)
    stopped: Callable[[], bool] = stop if callable(stop) else stop.is_set
    try:
        reactions.run(stopped)
    finally:
        served.close()
