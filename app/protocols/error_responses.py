"""Errors on the wire, in every protocol."""

from __future__ import annotations

import zlib
from functools import cache, lru_cache
from typing import Any, NamedTuple

from app.errors import AwsError
from app.http import Response
from app.protocols import cbor_bodies, json_protocol
from app.protocols.codecs import Codecs, codecs
from app.protocols.error_tables import (
    CAPITAL_MESSAGES,
    COMMON_STATUSES,
    FRAMEWORK_NAMESPACES,
    JSON_NAMES,
    S3_STATUSES,
    TYPE_NAMESPACES,
)
from app.protocols.http_bindings import ResponseBindings, header_text
from app.protocols.json_shapes import dumps
from app.protocols.models import Ref, ServiceModel, Shape, UnknownService
from app.protocols.request_ids import S3_LIKE, host_id, request_id_headers
from app.protocols.xml_writing import DECLARATION, XmlWriters, escape, readable

# Where a request is so broken that its service cannot be told.
NOBODY: dict[str, Any] = {"metadata": {"apiVersion": "", "protocol": "json"}, "operations": {}, "shapes": {}}
EMPTY: Shape = {"type": "structure", "members": {}}
BODILESS = frozenset({204, 304})


class Described(NamedTuple):
    """An error as its service's model, or else a table, describes it."""

    name: str  # the shape's name, or the code where there is no shape
    code: str  # what the query protocol calls it
    status: int
    shape: Shape
    modelled: bool


@cache
def _codecs(service: str) -> Codecs:
    try:
        return codecs(service)
    except UnknownService:
        return Codecs(ServiceModel(service, NOBODY))


@cache
def _codes(service: str) -> dict[str, str]:
    """Return the shape of each error of a service by the code that the query protocol gives it."""
    model = _codecs(service).model
    found: dict[str, str] = {}
    for name in model.shape_names():
        shape = model.shape(name)
        if shape.get("exception"):
            found.setdefault(shape.get("error", {}).get("code", name), name)
    return found


@lru_cache(maxsize=4096)
def describe(service: str, code: str) -> Described:
    """Look an error up by its shape's name or its query code."""
    model = _codecs(service).model
    name: str | None = code
    if not (model.has_shape(code) and model.shape(code).get("exception")):
        name = _codes(service).get(code)
    if name is None:
        statuses = {**COMMON_STATUSES, **S3_STATUSES} if service in S3_LIKE else COMMON_STATUSES
        return Described(code, code, statuses.get(code, 400), EMPTY, False)
    shape = model.shape(name)
    error = shape.get("error", {})
    server = shape.get("fault") or error.get("fault") or error.get("senderFault") is False
    status = error.get("httpStatusCode") or (S3_STATUSES.get(name) if service in S3_LIKE else None)
    return Described(name, error.get("code", name), status or (500 if server else 400), shape, True)


def serialize_error(
    service: str,
    operation: str | None,
    protocol: str,
    error: AwsError,
    request_id: str,
    resource: str = "",
    head: bool = False,
) -> Response:
    """Return the response for an error, as the service answers it in this protocol.

    Args:
        service: botocore's name of the service; of any other name nothing is known and all is answered bare.
        operation: the operation's name, None where it is not known.
        protocol: the protocol of the request.
        error: what to say. Its status, where given, goes before the model's.
        request_id: the id of the request.
        resource: what S3 names in <Resource>.
        head: True where the request was a HEAD, whose answer has no body.
    """
    described = describe(service, error.code)
    status = error.status or described.status
    if protocol in ("json", "json-1.0", "json-1.1"):
        response = _json(service, protocol, described, error, request_id, status)
    elif protocol == "smithy-rpc-v2-cbor":
        response = _cbor(service, described, error, request_id, status)
    elif protocol == "rest-json":
        response = _rest_json(service, described, error, request_id, status)
    elif protocol == "ec2":
        response = _ec2(described, error, request_id, status)
    elif service == "s3":
        response = _s3(described, error, request_id, status, resource)
    else:
        response = _xml(service, protocol, described, error, request_id, status)
    if head or status in BODILESS:
        response.body = b""
        response.headers = [pair for pair in response.headers if pair[0] != "Content-Type"]
    response.headers += [(name, header_text(value)) for name, value in error.headers.items()]
    return response


def fault_of(status: int) -> str:
    """Return whose fault an error of this status is, in the words of the query protocol."""
    return "Receiver" if status >= 500 else "Sender"


def _fields(described: Described, error: AwsError) -> tuple[dict[str, Any], dict[str, Ref]]:
    """Return the error's members, message included, and the references by which to write them."""
    members: dict[str, Ref] = described.shape["members"]
    message = next((name for name in members if name.lower() == "message"), None)
    values = {name: value for name, value in error.fields.items() if value is not None}
    if message is not None:
        values.setdefault(message, error.message)
    elif error.message:
        values.setdefault("message", error.message)
    return values, members


def _split(codec: Codecs, described: Described, error: AwsError) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the error's members as JSON values: those that the model has, and all others."""
    values, members = _fields(described, error)
    modelled = codec.json_careful.structure(described.shape, members)(values)
    return modelled, {name: value for name, value in values.items() if name not in members}


def _type_name(service: str, described: Described) -> str:
    name = described.name
    namespace = TYPE_NAMESPACES.get(service)
    if not described.modelled:
        name = JSON_NAMES.get(name, name) if "awsQueryCompatible" in _codecs(service).model.metadata else name
        namespace = FRAMEWORK_NAMESPACES.get(name, namespace) if namespace else None
    return f"{namespace}#{name}" if namespace else name


def _query_error(service: str, described: Described, status: int) -> list[tuple[str, str]]:
    if "awsQueryCompatible" not in _codecs(service).model.metadata:
        return []
    return [("x-amzn-query-error", f"{described.code};{fault_of(status)}")]


def _json(service: str, protocol: str, described: Described, error: AwsError, request_id: str, status: int) -> Response:
    modelled, others = _split(_codecs(service), described, error)
    if described.name in CAPITAL_MESSAGES and not described.modelled and service in TYPE_NAMESPACES:
        others = {"Message" if name == "message" else name: value for name, value in others.items()}
    body = dumps({"__type": _type_name(service, described), **modelled, **others})
    media = json_protocol.content_type(_codecs(service).model)
    headers = [
        *request_id_headers(service, request_id),
        ("Content-Type", media),
        *_query_error(service, described, status),
    ]
    if service in json_protocol.CHECKSUMMED:
        headers.append(("x-amz-crc32", str(zlib.crc32(body))))
    return Response(status, headers, body)


def _cbor(service: str, described: Described, error: AwsError, request_id: str, status: int) -> Response:
    values, members = _fields(described, error)
    written = _codecs(service).cbor_writers.structure(members)(values)
    others = {name: value for name, value in values.items() if name not in members}
    body = cbor_bodies.dumps({"__type": _type_name(service, described), **written, **others})
    return Response(
        status,
        [
            *request_id_headers(service, request_id),
            *cbor_bodies.HEADERS,
            *_query_error(service, described, status),
        ],
        body,
    )


def _rest_json(service: str, described: Described, error: AwsError, request_id: str, status: int) -> Response:
    codec = _codecs(service)
    headers = [
        *request_id_headers(service, request_id),
        ("Content-Type", "application/json"),
    ]
    bindings = ResponseBindings(codec.model, described.shape)
    values, members = _fields(described, error)
    if "Type" in members and service == "lambda":
        values.setdefault("Type", "User" if status < 500 else "Service")
    bindings.write(values, headers)
    # Some models bind a member to this header; it is the error's name all the same.
    headers = [pair for pair in headers if pair[0].lower() != "x-amzn-errortype"]
    headers.append(("x-amzn-ErrorType", described.name))
    body = codec.json_careful.structure(described.shape, bindings.body)(values)
    body.update({name: value for name, value in values.items() if name not in members})
    return Response(status, headers, dumps(body))


def _xml_fields(
    writers: XmlWriters | None, described: Described, error: AwsError, first: tuple[str, ...] = ("Code", "Message")
) -> list[str]:
    """Return the elements of an error's fields beside its code and message."""
    parts: list[str] = []
    members: dict[str, Ref] = described.shape["members"]
    for name, value in error.fields.items():
        if value is None or name in first:
            continue
        if writers is not None and name in members:
            writers.structure({name: members[name]})({name: value}, parts.append)
        else:
            text = ("true" if value else "false") if isinstance(value, bool) else str(value)
            parts.append(f"<{name}>{escape(text)}</{name}>")
    return parts


def _namespace(model: ServiceModel) -> str:
    namespace = model.metadata.get("xmlNamespace")
    return f' xmlns="{namespace}"' if namespace else ""


def _xml(service: str, protocol: str, described: Described, error: AwsError, request_id: str, status: int) -> Response:
    codec = _codecs(service)
    writers = codec.rest_xml_writers if protocol == "rest-xml" else codec.query_writers
    detail = "<Detail/>" if service == "sqs" else ""
    parts = [
        DECLARATION if protocol == "rest-xml" else '<?xml version="1.0"?>',
        f"<ErrorResponse{_namespace(codec.model)}><Error><Type>{fault_of(status)}</Type>"
        f"<Code>{escape(described.code)}</Code>",
        f"<Message>{escape(error.message)}</Message>{detail}",
        *_xml_fields(writers, described, error),
        f"</Error><RequestId>{escape(request_id)}</RequestId></ErrorResponse>",
    ]
    return Response(status, [*request_id_headers(service, request_id), ("Content-Type", "text/xml")], _written(parts))


def _ec2(described: Described, error: AwsError, request_id: str, status: int) -> Response:
    parts = [
        f"{DECLARATION}<Response><Errors><Error><Code>{escape(described.code)}</Code>"
        f"<Message>{escape(error.message)}</Message>",
        *_xml_fields(None, described, error),
        f"</Error></Errors><RequestID>{escape(request_id)}</RequestID></Response>",
    ]
    headers = [("x-amzn-RequestId", request_id), ("Content-Type", "text/xml;charset=UTF-8")]
    return Response(status, headers, _written(parts))


def _s3(described: Described, error: AwsError, request_id: str, status: int, resource: str) -> Response:
    parts = [
        f"{DECLARATION}<Error><Code>{escape(described.code)}</Code><Message>{escape(error.message)}</Message>",
        *_xml_fields(codecs("s3").rest_xml_writers, described, error),
    ]
    if resource and "Resource" not in error.fields:
        parts.append(f"<Resource>{escape(resource)}</Resource>")
    parts.append(f"<RequestId>{escape(request_id)}</RequestId><HostId>{escape(host_id(request_id))}</HostId></Error>")
    headers = [*request_id_headers("s3", request_id), ("Content-Type", "application/xml")]
    return Response(status, headers, _written(parts))


def _written(parts: list[str]) -> bytes:
    """An error often quotes what was wrong with the request, and must be readable all the same."""
    return readable("".join(parts)).encode()
