"""ListObjects, ListObjectsV2, ListObjectVersions."""

from __future__ import annotations

from tests.errors import aws_error


def put(s3, bucket, *keys):
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")


def shown(page):
    keys = [each["Key"] for each in page.get("Contents", [])]
    return keys, [each["Prefix"] for each in page.get("CommonPrefixes", [])]


def test_keys_are_in_the_order_of_their_utf_8(s3, bucket):
    put(s3, bucket, "b", "a", "\U0001f600", "\uffee", "B", "a/b", "a b")
    assert shown(s3.list_objects_v2(Bucket=bucket))[0] == ["B", "a", "a b", "a/b", "b", "\uffee", "\U0001f600"]


def test_a_delimiter_rolls_keys_up(s3, bucket):
    put(s3, bucket, "a/1", "a/2", "b/1", "c")
    for list_objects in (s3.list_objects, s3.list_objects_v2):
        assert shown(list_objects(Bucket=bucket, Delimiter="/")) == (["c"], ["a/", "b/"])
        assert shown(list_objects(Bucket=bucket, Delimiter="/", Prefix="a/")) == (["a/1", "a/2"], [])
    assert s3.list_objects_v2(Bucket=bucket, Delimiter="/")["KeyCount"] == 3


def test_pages_of_version_2_follow_their_tokens(s3, bucket):
    put(s3, bucket, "a/1", "a/2", "b", "c/1", "d")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 1})
    assert [shown(page) for page in pages] == [([], ["a/"]), (["b"], []), ([], ["c/"]), (["d"], [])]


def test_pages_of_version_1_follow_their_markers(s3, bucket):
    put(s3, bucket, "a/1", "a/2", "b", "c/1", "d")
    first = s3.list_objects(Bucket=bucket, Delimiter="/", MaxKeys=1)
    assert (first["IsTruncated"], first["NextMarker"]) == (True, "a/")
    second = s3.list_objects(Bucket=bucket, Delimiter="/", MaxKeys=1, Marker="a/")
    assert shown(second) == (["b"], [])
    pages = s3.get_paginator("list_objects").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2})
    assert [key for page in pages for key in shown(page)[0]] == ["a/1", "a/2", "b", "c/1", "d"]
    assert "NextMarker" not in s3.list_objects(Bucket=bucket, MaxKeys=1)


def test_a_listing_can_start_after_a_key(s3, bucket):
    put(s3, bucket, "a", "b", "c")
    assert shown(s3.list_objects_v2(Bucket=bucket, StartAfter="a"))[0] == ["b", "c"]
    assert shown(s3.list_objects_v2(Bucket=bucket, StartAfter="aa"))[0] == ["b", "c"]


def test_no_keys_are_asked_for(s3, bucket):
    put(s3, bucket, "a")
    answer = s3.list_objects_v2(Bucket=bucket, MaxKeys=0)
    assert (answer["KeyCount"], answer["IsTruncated"]) == (0, False)


def test_owners_are_given_where_they_are_asked_for(s3, bucket):
    put(s3, bucket, "a")
    assert "Owner" not in s3.list_objects_v2(Bucket=bucket)["Contents"][0]
    assert len(s3.list_objects_v2(Bucket=bucket, FetchOwner=True)["Contents"][0]["Owner"]["ID"]) == 64
    assert len(s3.list_objects(Bucket=bucket)["Contents"][0]["Owner"]["ID"]) == 64


def test_keys_that_xml_cannot_hold_are_listed_encoded(s3, bucket):
    put(s3, bucket, "a\x01b", "a+b c/ä")
    assert shown(s3.list_objects_v2(Bucket=bucket))[0] == ["a\x01b", "a+b c/ä"]


def test_arguments_are_checked(s3, bucket):
    with aws_error("InvalidArgument", status=400):
        s3.list_objects_v2(Bucket=bucket, MaxKeys=-1)
    with aws_error("InvalidArgument", status=400):
        s3.list_objects_v2(Bucket=bucket, ContinuationToken="nonsense")
    with aws_error("InvalidArgument", status=400):
        s3.list_objects_v2(Bucket=bucket, EncodingType="rot13")


def test_versions_are_listed_newest_first_page_by_page(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    made = []
    for key in ("a", "b", "a", "b", "a"):
        made.append((key, s3.put_object(Bucket=bucket, Key=key)["VersionId"]))
    made.append(("b", s3.delete_object(Bucket=bucket, Key="b")["VersionId"]))
    expected = [each for each in reversed(made) if each[0] == "a"] + [each for each in reversed(made) if each[0] == "b"]
    for size in (1, 2, 3, 10):
        found = []
        for page in s3.get_paginator("list_object_versions").paginate(
            Bucket=bucket, PaginationConfig={"PageSize": size}
        ):
            here = page.get("Versions", []) + page.get("DeleteMarkers", [])
            assert len(here) <= size
            found += [(each["Key"], each["VersionId"], each["IsLatest"]) for each in here]
        assert sorted(found) == sorted((k, v, n in (0, 3)) for n, (k, v) in enumerate(expected))
        if size == 1:
            assert [(k, v) for k, v, _ in found] == expected


def test_versions_have_common_prefixes_too(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    put(s3, bucket, "a/1", "a/1", "b")
    answer = s3.list_object_versions(Bucket=bucket, Delimiter="/")
    assert [each["Prefix"] for each in answer["CommonPrefixes"]] == ["a/"]
    assert [each["Key"] for each in answer["Versions"]] == ["b"]
