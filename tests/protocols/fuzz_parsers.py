"""Arbitrary bytes into every parser: a dict or an AwsError comes out, and nothing else.

Under pytest, Hypothesis does it (test_fuzz.py); `python -m tests.protocols.fuzz_parsers` runs atheris until stopped,
for `make fuzz`.
"""

from __future__ import annotations

import importlib
import sys

from app import protocols
from app.errors import AwsError
from app.http import BytesBody, Request

# One operation for each thing a parser can meet: recursion, blobs, maps, moments, headers, payloads, documents.
TARGETS = (
    ("json", "dynamodb", "PutItem"),
    ("json", "sqs", "SendMessageBatch"),
    ("json", "kinesis", "GetShardIterator"),
    ("query", "sqs", "SendMessageBatch"),
    ("query", "iam", "TagUser"),
    ("query", "cloudwatch", "PutMetricData"),
    ("ec2", "ec2", "RunInstances"),
    ("rest-json", "lambda", "CreateFunction"),
    ("rest-json", "lambda", "Invoke"),
    ("rest-json", "bedrock-runtime", "Converse"),
    ("rest-xml", "s3", "PutBucketLifecycleConfiguration"),
    ("rest-xml", "s3", "PutBucketAcl"),
    ("rest-xml", "s3", "ListObjectsV2"),
    ("rest-xml", "route53", "ChangeResourceRecordSets"),
    ("smithy-rpc-v2-cbor", "cloudwatch", "PutMetricData"),
)
HEADERS = ("x-amz-meta-a", "if-modified-since", "x-amz-client-context", "content-length", "x-amz-expected-bucket-owner")


def feed(protocol: str, service: str, operation: str, body: bytes, query: str, header: str, label: str) -> None:
    """Parse, check, and answer the error if there is one."""
    compiled = protocols.operation(service, operation)
    request = Request("POST", f"/?{query}", dict.fromkeys(HEADERS, header), BytesBody(body))
    labels = dict.fromkeys(("Bucket", "Key", "FunctionName", "Id", "modelId"), label)
    try:
        params = compiled.parse(protocol, request, labels)
        assert isinstance(params, dict)
        compiled.validate(params)
    except AwsError as error:
        response = protocols.serialize_error(service, operation, protocol, error, "id")
        assert 400 <= response.status < 500
        assert isinstance(response.body, bytes)


def main() -> None:
    """Fuzz with atheris, where it is installed."""
    try:
        import atheris
    except ImportError:
        sys.exit("atheris is not installed (pip install atheris): only the Hypothesis fuzzing of `make test` is run")

    global protocols
    for name in [name for name in sys.modules if name.startswith("app.protocols")]:
        del sys.modules[name]  # imported again, with counters at every branch for atheris to steer by
    with atheris.instrument_imports(include=["app.protocols"]):
        protocols = importlib.import_module("app.protocols")
        for target in TARGETS:  # imports what only some protocols need
            feed(*target, b"", "", "", "")

    def one(data: bytes) -> None:
        provider = atheris.FuzzedDataProvider(data)
        target = TARGETS[provider.ConsumeIntInRange(0, len(TARGETS) - 1)]
        texts = [provider.ConsumeUnicodeNoSurrogates(40) for _ in range(3)]
        feed(*target, provider.ConsumeBytes(10_000), *texts)

    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
