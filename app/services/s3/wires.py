"""How S3's operations travel where the model does not say it: statuses that depend on the answer, and form uploads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from app import protocols
from app.handlers import wire
from app.http import Request, Response
from app.protocols.request_ids import request_id_headers
from app.services.s3.places import invalid_uri

OUTCOME_HEADERS = (
    ("ETag", "ETag"),
    ("Location", "Location"),
    ("VersionId", "x-amz-version-id"),
    ("ServerSideEncryption", "x-amz-server-side-encryption"),
    ("SSEKMSKeyId", "x-amz-server-side-encryption-aws-kms-key-id"),
    ("SSECustomerAlgorithm", "x-amz-server-side-encryption-customer-algorithm"),
    ("SSECustomerKeyMD5", "x-amz-server-side-encryption-customer-key-MD5"),
    ("Expiration", "x-amz-expiration"),
    ("ChecksumType", "x-amz-checksum-type"),
)


class Partial:
    """GetObject and HeadObject: 206 where the answer is a range, and the checksums and Expires as they are kept."""

    def __init__(self, operation: str) -> None:
        compiled = protocols.operation("s3", operation)
        self.streaming_input = compiled.streaming_input
        self.parse = compiled.parse
        self.validate = compiled.validate
        self._serialize = compiled.serialize

    def serialize(self, protocol: str, result: dict[str, Any], request_id: str) -> Response:
        """Write an answer."""
        response = self._serialize(protocol, result, request_id)
        if "ContentRange" in result:
            response.status = 206
        return response


class FormUpload:
    """PostObject: a browser's form. Its parameters are in the form, which the body still holds when this has read it."""

    streaming_input: str | None = "Body"

    def parse(self, protocol: str, request: Request, labels: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return the bucket; the form is read by posts.receive."""
        try:
            return {"Bucket": unquote((labels or {})["Bucket"], errors="strict")}
        except UnicodeDecodeError:
            raise invalid_uri("") from None

    def validate(self, params: dict[str, Any]) -> None:
        """Find nothing wrong: what is in the form is checked by posts.receive."""

    def serialize(self, protocol: str, result: dict[str, Any], request_id: str) -> Response:
        """Write an answer: 204, or what success_action_status and success_action_redirect ask for."""
        headers = request_id_headers("s3", request_id)
        for member, name in OUTCOME_HEADERS:
            if result.get(member) is not None:
                headers.append((name, result[member]))
        for member, value in result.items():
            if member.startswith("Checksum") and member != "ChecksumType":
                headers.append((f"x-amz-checksum-{member[8:].lower()}", value))
        body: bytes = result["Body"]
        if body:
            headers.append(("Content-Type", "application/xml"))
        return Response(result["Status"], headers, body)


wire("s3", "GetObject", Partial("GetObject"))
wire("s3", "HeadObject", Partial("HeadObject"))
wire("s3", "PostObject", FormUpload())
