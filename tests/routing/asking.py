"""Requests made by hand, for the tests of routing."""

from __future__ import annotations

import pytest

from app.http import BytesBody, Request
from app.routing import Route, UnroutableError, route

FORM = "application/x-www-form-urlencoded; charset=utf-8"


def scope(service: str, *, key: str = "test", region: str = "eu-west-1", headers: str = "host;x-amz-date") -> str:
    """Return an Authorization header of SigV4."""
    return (
        f"AWS4-HMAC-SHA256 Credential={key}/20261124/{region}/{service}/aws4_request, "
        f"SignedHeaders={headers}, Signature=f00d"
    )


def asking(method: str, target: str, body: bytes = b"", **headers: str) -> Request:
    """Return a request; header names have `_` for `-`, the host is localhost:4566 unless given."""
    sent = {"host": "localhost:4566"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method, target, sent, BytesBody(body))


def routed(method: str, target: str, body: bytes = b"", **headers: str) -> Route:
    """Return the route of a request made by hand."""
    return route(asking(method, target, body, **headers))


def refused(method: str, target: str, body: bytes = b"", **headers: str) -> UnroutableError:
    """Return the error that a request made by hand is answered with."""
    with pytest.raises(UnroutableError) as caught:
        routed(method, target, body, **headers)
    return caught.value
