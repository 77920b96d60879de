"""The Falcon application: one sink for AWS calls, beside the admin routes.

A call's way: route -> handler found -> parsed -> validated -> prepared -> engine -> serialized.
"""

from __future__ import annotations

import errno
import logging
import time
from typing import Any

import falcon

from app import compression, handlers, protocols, routing
from app.admin import add_routes
from app.calls import IDS, Call
from app.config import Settings, load
from app.cors import Origins
from app.errors import AwsError
from app.http import BytesBody, Request, Response, Truncated
from app.observing import Observed
from app.principals import principal
from app.protocols import Malformed
from app.stacks import Served
from journal import BlobCorrupt, StorageFull
from journal.stacks import BadName, NoSuchStack
from journal.values import SPILL_OVER, pack, spill

log = logging.getLogger("cairn.edge")

OURS = ("/_cairn/", "/_localstack/", "/_aws/", "/health")  # paths of the admin endpoints; no bucket's name begins so


class Edge:
    """What answers AWS calls in one process."""

    def __init__(self, served: Served, observed: Observed) -> None:
        self.served = served
        self.settings = served.settings
        self.observed = observed
        self.origins = Origins(self.settings.cors_origins)
        self._enabled = frozenset(self.settings.services)

    def answer(self, request: Request, connected: Any = None) -> Response:
        """Answer one AWS call; never raises."""
        began = time.perf_counter()
        origin = request.headers.get("origin")
        if origin is not None and routing.is_preflight(request):
            return self.origins.preflight(request)
        response = self._answer(request, connected, origin, began)
        if origin is not None and self.origins.allowed(origin):
            self.origins.grant(origin, response)
        return response

    def _answer(self, request: Request, connected: Any, origin: str | None, began: float) -> Response:
        request_id = IDS.uuid()
        service, operation, protocol = "unknown", None, "json"
        route: routing.Route | None = None
        error: AwsError
        headers = request.headers
        try:
            encoded = "content-encoding" in headers
            if encoded:
                compression.unpack(request, self.settings.max_body)
            route = routing.route(request)
            service, operation, protocol = route.service, route.operation, route.protocol
            if encoded and service in compression.KEEPS:
                compression.keep_packed(request)
            if origin is not None:
                self.origins.check(origin)
            response = self._serve(route, request, request_id, connected)
            accepted = headers.get("accept-encoding", "identity")
            if accepted != "identity" and service in compression.PACKS:
                compression.pack(response, accepted)
            self.observed.call(route, response.status, began, request, request_id)
            return response
        except routing.UnroutableError as unroutable:
            service, protocol = unroutable.service or "unknown", unroutable.protocol
            error = unroutable
        except AwsError as refused:
            error = refused
        except compression.Damaged as damaged:
            protocol = protocol if route is not None else "query"  # only forms are read to be routed
            error = Malformed(str(damaged)).answer(service, protocol)
        except Truncated:
            error = AwsError("IncompleteBody", "The request body ended before it was complete.", status=400)
        except (NoSuchStack, BadName) as missing:
            error = AwsError("NoSuchStack", str(missing.args[0]), status=404)
        except StorageFull as full:
            log.error("%s:%s: %s", service, operation, full)
            error = _disk_full()
        except BlobCorrupt as corrupt:
            log.error("%s:%s: %s (request %s)", service, operation, corrupt, request_id)
            error = AwsError("InternalError", f"Stored data is damaged: {corrupt}", status=500)
        except OSError as failed:
            log.exception("%s:%s failed (request %s)", service, operation, request_id)
            error = _disk_full() if failed.errno in (errno.ENOSPC, errno.EDQUOT) else _bug(request_id)
        except Exception:
            log.exception("%s:%s failed (request %s)", service, operation, request_id)
            error = _bug(request_id)
        error.__traceback__ = None  # it would keep this frame, and a read transaction, until the next collection
        response = self._refuse(service, operation, protocol, error, request_id, request)
        self.observed.failure(service, operation, response.status, began, request, request_id, error, route)
        return response

    def _serve(self, route: routing.Route, request: Request, request_id: str, connected: Any) -> Response:
        service, protocol, headers = route.service, route.protocol, request.headers
        if self._enabled and service not in self._enabled:
            raise AwsError(
                "ServiceNotEnabled", f"Service {service!r} is not enabled: SERVICES lists {', '.join(sorted(self._enabled))}.",
                status=501,
            )  # fmt: skip
        handler = handlers.handler(service, route.operation)
        if route.stack_at is not None:
            raise AwsError(
                "NotImplemented", "Cairn does not serve a stack's past yet; fork it at that seq instead.", status=501
            )
        engine = self.served.engine(route.stack)
        compiled = handler.wire or protocols.operation(service, route.operation)
        if compiled.streaming_input is None:
            self._bound(request)
        params = compiled.parse(protocol, request, route.labels)
        compiled.validate(params)
        account, arn = principal(engine, route)
        host = self.settings.host or headers.get("host", "localhost:4566")
        call = Call(
            service, route.operation, params, account=account, region=route.region, access_key=route.access_key,
            principal=arn, request_id=request_id, protocol=protocol, host=host, scheme=request.scheme,
            stack_prefix=prefix_of(request), source_ip=request.remote,
            user_agent=headers.get("user-agent", ""), settings=self.settings,
        )  # fmt: skip
        if handler.prepare is not None:
            handler.prepare(call, request, self.served.blobs)
        if handler.kind == "query":
            return compiled.serialize(protocol, engine.query(handler, call), request_id)
        if (request.body.length or 0) > SPILL_OVER and compiled.streaming_input is None:
            spill(
                pack(call.params), self.served.blobs
            )  # large values reach the disk before the writer's turn, not in it
        result, seq = engine.command(handler, call, connected)
        response = compiled.serialize(protocol, result, request_id)
        response.headers.append(("x-cairn-seq", str(seq)))
        return response

    def _bound(self, request: Request) -> None:
        length = request.body.length
        if length is not None:
            if length > self.settings.max_body:
                raise AwsError(
                    "RequestEntityTooLarge",
                    f"The request body has more than {self.settings.max_body} bytes.",
                    status=413,
                )
            return
        data = request.body.read(self.settings.max_body + 1)
        pieces = [data]
        size = len(data)
        while data:
            if size > self.settings.max_body:
                raise AwsError(
                    "RequestEntityTooLarge",
                    f"The request body has more than {self.settings.max_body} bytes.",
                    status=413,
                )
            data = request.body.read(self.settings.max_body + 1 - size)
            pieces.append(data)
            size += len(data)
        request.body = BytesBody(b"".join(pieces), request.body.trailers)

    def _refuse(
        self, service: str, operation: str | None, protocol: str, error: AwsError, request_id: str, request: Request
    ) -> Response:
        try:
            return protocols.serialize_error(
                service, operation, protocol, error, request_id, resource=request.path, head=request.method == "HEAD"
            )
        except Exception:
            log.exception("the error %s could not be serialized (request %s)", error, request_id)
            return Response(500, [("content-type", "text/plain")], b"InternalFailure " + request_id.encode())


def _disk_full() -> AwsError:
    return AwsError("InsufficientStorage", "Cairn's disk is full: free some space and try again.", status=507)


def _bug(request_id: str) -> AwsError:
    return AwsError(
        "InternalFailure",
        f"Cairn failed on this request (a bug); its log has the cause under {request_id}.",
        status=500,
    )


def prefix_of(request: Request) -> str:
    """Return the path prefix by which a request named its stack, to be kept in returned URLs; "" where it did not."""
    path = request.path
    if not path.startswith("/_stack/"):
        return ""
    end = path.find("/", len("/_stack/"))
    return path if end < 0 else path[:end]


def request_of(environ: dict[str, Any]) -> Request:
    """Return the worker's request, or one made from a WSGI environ of another server."""
    request = environ.get("cairn.request")
    if isinstance(request, Request):
        return request
    headers = {key[5:].replace("_", "-").lower(): value for key, value in environ.items() if key.startswith("HTTP_")}
    for key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(key):
            headers[key.replace("_", "-").lower()] = environ[key]
    target = environ.get("RAW_URI") or environ["PATH_INFO"] + (
        "?" + environ["QUERY_STRING"] if environ.get("QUERY_STRING") else ""
    )
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return Request(environ["REQUEST_METHOD"], target, headers, BytesBody(body), environ["wsgi.url_scheme"])


class _Sink:
    """Hands what no admin route takes to the edge."""

    def __init__(self, edge: Edge) -> None:
        self._answer = edge.answer

    def __call__(self, req: falcon.Request, resp: falcon.Response, **_: Any) -> None:
        environ = req.env
        response = self._answer(request_of(environ), environ.get("cairn.connected"))
        environ["cairn.response"] = response  # our worker sends this as it is
        if "cairn.request" not in environ:
            resp.status = response.status
            for name, value in response.headers:
                resp.append_header(name, value)
            resp.data = response.body if isinstance(response.body, bytes) else b"".join(response.body)


class _Falcon(falcon.App):
    """Falcon, with a straight way for AWS calls that our worker read.

    Finding that no route matches, and making request and response objects that nobody looks at, is 10 of the 80 µs of a
    read. Our own paths take Falcon's usual way, as does everything under another WSGI server.
    """

    def __init__(self, edge: Edge) -> None:
        super().__init__()
        self._edge = edge

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = environ.get("cairn.request")
        if request is None or request.path.startswith(OURS):
            return super().__call__(environ, start_response)
        environ["cairn.response"] = self._edge.answer(request, environ.get("cairn.connected"))
        return ()


def application(settings: Settings | None = None) -> falcon.App:
    """Build the WSGI application of one worker process."""
    served = Served(settings or load())
    return build(served)


def own_domains(settings: Settings) -> tuple[str, ...]:
    """Return the domain under which buckets and services have names, where the user has given the server a name."""
    name = settings.host.strip().lower()
    name = name if name.startswith("[") else name.partition(":")[0].rstrip(".")
    return (name,) if name else ()


def build(served: Served) -> falcon.App:
    """Build the application over stacks that are open already."""
    from app import worker

    observed = Observed(served.settings)
    settings = served.settings
    routing.configure(trust_aws_keys=settings.parity_access_keys, own_domains=own_domains(settings))
    edge = Edge(served, observed)
    app = _Falcon(edge)
    app.req_options.strip_url_path_trailing_slash = False
    add_routes(app, edge)
    app.add_sink(_Sink(edge), "/")
    worker.on_stopping.append(served.stop_waiting)
    return app
