"""The everyday calls against ourselves and our peers, in one run on one machine: throughput, latency, CPU."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import boto3
from botocore.config import Config

from bench.load import Result, counted, fixed, receive_and_delete, signed, wrk
from bench.servers import WORK, Running, cairn, peer

MESSAGE = "x" * 256
KILOBYTE = "k" * 1024
BIG = 100 * 2**20


class Prepared(NamedTuple):
    """What was made on a server for the load to work on."""

    queue: str
    deep: str


def client(server: Running, service: str) -> Any:
    """Return a boto3 client for a server."""
    config = Config(retries={"total_max_attempts": 3}, s3={"addressing_style": "path"})
    return boto3.client(
        service, endpoint_url=server.url, region_name="us-east-1", aws_access_key_id="000000000000",
        aws_secret_access_key="test", config=config,
    )  # fmt: skip


def prepare(server: Running) -> Prepared:
    """Make a queue, a table with an item, and a bucket with an object."""
    sqs = client(server, "sqs")
    queue = sqs.create_queue(QueueName="bench")["QueueUrl"]
    deep = sqs.create_queue(QueueName="deep")["QueueUrl"]
    dynamodb = client(server, "dynamodb")
    dynamodb.create_table(
        TableName="bench", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )  # fmt: skip
    dynamodb.get_waiter("table_exists").wait(TableName="bench")
    dynamodb.put_item(TableName="bench", Item=item("fixed"))
    s3 = client(server, "s3")
    s3.create_bucket(Bucket="bench")
    s3.put_object(Bucket="bench", Key="fixed", Body=KILOBYTE.encode())
    return Prepared(queue, deep)


def item(key: str) -> dict[str, Any]:
    """Return an item of some 300 bytes, as applications have them."""
    return {
        "pk": {"S": key}, "name": {"S": "Ada Lovelace"}, "age": {"N": "36"}, "note": {"S": "n" * 150},
        "tags": {"SS": ["first", "second"]}, "place": {"M": {"city": {"S": "London"}, "zip": {"S": "W1"}}},
    }  # fmt: skip


def json_target(service: str, version: str, target: str) -> dict[str, str]:
    """Return headers of an AWS JSON call."""
    return signed(service, **{"Content-Type": f"application/x-amz-json-{version}", "X-Amz-Target": target})


READS = ("DynamoDB GetItem", "S3 GetObject 1 KiB")


def scripts(made: Prepared) -> dict[str, str]:
    """Return the wrk script of each everyday call."""
    sqs = signed("sqs", **{"Content-Type": "application/x-amz-json-1.0"})
    return {
        "DynamoDB PutItem": counted(
            "POST", "/", json_target("dynamodb", "1.0", "DynamoDB_20120810.PutItem"),
            json.dumps({"TableName": "bench", "Item": item("%d")}),
        ),
        "DynamoDB GetItem": fixed(
            "POST", "/", json_target("dynamodb", "1.0", "DynamoDB_20120810.GetItem"),
            json.dumps({"TableName": "bench", "Key": {"pk": {"S": "fixed"}}}),
        ),
        "S3 PutObject 1 KiB": counted(
            "PUT", "/bench/object-%d", signed("s3", **{"x-amz-content-sha256": "UNSIGNED-PAYLOAD", "Content-Type": "text/plain"}), KILOBYTE
        ),
        "S3 GetObject 1 KiB": fixed("GET", "/bench/fixed", signed("s3", **{"x-amz-content-sha256": "UNSIGNED-PAYLOAD"})),
        "SQS SendMessage": fixed(
            "POST", "/", {**sqs, "X-Amz-Target": "AmazonSQS.SendMessage"}, json.dumps({"QueueUrl": made.queue, "MessageBody": MESSAGE})
        ),
        "SQS Receive+Delete": receive_and_delete(made.queue, sqs),
    }  # fmt: skip


def fill(server: Running, queue: str, count: int) -> None:
    """Put messages in a queue, so that receives find some."""
    sqs = client(server, "sqs")
    for at in range(0, count, 10):
        sqs.send_message_batch(
            QueueUrl=queue, Entries=[{"Id": str(n), "MessageBody": MESSAGE} for n in range(at, min(at + 10, count))]
        )


def big_object(server: Running, file: Path) -> tuple[float, float]:
    """Return MB/s of a 100 MiB upload and download by curl."""
    url = f"{server.url}/bench/big"
    headers = [
        part
        for key, value in signed("s3", **{"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}).items()
        for part in ("-H", f"{key}: {value}")
    ]
    began = time.perf_counter()
    subprocess.run(["curl", "-sf", "-o", os.devnull, "-T", str(file), *headers, url], check=True)
    up = time.perf_counter() - began
    began = time.perf_counter()
    subprocess.run(["curl", "-sf", "-o", os.devnull, *headers, url], check=True)
    down = time.perf_counter() - began
    return BIG / up / 1e6, BIG / down / 1e6


class Measured(NamedTuple):
    """All of one server's figures: by (call, connections), and the big object's MB/s up and down."""

    calls: dict[tuple[str, int], Result]
    big: tuple[float, float]
    memory: list[tuple[str, float]]
    ready: float


def measure(server: Running, seconds: float, connections: tuple[int, ...], say: Callable[[str], None]) -> Measured:
    """Measure one server."""
    made = prepare(server)
    idle = server.memory()
    results: dict[tuple[str, int], Result] = {}
    for name, script in scripts(made).items():
        for count in connections:
            if name == "SQS Receive+Delete":
                fill(server, made.queue, 2000)
            wrk(server, script, count, min(1.0, seconds))
            result = results[name, count] = wrk(server, script, count, seconds)
            say(
                f"{server.name}: {name}, {count} connections: {result.rate:,.0f}/s, median {result.median:.2f} ms, "
                f"p99 {result.p99:.2f} ms, {result.cpu:.0f} µs CPU, {result.errors} errors"
            )
    with tempfile.NamedTemporaryFile(dir=WORK) as file:
        file.write(os.urandom(2**20) * 100)
        file.flush()
        big = max(big_object(server, Path(file.name)) for _ in range(2))
    say(f"{server.name}: 100 MiB: {big[0]:,.0f} MB/s up, {big[1]:,.0f} MB/s down")
    return Measured(results, big, idle, server.ready)


def flush_time(folder: Path, size: int = 16 * 1024, count: int = 50) -> float:
    """Return the median seconds of one write and flush of as many bytes as a small commit writes (4 pages)."""
    times = []
    data = os.urandom(size)
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        file.write(b"\0" * 2**24)
        file.flush()
        os.fsync(file.fileno())
        for at in range(count):
            began = time.perf_counter()
            os.pwrite(file.fileno(), data, (at * size) % 2**24)
            os.fdatasync(file.fileno())
            os.pwrite(file.fileno(), data[:4096], 0)  # LMDB's meta page
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - began)
    return sorted(times)[count // 2]


def compare(
    seconds: float, connections: tuple[int, ...], peers: list[str], say: Callable[[str], None]
) -> dict[str, Any]:
    """Measure ourselves (strict and relaxed) and the peers; return the figures by server."""
    WORK.mkdir(exist_ok=True)
    figures: dict[str, Any] = {}
    flushes = [flush_time(WORK)]
    for durability in ("strict", "relaxed"):
        with cairn(durability) as server:
            figures[server.name] = measure(server, seconds, connections, say)
        flushes.append(flush_time(WORK))
    for name in peers:
        with peer(name) as server:
            figures[name] = measure(server, seconds, connections, say)
    flushes.append(flush_time(WORK))
    figures["flush"] = sorted(flushes)[len(flushes) // 2]
    say(f"one flush of a small commit: {figures['flush'] * 1000:.2f} ms (median of {len(flushes)} probes)")
    return figures
