"""DeleteObject and DeleteObjects."""

from __future__ import annotations

from typing import Any

from app.services import AwsError, Call, Outcome, State, command
from app.services.s3 import conditions
from app.services.s3.attributes import new_version
from app.services.s3.finding import check_version_id, newest, version_row
from app.services.s3.locks import check_unlocked
from app.services.s3.places import MAX_KEY, bucket_of, object_arn
from projections.s3 import NULL, Bucket, DeleteMarkerCreated, ObjectDeleted, StoredObject

MOST = 1000
MALFORMED = "The XML you provided was not well-formed or did not validate against our published schema"


class Deletion:
    """Collects the events of a call that deletes; later ones see what earlier ones did to the same key."""

    def __init__(self, call: Call, state: State, bucket: Bucket) -> None:
        self._call = call
        self._state = state
        self._bucket = bucket
        self._gone: set[tuple[str, str]] = set()
        self.outcome = Outcome()

    def delete(self, key: str, version: str | None, wanted: dict[str, Any]) -> dict[str, Any]:
        """Delete a key or one version of it; return VersionId and DeleteMarker of the answer. Raises AwsError."""
        if version is None:
            return self._delete_current(key, wanted)
        check_version_id(version)
        found = version_row(self._state, self._bucket, key, version)
        if found is not None and (key, version) in self._gone:
            found = None
        _check_conditions(wanted, found)
        result: dict[str, Any] = {"VersionId": version}
        if found is not None:
            check_unlocked(self._call, found)
            self._emit(ObjectDeleted(self._bucket.name, self._bucket.id, key, version, found.marker), key)
            self._gone.add((key, version))
            if found.marker:
                result["DeleteMarker"] = True
        if not self._bucket.versioning:
            del result["VersionId"]
        return result

    def _delete_current(self, key: str, wanted: dict[str, Any]) -> dict[str, Any]:
        bucket = self._bucket
        current = newest(self._state, bucket, key)
        if current is not None and (key, current.version) in self._gone:
            current = None
        if current is not None and current.marker and wanted:
            current = None
        _check_conditions(wanted, current)
        if not bucket.versioning:
            if current is not None:
                self._emit(ObjectDeleted(bucket.name, bucket.id, key, NULL), key)
                self._gone.add((key, NULL))
            return {}
        version = new_version(self._call, bucket, len(self.outcome.events))
        if version == NULL:
            replaced = version_row(self._state, bucket, key, NULL)
            if replaced is not None and not replaced.marker:
                check_unlocked(self._call, replaced)
        self._emit(DeleteMarkerCreated(bucket.name, bucket.id, key, version), key)
        return {"VersionId": version, "DeleteMarker": True}

    def _emit(self, event: Any, key: str) -> None:
        bucket = self._bucket
        self.outcome.emit(event, object_arn(bucket.name, key), account=bucket.account, region=bucket.region)


def _check_conditions(wanted: dict[str, Any], found: StoredObject | None) -> None:
    if_match = wanted.get("IfMatch")
    if if_match is None:
        return
    if found is None:
        if if_match.strip() == "*":
            raise conditions.failed("If-Match")
        return
    if not conditions.matches(if_match, found.etag):
        raise conditions.failed("If-Match")


@command("s3", "DeleteObject")
def delete_object(call: Call, state: State) -> Outcome:
    """Delete an object: for good, or behind a delete marker where the bucket has versions.

    Errors: NoSuchBucket; AccessDenied (403) for what is locked; PreconditionFailed (412).
    Source: Amazon S3 API Reference, DeleteObject.
    """
    params = call.params
    bucket = bucket_of(call, state)
    deletion = Deletion(call, state, bucket)
    wanted = {"IfMatch": params["IfMatch"]} if "IfMatch" in params else {}
    result = deletion.delete(params["Key"], params.get("VersionId"), wanted)
    return deletion.outcome.answer(**result)


@command("s3", "DeleteObjects")
def delete_objects(call: Call, state: State) -> Outcome:
    """Delete up to 1,000 objects; each succeeds or fails by itself.

    Errors: NoSuchBucket, MalformedXML. Source: Amazon S3 API Reference, DeleteObjects.
    """
    params = call.params
    bucket = bucket_of(call, state)
    request = params.get("Delete") or {}
    asked = request.get("Objects") or []
    if not asked or len(asked) > MOST:
        raise AwsError("MalformedXML", MALFORMED, status=400)
    quiet = bool(request.get("Quiet"))
    deletion = Deletion(call, state, bucket)
    deleted: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for each in asked:
        key, version = each["Key"], each.get("VersionId") or None
        try:
            if len(key.encode("utf-8", "surrogatepass")) > MAX_KEY:
                raise AwsError("KeyTooLongError", "Your key is too long", status=400)
            wanted = {"IfMatch": each["ETag"]} if each.get("ETag") else {}
            result = deletion.delete(key, version, wanted)
        except AwsError as error:
            code = "NoSuchVersion" if error.code == "InvalidArgument" and version else error.code
            errors.append({"Key": key, "VersionId": version, "Code": code, "Message": error.message})
            continue
        if quiet:
            continue
        entry: dict[str, Any] = {"Key": key}
        if version is not None:
            entry["VersionId"] = version
        if result.get("DeleteMarker"):
            entry["DeleteMarker"] = True
            entry["DeleteMarkerVersionId"] = result["VersionId"]
        deleted.append(entry)
    return deletion.outcome.answer(Deleted=deleted or None, Errors=errors or None)
