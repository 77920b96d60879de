"""What one worker has answered, every worker knows."""

from __future__ import annotations

import uuid

import pytest

from tests.workers.conftest import Refused, one_of_each

TABLE = {
    "TableName": "stones", "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
}  # fmt: skip


def test_what_one_worker_wrote_the_other_reads(two):
    two[0].call("dynamodb", "CreateTable", **TABLE)
    for n in range(100):
        writer, reader = two[n % 2], two[(n + 1) % 2]
        item = {"id": {"S": "stone"}, "n": {"N": str(n)}}
        writer.call("dynamodb", "PutItem", TableName="stones", Item=item)
        assert reader.call("dynamodb", "GetItem", TableName="stones", Key={"id": {"S": "stone"}})["Item"] == item


def test_a_counter_that_both_workers_raise_misses_nothing(two):
    two[0].call("dynamodb", "CreateTable", **TABLE)
    for n in range(1, 101):
        raised = two[n % 2].call(
            "dynamodb", "UpdateItem", TableName="stones", Key={"id": {"S": "n"}}, ReturnValues="UPDATED_NEW",
            UpdateExpression="ADD n :one", ExpressionAttributeValues={":one": {"N": "1"}},
        )  # fmt: skip
        assert raised["Attributes"] == {"n": {"N": str(n)}}


def test_objects_and_queues_are_everybodys_at_once(two):
    two[0].s3("PUT", "/things")
    for n in range(20):
        writer, reader = two[n % 2], two[(n + 1) % 2]
        body = bytes([n]) * 10_000  # in the blob store
        writer.s3("PUT", f"/things/{n}", body)
        assert reader.s3("GET", f"/things/{n}") == body
        url = writer.call("sqs", "CreateQueue", QueueName=f"jobs-{n}")["QueueUrl"]
        reader.call("sqs", "SendMessage", QueueUrl=url, MessageBody="work")
        assert writer.call("sqs", "ReceiveMessage", QueueUrl=url)["Messages"][0]["Body"] == "work"
        writer.s3("DELETE", f"/things/{n}")
        with pytest.raises(Refused, match="NoSuchKey"):
            reader.s3("GET", f"/things/{n}")


@pytest.fixture
def other(pair):
    """The name of a stack that is not there yet, and a connection to each worker that means it."""
    name = f"w{uuid.uuid4().hex[:12]}"
    workers = one_of_each(pair, name)
    yield name, workers
    for worker in workers:
        worker.close()


def tables(worker):
    """Return the tables of the worker's stack, None where there is no stack."""
    try:
        return worker.call("dynamodb", "ListTables")["TableNames"]
    except Refused as refused:
        if refused.args[0] == 404 and b"NoSuchStack" in refused.args[1]:
            return None
        raise


def test_a_stack_made_deleted_and_made_again_on_one_worker_is_so_on_the_other(other):
    name, (one, two) = other
    for _ in range(3):
        assert tables(two) is None
        one.admin("POST", "/_cairn/stacks", {"name": name})
        assert tables(two) == []
        two.call("dynamodb", "CreateTable", **TABLE)
        assert tables(one) == ["stones"]
        one.admin("DELETE", f"/_cairn/stacks/{name}")
        assert tables(two) is None


def test_a_stack_replaced_on_one_worker_is_replaced_on_the_other(other):
    name, (one, two) = other
    one.admin("POST", "/_cairn/stacks", {"name": name})
    empty = one.ask("GET", f"/_cairn/snapshot?stack={name}", None, {})
    two.call("dynamodb", "CreateTable", **TABLE)
    full = two.ask("GET", f"/_cairn/snapshot?stack={name}", None, {})
    for snapshot, found in [(empty, []), (full, ["stones"]), (empty, [])]:
        one.ask("POST", f"/_cairn/snapshot?into={name}&replace=1", snapshot, {})
        assert tables(one) == found
        assert tables(two) == found
    one.admin("DELETE", f"/_cairn/stacks/{name}")


def test_nothing_is_acknowledged_into_a_stack_that_is_gone(other):
    name, (one, two) = other
    for _ in range(10):
        one.admin("POST", "/_cairn/stacks", {"name": name})
        assert tables(two) == []
        one.admin("DELETE", f"/_cairn/stacks/{name}")
        with pytest.raises(Refused, match="NoSuchStack"):
            two.call("dynamodb", "CreateTable", **TABLE)


def test_a_stack_forked_on_one_worker_is_there_on_the_other(two, other):
    two[0].call("dynamodb", "CreateTable", **TABLE)
    name, (one, another) = other
    one.admin("POST", "/_cairn/stacks", {"name": name, "from": two[0]._stack})
    assert tables(another) == ["stones"]
    another.call("dynamodb", "DeleteTable", TableName="stones")
    assert tables(one) == []
    assert tables(two[1]) == ["stones"]
    one.admin("DELETE", f"/_cairn/stacks/{name}")
