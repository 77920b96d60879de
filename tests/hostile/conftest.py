"""A stack with something in it, a way to send it whatever one likes, and a check that nothing came of it."""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.conftest import Server, StackUnderTest
from tests.replaying import differences
from tests.server.serving import Answer, Client, until

SIGNATURE = "0" * 64
Headers = dict[str, str]


def signed(service: str, key: str = "000000000000", region: str = "us-east-1") -> str:
    """Return an Authorization header for a service."""
    return (
        f"AWS4-HMAC-SHA256 Credential={key}/20260101/{region}/{service}/aws4_request, SignedHeaders=host;x-amz-date, "
        f"Signature={SIGNATURE}"
    )


def json_call(target: str) -> Headers:
    """Return the headers of a call of the json protocol."""
    return {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0"}


def code_of(answer: Answer) -> str:
    """Return an error's code, in whatever shape the answer has."""
    if answer["x-amzn-errortype"]:
        return str(answer["x-amzn-errortype"])
    if answer.body[:1] == b"{":
        return str(json.loads(answer.body)["__type"]).rpartition("#")[2]
    if answer["smithy-protocol"] == "rpc-v2-cbor":
        import cbor2

        return str(cbor2.loads(answer.body)["__type"]).rpartition("#")[2]
    root = ElementTree.fromstring(answer.body)
    return next(each.text or "" for each in root.iter() if each.tag.rpartition("}")[2] == "Code")


class Victim:
    """A stack with the queue `jobs`, the table `items`, and the bucket `things` with the object `kept`."""

    def __init__(self, server: Server, stack: str) -> None:
        self.server = server
        self.stack = stack

    def connect(self) -> Client:
        """Return a connection that sends just the bytes it is given."""
        return Client(self.server.port)

    def head_of(self, method: str, target: str, headers: Headers) -> bytes:
        """Return a request's head, with Host and the stack's name where they are not given."""
        lines = {"Host": f"localhost:{self.server.port}", "x-cairn-stack": self.stack} | headers
        text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"{method} {target} HTTP/1.1\r\n{text}\r\n".encode("latin-1")

    def ask(self, method: str, target: str, body: bytes = b"", headers: Headers | None = None) -> Answer:
        """Send one request whose framing is right; return its answer."""
        headers = dict(headers or {})
        if body or method in ("POST", "PUT"):
            headers.setdefault("Content-Length", str(len(body)))
        with self.connect() as client:
            client.send(self.head_of(method, target, headers) + body)
            return client.answer(method)

    def call(self, service: str, body: bytes, headers: Headers, target: str = "/") -> Answer:
        """POST to a service."""
        return self.ask("POST", target, body, {"Authorization": signed(service), **headers})

    def s3(self, method: str, target: str, body: bytes = b"", headers: Headers | None = None) -> Answer:
        """Make a request of S3."""
        return self.ask(method, target, body, {"Authorization": signed("s3"), **(headers or {})})

    def half(self, method: str, target: str, part: bytes, headers: Headers) -> None:
        """Send a request's head and a part of its body, then hang up."""
        with self.connect() as client:
            client.send(self.head_of(method, target, headers) + part)

    @property
    def seq(self) -> int:
        """The seq of the stack's last event."""
        return int(self.server.get(f"/_cairn/stacks/{self.stack}")["head"])

    @property
    def log(self) -> str:
        """What the server has said."""
        return self.server.log.read_text(errors="replace")

    def spooled(self) -> list[str]:
        """Return what lies in the blob store half-written."""
        folder = Path(self.server.data) / "blobs" / "tmp"
        return os.listdir(folder) if folder.is_dir() else []

    def stored(self) -> set[str]:
        """Return the names of all blobs."""
        return {path.name for path in (Path(self.server.data) / "blobs").glob("[0-9a-f][0-9a-f]/*")}


@contextlib.contextmanager
def nothing_happens(victim: Victim) -> Iterator[Victim]:
    """Check that the server still answers afterwards, that nothing changed, and that its log has no traceback."""
    seq, said = victim.seq, len(victim.log)
    yield victim
    assert victim.s3("GET", "/things/kept").body == b"kept"
    assert victim.seq == seq
    assert until(lambda: not victim.spooled())
    assert "Traceback" not in victim.log[said:]


def furnish(server: Server, name: str) -> Victim:
    """Make a stack with one of each in it."""
    server.send("POST", "/_cairn/stacks", {"name": name})
    stack = StackUnderTest(server, name)
    stack.client("sqs").create_queue(QueueName="jobs")
    stack.client("dynamodb").create_table(
        TableName="items", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )  # fmt: skip
    s3 = stack.client("s3")
    s3.create_bucket(Bucket="things")
    s3.put_object(Bucket="things", Key="kept", Body=b"kept")
    return Victim(server, name)


@pytest.fixture(scope="module")
def furnished(server: Server) -> Iterator[Victim]:
    """A stack with one of each in it, for all tests of a module, since none changes it."""
    name = f"h{uuid.uuid4().hex[:12]}"
    yield furnish(server, name)
    assert differences(server.data, name) == []
    server.send("DELETE", f"/_cairn/stacks/{name}")


@pytest.fixture
def victim(furnished: Victim) -> Iterator[Victim]:
    """A stack with one of each in it; afterwards the server answers, and nothing has changed."""
    with nothing_happens(furnished):
        yield furnished


@pytest.fixture
def wall(server: Server, stack: StackUnderTest) -> Iterator[Victim]:
    """A fresh stack with the bucket `things`, which may change; afterwards the server answers without a traceback."""
    stack.client("s3").create_bucket(Bucket="things")
    victim = Victim(server, stack.name)
    said = len(victim.log)
    yield victim
    assert victim.s3("GET", "/things").status == 200
    assert until(lambda: not victim.spooled())
    assert "Traceback" not in victim.log[said:]
