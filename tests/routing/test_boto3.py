"""Requests of real boto3 clients, their customisations and endpoint rules included, caught before they are sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore import UNSIGNED
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config

from app.http import BytesBody, Request
from app.routing import Route, route
from tests.routing.botocore_requests import least_parameters
from tests.routing.test_every_operation import INSTEAD

REGION = "eu-north-1"
SERVICES = [
    "sqs",
    "s3",
    "s3control",
    "sts",
    "iam",
    "dynamodb",
    "dynamodbstreams",
    "lambda",
    "cloudwatch",
    "ses",
    "sesv2",
]
SERVICES += ["apigateway", "apigatewayv2", "elbv2", "es", "opensearch", "stepfunctions", "sns", "logs", "events"]
SERVICES += ["cloudsearch", "cloudsearchdomain"]


class Empty:
    """The raw body of an answer that says nothing."""

    def stream(self, *_: Any, **__: Any) -> list[bytes]:
        return []


class Client:
    """A boto3 client whose requests are routed instead of sent."""

    def __init__(self, service: str, endpoint: str | None = "http://localhost:4566", **config: Any) -> None:
        session = boto3.Session("210987654321", "secret", region_name=REGION)
        settings = Config(parameter_validation=False, retries={"max_attempts": 0}, **config)
        self.boto3 = session.client(service, endpoint_url=endpoint, config=settings)
        self.boto3.meta.events.register_first("before-send.*.*", self._catch)
        self._caught: list[AWSPreparedRequest] = []

    def _catch(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        self._caught.append(request)
        return AWSResponse(request.url, 200, {}, Empty())

    def routed(self, call: Callable[[Any], Any]) -> Route:
        """Return the route of the first request that a call makes, whatever it then thinks of the empty answer."""
        self._caught.clear()
        try:
            call(self.boto3)
        except Exception:
            if not self._caught:
                raise
        return routed_url(self._caught[0].method, self._caught[0].url, self._caught[0])


def routed_url(method: str, url: str, sent: AWSPreparedRequest | None = None) -> Route:
    """Return the route of a request for a URL."""
    parts = urlsplit(url)
    headers = {"host": parts.netloc}
    body = b""
    if sent is not None:
        for name, value in sent.headers.items():
            headers[name.lower()] = value.decode() if isinstance(value, bytes) else str(value)
        if isinstance(sent.body, str | bytes):  # else a stream, which the router must not need
            body = sent.body.encode() if isinstance(sent.body, str) else sent.body
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return route(Request(method, target, headers, BytesBody(body)))


@pytest.mark.parametrize("endpoint", ["http://localhost:4566", None])
@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_of_the_services_in_everyday_use(service: str, endpoint: str | None) -> None:
    if service == "cloudsearchdomain" and endpoint is None:
        endpoint = "https://search-films-abc.eu-north-1.cloudsearch.amazonaws.com"
    client = Client(service, endpoint)
    model = client.boto3.meta.service_model
    for name in model.operation_names:
        if (service, name) == ("s3control", "CreateBucket"):
            continue  # of Outposts, and then with another scope
        parameters = least_parameters(model.operation_model(name))
        for fixed, value in (("Bucket", "bucket"), ("AccountId", "123456789012")):
            if fixed in parameters and service in ("s3", "s3control"):
                parameters[fixed] = value
        found = client.routed(lambda boto3, name=name, parameters=parameters: boto3._make_api_call(name, parameters))
        expected = INSTEAD.get((service, name), (name,))[0]
        if (service, name) == ("s3", "ListDirectoryBuckets"):
            expected = name  # its scope says s3express
        assert (found.service, found.operation) == (service, expected)
        assert found.account == ("210987654321" if found.access_key else "000000000000")


@pytest.mark.parametrize("endpoint", ["http://localhost:4566", "http://s3.localhost.localstack.cloud:4566", None])
@pytest.mark.parametrize("style", ["path", "virtual"])
@pytest.mark.parametrize("signature", ["s3v4", "s3", UNSIGNED])
def test_s3_by_every_style_of_address_and_signature(endpoint: str | None, style: str, signature: Any) -> None:
    client = Client("s3", endpoint, s3={"addressing_style": style}, signature_version=signature)
    key = "a//b/../c d+é%2F/"
    for bucket in ("bucket", "my.dotted.bucket"):
        found = client.routed(lambda boto3, bucket=bucket: boto3.put_object(Bucket=bucket, Key=key, Body=b"x"))
        assert found.operation == "PutObject"
        assert found.labels == {"Bucket": bucket, "Key": "a//b/../c%20d%2B%C3%A9%252F/"}
        url = client.boto3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": key})
        found = routed_url("GET", url)
        assert (found.operation, found.labels["Bucket"]) == ("GetObject", bucket)
        assert found.account == ("000000000000" if signature is UNSIGNED else "210987654321")


def test_a_presigned_identity() -> None:
    found = routed_url("GET", Client("sts").boto3.generate_presigned_url("get_caller_identity"))
    assert (found.service, found.operation, found.region) == ("sts", "GetCallerIdentity", REGION)


def test_a_directory_bucket() -> None:
    client = Client("s3", None)
    found = client.routed(lambda boto3: boto3.create_session(Bucket="b--eun1-az1--x-s3"))
    assert (found.operation, found.labels) == ("CreateSession", {"Bucket": "b--eun1-az1--x-s3"})
