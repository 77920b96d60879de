"""Data directories with something of everything in them, and places to ask about them: running or stopped."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.config import Config

from tests.conftest import Server
from tests.e2e.cli import Said, cairn

LARGE = b"stones " * 10_000  # more than an event holds: a blob


def client(url: str, service: str, account: str = "000000000000", region: str = "us-east-1") -> Any:
    """Return a boto3 client."""
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    return boto3.session.Session(account, "test", region_name=region).client(service, endpoint_url=url, config=config)


def fill(url: str) -> int:
    """Make some of everything in a server's main stack; return the last seq. The order is what tests count on."""
    s3, sqs, dynamodb = client(url, "s3"), client(url, "sqs"), client(url, "dynamodb")
    s3.create_bucket(Bucket="notes")  # 1
    s3.put_object(Bucket="notes", Key="small.txt", Body=b"a stone")  # 2
    s3.put_object(Bucket="notes", Key="large.txt", Body=LARGE)  # 3
    queue = sqs.create_queue(QueueName="jobs")["QueueUrl"]  # 4
    sqs.send_message(QueueUrl=queue, MessageBody="first")  # 5
    dynamodb.create_table(
        TableName="orders", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )  # 6  # fmt: skip
    put = dynamodb.put_item(TableName="orders", Item={"id": {"S": "A-1"}, "n": {"N": "7"}})  # 7
    assert put["ResponseMetadata"]["HTTPHeaders"]["x-cairn-seq"] == "7"
    other = client(url, "sqs", "111122223333", "eu-west-1").create_queue(QueueName="elsewhere")  # 8
    return int(other["ResponseMetadata"]["HTTPHeaders"]["x-cairn-seq"])


def holds_everything(url: str) -> None:
    """Assert that an endpoint's stack has all that fill() made."""
    s3, sqs, dynamodb = client(url, "s3"), client(url, "sqs"), client(url, "dynamodb")
    assert s3.get_object(Bucket="notes", Key="small.txt")["Body"].read() == b"a stone"
    assert s3.get_object(Bucket="notes", Key="large.txt")["Body"].read() == LARGE
    queue = sqs.get_queue_url(QueueName="jobs")["QueueUrl"]
    counted = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"])
    assert counted["Attributes"] == {"ApproximateNumberOfMessages": "1"}
    assert dynamodb.get_item(TableName="orders", Key={"id": {"S": "A-1"}})["Item"]["n"] == {"N": "7"}
    assert "QueueUrls" in client(url, "sqs", "111122223333", "eu-west-1").list_queues()


class Place(NamedTuple):
    """A data directory, and the server that runs on it, if one does."""

    data: Path
    server: Server | None

    @property
    def where(self) -> str:
        """What commands call it."""
        return self.server.url if self.server is not None else str(self.data)

    def cairn(self, *arguments: object, **how: Any) -> Said:
        """Run a command on it."""
        return cairn(*arguments, "--data", self.data, cwd=self.data.parent, **how)


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory in which fill() was done, its server stopped. Not to be changed: copy it."""
    data = tmp_path_factory.mktemp("filled") / "data"
    server = Server(data).start()
    assert fill(server.url) == 8
    server.stop()
    shutil.rmtree(data / "run")
    return data


def _place(kind: str, filled: Path, folder: Path) -> Iterator[Place]:
    data = folder / "data"
    shutil.copytree(filled, data)
    server = Server(data, CAIRN_DURABILITY="relaxed").start() if kind == "running" else None
    yield Place(data, server)
    if server is not None:
        server.stop()


@pytest.fixture(scope="module", params=["running", "stopped"])
def reading(request: pytest.FixtureRequest, filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A filled place, shared by tests that change nothing."""
    yield from _place(request.param, filled, tmp_path_factory.mktemp(request.param))


@pytest.fixture(params=["running", "stopped"])
def place(request: pytest.FixtureRequest, filled: Path, tmp_path: Path) -> Iterator[Place]:
    """A filled place of the test's own."""
    yield from _place(request.param, filled, tmp_path)
