"""Bucket configuration documents that are stored, validated and given back: a table of them, and three functions.

What more a document means is in settings.py (versioning, ownership, public access, policy, …) and in locks.py.
Source: Amazon S3 API Reference, the Put…, Get… and Delete… operations of each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from app.services import AwsError, Call, Outcome, State, answer, command, emit, query
from app.services.s3.places import bucket_arn, bucket_of
from projections.s3 import Bucket, BucketConfigured, BucketUnconfigured, configurations

MALFORMED = "The XML you provided was not well-formed or did not validate against our published schema"
Check = Callable[[Call, State, Bucket, dict[str, Any]], None]


class Missing(NamedTuple):
    """The error of a document that is not there."""

    code: str
    message: str


class Kind(NamedTuple):
    """A kind of configuration document: its operations, and how it travels."""

    kind: str
    get: str | None
    put: str | None
    delete: str | None
    param: str  # the document's member in the request
    member: str | None = None  # … and in the answer; None where the document's members are the answer's
    missing: Missing | None = None  # None: an empty answer
    check: Check | None = None


def malformed() -> AwsError:
    """Return the error for a document that does not follow the schema."""
    return AwsError("MalformedXML", MALFORMED, status=400)


def put(call: Call, bucket: Bucket, kind: str, document: dict[str, Any], id: str = "") -> Outcome:
    """Emit that a document was put."""
    event = BucketConfigured(bucket.name, bucket.id, kind, document, id)
    return emit(event, bucket_arn(bucket.name), account=bucket.account, region=bucket.region)


def kept(state: State, bucket: Bucket, kind: str, id: str = "") -> dict[str, Any] | None:
    """Return a bucket's document of a kind."""
    found = state[configurations].get(bucket.id, kind, id)
    return None if found is None else found.document


def unput(state: State, bucket: Bucket, kind: str, id: str = "") -> Outcome:
    """Emit that a document was deleted, where there is one."""
    if kept(state, bucket, kind, id) is None:
        return answer()
    event = BucketUnconfigured(bucket.name, bucket.id, kind, id)
    return emit(event, bucket_arn(bucket.name), account=bucket.account, region=bucket.region)


def declare(kind: Kind) -> None:
    """Register the operations of a kind."""
    if kind.get is not None:

        @query("s3", kind.get)
        def get_document(call: Call, state: State) -> Outcome:
            bucket = bucket_of(call, state)
            document = kept(state, bucket, kind.kind)
            if document is None:
                if kind.missing is None:
                    return answer()
                raise AwsError(kind.missing.code, kind.missing.message, status=404, BucketName=bucket.name)
            return answer(**{kind.member: document}) if kind.member else answer(**document)

    if kind.put is not None:

        @command("s3", kind.put)
        def put_document(call: Call, state: State) -> Outcome:
            bucket = bucket_of(call, state)
            document = call.params.get(kind.param)
            if document is None:
                raise AwsError("MissingRequestBodyError", "Request Body is empty", status=400)
            if kind.check is not None:
                kind.check(call, state, bucket, document)
            return put(call, bucket, kind.kind, document)

    if kind.delete is not None:

        @command("s3", kind.delete)
        def delete_document(call: Call, state: State) -> Outcome:
            return unput(state, bucket_of(call, state), kind.kind)


# Documents of which a bucket may have several, told apart by an id: analytics, inventory, metrics, intelligent tiering.
class Several(NamedTuple):
    """A kind of which there are several."""

    kind: str
    name: str  # as in the operations: Analytics, …
    listing: str  # the operation that lists them
    members: str  # the listing's member


def declare_several(several: Several) -> None:
    """Register the operations of a kind of which there are several."""
    param, noun = f"{several.name}Configuration", f"Bucket{several.name}Configuration"

    @query("s3", f"Get{noun}")
    def get_one(call: Call, state: State) -> Outcome:
        bucket = bucket_of(call, state)
        document = kept(state, bucket, several.kind, call.params["Id"])
        if document is None:
            raise AwsError("NoSuchConfiguration", "The specified configuration does not exist.", status=404)
        return answer(**{param: document})

    @command("s3", f"Put{noun}")
    def put_one(call: Call, state: State) -> Outcome:
        bucket = bucket_of(call, state)
        document = call.params.get(param)
        if document is None or document.get("Id") != call.params["Id"]:
            raise malformed()
        return put(call, bucket, several.kind, document, call.params["Id"])

    @command("s3", f"Delete{noun}")
    def delete_one(call: Call, state: State) -> Outcome:
        bucket = bucket_of(call, state)
        if kept(state, bucket, several.kind, call.params["Id"]) is None:
            raise AwsError("NoSuchConfiguration", "The specified configuration does not exist.", status=404)
        return unput(state, bucket, several.kind, call.params["Id"])

    @query("s3", several.listing)
    def list_all(call: Call, state: State) -> Outcome:
        bucket = bucket_of(call, state)
        token = call.params.get("ContinuationToken")
        after = (token,) if token else None
        found: list[dict[str, Any]] = []
        more = None
        for key, row in state[configurations].scan(bucket.id, several.kind, after=after):
            if len(found) == 100:
                more = found[-1]["Id"]
                break
            found.append({"Id": key[2], **row.document})
        return answer(
            **{several.members: found or None}, IsTruncated=more is not None, NextContinuationToken=more,
            ContinuationToken=token,
        )  # fmt: skip


for each in (
    Several("analytics", "Analytics", "ListBucketAnalyticsConfigurations", "AnalyticsConfigurationList"),
    Several("inventory", "Inventory", "ListBucketInventoryConfigurations", "InventoryConfigurationList"),
    Several("metrics", "Metrics", "ListBucketMetricsConfigurations", "MetricsConfigurationList"),
    Several(
        "intelligent-tiering", "IntelligentTiering", "ListBucketIntelligentTieringConfigurations",
        "IntelligentTieringConfigurationList",
    ),
):  # fmt: skip
    declare_several(each)
