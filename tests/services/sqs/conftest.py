"""Fixtures of the SQS tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.services.sqs.inprocess import Stack


@pytest.fixture
def sqs(client: Callable[..., Any]) -> Any:
    """A boto3 client on a fresh stack of the server."""
    return client("sqs")


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Stack]:
    """A stack in this process with a clock that the test moves; it must replay to the same tables."""
    stack = Stack(tmp_path)
    yield stack
    assert stack.differences() == []
    stack.close()
