"""The rest-json protocol: Lambda, API Gateway and most services younger than 2013."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from app.http import Request, Response
from app.protocols.event_streams import EventEncoder, json_encoder, rest_serializer
from app.protocols.http_bindings import RequestBindings, ResponseBindings
from app.protocols.json_shapes import JsonBody, JsonReaders, JsonWriters, dumps, loads
from app.protocols.malformed import Malformed
from app.protocols.models import ServiceModel
from app.protocols.request_ids import request_id_headers
from app.protocols.rest_payloads import Payload, payload_of, raw_serializer

Parser = Callable[[Request, Mapping[str, str]], dict[str, Any]]
Serializer = Callable[[dict[str, Any], str], Response]


def compile_parser(model: ServiceModel, definition: dict[str, Any], readers: JsonReaders) -> Parser:
    """Return the function that reads one operation's requests."""
    if "input" not in definition:
        return lambda request, labels: {}
    shape = model.shape(definition["input"]["shape"])
    bindings = RequestBindings(model, shape, definition["http"]["requestUri"])
    payload = payload_of(model, shape)
    if payload is not None:
        return _payload_parser(bindings, payload, readers)
    if not bindings.body:
        return bindings.read
    read = readers.structure(shape, bindings.body)

    def parse(request: Request, labels: Mapping[str, str]) -> dict[str, Any]:
        params: dict[str, Any] = read(loads(request.body.read()))
        params.update(bindings.read(request, labels))
        return params

    return parse


def _payload_parser(bindings: RequestBindings, payload: Payload, readers: JsonReaders) -> Parser:
    member = payload.member
    if payload.streaming or payload.kind == "eventstream":

        def parse_stream(request: Request, labels: Mapping[str, str]) -> dict[str, Any]:
            params = bindings.read(request, labels)
            params[member] = request.body
            return params

        return parse_stream
    read: Callable[[bytes], Any]
    if payload.kind == "blob":
        read = bytes
    elif payload.kind == "string":
        read = _read_text
    else:
        convert = readers.reader(payload.ref)

        def read(body: bytes) -> Any:
            return convert(loads(body))

    def parse(request: Request, labels: Mapping[str, str]) -> dict[str, Any]:
        params = bindings.read(request, labels)
        body = request.body.read()
        if body:
            params[member] = read(body)
        return params

    return parse


def _read_text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("The body is not valid UTF-8") from None


def compile_serializer(
    model: ServiceModel, definition: dict[str, Any], quick: JsonWriters, careful: JsonWriters
) -> Serializer:
    """Return the function that writes one operation's answers."""
    status = definition["http"].get("responseCode", 200)
    service = model.name
    if "output" not in definition:
        return lambda result, request_id: Response(
            status, request_id_headers(service, request_id), b"" if status == 204 else b"{}"
        )
    shape = model.shape(definition["output"]["shape"])
    bindings = ResponseBindings(model, shape)
    payload = payload_of(model, shape)
    if payload is not None and payload.kind == "eventstream":
        encoder = EventEncoder(model, model.resolve(payload.ref), "application/json", json_encoder(quick, careful))
        return rest_serializer(service, status, payload, bindings, encoder)
    if payload is not None and payload.kind in ("blob", "string"):
        return raw_serializer(model, definition, bindings, payload)
    if payload is not None:
        return _payload_serializer(service, status, bindings, payload, careful)
    body = JsonBody(quick, careful, shape, bindings.body)
    if definition["http"]["method"] == "HEAD" or (status == 204 and not bindings.body):
        return _bodiless_serializer(service, status, bindings)
    if status == 204:
        status = 200  # HTTP has no body with a 204: the models that say so mean this

    def serialize(result: dict[str, Any], request_id: str) -> Response:
        headers = request_id_headers(service, request_id)
        bindings.write(result, headers)
        bindings.write_content_type("application/json", result, headers)
        return Response(bindings.status(result, status), headers, body.write(result))

    return serialize


def _bodiless_serializer(service: str, status: int, bindings: ResponseBindings) -> Serializer:
    def serialize(result: dict[str, Any], request_id: str) -> Response:
        headers = request_id_headers(service, request_id)
        bindings.write(result, headers)
        return Response(bindings.status(result, status), headers)

    return serialize


def _payload_serializer(
    service: str, status: int, bindings: ResponseBindings, payload: Payload, careful: JsonWriters
) -> Serializer:
    member = payload.member
    write = careful.writer(payload.ref)

    def serialize(result: dict[str, Any], request_id: str) -> Response:
        headers = request_id_headers(service, request_id)
        bindings.write(result, headers)
        bindings.write_content_type("application/json", result, headers)
        value = result.get(member)
        data = b"{}" if value is None else dumps(value if write is None else write(value))
        return Response(bindings.status(result, status), headers, data)

    return serialize
