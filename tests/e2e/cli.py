"""The command line as a user runs it: a process of its own, in a folder that is not the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from tests.conftest import ROOT

CAIRN = [
    sys.executable,
    "-P",
    "-c",
    f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tools.main import main; main()",
]


class Said(NamedTuple):
    """How a command ended, and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, read as JSON."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """Standard output, each line read as JSON."""
        return [json.loads(line) for line in self.out.splitlines()]


def environment(**more: str) -> dict[str, str]:
    """Return an environment in which no setting and no credentials are made."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CAIRN_", "AWS_"))}
    return {**kept, **more}


def cairn(*arguments: object, cwd: Path, status: int | None = 0, stdin: bytes | None = None, **environ: str) -> Said:
    """Run a command in a folder; `status`: how it must end, None where any way will do."""
    done = subprocess.run(
        [*CAIRN, *map(str, arguments)], cwd=cwd, env=environment(**environ), check=False, timeout=120,
        capture_output=True, **({"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}),
    )  # fmt: skip
    said = Said(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
    assert status is None or said.status == status, said
    assert "Traceback" not in said.err, said
    return said
