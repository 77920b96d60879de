"""Processes that end while events flow or calls wait."""

from __future__ import annotations

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.conftest import Server
from tests.server.serving import until
from tests.workers.conftest import Processes, connect
from tests.workers.test_messages import poll

NOTIFICATIONS = """
<NotificationConfiguration><QueueConfiguration><Id>all</Id><Queue>{}</Queue>
<Event>s3:ObjectCreated:*</Event></QueueConfiguration></NotificationConfiguration>
"""


def test_each_object_is_told_once_however_often_the_dispatcher_dies(pair, two, stack):
    url = two[0].call("sqs", "CreateQueue", QueueName="told")["QueueUrl"]
    two[0].s3("PUT", "/things")
    arn = "arn:aws:sqs:us-east-1:000000000000:told"
    two[0].s3("PUT", "/things?notification", NOTIFICATIONS.format(arn).encode())
    processes = Processes(pair)
    for n in range(120):
        two[n % 2].s3("PUT", f"/things/{n}", b"stone")
        if n % 40 == 20:
            processes.kill_dispatcher()
    two[0].s3("PUT", "/things/last", b"")
    told: Counter[str] = Counter()
    deadline = time.monotonic() + 60
    while not told["last"]:  # notifications come in order: nothing follows the last
        assert time.monotonic() < deadline, told
        for message in poll(two[1], url, seconds=5, most=10):
            for record in json.loads(message["Body"]).get("Records", []):
                told[record["s3"]["object"]["key"]] += 1
            two[1].call("sqs", "DeleteMessage", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert told == Counter([*(str(n) for n in range(120)), "last"])
    assert until(processes.dispatcher)


def test_a_graceful_stop_answers_long_polls(tmp_path: Path):
    server = Server(tmp_path / "data", CAIRN_WORKERS="2").start()
    try:
        pids = Processes(server).workers()
        pollers = [connect(server, "main", pids) for _ in range(12)]
        url = pollers[0].call("sqs", "CreateQueue", QueueName="jobs")["QueueUrl"]
        with ThreadPoolExecutor(12) as pool:
            waiting = [pool.submit(poll, poller, url) for poller in pollers]
            time.sleep(1)  # until they have all come to wait: one that comes later meets a closed door
            assert not any(future.done() for future in waiting)
            assert server.process is not None
            server.process.terminate()
            assert [future.result() for future in waiting] == [[]] * 12
        assert server.process.wait(30) == 0
    finally:
        server.stop()
