"""Fixtures: one server a test process, a fresh stack a test, boto3 clients on it, and a replay after each test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.replaying import differences

ROOT = Path(__file__).parent.parent


class Server:
    """A Cairn server in processes of its own."""

    def __init__(self, data: Path, **environ: str) -> None:
        self.data = data
        self.log = data.parent / f"{data.name}.log"
        self._environ = {**os.environ, "PYTHONUNBUFFERED": "1", **environ}
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def start(self) -> Server:
        """Start and wait until calls are answered."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tools.main", "start", "--port", str(self.port), "--data", str(self.data)],
                cwd=ROOT, env=self._environ, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        told = self.data / "run" / "server.json"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}:\n{self.log.read_text()}")
            try:
                state = json.loads(told.read_text())
                if state["pid"] == self.process.pid:
                    self.port = int(state["addresses"][0].rpartition(":")[2])
                    self.get("/_cairn/health")
                    return self
            except (OSError, ValueError, KeyError):
                pass
            time.sleep(0.02)
        raise RuntimeError(f"the server did not start in time:\n{self.log.read_text()}")

    @property
    def url(self) -> str:
        """The server's endpoint."""
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str) -> Any:
        """GET an admin endpoint; return its JSON."""
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return json.load(answer)

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """Call an admin endpoint with JSON; return its JSON, or None."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"content-type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            raw = answer.read()
        return json.loads(raw) if raw else None

    def stop(self) -> None:
        """Stop gracefully."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
        self.process = None

    def kill(self) -> None:
        """SIGKILL the whole process group."""
        assert self.process is not None
        os.killpg(self.process.pid, 9)
        self.process.wait()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A running server with a data directory of its own, shared by the tests of this process."""
    with tempfile.TemporaryDirectory(prefix="cairn-test-") as folder:
        running = Server(Path(folder) / "data", CAIRN_DURABILITY="relaxed").start()
        yield running
        running.stop()


class StackUnderTest:
    """A fresh stack of the server."""

    def __init__(self, server: Server, name: str) -> None:
        self.server = server
        self.name = name
        self.url = f"{server.url}/_stack/{name}"

    def client(self, service: str, region: str = "us-east-1", account: str = "000000000000", **options: Any) -> Any:
        """Return a boto3 client on this stack. `options` are botocore Config options, or key/secret/token."""
        return self.session(
            region, account, **{k: options.pop(k) for k in ("key", "secret", "token") if k in options}
        ).client(service, endpoint_url=self.url, config=self.config(**options))

    def resource(self, service: str, region: str = "us-east-1", account: str = "000000000000", **options: Any) -> Any:
        """Return a boto3 resource on this stack."""
        return self.session(region, account).resource(service, endpoint_url=self.url, config=self.config(**options))

    @staticmethod
    def session(
        region: str, account: str, key: str | None = None, secret: str = "test", token: str | None = None
    ) -> Any:
        """Return a boto3 session for an account."""
        return boto3.session.Session(key or account, secret, token, region)

    @staticmethod
    def config(**options: Any) -> Config:
        """Return a configuration without retries, so that a failure is seen as it is."""
        s3 = {"addressing_style": "path", **options.pop("s3", {})}
        return Config(
            retries={"total_max_attempts": 1}, s3=s3, parameter_validation=options.pop("validate", False), **options
        )


@pytest.fixture
def stack(server: Server) -> Iterator[StackUnderTest]:
    """A fresh stack; after the test its journal is replayed, and the tables must come out the same."""
    name = f"t{uuid.uuid4().hex[:12]}"
    server.send("POST", "/_cairn/stacks", {"name": name})
    yield StackUnderTest(server, name)
    assert differences(server.data, name) == []
    server.send("DELETE", f"/_cairn/stacks/{name}")


@pytest.fixture
def client(stack: StackUnderTest) -> Callable[..., Any]:
    """`client("sqs", region=…, account=…)`: a boto3 client on a fresh stack."""
    return stack.client
