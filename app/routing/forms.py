"""The Action and Version of a query-protocol call, in its query string or in its form."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote_plus

from app.http import BytesBody, Request

from .refusals import UnroutableError

FORM = "application/x-www-form-urlencoded"
LARGEST_FORM = 10 * 1024 * 1024
_PIECE = 64 * 1024


class Action(NamedTuple):
    """What a form says of the operation; empty strings where it says nothing."""

    name: str = ""
    version: str = ""
    access_key: str = ""  # SigV2 puts it among the parameters


def is_form(request: Request) -> bool:
    """Whether the body is, or by what little is said may be, a form."""
    content_type = request.headers.get("content-type")
    if content_type is None:
        return request.method == "POST"
    return content_type.startswith(FORM) or content_type.lower().startswith(FORM)


def action_of(request: Request) -> Action:
    """Return the Action of the query string, else of the form, which is then read and put back whole.

    Raises:
        UnroutableError: RequestEntityTooLarge, where the form is larger than any that AWS takes.
        Truncated: as reading the body does.
    """
    if request.query:
        action = Action(_value(request.query, "Action"), _value(request.query, "Version"))
        if action.name:
            return action
    if not is_form(request):
        return Action()
    form = _read(request).decode("latin-1")
    return Action(_value(form, "Action"), _value(form, "Version"), _value(form, "AWSAccessKeyId"))


def _read(request: Request) -> bytes:
    body = request.body
    if body.length is not None and body.length > LARGEST_FORM:
        raise _too_large(request)
    data = body.read(_PIECE)
    if data and body.length != len(data):
        pieces, size = [data], len(data)
        while data := body.read(_PIECE):
            pieces.append(data)
            size += len(data)
            if size > LARGEST_FORM:
                raise _too_large(request)
        data = b"".join(pieces)
    request.body = BytesBody(data, body.trailers)
    return data


def _too_large(request: Request) -> UnroutableError:
    message = f"The form is larger than {LARGEST_FORM} bytes."
    return UnroutableError("RequestEntityTooLarge", message, request=request, protocol="query", status=413)


def _value(form: str, name: str) -> str:
    """One parameter of a form, without taking the others apart."""
    start = 0 if form.startswith(name + "=") else form.find(f"&{name}=") + 1
    if start == 0 and not form.startswith(name + "="):
        return ""
    start += len(name) + 1
    end = form.find("&", start)
    value = form[start:] if end < 0 else form[start:end]
    return unquote_plus(value) if "%" in value or "+" in value else value
