"""A server with two workers, and connections of which one knows which worker has them."""

from __future__ import annotations

import http.client
import json
import os
import signal
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Server, StackUnderTest
from tests.replaying import differences
from tests.server.serving import until

AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/{}/aws4_request, SignedHeaders=host, Signature={}"
)
TARGETS = {"sqs": "AmazonSQS", "dynamodb": "DynamoDB_20120810"}


class Refused(Exception):
    """An answer that is an error: (status, body)."""


def sockets(pid: int) -> set[str]:
    """Return the inodes of a process's sockets."""
    found = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        try:
            name = os.readlink(fd)
        except FileNotFoundError:
            continue
        if name.startswith("socket:["):
            found.add(name[8:-1])
    return found


def inodes(port: int, peer: int) -> set[str]:
    """Return the inodes of TCP sockets on a port of this machine whose peer has another port, 0 for who listens."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    rows = [line.split() for line in lines]
    return {row[9] for row in rows if row[1].endswith(f":{port:04X}") and row[2].endswith(f":{peer:04X}")}


class Processes:
    """The processes of a running server."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def _children(self) -> list[int]:
        assert self.server.process is not None
        pid = self.server.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def workers(self) -> list[int]:
        """Return the pids of those that listen."""
        listening = inodes(self.server.port, 0)
        return [pid for pid in self._children() if sockets(pid) & listening]

    def dispatcher(self) -> int:
        """Return the pid of the one that does not, 0 while there is none."""
        workers = self.workers()
        return next((pid for pid in self._children() if pid not in workers), 0)

    def kill_dispatcher(self) -> None:
        """SIGKILL the dispatcher once there is one."""
        os.kill(until(self.dispatcher), signal.SIGKILL)


class Worker:
    """A connection that one worker process has taken, and calls through it."""

    def __init__(self, pid: int, connection: http.client.HTTPConnection, stack: str) -> None:
        self.pid = pid
        self._connection = connection
        self._stack = stack

    def ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> bytes:
        """Send a request; return the answer's body. Raises Refused."""
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        data = answer.read()
        if answer.status >= 300:
            raise Refused(answer.status, data)
        return data

    def call(self, service: str, operation: str, **params: Any) -> Any:
        """Make a call of the json protocol; return its answer."""
        headers = {
            "X-Amz-Target": f"{TARGETS[service]}.{operation}", "Content-Type": "application/x-amz-json-1.0",
            "Authorization": AUTHORIZATION.format(service, "0" * 64), "x-cairn-stack": self._stack,
        }  # fmt: skip
        data = self.ask("POST", "/", json.dumps(params).encode(), headers)
        return json.loads(data) if data else {}

    def s3(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Make a request of S3; return its answer's body."""
        headers = {"Authorization": AUTHORIZATION.format("s3", "0" * 64), "x-cairn-stack": self._stack}
        return self.ask(method, path, body, headers)

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        """Call an admin endpoint."""
        data = None if body is None else json.dumps(body).encode()
        answer = self.ask(method, path, data, {"Content-Type": "application/json"})
        return json.loads(answer) if answer else None

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def connect(server: Server, stack: str, pids: list[int]) -> Worker:
    """Return a connection to the server, and the one of these workers that took it."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.connect()
    connection.request("GET", "/_cairn/health")
    connection.getresponse().read()
    (mine,) = inodes(server.port, connection.sock.getsockname()[1])
    return Worker(next(pid for pid in pids if mine in sockets(pid)), connection, stack)


def one_of_each(server: Server, stack: str) -> list[Worker]:
    """Return a connection to each of the server's workers."""
    pids = Processes(server).workers()
    found: dict[int, Worker] = {}
    spare = []
    for _ in range(500):  # who takes a connection is the kernel's choice
        worker = connect(server, stack, pids)
        if found.setdefault(worker.pid, worker) is not worker:
            spare.append(worker)  # kept: a busy worker is less eager
        if len(found) == len(pids):
            break
    for worker in spare:
        worker.close()
    assert len(found) == len(pids), "one worker took every connection"
    return list(found.values())


@pytest.fixture(scope="session")
def pair() -> Iterator[Server]:
    """A server with two workers, whose answers mean that the disk has what they say."""
    with tempfile.TemporaryDirectory(prefix="cairn-workers-") as folder:
        server = Server(Path(folder) / "data", CAIRN_WORKERS="2", CAIRN_DURABILITY="strict").start()
        assert len(Processes(server).workers()) == 2
        yield server
        said = server.log.read_text()
        server.stop()
        assert "Traceback" not in said


@pytest.fixture
def stack(pair: Server) -> Iterator[StackUnderTest]:
    """A fresh stack of that server, whose journal is replayed afterwards."""
    name = f"w{uuid.uuid4().hex[:12]}"
    pair.send("POST", "/_cairn/stacks", {"name": name})
    yield StackUnderTest(pair, name)
    assert differences(pair.data, name) == []
    pair.send("DELETE", f"/_cairn/stacks/{name}")


@pytest.fixture
def two(pair: Server, stack: StackUnderTest) -> Iterator[list[Worker]]:
    """A connection to each worker."""
    workers = one_of_each(pair, stack.name)
    yield workers
    for worker in workers:
        worker.close()
