"""The ec2 protocol: the query protocol with capitalised names, flat lists and an envelope of its own."""

from __future__ import annotations

from typing import Any

from app.http import Response
from app.protocols.models import ServiceModel
from app.protocols.query import Serializer, compile_parser
from app.protocols.xml_writing import DECLARATION, XmlWriters, escape

__all__ = ["compile_parser", "compile_serializer"]

CONTENT_TYPE = "text/xml;charset=UTF-8"


def compile_serializer(model: ServiceModel, definition: dict[str, Any], writers: XmlWriters) -> Serializer:
    """Return the function that writes one operation's answers."""
    name = definition["name"]
    opening = f'{DECLARATION}<{name}Response xmlns="{model.metadata["xmlNamespace"]}"><requestId>'
    write = writers.content(definition["output"]) if "output" in definition else None
    closing = f"</{name}Response>"

    def serialize(result: dict[str, Any], request_id: str) -> Response:
        parts = [opening, escape(request_id), "</requestId>"]
        if write is not None:
            write(result, parts.append)
        else:
            parts.append("<return>true</return>")
        parts.append(closing)
        return Response(
            200,
            [("x-amzn-RequestId", request_id), ("Content-Type", CONTENT_TYPE)],
            "".join(parts).encode(),
        )

    return serialize
