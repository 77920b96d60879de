"""Requests for any operation of AWS, as botocore writes them: the oracle of the routing tests."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import botocore.loaders
from botocore import serialize
from botocore.awsrequest import create_request_object, prepare_request_dict
from botocore.model import OperationModel, ServiceModel, Shape

from app.http import BytesBody, Request

LABEL = "a b:c/d+é%2F."  # in one segment, all of it encoded
GREEDY = "first/second part/third"
_DEEPEST = 8

_loader = botocore.loaders.Loader()


@lru_cache(maxsize=4)
def model_of(service: str) -> ServiceModel:
    """Return botocore's newest model of a service."""
    return ServiceModel(_loader.load_service_model(service, "service-2"), service)


def services() -> list[str]:
    """Return the names of all services."""
    return _loader.list_available_services("service-2")


def least_parameters(operation: OperationModel) -> dict[str, Any]:
    """Return parameters with all that is required, and values that are hard on URIs where they go there."""
    shape = operation.input_shape
    if shape is None:
        return {}
    uri = operation.http["requestUri"]
    parameters = {}
    for name in {*shape.required_members, *_in_uri(shape)}:
        member = shape.members[name]
        where = member.serialization.get("location")
        if where == "uri" and member.type_name == "string":
            location = member.serialization.get("name", name)
            parameters[name] = GREEDY if f"{{{location}+}}" in uri else LABEL
        else:
            parameters[name] = _value(member, 0)
    return parameters


def _in_uri(shape: Any) -> list[str]:
    return [name for name, member in shape.members.items() if member.serialization.get("location") == "uri"]


def _value(shape: Shape, depth: int) -> Any:
    match shape.type_name:
        case "structure" | "list" | "map" if depth > _DEEPEST:
            return [] if shape.type_name == "list" else {}
        case "structure":
            names = list(shape.required_members)
            if shape.is_tagged_union:
                names = list(shape.members)[:1]
            return {name: _value(shape.members[name], depth + 1) for name in names}
        case "list":
            return [_value(shape.member, depth + 1)]
        case "map":
            return {"key": _value(shape.value, depth + 1)}
        case "integer" | "long":
            return 7
        case "float" | "double":
            return 1.5
        case "boolean":
            return True
        case "timestamp":
            return "2026-01-02T03:04:05Z"
        case "blob":
            return b"blob"
        case _:
            return (getattr(shape, "enum", None) or ["text"])[0]


def protocols_of(model: ServiceModel, spoken: list[str]) -> Iterator[tuple[str, Any]]:
    """Yield each protocol that a service speaks, with botocore's serializer of it."""
    for protocol in spoken:
        yield protocol, serialize.create_serializer(protocol, include_validation=False)


def request_of(operation: OperationModel, serializer: Any, host: str, **headers: str) -> Request:
    """Return the request that botocore would send to this host, with these headers added."""
    if operation.metadata.get("jsonVersion") is None:
        operation.metadata["jsonVersion"] = "1.0"
    written = serializer.serialize_to_request(least_parameters(operation), operation)
    prepare_request_dict(written, f"http://{host}", user_agent="Botocore/1.44.5 ua/2.1 os/linux lang/python#3.11")
    prepared = create_request_object(written).prepare()
    sent = {name.lower(): value for name, value in _texts(prepared.headers.items())}
    sent |= {"host": host} | {name.replace("_", "-"): value for name, value in headers.items()}
    parts = urlsplit(prepared.url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    body = prepared.body if isinstance(prepared.body, bytes) else str(prepared.body or "").encode()
    return Request(prepared.method, target, sent, BytesBody(body))


def _texts(headers: Any) -> Iterator[tuple[str, str]]:
    for name, value in headers:
        yield name, value.decode() if isinstance(value, bytes) else str(value)
