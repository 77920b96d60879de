"""The doorbell: hints between processes, never in the way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from journal.doorbell import Doorbell

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def pair(tmp_path):
    one, two = Doorbell(tmp_path / "run"), Doorbell(tmp_path / "run")
    yield one, two
    one.close()
    two.close()


def heard(bell: Doorbell) -> list[tuple[str, int, list[str]]]:
    return [(ring.stack, ring.seq, ring.resources) for ring in bell.heard()]


def test_a_ring_is_heard_by_all_others_and_not_by_oneself(pair):
    one, two = pair
    one.ring("main", 7, ["arn:a", "arn:b"])
    assert heard(two) == [("main", 7, ["arn:a", "arn:b"])]
    assert heard(one) == []
    assert heard(two) == []


def test_too_many_resources_are_told_as_anything(pair):
    one, two = pair
    one.ring("main", 1, [f"arn:{n}" for n in range(1000)])
    one.ring("main", 2, ["arn:" + "x" * 50_000])
    assert heard(two) == [("main", 1, []), ("main", 2, [])]


def test_a_listener_that_does_not_listen_stops_nobody(pair):
    one, two = pair
    for seq in range(5000):
        one.ring("main", seq, ["arn:a"])
    assert heard(two)[0] == ("main", 0, ["arn:a"])
    one.ring("main", 6000, [])
    assert heard(two) == [("main", 6000, [])]


def test_the_socket_of_a_killed_process_is_removed(tmp_path):
    folder = tmp_path / "run"
    program = (
        f"import os, sys; sys.path.insert(0, {str(ROOT)!r}); from journal.doorbell import Doorbell\n"
        f"Doorbell({str(folder)!r}); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program], check=False)
    assert len(os.listdir(folder)) == 1
    bell = Doorbell(folder)
    bell.ring("main", 1, [])
    assert os.listdir(folder) == [os.path.basename(bell.socket.getsockname())]
    bell.close()
    assert os.listdir(folder) == []


def test_noise_is_ignored(pair):
    one, two = pair
    one._send.sendto(b"\xff\xff noise", two.socket.getsockname())
    one.ring("main", 3, [])
    assert heard(two) == [("main", 3, [])]


def test_a_folder_too_deep_for_a_socket_address_works(tmp_path):
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    one, two = Doorbell(deep), Doorbell(deep)
    one.ring("main", 1, ["arn:a"])
    assert heard(two) == [("main", 1, ["arn:a"])]
    one.close()
    two.close()
    assert os.listdir(deep) == []
