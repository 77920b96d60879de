"""From the services that a request may be for to the one operation that it means."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple
from urllib.parse import unquote

from app.http import Request

from . import queues, s3
from .credentials import Signer
from .forms import FORM, Action, action_of, is_form
from .hosts import Place
from .index import (
    BY_DATE,
    BY_SIGNING,
    BY_TARGET,
    BY_VERSION,
    SERVICES,
    WITH_ACTIONS,
    WITH_BEARER,
    WITHOUT_SIGNATURE,
    operations,
)
from .refusals import UnroutableError, invalid_action, missing_action, unknown_operation
from .templates import templates

CONTROL = "/v20180820/"  # S3 Control's paths
CONNECTIONS = "/@connections/"  # API Gateway's management of WebSocket connections, below a stage
OUTPOSTS = ("s3outposts",)  # shares its signing name with S3's and S3 Control's own calls to Outposts
ENDPOINTS = "/S3Outposts/"  # … which its paths tell it from
_RPC = "smithy-rpc-v2-cbor"
_AMZ_JSON = "application/x-amz-json"


class Found(NamedTuple):
    """An operation, and what a queue's URL or a form's SigV2 says of region, account and key besides."""

    service: str
    operation: str
    protocol: str
    labels: dict[str, str]
    region: str | None = None
    account: str | None = None
    access_key: str | None = None


def by_target(target: str, request: Request, signer: Signer, place: Place) -> tuple[str, str]:
    """Return service and operation that an X-Amz-Target means."""
    prefix, _, operation = target.strip().rpartition(".")
    services = BY_TARGET.get(prefix, ())
    having = tuple(service for service in services if operation in operations(service))
    if not having:
        known = services or signer.services
        message = f"X-Amz-Target {target!r} names no operation of a service that Cairn knows."
        raise unknown_operation(request, known[0] if known else None, "json", message)
    return (having[0] if len(having) == 1 else _ordered(having, request, place)[0]), operation


def by_rpc_path(request: Request, path: str) -> tuple[str, str] | None:
    """Return service and operation of `/service/<Service>/operation/<Operation>`, None where it is another path."""
    before, _, operation = path.rpartition("/operation/")
    above, _, name = before.rpartition("/service/")
    protocol = request.headers.get("smithy-protocol")
    if protocol is None and above:
        return None
    services = BY_TARGET.get(name, ())
    if protocol in (None, "rpc-v2-cbor"):
        for service in services:
            if operation in operations(service):
                return service, operation
    if protocol is None:
        return None
    message = f"The path {path!r} names no operation in the protocol {protocol!r}."
    raise unknown_operation(request, services[0] if services else None, _RPC, message)


def by_s3(request: Request, path: str, signer: Signer, place: Place) -> Found:
    """Return what a request for S3 or S3 Control means."""
    if path.startswith(CONTROL) and _is_control(request, signer, place):
        return by_rest(("s3control",), request, path) or _refuse(("s3control",), request, path)
    if path == "/WriteGetObjectResponse" and request.method == "POST":
        return Found("s3", "WriteGetObjectResponse", "rest-xml", {})
    bucket = place.bucket
    if bucket is None and "s3" not in place.services:
        bucket = place.maybe_bucket
    level, labels = s3.split(path, bucket)
    operation = s3.operation(request, level)
    if operation == "ListBuckets" and signer.signing == "s3express":
        operation = "ListDirectoryBuckets"
    return Found("s3", operation, "rest-xml", labels)


def _is_control(request: Request, signer: Signer, place: Place) -> bool:
    """Whether a path that could be that of a bucket named v20180820 is S3 Control's."""
    account = place.maybe_bucket or ""
    return (
        "s3control" in place.services
        or signer.signing == "s3-outposts"
        or "x-amz-account-id" in request.headers
        or (len(account) == 12 and account.isdigit())
    )


def by_services(services: tuple[str, ...], request: Request, path: str, signer: Signer, place: Place) -> Found:
    """Return what a request for one of these services means."""
    if services[0] == "s3" or services == ("s3control",) or (services == OUTPOSTS and not path.startswith(ENDPOINTS)):
        return by_s3(request, path, signer, place)
    if len(services) > 1:
        services = _ordered(services, request, place)
    found = by_rest(services, request, path)
    if found is None and any(SERVICES[service].form_protocol for service in services):
        found = by_action(services, request, path, action_of(request))
    return found or _refuse(services, request, path)


def by_rest(services: tuple[str, ...], request: Request, path: str) -> Found | None:
    """Return what method and path mean in those of the services that are told so."""
    rest = _rest_among(services)
    if not rest:
        return None
    if CONNECTIONS in path and "apigatewaymanagementapi" in rest:
        path = CONNECTIONS + path.partition(CONNECTIONS)[2]
    match = templates(rest).match(request.method, path, request.query)
    if match is None:
        return None
    return Found(match.service, match.operation, SERVICES[match.service].protocols[0], match.labels)


@cache
def _rest_among(services: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(service for service in services if SERVICES[service].rest)


def by_action(services: tuple[str, ...], request: Request, path: str, action: Action) -> Found | None:
    """Return what an Action means in those of the services that are called so, None where there is no Action.

    Raises:
        UnroutableError: InvalidAction, where none of the services has it.
    """
    if not action.name:
        return None
    speaking = [service for service in services if SERVICES[service].form_protocol]
    of_version = [service for service in speaking if action.version in SERVICES[service].versions]
    for some in (of_version, speaking):
        for service in some:
            if action.name in operations(service):
                return _called(service, request, path, action)
    likely = (of_version or speaking)[0]
    raise invalid_action(request, likely, SERVICES[likely].form_protocol or "query", action.name)


def _called(service: str, request: Request, path: str, action: Action) -> Found:
    protocol = SERVICES[service].form_protocol or "query"
    queue = queues.queue_of(path) if service == "sqs" and len(path) > 1 else None
    key = action.access_key or None
    if queue is None:
        return Found(service, action.name, protocol, {}, access_key=key)
    labels = {"QueueUrl": queues.url_of(request)}
    return Found(service, action.name, protocol, labels, queue.region, queue.account, key)


def by_evidence(request: Request, path: str, signer: Signer, place: Place) -> Found:
    """Return what a request means that nobody signed, or signed without saying for which service."""
    services = place.services or (BY_SIGNING["execute-api"] if place.published else ())
    if services:
        return by_services(services, request, path, signer, place)
    content_type = request.headers.get("content-type", "").lower()
    if content_type.startswith(_AMZ_JSON):
        message = "The request has no X-Amz-Target."
        raise unknown_operation(request, None, "json", message)
    if "Action=" in request.query or (
        request.method == "POST" and (content_type.startswith(FORM) or (path == "/" and is_form(request)))
    ):
        action = action_of(request)
        speaking = _ordered(BY_VERSION.get(action.version, WITH_ACTIONS), request, place)
        found = by_action(speaking, request, path, action)
        if found:
            return found
    found = _known_by_path(request, path, signer, content_type)
    if found:
        return found
    if signer.signing is not None:
        message = f"Cairn knows no service that signs as {signer.signing!r}."
        raise UnroutableError("NotImplemented", message, request=request, status=501)
    if request.method == "POST" and ((path == "/" and not place.maybe_bucket) or "json" in content_type):
        raise _meaningless(request)
    return by_s3(request, path, signer, place)


def _known_by_path(request: Request, path: str, signer: Signer, content_type: str) -> Found | None:
    """REST services that are called with a bearer token or none, or by the date that their paths begin with."""
    if signer.bearer:
        return by_rest(WITH_BEARER, request, path)
    if "x-amz-sso_bearer_token" in request.headers or (
        request.method == "POST" and content_type.startswith("application/json")
    ):
        found = by_rest(WITHOUT_SIGNATURE, request, path)
        if found and found.operation in SERVICES[found.service].unsigned:
            return found
    dated = BY_DATE.get(path[1:].partition("/")[0])
    return by_rest(dated, request, path) if dated else None


def published(place: Place, path: str) -> Found:
    """Return the pseudo operation of what users publish under a host name of its own: an API, a function, a site."""
    kind = place.published or ""
    if kind == "s3-website":
        return Found(kind, "GetPage", "rest-xml", {"Bucket": place.name, "Key": path[1:]})
    return Found(kind, "Invoke", "rest-json", {"Id": place.name})


def _ordered(services: tuple[str, ...], request: Request, place: Place) -> tuple[str, ...]:
    """Put those services first that the host names, and before them the one that the SDK says it is for.

    SDKs other than Python's put `api/<serviceId>#<version>` into the user agent.
    """
    if place.services:
        services = tuple(sorted(services, key=lambda service: service not in place.services))
    agent = request.headers.get("user-agent", "")
    at = agent.find(" api/")
    if at >= 0 and len(services) > 1:
        said = agent[at + 5 :].partition(" ")[0].partition("#")[0]
        said = unquote(said).lower().replace("-", "").replace("_", "")
        for service in services:
            if SERVICES[service].id == said:
                return (service, *(other for other in services if other != service))
    return services


def _refuse(services: tuple[str, ...], request: Request, path: str) -> Found:
    """Say that none of the services has such an operation."""
    service = SERVICES[services[0]]
    form = next((SERVICES[name].form_protocol for name in services if SERVICES[name].form_protocol), None)
    if request.headers.get("content-type", "").startswith(_AMZ_JSON):
        form = None
    if form and (is_form(request) or not any(SERVICES[name].rest for name in services)):
        name = next(name for name in services if SERVICES[name].form_protocol)
        if name == "sqs" and queues.queue_of(path):
            # What SQS says to a browser that opens a queue's URL.
            raise UnroutableError("UnknownOperationException", request=request, service=name, protocol=form, status=404)
        raise missing_action(request, name, form)
    if service.rest:
        message = f"No operation of {' or '.join(services)} has the method {request.method} and the path {path}."
    else:
        message = f"The request has no X-Amz-Target, which calls of {services[0]} need."
    raise unknown_operation(request, services[0], service.protocols[0] if service.rest else "json", message)


def _meaningless(request: Request) -> UnroutableError:
    headers = request.headers
    return UnroutableError(
        "UnknownOperationException",
        f"This request names no AWS operation: {request.method} {request.path}, host {headers.get('host')!r}, content "
        f"type {headers.get('content-type')!r}, with neither credential scope, X-Amz-Target nor Action.",
        request=request,
        status=404,
    )
