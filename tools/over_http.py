"""The backend that asks a running server."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, urlencode, urlsplit

from tools.backend import Line, Tell
from tools.options import fail

PIECE = 256 * 1024
NDJSON = "application/x-ndjson"
QUICK = 2.0  # seconds in which a server that is there answers
_HOST = re.compile(r"[\w.:%-]+\Z")  # a name or an address; not a path, a space or a control character
SILENCE = 600.0  # seconds without a byte after which work is taken for dead


class Http:
    """A server at an endpoint."""

    def __init__(self, endpoint: str) -> None:
        """`endpoint`: http://host:port, perhaps with a path before /_cairn."""
        try:
            parts = urlsplit(endpoint if "//" in endpoint else f"http://{endpoint}")
            host, port = parts.hostname, parts.port
        except ValueError:  # a port that is none, say, or half an IPv6 address
            host = port = None
        if not host or parts.scheme not in ("http", "https") or not _HOST.match(host):
            fail(f"{endpoint!r} is no endpoint.", "Write it as http://localhost:4566.")
        self.where = f"{parts.scheme}://{parts.netloc}"
        self._secure = parts.scheme == "https"
        self._host, self._port = host, port or (443 if self._secure else 80)

    # --- one request

    def _connect(self, timeout: float) -> http.client.HTTPConnection:
        if self._secure:
            import ssl

            context = ssl.create_default_context()
            if self._host in ("localhost", "127.0.0.1", "::1"):  # its certificate is its own
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            return http.client.HTTPSConnection(self._host, self._port, timeout=timeout, context=context)
        return http.client.HTTPConnection(self._host, self._port, timeout=timeout)

    def _send(
        self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Any = None,
        headers: Mapping[str, str] | None = None, timeout: float | None = SILENCE,
    ) -> http.client.HTTPResponse:  # fmt: skip
        """Send a request; return the answer, its body unread. Ends the command where there is none, or a refusal."""
        wanted = {name: value for name, value in (query or {}).items() if value not in (None, "", ())}
        target = f"/_cairn/{path}" + (f"?{urlencode(wanted)}" if wanted else "")
        connection = self._connect(timeout if timeout is not None else QUICK)
        try:
            connection.request(method, target, body, dict(headers or {}))
            if timeout is None and connection.sock is not None:
                connection.sock.settimeout(None)
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            fail(
                f"No Cairn answers at {self.where} ({_reason(error)}).",
                "Start one with `cairn start`, or say where it is with --endpoint URL or --data DIR.",
            )
        if answer.status >= 400:
            _refused(answer, self.where)
        return answer

    def _json(self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        raw = self._send(method, path, query, data, {"content-type": "application/json"} if data else None).read()
        try:
            return json.loads(raw) if raw else None
        except ValueError:
            fail(f"What answers at {self.where} is not Cairn.", "Say where Cairn is with --endpoint URL or --data DIR.")

    def answers(self) -> bool:
        """Tell whether a Cairn answers there."""
        connection = self._connect(QUICK)
        try:
            connection.request("GET", "/_cairn/health")
            answer = connection.getresponse()
            return answer.status == 200 and "status" in json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError, TypeError):
            return False
        finally:
            connection.close()

    def _lines(self, answer: http.client.HTTPResponse) -> Iterator[Line]:
        try:
            for raw in answer:
                if raw.strip():
                    yield json.loads(raw)
        except (OSError, http.client.HTTPException) as error:
            fail(f"{self.where} broke off its answer ({_reason(error)}).", "`cairn logs` may tell why.")

    # --- what can be asked

    def info(self) -> Line:
        told: Line = self._json("GET", "info")
        return told

    def stacks(self) -> list[Line]:
        told: list[Line] = self._json("GET", "stacks")["stacks"]
        return told

    def log(self, stack: str, wishes: Mapping[str, Any], follow: bool) -> Iterator[Line]:
        query = {name: ",".join(value) if isinstance(value, tuple) else value for name, value in wishes.items()}
        query |= {"stack": stack, "follow": "1" if follow else None}
        return self._lines(self._send("GET", "log", query, timeout=None if follow else SILENCE))

    def show(self, stack: str, seq: int) -> Line:
        told: Line = self._json("GET", f"show/{seq}", {"stack": stack})
        return told

    def verify(self, stack: str, blobs: bool, tell: Tell) -> None:
        for line in self._lines(self._send("GET", "verify", {"stack": stack, "blobs": "1" if blobs else "0"})):
            tell(line)

    def replay(self, stack: str, tell: Tell) -> None:
        for line in self._lines(self._send("GET", "replay", {"stack": stack})):
            tell(line)

    def export(self, stack: str, file: BinaryIO, at: int | None, tell: Tell) -> None:
        answer = self._send("GET", "snapshot", {"stack": stack, "at": at})
        done = 0
        try:
            while piece := answer.read(PIECE):
                file.write(piece)
                done += len(piece)
                tell({"progress": {"done": done, "total": None, "unit": "bytes"}})
        except http.client.HTTPException as error:
            fail(f"{self.where} broke off the snapshot ({_reason(error)}).", "`cairn logs` may tell why.")
        tell({"done": {"stack": stack, "events": int(answer.headers["x-cairn-seq"])}})

    def import_(self, path: Path, stack: str, replace: bool, tell: Tell) -> None:
        size = path.stat().st_size
        with path.open("rb") as file:
            body = _Told(file, size, tell)
            headers = {"content-length": str(size), "accept": NDJSON, "content-type": "application/octet-stream"}
            answer = self._send("POST", "snapshot", {"into": stack, "replace": "1" if replace else None}, body, headers)
        for line in self._lines(answer):
            tell(line)

    def fork(self, name: str, source: str, at: int | None) -> Line:
        told: Line = self._json("POST", "stacks", body={"name": name, "from": source, "at": at})
        return told

    def delete(self, stack: str) -> None:
        self._json("DELETE", f"stacks/{quote(stack, safe='')}")

    def reset(self, stack: str, services: list[str]) -> list[str]:
        told = self._json("POST", f"stacks/{quote(stack, safe='')}/reset", {"service": ",".join(services)})
        names: list[str] = told["reset"]
        return names


class _Told:
    """A file that is being sent, which tells how far it is."""

    def __init__(self, file: BinaryIO, size: int, tell: Tell) -> None:
        self._file = file
        self._size = size
        self._tell = tell
        self._done = 0

    def read(self, size: int = PIECE) -> bytes:
        """Return the next piece."""
        piece = self._file.read(max(size, PIECE))
        self._done += len(piece)
        if piece:
            self._tell({"progress": {"done": self._done, "total": self._size, "unit": "bytes sent"}})
        return piece


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _refused(answer: http.client.HTTPResponse, where: str) -> None:
    raw = answer.read()
    try:
        error = json.loads(raw)["error"]
        message = str(error["message"])
    except (ValueError, KeyError, TypeError):
        fail(
            f"What answers at {where} is not Cairn, or another version of it (HTTP {answer.status}).",
            "Say where Cairn is with --endpoint URL or --data DIR.",
        )
    fail(sentence(message), advice_for(str(error["code"])))


def sentence(text: str) -> str:
    """Return a message as people read it."""
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


def advice_for(code: str) -> str:
    """Return what to do next where a stack's name or a point in its history was wrong."""
    return {
        "NoSuchStack": "`cairn stacks` lists those there are.",
        "StackExists": "Choose another name, or delete it first with `cairn rm NAME`.",
        "NoSuchPoint": "`cairn log` shows the seqs at which commands end.",
        "NoSuchEvent": "`cairn log` shows those there are.",
        "StorageFull": "Free some space on its disk and try again.",
    }.get(code, "")
