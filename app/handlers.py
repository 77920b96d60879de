"""How services declare their operations, and how the engine finds them.

A service lives in `app/services/<service>.py` (or a package), where <service> is botocore's name with `-` as `_`, and a
trailing `_` where Python has the word for itself (`lambda_`). It is imported at the first call that needs it.
"""

from __future__ import annotations

import importlib
import importlib.util
import keyword
from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol

from app.calls import Call
from app.errors import NotBuilt
from app.http import Request, Response
from app.outcomes import Outcome
from journal import State

Handle = Callable[[Call, State], Outcome]
Prepare = Callable[[Call, Request, Any], None]


class Wire(Protocol):
    """Reads an operation's requests and writes its answers; app.protocols has one for each that is in a model."""

    streaming_input: str | None

    def parse(self, protocol: str, request: Request, labels: Mapping[str, str] | None = None) -> dict[str, Any]: ...

    def validate(self, params: dict[str, Any]) -> None: ...

    def serialize(self, protocol: str, result: dict[str, Any], request_id: str) -> Response: ...


class Handler:
    """One operation: what it is (query or command), the function that decides, and what runs before it at the edge."""

    __slots__ = ("handle", "kind", "operation", "prepare", "service", "wire")

    def __init__(self, service: str, operation: str, kind: Literal["query", "command"], handle: Handle) -> None:
        self.service = service
        self.operation = operation
        self.kind = kind
        self.handle = handle
        self.prepare: Prepare | None = None
        self.wire: Wire | None = None  # where the model has no such operation, or does not say all of it


_HANDLERS: dict[tuple[str, str], Handler] = {}
_PREPARES: dict[tuple[str, str], Prepare] = {}
_WIRES: dict[tuple[str, str], Wire] = {}
_LOADED: dict[str, bool] = {}


def _declare(
    kind: Literal["query", "command"], service: str, operations: tuple[str, ...]
) -> Callable[[Handle], Handle]:
    def declare(function: Handle) -> Handle:
        for operation in operations:
            if (service, operation) in _HANDLERS:
                raise ValueError(f"{service}:{operation} has a handler already")
            _HANDLERS[service, operation] = Handler(service, operation, kind, function)
        return function

    return declare


def query(service: str, *operations: str) -> Callable[[Handle], Handle]:
    """Declare the handler of operations that change nothing: it reads a consistent snapshot and may emit no event."""
    return _declare("query", service, operations)


def command(service: str, *operations: str) -> Callable[[Handle], Handle]:
    """Declare the handler of operations that may change state: it reads the current tables, alone, and emits events."""
    return _declare("command", service, operations)


def prepare(service: str, *operations: str) -> Callable[[Prepare], Prepare]:
    """Declare what runs at the edge, before the handler, where waiting and files are allowed.

    The function gets (call, request, blobs), may read request.body (into `blobs`), may set call.params, and raises
    AwsError to refuse the call. It sees no state.
    """

    def declare(function: Prepare) -> Prepare:
        for operation in operations:
            _PREPARES[service, operation] = function
        return function

    return declare


def wire(service: str, operation: str, how: Wire) -> None:
    """Declare how an operation travels, where its model does not say it: form uploads, statuses that depend."""
    _WIRES[service, operation] = how


def module_name(service: str) -> str:
    """Return the module name of a service: `lambda` is `lambda_`, `api-gateway` is `api_gateway`."""
    name = service.replace("-", "_")
    return name + "_" if keyword.iskeyword(name) else name


def load(service: str) -> bool:
    """Import a service if Cairn has it; tell whether it has."""
    known = _LOADED.get(service)
    if known is None:
        name = f"app.services.{module_name(service)}"
        known = importlib.util.find_spec(name) is not None
        if known:
            importlib.import_module(name)
            for key, function in _PREPARES.items():
                if key[0] == service and key in _HANDLERS:
                    _HANDLERS[key].prepare = function
            for key, how in _WIRES.items():
                if key[0] == service and key in _HANDLERS:
                    _HANDLERS[key].wire = how
        _LOADED[service] = known
    return known


def handler(service: str, operation: str) -> Handler:
    """Return an operation's handler. Raises NotBuilt (501) where Cairn has none."""
    found = _HANDLERS.get((service, operation))
    if found is None or service not in _LOADED:
        load(service)
        found = _HANDLERS.get((service, operation))
        if found is None:
            raise NotBuilt(service, operation)
    return found


def operations(service: str) -> list[str]:
    """Return the names of a service's operations that are built."""
    load(service)
    return sorted(operation for name, operation in _HANDLERS if name == service)
