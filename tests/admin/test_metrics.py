"""Metrics: what Prometheus reads, over all processes of a server."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.admin.metrics import PAST, gather
from app.observing import BUCKETS, FORMAT
from tests.admin.asking import ask
from tests.conftest import Server


def metrics(server: Server) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return every sample by name and labels."""
    text = ask(server, "GET", "/_cairn/metrics").body.decode()
    families = list(text_string_to_metric_families(text))
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


def labels(**named: str) -> tuple[tuple[str, str], ...]:
    """Return labels as metrics() has them."""
    return tuple(sorted(named.items()))


def test_calls_commits_and_sizes_are_counted(server: Server, stack: Any, client: Callable[..., Any]) -> None:
    sent = ("cairn_calls_total", labels(service="sqs", operation="SendMessage", status="200"))
    before = metrics(server)
    sqs = client("sqs")
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    for _ in range(3):
        sqs.send_message(QueueUrl=url, MessageBody="x")
    after = metrics(server)
    assert after[sent] - before.get(sent, 0) == 3
    assert after["cairn_events_total", ()] - before["cairn_events_total", ()] >= 4
    assert after["cairn_commits_total", ()] > before["cairn_commits_total", ()]
    assert after["cairn_journal_head", labels(stack=stack.name)] == 4
    assert after["cairn_journal_bytes", labels(stack=stack.name)] > 0
    seconds = labels(service="sqs", operation="SendMessage", le="+Inf")
    assert (
        after["cairn_call_seconds_bucket", seconds]
        == after["cairn_call_seconds_count", labels(service="sqs", operation="SendMessage")]
    )


def test_a_workers_counts_outlive_it(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", CAIRN_DURABILITY="relaxed").start()
    try:
        ask(server, "GET", "/?Action=GetCallerIdentity&Version=2011-06-15")
        before = {key: value for key, value in metrics(server).items() if key[0] == "cairn_calls_total"}
        assert sum(before.values()) == 1
        os.kill(server.get("/_cairn/info")["worker"], signal.SIGKILL)
        deadline = time.monotonic() + 30
        while True:
            try:
                after = metrics(server)
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        assert {key: value for key, value in after.items() if key[0] == "cairn_calls_total"} == before
    finally:
        server.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with what three processes saved: one that runs, one that ended, and one of an earlier server."""
    row = ["sqs", "SendMessage", 200, 2.0, *([0.0] * len(BUCKETS)), 0.5]
    for pid, server in ((os.getpid(), 1), (2**22 + 1, 1), (2**22 + 2, 99)):
        saved = {"format": FORMAT, "server": server, "calls": [row], "measures": {"events": 2.0, "largest_batch": 7.0}}
        (tmp_path / f"metrics-{pid}.json").write_text(json.dumps(saved))
    return tmp_path


def test_files_of_ended_processes_are_folded_into_one(folder: Path) -> None:
    for _ in range(3):
        totals = gather(folder, server=1)
        assert totals.calls["sqs", "SendMessage", 200][0] == 4.0
        assert totals.measures == {"events": 4.0, "largest_batch": 7.0}
    left = {path.name for path in folder.glob("metrics-*.json")}
    assert left == {f"metrics-{os.getpid()}.json", PAST}


def test_a_new_server_counts_from_nothing(folder: Path) -> None:
    gather(folder, server=1)
    assert gather(folder, server=2).calls == {}
