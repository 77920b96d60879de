"""A full disk: writes are refused cleanly, reads go on, writes resume with the space, and nothing acknowledged is lost."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

import projections
from journal.stacks import Stacks
from journal.verify import verify_stack
from tests.conftest import Server, StackUnderTest
from tests.replaying import differences

MIB = 1 << 20


@contextlib.contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """A tmpfs of some bytes; the test is skipped where mounting is not allowed."""
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "cairn-faults", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"a full disk needs a mounted tmpfs, which is not allowed here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


class Disk:
    """A server whose data lies on a small disk, most of which can be taken and given back."""

    def __init__(self, folder: Path, log: Path, durability: str) -> None:
        self.ballast = folder / "ballast"
        self.server = Server(folder / "data", CAIRN_DURABILITY=durability, CAIRN_LOG_LEVEL="warn")
        self.server.log = log
        self.server.start()
        self.stack = StackUnderTest(self.server, "main")

    def fill(self) -> None:
        """Leave no room at all."""
        with self.ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            for size in (MIB, 4096):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"0" * size)

    def free(self) -> None:
        """Give the room back."""
        self.ballast.unlink()


@pytest.fixture(params=["strict", "relaxed"])
def disk(request, tmp_path) -> Iterator[Disk]:
    """A server on a disk of 24 MiB."""
    with small_disk(tmp_path / "disk", 24 * MIB) as folder:
        made = Disk(folder, tmp_path / "server.log", request.param)
        yield made
        made.server.stop()


def refused_for_space(work) -> None:
    """Expect 507 InsufficientStorage."""
    with pytest.raises(ClientError) as caught:
        work()
    answer = caught.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 507, answer
    assert "InsufficientStorage" in answer["Error"]["Code"], answer


def until_refused(work) -> int:
    """Do it until there is no room; return how often it was done."""
    for done in range(20_000):
        try:
            work(done)
        except ClientError as refused:
            answer = refused.response
            break
    else:
        raise AssertionError("the disk never fills")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 507, answer
    return done


def whole(server: Server) -> None:
    """Assert that the stack of a stopped server is whole."""
    stacks = Stacks(server.data, projections.find, readonly=True)
    assert [str(problem) for problem in verify_stack(stacks, "main")] == []
    stacks.close()
    assert differences(server.data, "main") == []


def test_commits_on_a_full_disk_are_refused_and_resume(disk):
    sqs, table = disk.stack.client("sqs"), disk.stack.client("dynamodb")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    table.create_table(
        TableName="table", KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST",
    )  # fmt: skip

    def put(n: int | str) -> None:
        table.put_item(TableName="table", Item={"k": {"S": str(n)}, "data": {"S": "d" * 3000}})

    def has(n: int | str) -> bool:
        return "Item" in table.get_item(TableName="table", Key={"k": {"S": str(n)}}, ConsistentRead=True)

    put("before")
    disk.fill()
    kept = until_refused(put)
    for _ in range(3):
        refused_for_space(lambda: put("refused"))
        refused_for_space(lambda: [sqs.send_message(QueueUrl=queue, MessageBody="m" * 3000) for _ in range(200)])
    assert has("before")
    assert not has("refused")
    assert all(has(n) for n in range(kept))
    assert queue in sqs.list_queues()["QueueUrls"]
    disk.free()
    put("after")
    sqs.send_message(QueueUrl=queue, MessageBody="after")
    disk.server.kill()
    disk.server.start()
    assert has("before")
    assert has("after")
    assert all(has(n) for n in range(kept))
    assert not has("refused")
    disk.server.stop()
    whole(disk.server)


def test_objects_on_a_full_disk_are_refused_and_resume(disk):
    s3 = disk.stack.client("s3")
    s3.create_bucket(Bucket="bucket")
    body = bytes(range(256)) * (MIB // 256)

    def put(n: int | str) -> None:
        s3.put_object(Bucket="bucket", Key=str(n), Body=body)

    def get(n: int | str) -> bytes:
        return s3.get_object(Bucket="bucket", Key=str(n))["Body"].read() if has(n) else b""

    def has(n: int | str) -> bool:
        return str(n) in [entry["Key"] for entry in s3.list_objects_v2(Bucket="bucket").get("Contents", [])]

    def put_other(n: int) -> None:
        s3.put_object(Bucket="bucket", Key=f"other-{n}", Body=str(n).encode() + body)

    put("before")
    kept = until_refused(put_other)
    assert kept > 3
    refused_for_space(lambda: put_other(kept))
    disk.fill()
    refused_for_space(lambda: put_other(kept))
    assert get("before") == body
    assert not has(f"other-{kept}")
    assert list((disk.server.data / "blobs" / "tmp").iterdir()) == []
    with contextlib.suppress(FileNotFoundError):
        disk.free()
    s3.delete_object(Bucket="bucket", Key="before")
    s3.put_object(Bucket="bucket", Key="after", Body=b"small again" * 1000)
    disk.server.kill()
    disk.server.start()
    assert s3.get_object(Bucket="bucket", Key="after")["Body"].read() == b"small again" * 1000
    assert get("other-0") == b"0" + body
    disk.server.stop()
    whole(disk.server)
