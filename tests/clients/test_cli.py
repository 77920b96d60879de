"""The AWS CLI as people use it, beyond what examples/quickstart.sh does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

AWS = Path(sys.executable).with_name("aws")


@pytest.fixture
def aws(stack, tmp_path):
    """`aws("s3", "ls")`: run the CLI against a fresh stack; returns what it printed."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environ |= {
        "AWS_ACCESS_KEY_ID": "000000000000", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_PAGER": "", "AWS_CONFIG_FILE": str(tmp_path / "none"), "AWS_MAX_ATTEMPTS": "1",
    }  # fmt: skip

    def run(*words: str, fails: int = 0, **more) -> str:
        command = [sys.executable, str(AWS), "--endpoint-url", stack.url, *map(str, words)]
        ended = subprocess.run(
            command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120, check=False, **more
        )
        assert ended.returncode == fails, ended.stdout + ended.stderr
        return ended.stdout if not fails else ended.stderr

    return run


def test_a_folder_goes_to_s3_and_comes_back(aws, tmp_path):
    site = tmp_path / "site"
    (site / "css").mkdir(parents=True)
    (site / "index.html").write_text("<h1>Cairn</h1>")
    (site / "css" / "ä b.css").write_text("h1 {}")
    (site / "large.bin").write_bytes(bytes(range(256)) * 36_000)  # in parts
    for path in site.rglob("*"):
        os.utime(path, (1_700_000_000, 1_700_000_000))  # S3 counts whole seconds: what is younger is sent again
    aws("s3", "mb", "s3://site")
    aws("s3", "sync", "site", "s3://site/v1", "--only-show-errors")
    listed = aws("s3", "ls", "s3://site", "--recursive").splitlines()
    assert [line.split(maxsplit=3)[2:] for line in listed] == [
        ["5", "v1/css/ä b.css"], ["14", "v1/index.html"], ["9216000", "v1/large.bin"],
    ]  # fmt: skip
    assert aws("s3", "sync", "site", "s3://site/v1") == ""  # nothing has changed
    (site / "index.html").unlink()
    assert "delete: s3://site/v1/index.html" in aws("s3", "sync", "site", "s3://site/v1", "--delete")
    aws("s3", "cp", "s3://site/v1", "back", "--recursive", "--only-show-errors")
    assert (tmp_path / "back" / "large.bin").read_bytes() == (site / "large.bin").read_bytes()
    assert (tmp_path / "back" / "css" / "ä b.css").read_text() == "h1 {}"
    assert "BucketNotEmpty" in aws("s3", "rb", "s3://site", fails=1)
    assert "remove_bucket: site" in aws("s3", "rb", "s3://site", "--force")
    assert aws("s3", "ls") == ""


def test_copies_moves_pipes_and_presigned_urls(aws, stack):
    aws("s3", "mb", "s3://pipes")
    aws("s3", "cp", "-", "s3://pipes/in", input="through a pipe")
    aws("s3", "mv", "s3://pipes/in", "s3://pipes/moved", "--only-show-errors")
    assert aws("s3", "cp", "s3://pipes/moved", "-") == "through a pipe"
    url = aws("s3", "presign", "s3://pipes/moved").strip()
    assert url.startswith(stack.url + "/pipes/moved?")
    assert "NoSuchBucket" in aws("s3", "ls", "s3://absent", fails=255)


def test_pages_queries_and_waiting(aws, tmp_path):
    table = ("--table-name", "stones")
    aws(
        "dynamodb", "create-table", *table, "--billing-mode", "PAY_PER_REQUEST", "--key-schema",
        "AttributeName=id,KeyType=HASH", "--attribute-definitions", "AttributeName=id,AttributeType=S",
    )  # fmt: skip
    aws("dynamodb", "wait", "table-exists", *table)
    requests = {"stones": [{"PutRequest": {"Item": {"id": {"S": f"s{n}"}, "n": {"N": str(n)}}}} for n in range(9)]}
    (tmp_path / "items.json").write_text(json.dumps(requests))
    aws("dynamodb", "batch-write-item", "--request-items", "file://items.json")
    found = aws("dynamodb", "scan", *table, "--page-size", "2", "--query", "sort(Items[].id.S)", "--output", "json")
    assert json.loads(found) == [f"s{n}" for n in range(9)]
    assert "ResourceNotFoundException" in aws("dynamodb", "describe-table", "--table-name", "absent", fails=255)
    url = aws("sqs", "create-queue", "--queue-name", "jobs", "--query", "QueueUrl", "--output", "text").strip()
    aws("sqs", "send-message", "--queue-url", url, "--message-body", "work")
    assert (
        aws("sqs", "receive-message", "--queue-url", url, "--query", "Messages[0].Body", "--output", "text") == "work\n"
    )
