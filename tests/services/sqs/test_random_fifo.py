"""Any sequence of calls to a FIFO queue keeps its promises: order and locks by group, and no duplicate in five minutes."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import AwsError
from tests.services.sqs.inprocess import Stack

GROUPS = ["a", "b", "c"]


@dataclass
class Known:
    """A message of the model."""

    id: str
    visible: int
    receives: int = 0
    handle: str = ""


@dataclass
class Model:
    """A FIFO queue as its callers see it."""

    lines: dict[str, list[Known]] = field(default_factory=lambda: {group: [] for group in GROUPS})
    memory: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)  # scope, id -> message id, until
    handles: list[tuple[str, str, str]] = field(default_factory=list)  # handle, group, message id

    def available(self, group: str, now: int) -> list[Known]:
        """What can be received of a group: nothing while a message of it is in flight."""
        line = self.lines[group]
        if any(known.receives and known.visible > now for known in line):
            return []
        free = []
        for known in line:
            if known.visible > now:
                break
            free.append(known)
        return free


steps = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.sampled_from(GROUPS), st.sampled_from(["1", "2", "3", "4", "5", "6"])),
        st.tuples(st.just("receive"), st.integers(1, 10), st.sampled_from([0, 2, 10])),
        st.tuples(st.just("delete"), st.integers(0, 30)),
        st.tuples(st.just("change"), st.integers(0, 30), st.sampled_from([0, 1, 20])),
        st.tuples(st.just("pass"), st.sampled_from([0.001, 1, 3, 11, 301])),
        st.tuples(st.just("purge")),
    ),
    max_size=50,
)


@settings(max_examples=80, deadline=None)
@given(steps, st.sampled_from(["queue", "messageGroup"]), st.sampled_from([0, 2]))
def test_a_fifo_queue_keeps_its_promises(sequence: list[tuple[Any, ...]], scope: str, delay: int) -> None:
    folder = tempfile.mkdtemp(prefix="cairn-sqs-")
    stack = Stack(folder)
    try:
        attributes = {"FifoQueue": "true", "DeduplicationScope": scope, "DelaySeconds": str(delay)}
        url = stack("CreateQueue", QueueName="q.fifo", Attributes=attributes)["QueueUrl"]
        model = Model()
        for step in sequence:
            take(stack, url, model, step, scope, delay)
        everything = {known.id for line in model.lines.values() for known in line}
        drained: set[str] = set()
        for _ in range(2 * len(everything) + 1):
            stack.pass_time(60)
            for message in stack("ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
                drained.add(message["MessageId"])
                stack("DeleteMessage", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        assert drained == everything
        assert stack.differences() == []
    finally:
        stack.close()
        shutil.rmtree(folder)


def take(stack: Stack, url: str, model: Model, step: tuple[Any, ...], scope: str, delay: int) -> None:
    now = int(stack.time * 1000)
    match step:
        case ("send", group, deduplication):
            sent = stack(
                "SendMessage", QueueUrl=url, MessageBody="x", MessageGroupId=group, MessageDeduplicationId=deduplication
            )["MessageId"]
            key = (group if scope == "messageGroup" else "", deduplication)
            original, until = model.memory.get(key, ("", 0))
            if now < until:
                assert sent == original
            else:
                assert sent not in {known.id for line in model.lines.values() for known in line}
                model.memory[key] = (sent, now + 300_000)
                model.lines[group].append(Known(sent, now + delay * 1000))
        case ("receive", limit, visibility):
            free = {group: model.available(group, now) for group in GROUPS}
            answer = stack(
                "ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=limit, VisibilityTimeout=visibility,
                MessageSystemAttributeNames=["MessageGroupId"],
            )  # fmt: skip
            got = answer.get("Messages", [])
            assert len(got) == min(limit, sum(map(len, free.values())))
            for message in got:
                group = message["Attributes"]["MessageGroupId"]
                known = free[group].pop(0)
                assert message["MessageId"] == known.id
                known.visible = now + visibility * 1000
                known.receives += 1
                known.handle = message["ReceiptHandle"]
                model.handles.append((known.handle, group, known.id))
        case ("delete", which) if model.handles:
            handle, group, name = model.handles[which % len(model.handles)]
            known = next((known for known in model.lines[group] if known.id == name), None)
            late = known is not None and (known.handle != handle or known.visible <= now)
            assert refused(stack, "DeleteMessage", QueueUrl=url, ReceiptHandle=handle) is late
            if known is not None and not late:
                model.lines[group].remove(known)
        case ("change", which, seconds) if model.handles:
            handle, group, name = model.handles[which % len(model.handles)]
            known = next((known for known in model.lines[group] if known.id == name), None)
            bad = known is None or known.handle != handle or known.visible <= now
            asked = {"QueueUrl": url, "ReceiptHandle": handle, "VisibilityTimeout": seconds}
            assert refused(stack, "ChangeMessageVisibility", **asked) is bad
            if known is not None and not bad:
                known.visible = now + seconds * 1000
        case ("pass", seconds):
            stack.pass_time(seconds)
        case ("purge",):
            stack("PurgeQueue", QueueUrl=url)
            for line in model.lines.values():
                line.clear()


def refused(stack: Stack, operation: str, **params: Any) -> bool:
    try:
        stack(operation, **params)
    except AwsError as error:
        return error.code == "InvalidParameterValue"
    return False
