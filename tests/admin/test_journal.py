"""The journal over HTTP: log, show, verify, replay, snapshots."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.admin.asking import ask
from tests.conftest import Server


@pytest.fixture
def queue(client: Callable[..., Any]) -> str:
    """A queue with three messages, and another queue in another region and account."""
    sqs = client("sqs")
    url: str = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    for text in ("one", "two", "three"):
        sqs.send_message(QueueUrl=url, MessageBody=text)
    client("sqs", region="eu-west-1", account="111122223333").create_queue(QueueName="elsewhere")
    return url


def log(server: Server, stack: Any, query: str = "") -> list[Any]:
    """Return the log's lines."""
    answer = ask(server, "GET", f"/_cairn/log?stack={stack.name}&{query}")
    assert answer.status == 200, answer.body
    return answer.lines


@pytest.mark.usefixtures("queue")
def test_the_log_has_a_line_a_command_in_order(server: Server, stack: Any) -> None:
    lines = log(server, stack)
    assert [line["seq"] for line in lines] == [1, 2, 3, 4, 5]
    first = lines[0]
    assert (first["service"], first["operation"]) == ("sqs", "CreateQueue")
    assert first["resource"] == "arn:aws:sqs:us-east-1:000000000000:jobs"
    assert first["caller"] == "arn:aws:iam::000000000000:root"
    assert first["request_id"]


@pytest.mark.usefixtures("queue")
@pytest.mark.parametrize(
    ("query", "seqs"),
    [
        ("operation=SendMessage", [2, 3, 4]),
        ("operation=create*", [1, 5]),
        ("service=s3", []),
        ("service=s3,sqs&limit=2", [1, 2]),
        ("resource=elsewhere", [5]),
        ("resource=arn:aws:sqs:us-east-1:000000000000:jobs&operation=CreateQueue", [1]),
        ("resource=*:jobs&first=3", [3, 4]),
        ("account=111122223333", [5]),
        ("region=us-east-1&last=2", [1, 2]),
        ("newest_first=1&limit=2", [5, 4]),
        ("since=1h&until=2999-01-01", [1, 2, 3, 4, 5]),
        ("since=2999-01-01", []),
    ],
)
def test_the_log_is_filtered(server: Server, stack: Any, query: str, seqs: list[int]) -> None:
    assert [line["seq"] for line in log(server, stack, query)] == seqs


@pytest.mark.parametrize("query", ["limit=some", "since=yesterday", "colour=red", "first=-1"])
def test_a_filter_that_means_nothing_is_refused(server: Server, query: str) -> None:
    answer = ask(server, "GET", f"/_cairn/log?{query}")
    assert (answer.status, answer.code) == (400, "BadFilter")


def test_a_follower_hears_of_commands_as_they_come(server: Server, stack: Any, client: Callable[..., Any]) -> None:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    connection.request("GET", f"/_cairn/log?stack={stack.name}&follow=1&service=sqs")
    answer = connection.getresponse()
    client("sqs").create_queue(QueueName="jobs")
    heard = json.loads(next(line for line in answer if line.strip()))
    assert (heard["seq"], heard["operation"]) == (1, "CreateQueue")
    connection.close()


@pytest.mark.usefixtures("queue")
def test_a_command_is_shown_with_its_call_and_its_events(server: Server, stack: Any) -> None:
    shown = ask(server, "GET", f"/_cairn/show/2?stack={stack.name}").json
    assert shown["call"]["parameters"]["MessageBody"] == "one"
    assert [event["type"] for event in shown["events"]] == ["sqs.MessagesSent"]
    assert ask(server, "GET", f"/_cairn/events/2?stack={stack.name}").json == shown["events"][0]


def test_an_event_that_does_not_exist_is_refused(server: Server, stack: Any) -> None:
    answer = ask(server, "GET", f"/_cairn/show/7?stack={stack.name}")
    assert (answer.status, answer.code) == (404, "NoSuchEvent")


@pytest.mark.usefixtures("queue")
def test_a_reset_stands_in_the_log_and_history_stays(server: Server, stack: Any, client: Callable[..., Any]) -> None:
    assert ask(server, "POST", f"/_cairn/stacks/{stack.name}/reset?service=sqs").json == {"reset": ["sqs"]}
    assert "QueueUrls" not in client("sqs").list_queues()
    last = log(server, stack, "newest_first=1&limit=1")[0]
    assert (last["seq"], last["service"], last["operation"]) == (6, "sqs", "ServiceReset")


@pytest.mark.usefixtures("queue")
@pytest.mark.parametrize("work", ["verify", "replay"])
def test_a_whole_stack_is_said_to_be_whole(server: Server, stack: Any, work: str) -> None:
    last = ask(server, "GET", f"/_cairn/{work}?stack={stack.name}").lines[-1]["done"]
    assert last["events"] == 5
    assert last["problems" if work == "verify" else "differences"] == 0


@pytest.mark.parametrize("path", ["log", "verify", "replay", "snapshot", "show/1", "events/1"])
def test_a_stack_that_does_not_exist_is_refused_everywhere(server: Server, path: str) -> None:
    answer = ask(server, "GET", f"/_cairn/{path}?stack=nowhere")
    assert (answer.status, answer.code) == (404, "NoSuchStack")


@pytest.mark.usefixtures("queue")
def test_a_snapshot_goes_out_and_comes_in_as_another_stack(server: Server, stack: Any) -> None:
    out = ask(server, "GET", f"/_cairn/snapshot?stack={stack.name}")
    assert out.headers["x-cairn-seq"] == "5"
    into = f"{stack.name}-copy"
    done = ask(server, "POST", f"/_cairn/snapshot?into={into}", out.body)
    assert (done.status, done.json["events"]) == (201, 5)
    again = ask(server, "POST", f"/_cairn/snapshot?into={into}", out.body)
    assert (again.status, again.code) == (409, "StackExists")
    replaced = ask(server, "POST", f"/_cairn/snapshot?into={into}&replace=1", out.body, accept="application/x-ndjson")
    assert replaced.lines[-1]["done"]["events"] == 5
    ask(server, "DELETE", f"/_cairn/stacks/{into}")


@pytest.mark.usefixtures("queue")
def test_a_snapshot_that_was_cut_short_changes_nothing(server: Server, stack: Any) -> None:
    out = ask(server, "GET", f"/_cairn/snapshot?stack={stack.name}&at=3")
    answer = ask(server, "POST", f"/_cairn/snapshot?into={stack.name}&replace=1", out.body[:-40])
    assert (answer.status, answer.code) == (400, "BadArchive")
    assert len(log(server, stack)) == 5


def test_a_snapshot_of_the_future_is_refused(server: Server, stack: Any) -> None:
    answer = ask(server, "GET", f"/_cairn/snapshot?stack={stack.name}&at=99")
    assert (answer.status, answer.code) == (400, "NoSuchPoint")
