"""Whatever is sent, the answer is a route or an error of AWS's."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from app.http import BytesBody, Request
from app.routing import Route, UnroutableError, route
from app.routing.credentials import is_region
from app.routing.hosts import PUBLISHED
from app.routing.index import SERVICES

PIECES = [
    "/",
    "//",
    "b",
    "key",
    "..",
    "%2f",
    "%00",
    "%",
    "\udcff",
    "ü",
    "\x00",
    "?",
    "&",
    "=",
    "acl",
    "uploads",
    "list-type=2",
    "uploadId",
    "Action=",
    "Action=SendMessage",
    "Version=2012-11-05",
    "/_stack/",
    "main",
    "@",
    "/queue/",
    "000000000001",
    "/2015-03-31/functions",
    "/service/",
    "/operation/",
    "Textract",
    "/v20180820/",
    "X-Amz-Credential=",
    "a/20261124/r/s3/aws4_request",
    "AWSAccessKeyId=",
    "/@connections/",
    "WriteGetObjectResponse",
]
VALUES = [
    "AWS4-HMAC-SHA256 ",
    "Credential=",
    "AKID/",
    "20261124/",
    "eu-west-1/",
    "s3/",
    "sqs/",
    "lambda/",
    "ses/",
    "aws4_request",
    ", ",
    "AWS ",
    "AWS3-HTTPS ",
    "Bearer ",
    ":",
    "localhost",
    ".s3.",
    ".stack.",
    "sqs.",
    ".amazonaws.com",
    "[::1]",
    ".",
    "-",
    "us-east-1",
    ".execute-api.",
    "DynamoDB_20120810",
    ".PutItem",
    "application/x-www-form-urlencoded",
    "application/x-amz-json-1.0",
    "multipart/form-data",
    "rpc-v2-cbor",
    "\u212a",
    "İ",
    "%",
    " ",
    "api/neptune#1",
    "main@7",
]
NAMES = [
    "authorization",
    "host",
    "x-amz-target",
    "content-type",
    "smithy-protocol",
    "x-cairn-stack",
    "x-amz-region",
    "x-amz-region-set",
    "x-amz-account-id",
    "x-amz-copy-source",
    "user-agent",
    "x-amz-sso_bearer_token",
    "origin",
]


def made_of(pieces: list[str]) -> st.SearchStrategy[str]:
    """Text that has something to do with what is looked for."""
    return st.lists(st.one_of(st.sampled_from(pieces), st.text(max_size=6)), max_size=9).map("".join)


@settings(max_examples=500, deadline=None)
@given(
    st.one_of(st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH"]), st.text(max_size=5)),
    made_of(PIECES).map("/".__add__),
    st.dictionaries(st.sampled_from(NAMES), made_of(VALUES), max_size=6),
    st.one_of(st.binary(max_size=40), made_of(PIECES).map(lambda text: text.encode("utf-8", "surrogateescape"))),
)
def test_anything(method: str, target: str, headers: dict[str, str], body: bytes) -> None:
    request = Request(method, target, headers, BytesBody(body))
    answer: Route | UnroutableError
    try:
        answer = route(request)
    except UnroutableError as error:
        answer = error
    if isinstance(answer, UnroutableError):
        assert answer.code
        assert 400 <= (answer.status or 0) < 600
        assert answer.protocol
    else:
        assert answer.service in SERVICES or answer.service in PUBLISHED
        assert answer.operation
        assert is_region(answer.region)
        assert len(answer.account) == 12
        assert answer.account.isdigit()
    assert request.body.read() == body
