"""What is not understood is said plainly, in the shape that the client reads."""

from __future__ import annotations

import pytest

from app.http import BytesBody
from app.routing import UnroutableError, route
from app.routing.forms import LARGEST_FORM
from tests.routing.asking import FORM, asking, refused, routed, scope

JSON = {"content_type": "application/x-amz-json-1.0"}
HEADERS = [
    # headers, code, status, service, protocol
    (JSON | {"x_amz_target": "DynamoDB_20120810.Nope"}, "UnknownOperationException", 400, "dynamodb", "json"),
    (JSON | {"x_amz_target": "DynamoDB_20111205.PutItem"}, "UnknownOperationException", 400, None, "json"),
    (JSON | {"x_amz_target": "Nope"}, "UnknownOperationException", 400, None, "json"),
    (JSON | {"x_amz_target": ""}, "UnknownOperationException", 400, None, "json"),
    (JSON, "UnknownOperationException", 400, None, "json"),
    (JSON | {"authorization": scope("dynamodb")}, "UnknownOperationException", 400, "dynamodb", "json"),
    (JSON | {"authorization": scope("sqs")}, "UnknownOperationException", 400, "sqs", "json"),
    ({"content_type": FORM, "authorization": scope("sts")}, "MissingAction", 400, "sts", "query"),
    ({"authorization": scope("lambda")}, "UnknownOperationException", 404, "lambda", "rest-json"),
    ({"authorization": scope("no-such-service")}, "NotImplemented", 501, "s3", "rest-xml"),
    ({"content_type": "application/json"}, "UnknownOperationException", 404, None, "rest-json"),
    ({}, "UnknownOperationException", 404, "s3", "rest-xml"),
]


@pytest.mark.parametrize(("headers", "code", "status", "service", "protocol"), HEADERS)
def test_a_post_to_the_root_that_names_no_operation(
    headers: dict[str, str], code: str, status: int, service: str | None, protocol: str
) -> None:
    error = refused("POST", "/", **headers)
    assert (error.code, error.status, error.service, error.protocol) == (code, status, service, protocol)
    assert error.request.method == "POST"


def test_a_target_that_is_known_is_not_asked_for_its_scope() -> None:
    found = routed("POST", "/", authorization=scope("no-such-service"), x_amz_target="TrentService.Encrypt")
    assert (found.service, found.region) == ("kms", "eu-west-1")


@pytest.mark.parametrize(
    ("signing", "version", "service", "protocol"),
    [
        ("sts", "2011-06-15", "sts", "query"),
        ("ec2", "2016-11-15", "ec2", "ec2"),
        ("elasticloadbalancing", "2012-06-01", "elb", "query"),
        ("sqs", "2012-11-05", "sqs", "query"),
        (None, "2010-05-08", "iam", "query"),
    ],
)
def test_an_unknown_action(signing: str | None, version: str, service: str, protocol: str) -> None:
    signed = {"authorization": scope(signing)} if signing else {}
    error = refused("POST", "/", f"Action=Nope&Version={version}".encode(), content_type=FORM, **signed)
    assert (error.code, error.status, error.service, error.protocol) == ("InvalidAction", 400, service, protocol)
    assert error.message == "The action Nope is not valid for this web service."


BAD_CREDENTIALS = [
    "AWS4-HMAC-SHA256",
    "AWS4-HMAC-SHA256 hello",
    "AWS4-HMAC-SHA256 Credential=",
    "AWS4-HMAC-SHA256 Credential=AKID, SignedHeaders=host, Signature=0",
    "AWS4-HMAC-SHA256 Credential=AKID/20261124/eu-west-1/{}/aws3_request, SignedHeaders=host, Signature=0",
    "AWS4-HMAC-SHA256 Credential=AKID/yesterday/eu-west-1/{}/aws4_request, SignedHeaders=host, Signature=0",
    "AWS4-HMAC-SHA256 Credential=AKID/20261124/eu west/{}/aws4_request, SignedHeaders=host, Signature=0",
    "AWS4-HMAC-SHA256 Credential=AKID/20261124/../{}/aws4_request, SignedHeaders=host, Signature=0",
    "AWS4-HMAC-SHA256 Credential=/20261124/eu-west-1/{}/aws4_request, SignedHeaders=host, Signature=0",
]


@pytest.mark.parametrize("authorization", BAD_CREDENTIALS)
def test_malformed_credentials(authorization: str) -> None:
    to_s3 = refused("GET", "/b/k", authorization=authorization.format("s3"))
    assert (to_s3.code, to_s3.service, to_s3.protocol) == ("AuthorizationHeaderMalformed", "s3", "rest-xml")
    to_dynamodb = refused(
        "POST", "/", x_amz_target="DynamoDB_20120810.PutItem", authorization=authorization.format("dynamodb"), **JSON
    )
    assert (to_dynamodb.code, to_dynamodb.service) == ("IncompleteSignatureException", "dynamodb")
    to_sts = refused("POST", "/", content_type=FORM, authorization=authorization.format("sts"), host="sts.localhost")
    assert (to_sts.code, to_sts.service, to_sts.protocol) == ("IncompleteSignature", "sts", "query")


@pytest.mark.parametrize("authorization", ["", "Basic dTpw", "Digest x", "hello", "AWS"])
def test_another_kind_of_authorization(authorization: str) -> None:
    error = refused("GET", "/b/k", authorization=authorization)
    assert (error.code, error.message) == ("InvalidArgument", "Unsupported Authorization Type")


def test_a_malformed_presigned_url() -> None:
    error = refused("GET", "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=nonsense")
    assert (error.code, error.status) == ("AuthorizationQueryParametersError", 400)


@pytest.mark.parametrize("region", ["*", "local", "us_east_1", "MARS-north-99"])
def test_regions_that_aws_does_not_have_are_fine(region: str) -> None:
    found = routed("GET", "/b", authorization=scope("s3", region=region))
    assert found.region == ("us-east-1" if region == "*" else region)


def test_an_unknown_cbor_operation() -> None:
    error = refused("POST", "/service/Textract/operation/Nope", smithy_protocol="rpc-v2-cbor")
    assert (error.code, error.service, error.protocol) == (
        "UnknownOperationException",
        "textract",
        "smithy-rpc-v2-cbor",
    )
    error = refused("POST", "/service/Textract/operation/DetectDocumentText", smithy_protocol="rpc-v3")
    assert error.code == "UnknownOperationException"


def test_a_path_that_only_looks_like_rpc_is_a_key() -> None:
    assert routed("GET", "/service/x/operation/y").labels == {"Bucket": "service", "Key": "x/operation/y"}


class Chunked(BytesBody):
    """A body whose length nobody said beforehand, given a few bytes at a time."""

    def __init__(self, data: bytes, at_once: int = 7) -> None:
        super().__init__(data)
        self.length = None
        self.at_once = at_once

    def read(self, size: int = -1) -> bytes:
        return super().read(self.at_once)


def test_a_form_in_pieces() -> None:
    request = asking("POST", "/", content_type=FORM, authorization=scope("sts"))
    form = b"Version=2011-06-15&Action=GetCallerIdentity&" + b"x" * 100
    request.body = Chunked(form)
    assert route(request).operation == "GetCallerIdentity"
    assert request.body.read() == form


def test_a_form_that_is_too_large() -> None:
    request = asking("POST", "/", content_type=FORM, authorization=scope("sts"))
    request.body = Chunked(b"Action=GetCallerIdentity&x=" + b"x" * LARGEST_FORM, at_once=1 << 20)
    with pytest.raises(UnroutableError) as caught:
        route(request)
    assert (caught.value.code, caught.value.status) == ("RequestEntityTooLarge", 413)


class Untouchable(BytesBody):
    """A body that must not be read."""

    def read(self, size: int = -1) -> bytes:
        raise AssertionError("the router read a body that it has no business with")


@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        ("POST", "/", JSON | {"x_amz_target": "DynamoDB_20120810.PutItem", "authorization": scope("dynamodb")}),
        ("PUT", "/b/k", {"authorization": scope("s3")}),
        ("PUT", "/b/k", {"content_type": FORM}),
        ("POST", "/b?delete", {}),
        ("POST", "/2015-03-31/functions/f/invocations", {"authorization": scope("lambda")}),
        ("POST", "/v2/email/outbound-emails", {"authorization": scope("ses")}),
        ("POST", "/service/Textract/operation/DetectDocumentText", {"smithy_protocol": "rpc-v2-cbor"}),
        ("GET", "/000000000001/q?Action=ReceiveMessage", {"content_type": FORM}),
    ],
)
def test_other_bodies_are_left_alone(method: str, target: str, headers: dict[str, str]) -> None:
    request = asking(method, target, **headers)
    request.body = Untouchable(b"whatever")
    route(request)
