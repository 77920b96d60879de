"""Where commands look, what they say where nothing is to be found there, and how `status` and `stop` end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.cli import cairn
from tests.e2e.conftest import Place


@pytest.mark.parametrize("reading", ["running"], indirect=True)
def test_a_server_is_also_asked_by_its_endpoint(reading: Place) -> None:
    assert reading.server is not None
    for command in (["stacks"], ["log"], ["log", "-p"], ["show", "5"], ["status"]):
        by_endpoint = cairn(*command, "--json", "--endpoint", reading.server.url, cwd=reading.data.parent)
        by_variable = cairn(*command, "--json", cwd=reading.data.parent, CAIRN_ENDPOINT=reading.server.url)
        if command != ["status"]:  # which has an uptime
            assert by_endpoint.out == by_variable.out == reading.cairn(*command, "--json").out
    assert by_endpoint.json["endpoint"] == reading.server.url


def test_the_data_directory_is_also_named_by_a_variable_or_found_in_the_folder(
    filled: Path, tmp_path: Path, reading: Place
) -> None:
    expected = reading.cairn("show", 5, "--json").out
    assert cairn("show", 5, "--json", cwd=tmp_path, CAIRN_DATA=str(filled)).out == expected
    (tmp_path / ".cairn").symlink_to(reading.data)
    if reading.server is not None:  # the server that has ./.cairn comes before one at the default port
        assert cairn("show", 5, "--json", cwd=tmp_path).out == expected


def test_status_tells_what_runs_and_what_is_there(reading: Place) -> None:
    runs = reading.server is not None
    said = reading.cairn("status", status=0 if runs else 3)
    assert f"Data:       {reading.data}\n" in said.out
    assert ("Endpoint:" in said.out) == runs
    assert ("Start it with `cairn start`." in said.out) != runs
    told = reading.cairn("status", "--json", status=0 if runs else 3).json
    assert told["running"] == runs
    assert told["blobs"] == {"count": 1, "bytes": 70_000}
    assert [(one["name"], one["head"]) for one in told["stacks"]] == [("main", 8)]
    assert (told["pid"] is not None) == runs


@pytest.mark.parametrize(
    "where", [["--data", "nowhere"], ["--endpoint", "http://127.0.0.1:9"]], ids=["no data", "no server"]
)
def test_status_ends_with_3_wherever_no_server_is_found(tmp_path: Path, where: list[str]) -> None:
    said = cairn("status", *where, cwd=tmp_path, status=3)
    assert said.err.startswith("Error: ")
    assert "cairn start" in said.err


@pytest.mark.parametrize(
    "endpoint", ["a b", "http://localhost:many", "http://localhost:99999", "ftp://localhost", "http://[::1"]
)
def test_an_endpoint_that_is_none_is_called_so(tmp_path: Path, endpoint: str) -> None:
    said = cairn("stacks", "--endpoint", endpoint, cwd=tmp_path, status=1)
    assert f"{endpoint!r} is no endpoint." in said.err
    assert "Write it as http://localhost:4566." in said.err


def test_an_address_that_is_not_ours_is_said_at_once(tmp_path: Path) -> None:
    said = cairn("start", "--host", "192.0.2.1", "--port", 0, "--data", "d", cwd=tmp_path, status=1)
    assert said.err.startswith("Error: 192.0.2.1:0 cannot be listened on")
    assert "Choose another with --host and --port." in said.err
    assert not (tmp_path / "d").exists()


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = cairn("start", "--port", 0, "--data", "file/d", cwd=tmp_path, status=1)
    assert "cannot be written" in said.err
    assert "--data DIR" in said.err


def test_stopping_what_does_not_run_is_no_failure(tmp_path: Path) -> None:
    assert cairn("stop", "--data", "d", cwd=tmp_path).out == f"No server runs on {tmp_path / 'd'}.\n"
    assert cairn("stop", "--data", "d", "--json", cwd=tmp_path).json == {"stopped": None}


@pytest.mark.parametrize("place", ["running"], indirect=True)
def test_a_server_is_stopped_by_its_directory_and_says_which_process_it_was(place: Place) -> None:
    assert place.server is not None
    assert place.server.process is not None
    assert place.cairn("stop", "--json").json == {"stopped": place.server.process.pid}
    assert place.server.process.wait(30) == 0
    assert place.cairn("verify", "--json").json["problems"] == 0


@pytest.mark.parametrize("place", ["running"], indirect=True)
def test_a_directory_in_use_is_refused_with_the_first_servers_pid(place: Place) -> None:
    assert place.server is not None
    assert place.server.process is not None
    for how in ([], ["-d"]):
        said = place.cairn("start", "--port", 0, *how, status=1)
        assert f"is in use by another Cairn server (pid {place.server.process.pid})" in said.err
    assert place.cairn("status", "--json").json["pid"] == place.server.process.pid


def test_a_log_that_is_not_there_is_explained(place: Place) -> None:
    said = place.cairn("logs", status=1)
    assert "`cairn start -d` makes one." in said.err
