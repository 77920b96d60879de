"""Bucket configuration with rules of its own: CORS, lifecycle, versioning, encryption, ownership, public access, tags, …"""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from app.arns import parse
from app.services import AwsError, Call, Outcome, State, answer, command, query
from app.services.s3.acls import ENFORCED
from app.services.s3.attributes import STORAGE_CLASSES
from app.services.s3.buckets import ENCRYPTED, OWNERSHIPS
from app.services.s3.configurations import Kind, Missing, declare, kept, malformed, put, unput
from app.services.s3.encryption import ALGORITHMS
from app.services.s3.places import bucket_of, invalid_argument
from app.services.s3.tagging import MAX_BUCKET_TAGS, parse_set, tag_set
from projections.s3 import Bucket, buckets
from projections.sqs.queues import queues

CORS_METHODS = frozenset({"GET", "PUT", "HEAD", "POST", "DELETE"})
MAX_RULES = {"cors": 100, "lifecycle": 1000}


def _check_cors(call: Call, state: State, bucket: Bucket, document: dict[str, Any]) -> None:
    rules = document.get("CORSRules") or []
    if not rules or len(rules) > MAX_RULES["cors"]:
        raise malformed()
    for rule in rules:
        for method in rule.get("AllowedMethods") or []:
            if method not in CORS_METHODS:
                message = f"Found unsupported HTTP method in CORS config. Unsupported method is {method}"
                raise AwsError("InvalidRequest", message, status=400)
        for origin in rule.get("AllowedOrigins") or []:
            if origin.count("*") > 1:
                message = f'AllowedOrigin "{origin}" can not have more than one wildcard.'
                raise AwsError("InvalidRequest", message, status=400)
        for header in rule.get("AllowedHeaders") or []:
            if header.count("*") > 1:
                message = f'AllowedHeader "{header}" can not have more than one wildcard.'
                raise AwsError("InvalidRequest", message, status=400)
        for header in rule.get("ExposeHeaders") or []:
            if "*" in header:
                message = (
                    f'ExposeHeader "{header}" contains wildcard. We currently do not support wildcard for ExposeHeader.'
                )
                raise AwsError("InvalidRequest", message, status=400)


def _check_lifecycle(call: Call, state: State, bucket: Bucket, document: dict[str, Any]) -> None:
    rules = document.get("Rules") or []
    if not rules or len(rules) > MAX_RULES["lifecycle"]:
        raise malformed()
    ids: set[str] = set()
    for rule in rules:
        if not rule.get("ID"):
            rule["ID"] = call.ids.text(48)
        name = rule["ID"]
        if len(name) > 255:
            raise AwsError("InvalidArgument", "ID length should not exceed allowed limit of 255", status=400)
        if name in ids:
            raise AwsError(
                "InvalidArgument", "Rule ID must be unique. Found same ID for more than one rule", status=400
            )
        ids.add(name)
        if rule.get("Status") not in ("Enabled", "Disabled"):
            raise malformed()
        if ("Filter" in rule) == ("Prefix" in rule):
            raise malformed()
        if not any(action in rule for action in _ACTIONS):
            raise AwsError("InvalidRequest", "At least one action needs to be specified in a rule.", status=400)
        _check_expiration(rule.get("Expiration"))
        for transition in rule.get("Transitions") or []:
            if transition.get("StorageClass") not in STORAGE_CLASSES:
                raise malformed()
            if transition.get("Days", 0) < 0:
                raise AwsError("InvalidArgument", "'Days' in Transition action must be nonnegative", status=400)
            _check_midnight(transition.get("Date"))
        for noncurrent in (rule.get("NoncurrentVersionExpiration"),):
            if noncurrent and noncurrent.get("NoncurrentDays", 1) <= 0:
                message = "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer"
                raise AwsError("InvalidArgument", message, status=400)


_ACTIONS = (
    "Expiration", "Transitions", "NoncurrentVersionTransitions", "NoncurrentVersionExpiration",
    "AbortIncompleteMultipartUpload",
)  # fmt: skip


def _check_expiration(expiration: dict[str, Any] | None) -> None:
    if expiration is None:
        return
    given = [name for name in ("Days", "Date", "ExpiredObjectDeleteMarker") if name in expiration]
    if len(given) != 1:
        raise malformed()
    if expiration.get("Days", 1) <= 0:
        raise AwsError("InvalidArgument", "'Days' for Expiration action must be a positive integer", status=400)
    _check_midnight(expiration.get("Date"))


def _check_midnight(date: float | None) -> None:
    if date is not None and date % 86400:
        raise AwsError("InvalidArgument", "'Date' must be at midnight GMT", status=400)


def _check_website(call: Call, state: State, bucket: Bucket, document: dict[str, Any]) -> None:
    redirect = document.get("RedirectAllRequestsTo")
    if redirect is not None and len(document) > 1:
        message = "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules."
        raise AwsError("InvalidRequest", message, status=400)
    if redirect is None:
        index = document.get("IndexDocument")
        if index is None:
            message = "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty"
            raise invalid_argument(message, "IndexDocument", "null")
        if not index.get("Suffix") or "/" in index["Suffix"]:
            raise invalid_argument(
                "The IndexDocument Suffix is not well formed", "IndexDocument", str(index.get("Suffix"))
            )


def _check_replication(call: Call, state: State, bucket: Bucket, document: dict[str, Any]) -> None:
    if bucket.versioning != "Enabled":
        message = "Versioning must be 'Enabled' on the bucket to apply a replication configuration"
        raise AwsError("InvalidRequest", message, status=400)
    if not document.get("Rules"):
        raise malformed()
    for rule in document["Rules"]:
        if not rule.get("ID"):
            rule["ID"] = call.ids.text(48)
        target = state[buckets].get(((rule.get("Destination") or {}).get("Bucket") or "").rpartition(":")[2])
        if target is None or target.versioning != "Enabled":
            message = (
                "Destination bucket must exist."
                if target is None
                else "Destination bucket must have versioning enabled."
            )
            raise AwsError("InvalidRequest", message, status=400)


def _check_accelerate(call: Call, state: State, bucket: Bucket, document: dict[str, Any]) -> None:
    if document.get("Status") not in ("Enabled", "Suspended"):
        raise malformed()
    if "." in bucket.name:
        message = "S3 Transfer Acceleration is not supported for buckets with periods (.) in their names"
        raise AwsError("InvalidRequest", message, status=400)


def _check_payer(call: Call, state: State, bucket: Bucket, document: dict[str, Any]) -> None:
    if document.get("Payer") not in ("BucketOwner", "Requester"):
        raise malformed()


def _check_public_access(call: Call, state: State, bucket: Bucket, document: dict[str, Any]) -> None:
    for name in ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"):
        document.setdefault(name, False)


for _kind in (
    Kind(
        "cors", "GetBucketCors", "PutBucketCors", "DeleteBucketCors", "CORSConfiguration", None,
        Missing("NoSuchCORSConfiguration", "The CORS configuration does not exist"), _check_cors,
    ),
    Kind(
        "lifecycle", "GetBucketLifecycleConfiguration", None, "DeleteBucketLifecycle", "LifecycleConfiguration", None,
        Missing("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"),
    ),
    Kind(
        "website", "GetBucketWebsite", "PutBucketWebsite", "DeleteBucketWebsite", "WebsiteConfiguration", None,
        Missing("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration"), _check_website,
    ),
    Kind(
        "replication", "GetBucketReplication", "PutBucketReplication", "DeleteBucketReplication",
        "ReplicationConfiguration", "ReplicationConfiguration",
        Missing("ReplicationConfigurationNotFoundError", "The replication configuration was not found"), _check_replication,
    ),
    Kind(
        "public-access-block", "GetPublicAccessBlock", "PutPublicAccessBlock", "DeletePublicAccessBlock",
        "PublicAccessBlockConfiguration", "PublicAccessBlockConfiguration",
        Missing("NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found"),
        _check_public_access,
    ),
    Kind(
        "accelerate", "GetBucketAccelerateConfiguration", "PutBucketAccelerateConfiguration", None,
        "AccelerateConfiguration", check=_check_accelerate,
    ),
):  # fmt: skip
    declare(_kind)


@command("s3", "PutBucketLifecycleConfiguration")
def put_bucket_lifecycle_configuration(call: Call, state: State) -> Outcome:
    """Set when objects move and expire. Errors: MalformedXML, InvalidArgument, InvalidRequest."""
    bucket = bucket_of(call, state)
    document = call.params.get("LifecycleConfiguration")
    if document is None:
        raise malformed()
    rules = [dict(rule) for rule in document.get("Rules") or []]
    _check_lifecycle(call, state, bucket, {"Rules": rules})
    minimum = call.params.get("TransitionDefaultMinimumObjectSize") or "all_storage_classes_128K"
    document = {"Rules": rules, "TransitionDefaultMinimumObjectSize": minimum}
    return put(call, bucket, "lifecycle", document).answer(TransitionDefaultMinimumObjectSize=minimum)


@query("s3", "GetBucketRequestPayment")
def get_bucket_request_payment(call: Call, state: State) -> Outcome:
    """Answer who pays."""
    return answer(**(kept(state, bucket_of(call, state), "request-payment") or {"Payer": "BucketOwner"}))


declare(
    Kind("request-payment", None, "PutBucketRequestPayment", None, "RequestPaymentConfiguration", check=_check_payer)
)


@query("s3", "GetBucketVersioning")
def get_bucket_versioning(call: Call, state: State) -> Outcome:
    """Answer Enabled, Suspended, or nothing where versioning was never set."""
    bucket = bucket_of(call, state)
    return answer(Status=bucket.versioning or None)


@command("s3", "PutBucketVersioning")
def put_bucket_versioning(call: Call, state: State) -> Outcome:
    """Enable or suspend versioning. Errors: MalformedXML, IllegalVersioningConfigurationException, InvalidBucketState."""
    bucket = bucket_of(call, state)
    document = call.params.get("VersioningConfiguration") or {}
    status = document.get("Status")
    if status is None:
        raise AwsError(
            "IllegalVersioningConfigurationException",
            "The Versioning element must be specified", status=400,
        )  # fmt: skip
    if status not in ("Enabled", "Suspended"):
        raise malformed()
    if status == "Suspended" and bucket.locked:
        raise AwsError(
            "InvalidBucketState",
            "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
            status=409,
        )
    return put(call, bucket, "versioning", {"Status": status})


@query("s3", "GetBucketEncryption")
def get_bucket_encryption(call: Call, state: State) -> Outcome:
    """Answer how new objects are encrypted by default."""
    bucket = bucket_of(call, state)
    return answer(ServerSideEncryptionConfiguration=kept(state, bucket, "encryption") or ENCRYPTED)


@command("s3", "PutBucketEncryption")
def put_bucket_encryption(call: Call, state: State) -> Outcome:
    """Set how new objects are encrypted by default. Errors: MalformedXML, InvalidArgument."""
    bucket = bucket_of(call, state)
    rules = (call.params.get("ServerSideEncryptionConfiguration") or {}).get("Rules") or []
    if len(rules) != 1:
        raise malformed()
    rule = dict(rules[0])
    applied = rule.get("ApplyServerSideEncryptionByDefault")
    if applied is not None:
        if applied.get("SSEAlgorithm") not in ALGORITHMS:
            raise malformed()
        if applied["SSEAlgorithm"] == "AES256" and applied.get("KMSMasterKeyID"):
            message = "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse"
            raise invalid_argument(message, "ApplyServerSideEncryptionByDefault", applied["SSEAlgorithm"])
    rule.setdefault("BucketKeyEnabled", False)
    return put(call, bucket, "encryption", {"Rules": [rule]})


@command("s3", "DeleteBucketEncryption")
def delete_bucket_encryption(call: Call, state: State) -> Outcome:
    """Go back to AES256."""
    bucket = bucket_of(call, state)
    if kept(state, bucket, "encryption") == ENCRYPTED:
        return answer()
    return put(call, bucket, "encryption", ENCRYPTED)


@query("s3", "GetBucketOwnershipControls")
def get_bucket_ownership_controls(call: Call, state: State) -> Outcome:
    """Answer whose uploaded objects are. Errors: OwnershipControlsNotFoundError (404)."""
    bucket = bucket_of(call, state)
    document = kept(state, bucket, "ownership-controls")
    if document is None:
        raise AwsError(
            "OwnershipControlsNotFoundError", "The bucket ownership controls were not found", status=404,
            BucketName=bucket.name,
        )  # fmt: skip
    return answer(OwnershipControls=document)


@command("s3", "PutBucketOwnershipControls")
def put_bucket_ownership_controls(call: Call, state: State) -> Outcome:
    """Set whose uploaded objects are, and whether there are ACLs. Errors: MalformedXML, InvalidBucketAclWithObjectOwnership."""
    bucket = bucket_of(call, state)
    rules = (call.params.get("OwnershipControls") or {}).get("Rules") or []
    if len(rules) != 1 or rules[0].get("ObjectOwnership") not in OWNERSHIPS:
        raise malformed()
    if rules[0]["ObjectOwnership"] == ENFORCED:
        grants = (bucket.settings.get("acl") or {}).get("Grants") or []
        if any(grant.get("ID") is None or grant["Permission"] != "FULL_CONTROL" for grant in grants) or len(grants) > 1:
            raise AwsError(
                "InvalidBucketAclWithObjectOwnership",
                "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
                status=400,
            )
    return put(call, bucket, "ownership-controls", {"Rules": rules})


@command("s3", "DeleteBucketOwnershipControls")
def delete_bucket_ownership_controls(call: Call, state: State) -> Outcome:
    """Go back to what buckets were before there were ownership controls."""
    return unput(state, bucket_of(call, state), "ownership-controls")


@query("s3", "GetBucketLogging")
def get_bucket_logging(call: Call, state: State) -> Outcome:
    """Answer where access is logged."""
    return answer(**(kept(state, bucket_of(call, state), "logging") or {}))


@command("s3", "PutBucketLogging")
def put_bucket_logging(call: Call, state: State) -> Outcome:
    """Set where access is logged. Errors: MalformedXML, InvalidTargetBucketForLogging, CrossLocationLoggingProhibitted."""
    bucket = bucket_of(call, state)
    document = call.params.get("BucketLoggingStatus")
    if document is None:
        raise malformed()
    enabled = document.get("LoggingEnabled")
    if enabled is None:
        return unput(state, bucket, "logging")
    if not enabled.get("TargetBucket") or enabled.get("TargetPrefix") is None:
        raise malformed()
    target = state[buckets].get(enabled["TargetBucket"])
    if target is None or target.account != bucket.account:
        raise AwsError(
            "InvalidTargetBucketForLogging", "The target bucket for logging does not exist", status=400,
            TargetBucket=enabled["TargetBucket"],
        )  # fmt: skip
    if target.region != bucket.region:
        raise AwsError(
            "CrossLocationLoggingProhibitted", "Cross S3 location logging not allowed. ", status=403,
            TargetBucketLocation=target.region,
        )  # fmt: skip
    return put(call, bucket, "logging", {"LoggingEnabled": enabled})


@query("s3", "GetBucketTagging")
def get_bucket_tagging(call: Call, state: State) -> Outcome:
    """Answer a bucket's tags. Errors: NoSuchTagSet (404)."""
    bucket = bucket_of(call, state)
    document = kept(state, bucket, "tagging")
    if document is None:
        raise AwsError("NoSuchTagSet", "The TagSet does not exist", status=404, BucketName=bucket.name)
    return answer(**document)


@command("s3", "PutBucketTagging")
def put_bucket_tagging(call: Call, state: State) -> Outcome:
    """Replace a bucket's tags. Errors: MalformedXML, InvalidTag, BadRequest."""
    bucket = bucket_of(call, state)
    tagging = call.params.get("Tagging")
    if tagging is None:
        raise malformed()
    tags = parse_set(tagging, MAX_BUCKET_TAGS)
    if not tags:
        return unput(state, bucket, "tagging")
    return put(call, bucket, "tagging", {"TagSet": tag_set(tags)})


@command("s3", "DeleteBucketTagging")
def delete_bucket_tagging(call: Call, state: State) -> Outcome:
    """Delete a bucket's tags."""
    return unput(state, bucket_of(call, state), "tagging")


# -- notifications

_QUEUE = re.compile(r"arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]{1,80}")
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]{1,256}")
_FUNCTION = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_:$-]{1,140}")
DESTINATIONS = (
    ("QueueConfigurations", "QueueArn", _QUEUE),
    ("TopicConfigurations", "TopicArn", _TOPIC),
    ("LambdaFunctionConfigurations", "LambdaFunctionArn", _FUNCTION),
)


@query("s3", "GetBucketNotificationConfiguration")
def get_bucket_notification_configuration(call: Call, state: State) -> Outcome:
    """Answer what is told to whom."""
    return answer(**(kept(state, bucket_of(call, state), "notification") or {}))


@command("s3", "PutBucketNotificationConfiguration")
def put_bucket_notification_configuration(call: Call, state: State) -> Outcome:
    """Set what is told to whom; an empty document ends it. Errors: MalformedXML, InvalidArgument."""
    bucket = bucket_of(call, state)
    given = call.params.get("NotificationConfiguration") or {}
    document: dict[str, Any] = {}
    rules: list[tuple[str, str, str]] = []
    for member, name, pattern in DESTINATIONS:
        for each in given.get(member) or []:
            if not pattern.fullmatch(each.get(name) or ""):
                raise invalid_argument("The ARN could not be parsed", name.removesuffix("Arn"), str(each.get(name)))
            if name == "QueueArn":
                _check_queue(call, state, each[name])
            prefix, suffix = _filter(each)
            for event in each.get("Events") or []:
                rules.append((event, prefix, suffix))
            document.setdefault(member, []).append({**each, "Id": each.get("Id") or call.ids.uuid()})
    if given.get("EventBridgeConfiguration") is not None:
        document["EventBridgeConfiguration"] = {}
    for number, (event, prefix, suffix) in enumerate(rules):
        for other, other_prefix, other_suffix in rules[:number]:
            if _overlap(event, other) and _begin(prefix, other_prefix) and _begin(suffix[::-1], other_suffix[::-1]):
                raise AwsError(
                    "InvalidArgument",
                    "Configurations overlap. Configurations on the same bucket cannot share a common event type.",
                    status=400,
                )
    return put(call, bucket, "notification", document) if document else unput(state, bucket, "notification")


def _check_queue(call: Call, state: State, text: str) -> None:
    queue = parse(text)
    if text.endswith(".fifo"):
        raise invalid_argument("FIFO SQS queues are not supported. Please provide a standard queue.", "Queue", text)
    if call.params.get("SkipDestinationValidation") or queue is None:
        return
    if not state[queues].has(queue.account, queue.region, queue.resource):
        raise AwsError(
            "InvalidArgument", "Unable to validate the following destination configurations", status=400,
            ArgumentName1=text, ArgumentValue1="The destination queue does not exist",
        )  # fmt: skip


def _filter(each: dict[str, Any]) -> tuple[str, str]:
    found = {"prefix": "", "suffix": ""}
    for rule in ((each.get("Filter") or {}).get("Key") or {}).get("FilterRules") or []:
        name = (rule.get("Name") or "").lower()
        if name not in found:
            raise invalid_argument(
                "filter rule name must be either prefix or suffix", "FilterRule.Name", str(rule.get("Name"))
            )
        found[name] = rule.get("Value") or ""
    return found["prefix"], found["suffix"]


def _overlap(one: str, other: str) -> bool:
    return (
        one == other
        or (one.endswith("*") and other.startswith(one[:-1]))
        or (other.endswith("*") and one.startswith(other[:-1]))
    )


def _begin(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def is_private_network(text: str) -> bool:
    """Tell whether a condition's address range is narrow enough not to count as public."""
    try:
        return ipaddress.ip_network(text, strict=False).prefixlen > 8
    except ValueError:
        return False
