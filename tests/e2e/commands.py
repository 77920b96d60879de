"""Running the `cairn` command as a user does: in a folder of its own, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

CAIRN = Path(sys.executable).parent / "cairn"


class Ran(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


class Shell:
    """A folder in which commands run, with no setting of the environment around."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("CAIRN_", "AWS_", "PYTHONPATH"))
        }
        self.environ = {**kept, "CAIRN_DURABILITY": "relaxed"}

    def command(self, *words: str) -> list[str]:
        """Return the command line."""
        return [str(CAIRN), *words]

    def run(self, *words: str, **environ: str) -> Ran:
        """Run `cairn` with these words."""
        ended = subprocess.run(
            self.command(*words), cwd=self.folder, env={**self.environ, **environ}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        return Ran(ended.returncode, ended.stdout, ended.stderr)

    def ok(self, *words: str, **environ: str) -> Ran:
        """Run `cairn`, which must end well."""
        ran = self.run(*words, **environ)
        assert ran.status == 0, ran
        return ran

    def started(self, data: str = "d") -> str:
        """Start a server in the background; return its endpoint."""
        self.ok("start", "-d", "--port", "0", "--data", data)
        return str(self.ok("status", "--data", data, "--json").json["endpoint"])
