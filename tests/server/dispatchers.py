"""Dispatchers that the tests run; imported by name in the dispatcher's process."""

import os
from pathlib import Path

from gevent import monkey


def run(options, stop):
    """Tell our pid, wait, tell that we ended in good order."""
    (options.data / "dispatcher.pid").write_text(str(os.getpid()))
    while not stop():
        stop.wait(0.05)
    (options.data / "dispatcher.ended").write_text(str(os.getpid()))


def stubborn(options, stop):
    """Never stop."""
    (options.data / "dispatcher.pid").write_text(str(os.getpid()))
    while True:
        stop.wait(0.1) and __import__("time").sleep(0.1)


def fails(options, stop):
    """End at once, and count how often."""
    count = Path(options.data / "dispatcher.count")
    count.write_text(str(int(count.read_text()) + 1 if count.exists() else 1))
    raise RuntimeError("this dispatcher cannot start")


def busy(options, stop):
    """Hold the hub up, as a slow disk does."""
    (options.data / "dispatcher.pid").write_text(str(os.getpid()))
    monkey.get_original("time", "sleep")(60)
