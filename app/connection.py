"""One client's connection: its requests in order, each read, given to the app, and answered."""

from __future__ import annotations

import json
import logging
import os
import socket
import uuid
from collections.abc import Callable, Iterable
from typing import Any

import gevent

from .http import FileBody, Request, Response, Truncated
from .pulse import NEVER, Limits
from .request_body import Body, ChunkedBody, NoBody, SizedBody
from .request_head import BadHead, RequestHead, bad_request, path_info, too_long
from .response_head import BODILESS, ResponseHead, status_text
from .transport import RECEIVE, PeerGone, Transport

log = logging.getLogger("cairn.server")

Environ = dict[str, Any]
App = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

TOGETHER = 128 * 1024  # a body up to this size is copied behind its head, to leave in one send
MSG_MORE = getattr(socket, "MSG_MORE", 0)  # Linux: the file that follows goes into the head's segment
REQUEST_FIRST = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ\r\n")


class Connection:
    """Serves one client until it, or we, have had enough."""

    def __init__(self, transport: Transport, app: App, base: Environ, limits: Limits) -> None:
        """`base` holds the environ's keys that are the same for every request of this connection."""
        self.transport = transport
        self.buffer = b""  # read, and not yet used: pipelined requests, or a body's beginning
        self.idle = False  # waiting for a request of which nothing has come
        self.stopping = False  # no request after this one
        self._app = app
        self._base = base
        self._limits = limits
        self._pulse = transport.pulse
        self._head = RequestHead(limits)
        self._remote: str = base["REMOTE_ADDR"]
        self._status = ""
        self._headers: list[tuple[str, str]] | None = None
        self._written: list[bytes] = []
        self._begun = False  # bytes of the current answer have been sent
        base["cairn.connected"] = transport.connected

    # --- the life of a connection

    def serve(self) -> None:
        """Answer requests until the connection is to be closed; the caller closes it."""
        try:
            while True:
                head = self._next_head()
                if not head or not self._answer(head):
                    return
        except BadHead as refusal:
            self._refuse(refusal)
        except PeerGone:
            pass

    def stop(self) -> None:
        """Take no further request: close at once where none is under way."""
        self.stopping = True
        if self.idle:
            self.transport.stop_reading()

    def _next_head(self) -> bytes:
        """Return the next request's head with its blank line; b"" where none comes. Raises BadHead."""
        transport = self.transport
        data = self.buffer
        if data:
            gevent.sleep(0)  # pipelined: others first
        else:
            self.idle = True
            transport.deadline = self._pulse.now + self._limits.keepalive
            data = transport.next_bytes()
            transport.deadline = NEVER
            self.idle = False
            if not data:
                return b""
        end = data.find(b"\r\n\r\n") + 4
        if end == 3 or end > self._limits.head_size or data[0] < 65:
            return self._gather_head(data)
        if end == len(data):
            self.buffer = b""
            return data
        self.buffer = data[end:]
        return data[:end]

    def _gather_head(self, first: bytes) -> bytes:
        """The slow way: a head in several pieces, with empty lines before it, or one that is too long."""
        transport = self.transport
        limit = self._limits.head_size
        data = bytearray(first)
        seen = 0
        transport.deadline = self._pulse.now + self._limits.head_timeout
        try:
            while True:
                while data.startswith(b"\r\n"):
                    del data[:2]
                    seen = 0
                if data and data[0] not in REQUEST_FIRST:
                    raise bad_request("That is not HTTP.")
                end = data.find(b"\r\n\r\n", max(0, seen - 3)) + 4
                if (len(data) if end == 3 else end) > limit:
                    raise too_long(data[:limit])
                if end > 3:
                    self.buffer = bytes(data[end:])
                    return bytes(data[:end])
                bare = data.find(b"\n", seen)  # would never come to a blank line: say so now, not at the deadline
                while bare >= 0:
                    if data[bare - 1 : bare] != b"\r":
                        raise bad_request("A line ends in a bare LF.")
                    bare = data.find(b"\n", bare + 1)
                seen = len(data)
                more = transport.receive(RECEIVE)
                if not more:
                    if transport.expired:
                        raise BadHead("408 Request Timeout", "RequestTimeout", "The request did not come in time.")
                    return b""
                data += more
        finally:
            transport.deadline = NEVER

    # --- one request

    def _answer(self, raw_head: bytes) -> bool:
        """Read one request, call the app, send its answer; tell whether the connection can be used again."""
        head = self._head
        environ = self._base.copy()
        head.parse(raw_head, environ)
        headers = head.headers
        body = self._body(headers)
        request = Request(head.method, head.target, headers, body, self.transport.scheme, self._remote)
        environ["PATH_INFO"] = path_info(request.path)
        environ["QUERY_STRING"] = request.query
        environ["wsgi.input"] = body
        environ["cairn.request"] = request
        self._begun = False
        self._headers = None
        if self._written:
            self._written = []
        result: Any = None
        try:
            result = self._app(environ, self.start_response)
            response = environ.get("cairn.response")
            if response is not None:
                keep = self._send_response(response, body)
            else:
                keep = self._send_wsgi(result, body)
        except Truncated as error:
            log.debug("%s %s: %s", head.method, request.path, error)
            return False
        except (PeerGone, gevent.GreenletExit):
            raise
        except BaseException as error:  # whatever an app raises, SystemExit too, ends one request and no more
            keep = self._fail(head, request, body, error)
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                self._close_result(close)
        if keep and (body.finished() or body.drain(self._limits.drain_size)):
            return True
        if self.buffer or not body.finished() or self.transport.receive_ready(1):
            self.transport.linger()
        return False

    def _body(self, headers: dict[str, str]) -> Body:
        coding = headers.get("transfer-encoding")
        length = headers.get("content-length")
        if coding is None and length is None:
            return NO_BODY if "expect" not in headers else self._expecting(NoBody(), headers)
        body: Body
        if coding is None:
            assert length is not None
            body = SizedBody(self, int(length), expects=False)
        elif coding.lower() == "chunked":
            body = ChunkedBody(self, expects=False)
        else:
            raise BadHead("501 Not Implemented", "NotImplemented", "The only transfer coding here is chunked.")
        return body if "expect" not in headers else self._expecting(body, headers)

    def _expecting(self, body: Body, headers: dict[str, str]) -> Body:
        if headers["expect"].lower() != "100-continue":
            return body  # AWS passes over what else is expected, as RFC 9110 (10.1.1) allows
        # A client that has sent a part of its body already does not wait, and HTTP/1.0 knows no 100.
        body.expects = self._head.http11 and body.length != 0 and not self.buffer
        return body

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        """WSGI's start_response, for the request under way."""
        if exc_info is not None:
            try:
                if self._begun:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self._headers is not None:
            raise RuntimeError("start_response was called twice")
        self._status = status
        self._headers = headers
        return self._written.append

    def _close_result(self, close: Callable[[], None]) -> None:
        try:
            close()
        except Exception:
            log.exception("closing a response failed")

    # --- one answer

    def _send_wsgi(self, result: Iterable[bytes], body: Body) -> bool:
        """Send what a WSGI app returned."""
        if isinstance(result, (list, tuple)):
            data = result[0] if len(result) == 1 else b"".join(result)
            if self._written:
                data = b"".join([*self._written, data])
            if self._headers is None:
                raise RuntimeError("the app did not call start_response")
            head = ResponseHead(self._pulse, self._status, self._headers)
            return self._send_bytes(head, data, body)
        pieces = iter(result)
        first = next(pieces, b"")  # a generator calls start_response only now
        if self._headers is None:
            raise RuntimeError("the app did not call start_response")
        head = ResponseHead(self._pulse, self._status, self._headers)
        return self._send_pieces(head, pieces, [*self._written, first], body)

    def _send_response(self, response: Response, body: Body) -> bool:
        """Send an answer that the app gave in our own form."""
        head = ResponseHead(self._pulse, status_text(response.status), response.headers)
        data = response.body
        if isinstance(data, bytes):
            return self._send_bytes(head, data, body)
        if isinstance(data, FileBody):
            return self._send_files(head, data, body)
        if isinstance(data, (bytearray, memoryview)):
            return self._send_bytes(head, bytes(data), body)
        try:
            return self._send_pieces(head, data, (), body)
        finally:
            close = getattr(data, "close", None)
            if close is not None:
                self._close_result(close)

    def _keep(self, head: ResponseHead, body: Body) -> bool:
        return (
            not self.stopping and not head.close and self._head.keep_alive() and body.reusable(self._limits.drain_size)
        )

    def _connection(self, keep: bool) -> str:
        if keep:
            return "" if self._head.http11 else "Connection: keep-alive\r\n"
        return "Connection: close\r\n"

    def _without_body(self, head: ResponseHead, length: int | None, body: Body) -> bool | None:
        """Send the head alone where the answer has no body; None where it has one."""
        if head.status[:3] in BODILESS:
            length = head.length if head.status[:3] == "304" else None
        elif self._head.method != "HEAD":
            return None
        elif head.length is not None:
            length = head.length  # of the thing that GET would send, which the app knows better
        keep = self._keep(head, body)
        framing = "" if length is None else f"Content-Length: {length}\r\n"
        start = head.encode(framing + self._connection(keep))
        self._begun = True
        self.transport.send(start)
        return keep

    def _send_bytes(self, head: ResponseHead, data: bytes, body: Body) -> bool:
        size = len(data)
        if head.status[:3] in BODILESS or self._head.method == "HEAD":
            sent = self._without_body(head, size or None, body)
            assert sent is not None
            return sent
        keep = self._keep(head, body)
        start = head.encode(f"Content-Length: {size}\r\n{self._connection(keep)}")
        self._begun = True
        if size <= TOGETHER:
            self.transport.send(start + data)
        else:
            self.transport.send(start, MSG_MORE)
            self.transport.send(data)
        return keep

    def _send_files(self, head: ResponseHead, files: FileBody, body: Body) -> bool:
        sent = self._without_body(head, files.length, body)
        if sent is not None:
            return sent
        parts = iter(files.parts)
        first = next(parts, None)
        if first is None:
            return self._send_bytes(head, b"", body)
        # The first file is opened before anything is sent: one that is gone makes a 500, not half an answer.
        file = os.open(first[0], os.O_RDONLY | os.O_CLOEXEC)
        try:
            keep = self._keep(head, body)
            start = head.encode(f"Content-Length: {files.length}\r\n{self._connection(keep)}")
            self._begun = True
            self.transport.send(start, MSG_MORE if files.length else 0)
            self.transport.send_file(file, first[1], first[2])
        finally:
            os.close(file)
        for path, offset, length in parts:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                self.transport.send_file(file, offset, length)
            finally:
                os.close(file)
        return keep

    def _send_pieces(self, head: ResponseHead, pieces: Iterable[bytes], before: Iterable[bytes], body: Body) -> bool:
        """Send a body as it is made: of the length that the app gave, or chunked, or up to the close."""
        sent = self._without_body(head, None, body)
        if sent is not None:
            return sent
        length = head.length
        if length is not None:
            keep = self._keep(head, body)
            framing = f"Content-Length: {length}\r\n"
        elif self._head.http11:
            keep = self._keep(head, body)
            framing = "Transfer-Encoding: chunked\r\n"
        else:
            keep = False
            framing = ""
        send = self.transport.send
        waiting = head.encode(framing + self._connection(keep))
        self._begun = True
        chunked = length is None and self._head.http11
        left = NEVER if length is None else length
        for group in (before, pieces):
            if group is pieces and waiting:
                send(waiting)  # the head does not wait for the first piece, which may be long in coming
                waiting = b""
            for data in group:
                if not data:
                    continue
                if len(data) > left:
                    raise ValueError("the app sent more than the Content-Length it gave")
                left -= len(data)
                if chunked:
                    data = b"%x\r\n%b\r\n" % (len(data), data)
                send(waiting + data)
                waiting = b""
        if chunked:
            send(b"0\r\n\r\n")
        elif length is not None and left:
            raise ValueError("the app sent less than the Content-Length it gave")
        return keep

    # --- when it goes wrong

    def _fail(self, head: RequestHead, request: Request, body: Body, error: BaseException) -> bool:
        """Answer 500 for an exception out of the app, where nothing has been sent yet."""
        request_id = str(uuid.uuid4())
        log.error("%s %s failed (request id %s)", head.method, request.path, request_id, exc_info=error)
        if self._begun:
            return False
        text = json.dumps({"__type": "InternalFailure", "message": f"Internal failure; request id {request_id}."})
        headers = [("Content-Type", "application/json"), ("x-amzn-requestid", request_id)]
        answer = ResponseHead(self._pulse, "500 Internal Server Error", headers)
        return self._send_bytes(answer, text.encode(), body)

    def _refuse(self, refusal: BadHead) -> None:
        """Answer a request that never reached the app, and be done with the client."""
        text = json.dumps({"__type": refusal.code, "message": refusal.message}).encode()
        headers = [("Content-Type", "application/json")]
        head = ResponseHead(self._pulse, refusal.status, headers)
        start = head.encode(f"Content-Length: {len(text)}\r\nConnection: close\r\n")
        try:
            self.transport.send(start + text)
        except PeerGone:
            return
        self.transport.linger()


NO_BODY = NoBody()
