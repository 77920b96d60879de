"""Forms of the query protocol."""

from __future__ import annotations

import time

import pytest

from tests.hostile.conftest import code_of

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CREATE = b"Version=2012-11-05&Action=CreateQueue&"


@pytest.mark.parametrize(
    "rest",
    [
        b"", b"QueueName", b"QueueName=", b"QueueName=%00", b"QueueName=%ff%fe", b"QueueName=%ED%A0%80", b"QueueName=%",
        b"QueueName=%zz", b"QueueName=\xff", b"QueueName=\0", b"&&&&==&=&", b"QueueName=" + b"a" * 100_000,
        b"QueueName=a/../b", b"QueueName.1=a", b"QueueName.a.b.c=a", b"." * 10_000 + b"=a", b"=a", b"a=" * 10_000,
        b"QueueName=b&Attribute.1.Name=Nonsense&Attribute.1.Value=1",
        b"QueueName=b&Attribute.1.Name=DelaySeconds&Attribute.1.Value=soon",
        b"QueueName=b&Attribute.1.Name.x=DelaySeconds&Attribute.1.Value=soon",
        b"QueueName=b&Attribute=DelaySeconds",
        b"QueueName=b&Attribute.1=DelaySeconds",
    ],
    ids=range(23),
)  # fmt: skip
def test_a_form_that_is_none_is_refused(victim, rest):
    answer = victim.call("sqs", CREATE + rest, FORM)
    assert answer.status == 400, answer.body
    assert answer["Content-Type"].startswith("text/xml")
    assert code_of(answer)


@pytest.mark.parametrize("index", ["x", "-1", "%D9%A1", "99999999999999999999", "1000000000", "", "1e3", " 1"])
def test_an_index_that_is_none_names_nothing(wall, index):
    form = f"QueueName=b&Attribute.{index}.Name=DelaySeconds&Attribute.{index}.Value=soon"
    assert wall.call("sqs", CREATE + form.encode(), FORM).status == 200


def test_indices_far_apart_and_very_many_are_no_burden(victim):
    rest = b"&".join(b"Attribute.%d.Name=a" % (number * 1000) for number in range(50_000))
    began = time.monotonic()
    answer = victim.call("sqs", CREATE + b"QueueName=b&" + rest, FORM)
    assert answer.status == 400, answer.body
    assert time.monotonic() - began < 60


@pytest.mark.parametrize(
    "form",
    [
        b"", b"Action=", b"Action=Nonsense", b"Action=Nonsense&Version=1", b"Version=2012-11-05", b"Action=%00",
        b"Action=%ff", b"Action=../CreateQueue", b"action=CreateQueue&QueueName=a", b"Action=\xff",
        b"Action=CreateQueue%00&QueueName=a", b"Action=" + b"A" * 1_000_000,
    ],
    ids=range(12),
)  # fmt: skip
@pytest.mark.parametrize("service", ["sqs", "sts"])
def test_an_action_that_is_none_is_named_so(victim, service, form):
    answer = victim.call(service, form, FORM)
    assert answer.status in (400, 404)
    assert code_of(answer) in ("InvalidAction", "MissingAction", "UnknownOperationException")


@pytest.mark.parametrize("seconds", ["-1", "0", "899", "43201", "9" * 400, "1e3", "soon", "%00", "", "%D9%A1"])
def test_numbers_that_are_none_are_refused(victim, seconds):
    form = "Action=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::000000000000:role/a&RoleSessionName=ab"
    answer = victim.call("sts", f"{form}&DurationSeconds={seconds}".encode(), FORM)
    assert answer.status == 400, answer.body
    assert code_of(answer) in ("ValidationError", "MalformedInput")
