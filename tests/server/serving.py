"""A server as a process of its own, and a client that sends exactly the bytes it is told to."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RUN = Path(__file__).with_name("run_server.py")
PATIENCE = 20


def until(what, patience=PATIENCE):
    """Wait until `what()` is true, and return it."""
    end = time.monotonic() + patience
    while not (value := what()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
    return value


def gone(pid: int) -> bool:
    """Tell whether a process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


class Server:
    """One server process with its workers, on a port of its own."""

    def __init__(self, data: Path, app: str = "apps:routes", wait: bool = True, **options: Any) -> None:
        self.data = data
        self.log_path = data.with_name(data.name + ".log")
        options = {"bind": ["127.0.0.1:0"], "dispatcher": None, **options, "app": app, "data": str(data)}
        environment = {**os.environ, "MARK": str(data.parent), "FILES": str(data.parent)}
        self._start = self.log_path.stat().st_size if self.log_path.exists() else 0
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(RUN), json.dumps(options)], stderr=log, stdout=log, env=environment, cwd="/"
            )
        if wait:
            until(lambda: "Ready." in self.log.splitlines() or self.process.poll() is not None)
            assert self.process.poll() is None, self.log

    @property
    def log(self) -> str:
        """What this server has said, without what an earlier one on the same directory did."""
        return self.log_path.read_bytes()[self._start :].decode()

    @property
    def note(self) -> dict[str, Any]:
        return json.loads((self.data / "run" / "server.json").read_text())

    @property
    def port(self) -> int:
        return int(self.note["addresses"][0].rsplit(":", 1)[1])

    def workers(self) -> list[int]:
        """Return the pids of the children."""
        pid = self.process.pid
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def client(self, tls: bool = False, timeout: float = PATIENCE) -> Client:
        return Client(self.port, tls, timeout)

    def get(self, target: str = "/echo") -> Answer:
        with self.client() as client:
            return client.ask(target)

    def stop(self, sig: int = signal.SIGTERM) -> int:
        """Stop it, and return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(sig)
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


@dataclass
class Answer:
    """One response as it came."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def __getitem__(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """A connection that sends raw bytes and reads strict responses."""

    def __init__(self, port: int, tls: bool = False, timeout: float = PATIENCE) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.buffer = b""

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, *pieces: bytes, pause: float = 0.002) -> None:
        """Send pieces, each in a packet of its own."""
        for number, piece in enumerate(pieces):
            if number:
                time.sleep(pause)
            self.socket.sendall(piece)

    def ask(self, target: str = "/echo", method: str = "GET", headers: str = "", body: bytes = b"") -> Answer:
        """Send one proper request and return its answer."""
        length = f"Content-Length: {len(body)}\r\n" if body or method == "POST" else ""
        self.send(f"{method} {target} HTTP/1.1\r\nHost: h\r\n{length}{headers}\r\n".encode("latin-1") + body)
        return self.answer(method)

    def _fill(self) -> bool:
        data = self.socket.recv(65536)
        self.buffer += data
        return bool(data)

    def _until(self, end: bytes) -> bytes:
        while end not in self.buffer:
            assert self._fill(), f"closed after {self.buffer!r}"
        found, _, self.buffer = self.buffer.partition(end)
        return found

    def _exactly(self, length: int) -> bytes:
        pieces, missing = [], length
        while missing:
            if not self.buffer:
                assert self._fill(), f"closed {missing} bytes early"
            pieces.append(self.buffer[:missing])
            self.buffer = self.buffer[missing:]
            missing -= len(pieces[-1])
        return b"".join(pieces)

    def head(self) -> Answer:
        """Read a status line and headers."""
        first, *lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        version, status, _ = first.split(" ", 2)
        assert version == "HTTP/1.1"
        return Answer(int(status), [tuple(line.split(": ", 1)) for line in lines], b"")

    def answer(self, method: str = "GET") -> Answer:
        """Read one response, whose framing must be right."""
        answer = self.head()
        if method == "HEAD" or answer.status in (100, 204, 304):
            return answer
        if answer["Transfer-Encoding"] == "chunked":
            assert answer["Content-Length"] is None
            while size := int(self._until(b"\r\n"), 16):
                answer.body += self._exactly(size)
                assert self._exactly(2) == b"\r\n"
            assert self._exactly(2) == b"\r\n"
        elif (length := answer["Content-Length"]) is not None:
            answer.body = self._exactly(int(length))
        else:
            answer.body = self.rest()
        return answer

    def rest(self) -> bytes:
        """Read up to the end of the connection."""
        with contextlib.suppress(ConnectionResetError):
            while self._fill():
                pass
        rest, self.buffer = self.buffer, b""
        return rest

    def closed(self) -> bool:
        """Tell whether the server has closed, with nothing more to read."""
        return self.rest() == b""
