"""The server that has a data directory: finding it, stopping it, starting it in the background."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from app.data_directory import DirectoryLock, server_file

PATIENCE = 60.0  # seconds a server has to answer, or to stop (it lets requests in flight end, for 30)
LOG_LIMIT = 64 * 1024 * 1024  # a log longer than this is put aside at the next start


class Server(NamedTuple):
    """A running server."""

    pid: int
    addresses: list[str]
    started: str

    @property
    def url(self) -> str:
        """Where it is reached from this machine."""
        address = next((one for one in self.addresses if one.startswith("http")), self.addresses[0])
        return address.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


class NotStarted(Exception):
    """A server in the background ended before it answered; `told` is the end of its log."""

    def __init__(self, status: int | None, told: str) -> None:
        super().__init__("it did not answer in time" if status is None else f"it ended with status {status}")
        self.told = told


def running(data: Path) -> Server | None:
    """Return the server that has a data directory, or None."""
    try:
        note = json.loads(server_file(data).read_text())
        server = Server(int(note["pid"]), list(note["addresses"]), str(note["started"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return server if alive(server.pid) and _locked(data) else None


def _locked(data: Path) -> bool:
    """Tell whether a process has a data directory. Asked only where one most likely has: for a moment it takes the lock."""
    lock = DirectoryLock(data / "cairn.lock")
    try:
        if not lock.acquire():
            return True
    except OSError:
        return False
    lock.release()
    return False


def log_file(data: Path) -> Path:
    """Return where a server in the background writes."""
    return data / "logs" / "cairn.log"


def settings_file(data: Path) -> Path:
    """Return where `start` notes what it was told, for `restart`."""
    return data / "run" / "settings.json"


def start(data: Path, environment: dict[str, str]) -> Server:
    """Start a server in the background and wait until it answers. Raises NotStarted.

    `environment`: its settings, as app.config.as_environment gives them.
    """
    from tools.over_http import Http

    path = log_file(data)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        os.replace(path, path.with_suffix(".log.1"))
    before = path.stat().st_size if path.exists() else 0
    with path.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", _SOURCE], env={**os.environ, **environment, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=data,
        )  # fmt: skip
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        status = process.poll()
        if status is not None:
            raise NotStarted(status, _since(path, before))
        server = running(data)
        if server is not None and server.pid == process.pid and Http(server.url).answers():
            return server
        time.sleep(0.03)
    process.terminate()
    raise NotStarted(None, _since(path, before))


# The settings are all in its environment. The current folder is never where it finds its packages.
_SOURCE = (
    f"import sys; sys.path.insert(0, {str(Path(__file__).resolve().parent.parent)!r}); "
    "sys.argv = ['cairn', 'start']; from tools.main import main; main()"
)


def _since(path: Path, position: int) -> str:
    with path.open("rb") as file:
        file.seek(position)
        return file.read()[-4000:].decode(errors="replace").strip()


def stop(pid: int, patience: float = PATIENCE) -> bool:
    """Ask a server to stop, and wait; tell whether it did."""
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return True
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if not alive(pid):
            return True
        time.sleep(0.03)
    return False


def alive(pid: int) -> bool:
    """Tell whether a process runs."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return state != "Z"  # a zombie, of whoever started it, has stopped
