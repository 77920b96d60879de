"""Tags of objects. Source: Amazon S3 API Reference, PutObjectTagging, GetObjectTagging, DeleteObjectTagging."""

from __future__ import annotations

from app.services import AwsError, Call, Outcome, State, answer, command, emit, query
from app.services.s3.attributes import shown_version
from app.services.s3.configurations import MALFORMED
from app.services.s3.finding import find_version
from app.services.s3.places import bucket_of, object_arn
from app.services.s3.tagging import MAX_OBJECT_TAGS, parse_set, tag_set
from projections.s3 import ObjectTagged


@query("s3", "GetObjectTagging")
def get_object_tagging(call: Call, state: State) -> Outcome:
    """Answer a version's tags. Errors: NoSuchKey, NoSuchVersion (404), MethodNotAllowed (405)."""
    bucket = bucket_of(call, state)
    record = find_version(call, state, bucket)
    return answer(TagSet=tag_set(record.tags), VersionId=shown_version(bucket, record.version))


@command("s3", "PutObjectTagging")
def put_object_tagging(call: Call, state: State) -> Outcome:
    """Replace a version's tags. Errors: as get_object_tagging; MalformedXML, InvalidTag, BadRequest."""
    tagging = call.params.get("Tagging")
    if tagging is None:
        raise AwsError("MalformedXML", MALFORMED, status=400)
    return _tag(call, state, parse_set(tagging, MAX_OBJECT_TAGS))


@command("s3", "DeleteObjectTagging")
def delete_object_tagging(call: Call, state: State) -> Outcome:
    """Delete a version's tags. Errors: as get_object_tagging."""
    return _tag(call, state, {})


def _tag(call: Call, state: State, tags: dict[str, str]) -> Outcome:
    bucket = bucket_of(call, state)
    record = find_version(call, state, bucket)
    key = call.params["Key"]
    event = ObjectTagged(bucket.name, bucket.id, key, record.version, tags)
    outcome = emit(event, object_arn(bucket.name, key), account=bucket.account, region=bucket.region)
    return outcome.answer(VersionId=shown_version(bucket, record.version))
