"""CBOR bodies of the smithy-rpc-v2-cbor protocol."""

from __future__ import annotations

import cbor2
import pytest

from tests.hostile.conftest import code_of

CBOR = {"smithy-protocol": "rpc-v2-cbor", "Content-Type": "application/cbor", "Accept": "application/cbor"}
CREATE = "/service/AmazonSQS/operation/CreateQueue"
NAME = b"\x69QueueName"
BROKEN = {
    "half a map": b"\xa1",
    "half a key": b"\xa1\x69Queue",
    "a key without a value": b"\xa1" + NAME,
    "text shorter than it says": b"\xa1" + NAME + b"\x64ab",
    "text of an exabyte": b"\xa1" + NAME + b"\x7b" + b"\x0f" + b"\xff" * 7,
    "bytes of an exabyte": b"\xa1" + NAME + b"\x5b" + b"\x0f" + b"\xff" * 7,
    "a list of an exabyte": b"\xa1" + NAME + b"\x9b" + b"\x0f" + b"\xff" * 7,
    "a map of an exabyte": b"\xbb" + b"\x0f" + b"\xff" * 7,
    "a list of four billion": b"\xa1" + NAME + b"\x9a\xff\xff\xff\xff",
    "an endless map": b"\xbf" + NAME + b"\x61a",
    "an endless list": b"\xa1" + NAME + b"\x9f\x01",
    "endless text": b"\xa1" + NAME + b"\x7f\x61a",
    "endless text of numbers": b"\xa1" + NAME + b"\x7f\x01\xff",
    "a break alone": b"\xff",
    "deep lists": b"\xa1" + NAME + b"\x81" * 200_000 + b"\x00",
    "deep maps": b"\xa1\x61a" * 200_000 + b"\x00",
    "deep endless lists": b"\xa1" + NAME + b"\x9f" * 200_000,
    "deep tags": b"\xa1" + NAME + b"\xc1" * 200_000 + b"\x00",
    "a list that holds itself": b"\xa1" + NAME + b"\xd8\x1c\x81\xd8\x1d\x00",
    "a reference to nothing": b"\xa1" + NAME + b"\xd8\x1d\x05",
    "a date out of range": b"\xa1" + NAME + b"\xc1\xfb\x7f\xef\xff\xff\xff\xff\xff\xff",
    "a date that is none": b"\xa1" + NAME + b"\xc0\x63abc",
    "a fraction by nothing": b"\xa1" + NAME + b"\xd8\x1e\x82\x01\x00",
    "a great number": b"\xa1" + NAME + b"\xc2\x58\xff" + b"\xff" * 255,
    "a great exponent": b"\xa1" + NAME + b"\xc4\x82\x1b\x7f\xff\xff\xff\xff\xff\xff\xff\x01",
    "a pattern": b"\xa1" + NAME + b"\xd8\x23\x66(a+)+$",
    "a message": b"\xa1" + NAME + b"\xd8\x24\x61a",
    "invalid UTF-8": b"\xa1" + NAME + b"\x62\xff\xfe",
    "a reserved length": b"\xa1" + NAME + b"\x1c",
    "a list for a key": b"\xa1\x81\x01\x01",
    "a map for a key": b"\xa1\xa0\x01",
    "a second document": cbor2.dumps({"QueueName": "b"}) + b"\x00",
    "JSON": b'{"QueueName": "b"}',
    "undefined": b"\xa1" + NAME + b"\xf7",
    "a simple value": b"\xa1" + NAME + b"\xf8\xff",
    "a list": cbor2.dumps(["b"]),
    "text": cbor2.dumps("b"),
    "nothing": b"\xf6",
    "a number for a name": cbor2.dumps({"QueueName": 1}),
    "bytes for a name": cbor2.dumps({"QueueName": b"b"}),
    "a list for a name": cbor2.dumps({"QueueName": ["b"]}),
    "NUL in a name": cbor2.dumps({"QueueName": "b\0"}),
    "a number among attributes": cbor2.dumps({"QueueName": "b", "Attributes": {"DelaySeconds": 1}}),
    "a number for attributes' name": cbor2.dumps({"QueueName": "b", "Attributes": {1: "1"}}),
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_a_body_that_is_no_cbor_is_refused(victim, body):
    answer = victim.call("sqs", body, CBOR, CREATE)
    assert answer.status == 400, answer.body
    assert answer["smithy-protocol"] == "rpc-v2-cbor"
    assert code_of(answer)


@pytest.mark.parametrize(
    "target",
    [
        "/service/AmazonSQS/operation/Nonsense", "/service/Nonsense/operation/CreateQueue", "/service//operation/",
        "/operation/CreateQueue", "/service/AmazonSQS/operation/..%2fCreateQueue", "/",
    ],
)  # fmt: skip
def test_a_path_that_names_no_operation_is_refused_in_cbor(victim, target):
    answer = victim.call("sqs", cbor2.dumps({"QueueName": "b"}), CBOR, target)
    assert 400 <= answer.status < 500 or answer.status == 501
    assert code_of(answer)
