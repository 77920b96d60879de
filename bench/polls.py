"""Old wounds of this field: a deep queue with many consumers, and idle long polls."""

from __future__ import annotations

import json
import socket
import statistics
import threading
import time
from collections.abc import Callable
from typing import Any

from bench.everyday import MESSAGE, client, fill, prepare
from bench.load import signed
from bench.servers import Running, cairn

DEEP = 10_000
CONSUMERS = 30
IDLE = 1_000


def receives(server: Running, queue: str, consumers: int, each: int) -> list[float]:
    """Return the seconds of each receive, `consumers` threads at once."""
    times: list[float] = []

    def consume() -> None:
        sqs = client(server, "sqs")
        for _ in range(each):
            began = time.perf_counter()
            sqs.receive_message(QueueUrl=queue, VisibilityTimeout=600)
            times.append(time.perf_counter() - began)

    threads = [threading.Thread(target=consume) for _ in range(consumers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


def deep_queue(server: Running) -> tuple[float, float]:
    """Return median milliseconds of a receive: shallow queue, then 10,000 deep, 30 consumers each."""
    made = prepare(server)
    fill(server, made.queue, 900)
    shallow = statistics.median(receives(server, made.queue, CONSUMERS, 30)) * 1000
    fill(server, made.deep, DEEP)
    deep = statistics.median(receives(server, made.deep, CONSUMERS, 30)) * 1000
    return shallow, deep


def idle_polls(server: Running, seconds: float = 30.0) -> float:
    """Return the share of one core (0 to 1) that the server uses while IDLE long polls wait."""
    urls = [client(server, "sqs").create_queue(QueueName=f"idle-{n}")["QueueUrl"] for n in range(20)]
    sockets = []
    stop = threading.Event()

    def poll(url: str) -> bytes:
        body = json.dumps({"QueueUrl": url, "WaitTimeSeconds": 20}).encode()
        headers = signed(
            "sqs", **{"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.ReceiveMessage"}
        )
        lines = "".join(f"{k}: {v}\r\n" for k, v in headers.items())
        return f"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body

    for n in range(IDLE):
        made = socket.create_connection(("127.0.0.1", server.port))
        made.sendall(poll(urls[n % len(urls)]))
        sockets.append((made, poll(urls[n % len(urls)])))

    def keep() -> None:
        import selectors

        selector = selectors.DefaultSelector()
        for made, again in sockets:
            selector.register(made, selectors.EVENT_READ, again)
        while not stop.is_set():
            for key, _ in selector.select(0.5):
                if key.fileobj.recv(65536):  # type: ignore[union-attr]
                    key.fileobj.sendall(key.data)  # type: ignore[union-attr]

    keeper = threading.Thread(target=keep)
    keeper.start()
    time.sleep(3)
    before = server.cpu()
    time.sleep(seconds)
    used = (server.cpu() - before) / seconds
    stop.set()
    keeper.join()
    for made, _ in sockets:
        made.close()
    return used


def figures(say: Callable[[str], None]) -> dict[str, Any]:
    """Measure both."""
    with cairn("relaxed") as server:
        shallow, deep = deep_queue(server)
        say(
            f"receive with {CONSUMERS} consumers: {shallow:.1f} ms shallow, {deep:.1f} ms {DEEP:,} deep ({len(MESSAGE)} bytes each)"
        )
        idle = idle_polls(server)
        say(f"{IDLE:,} idle long polls: {idle:.1%} of a core")
    return {"shallow": shallow, "deep": deep, "idle": idle}
