"""The smithy-rpc-v2-cbor protocol: POST /service/…/operation/…, a CBOR map each way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from app.http import Request, Response
from app.protocols.cbor_bodies import HEADERS, CborReaders, CborWriters, dumps, loads
from app.protocols.event_streams import CONTENT_TYPE, EventEncoder, initial_response
from app.protocols.models import ServiceModel
from app.protocols.request_ids import request_id_headers
from app.protocols.rest_payloads import event_stream_member

Parser = Callable[[Request, Mapping[str, str]], dict[str, Any]]
Serializer = Callable[[dict[str, Any], str], Response]


def compile_parser(model: ServiceModel, definition: dict[str, Any], readers: CborReaders) -> Parser:
    """Return the function that reads one operation's requests."""
    if "input" not in definition:
        return lambda request, labels: {}
    read = readers.reader(definition["input"])

    def parse(request: Request, labels: Mapping[str, str]) -> dict[str, Any]:
        params: dict[str, Any] = read(loads(request.body.read()))
        return params

    return parse


def compile_serializer(model: ServiceModel, definition: dict[str, Any], writers: CborWriters) -> Serializer:
    """Return the function that writes one operation's answers."""
    service = model.name
    if "output" not in definition:
        return lambda result, request_id: Response(
            200, [*request_id_headers(service, request_id), ("smithy-protocol", "rpc-v2-cbor")]
        )
    shape = model.shape(definition["output"]["shape"])
    stream = event_stream_member(model, shape)
    members = {name: ref for name, ref in shape["members"].items() if name != stream}
    write = writers.structure(members)
    if stream is None:
        return lambda result, request_id: Response(
            200, [*request_id_headers(service, request_id), *HEADERS], dumps(write(result))
        )
    encoder = EventEncoder(
        model,
        model.resolve(shape["members"][stream]),
        "application/cbor",
        lambda payload, named: _event_writer(writers, payload),
    )

    def serialize(result: dict[str, Any], request_id: str) -> Response:
        headers = [
            *request_id_headers(service, request_id),
            ("smithy-protocol", "rpc-v2-cbor"),
            ("Content-Type", CONTENT_TYPE),
        ]
        first = initial_response("application/cbor", dumps(write(result)))
        return Response(200, headers, encoder.stream(first, result.get(stream) or ()))

    return serialize


def _event_writer(writers: CborWriters, shape: dict[str, Any]) -> Callable[[dict[str, Any]], bytes]:
    write = writers.structure(shape["members"])
    return lambda value: dumps(write(value))
