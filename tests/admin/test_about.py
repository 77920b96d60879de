"""Health and info, Cairn's own and in LocalStack's shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.admin.asking import ask
from tests.conftest import Server


def test_health_says_ok_and_where_the_journal_stands(server: Server) -> None:
    told = ask(server, "GET", "/_cairn/health").json
    assert told["status"] == "ok"
    assert isinstance(told["head"], int)


def test_info_says_what_serves_and_what_it_holds(server: Server, stack: Any) -> None:
    told = ask(server, "GET", "/_cairn/info").json
    assert server.process is not None
    assert told["pid"] == server.process.pid
    assert told["data"] == str(server.data)
    assert told["durability"] == "relaxed"
    assert stack.name in [one["name"] for one in told["stacks"]]
    assert {"sqs", "s3", "dynamodb", "sts"} <= set(told["services"])


@pytest.mark.parametrize("path", ["/_localstack/health", "/health"])
def test_health_in_localstacks_shape_names_every_service(server: Server, path: str) -> None:
    told = ask(server, "GET", path).json
    assert set(told) == {"services", "edition", "version"}
    assert told["edition"] == "community"
    assert set(told["services"].values()) <= {"available", "running"}
    assert "sqs" in told["services"]


def test_a_service_that_was_called_is_running(server: Server, client: Callable[..., Any]) -> None:
    client("sqs").list_queues()
    assert ask(server, "GET", "/_localstack/health").json["services"]["sqs"] == "running"


def test_health_answers_head(server: Server) -> None:
    answer = ask(server, "HEAD", "/_localstack/health")
    assert (answer.status, answer.body) == (200, b"")


def test_a_bucket_called_health_is_a_bucket_all_the_same(server: Server) -> None:
    assert ask(server, "GET", "/health?list-type=2").status in (403, 404)
    assert b"edition" not in ask(server, "PUT", "/health?tagging", b"").body


def test_info_in_localstacks_shape(server: Server) -> None:
    told = ask(server, "GET", "/_localstack/info").json
    wanted = {
        "version", "edition", "is_license_activated", "session_id", "machine_id", "system", "is_docker",
        "server_time_utc", "uptime",
    }  # fmt: skip
    assert set(told) == wanted
    assert told["is_license_activated"] is False


def test_what_is_ours_and_means_nothing_is_refused_as_all_refusals_are(server: Server) -> None:
    for path in ("/_cairn/", "/_cairn/nothing", "/_cairn/stacks/a/b/c", "/_localstack/nothing"):
        answer = ask(server, "GET", path)
        assert (answer.status, answer.code) == (404, "NoSuchEndpoint"), path


def test_a_method_that_an_endpoint_does_not_have_is_refused_in_the_same_form(server: Server) -> None:
    answer = ask(server, "DELETE", "/_cairn/info")
    assert (answer.status, answer.code) == (405, "MethodNotAllowed")
    assert "GET" in answer.headers["allow"]


def test_a_web_page_of_elsewhere_can_neither_read_nor_drive_a_stack(server: Server) -> None:
    for method, path in (
        ("GET", "/_cairn/info"),
        ("POST", "/_cairn/stacks/main/reset"),
        ("POST", "/_localstack/state/reset"),
    ):
        answer = ask(server, method, path, Origin="https://evil.example")
        assert (answer.status, answer.code) == (403, "AccessDenied")
    assert ask(server, "GET", "/_cairn/info", Origin="http://localhost:3000").status == 200
