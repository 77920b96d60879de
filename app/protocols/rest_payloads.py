"""What a rest-json or rest-xml body holds: nothing, some of the members, or one member that is the whole of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from app.http import Response
from app.protocols.http_bindings import ResponseBindings
from app.protocols.models import Ref, ServiceModel, Shape
from app.protocols.request_ids import request_id_headers

# The media type of a body that is one member's bytes or text, where the result does not give it.
DEFAULT_TYPES = {"blob": "application/octet-stream", "string": "text/plain"}
RAW_TYPES = {
    ("lambda", "Invoke"): "application/json",
    ("s3", "GetBucketPolicy"): "application/json",
    ("s3", "GetObject"): "binary/octet-stream",
}


class Payload(NamedTuple):
    """The member that is the body."""

    member: str
    ref: Ref
    kind: str  # the shape's type, "document" or "eventstream"
    streaming: bool


def payload_of(model: ServiceModel, shape: Shape) -> Payload | None:
    """Return the payload member of an input or output shape, if it has one."""
    member = shape.get("payload")
    if member is None:
        return None
    ref = shape["members"][member]
    resolved = model.resolve(ref)
    kind = (
        "eventstream" if resolved.get("eventstream") else "document" if resolved.get("document") else resolved["type"]
    )
    return Payload(member, ref, kind, kind == "blob" and bool(resolved.get("streaming")))


def event_stream_member(model: ServiceModel, shape: Shape) -> str | None:
    """Return the member of an output shape that is a stream of events, if it has one."""
    for member, ref in shape["members"].items():
        if model.shape(ref["shape"]).get("eventstream"):
            name: str = member
            return name
    return None


def raw_serializer(
    model: ServiceModel, definition: dict[str, Any], bindings: ResponseBindings, payload: Payload
) -> Callable[[dict[str, Any], str], Response]:
    """Return the function that answers with one member's bytes or text as the body, passed on as it is."""
    member = payload.member
    status = definition["http"].get("responseCode", 200)
    media = RAW_TYPES.get((model.name, definition["name"]), DEFAULT_TYPES[payload.kind])

    def serialize(result: dict[str, Any], request_id: str) -> Response:
        headers = request_id_headers(model.name, request_id)
        bindings.write(result, headers)
        data = result.get(member)
        if data is None:
            data = b""
        else:
            bindings.write_content_type(media, result, headers)
            if data.__class__ is str:
                data = data.encode()
        return Response(bindings.status(result, status), headers, data)

    return serialize
