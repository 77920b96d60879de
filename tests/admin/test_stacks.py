"""Stacks over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.admin.asking import ask
from tests.conftest import Server


def test_a_fork_has_the_past_and_goes_its_own_way(server: Server, stack: Any, client: Callable[..., Any]) -> None:
    sqs = client("sqs")
    sqs.create_queue(QueueName="before")
    sqs.create_queue(QueueName="after")
    name = f"{stack.name}-fork"
    made = ask(server, "POST", "/_cairn/stacks", json.dumps({"name": name, "from": stack.name, "at": 1}).encode())
    assert (made.status, made.json["head"]) == (201, 1)
    assert made.json["lineage"]["parent"] == stack.name
    assert ask(server, "GET", f"/_cairn/stacks/{name}").json == made.json
    assert ask(server, "DELETE", f"/_cairn/stacks/{name}").status == 204
    assert ask(server, "GET", f"/_cairn/stacks/{name}").code == "NoSuchStack"
    assert len(sqs.list_queues()["QueueUrls"]) == 2


@pytest.mark.parametrize(
    ("wish", "status", "code"),
    [
        ({"name": "a/b"}, 400, "BadName"),
        ({"name": 7}, 400, "BadRequest"),
        ({}, 400, "BadRequest"),
        ([], 400, "BadRequest"),
        ({"name": "never", "from": "nowhere"}, 404, "NoSuchStack"),
        ({"name": "never", "from": "main", "at": 10**9}, 400, "NoSuchPoint"),
        ({"name": "never", "from": "main", "at": "first"}, 400, "BadRequest"),
    ],
)
def test_what_cannot_be_made_is_refused_with_the_reason(server: Server, wish: Any, status: int, code: str) -> None:
    answer = ask(server, "POST", "/_cairn/stacks", json.dumps(wish).encode())
    assert (answer.status, answer.code) == (status, code)
    assert answer.json["error"]["message"]


def test_a_body_that_is_not_json_is_refused(server: Server) -> None:
    assert ask(server, "POST", "/_cairn/stacks", b"{").code == "BadRequest"


def test_a_name_is_given_once(server: Server, stack: Any) -> None:
    answer = ask(server, "POST", "/_cairn/stacks", json.dumps({"name": stack.name}).encode())
    assert (answer.status, answer.code) == (409, "StackExists")


def test_the_main_stack_is_not_deleted(server: Server) -> None:
    answer = ask(server, "DELETE", "/_cairn/stacks/main")
    assert (answer.status, answer.code) == (400, "MainStack")
