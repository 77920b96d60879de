"""Whom an unroutable request seems to be for: an error, too, is answered in the shape that the client can read."""

from __future__ import annotations

from .forms import FORM
from .hosts import Place
from .index import BY_SIGNING, BY_TARGET, SERVICES
from .refusals import UnroutableError

_JSON = "application/x-amz-json"

# What S3 and the json protocols call what the query protocols call IncompleteSignature.
_MALFORMED = {
    "s3": {"IncompleteSignature": "AuthorizationHeaderMalformed"},
    "json": {
        "IncompleteSignature": "IncompleteSignatureException",
        "InvalidArgument": "IncompleteSignatureException",
        "AuthorizationQueryParametersError": "IncompleteSignatureException",
    },
    "other": {"InvalidArgument": "IncompleteSignature", "AuthorizationQueryParametersError": "IncompleteSignature"},
}


def complete(error: UnroutableError, place: Place) -> None:
    """Put service and protocol into an error that was raised before they were known, and give it their code."""
    service, protocol = _guess(error, place)
    error.service, error.protocol = service, protocol
    json = protocol in ("json", "rest-json", "smithy-rpc-v2-cbor")
    kind = "s3" if service == "s3" else "json" if json else "other"
    error.code = _MALFORMED[kind].get(error.code, error.code)
    if error.code == "AuthorizationHeaderMalformed":
        error.message = f"The authorization header is malformed; {error.message}"
    error.args = (f"{error.code}: {error.message}",)


def _guess(error: UnroutableError, place: Place) -> tuple[str | None, str]:
    request = error.request
    headers = request.headers
    content_type = headers.get("content-type", "").lower()
    target = headers.get("x-amz-target")
    if target is not None or content_type.startswith(_JSON):
        services = BY_TARGET.get((target or "").rpartition(".")[0], ())
        return services[0] if services else None, "json"
    if "smithy-protocol" in headers:
        return None, "smithy-rpc-v2-cbor"
    services = _scoped(headers.get("authorization", "")) or place.services
    if services:
        service = SERVICES[services[0]]
        form = service.form_protocol if content_type.startswith(FORM) else None
        return services[0], form or service.protocols[0]
    if content_type.startswith(FORM) or "Action=" in request.query:
        return None, "query"
    if content_type.startswith("application/json"):
        return None, "rest-json"
    return "s3", "rest-xml"


def _scoped(authorization: str) -> tuple[str, ...]:
    """The services of the first word that is a signing name, in a scope that is otherwise in disorder."""
    scope = authorization.partition("Credential=")[2].partition(",")[0]
    return next((BY_SIGNING[part] for part in scope.split("/")[2:] if part in BY_SIGNING), ())
