"""Which stack a request names: by path (`/_stack/<stack>@<at>/…`), by header (x-cairn-stack), or by host."""

from __future__ import annotations

import re
from urllib.parse import unquote

from app.http import Request

from .hosts import Place
from .refusals import UnroutableError

MAIN = "main"
PREFIX = "/_stack/"
HEADER = "x-cairn-stack"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z")


def stack_of(request: Request, place: Place) -> tuple[str, str | None, str]:
    """Return the stack, the moment of it that is meant if any, and the path without the stack's prefix.

    Raises:
        UnroutableError: where what should be a stack's name cannot be one.
    """
    path = request.path
    if path.startswith(PREFIX):
        named, slash, rest = path[len(PREFIX) :].partition("/")
        return *_named(unquote(named), request), slash + rest or "/"
    header = request.headers.get(HEADER)
    if header is not None:
        return *_named(header.strip(), request), path
    return (*_named(place.stack, request), path) if place.stack else (MAIN, None, path)


def _named(text: str, request: Request) -> tuple[str, str | None]:
    name, at, moment = text.partition("@")
    if not _NAME.match(name) or (at and not moment):
        message = f"{text!r} names no stack: a name is letters, digits, '.', '_' and '-', then maybe @ and a moment."
        raise UnroutableError("InvalidStackName", message, request=request)
    return name, moment or None
