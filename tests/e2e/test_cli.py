"""The commands about the server itself, and what all commands share: finding it, help, and plain words when it is not there."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.e2e.commands import Shell


def sqs(endpoint: str) -> Any:
    """Return an SQS client."""
    session = boto3.session.Session("000000000000", "test", None, "us-east-1")
    return session.client("sqs", endpoint_url=endpoint)


def fill(endpoint: str) -> None:
    """Make a queue with three messages: events 1 to 4."""
    url = sqs(endpoint).create_queue(QueueName="jobs")["QueueUrl"]
    for text in ("one", "two", "three"):
        sqs(endpoint).send_message(QueueUrl=url, MessageBody=text)


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot of a stack with four events."""
    shell = Shell(tmp_path_factory.mktemp("seed"))
    try:
        fill(shell.started())
    finally:
        shell.ok("stop", "--data", "d")
    shell.ok("snapshot", "export", "seed.cairn", "--data", "d")
    return shell.folder / "seed.cairn"


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Shell]:
    """An empty folder; a server that a test starts on `d` is stopped."""
    shell = Shell(tmp_path)
    yield shell
    shell.run("stop", "--data", "d")


def test_a_server_in_the_background_is_seen_stopped_and_started_again(empty: Shell) -> None:
    fill(empty.started())
    told = empty.ok("status", "--data", "d", "--json").json
    assert told["running"]
    assert [(one["name"], one["head"]) for one in told["stacks"]] == [("main", 4)]
    assert "Ready." in empty.ok("logs", "--data", "d").out
    assert "Stopped" in empty.ok("stop", "--data", "d").out
    stopped = empty.run("status", "--data", "d", "--json")
    assert (stopped.status, stopped.json["running"]) == (3, False)
    assert "No server runs" in empty.ok("stop", "--data", "d").out
    empty.ok("restart", "--data", "d")
    again = empty.ok("status", "--data", "d", "--json").json
    assert again["durability"] == "relaxed"
    assert "http://127.0.0.1:" in again["endpoint"]
    assert "QueueUrls" in sqs(again["endpoint"]).list_queues()


def test_logs_f_shows_calls_as_they_come(empty: Shell) -> None:
    endpoint = empty.started()
    words = empty.command("logs", "-f", "-n", "0", "--data", "d")
    with subprocess.Popen(words, cwd=empty.folder, env=empty.environ, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        time.sleep(1)  # it says nothing before there is something to say
        sqs(endpoint).list_queues()
        assert "200 sqs.ListQueues" in following.stdout.readline()
        following.send_signal(signal.SIGINT)
        following.wait(20)


def test_a_second_server_on_the_same_directory_is_refused(empty: Shell) -> None:
    empty.started()
    before = empty.ok("status", "--data", "d", "--json").json["pid"]
    for how in ([], ["-d"]):
        ran = empty.run("start", *how, "--port", "0", "--data", "d")
        assert ran.status == 1
        assert f"in use by another Cairn server (pid {before})" in ran.err
        assert "cairn stop --data" in ran.err


def test_a_port_that_is_taken_is_said_at_once(empty: Shell) -> None:
    port = empty.started().rpartition(":")[2]
    began = time.monotonic()
    ran = empty.run("start", "--port", port, "--data", "other")
    assert ran.status == 1
    assert f"Port {port} is in use" in ran.err
    assert time.monotonic() - began < 10


def test_a_value_that_means_nothing_is_refused_by_name(empty: Shell) -> None:
    ran = empty.run("start", CAIRN_WORKERS="many")
    assert ran.status == 2
    assert "CAIRN_WORKERS: 'many' is not a whole number" in ran.err


def test_an_ephemeral_server_leaves_nothing(empty: Shell) -> None:
    words = empty.command("start", "--ephemeral", "--port", "0")
    with subprocess.Popen(words, cwd=empty.folder, env=empty.environ, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        heard = next(line for line in server.stderr if "Listening on" in line)
        data = Path(heard.rpartition("data in ")[2].strip())
        fill(heard.partition("Listening on ")[2].partition(",")[0])
        assert data.name.startswith("cairn-ephemeral-")
        assert data.is_dir()
        server.terminate()
        server.stderr.read()
        assert server.wait(30) == 0
    assert not data.exists()
    assert not list(empty.folder.iterdir())


def test_where_there_is_nothing_it_says_how_to_begin(empty: Shell) -> None:
    ran = empty.run("log", "--data", "nowhere")
    assert (ran.status, "cairn start --data nowhere" in ran.err) == (1, True)
    ran = empty.run("stacks", CAIRN_ENDPOINT="http://127.0.0.1:9")
    assert (ran.status, "No Cairn answers at http://127.0.0.1:9" in ran.err) == (1, True)
    assert empty.run("stacks", "--data", "d", "--endpoint", "http://127.0.0.1:9").status == 2


def test_what_answers_and_is_not_cairn_is_called_so(empty: Shell) -> None:
    import http.server
    import threading

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        ran = empty.run("stacks", "--endpoint", f"http://127.0.0.1:{other.server_port}")
        other.shutdown()
    assert (ran.status, "is not Cairn" in ran.err) == (1, True)


def test_damage_is_named_and_ends_with_status_1(empty: Shell, seed: Path) -> None:
    empty.started()
    empty.ok("snapshot", "import", str(seed), "--data", "d")
    empty.ok("stop", "--data", "d")
    file = empty.folder / "d" / "stacks" / "main" / "data.mdb"
    data = file.read_bytes()
    at = data.index(b"sqs.MessagesSent")
    file.write_bytes(data[:at] + b"sqs.MessagesSunk" + data[at + 16 :])
    ran = empty.run("verify", "--data", "d")
    assert ran.status == 1
    assert "event" in ran.out
    assert "problem" in ran.err
    assert empty.run("verify", "--data", "d", "--json").json["problems"] >= 1


def test_help_is_quick_and_imports_no_server(empty: Shell) -> None:
    heavy = ("gevent", "rich", "botocore", "lmdb")
    source = f"import sys; from tools.main import main; print([name for name in {heavy} if name in sys.modules])"
    python = str(Path(empty.command()[0]).parent / "python")
    ran = subprocess.run([python, "-P", "-c", source], cwd=empty.folder, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
    assert "cairn start -d" in empty.ok("--help").out
    assert empty.ok("--version").out.startswith("cairn ")


def test_a_users_own_package_called_app_is_no_trouble(empty: Shell) -> None:
    for name in ("app", "journal", "tools"):
        (empty.folder / name).mkdir()
        (empty.folder / name / "__init__.py").write_text("raise RuntimeError('mine')\n")
    endpoint = empty.started()
    fill(endpoint)
    assert "main is whole" in empty.ok("verify", "--data", "d").out


def test_what_is_killed_is_there_after_a_start(empty: Shell) -> None:
    fill(empty.started())
    pid = empty.ok("status", "--data", "d", "--json").json["pid"]
    os.killpg(pid, signal.SIGKILL)
    assert len(empty.ok("log", "--data", "d").out.splitlines()) == 4
    assert "QueueUrls" in sqs(empty.started()).list_queues()


def test_tables_that_nobody_has_read_are_not_called_wrong(empty: Shell, seed: Path) -> None:
    endpoint = empty.started()
    empty.ok("snapshot", "import", str(seed), "--data", "d")
    assert empty.ok("replay", "--verify", "--data", "d", "--json").json["unread"] == ["sqs"]
    sqs(endpoint).list_queues()
    done = empty.ok("replay", "--verify", "--data", "d", "--json").json
    assert (done["unread"], done["differences"]) == ([], 0)
