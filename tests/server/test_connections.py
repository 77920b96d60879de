"""How long a connection lives, and how it ends."""

from __future__ import annotations

import socket
import struct
import time

from .serving import until

PLAIN = b"GET /echo HTTP/1.1\r\nHost: h\r\n\r\n"


def test_http_1_1_keeps_the_connection(client):
    for _ in range(3):
        assert client.ask()["Connection"] is None


def test_connection_close_is_obeyed(client):
    answer = client.ask(headers="Connection: foo, Close\r\n")
    assert answer["Connection"] == "close"
    assert client.closed()


def test_http_1_0_closes(client):
    client.send(b"GET /echo HTTP/1.0\r\n\r\n")
    answer = client.answer()
    assert answer.status == 200
    assert answer["Connection"] == "close"
    assert client.closed()


def test_http_1_0_may_ask_to_keep_the_connection(client):
    for _ in range(2):
        client.send(b"GET /echo HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
        assert client.answer()["Connection"] == "keep-alive"


def test_an_app_may_close_the_connection(client):
    assert client.ask("/close")["Connection"] == "close"
    assert client.closed()


def test_an_idle_connection_is_closed_after_a_while(client):
    client.ask()
    began = time.monotonic()
    assert client.closed()
    assert time.monotonic() - began > 2


def test_a_connection_on_which_nothing_comes_is_closed(client):
    assert client.closed()


def test_a_head_that_comes_too_slowly_is_given_up(client):
    try:
        client.send(*[PLAIN[n : n + 1] for n in range(len(PLAIN) - 2)] * 9, pause=0.1)
    except OSError:
        return
    assert client.answer().status == 408
    assert client.closed()


def test_a_head_that_stops_coming_is_answered_408(client):
    client.send(PLAIN[:10])
    answer = client.answer()
    assert answer.status == 408
    assert client.closed()


def test_a_long_answer_is_not_mistaken_for_an_idle_connection(client):
    assert client.ask("/sleep?seconds=4.5").json == "slept"
    assert client.ask().status == 200


def test_clients_may_vanish_at_any_moment(server):
    request = b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n0123456789"
    for cut in range(0, len(request) + 1, 3):
        for reset in (False, True):
            client = server.client()
            client.send(request[:cut])
            if reset:
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.socket.close()
    assert server.get().status == 200


def test_clients_may_vanish_during_an_answer(server):
    for path in (b"/stream?count=9999&size=10000", b"/file?parts=large:0:8000000", b"/sleep?seconds=0.2"):
        for reset in (False, True):
            client = server.client()
            client.send(b"GET " + path + b" HTTP/1.1\r\nHost: h\r\n\r\n")
            if reset:
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            time.sleep(0.05)
            client.socket.close()
    assert server.get().status == 200


def test_a_long_poll_sees_that_its_client_has_gone(server, files):
    for pipelined in (b"", PLAIN):
        (files / "gone").unlink(missing_ok=True)
        client = server.client()
        client.send(b"GET /poll HTTP/1.1\r\nHost: h\r\n\r\n" + pipelined)
        time.sleep(0.2)
        assert not (files / "gone").exists()
        client.socket.close()
        until((files / "gone").exists, patience=5)


def test_many_connections_are_served_side_by_side(server):
    clients = [server.client() for _ in range(200)]
    for client in clients:
        client.send(b"GET /sleep?seconds=0.5 HTTP/1.1\r\nHost: h\r\n\r\n")
    assert {client.answer().json for client in clients} == {"slept"}
    for client in clients:
        client.socket.close()


def test_a_busy_client_does_not_starve_another(server):
    with server.client() as busy, server.client() as other:
        busy.socket.setblocking(False)
        sent = 0
        try:  # as many requests as fit, none of whose answers is read before the other had its turn
            while sent < 2_000_000:
                sent += busy.socket.send(PLAIN * 100)
        except BlockingIOError:
            pass
        assert other.ask().status == 200


def test_threads_of_requests_on_few_workers_do_not_mix(server):
    with server.client() as one, server.client() as two:
        one.send(b"POST /echo/one HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nfir")
        two.send(b"POST /echo/two HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nsec")
        time.sleep(0.05)
        two.send(b"ond")
        one.send(b"st!")
        assert one.answer().json["body"] == "first!"
        assert two.answer().json["body"] == "second"
