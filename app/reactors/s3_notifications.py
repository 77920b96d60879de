"""Bucket notifications: what happens to objects is told to the queues that the bucket's configuration names.

Source: Amazon S3 User Guide, "Event message structure" and "Event notification types and destinations".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote_plus

import orjson

from app.arns import parse
from app.calls import Call
from app.protocols import timestamps
from app.reactors import reactor
from app.services.s3.places import bucket_arn, owner_id
from journal import Envelope, Tables
from projections.s3 import (
    BucketConfigured,
    DeleteMarkerCreated,
    ObjectAclSet,
    ObjectDeleted,
    ObjectRetained,
    ObjectStored,
    ObjectTagged,
    UploadCompleted,
    configurations,
    sort_text,
    versions,
)

EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e"
Happening = (
    ObjectStored | UploadCompleted | ObjectDeleted | DeleteMarkerCreated | ObjectTagged | ObjectAclSet | ObjectRetained
)


def name_of(event: Happening) -> str:
    """Return what notifications call an event."""
    match event:
        case ObjectStored():
            return f"ObjectCreated:{event.by}"
        case UploadCompleted():
            return "ObjectCreated:CompleteMultipartUpload"
        case DeleteMarkerCreated():
            return "ObjectRemoved:DeleteMarkerCreated"
        case ObjectDeleted():
            return "ObjectRemoved:Delete"
        case ObjectTagged():
            return "ObjectTagging:Put" if event.tags else "ObjectTagging:Delete"
        case ObjectRetained():
            return "ObjectRetention:Put"
        case _:
            return "ObjectAcl:Put"


def wants(configuration: dict[str, Any], name: str, key: str) -> bool:
    """Tell whether a configuration is about an event of this name on this key."""
    full = f"s3:{name}"
    if not any(full == each or (each.endswith("*") and full.startswith(each[:-1])) for each in configuration["Events"]):
        return False
    for rule in ((configuration.get("Filter") or {}).get("Key") or {}).get("FilterRules") or []:
        value = rule.get("Value") or ""
        if not (key.startswith(value) if rule["Name"].lower() == "prefix" else key.endswith(value)):
            return False
    return True


@reactor(
    "s3.notifications",
    ObjectStored, UploadCompleted, ObjectDeleted, DeleteMarkerCreated, ObjectTagged, ObjectAclSet, ObjectRetained,
)  # fmt: skip
def notify(event: Happening, on: Envelope, tables: Tables) -> Iterable[Call]:
    """Tell the queues that want to know."""
    configured = tables[configurations].get(event.bucket_id, "notification", "")
    if configured is None:
        return
    name = name_of(event)
    for each in configured.document.get("QueueConfigurations") or []:
        if wants(each, name, event.key):
            message = {"Records": [record(event, on, name, each["Id"], tables)]}
            yield from to_queue(each["QueueArn"], message)


def record(event: Happening, on: Envelope, name: str, configuration: str, tables: Tables) -> dict[str, Any]:
    """Return an event as its message has it. Ids derive from the event's seq: told twice, it is the same message."""
    thing: dict[str, Any] = {"key": quote_plus(event.key, safe="/")}
    if isinstance(event, ObjectStored | UploadCompleted):
        thing["size"] = event.size
        thing["eTag"] = event.etag
    elif isinstance(event, DeleteMarkerCreated):
        thing["eTag"] = EMPTY_MD5
    if event.version != "null" or tables[versions].has(event.bucket_id, event.key, sort_text(event.version, on.seq)):
        thing["versionId"] = event.version
    thing["sequencer"] = f"{on.seq:018X}"
    who = owner_id(on.account)
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": on.region,
        "eventTime": moment(on.time),
        "eventName": name,
        "userIdentity": {"principalId": f"AWS:{on.account}"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": f"{on.seq:016X}", "x-amz-id-2": on.chain.hex()},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": configuration,
            "bucket": {
                "name": event.bucket,
                "ownerIdentity": {"principalId": who},
                "arn": bucket_arn(event.bucket),
            },
            "object": thing,
        },
    }


def moment(when: float) -> str:
    """Format a time as messages have it: always with milliseconds."""
    text = timestamps.iso8601(when)
    return text if "." in text else text[:-1] + ".000Z"


@reactor("s3.test_events", BucketConfigured)
def test_destinations(event: BucketConfigured, on: Envelope, tables: Tables) -> Iterable[Call]:
    """Send each queue of a new configuration the test event that AWS sends."""
    if event.kind != "notification":
        return
    for each in event.document.get("QueueConfigurations") or []:
        message = {
            "Service": "Amazon S3",
            "Event": "s3:TestEvent",
            "Time": moment(on.time),
            "Bucket": event.bucket,
            "RequestId": f"{on.seq:016X}",
            "HostId": on.chain.hex(),
        }
        yield from to_queue(each["QueueArn"], message)


def to_queue(arn: str, message: dict[str, Any]) -> Iterator[Call]:
    """Yield the call that sends a message to a queue."""
    queue = parse(arn)
    if queue is not None:
        params = {"QueueUrl": queue.resource, "MessageBody": orjson.dumps(message).decode()}
        yield Call("sqs", "SendMessage", params, account=queue.account, region=queue.region)
