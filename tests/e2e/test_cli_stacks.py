"""`cairn stacks`, `fork`, `rm`, `reset` and `snapshot`, on a running server and on a directory whose server is stopped."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.conftest import Server
from tests.e2e.cli import CAIRN, cairn, environment
from tests.e2e.conftest import Place, client, fill, holds_everything


@contextmanager
def serving(place: Place) -> Iterator[str]:
    """The endpoint of a place, whose server is started for as long as the context lasts if it does not run."""
    if place.server is not None:
        yield place.server.url
        return
    server = Server(place.data).start()
    try:
        yield server.url
    finally:
        server.stop()


def test_stacks_are_listed(reading: Place) -> None:
    header, line = reading.cairn("stacks").out.splitlines()
    assert header.split() == ["STACK", "EVENTS", "FROM", "SIZE"]
    assert line.split()[:3] == ["main", "8", "-"]
    (told,) = reading.cairn("stacks", "--json").json
    assert (told["name"], told["head"]) == ("main", 8)


def test_a_fork_at_the_head_has_everything_and_goes_its_own_way(place: Place) -> None:
    said = place.cairn("fork", "branch").out
    assert "Stack branch has the first 8 events of main." in said
    assert ("It is served at" in said) == (place.server is not None)
    with serving(place) as url:
        branch = f"{url}/_stack/branch"
        holds_everything(branch)
        client(branch, "s3").delete_object(Bucket="notes", Key="small.txt")
        holds_everything(url)
        client(url, "s3").create_bucket(Bucket="only-in-main")
        assert [bucket["Name"] for bucket in client(branch, "s3").list_buckets()["Buckets"]] == ["notes"]
    told = {one["name"]: one for one in place.cairn("stacks", "--json").json}
    assert told["branch"]["lineage"]["parent"] == "main"
    assert told["branch"]["lineage"]["seq"] == 8
    assert "main@8" in place.cairn("stacks").out
    for stack in ("main", "branch"):
        assert place.cairn("replay", "--verify", "--json", "--stack", stack).json["differences"] == 0


def test_a_fork_in_the_past_has_what_was_there_then(place: Place) -> None:
    assert place.cairn("fork", "before", "--at", 4, "--json").json["head"] == 4
    with serving(place) as url:
        before = f"{url}/_stack/before"
        assert client(before, "s3").list_objects_v2(Bucket="notes")["KeyCount"] == 2
        assert client(before, "dynamodb").list_tables()["TableNames"] == []
        queue = client(before, "sqs").get_queue_url(QueueName="jobs")["QueueUrl"]
        assert "/_stack/before/" in queue
        assert "Messages" not in client(before, "sqs").receive_message(QueueUrl=queue)
    assert place.cairn("verify", "--stack", "before", "--json").json["events"] == 4


def test_a_fork_may_be_made_of_a_fork(place: Place) -> None:
    place.cairn("fork", "one", "--at", 3)
    assert place.cairn("fork", "two", "--from", "one", "--at", 2, "--json").json["lineage"]["parent"] == "one"


def test_forks_that_cannot_be_are_explained(place: Place) -> None:
    assert "'nowhere'" in place.cairn("fork", "x", "--from", "nowhere", status=1).err
    assert "`cairn log` shows the seqs" in place.cairn("fork", "x", "--at", 99, status=1).err
    place.cairn("fork", "taken")
    said = place.cairn("fork", "taken", status=1)
    assert "taken" in said.err
    assert "delete it first with `cairn rm NAME`" in said.err
    assert place.cairn("fork", "../out", status=1).err.startswith("Error:")
    assert place.cairn("fork", "x", "--at", "soon", status=2).err
    assert {one["name"] for one in place.cairn("stacks", "--json").json} == {"main", "taken"}


def test_a_stack_is_deleted_once_that_is_said_twice(place: Place) -> None:
    place.cairn("fork", "branch")
    said = place.cairn("rm", "branch", status=1)
    assert "Say --yes." in said.err
    assert place.cairn("rm", "branch", "--yes").out == "Stack branch is deleted.\n"
    assert [one["name"] for one in place.cairn("stacks", "--json").json] == ["main"]
    assert "`cairn stacks` lists" in place.cairn("rm", "branch", "--yes", status=1).err


def test_main_is_never_deleted(place: Place) -> None:
    said = place.cairn("rm", "main", "--yes", status=1)
    assert "Clear it with `cairn reset`" in said.err


def test_a_reset_clears_all_services_and_keeps_the_history(place: Place) -> None:
    assert "Say --yes." in place.cairn("reset", status=1).err
    assert place.cairn("reset", "--yes").out == "Cleared: dynamodb, s3, sqs.\n"
    place.cairn("fork", "before", "--at", 8)
    with serving(place) as url:
        assert client(url, "s3").list_buckets()["Buckets"] == []
        assert client(url, "dynamodb").list_tables()["TableNames"] == []
        assert "QueueUrls" not in client(url, "sqs").list_queues()
        holds_everything(f"{url}/_stack/before")
    assert place.cairn("replay", "--verify", "--json").json["differences"] == 0


def test_a_reset_of_one_service_leaves_the_others(place: Place) -> None:
    assert place.cairn("reset", "--service", "sqs", "--yes", "--json").json == {"reset": ["sqs"]}
    with serving(place) as url:
        assert "QueueUrls" not in client(url, "sqs").list_queues()
        assert client(url, "s3").list_objects_v2(Bucket="notes")["KeyCount"] == 2


def test_a_reset_of_what_has_no_history_says_so(place: Place) -> None:
    assert place.cairn("reset", "--service", "sts", "--yes").out == "There was nothing to clear.\n"
    said = place.cairn("reset", "--stack", "nowhere", "--yes", status=1)
    assert "There is no stack 'nowhere'." in said.err


def test_a_snapshot_goes_into_another_data_directory(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "state.cairn"
    assert "8 events of main" in place.cairn("snapshot", "export", file).out
    other = Place(tmp_path / "other", None)
    server = Server(other.data).start()
    try:
        assert other.cairn("snapshot", "import", file).out == "Stack main has 8 events now.\n"
        holds_everything(server.url)
        assert other.cairn("replay", "--verify", "--json").json["differences"] == 0
    finally:
        server.stop()
    assert other.cairn("verify", "--json").json["problems"] == 0
    theirs, ours = (one.cairn("log", "-p", "--json").lines for one in (other, place))
    assert theirs == ours


def test_a_snapshot_goes_into_a_stack_of_another_name(place: Place, tmp_path: Path) -> None:
    place.cairn("snapshot", "export", tmp_path / "state.cairn")
    told = place.cairn("snapshot", "import", tmp_path / "state.cairn", "--into", "copy", "--json").json
    assert (told["stack"], told["events"], told["blobs"]) == ("copy", 8, 1)
    with serving(place) as url:
        holds_everything(f"{url}/_stack/copy")


def test_a_snapshot_of_the_past_ends_there(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "early.cairn"
    assert place.cairn("snapshot", "export", file, "--at", 2, "--json").json["events"] == 2
    told = cairn("snapshot", "inspect", file, "--json", cwd=tmp_path).json
    assert (told["events"], told["blobs"]) == (2, 0)
    assert "99" in place.cairn("snapshot", "export", tmp_path / "x.cairn", "--at", 99, status=1).err
    assert not (tmp_path / "x.cairn").exists()


def test_a_stack_that_holds_something_is_replaced_only_where_that_is_said(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "early.cairn"
    place.cairn("snapshot", "export", file, "--at", 1)
    said = place.cairn("snapshot", "import", file, status=1)
    assert "holds 8 events" in said.err
    assert "Say --yes to replace it, or --into NAME." in said.err
    assert place.cairn("snapshot", "import", file, "--yes").out == "Stack main has 1 event now.\n"
    with serving(place) as url:
        assert client(url, "s3").list_objects_v2(Bucket="notes")["KeyCount"] == 0
        assert "QueueUrls" not in client(url, "sqs").list_queues()


def test_a_snapshot_goes_through_pipes(place: Place, tmp_path: Path) -> None:
    place.cairn("snapshot", "export", tmp_path / "state.cairn")
    command = [*CAIRN, "snapshot", "export", "-", "--data", str(place.data)]
    piped = subprocess.run(command, capture_output=True, env=environment(), cwd=tmp_path, check=True).stdout
    assert piped.startswith(b"\x89CAIRN\r\n")
    told = place.cairn("snapshot", "import", "-", "--into", "piped", "--json", stdin=piped).json
    assert told["events"] == 8


def test_a_damaged_snapshot_changes_nothing(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "state.cairn"
    place.cairn("snapshot", "export", file)
    whole = file.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for damaged in (bytes(flipped), whole[:-1], whole[: len(whole) // 2], b"", b"not a snapshot"):
        file.write_bytes(damaged)
        assert place.cairn("snapshot", "import", file, "--into", "copy", status=1).err.startswith("Error:")
        assert place.cairn("snapshot", "import", file, "--yes", status=1).err.startswith("Error:")
        assert "is no whole snapshot" in cairn("snapshot", "inspect", file, cwd=tmp_path, status=1).err
    assert [(one["name"], one["head"]) for one in place.cairn("stacks", "--json").json] == [("main", 8)]
    assert place.cairn("verify", "--json").json["problems"] == 0


def test_a_file_that_is_there_is_replaced_only_where_that_is_said(reading: Place, tmp_path: Path) -> None:
    file = tmp_path / "state.cairn"
    file.write_text("mine")
    assert "Choose another name, or say --force." in reading.cairn("snapshot", "export", file, status=1).err
    assert file.read_text() == "mine"
    reading.cairn("snapshot", "export", file, "--force")
    assert file.read_bytes().startswith(b"\x89CAIRN")
    assert "There is no folder" in reading.cairn("snapshot", "export", tmp_path / "no" / "x.cairn", status=1).err
    assert [path.name for path in tmp_path.iterdir()] == ["state.cairn"]


def test_inspect_tells_what_is_in_a_snapshot(reading: Place, tmp_path: Path) -> None:
    file = tmp_path / "state.cairn"
    reading.cairn("snapshot", "export", file)
    text = cairn("snapshot", "inspect", file, cwd=tmp_path).out
    assert "Events:      8\n" in text
    assert "Blobs:       1 (68.4 KiB)\n" in text
    told = cairn("snapshot", "inspect", file, "--json", cwd=tmp_path).json
    assert (told["events"], told["calls"], told["blobs"], told["blob_bytes"]) == (8, 8, 1, 70_000)


def test_the_state_survives_a_kill_travels_and_branches(tmp_path: Path) -> None:
    """The whole promise in one walk: write, SIGKILL, start, export, import elsewhere, fork, replay."""
    first = Place(tmp_path / "first", Server(tmp_path / "first"))
    assert first.server is not None
    head = fill(first.server.start().url)
    first.server.kill()

    first.server.start()
    try:
        holds_everything(first.server.url)
        assert first.cairn("verify", "--json").json["problems"] == 0
        first.cairn("snapshot", "export", tmp_path / "state.cairn")
    finally:
        first.server.stop()

    second = Place(tmp_path / "second", Server(tmp_path / "second"))
    assert second.server is not None
    url = second.server.start().url
    try:
        second.cairn("snapshot", "import", tmp_path / "state.cairn")
        holds_everything(url)
        assert second.cairn("fork", "branch", "--json").json["head"] == head
        second.cairn("fork", "empty", "--at", 0)
        branch = f"{url}/_stack/branch"
        client(branch, "s3").put_object(Bucket="notes", Key="new.txt", Body=b"new")
        holds_everything(branch)
        holds_everything(url)
        with pytest.raises(ClientError, match="NoSuchKey"):
            client(url, "s3").get_object(Bucket="notes", Key="new.txt")
        assert client(f"{url}/_stack/empty", "s3").list_buckets()["Buckets"] == []
        for stack in ("main", "branch", "empty"):
            assert second.cairn("replay", "--verify", "--stack", stack, "--json").json["differences"] == 0
            assert second.cairn("verify", "--stack", stack, "--json").json["problems"] == 0
    finally:
        second.server.stop()
