"""Object lock: the bucket's configuration, retention and legal hold of versions.

Source: Amazon S3 User Guide, "Locking objects with Object Lock".
"""

from __future__ import annotations

from typing import Any

from app.services import AwsError, Call, Outcome, State, answer, command, emit, query
from app.services.s3.attributes import LOCK_MODES
from app.services.s3.finding import find_version
from app.services.s3.places import access_denied, bucket_arn, bucket_of, object_arn
from projections.s3 import Bucket, BucketConfigured, ObjectHeld, ObjectRetained, StoredObject, configurations

MALFORMED = "The XML you provided was not well-formed or did not validate against our published schema"
PROTECTED = "Access Denied because object protected by object lock."


def check_unlocked(call: Call, record: StoredObject) -> None:
    """Refuse to delete what is held or retained. Errors: AccessDenied (403)."""
    if record.legal_hold == "ON":
        raise access_denied(PROTECTED)
    if record.lock_mode and record.retain_until > call.now:
        if record.lock_mode == "GOVERNANCE" and call.params.get("BypassGovernanceRetention"):
            return
        raise access_denied(PROTECTED)


def _locked_bucket(call: Call, state: State) -> Bucket:
    bucket = bucket_of(call, state)
    if not bucket.locked:
        raise AwsError("InvalidRequest", "Bucket is missing Object Lock Configuration", status=400)
    return bucket


@query("s3", "GetObjectLockConfiguration")
def get_object_lock_configuration(call: Call, state: State) -> Outcome:
    """Answer a bucket's lock configuration. Errors: ObjectLockConfigurationNotFoundError (404)."""
    bucket = bucket_of(call, state)
    kept = state[configurations].get(bucket.id, "object-lock", "")
    if kept is None:
        raise AwsError(
            "ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket",
            status=404, BucketName=bucket.name,
        )  # fmt: skip
    return answer(ObjectLockConfiguration=kept.document)


@command("s3", "PutObjectLockConfiguration")
def put_object_lock_configuration(call: Call, state: State) -> Outcome:
    """Set a bucket's default retention, or lock a versioned bucket. Errors: MalformedXML, InvalidBucketState (409)."""
    bucket = bucket_of(call, state)
    document = call.params.get("ObjectLockConfiguration") or {}
    if document.get("ObjectLockEnabled") != "Enabled":
        raise AwsError("MalformedXML", MALFORMED, status=400)
    rule = document.get("Rule")
    if rule is not None:
        _check_rule(rule.get("DefaultRetention") or {})
    if bucket.versioning != "Enabled":
        raise AwsError(
            "InvalidBucketState", "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
            status=409,
        )  # fmt: skip
    event = BucketConfigured(bucket.name, bucket.id, "object-lock", document)
    return emit(event, bucket_arn(bucket.name), account=bucket.account, region=bucket.region)


def _check_rule(retention: dict[str, Any]) -> None:
    days, years = retention.get("Days"), retention.get("Years")
    if retention.get("Mode") not in LOCK_MODES or (days is None) == (years is None):
        raise AwsError("MalformedXML", MALFORMED, status=400)
    for value, name, most in ((days, "days", 36500), (years, "years", 100)):
        if value is not None and value <= 0:
            raise AwsError("InvalidArgument", "Default retention period must be a positive integer value.", status=400)
        if value is not None and value > most:
            raise AwsError(
                "InvalidArgument", f"Default retention period too large; the maximum is {most} {name}.", status=400
            )


@query("s3", "GetObjectRetention")
def get_object_retention(call: Call, state: State) -> Outcome:
    """Answer a version's retention. Errors: NoSuchObjectLockConfiguration (404), InvalidRequest."""
    record = find_version(call, state, _locked_bucket(call, state))
    if not record.lock_mode:
        raise _no_configuration()
    return answer(Retention={"Mode": record.lock_mode, "RetainUntilDate": record.retain_until})


def _no_configuration() -> AwsError:
    return AwsError(
        "NoSuchObjectLockConfiguration", "The specified object does not have a ObjectLock configuration", status=404
    )


@command("s3", "PutObjectRetention")
def put_object_retention(call: Call, state: State) -> Outcome:
    """Set a version's retention: longer always, shorter or none only by bypassing governance.

    Errors: InvalidRequest, MalformedXML, InvalidArgument, AccessDenied.
    """
    bucket = _locked_bucket(call, state)
    record = find_version(call, state, bucket)
    retention = call.params.get("Retention") or {}
    mode, until = retention.get("Mode") or "", retention.get("RetainUntilDate")
    if (mode == "") != (until is None) or (mode and mode not in LOCK_MODES):
        raise AwsError("MalformedXML", MALFORMED, status=400)
    if until is not None and until <= call.now:
        raise AwsError("InvalidArgument", "The retain until date must be in the future!", status=400)
    if record.lock_mode and record.retain_until > call.now:
        weaker = not mode or (until or 0.0) < record.retain_until or mode != record.lock_mode
        bypass = record.lock_mode == "GOVERNANCE" and call.params.get("BypassGovernanceRetention")
        if weaker and not bypass:
            raise access_denied(PROTECTED)
    key = call.params["Key"]
    event = ObjectRetained(bucket.name, bucket.id, key, record.version, mode, float(until or 0.0))
    return emit(event, object_arn(bucket.name, key), account=bucket.account, region=bucket.region)


@query("s3", "GetObjectLegalHold")
def get_object_legal_hold(call: Call, state: State) -> Outcome:
    """Answer a version's legal hold. Errors: NoSuchObjectLockConfiguration (404), InvalidRequest."""
    record = find_version(call, state, _locked_bucket(call, state))
    if not record.legal_hold:
        raise _no_configuration()
    return answer(LegalHold={"Status": record.legal_hold})


@command("s3", "PutObjectLegalHold")
def put_object_legal_hold(call: Call, state: State) -> Outcome:
    """Switch a version's legal hold. Errors: InvalidRequest, MalformedXML."""
    bucket = _locked_bucket(call, state)
    record = find_version(call, state, bucket)
    status = (call.params.get("LegalHold") or {}).get("Status")
    if status not in ("ON", "OFF"):
        raise AwsError("MalformedXML", MALFORMED, status=400)
    key = call.params["Key"]
    event = ObjectHeld(bucket.name, bucket.id, key, record.version, status)
    return emit(event, object_arn(bucket.name, key), account=bucket.account, region=bucket.region)
