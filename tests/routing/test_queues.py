"""SQS queue URLs as request paths, in the styles that are in use."""

from __future__ import annotations

import pytest

from tests.routing.asking import FORM, refused, routed, scope

ACTION = b"Action=SendMessage&Version=2012-11-05&MessageBody=hello"
STYLES = [
    ("localhost:4566", "/000000000001/jobs.fifo", "us-east-1"),
    ("localhost:4566", "/queue/eu-central-1/000000000001/jobs.fifo", "eu-central-1"),
    ("eu-west-2.queue.localhost.localstack.cloud:4566", "/000000000001/jobs.fifo", "eu-west-2"),
    ("queue.localhost.localstack.cloud:4566", "/000000000001/jobs.fifo", "us-east-1"),
    ("sqs.eu-west-2.localhost.localstack.cloud:4566", "/000000000001/jobs.fifo", "eu-west-2"),
    ("sqs.eu-west-2.amazonaws.com", "/000000000001/jobs.fifo", "eu-west-2"),
    ("eu-west-2.queue.amazonaws.com", "/000000000001/jobs.fifo", "eu-west-2"),
    ("sqs.localhost:4566", "/000000000001/jobs.fifo/", "us-east-1"),
]


@pytest.mark.parametrize(("host", "path", "region"), STYLES)
def test_an_unsigned_form_posted_to_a_queue(host: str, path: str, region: str) -> None:
    found = routed("POST", path, ACTION, host=host, content_type=FORM)
    assert (found.service, found.operation, found.protocol) == ("sqs", "SendMessage", "query")
    assert (found.account, found.region) == ("000000000001", region)
    assert found.labels == {"QueueUrl": f"http://{host}{path}"}


@pytest.mark.parametrize(("host", "path", "region"), STYLES)
def test_an_action_in_the_query_of_a_queues_url(host: str, path: str, region: str) -> None:
    found = routed("GET", f"{path}?Action=ReceiveMessage&WaitTimeSeconds=1", host=host)
    assert (found.service, found.operation, found.region) == ("sqs", "ReceiveMessage", region)
    assert found.labels == {"QueueUrl": f"http://{host}{path}"}


@pytest.mark.parametrize(("host", "path", "_region"), STYLES)
def test_who_signs_is_believed_rather_than_the_url(host: str, path: str, _region: str) -> None:
    authorization = scope("sqs", key="000000000002", region="ap-south-1")
    found = routed("POST", path, ACTION, host=host, content_type=FORM, authorization=authorization)
    assert (found.operation, found.account, found.region) == ("SendMessage", "000000000002", "ap-south-1")


def test_a_queues_url_without_an_action() -> None:
    error = refused("GET", "/000000000001/jobs", host="sqs.eu-west-2.localhost.localstack.cloud:4566")
    assert (error.code, error.status, error.service, error.protocol) == (
        "UnknownOperationException",
        404,
        "sqs",
        "query",
    )


def test_without_a_queue_in_the_path_there_is_no_label() -> None:
    assert routed("POST", "/", ACTION, content_type=FORM, authorization=scope("sqs")).labels == {}
    assert routed("POST", "/x/jobs", ACTION, content_type=FORM, authorization=scope("sqs")).labels == {}
