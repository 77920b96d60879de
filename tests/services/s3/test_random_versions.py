"""Random writes and deletes of versioned objects against a naive model; the journal must replay to the same tables."""

from __future__ import annotations

import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import AwsError
from tests.services.sqs.inprocess import Stack

KEYS = st.sampled_from(["a", "b", "a/1"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), KEYS),
        st.tuples(st.just("delete"), KEYS),
        st.tuples(st.just("delete version"), KEYS, st.integers(0, 4)),
        st.tuples(st.just("status"), st.sampled_from(["Enabled", "Suspended"])),
    ),
    max_size=25,
)


class Model:
    """What a bucket's versions should be: by key, newest first, (id, body or None for a marker)."""

    def __init__(self):
        self.status = ""
        self.versions = {}

    def add(self, key, version, body):
        kept = self.versions.get(key, [])
        if version == "null":
            kept = [each for each in kept if each[0] != "null"]
        self.versions[key] = [(version, body), *kept]

    def delete(self, key, version, returned):
        if version is not None:
            self.versions[key] = [each for each in self.versions.get(key, []) if each[0] != version]
        elif self.status:
            self.add(key, returned, None)
        else:
            self.versions.pop(key, None)


def call(stack, operation, **params):
    if operation == "PutObject":
        body = params["Body"]
        params["_received"] = [f"{int.from_bytes(body, 'big'):032x}", len(body), {}]
    return stack(operation, service="s3", Bucket="bucket", **params)


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_versions_are_what_a_naive_model_says(steps):
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(folder)
        call(stack, "CreateBucket")
        model = Model()
        for number, step in enumerate(steps):
            if step[0] == "put":
                body = bytes((number + 1,))
                call(stack, "PutObject", Key=step[1], Body=body)
                newest = call(stack, "ListObjectVersions", Prefix=step[1])["Versions"][0]
                model.add(step[1], newest["VersionId"], body)
            elif step[0] == "delete":
                model.delete(step[1], None, call(stack, "DeleteObject", Key=step[1]).get("VersionId"))
            elif step[0] == "delete version":
                there = model.versions.get(step[1], [])
                if there:
                    version = there[step[2] % len(there)][0]
                    call(stack, "DeleteObject", Key=step[1], VersionId=version)
                    model.delete(step[1], version, None)
            else:
                call(stack, "PutBucketVersioning", VersioningConfiguration={"Status": step[1]})
                model.status = step[1]
        check(stack, model)
        assert stack.differences() == []
        stack.close()


def check(stack, model):
    expected = [
        (key, version, body is None, number == 0)
        for key in sorted(model.versions)
        for number, (version, body) in enumerate(model.versions[key])
    ]
    listed, params = [], {}
    while True:
        page = call(stack, "ListObjectVersions", MaxKeys=1, **params)
        for member in ("Versions", "DeleteMarkers"):
            for each in page.get(member, []):
                listed.append((each["Key"], each["VersionId"], member == "DeleteMarkers", each["IsLatest"]))
        if not page["IsTruncated"]:
            break
        params = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
    assert listed == expected
    current = [key for key in sorted(model.versions) if model.versions[key] and model.versions[key][0][1] is not None]
    assert [each["Key"] for each in call(stack, "ListObjectsV2").get("Contents", [])] == current
    for key, versions in model.versions.items():
        for version, body in versions:
            if body is not None:
                assert call(stack, "GetObject", Key=key, VersionId=version)["Body"] == body
        if key not in current:
            with pytest.raises(AwsError):
                call(stack, "GetObject", Key=key)
