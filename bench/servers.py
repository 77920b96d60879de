"""The servers that are measured: ours, and peers from PyPI, each in an environment of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
WORK = Path(__file__).resolve().parent / ".work"
PEERS = {"ministack": "ministack", "moto": "moto[server]"}


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Running:
    """A server under measurement."""

    def __init__(self, name: str, port: int, process: subprocess.Popen[bytes], data: Path | None, ready: float) -> None:
        self.name = name
        self.port = port
        self.process = process
        self.data = data
        self.ready = ready  # seconds from its start to the first answered call

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http://127.0.0.1:{self.port}"

    def family(self) -> list[psutil.Process]:
        """Return the server's process and all below it."""
        top = psutil.Process(self.process.pid)
        return [top, *top.children(recursive=True)]

    def cpu(self) -> float:
        """Return the CPU seconds (user and system) that the server has used."""
        total = 0.0
        for process in self.family():
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                total += times.user + times.system
        return total

    def memory(self) -> list[tuple[str, float]]:
        """Return (process, resident MiB) for each process."""
        rows = []
        for process in self.family():
            with contextlib.suppress(psutil.Error):
                rows.append((f"{process.pid}", process.memory_info().rss / 2**20))
        return rows


def environment(peer: str) -> Path:
    """Return the bin folder of a peer's own virtual environment, made at first use."""
    venv = WORK / f"venv-{peer}"
    if not (venv / ".ready").exists():
        shutil.rmtree(venv, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        subprocess.run([str(venv / "bin/pip"), "install", "-q", PEERS[peer]], check=True)
        (venv / ".ready").touch()
    return venv / "bin"


def _wait(port: int, process: subprocess.Popen[bytes], path: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5):
                return
        except urllib.error.HTTPError:
            return  # it answers
        except OSError:
            time.sleep(0.01)
    raise RuntimeError("the server did not start in time")


@contextlib.contextmanager
def cairn(durability: str = "strict", workers: str | None = None, data: Path | None = None) -> Iterator[Running]:
    """Run Cairn from this checkout on a data directory of its own (kept where given)."""
    port = free_port()
    own = None
    if data is None:
        WORK.mkdir(exist_ok=True)
        own = data = Path(tempfile.mkdtemp(prefix="data-", dir=WORK))
    command = [sys.executable, "-m", "tools.main", "start", "--port", str(port), "--data", str(data)]
    if workers:
        command += ["--workers", workers]
    environ = {**os.environ, "CAIRN_DURABILITY": durability}
    with _process(command, environ, port, f"cairn {durability}", data, "/_cairn/health") as running:
        yield running
    if own is not None:
        shutil.rmtree(own, ignore_errors=True)


@contextlib.contextmanager
def peer(name: str) -> Iterator[Running]:
    """Run a peer."""
    port = free_port()
    folder = environment(name)
    if name == "ministack":
        command = [str(folder / "ministack")]
        environ = {**os.environ, "PORT": str(port), "GATEWAY_PORT": str(port)}
    else:
        command = [str(folder / "moto_server"), "-p", str(port)]
        environ = dict(os.environ)
    with _process(command, environ, port, name, None, "/") as running:
        yield running


@contextlib.contextmanager
def _process(
    command: list[str], environ: dict[str, str], port: int, name: str, data: Path | None, path: str
) -> Iterator[Running]:
    began = time.perf_counter()
    WORK.mkdir(exist_ok=True)
    with (WORK / f"{name.replace(' ', '-')}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log)
        try:
            _wait(port, process, path)
            yield Running(name, port, process, data, time.perf_counter() - began)
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
