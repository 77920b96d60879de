"""Versioning: versions, delete markers, null versions."""

from __future__ import annotations

import pytest

from tests.errors import aws_error


@pytest.fixture
def versioned(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


def read(s3, bucket, key, **params):
    return s3.get_object(Bucket=bucket, Key=key, **params)["Body"].read()


def suspend(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})


def listed(s3, bucket):
    answer = s3.list_object_versions(Bucket=bucket)
    return {each["VersionId"] for each in answer.get("Versions", []) + answer.get("DeleteMarkers", [])}


def test_a_bucket_is_not_versioned_at_first(s3, bucket):
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    assert "VersionId" not in s3.put_object(Bucket=bucket, Key="k")
    assert "VersionId" not in s3.get_object(Bucket=bucket, Key="k")


def test_every_version_can_be_read(s3, versioned):
    ids = [s3.put_object(Bucket=versioned, Key="k", Body=str(n).encode())["VersionId"] for n in range(3)]
    assert len(set(ids)) == 3
    assert read(s3, versioned, "k") == b"2"
    assert [read(s3, versioned, "k", VersionId=each) for each in ids] == [b"0", b"1", b"2"]


def test_what_was_there_before_versioning_is_the_null_version(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"old")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key="k", Body=b"new")
    assert read(s3, bucket, "k", VersionId="null") == b"old"
    s3.delete_object(Bucket=bucket, Key="k", VersionId="null")
    with aws_error("NoSuchVersion", status=404):
        s3.get_object(Bucket=bucket, Key="k", VersionId="null")


def test_a_delete_marker_hides_the_object(s3, versioned):
    s3.put_object(Bucket=versioned, Key="k", Body=b"x")
    marker = s3.delete_object(Bucket=versioned, Key="k")
    assert marker["DeleteMarker"] is True
    with aws_error("NoSuchKey", status=404) as caught:
        s3.get_object(Bucket=versioned, Key="k")
    headers = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amz-delete-marker"] == "true"
    assert headers["x-amz-version-id"] == marker["VersionId"]
    with aws_error("MethodNotAllowed", status=405):
        s3.get_object(Bucket=versioned, Key="k", VersionId=marker["VersionId"])
    assert "Contents" not in s3.list_objects_v2(Bucket=versioned)


def test_deleting_the_marker_brings_the_object_back(s3, versioned):
    s3.put_object(Bucket=versioned, Key="k", Body=b"x")
    marker = s3.delete_object(Bucket=versioned, Key="k")["VersionId"]
    gone = s3.delete_object(Bucket=versioned, Key="k", VersionId=marker)
    assert (gone["DeleteMarker"], gone["VersionId"]) == (True, marker)
    assert read(s3, versioned, "k") == b"x"


def test_deleting_the_current_version_makes_the_one_before_current(s3, versioned):
    first = s3.put_object(Bucket=versioned, Key="k", Body=b"1")["VersionId"]
    second = s3.put_object(Bucket=versioned, Key="k", Body=b"2")["VersionId"]
    s3.delete_object(Bucket=versioned, Key="k", VersionId=second)
    assert read(s3, versioned, "k") == b"1"
    s3.delete_object(Bucket=versioned, Key="k", VersionId=first)
    assert listed(s3, versioned) == set()
    s3.delete_bucket(Bucket=versioned)


def test_a_suspended_bucket_overwrites_its_null_version(s3, versioned):
    kept = s3.put_object(Bucket=versioned, Key="k", Body=b"kept")["VersionId"]
    suspend(s3, versioned)
    for body in (b"1", b"2"):
        assert "VersionId" not in s3.put_object(Bucket=versioned, Key="k", Body=body)
    assert listed(s3, versioned) == {kept, "null"}
    assert read(s3, versioned, "k") == b"2"
    assert s3.head_object(Bucket=versioned, Key="k")["VersionId"] == "null"


def test_a_delete_in_a_suspended_bucket_leaves_a_null_marker(s3, versioned):
    kept = s3.put_object(Bucket=versioned, Key="k", Body=b"kept")["VersionId"]
    suspend(s3, versioned)
    s3.put_object(Bucket=versioned, Key="k", Body=b"null")
    marker = s3.delete_object(Bucket=versioned, Key="k")
    assert (marker["DeleteMarker"], marker["VersionId"]) == (True, "null")
    assert listed(s3, versioned) == {kept, "null"}
    s3.put_object(Bucket=versioned, Key="k", Body=b"again")
    assert listed(s3, versioned) == {kept, "null"}
    assert read(s3, versioned, "k") == b"again"


def test_a_null_version_is_found_under_newer_ones(s3, versioned):
    suspend(s3, versioned)
    s3.put_object(Bucket=versioned, Key="k", Body=b"null")
    s3.put_bucket_versioning(Bucket=versioned, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=versioned, Key="k", Body=b"new")
    assert read(s3, versioned, "k", VersionId="null") == b"null"
    suspend(s3, versioned)
    s3.put_object(Bucket=versioned, Key="k", Body=b"null again")
    assert read(s3, versioned, "k", VersionId="null") == b"null again"
    assert len(listed(s3, versioned)) == 2


def test_a_former_version_is_copied_back(s3, versioned):
    old = s3.put_object(Bucket=versioned, Key="k", Body=b"old")["VersionId"]
    s3.put_object(Bucket=versioned, Key="k", Body=b"new")
    copied = s3.copy_object(Bucket=versioned, Key="k", CopySource={"Bucket": versioned, "Key": "k", "VersionId": old})
    assert copied["CopySourceVersionId"] == old
    assert read(s3, versioned, "k") == b"old"


def test_versions_are_deleted_by_the_dozen(s3, versioned):
    old = s3.put_object(Bucket=versioned, Key="k", Body=b"1")["VersionId"]
    s3.put_object(Bucket=versioned, Key="k", Body=b"2")
    answer = s3.delete_objects(Bucket=versioned, Delete={"Objects": [{"Key": "k", "VersionId": old}, {"Key": "k"}]})
    assert answer["Deleted"][0]["VersionId"] == old
    assert answer["Deleted"][1]["DeleteMarker"] is True


def test_tags_belong_to_a_version(s3, versioned):
    old = s3.put_object(Bucket=versioned, Key="k", Tagging="v=1")["VersionId"]
    s3.put_object(Bucket=versioned, Key="k", Tagging="v=2")
    s3.put_object_tagging(Bucket=versioned, Key="k", VersionId=old, Tagging={"TagSet": [{"Key": "v", "Value": "old"}]})
    assert s3.get_object_tagging(Bucket=versioned, Key="k", VersionId=old)["TagSet"][0]["Value"] == "old"
    assert s3.get_object_tagging(Bucket=versioned, Key="k")["TagSet"][0]["Value"] == "2"


def test_a_version_id_that_is_none_is_refused(s3, versioned):
    s3.put_object(Bucket=versioned, Key="k")
    with aws_error("InvalidArgument", status=400, message="Invalid version id specified"):
        s3.get_object(Bucket=versioned, Key="k", VersionId="nonsense")
    with aws_error("NoSuchVersion", status=404):
        s3.get_object(Bucket=versioned, Key="k", VersionId="0" * 32)
