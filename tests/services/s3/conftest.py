"""Fixtures of the S3 tests."""

from __future__ import annotations

import http.client
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest


@pytest.fixture
def s3(client: Callable[..., Any]) -> Any:
    """A boto3 client on a fresh stack of the server."""
    return client("s3")


@pytest.fixture
def bucket(s3: Any) -> str:
    """The name of an empty bucket."""
    name = f"bucket-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=name)
    return name


class Answer:
    """What came back from a raw request."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body


@pytest.fixture
def raw(stack: Any) -> Callable[..., Answer]:
    """`raw("PUT", "/bucket/key", body, {header: value})`: a request exactly as given, without an SDK in between."""
    parts = urlsplit(stack.url)

    def send(method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
        try:
            connection.putrequest(method, parts.path + path, skip_accept_encoding=True)
            given = {name.lower(): value for name, value in (headers or {}).items()}
            if body is not None and "content-length" not in given and "transfer-encoding" not in given:
                given["content-length"] = str(len(body))
            if "authorization" not in given and "x-amz-algorithm" not in path.lower():
                given["authorization"] = (
                    "AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/s3/aws4_request, "
                    "SignedHeaders=host, Signature=" + "0" * 64
                )
            for name, value in given.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    return send
