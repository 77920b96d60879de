"""The AWS SDK for JavaScript, v3, under node."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "javascript"
WANTED = (HERE / "package.json").read_bytes()


@pytest.fixture(scope="session")
def sdk() -> Path:
    """A folder with the SDK installed, kept between runs; made whole or not at all, whoever else makes one too."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("node and npm are not installed")
    folder = Path(tempfile.gettempdir()) / f"cairn-javascript-{hashlib.sha256(WANTED).hexdigest()[:16]}"
    if not folder.exists():
        made = Path(tempfile.mkdtemp(prefix="cairn-javascript-"))
        (made / "package.json").write_bytes(WANTED)
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=0"]
        try:
            ended = subprocess.run(command, cwd=made, capture_output=True, text=True, timeout=120, check=False)
            failure = "" if ended.returncode == 0 else ended.stderr.strip().splitlines()[-1]
        except subprocess.TimeoutExpired:
            failure = "it took too long"
        if failure:
            shutil.rmtree(made)
            pytest.skip(f"npm cannot install the AWS SDK here: {failure}")
        try:
            made.rename(folder)
        except OSError:  # another process was faster
            shutil.rmtree(made)
    return folder


@pytest.mark.parametrize("scenario", ["queues", "objects", "items", "identity"])
def test_the_javascript_sdk_finds_all_as_in_aws(sdk, stack, tmp_path, scenario):
    shutil.copy(HERE / "scenarios.mjs", tmp_path)
    (tmp_path / "node_modules").symlink_to(sdk / "node_modules")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    ended = subprocess.run(
        ["node", "scenarios.mjs", scenario, stack.url],
        cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
