"""The command line, end to end: against a running server, and on a directory whose server is stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.e2e.commands import Shell

QUEUE = "arn:aws:sqs:us-east-1:000000000000:jobs"


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


@contextmanager
def filled(folder: Path, seed: Path, served: bool) -> Iterator[Shell]:
    """A folder with a data directory `d` of four events, which is being served or not."""
    shell = Shell(folder)
    shell.started()
    shell.ok("snapshot", "import", str(seed), "--data", "d")
    if not served:
        shell.ok("stop", "--data", "d")
    yield shell
    shell.run("stop", "--data", "d")


@pytest.fixture(params=["served", "stopped"])
def shell(request: pytest.FixtureRequest, tmp_path: Path, seed: Path) -> Iterator[Shell]:
    """A data directory of four events for one test: one that is being served, and one that is not."""
    with filled(tmp_path, seed, request.param == "served") as shell:
        yield shell


@pytest.fixture(scope="module", params=["served", "stopped"])
def reading(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, seed: Path) -> Iterator[Shell]:
    """The same, shared by tests that change nothing."""
    with filled(tmp_path_factory.mktemp("reading"), seed, request.param == "served") as shell:
        yield shell


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Shell]:
    """An empty folder; a server that a test starts on `d` is stopped."""
    shell = Shell(tmp_path)
    yield shell
    shell.run("stop", "--data", "d")


# --- the journal


def test_log_shows_a_line_a_command_newest_first(reading: Shell) -> None:
    lines = reading.ok("log", "--data", "d").out.splitlines()
    assert [line.split()[0] for line in lines] == ["4", "3", "2", "1"]
    assert lines[-1].split()[2:] == ["000000000000", "sqs:CreateQueue", QUEUE]


@pytest.mark.parametrize(
    ("words", "seqs"),
    [
        (["--operation", "Send*", "--reverse"], [2, 3, 4]),
        (["-n", "2", "--reverse"], [3, 4]),
        (["--service", "s3"], []),
        (["--resource", "jobs", "--from", "2", "--to", "3"], [3, 2]),
        (["--since", "2999-01-01"], []),
    ],
)
def test_log_is_filtered(reading: Shell, words: list[str], seqs: list[int]) -> None:
    lines = reading.ok("log", "--json", "--data", "d", *words).out.splitlines()
    assert [json.loads(line)["seq"] for line in lines] == seqs


def test_log_p_shows_events(reading: Shell) -> None:
    shown = reading.ok("log", "-p", "-n", "1", "--data", "d").out
    assert "sqs.MessagesSent" in shown
    assert '"three"' in shown


def test_log_f_goes_on_as_commands_come(shell: Shell) -> None:
    words = shell.command("log", "-f", "-n", "1", "--json", "--data", "d")
    with subprocess.Popen(words, cwd=shell.folder, env=shell.environ, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        assert json.loads(following.stdout.readline())["seq"] == 4
        shell.ok("reset", "--yes", "--data", "d")
        assert json.loads(following.stdout.readline())["operation"] == "ServiceReset"
        following.send_signal(signal.SIGINT)
        assert following.wait(20) == 0


def test_show_prints_the_call_and_its_events(reading: Shell) -> None:
    shown = reading.ok("show", "2", "--data", "d")
    assert "sqs:SendMessage" in shown.out
    assert '"MessageBody": "one"' in shown.out
    assert reading.ok("show", "2", "--data", "d", "--json").json["call"]["parameters"]["MessageBody"] == "one"


def test_verify_and_replay_find_nothing_wrong(reading: Shell) -> None:
    assert "main is whole" in reading.ok("verify", "--data", "d").out
    assert reading.ok("verify", "--data", "d", "--json").json["problems"] == 0
    assert "all tables are the same" in reading.ok("replay", "--verify", "--data", "d").out
    assert reading.ok("replay", "--verify", "--data", "d", "--json").json["differences"] == 0


def test_tables_that_nobody_has_read_are_not_called_wrong(empty: Shell, seed: Path) -> None:
    endpoint = empty.started()
    empty.ok("snapshot", "import", str(seed), "--data", "d")
    assert empty.ok("replay", "--verify", "--data", "d", "--json").json["unread"] == ["sqs"]
    sqs(endpoint).list_queues()
    done = empty.ok("replay", "--verify", "--data", "d", "--json").json
    assert (done["unread"], done["differences"]) == ([], 0)


# --- stacks


def test_stacks_are_forked_listed_reset_and_removed(shell: Shell) -> None:
    assert shell.ok("fork", "past", "--at", "2", "--data", "d", "--json").json["head"] == 2
    assert "main@2" in shell.ok("stacks", "--data", "d").out
    assert shell.ok("reset", "--stack", "past", "--service", "sqs", "-y", "--data", "d", "--json").json == {
        "reset": ["sqs"]
    }
    heads = {one["name"]: one["head"] for one in shell.ok("stacks", "--data", "d", "--json").json}
    assert heads == {"main": 4, "past": 3}
    shell.ok("rm", "past", "--yes", "--data", "d")
    assert [one["name"] for one in shell.ok("stacks", "--data", "d", "--json").json] == ["main"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show", "99"], "it has events 1 to 4"),
        (["log", "--stack", "nowhere"], "There is no stack 'nowhere'."),
        (["fork", "main"], "There is a stack 'main' already."),
        (["fork", "later", "--at", "99"], "There are events 1 to 4"),
        (["rm", "nowhere", "--yes"], "`cairn stacks` lists"),
        (["rm", "main", "--yes"], "`cairn reset`"),
        (["reset"], "Say --yes."),
        (["log", "--since", "yesterday"], "write 2026-11-24T10:00:00Z"),
        (["snapshot", "import", "cut.cairn", "--into", "new"], "snapshot"),
    ],
)
def test_what_fails_says_what_to_do(reading: Shell, words: list[str], said: str) -> None:
    (reading.folder / "cut.cairn").write_bytes(b"\x89CAIRN\r\n" + bytes(300))
    ran = reading.run(*words, "--data", "d")
    assert ran.status == 1
    assert ran.err.startswith("Error: ")
    assert said in ran.err, ran.err


# --- snapshots


def test_a_snapshot_goes_out_is_looked_into_and_comes_in(shell: Shell) -> None:
    out = shell.ok("snapshot", "export", "two.cairn", "--at", "2", "--data", "d", "--json").json
    assert (out["events"], out["bytes"]) == (2, (shell.folder / "two.cairn").stat().st_size)
    assert shell.ok("snapshot", "inspect", "two.cairn", "--json").json["events"] == 2
    assert shell.run("snapshot", "export", "two.cairn", "--data", "d").status == 1  # it is there
    assert shell.ok("snapshot", "import", "two.cairn", "--into", "two", "--data", "d", "--json").json["events"] == 2
    refused = shell.run("snapshot", "import", "two.cairn", "--data", "d")
    assert "Say --yes to replace it" in refused.err
    shell.ok("snapshot", "import", "two.cairn", "--yes", "--data", "d")
    assert len(shell.ok("log", "--data", "d").out.splitlines()) == 2
    assert not list(shell.folder.glob(".two*"))


def test_a_snapshot_goes_through_a_pipe(shell: Shell) -> None:
    words = shell.command("snapshot", "export", "-", "--data", "d")
    out = subprocess.run(words, cwd=shell.folder, env=shell.environ, capture_output=True, timeout=60, check=True).stdout
    words = shell.command("snapshot", "import", "-", "--into", "piped", "--data", "d")
    subprocess.run(words, cwd=shell.folder, env=shell.environ, input=out, capture_output=True, timeout=60, check=True)
    assert len(shell.ok("log", "--stack", "piped", "--data", "d").out.splitlines()) == 4


# --- the server


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
