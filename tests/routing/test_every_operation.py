"""Every operation of every service in botocore is found again in the request that botocore writes for it."""

from __future__ import annotations

import re

import pytest
from botocore.model import OperationModel

from app.routing import Route, route
from app.routing.index import SERVICES
from tests.routing.botocore_requests import (
    GREEDY,
    LABEL,
    least_parameters,
    model_of,
    protocols_of,
    request_of,
    services,
)

REGION = "eu-north-1"
SCOPE = (
    "AWS4-HMAC-SHA256 Credential=210987654321/20260102/eu-north-1/{}/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=0f1e2d3c"
)

# Services whose requests, or some of them, cannot be told by what botocore sends from those of another with the same
# signing name: one URI template in both, or one Action of one Version. The other one is meant, and has the operation
# by the same name; SDKs that name the service in their user agent are understood all the same.
SHADOWED = {
    "bedrock-agent-runtime": "bedrock-agent",
    "bedrock-data-automation": "bedrock",
    "chime": "chime-sdk-voice",
    "chime-sdk-identity": "chime-sdk-voice",
    "chime-sdk-media-pipelines": "chime-sdk-voice",
    "chime-sdk-meetings": "chime-sdk-voice",
    "chime-sdk-messaging": "chime-sdk-voice",
    "docdb": "rds",
    "greengrass": "greengrassv2",
    "ivs-realtime": "ivs",
    "lambda-microvms": "lambda",
    "lex-models": "lexv2-models",
    "neptune": "rds",
    "signer-data": "signer",
    "sms-voice": "pinpoint-sms-voice",
    "timestream-query": "timestream-write",
    "wisdom": "qconnect",
}

# Operations that are taken for another, and why.
INSTEAD = {
    ("s3", "GetBucketLifecycle"): ("GetBucketLifecycleConfiguration", "deprecated; the same request"),
    ("s3", "GetBucketNotification"): ("GetBucketNotificationConfiguration", "deprecated; the same request"),
    ("s3", "PutBucketLifecycle"): ("PutBucketLifecycleConfiguration", "deprecated; the same request"),
    ("s3", "PutBucketNotification"): ("PutBucketNotificationConfiguration", "deprecated; the same request"),
    ("s3", "ListDirectoryBuckets"): ("ListBuckets", "told by the signing name s3express, which this test leaves out"),
}
BY_SCOPE_INSTEAD = INSTEAD | {
    ("lex-models", "StartImport"): ("ListImports", "POST /imports/ of lexv2-models, whose scope is the same"),
}
EXCLUDED = {
    ("s3control", "CreateBucket"): "without the scope s3-outposts it is a PUT of the object bucket/{name}",
}


def cases(service: str, host: str, **headers: str) -> list[tuple[OperationModel, str, Route]]:
    """Route the least request of each operation, in each of the service's protocols."""
    model = model_of(service)
    found = []
    for protocol, serializer in protocols_of(model, SERVICES[service].protocols):
        for name in model.operation_names:
            if (service, name) not in EXCLUDED:
                operation = model.operation_model(name)
                found.append((operation, protocol, route(request_of(operation, serializer, host, **headers))))
    return found


def expected_labels(operation: OperationModel) -> dict[str, str]:
    """The labels that went into the URI, as they are there."""
    given = least_parameters(operation)
    members = operation.input_shape.members if operation.input_shape else {}
    labels = {}
    for name, member in members.items():
        where = member.serialization
        label = where.get("name", name)
        if where.get("location") == "uri" and re.search(rf"\{{{re.escape(label)}\+?\}}", operation.http["requestUri"]):
            encoded = {LABEL: "a%20b%3Ac%2Fd%2B%C3%A9%252F.", GREEDY: "first/second%20part/third"}
            labels[label] = encoded.get(given[name]) or None
    return labels


@pytest.mark.parametrize("service", services())
def test_by_its_scope(service: str) -> None:
    authorization = SCOPE.format(model_of(service).signing_name)
    for operation, protocol, found in cases(service, "localhost:4566", authorization=authorization):
        name = BY_SCOPE_INSTEAD.get((service, operation.name), (operation.name,))[0]
        assert found.operation == name
        assert found.service in (service, SHADOWED.get(service))
        assert (found.protocol, found.region, found.account) == (protocol, REGION, "210987654321")
        if found.service != service:
            continue  # the other one's labels may have other names
        labels = expected_labels(operation) if protocol.startswith("rest") else {}
        assert found.labels.keys() == labels.keys()
        assert all(value in (None, found.labels[label]) for label, value in labels.items())


# sms-voice is an older copy of pinpoint-sms-voice, by the same name in the user agent.
@pytest.mark.parametrize("service", sorted(SHADOWED.keys() - {"sms-voice"}))
def test_by_its_scope_and_what_sdks_say_in_their_user_agent(service: str) -> None:
    model = model_of(service)
    agent = f"aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22 md/GOARCH#amd64 api/{model.service_id.replace(' ', '')}#1.27"
    authorization = SCOPE.format(model.signing_name)
    for operation, _, found in cases(service, "localhost:4566", authorization=authorization, user_agent=agent):
        assert (found.service, found.operation) == (service, operation.name)


@pytest.mark.parametrize("service", services())
def test_unsigned_by_its_host_name(service: str) -> None:
    prefix = model_of(service).endpoint_prefix
    for domain in ("amazonaws.com", "localhost.localstack.cloud:4566"):
        for operation, protocol, found in cases(service, f"{prefix}.{REGION}.{domain}"):
            assert found.operation == INSTEAD.get((service, operation.name), (operation.name,))[0]
            assert found.service in (service, SHADOWED.get(service))
            assert (found.protocol, found.region) == (protocol, REGION)
