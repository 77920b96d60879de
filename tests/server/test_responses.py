"""How answers are written: framing, what has no body, files, streams, and apps that fail half-way."""

from __future__ import annotations

import re
import time

import pytest


def test_a_wsgi_answer_has_its_headers_in_order_and_case(client):
    answer = client.ask("/wsgi", "POST", body=b"abcdef")
    assert answer.body == b"abcdef"
    assert [name for name, _ in answer.headers] == [
        "Server",
        "Date",
        "Content-Type",
        "X-Mixed-Case",
        "Content-Length",
    ]
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", answer["Date"])


def test_an_app_may_name_its_own_server_and_date(client):
    answer = client.ask("/headers")
    assert answer.headers[:5] == [
        ("x-Amz-Odd", "1"),
        ("X-AMZ-odd", "2"),
        ("Server", "AmazonS3"),
        ("Date", "then"),
        ("é", "ÿ"),
    ]


@pytest.mark.parametrize("path", ["/generator", "/stream?count=3&size=10", "/slow_first"])
def test_a_body_of_unknown_length_is_chunked_and_the_connection_kept(client, path):
    answer = client.ask(path)
    assert answer["Transfer-Encoding"] == "chunked"
    assert answer.body
    assert client.ask().status == 200


def test_http_1_0_gets_a_body_of_unknown_length_up_to_the_close(client):
    client.send(b"GET /stream?count=3&size=2 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    answer = client.answer()
    assert answer["Transfer-Encoding"] is None
    assert answer["Connection"] == "close"
    assert answer.body == b"\0\0\1\1\2\2"


def test_a_body_of_known_length_is_not_chunked(client):
    answer = client.ask("/stream?count=3&size=100000&length=1")
    assert answer["Content-Length"] == "300000"
    assert answer.body == b"\0" * 100_000 + b"\1" * 100_000 + b"\2" * 100_000
    assert client.ask().status == 200


@pytest.mark.parametrize("lie", [-1, 1])
def test_an_app_that_lies_about_its_length_loses_the_connection(client, lie):
    client.send(b"GET /stream?count=3&size=100&length=1&lie=%d HTTP/1.1\r\nHost: h\r\n\r\n" % lie)
    assert client.head()["Content-Length"] == str(300 + lie)
    assert len(client.rest()) < 300 + lie


def test_the_head_of_a_stream_does_not_wait_for_its_first_piece(server):
    with server.client(timeout=1) as client:
        client.send(b"GET /slow_first HTTP/1.1\r\nHost: h\r\n\r\n")
        assert client.head().status == 200


def test_a_stream_that_breaks_off_has_no_end(client):
    client.send(b"GET /breaks HTTP/1.1\r\nHost: h\r\n\r\n")
    client.head()
    assert client.rest() == b"5\r\nfirst\r\n"


def test_wsgi_write_and_file_wrapper_work(client, files):
    assert client.ask("/written").body == b"written, returned"
    assert client.ask("/wsgi", "POST", body=b"not written again").body == b"not written again"
    assert client.ask("/wrapped").body == (files / "small").read_bytes()


@pytest.mark.parametrize(
    ("path", "length"),
    [
        ("/wsgi", None),
        ("/echo", "some"),
        ("/head_length", "12345"),
        ("/stream?count=3&size=10", None),
        ("/stream?count=3&size=10&length=1", "30"),
        ("/file?parts=small:0:1024", "1024"),
        ("/generator", None),
    ],
)
def test_head_has_no_body(client, path, length):
    answer = client.ask(path, "HEAD")
    assert answer.status in (200, 206)
    if length == "some":
        assert int(answer["Content-Length"]) > 0
    else:
        assert answer["Content-Length"] == length
    assert answer["Transfer-Encoding"] is None
    assert client.ask().status == 200


@pytest.mark.parametrize("status", [204, 304])
def test_some_statuses_have_no_body(client, status):
    answer = client.ask(f"/status/{status}")
    assert answer.status == status
    assert answer["Content-Length"] is None
    assert answer["X-One"] == "1"
    assert client.ask().status == 200


def test_a_status_without_a_name_can_be_sent(client):
    assert client.ask("/status/599").status == 599


@pytest.mark.parametrize(
    "parts",
    [
        "",
        "small:0:1024",
        "small:0:0",
        "small:1:1",
        "small:1000:24",
        "large:0:8000000",
        "large:12345:3000001",
        "large:7999999:1",
        "large:100:40000,small:3:50,large:0:1000000,small:0:0,large:5:70000",
    ],
)
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_parts_of_files_are_sent_exactly(server, files, parts, tls):
    expected = b""
    for name, offset, length in (part.split(":") for part in parts.split(",") if part):
        expected += (files / name).read_bytes()[int(offset) : int(offset) + int(length)]
    with server.client(tls) as client:
        for _ in range(2):
            answer = client.ask(f"/file?parts={parts}")
            assert answer.status == 206
            assert answer["Content-Length"] == str(len(expected))
            assert answer.body == expected


def test_a_file_that_is_not_there_is_a_500(client):
    assert client.ask("/file?parts=missing:0:10").status == 500
    assert client.ask().status == 200


def test_a_file_that_is_too_short_breaks_the_answer_off(client):
    client.send(b"GET /file?parts=small:1000:100,large:0:10 HTTP/1.1\r\nHost: h\r\n\r\n")
    assert client.head()["Content-Length"] == "110"
    assert len(client.rest()) < 110


@pytest.mark.parametrize("path", ["/raises", "/silent", "/injection", "/exits"])
def test_an_app_that_fails_is_answered_for_and_the_connection_kept(server, client, path):
    answer = client.ask(path, "POST", body=b"some")
    assert answer.status == 500
    assert answer["X-Injected"] is None
    request_id = answer["x-amzn-requestid"]
    assert request_id in answer.json["message"]
    assert request_id in server.log
    assert "Traceback" in server.log
    assert client.ask().status == 200


def test_an_app_that_exits_does_not_take_the_worker_along(server, client):
    before = server.get().json["pid"]
    assert client.ask("/exits").status == 500
    assert server.get().json["pid"] == before


def test_a_large_download_is_streamed_in_little_memory(server):
    with server.client() as client:
        before = client.ask("/digest").json["peak"]
        client.send(b"GET /stream?count=960&size=100000&length=1 HTTP/1.1\r\nHost: h\r\n\r\n")
        left = int(client.head()["Content-Length"]) - len(client.buffer)
        client.buffer = b""
        while left:
            left -= len(client.socket.recv(min(left, 1 << 20)))
        assert client.ask("/digest").json["peak"] - before < 16 * 1024


@pytest.mark.parametrize("path", ["/stream?count=9999&size=100000", "/file?parts=" + ",".join(["large:0:8000000"] * 9)])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_client_that_never_reads_is_given_up(server, path, tls):
    with server.client(tls) as client:
        before = server.get("/digest").json["peak"]
        client.send(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        time.sleep(3)
        got = 0
        try:
            while data := client.socket.recv(1 << 20):
                got += len(data)
        except OSError:
            pass
        assert got < 40_000_000
        assert server.get("/digest").json["peak"] - before < 16 * 1024


@pytest.mark.parametrize("path", ["/wide", "/wide?stream", "/wide?204"])
def test_a_header_that_cannot_be_sent_is_a_500(client, path):
    assert client.ask(path).status == 500
    assert client.ask().status == 200
