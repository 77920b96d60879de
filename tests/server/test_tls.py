"""HTTPS on the port that speaks HTTP."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .serving import Client

ROOT = Path(__file__).resolve().parent.parent.parent


def test_http_and_https_share_the_port(server):
    with server.client() as plain, server.client(tls=True) as secure:
        assert plain.ask().json["scheme"] == "http"
        seen = secure.ask().json
        assert seen["scheme"] == seen["environ"]["wsgi.url_scheme"] == "https"
        assert plain.ask().status == secure.ask().status == 200


def test_https_takes_bodies_pipelines_and_streams(server):
    with server.client(tls=True) as client:
        assert client.ask("/echo", "POST", body=b"x" * 300_000).json["body"] == "x" * 300_000
        client.send(b"GET /echo HTTP/1.1\r\nHost: h\r\n\r\n" * 20)
        assert [client.answer().status for _ in range(20)] == [200] * 20
        assert len(client.ask("/stream?count=30&size=100000").body) == 3_000_000
        client.send(b"PUT /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        assert client.answer().status == 100
        client.send(b"hello")
        assert client.answer().json["body"] == "hello"
        answer = client.ask("/unread", "POST", body=b"x" * 100_000)
        assert answer.status == 403
        assert client.ask().status == 200


def test_a_refusal_arrives_over_tls(server):
    with server.client(tls=True) as client:
        client.send(b"GET / HTTP/1.1\nHost: h\n\n")
        assert client.answer().status == 400


def test_the_certificate_is_for_the_names_that_clients_use(server):
    server.get()
    with server.client(tls=True) as client:
        client.ask()
    context = ssl.create_default_context(cafile=str(server.data / "tls" / "cert.pem"))
    names = ["localhost", "sqs.localhost.localstack.cloud", "bucket.s3.localhost.localstack.cloud", "127.0.0.1"]
    names += ["bucket.s3.us-east-1.localhost.localstack.cloud", "sqs.eu-west-1.localhost.localstack.cloud"]
    for name in names:
        with (
            socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock,
            context.wrap_socket(sock, server_hostname=name) as secure,
        ):
            assert secure.version() in ("TLSv1.2", "TLSv1.3")
    assert (server.data / "tls" / "key.pem").stat().st_mode & 0o777 == 0o600
    assert server.data.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("first", [b"\x16garbage", b"\x16\x03\x01\x00\x05hello" + b"x" * 100, b"\x15\x03\x01", b"\x80"])
def test_garbage_first_bytes_hurt_nobody(server, first):
    with server.client() as client:
        client.send(first)
        client.rest()
    assert server.get().status == 200


def test_a_handshake_that_never_ends_is_given_up_and_blocks_nobody(server):
    with server.client() as client:
        client.send(b"\x16\x03\x01\x02\x00\x01")
        assert server.get().status == 200
        began = time.monotonic()
        assert client.closed()
        assert time.monotonic() - began < 10


def test_a_client_may_leave_in_the_middle_of_a_tls_record(server):
    with server.client(tls=True) as client:
        client.send(b"PUT /digest HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nabc")
        raw = socket.socket(fileno=os.dup(client.socket.fileno()))
        raw.sendall(b"\x17\x03\x03\x01\x00half")
        raw.close()
    assert server.get().status == 200


def test_an_idle_https_connection_is_closed_after_a_while(server):
    with server.client(tls=True) as client:
        client.ask()
        assert client.closed()


def test_a_server_that_sees_no_tls_makes_no_certificate(start):
    own = start()
    own.get()
    assert not (own.data / "tls").exists()


def test_a_certificate_of_ones_own_is_used(start, server, tmp_path):
    with server.client(tls=True) as client:
        client.ask()
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_bytes((server.data / "tls" / name).read_bytes())
    own = start(cert=str(tmp_path / "cert.pem"), key=str(tmp_path / "key.pem"))
    context = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    with Client(own.port) as client:
        client.socket = context.wrap_socket(client.socket, server_hostname="localhost")
        assert client.ask().status == 200
    assert not (own.data / "tls").exists()


def test_processes_that_start_at_once_agree_on_one_certificate(tmp_path):
    code = "import sys, pathlib, app.tls; app.tls.Certificates(pathlib.Path(sys.argv[1])).context()"
    command = [sys.executable, "-c", code, str(tmp_path / "tls")]
    together = [subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}) for _ in range(6)]
    assert [process.wait(60) for process in together] == [0] * 6
    assert sorted(path.name for path in (tmp_path / "tls").iterdir()) == ["cert.pem", "key.pem", "lock"]
