"""How requests are read off the wire: any packets, any order, and nothing that is not HTTP."""

from __future__ import annotations

import pytest

PLAIN = b"GET /echo/a?b=c HTTP/1.1\r\nHost: h\r\nX-One: 1\r\n\r\n"
SIZED = b"PUT /echo/s HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\nhello\r\n\r\nyz"
CHUNKED = (
    b"POST /echo/c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n"
    b"5;name=value\r\nhello\r\n00B\r\n world\r\n\r\ny\r\n0\r\nX-Sum: abc\r\nx-two:  2 \r\n\r\n"
)


def test_a_request_reaches_the_app_as_it_was_sent(client):
    client.send(
        b"GET /echo/%C3%A9//..%2fx/../+y?a=%20b&c=d?e#f HTTP/1.1\r\nHost: example.com:4566\r\n"
        b"X-Meta: caf\xc3\xa9 \xff\t\r\nx-list: a\r\nX-List: b\r\nCookie: a=1\r\nCookie: b=2\r\n"
        b"x_under: no\r\nX-Under: yes\r\nempty:\r\nContent-Type: text/plain\r\n\r\n"
    )
    seen = client.answer().json
    assert seen["method"] == "GET"
    assert seen["path"] == "/echo/%C3%A9//..%2fx/../+y"
    assert seen["query"] == "a=%20b&c=d?e#f"
    assert seen["headers"] == {
        "host": "example.com:4566",
        "x-meta": "cafÃ© ÿ",
        "x-list": "a, b",
        "cookie": "a=1; b=2",
        "x_under": "no",
        "x-under": "yes",
        "empty": "",
        "content-type": "text/plain",
    }
    environ = seen["environ"]
    assert environ["RAW_URI"] == "/echo/%C3%A9//..%2fx/../+y?a=%20b&c=d?e#f"
    assert environ["PATH_INFO"] == "/echo/Ã©//../x/../+y"
    assert environ["QUERY_STRING"] == seen["query"]
    assert environ["HTTP_X_UNDER"] == "yes"
    assert environ["CONTENT_TYPE"] == "text/plain"
    assert environ["SERVER_PROTOCOL"] == "HTTP/1.1"
    assert environ["REMOTE_ADDR"] == seen["remote"] == "127.0.0.1"
    assert environ["wsgi.url_scheme"] == "http"
    assert "HTTP_CONTENT_TYPE" not in environ


@pytest.mark.parametrize("request_", [PLAIN, SIZED, CHUNKED], ids=["plain", "sized", "chunked"])
def test_a_request_may_be_split_at_every_byte(server, request_):
    with server.client() as client:
        client.send(request_)
        whole = client.answer().json
        for cut in range(1, len(request_)):
            client.send(request_[:cut], request_[cut:])
            seen = client.answer().json
            assert {**seen, "pid": 0} == {**whole, "pid": 0}, f"split at {cut}"


def test_requests_may_come_byte_by_byte(server):
    with server.client() as client:
        client.send(*[bytes([byte]) for byte in CHUNKED + PLAIN], pause=0.0005)
        first, second = client.answer().json, client.answer().json
    assert first["body"] == "hello world\r\n\r\ny"
    assert first["trailers"] == {"x-sum": "abc", "x-two": "2"}
    assert second["path"] == "/echo/a"


def test_pipelined_requests_are_answered_in_order(client):
    client.send((PLAIN + SIZED + CHUNKED + b"\r\n") * 50)
    for _ in range(50):
        assert [client.answer().json["path"] for _ in range(3)] == ["/echo/a", "/echo/s", "/echo/c"]


def test_pipelined_requests_whose_bodies_the_app_leaves_unread_stay_in_step(client):
    client.send((SIZED.replace(b"/echo", b"/unread") + CHUNKED.replace(b"/echo", b"/unread") + PLAIN) * 20)
    for _ in range(20):
        assert [client.answer().status for _ in range(3)] == [403, 403, 200]


@pytest.mark.parametrize(
    ("status", "request_"),
    [
        (400, b"\x00\x01\x02garbage"),
        (400, b"hello there\r\n\r\n"),
        (400, b"GET / HTTP/1.1\nHost: h\n\n"),
        (400, b"GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\nHost: h\r\nX: a\x00b\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\nHost: h\r\nX: a\x1bb\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n folded\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n\tfolded\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\n Host: h\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\nHost : h\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\nHost: h\r\n: nameless\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\nHost: h\r\nX(y): z\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\nX: no host\r\n\r\n"),
        (400, b"GET  / HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, b"GET / HTTP/1.1 \r\nHost: h\r\n\r\n"),
        (400, b"GET /\r\nHost: h\r\n\r\n"),
        (400, b"get / HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, b"NONSENSE / HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, b"GET nowhere HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, b"GET * HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, b"GET /a\tb HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, b"GET /a\x00b HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, b"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n"),
        (505, b"GET / HTTP/2.0\r\nHost: h\r\n\r\n"),
        (505, b"GET / HTTP/0.9\r\nHost: h\r\n\r\n"),
        (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        (400, b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        (400, b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
        (400, b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
        (400, b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5, 6\r\n\r\nhello!"),
        (400, b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\nhello"),
        (400, b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -5\r\n\r\nhello"),
        (400, b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5 5\r\n\r\nhello"),
        (400, b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x5\r\n\r\nhello"),
        (400, b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\nhello"),
        (400, b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n"),
        (400, b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n"),
        (400, b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
        (400, b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        (400, b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
        (
            400,
            b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        (400, b"POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        (501, b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    ],
)
def test_what_is_not_proper_http_is_refused_and_the_connection_closed(client, status, request_):
    client.send(request_ + PLAIN)  # what follows must not be taken for a request
    answer = client.answer()
    assert answer.status == status
    assert answer["Connection"] == "close"
    assert answer["Content-Type"] == "application/json"
    assert set(answer.json) == {"__type", "message"}
    assert client.closed()


def test_a_refusal_after_good_requests_leaves_those_answered(client):
    client.send(PLAIN + SIZED + b"GET / HTTP/1.1\r\nHost : h\r\n\r\n" + PLAIN)
    assert [client.answer().status for _ in range(3)] == [200, 200, 400]
    assert client.closed()


def test_empty_lines_before_a_request_are_passed_over(client):
    client.send(b"\r\n\r\n" + PLAIN + b"\r", b"\n" + PLAIN)
    assert [client.answer().status for _ in range(2)] == [200, 200]


def test_a_request_line_that_is_too_long_is_refused(client):
    client.send(b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n")
    assert client.answer().status == 414
    assert client.closed()


def test_headers_that_are_too_large_are_refused(client):
    client.send(b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 70_000 + b"\r\n\r\n")
    assert client.answer().status == 431
    assert client.closed()


def test_headers_without_end_are_refused_at_the_limit(client):
    client.send(b"GET / HTTP/1.1\r\nHost: h\r\n")
    client.send(*[b"X-Filler: " + b"a" * 1000 + b"\r\n"] * 70, pause=0)
    assert client.answer().status == 431
    assert client.closed()


def test_too_many_headers_are_refused(client):
    client.send(b"GET / HTTP/1.1\r\nHost: h\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(300)) + b"\r\n")
    assert client.answer().status == 431


def test_large_headers_within_the_limit_are_served(client):
    seen = client.ask(headers="X-Large: " + "a" * 60_000 + "\r\n").json
    assert len(seen["headers"]["x-large"]) == 60_000


def test_an_absolute_target_names_the_host(client):
    client.send(b"GET http://bucket.s3.localhost:4566/echo//k?x=1 HTTP/1.1\r\nHost: other\r\n\r\n")
    seen = client.answer().json
    assert (seen["path"], seen["query"]) == ("/echo//k", "x=1")
    assert seen["headers"]["host"] == seen["environ"]["HTTP_HOST"] == "bucket.s3.localhost:4566"
    assert seen["environ"]["PATH_INFO"] == "/echo//k"


def test_options_may_ask_about_the_whole_server(client):
    client.send(b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n")
    assert client.answer().status == 200


def test_an_offer_to_upgrade_is_passed_over(client):
    seen = client.ask(headers="Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n")
    assert seen.status == 200
    client.send(
        b"POST /echo HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 4\r\n\r\nbody"
        + PLAIN
    )
    assert client.answer().json["body"] == "body"
    assert client.answer().json["path"] == "/echo/a"


def test_header_names_without_number_do_not_grow_the_worker(client):
    for number in range(60):
        headers = "".join(f"X-Invented-{number}-{n}: y\r\n" for n in range(100))
        assert len(client.ask(headers=headers).json["headers"]) == 101
