"""Streams of events: framing, the initial response, errors in mid-stream, and that nothing is read ahead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import EventStreamError

from app import protocols
from app.errors import AwsError
from tests.protocols import oracle


def parsed(response: Any) -> Any:
    shape = oracle.client_model("kinesis", "json").operation_model("SubscribeToShard").output_shape
    return oracle.parse_response("json", oracle.response_dict(response, "SubscribeToShard"), shape)


def record(number: int) -> dict[str, Any]:
    return {
        "SubscribeToShardEvent": {
            "Records": [{"SequenceNumber": str(number), "Data": b"\x00\xff", "PartitionKey": "p"}],
            "ContinuationSequenceNumber": str(number),
            "MillisBehindLatest": 0,
        }
    }


def test_events_come_after_an_initial_response() -> None:
    response = protocols.operation("kinesis", "SubscribeToShard").serialize(
        "json", {"EventStream": iter([record(1), record(2)])}, "id"
    )
    assert response.header("content-type") == "application/vnd.amazon.eventstream"
    assert list(parsed(response)["EventStream"]) == [record(1), record(2)]


def test_events_are_framed_one_by_one() -> None:
    made: list[int] = []

    def events() -> Iterator[dict[str, Any]]:
        for number in range(3):
            made.append(number)
            yield record(number)

    response = protocols.operation("kinesis", "SubscribeToShard").serialize("json", {"EventStream": events()}, "id")
    frames = iter(response.body)  # type: ignore[arg-type]
    next(frames)
    assert made == []
    next(frames)
    assert made == [0]


@pytest.mark.parametrize("code", ["ResourceInUseException", "SomethingElse"])
def test_an_error_in_mid_stream_is_the_last_frame(code: str) -> None:
    def events() -> Iterator[dict[str, Any]]:
        yield record(1)
        raise AwsError(code, "It broke.")

    response = protocols.operation("kinesis", "SubscribeToShard").serialize("json", {"EventStream": events()}, "id")
    stream = iter(parsed(response)["EventStream"])
    assert next(stream) == record(1)
    with pytest.raises(EventStreamError, match=f"({code}).*It broke"):
        next(stream)


def test_an_exception_may_be_given_as_an_event() -> None:
    broken = {"ResourceInUseException": {"message": "It broke."}}
    response = protocols.operation("kinesis", "SubscribeToShard").serialize(
        "json", {"EventStream": iter([broken])}, "id"
    )
    with pytest.raises(EventStreamError, match="It broke"):
        next(iter(parsed(response)["EventStream"]))
