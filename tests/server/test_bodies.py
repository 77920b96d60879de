"""Request bodies: sized and chunked, wanted or not, whole or broken off."""

from __future__ import annotations

import contextlib
import hashlib
import time

import pytest

from .serving import until

CHUNKED = "POST {} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunked(target="/echo"):
    return CHUNKED.format(target).encode()


def test_a_sized_body_is_read_whole(client):
    seen = client.ask(method="POST", body=bytes(range(256)) * 1000).json
    assert seen["body"].encode("latin-1") == bytes(range(256)) * 1000
    assert seen["length"] == 256_000


def test_an_empty_body_is_a_body(client):
    seen = client.ask(method="POST").json
    assert (seen["body"], seen["length"]) == ("", 0)


def test_a_chunked_body_gives_its_trailers(client):
    client.send(chunked() + b"3\r\nabc\r\n0\r\nx-amz-checksum-crc32: AAAA\r\nX-A: 1\r\nx-a: 2\r\n\r\n")
    seen = client.answer().json
    assert (seen["body"], seen["length"]) == ("abc", None)
    assert seen["trailers"] == {"x-amz-checksum-crc32": "AAAA", "x-a": "1, 2"}


@pytest.mark.parametrize(
    "rest",
    [
        b"zz\r\nabc\r\n0\r\n\r\n",
        b"-3\r\nabc\r\n0\r\n\r\n",
        b"0x3\r\nabc\r\n0\r\n\r\n",
        b" 3\r\nabc\r\n0\r\n\r\n",
        b"\r\nabc\r\n0\r\n\r\n",
        b"3\nabc\n0\n\n",
        b"3\r\nabcd\r\n0\r\n\r\n",
        b"3\r\nabc\n0\r\n\r\n",
        b"3\r\nabcXX0\r\n\r\n",
        b"3;" + b"x" * 5000 + b"\r\nabc\r\n0\r\n\r\n",
        b"3;a\x00b\r\nabc\r\n0\r\n\r\n",
        b"1234567890123456789\r\nabc",
        b"3\r\nabc\r\n0\r\nbad trailer\r\n\r\n",
        b"3\r\nabc\r\n0\r\nx : y\r\n\r\n",
        b"3\r\nabc\r\n0\r\nx: y\r\n z\r\n\r\n",
        b"3\r\nabc\r\n0\r\nx: y\n\r\n",
        b"3\r\nabc\r\n0\r\n" + b"x: y\r\n" * 5000 + b"\r\n",
    ],
)
def test_broken_chunk_framing_ends_the_request_and_the_connection(client, rest):
    client.send(chunked("/caught") + rest + b"GET /echo HTTP/1.1\r\nHost: h\r\n\r\n")
    answer = client.answer()
    assert answer.status == 400
    assert answer["Connection"] == "close"
    assert client.closed()


def test_a_body_that_breaks_off_closes_without_an_answer(server, client, files):
    client.send(b"PUT /digest HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n" + b"x" * 100)
    client.socket.shutdown(1)
    assert client.closed()
    until((files / "truncated").exists)
    assert server.get().status == 200


def test_a_body_that_stops_coming_is_given_up(client):
    client.send(b"PUT /digest HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n" + b"x" * 100)
    assert client.closed()


def test_a_slow_body_that_keeps_coming_is_waited_for(client):
    client.send(b"PUT /digest HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n", *[b"x"] * 5, pause=0.6)
    assert client.answer().json["length"] == 5


def test_100_continue_is_sent_when_the_body_is_first_read(client):
    client.send(b"PUT /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
    assert client.answer().status == 100
    client.send(b"hello")
    assert client.answer().json["body"] == "hello"
    assert client.ask().status == 200


def test_100_continue_works_with_chunked_bodies(client):
    client.send(chunked().replace(b"Host", b"Expect: 100-Continue\r\nHost"))
    assert client.answer().status == 100
    client.send(b"5\r\nhello\r\n0\r\n\r\n")
    assert client.answer().json["body"] == "hello"


def test_a_body_that_is_refused_unread_is_not_asked_for(client):
    client.send(b"PUT /unread HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
    answer = client.answer()
    assert answer.status == 403
    assert answer["Connection"] == "close"
    assert client.closed()


def test_a_client_that_sent_its_body_at_once_is_not_told_to_go_on(client):
    client.send(b"PUT /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello")
    assert client.answer().json["body"] == "hello"


def test_nobody_is_told_to_go_on_with_an_empty_body_or_in_http_1_0(client):
    assert client.ask(headers="Expect: 100-continue\r\n").status == 200
    assert client.ask(method="POST", headers="Expect: 100-continue\r\n").status == 200
    client.send(b"PUT /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", b"hello")
    assert client.answer().json["body"] == "hello"


def test_other_expectations_are_passed_over(client):
    client.send(b"PUT /echo HTTP/1.1\r\nHost: h\r\nExpect: a miracle\r\nContent-Length: 5\r\n\r\nhello")
    assert client.answer().json["body"] == "hello"


def test_a_small_body_left_unread_is_swallowed(client):
    client.send(b"PUT /unread HTTP/1.1\r\nHost: h\r\nContent-Length: 500000\r\n\r\n", b"x" * 250_000)
    answer = client.answer()
    assert answer.status == 403
    assert answer["Connection"] is None
    client.send(b"x" * 250_000)
    assert client.ask().status == 200


def test_a_large_body_left_unread_closes_but_the_answer_arrives(client):
    client.send(b"PUT /unread HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 1_500_000)
    answer = client.answer()
    assert answer.status == 403
    assert answer["Connection"] == "close"
    assert client.rest() == b""


def test_a_chunked_body_left_unread_is_swallowed_where_it_is_all_there(client):
    client.send(chunked("/partly") + b"14\r\n" + b"x" * 20 + b"\r\n0\r\nx: y\r\n\r\n")
    assert client.answer().json == 10
    assert client.ask().status == 200


def test_a_chunked_body_left_unread_closes_where_more_is_to_come(client):
    client.send(chunked("/unread") + b"5\r\nhello\r\n")
    answer = client.answer()
    assert answer.status == 403
    assert answer["Connection"] == "close"
    assert client.closed()


def test_wsgi_apps_read_lines(client):
    answer = client.ask("/lines", "POST", body=b"one\ntwo\n\nlast")
    assert answer.body == b"one\n|two\n|\n|last"


@pytest.mark.parametrize("framing", ["sized", "chunked"])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_large_upload_is_streamed_in_little_memory(server, framing, tls):
    piece, count = bytes(range(256)) * 4096, 96  # 96 MiB
    digest = hashlib.sha256()
    with server.client(tls) as client:
        before = client.ask("/digest").json["peak"]
        if framing == "sized":
            client.send(b"PUT /digest HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % (len(piece) * count))
        else:
            client.send(chunked("/digest"))
        for _ in range(count):
            digest.update(piece)
            client.socket.sendall(piece if framing == "sized" else b"100000\r\n" + piece + b"\r\n")
        client.send(b"0\r\n\r\n" if framing == "chunked" else b"")
        seen = client.answer().json
    assert seen["length"] == len(piece) * count
    assert seen["sha256"] == digest.hexdigest()
    assert seen["peak"] - before < 16 * 1024  # KiB


def test_a_slow_reader_of_a_body_holds_its_sender_back(server):
    with server.client() as client:
        client.socket.settimeout(0.5)
        client.send(b"PUT /sleep?seconds=1.2 HTTP/1.1\r\nHost: h\r\nContent-Length: 500000000\r\n\r\n")
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < 400_000_000:
                sent += client.socket.send(b"x" * 1_000_000)
        assert sent < 50_000_000  # what the kernel's buffers take


def test_other_requests_are_served_during_an_upload(server):
    with server.client() as upload:
        upload.send(b"PUT /digest HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n", b"01234")
        time.sleep(0.05)
        assert server.get().status == 200
        upload.send(b"56789")
        assert upload.answer().json["length"] == 10


def test_a_client_that_floods_us_after_a_refusal_keeps_nobody_waiting(server):
    with server.client() as flood:
        flood.socket.settimeout(0.3)
        flood.send(b"PUT /unread HTTP/1.1\r\nHost: h\r\nContent-Length: 9000000000\r\n\r\n")
        assert flood.answer().status == 403
        with contextlib.suppress(OSError):
            for _ in range(50):
                flood.socket.sendall(b"x" * 4_000_000)
        assert server.get().status == 200


def test_many_small_chunks_are_read(client):
    client.send(chunked() + b"1\r\nx\r\n" * 100_000 + b"0\r\n\r\n")
    assert client.answer().json["body"] == "x" * 100_000
