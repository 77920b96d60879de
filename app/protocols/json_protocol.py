"""The json protocol, 1.0 and 1.1: one POST, the operation in X-Amz-Target, a JSON object each way."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from typing import Any

from app.http import Request, Response
from app.protocols.event_streams import CONTENT_TYPE, EventEncoder, initial_response, json_encoder
from app.protocols.json_shapes import JsonBody, JsonReaders, JsonWriters, loads
from app.protocols.models import ServiceModel, Shape
from app.protocols.rest_payloads import event_stream_member

# Services that send a checksum, which their clients check where they find it (DynamoDB Developer Guide, low-level API).
CHECKSUMMED = frozenset({"dynamodb", "dynamodbstreams"})


def content_type(model: ServiceModel) -> str:
    """Return the media type of the service's JSON answers."""
    return f"application/x-amz-json-{model.metadata.get('jsonVersion', '1.0')}"


def compile_parser(
    model: ServiceModel, definition: dict[str, Any], readers: JsonReaders
) -> Callable[[Request, Mapping[str, str]], dict[str, Any]]:
    """Return the function that reads one operation's requests."""
    if "input" not in definition:
        return lambda request, labels: {}
    read = readers.reader(definition["input"])

    def parse(request: Request, labels: Mapping[str, str]) -> dict[str, Any]:
        params: dict[str, Any] = read(loads(request.body.read()))
        return params

    return parse


def compile_serializer(
    model: ServiceModel, definition: dict[str, Any], quick: JsonWriters, careful: JsonWriters
) -> Callable[[dict[str, Any], str], Response]:
    """Return the function that writes one operation's answers."""
    media = content_type(model)
    checksummed = model.name in CHECKSUMMED
    body: JsonBody | None = None
    if "output" in definition:
        shape = model.shape(definition["output"]["shape"])
        stream = event_stream_member(model, shape)
        if stream is not None:
            return _stream_serializer(model, shape, stream, quick, careful)
        body = JsonBody(quick, careful, shape, shape["members"])

    def serialize(result: dict[str, Any], request_id: str) -> Response:
        data = body.write(result) if body is not None else b""
        headers = [("x-amzn-RequestId", request_id), ("Content-Type", media)]
        if checksummed:
            headers.append(("x-amz-crc32", str(zlib.crc32(data))))
        return Response(200, headers, data)

    return serialize


def _stream_serializer(
    model: ServiceModel, shape: Shape, stream: str, quick: JsonWriters, careful: JsonWriters
) -> Callable[[dict[str, Any], str], Response]:
    """Return the function that answers with a stream of events, the other members in its initial response."""
    media = content_type(model)
    body = JsonBody(quick, careful, shape, {name: ref for name, ref in shape["members"].items() if name != stream})
    encoder = EventEncoder(model, model.resolve(shape["members"][stream]), media, json_encoder(quick, careful))

    def serialize(result: dict[str, Any], request_id: str) -> Response:
        first = initial_response(media, body.write({name: item for name, item in result.items() if name != stream}))
        headers = [("x-amzn-RequestId", request_id), ("Content-Type", CONTENT_TYPE)]
        return Response(200, headers, encoder.stream(first, result.get(stream) or ()))

    return serialize
