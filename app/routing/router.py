"""The way from a request to its route. The usual cases come first, and touch nothing that they do not need."""

from __future__ import annotations

from app.http import Request
from app.principal import account_of

from . import credentials, hosts
from .credentials import ANONYMOUS, Signer, from_header, from_query, is_region
from .guess import complete
from .hosts import NOWHERE, Place, place_of
from .index import BY_TARGET, SERVICES
from .refusals import UnroutableError
from .resolve import CONNECTIONS, Found, by_evidence, by_rpc_path, by_s3, by_services, by_target, published
from .route import Route
from .stacks import HEADER, MAIN, PREFIX, stack_of

DEFAULT_REGION = "us-east-1"

_targets: dict[str, tuple[str, str]] = {}  # as many as there are operations, since only what is known is kept


def configure(*, trust_aws_keys: bool = False, own_domains: tuple[str, ...] = ()) -> None:
    """Set what is the user's choice; the server does so once, before it serves.

    Args:
        trust_aws_keys: take the account from AKIA… and ASIA… keys (PARITY_AWS_ACCESS_KEY_ID).
        own_domains: host names besides localhost under which buckets and services have names of their own.
    """
    credentials.trust_aws_keys(trust_aws_keys)
    hosts.own_domains(own_domains)


def is_preflight(request: Request) -> bool:
    """Whether this is a browser's CORS preflight, which carries neither signature nor target."""
    return (
        request.method == "OPTIONS"
        and "origin" in request.headers
        and "access-control-request-method" in request.headers
    )


def route(request: Request) -> Route:
    """Return which service, operation, stack, region and account a request means.

    Reads the body of a query-protocol form, and puts it back; never that of any other request.

    Raises:
        UnroutableError: where the request means nothing, with the service and protocol that it seems to be for.
        Truncated: where a form breaks off.
    """
    host = request.headers.get("host")
    place = place_of(host) if host else NOWHERE
    try:
        return _route(request, place)
    except UnroutableError as error:
        if error.service is None:
            complete(error, place)
        raise


def _route(request: Request, place: Place) -> Route:
    headers = request.headers
    path = request.path
    if path.startswith(PREFIX) or HEADER in headers or place.stack:
        stack, stack_at, path = stack_of(request, place)
    else:
        stack, stack_at = MAIN, None

    if place.published and CONNECTIONS not in path:
        signer, found = _lenient_signer(request), published(place, path)
    else:
        signer = _signer(request)
        target = headers.get("x-amz-target")
        if target is not None:
            service, operation = _targets.get(target) or _by_target(target, request, signer, place)
            region = signer.region or place.region or _region_of(request)
            return Route(service, operation, "json", {}, stack, stack_at, region, signer.account, signer.access_key)
        services = signer.services
        if services and services[0] == "s3":
            found = by_s3(request, path, signer, place)
        elif path.find("/operation/") >= 0 and (rpc := by_rpc_path(request, path)):
            found = Found(*rpc, "smithy-rpc-v2-cbor", {})
        elif services:
            found = by_services(services, request, path, signer, place)
        else:
            found = by_evidence(request, path, signer, place)

    if signer.access_key is None and (found.access_key or found.account):
        account = found.account or account_of(found.access_key)
        signer = Signer(found.access_key, account)
    return Route(
        found.service,
        found.operation,
        found.protocol,
        found.labels,
        stack,
        stack_at,
        signer.region or place.region or found.region or _region_of(request),
        signer.account,
        signer.access_key,
    )


def _signer(request: Request) -> Signer:
    authorization = request.headers.get("authorization")
    if authorization is not None:
        return from_header(authorization, request)
    return from_query(request.query, request) if request.query else ANONYMOUS


def _lenient_signer(request: Request) -> Signer:
    """For what users publish, which has rules of its own for who may call: any Authorization will do."""
    try:
        return _signer(request)
    except UnroutableError:
        return ANONYMOUS


def _by_target(target: str, request: Request, signer: Signer, place: Place) -> tuple[str, str]:
    found = by_target(target, request, signer, place)
    if len(BY_TARGET[SERVICES[found[0]].target]) == 1:  # else it takes more than the target to tell
        _targets[target] = found
    return found


def _region_of(request: Request) -> str:
    """The region of a request that has none in its scope: SigV4A's set of regions, or a header of the user's."""
    headers = request.headers
    for region in headers.get("x-amz-region-set", headers.get("x-amz-region", "")).split(","):
        if is_region(region.strip()):
            return region.strip()
    return DEFAULT_REGION
