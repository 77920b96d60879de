"""AssumeRoleWithWebIdentity and AssumeRoleWithSAML.

What an identity provider signed is read, not verified: Cairn knows no provider's keys. A token must have the shape of one,
and must not have expired.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import Any
from xml.etree import ElementTree

from app.arns import parse
from app.services import AwsError, Call, Outcome, State, command
from app.services.sts.credentials import issue, limits
from app.services.sts.roles import DEFAULT_SECONDS, role, user

_SOURCE_IDENTITY = "https://aws.amazon.com/source_identity"
_SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
_SAML_ATTRIBUTE = "https://aws.amazon.com/SAML/Attributes/"


@command("sts", "AssumeRoleWithWebIdentity")
def assume_role_with_web_identity(call: Call, state: State) -> Outcome:
    """Give out credentials of a role to whom an OpenID Connect token, or an OAuth token of `ProviderId`, was issued.

    Errors: InvalidIdentityToken, ExpiredTokenException, ValidationError, and those of `limits`.
    Source: AWS STS API Reference, AssumeRoleWithWebIdentity.
    """
    params = call.params
    assumed = role(params["RoleArn"])
    arn, user_id = assumed.session(params["RoleSessionName"])
    provider = params.get("ProviderId")
    token: str = params["WebIdentityToken"]
    claims: dict[str, Any] = {}
    if provider is None:
        claims = _claims(token)
        expires = claims.get("exp")
        if isinstance(expires, int | float) and expires <= call.now:
            raise AwsError(
                "ExpiredTokenException",
                f"Token expired: current date/time {int(call.now)} must be before the expiration date/time {int(expires)}",
            )
        provider = str(claims["iss"]).removeprefix("https://")
    audience = claims.get("aud", claims.get("azp"))
    return issue(
        call, assumed.account, arn, user_id, params.get("DurationSeconds") or DEFAULT_SECONDS, limits(params),
        source_identity=str(claims.get(_SOURCE_IDENTITY) or ""), AssumedRoleUser=user(arn, user_id), Provider=provider,
        Audience=audience[0] if isinstance(audience, list) and audience else audience,
        SubjectFromWebIdentityToken=str(claims.get("sub") or hashlib.sha256(token.encode()).hexdigest()),
    )  # fmt: skip


def _claims(token: str) -> dict[str, Any]:
    """Return what a JSON Web Token says. Raises InvalidIdentityToken where it is none."""
    parts = token.split(".")
    try:
        if len(parts) != 3:
            raise ValueError
        header, claims = (json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in parts[:2])
        if not isinstance(header, dict) or not isinstance(claims, dict):
            raise ValueError
    except (ValueError, binascii.Error):
        raise AwsError(
            "InvalidIdentityTokenException",
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
        ) from None
    for name in ("iss", "sub"):
        if not claims.get(name):
            raise AwsError("InvalidIdentityTokenException", f"Missing a required claim: {name}")
    return claims


@command("sts", "AssumeRoleWithSAML")
def assume_role_with_saml(call: Call, state: State) -> Outcome:
    """Give out credentials of a role to the subject of a SAML assertion.

    Errors: InvalidIdentityToken, ValidationError, and those of `limits`.
    Source: AWS STS API Reference, AssumeRoleWithSAML; IAM User Guide, Configure SAML assertions.
    """
    params = call.params
    assumed = role(params["RoleArn"])
    provider = parse(params["PrincipalArn"])
    if provider is None or provider.service != "iam" or not provider.resource.startswith("saml-provider/"):
        raise AwsError("ValidationError", f"{params['PrincipalArn']} is invalid", status=400)
    said = _Assertion(params["SAMLAssertion"])
    arn, user_id = assumed.session(said.session)
    qualifier = f"{said.issuer}{assumed.account}/{provider.resource.partition('/')[2]}"
    return issue(
        call, assumed.account, arn, user_id, params.get("DurationSeconds") or DEFAULT_SECONDS, limits(params),
        source_identity=said.source_identity, AssumedRoleUser=user(arn, user_id), Subject=said.subject,
        SubjectType=said.subject_type, Issuer=said.issuer, Audience=said.recipient,
        NameQualifier=base64.b64encode(hashlib.sha1(qualifier.encode(), usedforsecurity=False).digest()).decode("ascii"),
    )  # fmt: skip


class _Assertion:
    """What a SAML authentication response says. Raises InvalidIdentityToken where it is none."""

    def __init__(self, encoded: str) -> None:
        try:
            raw = base64.b64decode("".join(encoded.split()), validate=True)
            if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:  # a SAML response has neither; entities are how XML is abused
                raise ValueError
            root = ElementTree.fromstring(raw)
        except (ValueError, binascii.Error, ElementTree.ParseError):
            raise _no_assertion() from None
        name_id = root.find(f".//{_SAML}Subject/{_SAML}NameID")
        session = self._attribute(root, "RoleSessionName")
        if name_id is None or not session:
            raise _no_assertion()
        issuer = root.find(f".//{_SAML}Assertion/{_SAML}Issuer")
        confirmed = root.find(f".//{_SAML}SubjectConfirmationData")
        kind = name_id.get("Format", "")
        self.session = session
        self.subject = name_id.text or ""
        self.subject_type = kind.rpartition(":")[2] if kind.startswith("urn:oasis:names:tc:SAML:2.0") else kind
        self.issuer = "" if issuer is None else (issuer.text or "").strip()
        self.recipient = None if confirmed is None else confirmed.get("Recipient")
        self.source_identity = self._attribute(root, "SourceIdentity")

    @staticmethod
    def _attribute(root: ElementTree.Element, name: str) -> str:
        for attribute in root.iter(f"{_SAML}Attribute"):
            if attribute.get("Name") == _SAML_ATTRIBUTE + name:
                value = attribute.find(f"{_SAML}AttributeValue")
                return "" if value is None else (value.text or "").strip()
        return ""


def _no_assertion() -> AwsError:
    return AwsError(
        "InvalidIdentityTokenException", "Invalid base64 SAMLResponse or a response without a role session's name"
    )
