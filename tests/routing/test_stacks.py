"""Which stack a request names, and that the rest of it is understood as without."""

from __future__ import annotations

import pytest

from tests.routing.asking import FORM, refused, routed, scope

S3 = scope("s3")


def test_none_means_main() -> None:
    assert routed("GET", "/b", authorization=S3)[4:6] == ("main", None)


def test_by_path() -> None:
    found = routed("GET", "/_stack/trial/b//k/..", authorization=S3)
    assert (found.stack, found.stack_at, found.labels) == ("trial", None, {"Bucket": "b", "Key": "/k/.."})
    assert routed("GET", "/_stack/trial", authorization=S3).operation == "ListBuckets"
    assert routed("GET", "/_stack/trial/", authorization=S3).operation == "ListBuckets"


@pytest.mark.parametrize("moment", ["1234", "2026-11-24T00:00:00Z", "before-migration", "2026-11-24T00%3A00%3A00Z"])
def test_by_path_at_a_moment(moment: str) -> None:
    found = routed("GET", f"/_stack/main@{moment}/b/k", authorization=S3)
    assert (found.stack, found.stack_at) == ("main", moment.replace("%3A", ":"))
    assert found.labels == {"Bucket": "b", "Key": "k"}


def test_by_header() -> None:
    assert routed("GET", "/b", authorization=S3, x_cairn_stack="trial")[4:6] == ("trial", None)
    assert routed("GET", "/b", authorization=S3, x_cairn_stack="trial@7")[4:6] == ("trial", "7")


def test_by_host() -> None:
    assert routed("GET", "/b/k", host="trial.stack.localhost:4566", authorization=S3).stack == "trial"
    found = routed("GET", "/k", host="b.s3.trial.stack.localhost:4566")
    assert (found.stack, found.labels) == ("trial", {"Bucket": "b", "Key": "k"})
    found = routed("POST", "/", b"Action=ListQueues", host="sqs.eu-west-1.trial.stack.localhost", content_type=FORM)
    assert (found.stack, found.service, found.region) == ("trial", "sqs", "eu-west-1")


def test_the_path_counts_before_the_header_and_that_before_the_host() -> None:
    host = "by-host.stack.localhost"
    assert routed("GET", "/_stack/by-path/b", host=host, x_cairn_stack="by-header").stack == "by-path"
    assert routed("GET", "/b", host=host, x_cairn_stack="by-header").stack == "by-header"


def test_other_protocols_are_found_below_the_prefix() -> None:
    found = routed("POST", "/_stack/trial/2015-03-31/functions/f/invocations", authorization=scope("lambda"))
    assert (found.stack, found.operation) == ("trial", "Invoke")
    found = routed("POST", "/_stack/trial/", authorization=scope("sqs"), x_amz_target="AmazonSQS.ListQueues")
    assert (found.stack, found.operation) == ("trial", "ListQueues")
    found = routed("POST", "/_stack/trial/000000000001/q", b"Action=PurgeQueue", content_type=FORM)
    assert (found.stack, found.account) == ("trial", "000000000001")
    assert found.labels == {"QueueUrl": "http://localhost:4566/_stack/trial/000000000001/q"}


@pytest.mark.parametrize("name", ["", "@1", "main@", "..", "a%2Fb", "-x", "a" * 64, "ü", "a b"])
def test_what_cannot_be_a_stack(name: str) -> None:
    assert refused("GET", f"/_stack/{name}/b", authorization=S3).code == "InvalidStackName"
