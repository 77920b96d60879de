"""The models: found without botocore, stripped, amended; and what importing the package costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from app import protocols


def test_a_model_lists_what_routing_needs() -> None:
    model = protocols.service_model("sqs")
    assert (model.name, model.api_version, model.protocols) == ("sqs", "2012-11-05", ("json",))
    assert "SendMessage" in model.operations
    assert protocols.service_model("s3").http["DeleteObject"] == ("DELETE", "/{Bucket}/{Key+}", 204)
    assert protocols.service_model("cloudwatch").protocols == ("smithy-rpc-v2-cbor", "json", "query")
    assert "documentation" not in model.shape("SendMessageRequest")
    assert model.metadata["targetPrefix"] == "AmazonSQS"


@pytest.mark.parametrize("name", ["nothing", "", "..", "sqs/..", "\0"])
def test_an_unknown_service_is_said_to_be_unknown(name: str) -> None:
    with pytest.raises(protocols.UnknownService):
        protocols.service_model(name)
    with pytest.raises(protocols.UnknownService):
        protocols.operation(name, "X")


def test_an_unknown_operation_is_said_to_be_unknown() -> None:
    with pytest.raises(protocols.UnknownOperation):
        protocols.operation("sqs", "Nothing")


def test_an_operation_is_compiled_once() -> None:
    assert protocols.operation("sqs", "SendMessage") is protocols.operation("sqs", "SendMessage")


def test_importing_the_package_loads_no_botocore_and_no_parser_that_may_never_be_needed() -> None:
    code = (
        "import sys, app.protocols as p; p.operation('sqs', 'SendMessage').serialize('json', {}, 'i');"
        "print([m for m in ('botocore', 'cbor2', 'xml.etree.ElementTree', 'xml.parsers.expat') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
