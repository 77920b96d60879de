"""One server a module, for the tests that leave it as they found it."""

from __future__ import annotations

import pytest

from .serving import Server


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with files that the server can be asked for; what the server's app notes down is in it too."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "small").write_bytes(bytes(range(256)) * 4)
    (folder / "large").write_bytes(b"".join(number.to_bytes(4, "big") for number in range(2_000_000)))
    return folder


@pytest.fixture(scope="module")
def server(files):
    """A server with the app of apps.routes; its times are short, so that tests of them are."""
    limits = {"head_timeout": 1.5, "body_timeout": 1.5, "send_timeout": 1.5, "handshake_timeout": 1.5}
    server = Server(files / "data", limits={**limits, "linger_timeout": 0.5}, keepalive=3)
    yield server
    assert server.stop() == 0, server.log


@pytest.fixture
def client(server):
    """A connection to it."""
    with server.client() as client:
        yield client


@pytest.fixture
def start(tmp_path):
    """Start servers of one's own: start(name="data", **options)."""
    servers = []

    def start(name="data", **options):
        servers.append(Server(tmp_path / name, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
