"""Requests for tests, and what an operation makes of them."""

from __future__ import annotations

from typing import Any

import orjson

from app import protocols
from app.http import BytesBody, Request


def request(
    body: bytes = b"", method: str = "POST", target: str = "/", headers: dict[str, str] | None = None
) -> Request:
    """Return a request with a body that is already whole."""
    return Request(method, target, headers or {}, BytesBody(body))


def read_json(service: str, operation: str, document: Any, validate: bool = False) -> dict[str, Any]:
    """Parse a JSON request (text is sent as it is), and check its parameters where asked."""
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    compiled = protocols.operation(service, operation)
    params = compiled.parse("json", request(body))
    if validate:
        compiled.validate(params)
    return params


def read_form(service: str, operation: str, form: str, validate: bool = False) -> dict[str, Any]:
    """Parse a form-encoded request."""
    compiled = protocols.operation(service, operation)
    params = compiled.parse("ec2" if service == "ec2" else "query", request(form.encode()))
    if validate:
        compiled.validate(params)
    return params


def read_s3(
    operation: str,
    body: bytes = b"",
    query: str = "",
    headers: dict[str, str] | None = None,
    validate: bool = False,
    **labels: str,
) -> dict[str, Any]:
    """Parse an S3 request; `labels` are as in the path."""
    compiled = protocols.operation("s3", operation)
    params = compiled.parse("rest-xml", request(body, "GET", f"/?{query}", headers), labels)
    if validate:
        compiled.validate(params)
    return params
