"""What routing answers."""

from __future__ import annotations

from typing import NamedTuple


class Route(NamedTuple):
    """Where a request goes."""

    service: str  # botocore's name: "sqs", "s3", …; or a pseudo service: "execute-api", "lambda-url", "s3-website"
    operation: str
    protocol: str  # "query", "ec2", "json" (1.0 and 1.1), "rest-json", "rest-xml" or "smithy-rpc-v2-cbor"
    labels: dict[str, str]  # percent-encoded URI labels by their name in the requestUri; SQS: "QueueUrl" of the path
    stack: str
    stack_at: str | None  # a seq, time or tag: the stack as it was then
    region: str
    account: str  # 12 digits
    access_key: str | None
