"""Bucket configuration: what is put comes back, what is wrong is refused, what is not there is told."""

from __future__ import annotations

import json

import pytest

from tests.errors import aws_error

CORS = {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "MaxAgeSeconds": 3}]}
WEBSITE = {"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"}}
TAGS = {"TagSet": [{"Key": "a", "Value": "1"}]}
LIFECYCLE = {"Rules": [{"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 3}}]}

DOCUMENTS = [
    ("cors", "CORSConfiguration", CORS, CORS, "NoSuchCORSConfiguration"),
    ("website", "WebsiteConfiguration", WEBSITE, WEBSITE, "NoSuchWebsiteConfiguration"),
    ("tagging", "Tagging", TAGS, TAGS, "NoSuchTagSet"),
]


@pytest.mark.parametrize(("kind", "param", "document", "answered", "missing"), DOCUMENTS)
def test_a_document_comes_and_goes(s3, bucket, kind, param, document, answered, missing):
    get, put, delete = (getattr(s3, f"{verb}_bucket_{kind}") for verb in ("get", "put", "delete"))
    with aws_error(missing, status=404):
        get(Bucket=bucket)
    put(Bucket=bucket, **{param: document})
    found = get(Bucket=bucket)
    assert {name: found[name] for name in answered} == answered
    delete(Bucket=bucket)
    with aws_error(missing, status=404):
        get(Bucket=bucket)
    delete(Bucket=bucket)


def test_the_lifecycle_tells_objects_when_they_expire(s3, bucket):
    with aws_error("NoSuchLifecycleConfiguration", status=404):
        s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=LIFECYCLE)
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == LIFECYCLE["Rules"]
    assert 'rule-id="r"' in s3.put_object(Bucket=bucket, Key="tmp/x")["Expiration"]
    assert 'rule-id="r"' in s3.head_object(Bucket=bucket, Key="tmp/x")["Expiration"]
    assert "Expiration" not in s3.put_object(Bucket=bucket, Key="other")


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({"Status": "enabled", "Filter": {}, "Expiration": {"Days": 1}}, "MalformedXML"),
        ({"Status": "Enabled", "Filter": {}, "Expiration": {"Days": 0}}, "InvalidArgument"),
        (
            {"Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1, "ExpiredObjectDeleteMarker": True}},
            "MalformedXML",
        ),
        ({"Status": "Enabled", "Filter": {}}, "InvalidRequest"),
        ({"Status": "Enabled", "Filter": {}, "ID": "x" * 256, "Expiration": {"Days": 1}}, "InvalidArgument"),
    ],
)
def test_a_lifecycle_rule_is_checked(s3, bucket, rule, code):
    with aws_error(code, status=400):
        s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})


def test_cors_rules_are_checked(s3, bucket):
    rule = {"AllowedMethods": ["PATCH"], "AllowedOrigins": ["*"]}
    with aws_error("InvalidRequest", status=400, message="PATCH"):
        s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})


def test_new_buckets_are_encrypted_and_closed(s3, bucket):
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    controls = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]
    assert controls == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


def test_the_default_encryption_is_that_of_new_objects(s3, bucket):
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/mine"}}
    s3.put_bucket_encryption(
        Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [{**rule, "BucketKeyEnabled": True}]}
    )
    made = s3.put_object(Bucket=bucket, Key="k")
    assert (made["ServerSideEncryption"], made["SSEKMSKeyId"], made["BucketKeyEnabled"]) == (
        "aws:kms",
        "alias/mine",
        True,
    )
    assert s3.put_object(Bucket=bucket, Key="k", ServerSideEncryption="AES256")["ServerSideEncryption"] == "AES256"
    s3.delete_bucket_encryption(Bucket=bucket)
    assert s3.put_object(Bucket=bucket, Key="k")["ServerSideEncryption"] == "AES256"


def policy(bucket, principal, **more):
    statement = {
        "Effect": "Allow",
        "Principal": principal,
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [{**statement, **more}]})


def test_a_policy_comes_back_as_it_was_put(s3, bucket):
    with aws_error("NoSuchBucketPolicy", status=404):
        s3.get_bucket_policy(Bucket=bucket)
    text = policy(bucket, {"AWS": "arn:aws:iam::111111111111:root"})
    s3.put_bucket_policy(Bucket=bucket, Policy=text)
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == text
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is False
    s3.delete_bucket_policy(Bucket=bucket)


def test_a_public_policy_needs_the_block_lifted(s3, bucket):
    with aws_error("AccessDenied", status=403):
        s3.put_bucket_policy(Bucket=bucket, Policy=policy(bucket, "*"))
    narrowed = policy(bucket, "*", Condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}})
    s3.put_bucket_policy(Bucket=bucket, Policy=narrowed)
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(bucket, "*"))
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is True


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"Version": "2001-01-01", "Statement": []}'])
def test_a_policy_that_is_none_is_refused(s3, bucket, text):
    with aws_error("MalformedPolicy", status=400):
        s3.put_bucket_policy(Bucket=bucket, Policy=text)


def test_a_policy_is_about_its_own_bucket(s3, bucket):
    with aws_error("MalformedPolicy", status=400, message="invalid resource"):
        s3.put_bucket_policy(Bucket=bucket, Policy=policy("another", {"AWS": "111111111111"}))


def test_acls_are_refused_where_the_owner_is_enforced(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", ACL="bucket-owner-full-control")
    for refused in (
        lambda: s3.put_bucket_acl(Bucket=bucket, ACL="public-read"),
        lambda: s3.put_object(Bucket=bucket, Key="k", ACL="public-read"),
        lambda: s3.put_object_acl(Bucket=bucket, Key="k", ACL="public-read"),
    ):
        with aws_error("AccessControlListNotSupported", status=400):
            refused()
    with aws_error("InvalidBucketAclWithObjectOwnership", status=400):
        s3.create_bucket(Bucket="with-an-acl", ACL="public-read")


def test_acls_are_kept_where_there_are_any(s3, bucket):
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    with aws_error("AccessDenied", status=403):
        s3.put_bucket_acl(Bucket=bucket, ACL="public-read")
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read")
    grants = s3.get_bucket_acl(Bucket=bucket)["Grants"]
    assert [(each["Grantee"]["Type"], each["Permission"]) for each in grants] == [
        ("CanonicalUser", "FULL_CONTROL"),
        ("Group", "READ"),
    ]
    s3.put_object(Bucket=bucket, Key="k", ACL="authenticated-read")
    assert len(s3.get_object_acl(Bucket=bucket, Key="k")["Grants"]) == 2
    s3.put_object_acl(Bucket=bucket, Key="k", ACL="private")
    assert len(s3.get_object_acl(Bucket=bucket, Key="k")["Grants"]) == 1


def test_several_documents_of_a_kind_have_ids(s3, bucket):
    for name in ("b", "a"):
        s3.put_bucket_metrics_configuration(Bucket=bucket, Id=name, MetricsConfiguration={"Id": name})
    listed = s3.list_bucket_metrics_configurations(Bucket=bucket)["MetricsConfigurationList"]
    assert [each["Id"] for each in listed] == ["a", "b"]
    s3.delete_bucket_metrics_configuration(Bucket=bucket, Id="a")
    with aws_error("NoSuchConfiguration", status=404):
        s3.get_bucket_metrics_configuration(Bucket=bucket, Id="a")


def test_logging_wants_a_target_that_is_there(s3, bucket):
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    enabled = {"LoggingEnabled": {"TargetBucket": "absent", "TargetPrefix": "log/"}}
    with aws_error("InvalidTargetBucketForLogging", status=400):
        s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus=enabled)
    enabled["LoggingEnabled"]["TargetBucket"] = bucket
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus=enabled)
    assert s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"] == enabled["LoggingEnabled"]
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)


def test_the_payer_and_the_acceleration_have_defaults(s3, bucket):
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "Requester"})
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "Requester"
    assert "Status" not in s3.get_bucket_accelerate_configuration(Bucket=bucket)


# -- object lock


@pytest.fixture
def locked(s3):
    s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    return "locked"


def test_a_locked_bucket_is_versioned_for_good(s3, locked):
    assert s3.get_bucket_versioning(Bucket=locked)["Status"] == "Enabled"
    with aws_error("InvalidBucketState", status=409):
        s3.put_bucket_versioning(Bucket=locked, VersioningConfiguration={"Status": "Suspended"})


def test_a_legal_hold_keeps_a_version(s3, locked):
    version = s3.put_object(Bucket=locked, Key="k", ObjectLockLegalHoldStatus="ON")["VersionId"]
    with aws_error("AccessDenied", status=403):
        s3.delete_object(Bucket=locked, Key="k", VersionId=version)
    s3.put_object_legal_hold(Bucket=locked, Key="k", LegalHold={"Status": "OFF"})
    s3.delete_object(Bucket=locked, Key="k", VersionId=version)


def test_a_default_retention_is_that_of_new_objects(s3, locked):
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
    s3.put_object_lock_configuration(
        Bucket=locked, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    version = s3.put_object(Bucket=locked, Key="k")["VersionId"]
    assert s3.get_object_retention(Bucket=locked, Key="k")["Retention"]["Mode"] == "GOVERNANCE"
    with aws_error("AccessDenied", status=403):
        s3.delete_object(Bucket=locked, Key="k", VersionId=version)
    s3.delete_object(Bucket=locked, Key="k", VersionId=version, BypassGovernanceRetention=True)


def test_what_is_not_locked_has_no_retention(s3, bucket, locked):
    s3.put_object(Bucket=bucket, Key="k")
    with aws_error("InvalidRequest", status=400):
        s3.get_object_retention(Bucket=bucket, Key="k")
    s3.put_object(Bucket=locked, Key="k")
    with aws_error("NoSuchObjectLockConfiguration", status=404):
        s3.get_object_retention(Bucket=locked, Key="k")
    with aws_error("ObjectLockConfigurationNotFoundError", status=404):
        s3.get_object_lock_configuration(Bucket=bucket)
