"""Ends a child process when the arbiter is gone, however it went and whatever the child is busy with.

The arbiter holds one end of a pipe and never writes to it; the kernel closes that end with the arbiter. A native
thread waits at the other: a greenlet would not run while the hub is held up by a slow flush, and asking for the
parent's pid now and then is late by that interval, during which a new server finds the port taken.
"""

from __future__ import annotations

import os

from gevent import monkey


def end_with_arbiter(lifeline: int, patience: float = 0.0) -> None:
    """From now on, end this process `patience` seconds after the pipe `lifeline` has ended."""
    start_thread = monkey.get_original("_thread", "start_new_thread")
    sleep = monkey.get_original("time", "sleep")

    def watch() -> None:
        # No logging here: its locks are gevent's, and this thread has no hub.
        os.read(lifeline, 1)
        sleep(patience)
        os.write(2, b"Cairn's server process is gone; process %d ends\n" % os.getpid())
        os._exit(1)

    start_thread(watch, ())
