"""CPU microseconds per request by layer, measured in one process by running each layer alone many times."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import projections
from app import handlers, protocols, routing
from app.calls import Call
from app.engine import Engine, Turn
from app.http import BytesBody, Request
from bench.everyday import KILOBYTE, MESSAGE, item
from bench.load import signed
from bench.servers import WORK
from journal.stacks import Stacks

ROUNDS = 3000
LAYERS = ("routing", "parse", "validate", "prepare", "handler", "encode + fold", "commit", "serialize")


def _post(service: str, target: str, body: dict[str, Any]) -> Callable[[], Request]:
    raw = json.dumps(body).encode()
    headers = {
        k.lower(): v
        for k, v in signed(service, **{"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": target}).items()
    }
    headers |= {"host": "localhost:4566", "content-length": str(len(raw))}
    return lambda: Request("POST", "/", headers, BytesBody(raw))


def _s3(method: str, path: str, body: bytes = b"") -> Callable[[], Request]:
    headers = {
        k.lower(): v
        for k, v in signed("s3", **{"x-amz-content-sha256": "UNSIGNED-PAYLOAD", "Content-Type": "text/plain"}).items()
    }
    headers |= {"host": "localhost:4566", "content-length": str(len(body))}
    return lambda: Request(method, path, headers, BytesBody(body))


def requests(queue: str) -> dict[str, Callable[[], Request]]:
    """Return a maker of each call's request."""
    return {
        "SQS SendMessage": _post("sqs", "AmazonSQS.SendMessage", {"QueueUrl": queue, "MessageBody": MESSAGE}),
        "SQS ReceiveMessage": _post("sqs", "AmazonSQS.ReceiveMessage", {"QueueUrl": queue}),
        "DynamoDB PutItem": _post("dynamodb", "DynamoDB_20120810.PutItem", {"TableName": "bench", "Item": item("a")}),
        "DynamoDB GetItem": _post(
            "dynamodb", "DynamoDB_20120810.GetItem", {"TableName": "bench", "Key": {"pk": {"S": "a"}}}
        ),
        "S3 PutObject": _s3("PUT", "/bench/a", KILOBYTE.encode()),
        "S3 GetObject": _s3("GET", "/bench/a"),
    }


class _Clock:
    """Adds up CPU time by layer."""

    def __init__(self) -> None:
        self.spent = dict.fromkeys(LAYERS, 0.0)

    def time(self, layer: str, work: Callable[[], Any]) -> Any:
        began = time.thread_time_ns()
        try:
            return work()
        finally:
            self.spent[layer] += time.thread_time_ns() - began


def one(engine: Engine, blobs: Any, make: Callable[[], Request]) -> dict[str, float]:
    """Return microseconds by layer for one kind of call."""
    clock = _Clock()
    for _ in range(ROUNDS):
        request = make()
        route = clock.time("routing", lambda: routing.route(request))
        handler = handlers.handler(route.service, route.operation)
        operation = protocols.operation(route.service, route.operation)
        params = clock.time("parse", lambda: operation.parse(route.protocol, request, route.labels))
        clock.time("validate", lambda: operation.validate(params))
        call = Call(
            route.service, route.operation, params, principal="arn:aws:iam::000000000000:root", request_id="r" * 36
        )
        if handler.prepare is not None:
            clock.time("prepare", lambda: handler.prepare(call, request, blobs))
        if handler.kind == "query":
            result = clock.time("handler", lambda: engine.query(handler, call))
        else:
            turn = Turn(handler, call)
            _staged(engine, turn, clock)
            assert turn.outcome is not None, turn.error
            result = turn.outcome.result
        clock.time("serialize", lambda: operation.serialize(route.protocol, result, "r" * 36))
    return {layer: spent / ROUNDS / 1000 for layer, spent in clock.spent.items()}


def _staged(engine: Engine, turn: Turn, clock: _Clock) -> None:
    """Run one command with its handler, its append and the commit timed apart."""
    began = time.thread_time_ns()
    inner = {"handler": 0, "append": 0}

    def work(writer: Any) -> None:
        start = time.thread_time_ns()
        handle = turn.handler.handle
        turn.call.now = turn.call.arrived = writer.now()
        turn.call.seq = writer.head()[0] + 1
        outcome = handle(turn.call, writer.tables)
        inner["handler"] = time.thread_time_ns() - start
        start = time.thread_time_ns()
        turn.outcome = outcome
        if outcome.events:
            from app.engine import _journaled

            happened = [
                (e, r, a or turn.call.account, g if g is not None else turn.call.region)
                for e, r, a, g in outcome.events
            ]
            writer.append(happened, turn.call.now, lambda last: _journaled(turn, last))
        inner["append"] = time.thread_time_ns() - start

    engine.journal.write(work)
    total = time.thread_time_ns() - began
    clock.spent["handler"] += inner["handler"]
    clock.spent["encode + fold"] += inner["append"]
    clock.spent["commit"] += total - inner["handler"] - inner["append"]


def figures(say: Callable[[str], None]) -> dict[str, dict[str, float]]:
    """Measure every kind of call, commits not flushed."""
    WORK.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="layers-", dir=WORK))
    try:
        stacks = Stacks(folder, projections.find, "relaxed")
        engine = Engine(stacks.get(), committer="caller")

        def make(service: str, operation: str, **params: Any) -> dict[str, Any]:
            handler = handlers.handler(service, operation)
            call = Call(service, operation, params)
            if handler.prepare is not None:
                handler.prepare(call, Request("POST", "/", {}), stacks.blobs)
            return engine.command(handler, call)[0]

        queue = make("sqs", "CreateQueue", QueueName="bench")["QueueUrl"]
        make("s3", "CreateBucket", Bucket="bench")
        make(
            "dynamodb", "CreateTable", TableName="bench", BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        )  # fmt: skip
        out = {}
        for name, request in requests(queue).items():
            out[name] = one(engine, stacks.blobs, request)
            say(
                f"{name}: "
                + ", ".join(f"{layer} {spent:.1f}" for layer, spent in out[name].items())
                + f" = {sum(out[name].values()):.0f} µs"
            )
        stacks.close()
        return out
    finally:
        shutil.rmtree(folder, ignore_errors=True)
