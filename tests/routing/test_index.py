"""The generated index is what botocore's models say, and what the router needs at start is small."""

from __future__ import annotations

import importlib.metadata

import pytest

from app.routing.index import BOTOCORE, BY_SIGNING, SERVICES, operations
from tools.build_routing_index import TARGET, build


def test_the_index_is_what_the_models_say() -> None:
    installed = importlib.metadata.version("botocore")
    if installed != BOTOCORE:
        pytest.skip(
            f"the index is of botocore {BOTOCORE}, {installed} is installed: tools.build_routing_index renews it"
        )
    index, of_operations = build()
    stale = "run `python -m tools.build_routing_index`"
    assert (TARGET / "index.json").read_bytes() == index, stale
    assert (TARGET / "operations.json").read_bytes() == of_operations, stale


def test_what_is_read_at_start_is_small() -> None:
    assert (TARGET / "index.json").stat().st_size < 100_000


def test_services_are_read_one_at_a_time() -> None:
    assert "SendMessage" in operations("sqs")
    assert "PutObject" in operations("s3")
    assert len(operations("ec2")) > 600


def test_every_service_has_a_signing_name_that_leads_to_it() -> None:
    assert all(name in BY_SIGNING[service.signing] for name, service in SERVICES.items())
