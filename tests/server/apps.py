"""WSGI apps that the tests serve; imported by name in the server's own process."""

import hashlib
import json
import os
import sys
import time
from pathlib import Path

import gevent
from gevent import monkey

import app.worker
from app.http import FileBody, Response, Truncated

stopping = []
app.worker.on_stopping.append(lambda: stopping.append(True))


def hello():
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"hello"]

    return app


def falcon_hello():
    import falcon

    def sink(req, resp):
        resp.text = "hello"

    app = falcon.App()
    app.add_sink(sink, "/")
    return app


def falcon_quick():
    """Answer in our own form, through Falcon."""
    import falcon

    headers = [("Content-Type", "text/plain"), ("x-amzn-requestid", "9d2ddb17-4b2b-4bd1-a8f1-0a8e8b6e3f5c")]

    def sink(req, resp):
        req.env["cairn.response"] = Response(200, headers, b"hello")

    app = falcon.App()
    app.add_sink(sink, "/")
    return app


def broken():
    raise RuntimeError("this app never loads")


def dies():
    os._exit(9)


def routes():
    """Return an app with a route for each thing that a test wants to see."""
    handlers = {name[4:]: value for name, value in globals().items() if name.startswith("_at_")}

    def app(environ, start_response):
        name = environ["PATH_INFO"].strip("/").split("/")[0]
        return handlers.get(name, _at_echo)(environ, start_response)

    return app


def _json(environ, value, status=200, headers=()):
    environ["cairn.response"] = Response(status, [("Content-Type", "application/json"), *headers], _dumps(value))


def _dumps(value):
    return json.dumps(value).encode()


def _parameters(request):
    return dict(pair.partition("=")[::2] for pair in request.query.split("&") if pair)


def _at_echo(environ, start_response):
    request = environ["cairn.request"]
    body = request.body.read()
    plain = {key: value for key, value in environ.items() if isinstance(value, str)}
    _json(
        environ,
        {
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "headers": request.headers,
            "scheme": request.scheme,
            "remote": request.remote,
            "length": request.body.length,
            "body": body.decode("latin-1"),
            "trailers": request.body.trailers,
            "environ": plain,
            "pid": os.getpid(),
        },
    )


def _at_wsgi(environ, start_response):
    """Answer as any WSGI app does, with the body that came."""
    data = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "application/octet-stream"), ("X-Mixed-Case", "kept")])
    return [data[:3], data[3:]]


def _at_lines(environ, start_response):
    start_response("200 OK", [])
    return [b"|".join(environ["wsgi.input"])]


def _at_generator(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b""
    for number in range(3):
        yield f"piece {number};".encode()


def _at_written(environ, start_response):
    write = start_response("200 OK", [])
    write(b"written, ")
    return [b"returned"]


def _at_unread(environ, start_response):
    _json(environ, "not read", 403)


def _at_partly(environ, start_response):
    _json(environ, len(environ["cairn.request"].body.read(10)))


def _at_stream(environ, start_response):
    """Stream `count` pieces of `size` bytes; with `length` the app says the length (plus `lie`)."""
    given = _parameters(environ["cairn.request"])
    count, size = int(given["count"]), int(given["size"])
    headers = []
    if "length" in given:
        headers.append(("Content-Length", str(count * size + int(given.get("lie", 0)))))
    environ["cairn.response"] = Response(200, headers, (bytes([n % 251]) * size for n in range(count)))


def _at_slow_first(environ, start_response):
    def pieces():
        gevent.sleep(1.5)
        yield b"late"

    environ["cairn.response"] = Response(200, [], pieces())


def _at_breaks(environ, start_response):
    def pieces():
        yield b"first"
        raise RuntimeError("in the middle")

    environ["cairn.response"] = Response(200, [], pieces())


def _at_digest(environ, start_response):
    """Read the body in pieces; tell its length, digest, and how much memory this process has ever used."""
    body = environ["cairn.request"].body
    digest, length = hashlib.sha256(), 0
    try:
        while data := body.read(256 * 1024):
            digest.update(data)
            length += len(data)
    except Truncated:
        Path(os.environ["MARK"], "truncated").write_text(str(length))
        raise
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(line.split()[1] for line in status if line.startswith("VmHWM"))
    _json(environ, {"length": length, "sha256": digest.hexdigest(), "peak": int(peak)})


def _at_caught(environ, start_response):
    try:
        environ["cairn.request"].body.read()
    except Truncated as error:
        _json(environ, str(error), 400)


def _at_file(environ, start_response):
    """Answer parts of files: ?parts=name:offset:length,…"""
    given = _parameters(environ["cairn.request"])
    folder = os.environ["FILES"]
    parts = [part.split(":") for part in given["parts"].split(",") if part]
    files = FileBody([(f"{folder}/{name}", int(offset), int(length)) for name, offset, length in parts])
    environ["cairn.response"] = Response(206, [("ETag", '"x"')], files)


def _at_wrapped(environ, start_response):
    start_response("200 OK", [])
    return environ["wsgi.file_wrapper"](open(os.environ["FILES"] + "/small", "rb"), 100)


def _at_status(environ, start_response):
    code = int(environ["PATH_INFO"].split("/")[2])
    environ["cairn.response"] = Response(code, [("X-One", "1")], b"never with 204 and 304")


def _at_head_length(environ, start_response):
    environ["cairn.response"] = Response(200, [("Content-Length", "12345")], b"")


def _at_headers(environ, start_response):
    headers = [("x-Amz-Odd", "1"), ("X-AMZ-odd", "2"), ("Server", "AmazonS3"), ("Date", "then"), ("é", "ÿ")]
    environ["cairn.response"] = Response(200, headers, b"ok")


def _at_injection(environ, start_response):
    start_response("200 OK", [("X-Bad", "a\r\nX-Injected: b")])
    return [b""]


def _at_close(environ, start_response):
    start_response("200 OK", [("Connection", "close")])
    return [b"bye"]


def _at_raises(environ, start_response):
    raise ValueError("an app's bug")


def _at_exits(environ, start_response):
    environ["cairn.request"].body.read()
    sys.exit(3)


def _at_silent(environ, start_response):
    return [b"no start_response"]


def _at_sleep(environ, start_response):
    gevent.sleep(float(_parameters(environ["cairn.request"])["seconds"]))
    _json(environ, "slept")


def _at_poll(environ, start_response):
    """Wait until told to stop, the client goes, or ten seconds are over."""
    Path(os.environ["MARK"], "polling").touch()
    connected = environ["cairn.connected"]
    end = time.monotonic() + 10
    while time.monotonic() < end and connected() and not stopping:
        gevent.sleep(0.02)
    if not connected():
        Path(os.environ["MARK"], "gone").touch()
    _json(environ, "stopping" if stopping else "done")


def _at_wide(environ, start_response):
    """Answer with a header that has no bytes in latin-1."""
    query = environ["QUERY_STRING"]
    body = iter([b"x"]) if query == "stream" else b""
    environ["cairn.response"] = Response(204 if query == "204" else 200, [("X-Wide", "€")], body)


def _at_held_up(environ, start_response):
    """Hold the hub up, as a slow disk does."""
    monkey.get_original("time", "sleep")(60)
