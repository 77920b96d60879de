"""Killed at any moment: nothing acknowledged is lost, nothing is half there, and the journal is whole.

CAIRN_CRASH_ROUNDS=1000 for more rounds (`make crash N=1000`), CAIRN_CRASH_SEED to have the same writes and moments again.
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

import projections
from journal.stacks import Stacks
from journal.verify import verify_stack
from tests.conftest import Server
from tests.faults import load
from tests.replaying import differences

ROUNDS = int(os.environ.get("CAIRN_CRASH_ROUNDS", "20"))
SEED = os.environ.get("CAIRN_CRASH_SEED") or str(random.randrange(10**9))


def children(pid: int) -> list[int]:
    """Return the processes that a process started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def problems(data: Path) -> list[str]:
    """Verify the stack, from another process than its server's."""
    stacks = Stacks(data, projections.find, readonly=True)
    try:
        return [str(problem) for problem in verify_stack(stacks, "main")]
    finally:
        stacks.close()


def kill_children(server: Server, rng: random.Random) -> None:
    """SIGKILL workers (or the dispatcher) once or twice while calls are under way; the server replaces them."""
    assert server.process is not None
    for _ in range(rng.choice([1, 1, 2])):
        time.sleep(rng.uniform(0.05, 0.5))
        alive = children(server.process.pid)
        if alive:
            os.kill(rng.choice(alive), signal.SIGKILL)
    time.sleep(0.1)


def kill_all(server: Server, rng: random.Random) -> None:
    """SIGKILL every process of the server at once."""
    time.sleep(rng.uniform(0.05, 0.8))
    server.kill()


def answers_again(server: Server) -> None:
    """Wait until a replaced worker serves."""
    deadline = time.monotonic() + 30
    while True:
        try:
            server.get("/_cairn/health")
            return
        except OSError:
            assert time.monotonic() < deadline, "no worker came back"
            time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.timeout(180 + 15 * ROUNDS)
def test_nothing_acknowledged_is_lost_and_nothing_is_half_there(tmp_path):
    print(f"\nCAIRN_CRASH_SEED={SEED} CAIRN_CRASH_ROUNDS={ROUNDS}")
    rng = random.Random(SEED)
    server = Server(tmp_path / "data", CAIRN_DURABILITY="strict", CAIRN_WORKERS="2", CAIRN_LOG_LEVEL="warn").start()
    rounds: list[load.Round] = []
    try:
        aws = load.clients(server.url)
        queue = load.set_up(aws)
        for number in range(ROUNDS):
            writes = load.Round(number, SEED, aws, queue)
            rounds.append(writes)
            writes.start()
            whole_group = rng.random() < 0.6
            (kill_all if whole_group else kill_children)(server, rng)
            writes.stop()
            if whole_group:
                assert problems(server.data) == []
                server.start()
            else:
                answers_again(server)
                assert problems(server.data) == []
            writes.check()
        written = sum(len(names) for writes in rounds for names in writes.acknowledged.values())
        print(f"{written} acknowledged writes in {ROUNDS} rounds")
        assert written > 10 * ROUNDS
        for writes in rounds:
            writes.check(messages=False)  # the first rounds' writes have been through all later crashes
        server.stop()
        assert problems(server.data) == []
        assert differences(server.data, "main") == []
    finally:
        if server.process is not None and server.process.poll() is None:
            server.kill()
