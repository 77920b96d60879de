"""What a caller is told whose request means nothing to us."""

from __future__ import annotations

from typing import Any

from app.errors import AwsError
from app.http import Request


class UnroutableError(AwsError):
    """A request that names no operation we know of, with what is known of it, so that the answer has its shape."""

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        request: Request,
        service: str | None = None,
        protocol: str = "rest-xml",
        status: int = 400,
        headers: dict[str, str] | None = None,
        **fields: Any,
    ) -> None:
        super().__init__(code, message, status=status, headers=headers, **fields)
        self.request = request
        self.service = service
        self.protocol = protocol


def unknown_operation(request: Request, service: str | None, protocol: str, message: str) -> UnroutableError:
    """For the json, cbor and REST protocols, where a caller names an operation that the service does not have."""
    status = 404 if protocol.startswith("rest") else 400
    return UnroutableError(
        "UnknownOperationException", message, request=request, service=service, protocol=protocol, status=status
    )


def invalid_action(request: Request, service: str | None, protocol: str, action: str) -> UnroutableError:
    """For the query protocols. Source: each query API's Reference, Common Errors."""
    message = f"The action {action} is not valid for this web service."
    return UnroutableError("InvalidAction", message, request=request, service=service, protocol=protocol)


def missing_action(request: Request, service: str | None, protocol: str) -> UnroutableError:
    """For the query protocols, where neither query string nor form has an Action."""
    message = "The request must contain the parameter Action."
    return UnroutableError("MissingAction", message, request=request, service=service, protocol=protocol)
