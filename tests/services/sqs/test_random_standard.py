"""Any sequence of calls to a standard queue does what a small model of one does, and replays to the same tables."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import AwsError
from tests.services.sqs.inprocess import Stack

RETENTION = 120


@dataclass
class Known:
    """A message of the model."""

    id: str
    order: int
    sent: int
    visible: int
    receives: int = 0
    received: int = 0


@dataclass
class Model:
    """A standard queue as its callers see it."""

    messages: dict[str, Known] = field(default_factory=dict)
    handles: list[tuple[str, str]] = field(default_factory=list)  # handle, message id
    sent: int = 0

    def alive(self, now: int) -> list[Known]:
        return [known for known in self.messages.values() if known.sent > now - RETENTION * 1000]

    def visible(self, now: int) -> list[Known]:
        waiting = [known for known in self.alive(now) if known.visible <= now]
        return sorted(waiting, key=lambda known: (known.visible, known.order))


steps = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.sampled_from([None, 0, 1, 30])),
        st.tuples(st.just("batch"), st.integers(1, 10)),
        st.tuples(st.just("receive"), st.integers(1, 10), st.sampled_from([None, 0, 1, 5])),
        st.tuples(st.just("delete"), st.integers(0, 40)),
        st.tuples(st.just("change"), st.integers(0, 40), st.sampled_from([0, 1, 20])),
        st.tuples(st.just("pass"), st.sampled_from([0.001, 0.5, 1, 7, 45, 121])),
        st.tuples(st.just("purge")),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(steps)
def test_a_standard_queue_is_its_model(sequence: list[tuple[Any, ...]]) -> None:
    folder = tempfile.mkdtemp(prefix="cairn-sqs-")
    stack = Stack(folder)
    try:
        attributes = {"MessageRetentionPeriod": str(RETENTION), "VisibilityTimeout": "3"}
        url = stack("CreateQueue", QueueName="q", Attributes=attributes)["QueueUrl"]
        model = Model()
        for step in sequence:
            take(stack, url, model, step)
            check_counts(stack, url, model)
        assert stack.differences() == []
    finally:
        stack.close()
        shutil.rmtree(folder)


def take(stack: Stack, url: str, model: Model, step: tuple[Any, ...]) -> None:
    now = int(stack.time * 1000)
    match step:
        case ("send", delay):
            sent = stack("SendMessage", QueueUrl=url, MessageBody="x", DelaySeconds=delay)
            note(model, sent["MessageId"], now, delay or 0)
        case ("batch", count):
            entries = [{"Id": str(n), "MessageBody": "x"} for n in range(count)]
            for sent in stack("SendMessageBatch", QueueUrl=url, Entries=entries)["Successful"]:
                note(model, sent["MessageId"], now, 0)
        case ("receive", limit, visibility):
            expected = model.visible(now)[:limit]
            answer = stack(
                "ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=limit, VisibilityTimeout=visibility,
                MessageSystemAttributeNames=["All"],
            )  # fmt: skip
            got = answer.get("Messages", [])
            assert [message["MessageId"] for message in got] == [known.id for known in expected]
            for message, known in zip(got, expected, strict=True):
                known.receives += 1
                known.received = now
                known.visible = now + (3 if visibility is None else visibility) * 1000
                assert message["Attributes"]["ApproximateReceiveCount"] == str(known.receives)
                assert message["Attributes"]["SentTimestamp"] == str(known.sent)
                model.handles.append((message["ReceiptHandle"], known.id))
        case ("delete", which) if model.handles:
            handle, name = model.handles[which % len(model.handles)]
            stack("DeleteMessage", QueueUrl=url, ReceiptHandle=handle)
            model.messages.pop(name, None)
        case ("change", which, seconds) if model.handles:
            handle, name = model.handles[which % len(model.handles)]
            known = model.messages.get(name)
            if known is None:
                with pytest.raises(AwsError, match="InvalidParameterValue"):
                    stack("ChangeMessageVisibility", QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=seconds)
            elif known.visible <= now:
                with pytest.raises(AwsError, match="MessageNotInflight"):
                    stack("ChangeMessageVisibility", QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=seconds)
            else:
                stack("ChangeMessageVisibility", QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=seconds)
                known.visible = now + seconds * 1000
        case ("pass", seconds):
            stack.pass_time(seconds)
        case ("purge",):
            stack("PurgeQueue", QueueUrl=url)
            model.messages.clear()


def note(model: Model, name: str, now: int, delay: int) -> None:
    model.sent += 1
    model.messages[name] = Known(name, model.sent, now, now + delay * 1000)


def check_counts(stack: Stack, url: str, model: Model) -> None:
    now = int(stack.time * 1000)
    alive = model.alive(now)
    has = stack("GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert has["ApproximateNumberOfMessages"] == str(len(model.visible(now)))
    hidden = [known for known in alive if known.visible > now]
    assert has["ApproximateNumberOfMessagesNotVisible"] == str(sum(known.receives > 0 for known in hidden))
    assert has["ApproximateNumberOfMessagesDelayed"] == str(sum(known.receives == 0 for known in hidden))
