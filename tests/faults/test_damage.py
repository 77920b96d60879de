"""Damaged files: what no longer has its hash or chain is never served as if it were good."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

import projections
from journal.stacks import Stacks
from tests.conftest import ROOT, Server, StackUnderTest


@pytest.fixture
def damaged(tmp_path):
    """A server of the test's own, whose files may be damaged."""
    server = Server(tmp_path / "data", CAIRN_DURABILITY="relaxed").start()
    yield server
    server.stop()


def blob_files(server: Server, size: int) -> list[Path]:
    """Return the blob files of a size."""
    return [path for path in (server.data / "blobs").glob("??/*") if path.stat().st_size == size]


def flip(path: Path, at: int) -> None:
    """Flip one bit of a file, in place."""
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 0x10]))


def verify(server: Server) -> tuple[int, str]:
    """Run `cairn verify` on the data directory; return its exit status and what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "tools.main", "verify", "--data", str(server.data)],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def refused(work) -> None:
    """Expect a clean 5xx, and no contents."""
    with pytest.raises(ClientError) as caught:
        work()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] >= 500


@pytest.mark.parametrize("read_before", [False, True], ids=["never read", "read before"])
def test_an_object_with_a_flipped_byte_is_refused(damaged, read_before):
    s3 = StackUnderTest(damaged, "main").client("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="good", Body=b"g" * 100_000)
    s3.put_object(Bucket="bucket", Key="bad", Body=b"b" * 100_001)
    if read_before:
        assert s3.get_object(Bucket="bucket", Key="bad")["Body"].read() == b"b" * 100_001
    (file,) = blob_files(damaged, 100_001)
    flip(file, 50_000)
    refused(lambda: s3.get_object(Bucket="bucket", Key="bad")["Body"].read())
    refused(lambda: s3.get_object(Bucket="bucket", Key="bad", Range="bytes=0-10")["Body"].read())
    assert s3.get_object(Bucket="bucket", Key="good")["Body"].read() == b"g" * 100_000
    status, said = verify(damaged)
    assert status == 1
    assert file.parent.name + file.name in said
    flip(file, 50_000)
    assert s3.get_object(Bucket="bucket", Key="bad")["Body"].read() == b"b" * 100_001
    assert verify(damaged)[0] == 0


def test_an_object_whose_file_is_gone_is_refused(damaged):
    s3 = StackUnderTest(damaged, "main").client("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="k", Body=b"b" * 100_001)
    blob_files(damaged, 100_001)[0].unlink()
    refused(lambda: s3.get_object(Bucket="bucket", Key="k")["Body"].read())
    s3.put_object(Bucket="bucket", Key="k", Body=b"b" * 100_001)  # the same contents again make it whole
    assert s3.get_object(Bucket="bucket", Key="k")["Body"].read() == b"b" * 100_001


def test_a_message_with_a_flipped_byte_is_refused(damaged):
    sqs = StackUnderTest(damaged, "main").client("sqs")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="m" * 50_000)
    (file,) = blob_files(damaged, 50_000)
    flip(file, 25_000)
    refused(lambda: sqs.receive_message(QueueUrl=queue))
    flip(file, 25_000)
    assert sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "m" * 50_000


def test_a_flipped_byte_of_an_event_is_named_and_never_folded(damaged):
    table = StackUnderTest(damaged, "main").client("dynamodb")
    table.create_table(
        TableName="table", KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST",
    )  # fmt: skip
    for n in range(20):
        table.put_item(TableName="table", Item={"k": {"S": str(n)}, "data": {"S": f"what item {n:03} says"}})
    damaged.stop()
    reader = Stacks(damaged.data, projections.find, readonly=True)
    with reader.get().view() as view:
        seq, record = next((seq, bytes(raw)) for seq, raw in view.records() if b"what item 007 says" in raw)
    reader.close()
    file = damaged.data / "stacks" / "main" / "data.mdb"
    contents = file.read_bytes()
    at = contents.find(record)
    while at >= 0:
        flip(file, at + record.find(b"007"))
        at = contents.find(record, at + 1)
    status, said = verify(damaged)
    assert status == 1
    assert f"event {seq}" in said
    writer = Stacks(damaged.data, projections.find, "relaxed")
    writer.get().write(lambda w: w.set_meta("projection/dynamodb", [0]))  # as if a later release had other folds
    writer.close()
    damaged.start()
    refused(lambda: table_again(damaged).get_item(TableName="table", Key={"k": {"S": "7"}}))
    sqs = StackUnderTest(damaged, "main").client("sqs")
    assert sqs.create_queue(QueueName="still-served")["QueueUrl"]


def table_again(server: Server):
    """A client on the server's port of now."""
    return StackUnderTest(server, "main").client("dynamodb")
