"""The processes of a server: how they start, stop, die, and are replaced."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .serving import Client, Server, gone, until

POLL = b"GET /poll HTTP/1.1\r\nHost: h\r\n\r\n"


def dispatcher_of(server):
    """Return the pid that the fake dispatcher wrote down."""
    path = server.data / "dispatcher.pid"
    return int(until(lambda: path.exists() and path.read_text()))


def test_a_server_says_where_it_is_and_cleans_up(start):
    server = start(bind=["127.0.0.1:0", "127.0.0.1:0"])
    note = server.note
    assert note["pid"] == server.process.pid
    assert len({address.rsplit(":", 1)[1] for address in note["addresses"]}) == 2
    assert "0" not in {address.rsplit(":", 1)[1] for address in note["addresses"]}
    assert note["started"].endswith("Z")
    assert server.log.splitlines().count("Ready.") == 1
    assert server.stop() == 0
    assert not (server.data / "run" / "server.json").exists()
    assert server.log.endswith("served\n")


def test_several_workers_serve_one_port(start):
    server = start(workers=3)
    assert len(server.workers()) == 3
    clients = [server.client() for _ in range(60)]
    pids = {client.ask().json["pid"] for client in clients}
    assert pids <= set(server.workers())
    for client in clients:
        client.socket.close()
    assert server.stop() == 0


def test_a_stop_finishes_requests_in_flight_and_drops_idle_connections(start):
    server = start()
    with server.client() as busy, server.client() as idle, server.client() as fresh:
        idle.ask()
        busy.send(b"GET /sleep?seconds=1 HTTP/1.1\r\nHost: h\r\n\r\n")
        time.sleep(0.2)
        server.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert idle.closed()
        assert fresh.closed()
        assert time.monotonic() - began < 0.7
        answer = busy.answer()
        assert answer.json == "slept"
        assert answer["Connection"] == "close"
        assert busy.closed()
    assert server.stop() == 0
    assert time.monotonic() - began < 4


def test_a_stop_takes_no_new_connections(start):
    server = start()
    port = server.port
    with server.client() as busy:
        busy.send(b"GET /sleep?seconds=1 HTTP/1.1\r\nHost: h\r\n\r\n")
        time.sleep(0.2)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.4)
        with pytest.raises(OSError):
            server.client(timeout=0.3)
        assert busy.answer().json == "slept"
    assert port


def test_a_stop_cuts_long_polls_short(start):
    server = start()
    with server.client() as client:
        client.send(POLL)
        until((server.data.parent / "polling").exists)
        server.process.send_signal(signal.SIGTERM)
        assert client.answer().json == "stopping"
    assert server.stop() == 0


def test_a_stop_waits_no_longer_than_it_was_told(start):
    server = start(graceful_timeout=1)
    with server.client() as client:
        client.send(b"GET /sleep?seconds=60 HTTP/1.1\r\nHost: h\r\n\r\n")
        time.sleep(0.2)
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 8


def test_an_interrupt_stops_at_once(start):
    server = start()
    with server.client() as client:
        client.send(b"GET /sleep?seconds=60 HTTP/1.1\r\nHost: h\r\n\r\n")
        time.sleep(0.2)
        began = time.monotonic()
        assert server.stop(signal.SIGINT) == 0
        assert time.monotonic() - began < 6


def test_a_killed_worker_is_replaced(start):
    server = start()
    (worker,) = server.workers()
    os.kill(worker, signal.SIGKILL)
    until(lambda: server.workers() not in ([], [worker]))
    assert until(lambda: server.get().json["pid"]) != worker
    assert server.stop() == 0


def test_nothing_outlives_a_killed_server(start):
    server = start(workers=2, dispatcher="dispatchers:run")
    children = [*server.workers()]
    assert dispatcher_of(server) in children
    with server.client() as client:
        client.send(POLL)
        time.sleep(0.2)
        server.process.kill()
        server.process.wait()
        until(lambda: all(gone(pid) for pid in children), patience=4)
    again = start(workers=1)  # neither its lock nor its notes are in the way
    assert again.get().status == 200


@pytest.mark.parametrize("kind", ["stubborn", "busy"])
def test_even_a_stubborn_dispatcher_does_not_outlive_its_server(start, kind):
    server = start(dispatcher=f"dispatchers:{kind}")
    pid = dispatcher_of(server)
    server.process.kill()
    server.process.wait()
    until(lambda: gone(pid), patience=6)


def test_one_dispatcher_runs_and_ends_with_the_server(start):
    server = start(workers=2, dispatcher="dispatchers:run")
    pid = dispatcher_of(server)
    assert (server.data / "run" / "dispatcher.lock").read_text().strip() == str(pid)
    assert server.stop() == 0
    assert (server.data / "dispatcher.ended").read_text() == str(pid)
    assert gone(pid)


def test_a_killed_dispatcher_is_replaced_and_requests_go_on(start):
    server = start(dispatcher="dispatchers:run")
    first = dispatcher_of(server)
    with server.client() as client:
        os.kill(first, signal.SIGKILL)
        until(lambda: dispatcher_of(server) != first)
        assert client.ask().status == 200
    assert server.stop() == 0


def test_a_dispatcher_that_cannot_start_is_tried_ever_more_rarely(start):
    server = start(dispatcher="dispatchers:fails")
    time.sleep(2.5)
    assert 2 <= int((server.data / "dispatcher.count").read_text()) <= 3
    assert "this dispatcher cannot start" in server.log
    assert server.get().status == 200
    assert server.stop() == 0


def test_a_second_server_on_the_directory_is_refused_with_the_first_ones_pid(start):
    first = start(dispatcher="dispatchers:run")
    second = Server(first.data, wait=False)
    assert second.process.wait(20) == 7
    assert f"in use by {first.process.pid}" in second.log
    assert first.get().status == 200
    assert first.note["pid"] == first.process.pid


def test_the_directory_is_free_again_after_a_kill(start):
    first = start()
    first.process.kill()
    first.process.wait()
    assert start().get().status == 200


@pytest.mark.parametrize(("app", "why"), [("apps:broken", "this app never loads"), ("nowhere:app", "nowhere")])
def test_an_app_that_does_not_load_ends_the_server_and_says_why(tmp_path, app, why):
    server = Server(tmp_path / "data", app=app, wait=False)
    assert server.process.wait(20) != 0
    assert why in server.log
    assert "Ready." not in server.log


def test_workers_that_die_as_they_start_do_not_loop_for_ever(tmp_path):
    server = Server(tmp_path / "data", app="apps:dies", wait=False)
    assert server.process.wait(20) != 0
    assert "end before they can serve" in server.log


def test_a_reload_brings_new_workers_without_losing_a_request(start):
    server = start()
    (old,) = server.workers()
    with server.client() as client:
        client.send(b"GET /sleep?seconds=1 HTTP/1.1\r\nHost: h\r\n\r\n")
        time.sleep(0.2)
        server.process.send_signal(signal.SIGHUP)
        assert client.answer().json == "slept"
    until(lambda: old not in server.workers())
    assert server.get().json["pid"] != old
    assert server.stop() == 0


def test_a_package_named_app_of_somebody_else_is_noticed(tmp_path):
    (tmp_path / "app").mkdir()
    code = (
        "import app, sys; from pathlib import Path; from app.server import *\n"
        "app.__path__.insert(0, sys.argv[1] + '/app')\n"
        "try: serve(ServerOptions(['127.0.0.1:0'], Path(sys.argv[1], 'data')))\n"
        "except NotOurs as error: print(error)"
    )
    root = str(Path(__file__).resolve().parent.parent.parent)
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], env={**os.environ, "PYTHONPATH": root}, capture_output=True
    )
    assert str(tmp_path / "app") in run.stdout.decode(), run.stderr.decode()
    assert not (tmp_path / "data").exists()


def test_a_server_leaves_the_current_folder_off_the_path(tmp_path):
    (tmp_path / "orjson.py").write_text("raise SystemExit('taken from the current folder')")
    options = {"bind": ["127.0.0.1:0"], "data": str(tmp_path / "data"), "app": "apps:hello", "dispatcher": None}
    log = (tmp_path / "log").open("wb")
    run = str(Path(__file__).with_name("run_server.py"))
    process = subprocess.Popen([sys.executable, run, json.dumps(options)], cwd=tmp_path, stderr=log)
    until(lambda: b"Ready." in (tmp_path / "log").read_bytes())
    process.terminate()
    assert process.wait(20) == 0


def test_an_address_that_is_taken_is_told(start, tmp_path):
    first = start("first")
    second = Server(tmp_path / "second", bind=[f"127.0.0.1:{first.port}"], wait=False)
    assert second.process.wait(20) != 0
    assert "Connection in use" in second.log
    assert not (second.data / "run" / "server.json").exists()


def test_a_wrong_certificate_is_told_at_start(tmp_path):
    server = Server(tmp_path / "data", cert=str(tmp_path / "nothing.pem"), wait=False)
    assert server.process.wait(20) != 0
    assert "FileNotFoundError" in server.log


def test_a_reloaded_worker_goes_with_its_server_too(start):
    server = start()
    (old,) = server.workers()
    server.process.send_signal(signal.SIGHUP)
    until(lambda: server.workers() and old not in server.workers())
    (new,) = server.workers()
    server.get()
    server.process.kill()
    server.process.wait()
    until(lambda: gone(new), patience=4)


def test_a_busy_worker_does_not_outlive_its_server_either(start):
    server = start()
    (worker,) = server.workers()
    with server.client() as client:
        client.send(b"GET /held_up HTTP/1.1\r\nHost: h\r\n\r\n")
        time.sleep(0.2)
        server.process.kill()
        server.process.wait()
        until(lambda: gone(worker), patience=2)


def test_a_server_may_listen_on_a_unix_socket(start, tmp_path):
    server = start(bind=[f"unix:{tmp_path}/socket"])
    assert server.note["addresses"] == [f"unix:{tmp_path}/socket"]
    client = Client.__new__(Client)
    client.buffer = b""
    client.socket = socket.socket(socket.AF_UNIX)
    client.socket.connect(f"{tmp_path}/socket")
    with client:
        assert client.ask().json["remote"] == "127.0.0.1"
    assert server.stop() == 0
    assert not (tmp_path / "socket").exists()


@pytest.mark.parametrize("app", ["falcon_hello", "falcon_quick"])
def test_falcon_is_served(start, app):
    server = start(app=f"apps:{app}")
    for tls in (False, True):
        with server.client(tls) as client:
            for method in ("GET", "HEAD", "POST", "DELETE"):
                answer = client.ask("/any//thing", method)
                assert answer.status == 200
                assert answer["Content-Length"] == "5"
                assert answer.body == (b"" if method == "HEAD" else b"hello")
