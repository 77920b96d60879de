"""The rest-xml protocol: S3, S3 Control, Route 53, CloudFront."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from app.http import Request, Response
from app.protocols import event_streams
from app.protocols.amendments import XML_BARE_MEMBER, XML_ROOTS
from app.protocols.http_bindings import RequestBindings, ResponseBindings
from app.protocols.malformed import Malformed
from app.protocols.models import ServiceModel, Shape
from app.protocols.request_ids import request_id_headers
from app.protocols.rest_payloads import Payload, payload_of, raw_serializer
from app.protocols.xml_reading import XmlReaders, local_name, parse_xml
from app.protocols.xml_writing import DECLARATION, XmlWriters, escape

Parser = Callable[[Request, Mapping[str, str]], dict[str, Any]]
Serializer = Callable[[dict[str, Any], str], Response]

# Services that check that the root element is the one they expect.
STRICT_ROOTS = frozenset({"s3", "s3control"})

CONTENT_TYPES = {"s3": "application/xml", "s3control": "application/xml"}
XML = "text/xml"


def compile_parser(model: ServiceModel, definition: dict[str, Any], readers: XmlReaders) -> Parser:
    """Return the function that reads one operation's requests."""
    if "input" not in definition:
        return lambda request, labels: {}
    shape = model.shape(definition["input"]["shape"])
    bindings = RequestBindings(model, shape, definition["http"]["requestUri"])
    payload = payload_of(model, shape)
    if payload is not None:
        return _payload_parser(model, bindings, payload, readers)
    if not bindings.body:
        return bindings.read
    read = readers.structure(bindings.body)

    def parse(request: Request, labels: Mapping[str, str]) -> dict[str, Any]:
        params = bindings.read(request, labels)
        body = request.body.read()
        if body:
            params.update(read(parse_xml(body)))
        return params

    return parse


def _payload_parser(model: ServiceModel, bindings: RequestBindings, payload: Payload, readers: XmlReaders) -> Parser:
    member = payload.member
    if payload.streaming or payload.kind == "eventstream":

        def parse_stream(request: Request, labels: Mapping[str, str]) -> dict[str, Any]:
            params = bindings.read(request, labels)
            params[member] = request.body
            return params

        return parse_stream
    if payload.kind in ("blob", "string"):
        text = payload.kind == "string"

        def parse_whole(request: Request, labels: Mapping[str, str]) -> dict[str, Any]:
            params = bindings.read(request, labels)
            body = request.body.read()
            if body:
                try:
                    params[member] = body.decode("utf-8") if text else body
                except UnicodeDecodeError:
                    raise Malformed("The body is not valid UTF-8") from None
            return params

        return parse_whole

    read = readers.reader(payload.ref)
    resolved = model.resolve(payload.ref)
    root_name = resolved.get("locationName", resolved["shape"]) if model.name in STRICT_ROOTS else None

    def parse(request: Request, labels: Mapping[str, str]) -> dict[str, Any]:
        params = bindings.read(request, labels)
        body = request.body.read()
        if body:
            root = parse_xml(body)
            if root_name is not None and local_name(root.tag) != root_name:
                raise Malformed(f"The root element is not {root_name}")
            params[member] = read(root)
        return params

    return parse


def compile_serializer(model: ServiceModel, definition: dict[str, Any], writers: XmlWriters) -> Serializer:
    """Return the function that writes one operation's answers."""
    status = definition["http"].get("responseCode", 200)
    service = model.name
    if "output" not in definition:
        return lambda result, request_id: Response(status, request_id_headers(service, request_id))
    shape = model.shape(definition["output"]["shape"])
    bindings = ResponseBindings(model, shape)
    payload = payload_of(model, shape)
    if payload is not None and payload.kind == "eventstream":
        return event_streams.compile_rest_serializer(model, definition, payload, bindings, writers)
    if payload is not None and payload.kind in ("blob", "string"):
        return raw_serializer(model, definition, bindings, payload)
    body = _body_writer(model, definition, shape, bindings, payload, writers)
    media = CONTENT_TYPES.get(service, XML)

    def serialize(result: dict[str, Any], request_id: str) -> Response:
        headers = request_id_headers(service, request_id)
        bindings.write(result, headers)
        data = body(result) if body is not None else b""
        if data:
            bindings.write_content_type(media, result, headers)
        return Response(bindings.status(result, status), headers, data)

    return serialize


def _body_writer(
    model: ServiceModel,
    definition: dict[str, Any],
    shape: Shape,
    bindings: ResponseBindings,
    payload: Payload | None,
    writers: XmlWriters,
) -> Callable[[dict[str, Any]], bytes] | None:
    if not bindings.body:
        return None
    key = (model.name, definition["name"])
    namespace = model.metadata.get("xmlNamespace") or _request_namespace(model)
    xmlns = f' xmlns="{namespace}"' if namespace else ""
    if payload is not None:
        resolved = model.resolve(payload.ref)
        root = resolved.get("locationName", payload.ref.get("locationName", resolved["shape"]))
        opening, closing = f"{DECLARATION}<{root}{xmlns}>", f"</{root}>"
        content, member = writers.content(payload.ref), payload.member

        def write_payload(result: dict[str, Any]) -> bytes:
            value = result.get(member)
            if value is None:
                return b""
            parts = [opening]
            content(value, parts.append)
            parts.append(closing)
            return "".join(parts).encode()

        return write_payload
    root = XML_ROOTS.get(key, definition["output"].get("locationName", definition["output"]["shape"]))
    opening, closing = f"{DECLARATION}<{root}{xmlns}>", f"</{root}>"
    bare = XML_BARE_MEMBER.get(key)
    if bare is not None:
        return lambda result: f"{opening}{escape(result.get(bare) or '')}{closing}".encode()
    write = writers.structure(bindings.body)

    def write_members(result: dict[str, Any]) -> bytes:
        parts = [opening]
        write(result, parts.append)
        parts.append(closing)
        return "".join(parts).encode()

    return write_members


def _request_namespace(model: ServiceModel) -> str | None:
    """Return the namespace of the service's documents, which the current models keep only with requests."""
    for name in sorted(model.operations):
        each = model.operation(name)
        for ref in _request_refs(model, each):
            namespace = ref.get("xmlNamespace")
            if namespace:
                uri: str = namespace["uri"] if isinstance(namespace, dict) else namespace
                return uri
    return None


def _request_refs(model: ServiceModel, definition: dict[str, Any]) -> list[dict[str, Any]]:
    if "input" not in definition:
        return []
    payload = payload_of(model, model.shape(definition["input"]["shape"]))
    return [definition["input"]] + ([payload.ref] if payload else [])
