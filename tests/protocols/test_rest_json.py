"""The rest-json protocol: what is in the path, the query, headers and the body, and bodies that are one member."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from app import protocols
from app.errors import AwsError
from app.http import BytesBody, Request


def read(
    service: str,
    operation: str,
    target: str = "/",
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    **labels: str,
) -> dict[str, Any]:
    asked = Request("POST", target, headers or {}, BytesBody(body))
    return protocols.operation(service, operation).parse("rest-json", asked, labels)


def test_labels_are_decoded_once_and_body_names_are_translated() -> None:
    params = read("lambda", "GetFunction", "/?Qualifier=a%20b", FunctionName="arn%3Aaws%3Alambda%252f")
    assert params == {"FunctionName": "arn:aws:lambda%2f", "Qualifier": "a b"}
    params = read("apigateway", "CreateRestApi", body=b'{"name": "n", "binaryMediaTypes": ["*/*"], "x": 1}')
    assert params == {"name": "n", "binaryMediaTypes": ["*/*"]}
    params = read("iot", "CreatePolicy", body=b'{"policyDocument": "{}"}', policyName="p")
    assert params == {"policyName": "p", "policyDocument": "{}"}


def test_the_body_cannot_give_what_is_bound_elsewhere() -> None:
    params = read("lambda", "CreateAlias", body=b'{"FunctionName": "evil", "Name": "n"}', FunctionName="f")
    assert params == {"FunctionName": "f", "Name": "n"}


def test_a_query_map_takes_what_no_member_has() -> None:
    target = "/?mode=overwrite&failonwarnings=true&basepath=split&X-Amz-Signature=x"
    params = read("apigateway", "PutRestApi", target, body=b"{}", restapi_id="a")
    assert params["mode"] == "overwrite"
    assert params["failOnWarnings"] is True
    assert params["parameters"] == {"basepath": "split"}


def test_a_json_value_travels_in_a_header_as_base64() -> None:
    value = b64encode(b'{"a": [1]}').decode()
    headers = {"x-amz-lex-session-attributes": value, "content-type": "text/plain"}
    params = read("lex-runtime", "PostContent", headers=headers, botName="b", botAlias="a", userId="u")
    assert params["sessionAttributes"] == {"a": [1]}
    with pytest.raises(AwsError):
        read("lex-runtime", "PostContent", headers={"x-amz-lex-session-attributes": "!"}, botName="b")


def test_a_payload_of_bytes_is_read_whole_unless_it_streams() -> None:
    assert protocols.operation("lambda", "Invoke").streaming_input is None
    assert read("lambda", "Invoke", body=b'{"k":1}', FunctionName="f")["Payload"] == b'{"k":1}'
    assert "Payload" not in read("lambda", "Invoke", FunctionName="f")
    assert protocols.operation("mediastore-data", "PutObject").streaming_input == "Body"


def test_the_status_may_be_a_member() -> None:
    result = {"StatusCode": 202, "FunctionError": "Unhandled", "Payload": b"{}"}
    response = protocols.operation("lambda", "Invoke").serialize("rest-json", result, "id")
    assert (response.status, response.body) == (202, b"{}")
    assert response.header("x-amz-function-error") == "Unhandled"
    assert response.header("content-type") == "application/json"
    assert response.header("x-amzn-requestid") == "id"


def test_the_model_gives_the_status() -> None:
    assert protocols.operation("lambda", "CreateFunction").serialize("rest-json", {}, "id").status == 201
    deleted = protocols.operation("lambda", "DeleteAlias").serialize("rest-json", {}, "id")
    assert (deleted.status, deleted.body) == (204, b"")


def test_documents_pass_as_they_are() -> None:
    body = b'{"messages": [], "additionalModelRequestFields": {"a": [null, {"b": 1}], "B": "AAEC"}}'
    params = read("bedrock-runtime", "Converse", body=body, modelId="m")
    assert params["additionalModelRequestFields"] == {"a": [None, {"b": 1}], "B": "AAEC"}


@pytest.mark.parametrize(
    ("service", "code"), [("lambda", "InvalidRequestContentException"), ("apigateway", "SerializationException")]
)
def test_a_body_that_cannot_be_read(service: str, code: str) -> None:
    operation = "CreateFunction" if service == "lambda" else "CreateRestApi"
    with pytest.raises(AwsError) as refused:
        read(service, operation, body=b"{")
    assert refused.value.code == code
