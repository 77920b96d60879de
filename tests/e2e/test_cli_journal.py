"""`cairn log`, `show`, `verify` and `replay`, on a running server and on a directory whose server is stopped."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

import projections
from journal.stacks import Stacks
from projections.sqs import queues
from tests.e2e.cli import CAIRN, environment
from tests.e2e.conftest import Place, client

ALL = [
    "s3:CreateBucket", "s3:PutObject", "s3:PutObject", "sqs:CreateQueue", "sqs:SendMessage", "dynamodb:CreateTable",
    "dynamodb:PutItem", "sqs:CreateQueue",
]  # fmt: skip


def seqs(place: Place, *filters: object) -> list[int]:
    """Return the seqs of the commands that `cairn log` shows."""
    return [line["seq"] for line in place.cairn("log", "--json", *filters).lines]


def test_the_log_shows_a_line_a_command_newest_first(reading: Place) -> None:
    lines = reading.cairn("log").out.splitlines()
    assert [line.split()[3] for line in lines] == ALL[::-1]
    assert lines[0].split()[0] == "8"
    assert lines[-1].endswith("arn:aws:s3:::notes")


def test_the_log_is_also_shown_oldest_first(reading: Place) -> None:
    assert seqs(reading, "--reverse") == [1, 2, 3, 4, 5, 6, 7, 8]
    assert seqs(reading, "--reverse", "-n", 3) == [6, 7, 8]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (["--service", "s3"], [3, 2, 1]),
        (["--service", "s3", "--service", "dynamodb"], [7, 6, 3, 2, 1]),
        (["--operation", "CreateQueue"], [8, 4]),
        (["--operation", "put*"], [7, 3, 2]),
        (["--operation", "PutIte?"], [7]),
        (["--resource", "arn:aws:s3:::notes"], [1]),
        (["--resource", "large.txt"], [3]),
        (["--resource", "*:jobs"], [5, 4]),
        (["--account", "111122223333"], [8]),
        (["--region", "eu-west-1"], [8]),
        (["--from", "3", "--to", "5"], [5, 4, 3]),
        (["-n", "2"], [8, 7]),
        (["-n", "0"], []),
        (["--service", "sqs", "-n", "1", "--to", "7"], [5]),
        (["--service", "lambda"], []),
        (["--since", "1h"], [8, 7, 6, 5, 4, 3, 2, 1]),
        (["--until", "1h"], []),
        (["--until", "2020-01-01"], []),
    ],
    ids=lambda value: " ".join(value) if value and isinstance(value[0], str) else "",
)
def test_the_log_is_filtered(reading: Place, filters: list[str], expected: list[int]) -> None:
    assert seqs(reading, *filters) == expected


def test_the_log_is_filtered_by_time_to_the_command(reading: Place) -> None:
    times = {line["seq"]: line["time"] for line in reading.cairn("log", "--json").lines}
    found = seqs(reading, "--since", times[4], "--until", times[7])
    assert found
    assert all(times[4] <= times[seq] < times[7] for seq in found)


def test_the_log_is_filtered_by_request_id(reading: Place) -> None:
    fifth = reading.cairn("show", 5, "--json").json
    assert seqs(reading, "--request-id", fifth["request_id"]) == [5]


def test_the_log_shows_events_where_they_are_asked_for(reading: Place) -> None:
    text = reading.cairn("log", "-p", "--resource", "large.txt").out
    assert "3  s3.ObjectStored  arn:aws:s3:::notes/large.txt" in text
    assert "size = 70000" in text
    (line,) = reading.cairn("log", "-p", "--json", "--to", "1").lines
    assert [event["type"] for event in line["events"]] == ["s3.BucketCreated"]
    (line,) = reading.cairn("log", "--json", "--to", "1").lines
    assert "events" not in line


def test_a_time_that_is_none_is_explained(reading: Place) -> None:
    said = reading.cairn("log", "--since", "soon", status=1)
    assert "'soon' is no time: write 2026-11-24T10:00:00Z" in said.err


def test_the_log_is_followed_as_commands_come(place: Place) -> None:
    command = [*CAIRN, "log", "-f", "--json", "-n", "2", "--data", str(place.data)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment(), cwd=place.data.parent
    ) as shown:
        assert shown.stdout is not None
        try:
            assert [json.loads(shown.stdout.readline())["seq"] for _ in range(2)] == [7, 8]
            if place.server is not None:
                client(place.server.url, "s3").create_bucket(Bucket="second")
            else:
                place.cairn("reset", "--service", "s3", "--yes")
            line = json.loads(shown.stdout.readline())
            expected = "CreateBucket" if place.server is not None else "ServiceReset"
            assert (line["seq"], line["service"], line["operation"]) == (9, "s3", expected)
            shown.send_signal(signal.SIGINT)
            assert shown.wait(30) in (0, 1)
        finally:
            shown.kill()


def test_show_tells_all_of_a_command(reading: Place) -> None:
    text = reading.cairn("show", 5).out
    assert text.startswith("5  sqs:SendMessage\n")
    assert '"MessageBody": "first"' in text
    assert "sqs.MessagesSent" in text
    shown = reading.cairn("show", 5, "--json").json
    assert shown["call"]["parameters"]["MessageBody"] == "first"
    assert shown["account"] == "000000000000"
    assert [event["seq"] for event in shown["events"]] == [5]
    assert "Boto3" in shown["call"]["user_agent"]


def test_show_names_a_blob_by_its_hash(reading: Place) -> None:
    (event,) = reading.cairn("show", 3, "--json").json["events"]
    assert event["data"]["content"]["size"] == 70_000
    assert len(event["data"]["content"]["blob"]) == 64


def test_show_says_which_events_there_are(reading: Place) -> None:
    said = reading.cairn("show", 99, status=1)
    assert "The journal has no event 99; it has events 1 to 8." in said.err


def test_a_stack_that_is_not_there_is_named(reading: Place) -> None:
    for command in (["log"], ["show", 1], ["verify"], ["replay", "--verify"], ["snapshot", "export", "x.cairn"]):
        said = reading.cairn(*command, "--stack", "nowhere", status=1)
        assert "There is no stack 'nowhere'." in said.err, command
        assert "`cairn stacks` lists those there are." in said.err, command
    assert not (reading.data.parent / "x.cairn").exists()


def test_verify_finds_a_whole_stack_whole(reading: Place) -> None:
    assert "main is whole:" in reading.cairn("verify").out
    told = reading.cairn("verify", "--json").json
    assert (told["stack"], told["events"], told["problems"], told["found"]) == ("main", 8, 0, [])
    assert told["where"] == reading.where


def test_verify_names_a_blob_with_a_flipped_byte(place: Place) -> None:
    (blob,) = (path for path in (place.data / "blobs").glob("??/*") if path.stat().st_size == 70_000)
    flip(blob)
    said = place.cairn("verify", status=1)
    name = blob.parent.name + blob.name if len(blob.name) == 62 else blob.name
    assert name in said.out
    assert "1 problem in stack main" in said.err
    told = place.cairn("verify", "--json", status=1).json
    assert told["problems"] == 1
    assert name in told["found"][0]["message"]
    assert place.cairn("verify", "--no-blobs").status == 0


def flip(path: Path) -> None:
    """Flip one bit in the middle of a file."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))


def test_replay_comes_to_the_same_tables(reading: Place) -> None:
    assert "8 events of main replayed" in reading.cairn("replay", "--verify").out
    told = reading.cairn("replay", "--verify", "--json").json
    assert (told["events"], told["differences"], told["found"]) == (8, 0, [])


def test_replay_wants_to_be_told_to_verify(reading: Place) -> None:
    assert "Say --verify" in reading.cairn("replay", status=2).err


def test_replay_shows_each_row_that_comes_out_otherwise(filled: Path, tmp_path: Path) -> None:
    shutil.copytree(filled, tmp_path / "data")
    stacks = Stacks(tmp_path / "data", projections.find)
    try:
        stacks.get("main").write(lambda writer: writer.tables[queues].clear("111122223333"))
    finally:
        stacks.close()
    said = Place(tmp_path / "data", None).cairn("replay", "--verify", status=1)
    assert "sqs.queues" in said.out
    assert "1 row of main came out otherwise." in said.err
    assert "This is a bug in Cairn" in said.err
