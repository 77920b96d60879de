"""The quickstart examples do what they say, against a server in a process of its own; and what they made outlives it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT, Server


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Server]:
    """A server with an empty data directory."""
    server = Server(tmp_path / "data").start()
    yield server
    server.stop()


def run(server: Server, *command: str) -> str:
    """Run an example against a server; return what it printed."""
    tools = str(Path(sys.executable).parent)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environ = {**kept, "AWS_ENDPOINT_URL": server.url, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    ended = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=240, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_the_python_quickstart_ships_every_order(fresh: Server) -> None:
    said = run(fresh, sys.executable, "examples/quickstart.py")
    assert "Handled 3 orders." in said
    assert "I am arn:aws:sts::000000000000:assumed-role/OrderDesk/quickstart" in said
    assert "order A-1: shipped" in said
    assert "document A-3.txt: 33 bytes" in said


def test_the_python_quickstart_runs_again_after_a_kill(fresh: Server) -> None:
    run(fresh, sys.executable, "examples/quickstart.py")
    fresh.kill()
    fresh.start()
    said = run(fresh, sys.executable, "examples/quickstart.py")
    assert "The table is there from an earlier run." in said
    assert "Handled 3 orders." in said


@pytest.mark.slow
def test_the_shell_quickstart_uses_all_four_services(fresh: Server) -> None:
    said = run(fresh, "sh", "examples/quickstart.sh").splitlines()
    assert "arn:aws:iam::000000000000:root" in said
    assert "Stones show the way." in said
    assert any(line.endswith("first.txt") for line in said)
    assert "arn:aws:sts::000000000000:assumed-role/Reader/quickstart" in said
    at = said.index("== A queue, and a message through it")
    assert said[at + 1] == "0"
