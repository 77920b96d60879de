"""What a rest-json or rest-xml body holds: nothing, some of the members, or one member that is the whole of it."""

from __future__ import annotations

from typing import NamedTuple

from app.protocols.models import Ref, ServiceModel, Shape


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
