"""Dependencies point one way: tools → app → projections → journal, as pyproject.toml's contract says."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

from tests.conftest import ROOT

LINT = "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"


def lint(config: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the packages in a folder."""
    return subprocess.run(
        [sys.executable, "-c", LINT, "--config", str(config), "--no-cache"],
        cwd=folder, capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin", "HOME": str(folder)},
    )  # fmt: skip


def test_no_package_imports_from_one_above_it() -> None:
    done = lint(ROOT / "pyproject.toml", ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Contracts: 1 kept, 0 broken." in done.stdout


def test_the_contract_names_every_package_that_is_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    found = {name.rstrip("*") for name in project["tool"]["setuptools"]["packages"]["find"]["include"]}
    contract = project["tool"]["importlinter"]["contracts"][0]
    assert contract["layers"] == ["tools", "app", "projections", "journal"]
    assert set(contract["layers"]) == found == set(project["tool"]["importlinter"]["root_packages"])


def test_an_import_upwards_breaks_the_contract(tmp_path: Path) -> None:
    for package in ("tools", "app", "projections", "journal"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / "journal" / "wrong.py").write_text("import projections\n")
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    done = lint(tmp_path / "pyproject.toml", tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "journal.wrong -> projections" in done.stdout
