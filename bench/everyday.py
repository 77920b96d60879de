"""The everyday calls against ourselves and our peers, in one run on one machine: throughput, latency, CPU."""

from __future__ import annotations

import contextlib
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


class Measured:
    """One server's figures: by (call, connections), the big object's MB/s up and down, resident MiB, seconds to start."""

    def __init__(self, server: Running) -> None:
        self.server = server
        self.made = prepare(server)
        self.memory = server.memory()
        self.ready = server.ready
        self.calls: dict[tuple[str, int], Result] = {}
        self.big = (0.0, 0.0)

    def load(self, name: str, connections: int, seconds: int) -> Result:
        """Run one load, after a shorter one to warm up, and keep the better of what was measured so far."""
        if name == "SQS Receive+Delete":
            fill(self.server, self.made.queue, 2000)
        script = scripts(self.made)[name]
        wrk(self.server, script, connections, 1)
        result = wrk(self.server, script, connections, seconds)
        known = self.calls.get((name, connections))
        if known is None or result.rate > known.rate:
            self.calls[name, connections] = result
        return result


def measure(
    servers: list[Running], seconds: int, connections: tuple[int, ...], rounds: int, say: Callable[[str], None]
) -> dict[str, Measured]:
    """Measure servers that run side by side, turn by turn, so that what else the machine does strikes all alike."""
    all_of_them = {server.name: Measured(server) for server in servers}
    for name in scripts(Prepared("", "")):
        for count in connections:
            for _ in range(rounds):
                for measured in all_of_them.values():
                    measured.load(name, count, seconds)
            for who, measured in all_of_them.items():
                best = measured.calls[name, count]
                say(
                    f"{who}: {name}, {count} connections: {best.rate:,.0f}/s, median {best.median:.2f} ms, "
                    f"p99 {best.p99:.2f} ms, {best.cpu:.0f} µs CPU, {best.errors} errors"
                )
    with tempfile.NamedTemporaryFile(dir=WORK) as file:
        file.write(os.urandom(2**20) * 100)
        file.flush()
        for _ in range(2):
            for measured in all_of_them.values():
                measured.big = max(measured.big, big_object(measured.server, Path(file.name)))
    for who, measured in all_of_them.items():
        say(f"{who}: 100 MiB: {measured.big[0]:,.0f} MB/s up, {measured.big[1]:,.0f} MB/s down")
    return all_of_them


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
    seconds: int, connections: tuple[int, ...], rounds: int, peers: list[str], say: Callable[[str], None]
) -> dict[str, Any]:
    """Measure ourselves (strict and relaxed) and the peers; return the figures by server.

    moto is measured by itself, after the others: it works on for minutes at what a load of SQS left it.
    """
    WORK.mkdir(exist_ok=True)
    flushes = [flush_time(WORK)]
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(cairn(durability)) for durability in ("strict", "relaxed")]
        servers += [stack.enter_context(peer(name)) for name in peers if name != "moto"]
        figures: dict[str, Any] = dict(measure(servers, seconds, connections, rounds, say))
        flushes.append(flush_time(WORK))
    if "moto" in peers:
        with peer("moto") as server:
            figures |= measure([server], seconds, connections, 1, say)
    flushes.append(flush_time(WORK))
    figures["flush"] = sorted(flushes)[len(flushes) // 2]
    say(f"one flush of a small commit: {figures['flush'] * 1000:.2f} ms (median of {len(flushes)} probes)")
    return figures
