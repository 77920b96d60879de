"""Mixed writes from many connections at once, remembering what was tried and what was acknowledged."""

from __future__ import annotations

import random
import threading
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

CONNECTIONS = 8
QUEUE, BUCKET, TABLE = "crash", "crash", "crash"
_SIZES = (10, 500, 5_000, 30_000, 200_000)


def clients(url: str) -> dict[str, Any]:
    """Return boto3 clients that try once and give up soon."""
    config = Config(
        retries={"total_max_attempts": 1}, max_pool_connections=CONNECTIONS + 2, connect_timeout=5, read_timeout=20,
        s3={"addressing_style": "path"}, parameter_validation=False,
    )  # fmt: skip
    session = boto3.session.Session("000000000000", "test", None, "us-east-1")
    return {name: session.client(name, endpoint_url=url, config=config) for name in ("sqs", "s3", "dynamodb")}


def set_up(aws: dict[str, Any]) -> str:
    """Make a queue, a bucket and a table; return the queue's URL."""
    aws["s3"].create_bucket(Bucket=BUCKET)
    aws["dynamodb"].create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "round", "KeyType": "HASH"}, {"AttributeName": "id", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "round", "AttributeType": "N"},
            {"AttributeName": "id", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    url: str = aws["sqs"].create_queue(QueueName=QUEUE)["QueueUrl"]
    return url


def content(name: str) -> str:
    """Return what is stored under a name: known from the name alone."""
    rng = random.Random(name)
    return name + ":" + "".join(rng.choices("abcdefghij", k=20)) * (rng.choice(_SIZES) // 20)


class Round:
    """One round's writes. What belongs to one command has one name, and is there wholly or not at all."""

    def __init__(self, number: int, seed: str, aws: dict[str, Any], queue: str) -> None:
        self.number = number
        self.tried: dict[str, set[str]] = {"sqs": set(), "s3": set(), "dynamodb": set()}
        self.acknowledged: dict[str, set[str]] = {"sqs": set(), "s3": set(), "dynamodb": set()}
        self.added = [0, 0]  # to a counter: acknowledged, tried
        self.unclean: list[str] = []  # answers that are neither success nor a broken connection
        self._aws = aws
        self._queue = queue
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(
                target=self._write, args=(f"{number}-{n}", random.Random(f"{seed}-{number}-{n}")), daemon=True
            )
            for n in range(CONNECTIONS)
        ]

    def start(self) -> None:
        """Begin to write."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End, once the calls under way have ended."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a call hangs"

    def _write(self, me: str, rng: random.Random) -> None:
        count = 0
        while not self._stop.is_set():
            count += 1
            name = f"{me}-{count}"
            act = rng.choice(
                [self._send, self._send_batch, self._put_object, self._put_item, self._put_items, self._add]
            )
            try:
                act(name)
            except ClientError as error:
                self.unclean.append(f"{act.__name__}: {error}")
            except BotoCoreError:
                self._stop.wait(0.01)

    def _told(self, service: str, name: str, call: Any) -> None:
        with self._lock:
            self.tried[service].add(name)
        call()
        with self._lock:
            self.acknowledged[service].add(name)

    def _send(self, name: str) -> None:
        self._told(
            "sqs", name, lambda: self._aws["sqs"].send_message(QueueUrl=self._queue, MessageBody=f"1/1 {content(name)}")
        )

    def _send_batch(self, name: str) -> None:
        entries = [{"Id": str(n), "MessageBody": f"{n}/3 {name}:"} for n in (1, 2, 3)]
        self._told("sqs", name, lambda: self._aws["sqs"].send_message_batch(QueueUrl=self._queue, Entries=entries))

    def _put_object(self, name: str) -> None:
        key = f"{self.number}/{name}"
        body = content(name).encode()
        self._told(
            "s3", name, lambda: self._aws["s3"].put_object(Bucket=BUCKET, Key=key, Body=body, Metadata={"name": name})
        )

    def _item(self, name: str, part: str) -> dict[str, Any]:
        return {"round": {"N": str(self.number)}, "id": {"S": f"{name}/{part}"}, "data": {"S": content(name)[:9000]}}

    def _put_item(self, name: str) -> None:
        self._told(
            "dynamodb", name, lambda: self._aws["dynamodb"].put_item(TableName=TABLE, Item=self._item(name, "1of1"))
        )

    def _put_items(self, name: str) -> None:
        puts = [{"Put": {"TableName": TABLE, "Item": self._item(name, f"{n}of3")}} for n in (1, 2, 3)]
        self._told("dynamodb", name, lambda: self._aws["dynamodb"].transact_write_items(TransactItems=puts))

    def _add(self, name: str) -> None:
        with self._lock:
            self.added[1] += 1
        self._aws["dynamodb"].update_item(
            TableName=TABLE, Key={"round": {"N": str(self.number)}, "id": {"S": "counter"}},
            UpdateExpression="ADD n :one", ExpressionAttributeValues={":one": {"N": "1"}},
        )  # fmt: skip
        with self._lock:
            self.added[0] += 1

    # --- what is there afterwards

    def check(self, messages: bool = True) -> None:
        """Assert that all that was acknowledged is there, wholly, and of the rest each wholly or not at all."""
        assert self.unclean == []
        self._check_objects()
        self._check_items()
        if messages:
            self._check_messages()

    def _compare(self, service: str, found: set[str]) -> None:
        lost = self.acknowledged[service] - found
        invented = found - self.tried[service]
        assert not lost, f"round {self.number}: acknowledged and lost in {service}: {sorted(lost)[:5]}"
        assert not invented, f"round {self.number}: in {service}, and nobody wrote it: {sorted(invented)[:5]}"

    def _check_objects(self) -> None:
        found = set()
        for page in self._aws["s3"].get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{self.number}/"):
            for entry in page.get("Contents", []):
                name = entry["Key"].partition("/")[2]
                answer = self._aws["s3"].get_object(Bucket=BUCKET, Key=entry["Key"])
                assert answer["Body"].read() == content(name).encode()
                assert answer["Metadata"] == {"name": name}
                found.add(name)
        self._compare("s3", found)

    def _check_items(self) -> None:
        parts: dict[str, set[str]] = {}
        counter = 0
        asked = {"TableName": TABLE, "KeyConditionExpression": "#r = :r", "ExpressionAttributeNames": {"#r": "round"}}
        pages = self._aws["dynamodb"].get_paginator("query")
        for page in pages.paginate(**asked, ExpressionAttributeValues={":r": {"N": str(self.number)}}):
            for item in page["Items"]:
                if item["id"]["S"] == "counter":
                    counter = int(item["n"]["N"])
                    continue
                name, _, part = item["id"]["S"].partition("/")
                assert item["data"]["S"] == content(name)[:9000]
                parts.setdefault(name, set()).add(part)
        for name, there in parts.items():
            assert there in ({"1of1"}, {"1of3", "2of3", "3of3"}), f"half of the transaction {name}: {there}"
        self._compare("dynamodb", set(parts))
        assert self.added[0] <= counter <= self.added[1]

    def _check_messages(self) -> None:
        """Take all messages there are, of this round alone: those of earlier rounds were taken and deleted."""
        parts: dict[str, list[str]] = {}
        sqs, empty = self._aws["sqs"], 0
        while empty < 2:
            received = sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages", [])
            empty = 0 if received else empty + 1
            for message in received:
                part, _, body = message["Body"].partition(" ")
                name = body.partition(":")[0]
                assert body in (content(name), f"{name}:")
                parts.setdefault(name, []).append(part)
            if received:
                entries = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(received)]
                assert not sqs.delete_message_batch(QueueUrl=self._queue, Entries=entries).get("Failed")
        for name, there in parts.items():
            assert sorted(there) in (["1/1"], ["1/3", "2/3", "3/3"]), f"half of the batch {name}, or twice: {there}"
        self._compare("sqs", set(parts))
