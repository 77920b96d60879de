"""Fixtures: a journal, and the stacks of a data directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from journal import Journal
from journal.stacks import Stacks
from tests.journal import shop


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory."""
    return tmp_path / "data"


@pytest.fixture
def stacks(data: Path) -> Iterator[Stacks]:
    """The stacks of an empty data directory, written without flushes."""
    opened = Stacks(data, shop.find, "relaxed")
    yield opened
    opened.close()


@pytest.fixture
def journal(stacks: Stacks) -> Journal:
    """The empty stack `main`."""
    return stacks.get()
