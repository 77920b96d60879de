"""The access log: one line a call, for people or for programs."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any

import pytest

from app.config import load
from app.errors import AwsError
from app.http import Request
from app.observing import Observed
from app.routing import Route

ROUTE = Route("s3", "GetObject", "rest-xml", {}, "blue", None, "eu-west-1", "111122223333", "AKIAEXAMPLE")
REQUEST = Request("GET", "/bucket/key?X-Amz-Signature=secret", {"authorization": "secret"}, remote="10.0.0.9")


def lines(tmp_path: Path, **environ: str) -> list[str]:
    """Note a call that went well and one that failed; return what was written."""
    out = io.StringIO()
    (tmp_path / "run").mkdir(exist_ok=True)
    observed = Observed(load(environ, data=str(tmp_path)), out)
    began = time.perf_counter()
    observed.call(ROUTE, 200, began, REQUEST, "id-1")
    observed.failure("s3", None, 404, began, REQUEST, "id-2", AwsError("NoSuchKey", "gone", status=404), ROUTE)
    observed.finish()
    return out.getvalue().splitlines()


def test_each_call_is_one_structured_line(tmp_path: Path) -> None:
    first, second = (json.loads(line) for line in lines(tmp_path, CAIRN_LOG_FORMAT="json"))
    wanted: dict[str, Any] = {
        "service": "s3", "operation": "GetObject", "status": 200, "stack": "blue", "account": "111122223333",
        "region": "eu-west-1", "request_id": "id-1", "method": "GET", "path": "/bucket/key", "remote": "10.0.0.9",
    }  # fmt: skip
    assert wanted.items() <= first.items()
    assert first["duration_ms"] >= 0
    assert "error" not in first
    assert (second["error"], second["operation"], second["request_id"]) == ("NoSuchKey", "-", "id-2")


def test_people_get_text_without_colour_where_it_is_no_terminal(tmp_path: Path) -> None:
    first, second = lines(tmp_path)
    assert "200 s3.GetObject" in first
    assert "blue:111122223333/eu-west-1 id-1" in first
    assert "404 s3.- NoSuchKey" in second
    assert "\x1b" not in first


@pytest.mark.parametrize("form", ["text", "json"])
def test_signatures_and_keys_are_never_logged(tmp_path: Path, form: str) -> None:
    text = "\n".join(lines(tmp_path, CAIRN_LOG_FORMAT=form))
    assert "secret" not in text
    assert "AKIAEXAMPLE" not in text


def test_a_quiet_log_counts_all_the_same(tmp_path: Path) -> None:
    assert lines(tmp_path, CAIRN_LOG_LEVEL="error") == []
    saved = json.loads(next((tmp_path / "run").glob("metrics-*.json")).read_text())
    assert sorted(row[:3] for row in saved["calls"]) == [["s3", "-", 404], ["s3", "GetObject", 200]]
