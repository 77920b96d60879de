"""Who calls, and temporary credentials, through boto3."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.errors import AwsError
from app.services.sts import principal_of
from tests.errors import aws_error
from tests.services.sqs.inprocess import Stack

ROLE = "arn:aws:iam::123456789012:role/service/App"
Client = Callable[..., Any]


def with_credentials(client: Client, service: str, credentials: dict[str, str], **options: Any) -> Any:
    return client(
        service, key=credentials["AccessKeyId"], secret=credentials["SecretAccessKey"], token=credentials["SessionToken"],
        **options,
    )  # fmt: skip


def seconds_left(credentials: dict[str, Any]) -> float:
    left: float = (credentials["Expiration"] - datetime.now(UTC)).total_seconds()
    return left


def identity(sts: Any) -> tuple[str, str, str]:
    found = sts.get_caller_identity()
    return found["Account"], found["Arn"], found["UserId"]


def test_an_accounts_own_key_is_its_root(client: Client) -> None:
    assert identity(client("sts")) == ("000000000000", "arn:aws:iam::000000000000:root", "000000000000")
    assert identity(client("sts", account="111111111111"))[1] == "arn:aws:iam::111111111111:root"


def test_an_assumed_role_is_its_session_in_its_account(client: Client) -> None:
    answer = client("sts").assume_role(RoleArn=ROLE, RoleSessionName="me@home")
    user, credentials = answer["AssumedRoleUser"], answer["Credentials"]
    assert user["Arn"] == "arn:aws:sts::123456789012:assumed-role/App/me@home"
    assert user["AssumedRoleId"].startswith("AROA")
    assert user["AssumedRoleId"].endswith(":me@home")
    assert len(credentials["AccessKeyId"]) == 20
    assert 3_500 < seconds_left(credentials) <= 3_600
    sts = with_credentials(client, "sts", credentials)
    assert identity(sts) == ("123456789012", user["Arn"], user["AssumedRoleId"])


def test_a_roles_id_is_the_same_in_every_session(client: Client) -> None:
    sts = client("sts")
    ids = {
        sts.assume_role(RoleArn=ROLE, RoleSessionName=name)["AssumedRoleUser"]["AssumedRoleId"].partition(":")[0]
        for name in ("one", "two")
    }
    assert len(ids) == 1


def test_issued_credentials_work_on_the_roles_account_in_other_services(client: Client) -> None:
    credentials = client("sts").assume_role(RoleArn=ROLE, RoleSessionName="me")["Credentials"]
    with_credentials(client, "sqs", credentials).create_queue(QueueName="theirs")
    owner = client("sqs", account="123456789012")
    (url,) = owner.list_queues()["QueueUrls"]
    assert url.endswith("/123456789012/theirs")
    with_credentials(client, "sqs", credentials).send_message(QueueUrl=url, MessageBody="x")
    (message,) = owner.receive_message(QueueUrl=url, AttributeNames=["SenderId"])["Messages"]
    assert message["Attributes"]["SenderId"].endswith(":me")


@pytest.mark.parametrize("name", ["a", "x" * 65, "a b"])
def test_a_bad_session_name_is_refused(client: Client, name: str) -> None:
    with aws_error("ValidationError", status=400):
        client("sts").assume_role(RoleArn=ROLE, RoleSessionName=name)


@pytest.mark.parametrize("seconds", [899, 43_201])
def test_a_duration_out_of_range_is_refused(client: Client, seconds: int) -> None:
    with aws_error("ValidationError", status=400):
        client("sts").assume_role(RoleArn=ROLE, RoleSessionName="me", DurationSeconds=seconds)


def test_a_role_may_be_assumed_for_twelve_hours(client: Client) -> None:
    answer = client("sts").assume_role(RoleArn=ROLE, RoleSessionName="me", DurationSeconds=43_200)
    assert 43_100 < seconds_left(answer["Credentials"]) <= 43_200


@pytest.mark.parametrize("arn", ["arn:aws:iam::123456789012:user/App", "arn:aws:iam::12345:role/application"])
def test_what_is_no_role_cannot_be_assumed(client: Client, arn: str) -> None:
    with aws_error("ValidationError", status=400, message="is invalid"):
        client("sts").assume_role(RoleArn=arn, RoleSessionName="me")


@pytest.mark.parametrize("policy", ["{", "[]", '{"Version": "2012-10-17"}'])
def test_a_malformed_session_policy_is_refused(client: Client, policy: str) -> None:
    with aws_error("MalformedPolicyDocument", status=400):
        client("sts").assume_role(RoleArn=ROLE, RoleSessionName="me", Policy=policy)


def test_a_large_session_policy_is_refused(client: Client) -> None:
    policy = json.dumps({"Statement": [], "Id": "x" * 2_048})
    with aws_error("PackedPolicyTooLarge", status=400):
        client("sts").assume_role(RoleArn=ROLE, RoleSessionName="me", Policy=policy)


def test_the_size_of_policies_and_tags_is_told(client: Client) -> None:
    answer = client("sts").assume_role(RoleArn=ROLE, RoleSessionName="me", Tags=[{"Key": "team", "Value": "blue"}])
    assert 1 <= answer["PackedPolicySize"] <= 100


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"Tags": [{"Key": "Team", "Value": "a"}, {"Key": "team", "Value": "b"}]}, "Duplicate tag keys found"),
        ({"TransitiveTagKeys": ["team"]}, "must be included in the requested tags"),
    ],
)
def test_bad_session_tags_are_refused(client: Client, asked: dict[str, Any], message: str) -> None:
    with aws_error("InvalidParameterValue", status=400, message=message):
        client("sts").assume_role(RoleArn=ROLE, RoleSessionName="me", **asked)


def test_a_source_identity_stays_through_a_chain_of_roles(client: Client) -> None:
    first = client("sts").assume_role(RoleArn=ROLE, RoleSessionName="me", SourceIdentity="jo")
    assert first["SourceIdentity"] == "jo"
    sts = with_credentials(client, "sts", first["Credentials"])
    assert sts.assume_role(RoleArn=ROLE, RoleSessionName="again")["SourceIdentity"] == "jo"
    with aws_error("AccessDenied", status=403):
        sts.assume_role(RoleArn=ROLE, RoleSessionName="again", SourceIdentity="al")


def test_a_chained_role_lasts_an_hour_at_most(client: Client) -> None:
    first = client("sts").assume_role(RoleArn=ROLE, RoleSessionName="me")
    with aws_error("ValidationError", message="1 hour session limit for roles assumed by role chaining"):
        with_credentials(client, "sts", first["Credentials"]).assume_role(
            RoleArn=ROLE, RoleSessionName="again", DurationSeconds=3_601
        )


def test_a_session_token_is_for_the_caller_for_twelve_hours(client: Client) -> None:
    credentials = client("sts").get_session_token()["Credentials"]
    assert 43_100 < seconds_left(credentials) <= 43_200
    sts = with_credentials(client, "sts", credentials)
    assert identity(sts) == ("000000000000", "arn:aws:iam::000000000000:root", "000000000000")
    with aws_error("AccessDenied", status=403, message="Cannot call GetSessionToken with session credentials"):
        sts.get_session_token()


def test_a_federated_user_has_a_name(client: Client) -> None:
    answer = client("sts").get_federation_token(Name="bob")
    assert answer["FederatedUser"] == {
        "FederatedUserId": "000000000000:bob",
        "Arn": "arn:aws:sts::000000000000:federated-user/bob",
    }
    sts = with_credentials(client, "sts", answer["Credentials"])
    assert identity(sts)[1:] == ("arn:aws:sts::000000000000:federated-user/bob", "000000000000:bob")


def token_of(**claims: Any) -> str:
    parts = [{"alg": "none"}, claims]
    return ".".join(
        [*(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts), "sig"]
    )


def test_a_web_identity_is_read_from_its_token(client: Client) -> None:
    token = token_of(iss="https://accounts.example.com", sub="user-17", aud="app", exp=4_000_000_000)
    answer = client("sts").assume_role_with_web_identity(RoleArn=ROLE, RoleSessionName="me", WebIdentityToken=token)
    assert (answer["Provider"], answer["Audience"]) == ("accounts.example.com", "app")
    assert answer["SubjectFromWebIdentityToken"] == "user-17"
    assert identity(with_credentials(client, "sts", answer["Credentials"]))[0] == "123456789012"


@pytest.mark.parametrize(
    ("code", "token"),
    [
        ("InvalidIdentityToken", "not-a-token"),
        ("InvalidIdentityToken", "a.b.c"),
        ("InvalidIdentityToken", token_of(iss="https://x")),
        ("ExpiredTokenException", token_of(iss="https://x", sub="someone", exp=1)),
    ],
)
def test_a_bad_web_identity_token_is_refused(client: Client, code: str, token: str) -> None:
    with aws_error(code, status=400):
        client("sts").assume_role_with_web_identity(RoleArn=ROLE, RoleSessionName="me", WebIdentityToken=token)


ASSERTION = """<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns="urn:oasis:names:tc:SAML:2.0:assertion">
<Assertion><Issuer>https://idp.example.com</Issuer><Subject>
<NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">jo</NameID><SubjectConfirmation>
<SubjectConfirmationData Recipient="https://signin.aws.amazon.com/saml"/></SubjectConfirmation></Subject>
<AttributeStatement><Attribute Name="https://aws.amazon.com/SAML/Attributes/RoleSessionName">
<AttributeValue>jo@example.com</AttributeValue></Attribute></AttributeStatement></Assertion></samlp:Response>"""


def assume_with_saml(client: Client, assertion: bytes) -> Any:
    return client("sts").assume_role_with_saml(
        RoleArn=ROLE,
        PrincipalArn="arn:aws:iam::123456789012:saml-provider/idp",
        SAMLAssertion=base64.b64encode(assertion).decode(),
    )


def test_a_saml_subject_is_read_from_its_assertion(client: Client) -> None:
    answer = assume_with_saml(client, ASSERTION.encode())
    assert answer["AssumedRoleUser"]["Arn"] == "arn:aws:sts::123456789012:assumed-role/App/jo@example.com"
    assert (answer["Subject"], answer["SubjectType"]) == ("jo", "persistent")
    assert (answer["Issuer"], answer["Audience"]) == ("https://idp.example.com", "https://signin.aws.amazon.com/saml")


@pytest.mark.parametrize("assertion", [b"not XML", b"<x/>", b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + ASSERTION.encode()])
def test_a_bad_saml_assertion_is_refused(client: Client, assertion: bytes) -> None:
    with aws_error("InvalidIdentityToken", status=400):
        assume_with_saml(client, assertion)


def test_an_access_key_tells_its_account(client: Client) -> None:
    sts = client("sts")
    credentials = sts.assume_role(RoleArn=ROLE, RoleSessionName="me")["Credentials"]
    assert sts.get_access_key_info(AccessKeyId=credentials["AccessKeyId"])["Account"] == "123456789012"


def test_no_authorization_message_is_valid(client: Client) -> None:
    with aws_error("InvalidAuthorizationMessageException", status=400):
        client("sts").decode_authorization_message(EncodedMessage="abc")


def test_expired_credentials_are_told_so(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    key = stack("AssumeRole", service="sts", RoleArn=ROLE, RoleSessionName="me")["Credentials"]["AccessKeyId"]
    assert stack("GetCallerIdentity", service="sts", access_key=key)["Account"] == "123456789012"
    stack.pass_time(3_600)
    with pytest.raises(AwsError, match="ExpiredToken: The security token included in the request is expired"):
        stack("GetCallerIdentity", service="sts", access_key=key)
    with stack.journal.view() as view:
        assert principal_of(view.tables, key, stack.time) is None
    assert stack.differences() == []
    stack.close()
