"""Who signed a request, and for which service and region; signatures themselves are not looked at.

Four kinds are known: SigV4 and SigV4A in the header or, presigned, in the query; SigV2 in the header (`AWS key:…`) or,
presigned, in the query. A scope is taken apart once and kept: a client sends the same one all day.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote

from app.http import Request
from app.principal import account_of

from .index import BY_SIGNING
from .refusals import UnroutableError

_KEPT = 8192
_LONGEST = 256  # scopes that are longer are not kept
_TERMINATOR = "aws4_request"


class Signer(NamedTuple):
    """What credentials say. `services` is empty where they do not name one (SigV2, bearer tokens, none at all)."""

    access_key: str | None = None
    account: str = account_of(None)
    region: str | None = None
    signing: str | None = None  # the scope's service, as sent
    services: tuple[str, ...] = ()  # those that are signed for under that name
    bearer: bool = False


ANONYMOUS = Signer()
_BEARER = Signer(bearer=True)

_signers: dict[str, Signer] = {}
_trust_aws_keys = False


def trust_aws_keys(on: bool) -> None:
    """Say whether AKIA… and ASIA… keys give the account that AWS encoded in them."""
    global _trust_aws_keys
    _trust_aws_keys = on
    _signers.clear()


def from_header(authorization: str, request: Request) -> Signer:
    """Return what an Authorization header says.

    Raises:
        UnroutableError: where it is none that AWS knows, or one without what it must have.
    """
    start = authorization.find("Credential=")
    if start >= 0 and authorization.startswith("AWS4-"):
        end = authorization.find(",", start)
        scope = authorization[start + 11 : end] if end >= 0 else authorization[start + 11 :]
        return _signers.get(scope) or _from_scope(scope, request)
    if authorization.startswith("AWS "):
        return _keyed(authorization[4:].partition(":")[0].strip())
    if authorization.startswith("AWS3"):
        return _keyed(authorization.partition("AWSAccessKeyId=")[2].partition(",")[0].strip())
    if authorization[:7].lower() == "bearer ":
        return _BEARER
    if authorization.startswith("AWS4-"):
        raise _incomplete(request, "Authorization header requires 'Credential' parameter.")
    raise UnroutableError(
        "InvalidArgument",
        "Unsupported Authorization Type",
        request=request,
        ArgumentName="Authorization",
        ArgumentValue=authorization,
    )


def from_query(query: str, request: Request) -> Signer:
    """Return what a presigned URL's query says, ANONYMOUS where it is none."""
    if "X-Amz-Credential=" in query:
        scope = unquote(_parameter(query, "X-Amz-Credential="))
        try:
            return _signers.get(scope) or _from_scope(scope, request)
        except UnroutableError as error:
            error.code = "AuthorizationQueryParametersError"
            raise
    if "AWSAccessKeyId=" in query:
        return _keyed(unquote(_parameter(query, "AWSAccessKeyId=")))
    return ANONYMOUS


def _parameter(query: str, name: str) -> str:
    for pair in query.split("&"):
        if pair.startswith(name):
            return pair[len(name) :]
    return ""


def _from_scope(scope: str, request: Request) -> Signer:
    """Take apart `<key>/<date>/<region>/<service>/aws4_request`; SigV4A's has no region."""
    parts = scope.strip().partition(" ")[0].rsplit("/", 4)
    if len(parts) == 4 and parts[3] == _TERMINATOR:
        access_key, region, signing = parts[0], None, parts[2]
    elif len(parts) == 5 and parts[4] == _TERMINATOR and len(parts[1]) == 8 and parts[1].isdigit():
        access_key, region, signing = parts[0], parts[2], parts[3]
    elif len(parts) == 5 and parts[4] == _TERMINATOR and len(parts[2]) == 8 and parts[2].isdigit():
        access_key, region, signing = "/".join(parts[:2]), None, parts[3]  # SigV4A, and a key with a slash
    else:
        raise _incomplete(request, f"Credential must be <key>/<date>/<region>/<service>/{_TERMINATOR}, not {scope!r}.")
    if not access_key:
        raise _incomplete(request, "Credential has no access key.")
    if region is not None and not is_region(region):
        if region not in ("", "*"):
            raise _incomplete(request, f"Credential should be scoped to a valid region, not {region!r}.")
        region = None
    account = account_of(access_key, trust_aws_keys=_trust_aws_keys)
    signer = Signer(access_key, account, region, signing, BY_SIGNING.get(signing, ()))
    if len(scope) <= _LONGEST:
        if len(_signers) >= _KEPT:
            _signers.clear()
        _signers[scope] = signer
    return signer


def is_region(name: str) -> bool:
    """Whether this can be a region's name: any will do that is made of letters, digits and dashes."""
    return 0 < len(name) <= 64 and name.isascii() and name.replace("-", "").replace("_", "").isalnum()


def _keyed(access_key: str) -> Signer:
    return Signer(access_key or None, account_of(access_key, trust_aws_keys=_trust_aws_keys))


def _incomplete(request: Request, message: str) -> UnroutableError:
    return UnroutableError("IncompleteSignature", message, request=request)
