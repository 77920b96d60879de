"""What several workers tell together, services that are not enabled, and the access log as a server writes it."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.admin.asking import ask
from tests.admin.test_metrics import labels, metrics
from tests.conftest import Server

SECRET = "wJalrXUtnFEMI-not-to-be-told"


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Server]:
    """A server with two workers and three services, which logs JSON."""
    server = Server(
        tmp_path / "data", CAIRN_WORKERS="2", SERVICES="sqs,s3,sts", CAIRN_LOG_FORMAT="json", CAIRN_DURABILITY="relaxed"
    )
    yield server.start()
    server.stop()


def client(server: Server, service: str) -> Any:
    """Return a boto3 client of the main stack, which sends each call once."""
    session = boto3.session.Session("AKIAIOSFODNN7EXAMPLE", SECRET, None, "us-east-1")
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    return session.client(service, endpoint_url=server.url, config=config)


def asked_until(server: Server, workers: int) -> int:
    """Ask who one is, each time on a new connection, until that many workers have answered; return how many times."""
    seen: set[int] = set()
    for count in range(1, 1001):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        try:
            connection.request("GET", "/?Action=GetCallerIdentity&Version=2011-06-15")
            assert connection.getresponse().read()
            connection.request("GET", "/_cairn/info?stacks=0")
            seen.add(json.loads(connection.getresponse().read())["worker"])
        finally:
            connection.close()
        if len(seen) == workers:
            return count
    raise AssertionError(f"only {seen} answered")


def test_the_numbers_of_two_workers_add_up(pair: Server) -> None:
    count = asked_until(pair, 2)
    called = ("cairn_calls_total", labels(service="sts", operation="GetCallerIdentity", status="200"))
    end = time.monotonic() + 30
    while (found := metrics(pair)[called]) != count:  # the other worker saves its own every two seconds
        assert found < count
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_service_that_is_not_enabled_is_disabled_and_refused(pair: Server) -> None:
    services = ask(pair, "GET", "/_localstack/health").json["services"]
    assert services == {"dynamodb": "disabled", "s3": "available", "sqs": "available", "sts": "available"}
    client(pair, "s3").list_buckets()
    end = time.monotonic() + 30
    while ask(pair, "GET", "/_localstack/health").json["services"]["s3"] != "running":
        assert time.monotonic() < end
        time.sleep(0.1)
    with pytest.raises(ClientError, match="SERVICES lists s3, sqs, sts") as refused:
        client(pair, "dynamodb").list_tables()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert sorted(ask(pair, "GET", "/_cairn/info").json["services"]) == ["s3", "sqs", "sts"]


def test_the_main_stack_is_reset_as_localstacks_is(pair: Server) -> None:
    client(pair, "sqs").create_queue(QueueName="jobs")
    client(pair, "s3").create_bucket(Bucket="notes")
    one = ask(pair, "POST", "/_localstack/state/sqs/reset")
    assert (one.status, one.lines) == (200, [{"service": "sqs", "status": "ok"}])
    assert "QueueUrls" not in client(pair, "sqs").list_queues()
    assert len(client(pair, "s3").list_buckets()["Buckets"]) == 1
    rest = ask(pair, "POST", "/_localstack/state/reset").lines
    assert {"service": "s3", "status": "ok"} in rest
    assert client(pair, "s3").list_buckets()["Buckets"] == []
    assert ask(pair, "GET", "/_localstack/state/reset").code == "MethodNotAllowed"


def test_each_call_is_one_line_of_json_without_a_secret(pair: Server) -> None:
    sts, s3 = client(pair, "sts"), client(pair, "s3")
    issued = sts.assume_role(RoleArn="arn:aws:iam::000000000000:role/R", RoleSessionName="session")["Credentials"]
    s3.create_bucket(Bucket="notes")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "notes", "Key": "nothing"})
    assert ask(pair, "GET", url.removeprefix(pair.url)).status == 404
    pair.stop()
    text = pair.log.read_text()
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    told = [(one["service"], one["operation"], one["status"], one.get("error")) for one in lines]
    assert sorted(told, key=str) == [
        ("s3", "CreateBucket", 200, None),
        ("s3", "GetObject", 404, "NoSuchKey"),
        ("sts", "AssumeRole", 200, None),
    ]
    assert len({one["request_id"] for one in lines}) == 3
    assert text.splitlines().count("Ready.") == 1
    for secret in (SECRET, issued["SecretAccessKey"], issued["SessionToken"], "Signature", "Credential"):
        assert secret not in text


def test_a_follower_is_let_go_when_the_server_stops(pair: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", pair.port, timeout=60)
    connection.request("GET", "/_cairn/log?follow=1")
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.getheader("connection") == "close"  # kept open, it would hold up the stop until the patience ends
    assert pair.process is not None
    pair.process.terminate()
    assert answer.read().strip() == b""  # the answer is complete: the last chunk came
    assert pair.process.wait(60) == 0
    connection.close()


def test_info_can_leave_out_what_takes_long(pair: Server) -> None:
    told = ask(pair, "GET", "/_cairn/info?stacks=0").json
    assert told["workers"] == 2
    assert not {"stacks", "blobs"} & set(told)
