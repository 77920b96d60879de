"""Asserting on errors as AWS answers them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError


@contextlib.contextmanager
def aws_error(code: str, status: int | None = None, message: str | None = None) -> Iterator[Any]:
    """Expect an error with this code, and this HTTP status and part of its message where given."""
    with pytest.raises(ClientError) as caught:
        yield caught
    answer = caught.value.response
    assert answer["Error"]["Code"] == code, answer
    if status is not None:
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == status, answer
    if message is not None:
        assert message in answer["Error"].get("Message", ""), answer
