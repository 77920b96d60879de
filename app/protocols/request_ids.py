"""The headers by which every answer names its request."""

from __future__ import annotations

S3_LIKE = frozenset({"s3", "s3control"})


def host_id(request_id: str) -> str:
    """Return the second, opaque id that S3 gives with a request's."""
    return f"{request_id}/cairn/{request_id[::-1]}"


def request_id_headers(service: str, request_id: str) -> list[tuple[str, str]]:
    """Return a new list of the headers that hold a request's id."""
    if service in S3_LIKE:
        return [("x-amz-request-id", request_id), ("x-amz-id-2", host_id(request_id))]
    return [("x-amzn-RequestId", request_id)]
