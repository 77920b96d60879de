"""How admin endpoints refuse: always `{"error": {"code": …, "message": …}}`."""

from __future__ import annotations

import logging
from typing import Any

import falcon
import orjson

from app.cors import Origins
from app.history import BadFilter, NoSuchEvent
from journal import StorageFull
from journal.stacks import BadName, NoSuchStack, StackExists

log = logging.getLogger("cairn.admin")

_MOST = 64 * 1024  # bytes of a body that says what is wished

STATUS: dict[type[Exception], int] = {
    NoSuchStack: 404, NoSuchEvent: 404, StackExists: 409, BadName: 400, BadFilter: 400, StorageFull: 507,
}  # fmt: skip


class Refusal(Exception):
    """A refusal with a code and status of its own."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def mount(app: falcon.App) -> None:
    """Set the form of all refusals, and refuse paths that are ours but mean nothing."""
    app.set_error_serializer(_serialize)
    app.add_error_handler(Exception, _failed)
    app.add_error_handler(falcon.HTTPError, _compose)
    app.add_error_handler(Refusal, _refuse)
    for kind in STATUS:
        app.add_error_handler(kind, _known)
    for prefix in ("/_cairn", "/_localstack"):
        app.add_route(prefix, Nothing())
        app.add_route(prefix + "/{rest:path}", Nothing())


class Nothing:
    """What is under our prefixes and means nothing."""

    def _nothing(self, req: falcon.Request, resp: falcon.Response, **_: str) -> None:
        raise Refusal(404, "NoSuchEndpoint", f"Cairn has no endpoint {req.path}; docs/http.md lists those there are.")

    on_get = on_head = on_post = on_put = on_patch = on_delete = _nothing


def body(code: str, message: str) -> dict[str, Any]:
    """Return a refusal as it is answered."""
    return {"error": {"code": code, "message": message}}


def wanted_body(req: falcon.Request) -> dict[str, Any]:
    """Return the request's JSON object, whatever its content type says (curl's default is a form). Raises Refusal."""
    try:
        wish = orjson.loads(req.bounded_stream.read(_MOST) or b"{}")
    except ValueError as error:
        raise Refusal(400, "BadRequest", "The body must be JSON.") from error
    if not isinstance(wish, dict):
        raise Refusal(400, "BadRequest", "The body must be a JSON object.")
    return wish


class OnlyFromHere:
    """Falcon middleware: refuses what a web page of elsewhere asks of us; it must not drive or read a developer's stacks."""

    def __init__(self, origins: Origins) -> None:
        self._origins = origins

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Raise Refusal (403) where the page's origin is not allowed."""
        origin = req.get_header("Origin")
        if origin is not None and not self._origins.allowed(origin):
            raise Refusal(
                403, "AccessDenied", f"Web pages of {origin} may not do this. CAIRN_CORS_ORIGINS={origin} lets them."
            )


def _answer(resp: falcon.Response, status: int, code: str, message: str) -> None:
    resp.status = status
    resp.media = body(code, message)


def _serialize(req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError) -> None:
    resp.media = body((error.title or "Error").replace(" ", ""), error.description or error.title or "")


def _compose(req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError, params: dict[str, Any]) -> None:
    title = (error.title or "").partition(" ")
    code = title[2].title().replace(" ", "") if title[0].isdigit() else (error.title or "Error").replace(" ", "")
    if error.headers:
        resp.set_headers(error.headers)
    told = error.description or f"{req.method} {req.path}: {title[2] or error.title}."
    _answer(resp, error.status_code, code, told)


def _refuse(req: falcon.Request, resp: falcon.Response, error: Refusal, params: dict[str, Any]) -> None:
    _answer(resp, error.status, error.code, str(error))


def _known(req: falcon.Request, resp: falcon.Response, error: Exception, params: dict[str, Any]) -> None:
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    _answer(resp, status, type(error).__name__, str(error.args[0]) if error.args else type(error).__name__)


def _failed(req: falcon.Request, resp: falcon.Response, error: Exception, params: dict[str, Any]) -> None:
    log.error("%s %s failed", req.method, req.path, exc_info=error)
    _answer(resp, 500, "InternalFailure", f"Cairn failed on this request (a bug): {type(error).__name__}: {error}")
