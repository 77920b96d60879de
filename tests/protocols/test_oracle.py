"""Every operation of every service, both directions, in every protocol, with botocore on the other end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.model import OperationModel, Shape

from app import protocols
from app.errors import AwsError
from app.protocols.amendments import SQS_ERRORS
from tests.protocols import oracle
from tests.protocols.generating import Generator

SERVICES = protocols.service_names()

# What is not compared, and why.
INPUT_EXCLUDED = {
    ("s3", "PutBucketNotification"): "two members of this deprecated call have one name on the wire (Event)",
}
# Left out wherever they occur, since botocore itself cannot do them: requests that are streams of events.
OUTPUT_EXCLUDED = {
    ("s3", "GetBucketLocation"): "botocore reads this answer in a handler, not in its parser; tested in test_s3.py",
    ("s3", "GetBucketNotification"): "two members of its deprecated answer have one name on the wire (Event)",
    ("dataexchange", "SendApiAsset"): "its header map has the empty prefix: botocore takes every header into it",
}


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    oracle.forget()


def event_stream(shape: Shape | None) -> str | None:
    """Return the member of an input or output that is a stream of events."""
    if shape is None:
        return None
    return next((name for name, each in shape.members.items() if each.serialization.get("eventstream")), None)


def variants(seed: str, response: bool) -> Iterator[Generator]:
    yield Generator(seed, response=response)
    yield Generator(seed, response=response, minimal=True)


@pytest.mark.parametrize("service", SERVICES)
def test_requests_of_botocore_are_read_back(service: str) -> None:
    wrong: list[Any] = []
    for protocol in oracle.protocols_of(service):
        model = oracle.client_model(service, protocol)
        for name in model.operation_names:
            operation = model.operation_model(name)
            if event_stream(operation.input_shape) or (service, name) in INPUT_EXCLUDED:
                continue
            ours = protocols.operation(service, name)
            for generator in variants(f"{service}.{name}", response=False):
                params = generator.structure(operation.input_shape) if operation.input_shape else {}
                request, labels = oracle.request_of(protocol, params, operation)
                try:
                    parsed: Any = ours.parse(protocol, request, labels)
                except AwsError as error:
                    parsed = {"error": str(error)}
                for member, each in (operation.input_shape.members if operation.input_shape else {}).items():
                    if each.serialization.get("name") == "Content-Type" and member not in params:
                        parsed.pop(member, None)  # botocore sends one of its own
                # Forms have no way to say that a list, map or structure is there and empty; nor have JSON payloads.
                drop_empty = protocol in ("query", "ec2") or "payload" in (
                    operation.input_shape.serialization if operation.input_shape else ()
                )
                got, expected = oracle.plain(parsed, drop_empty), oracle.plain(params, drop_empty)
                if got != expected:
                    wrong.append((protocol, name, differences(expected, got)))
    assert not wrong, f"{len(wrong)} wrong, first: {wrong[:3]}"


@pytest.mark.parametrize("service", SERVICES)
def test_our_responses_are_read_by_botocore(service: str) -> None:
    wrong: list[Any] = []
    for protocol in oracle.protocols_of(service):
        model = oracle.client_model(service, protocol)
        for name in model.operation_names:
            if (service, name) in OUTPUT_EXCLUDED:
                continue
            operation = model.operation_model(name)
            for generator in variants(f"{service}.{name}.output", response=True):
                try:
                    problem = response_difference(protocol, name, operation, generator, service)
                except Exception as error:
                    problem = repr(error)
                if problem:
                    wrong.append((protocol, name, problem))
    assert not wrong, f"{len(wrong)} wrong, first: {wrong[:3]}"


def response_difference(protocol: str, name: str, operation: OperationModel, generator: Generator, service: str) -> Any:
    """Return what botocore reads otherwise than we wrote it."""
    shape = operation.output_shape
    ours = protocols.operation(service, name)
    stream = event_stream(shape)
    result = generator.structure(shape, skip=frozenset({stream} if stream else ())) if shape else {}
    events: list[dict[str, Any]] = []
    if stream and shape is not None:
        members = shape.members[stream].members
        events = [
            {each: generator.structure(members[each])}
            for each in members
            if not members[each].metadata.get("exception")
        ]
        result[stream] = iter(events)
    given = dict(result)
    response = ours.serialize(protocol, result, "request-1")
    payload = shape.serialization.get("payload") if shape else None
    streaming = bool(payload and shape and shape.members[payload].type_name == "blob")
    parsed = oracle.parse_response(protocol, oracle.response_dict(response, operation.name, streaming), shape)
    metadata = parsed.pop("ResponseMetadata", {})
    silent = shape is None and protocol == "smithy-rpc-v2-cbor"  # botocore then does not look
    if metadata.get("RequestId") != "request-1" and not silent:
        return "request id", metadata
    if stream:
        seen = list(parsed.pop(stream))
        given.pop(stream)
        if oracle.plain(seen, True) != oracle.plain(events, True):
            return differences(oracle.plain(events, True), oracle.plain(seen, True))
    for member, each in (shape.members if shape else {}).items():
        if each.serialization.get("location") == "statusCode":
            given.setdefault(member, response.status)
        elif each.serialization.get("name", "").lower() == "content-type":  # where none is given, the body's own
            given[member] = response.header("content-type") if stream else given.get(member, parsed.get(member))
    got, expected = oracle.plain(parsed, True), oracle.plain(given, True)
    return None if got == expected else differences(expected, got)


@pytest.mark.parametrize("service", SERVICES)
def test_our_errors_are_read_by_botocore(service: str) -> None:
    wrong: list[Any] = []
    for protocol in oracle.protocols_of(service):
        model = oracle.client_model(service, protocol)
        seen: set[str] = set()
        for name in model.operation_names:
            operation = model.operation_model(name)
            for shape in operation.error_shapes:
                if shape.name not in seen:
                    seen.add(shape.name)
                    problem = error_difference(service, protocol, operation, shape)
                    if problem:
                        wrong.append((protocol, shape.name, problem))
    assert not wrong, f"{len(wrong)} wrong, first: {wrong[:3]}"


def error_difference(service: str, protocol: str, operation: OperationModel, shape: Shape) -> Any:
    """Return what botocore reads otherwise of an error."""
    # What an error's answer has of itself, whether or not the model names it too.
    skipped = {each for each in shape.members if each.lower() in ("message", "code", "type")}
    text = 'It is "wrong" <&> – 日本'
    skipped |= {
        name for name, each in shape.members.items() if each.serialization.get("name", "").lower() == "x-amzn-errortype"
    }
    fields = Generator(f"{service}.{shape.name}", response=True).structure(shape, skip=frozenset(skipped))
    error = AwsError(shape.name, text)
    error.fields.update(fields)
    response = protocols.serialize_error(service, operation.name, protocol, error, "request-1")
    answer = oracle.response_dict(response, operation.name)
    parsed = oracle.parse_response(protocol, answer, operation.output_shape)
    expected_code = shape.metadata.get("error", {}).get("code") or shape.name
    if protocol == "rest-json" or (
        protocol in ("json", "smithy-rpc-v2-cbor") and "x-amzn-query-error" not in answer["headers"]
    ):
        expected_code = shape.name
    elif service == "sqs":  # the codes that its model has lost
        expected_code = SQS_ERRORS.get(shape.name, (shape.name,))[0]
    found = parsed["Error"]
    if found.get("Code") != expected_code or found.get("Message") != text:
        return ("error", found, expected_code)
    if parsed["ResponseMetadata"].get("RequestId") != "request-1" and protocol != "rest-json":
        return ("request id", parsed["ResponseMetadata"])
    if not 301 <= response.status < 600:
        return ("status", response.status)
    modelled = oracle.parse_response(protocol, answer, shape)
    if not isinstance(modelled, dict):
        return ("modelled", modelled)
    got = {each: value for each, value in oracle.plain(modelled, True).items() if each in fields}
    return None if got == oracle.plain(fields, True) else differences(oracle.plain(fields, True), got)


def differences(expected: Any, got: Any, path: str = "") -> Any:
    """Return the first place where two values differ."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for key in [*expected, *got]:
            if expected.get(key) != got.get(key):
                return differences(expected.get(key), got.get(key), f"{path}.{key}")
    if isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        for index, pair in enumerate(zip(expected, got, strict=True)):
            if pair[0] != pair[1]:
                return differences(*pair, f"{path}[{index}]")
    return path, "expected", expected, "got", got
