"""The query protocol: a form with an Action, answered in XML."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from app.http import Request, Response
from app.protocols.form_shapes import FormReaders, read_form
from app.protocols.models import ServiceModel
from app.protocols.xml_writing import XmlWriters, escape

Parser = Callable[[Request, Mapping[str, str]], dict[str, Any]]
Serializer = Callable[[dict[str, Any], str], Response]

CONTENT_TYPE = "text/xml"


def compile_parser(model: ServiceModel, definition: dict[str, Any], readers: FormReaders) -> Parser:
    """Return the function that reads one operation's requests."""
    if "input" not in definition:
        return lambda request, labels: {}
    read = readers.reader(definition["input"])
    members = model.shape(definition["input"]["shape"])["members"]
    # Every form has a Version, which is the API's; a parameter of that name shows only where it differs.
    has_version, has_action = "Version" in members, "Action" in members

    def parse(request: Request, labels: Mapping[str, str]) -> dict[str, Any]:
        form = read_form(request)
        if has_version and form.get("Version") == model.api_version:
            del form["Version"]
        if has_action and form.get("Action") == definition["name"]:
            del form["Action"]
        params: dict[str, Any] = read(form)
        for name, value in labels.items():  # what the path says and the form leaves out: a queue's URL
            if name in members:
                params.setdefault(name, value)
        return params

    return parse


def compile_serializer(model: ServiceModel, definition: dict[str, Any], writers: XmlWriters) -> Serializer:
    """Return the function that writes one operation's answers."""
    name = definition["name"]
    namespace = model.metadata.get("xmlNamespace", "")
    opening = f'<?xml version="1.0"?><{name}Response xmlns="{namespace}">'
    result_opening = result_closing = ""
    write = None
    if "output" in definition:
        wrapper = definition["output"].get("resultWrapper", f"{name}Result")
        result_opening, result_closing = f"<{wrapper}>", f"</{wrapper}>"
        write = writers.content(definition["output"])
    closing = f"</RequestId></ResponseMetadata></{name}Response>"

    def serialize(result: dict[str, Any], request_id: str) -> Response:
        parts = [opening, result_opening]
        if write is not None:
            write(result, parts.append)
        parts += (result_closing, "<ResponseMetadata><RequestId>", escape(request_id), closing)
        return Response(
            200,
            [("x-amzn-RequestId", request_id), ("Content-Type", CONTENT_TYPE)],
            "".join(parts).encode(),
        )

    return serialize
