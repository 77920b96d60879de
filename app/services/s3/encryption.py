"""Server-side encryption, as data: which headers an object gets and who may read it.

Source: Amazon S3 User Guide, "Protecting data with server-side encryption".
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from app.services import AwsError
from app.services.s3.places import access_denied, invalid_argument
from projections.s3 import Bucket

ALGORITHMS = frozenset({"AES256", "aws:kms", "aws:kms:dsse"})
KMS = frozenset({"aws:kms", "aws:kms:dsse"})
_KEY_ID = re.compile(r"(mrk-)?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")


def kms_key(key: str | None, bucket: Bucket) -> str:
    """Return a KMS key as S3 gives it back: its ARN; that of the account's aws/s3 key where none is named."""
    if key is None:
        digest = hashlib.sha256(f"aws/s3 {bucket.account} {bucket.region}".encode()).hexdigest()
        key = f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"
    if _KEY_ID.fullmatch(key):
        return f"arn:aws:kms:{bucket.region}:{bucket.account}:key/{key}"
    return key


def encryption_members(params: dict[str, Any], bucket: Bucket, members: dict[str, str]) -> None:
    """Add the members that say how a new object is encrypted. Errors: InvalidArgument, InvalidEncryptionAlgorithmError."""
    algorithm, key = params.get("ServerSideEncryption"), params.get("SSEKMSKeyId")
    customer = params.get("SSECustomerAlgorithm")
    bucket_key = params.get("BucketKeyEnabled")
    if customer is not None:
        if algorithm is not None:
            raise invalid_argument(
                "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
                "x-amz-server-side-encryption", algorithm,
            )  # fmt: skip
        members["SSECustomerAlgorithm"] = customer
        members["SSECustomerKeyMD5"] = params["SSECustomerKeyMD5"]
        return
    if algorithm is None:
        if key is not None:
            raise invalid_argument(
                "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : "
                "aws:kms", "x-amz-server-side-encryption", "null",
            )  # fmt: skip
        default = bucket.settings.get("encryption")
        if default is None:
            members["ServerSideEncryption"] = "AES256"
            return
        rule = default["Rules"][0]
        applied = rule.get("ApplyServerSideEncryptionByDefault") or {}
        algorithm, key = applied.get("SSEAlgorithm", "AES256"), applied.get("KMSMasterKeyID")
        if bucket_key is None:
            bucket_key = rule.get("BucketKeyEnabled")
    elif algorithm not in ALGORITHMS:
        raise AwsError(
            "InvalidArgument", "The encryption method specified is not supported", status=400,
            ArgumentName="x-amz-server-side-encryption", ArgumentValue=algorithm,
        )  # fmt: skip
    elif algorithm == "AES256" and key is not None:
        raise invalid_argument(
            "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms",
            "x-amz-server-side-encryption", algorithm,
        )  # fmt: skip
    members["ServerSideEncryption"] = algorithm
    if algorithm in KMS:
        members["SSEKMSKeyId"] = kms_key(key, bucket)
        if bucket_key:
            members["BucketKeyEnabled"] = "true"


ANSWERED = (
    "ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled", "SSECustomerAlgorithm", "SSECustomerKeyMD5",
)  # fmt: skip


def answered(members: dict[str, str]) -> dict[str, str]:
    """Return the members about encryption that the answer to a write has."""
    return {name: members[name] for name in ANSWERED if name in members}


def check_same_key(params: dict[str, Any], members: dict[str, str]) -> None:
    """Hold a part's key against its upload's. Errors: InvalidRequest (400)."""
    given, stored = params.get("SSECustomerKeyMD5"), members.get("SSECustomerKeyMD5")
    if given == stored:
        return
    if given is None:
        raise AwsError(
            "InvalidRequest",
            "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate "
            "encryption parameters.",
            status=400,
        )
    raise AwsError(
        "InvalidRequest", "The provided encryption parameters did not match the ones used originally.", status=400
    )


def check_customer_key(params: dict[str, Any], members: dict[str, str], prefix: str = "") -> None:
    """Let only who has the key read what was stored with one. Errors: InvalidRequest (400), AccessDenied (403)."""
    given, stored = params.get(f"{prefix}SSECustomerKeyMD5"), members.get("SSECustomerKeyMD5")
    if stored is None:
        if given is not None:
            raise AwsError("InvalidRequest", "The encryption parameters are not applicable to this object.", status=400)
        return
    if given is None:
        raise AwsError(
            "InvalidRequest",
            "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to "
            "retrieve the object.",
            status=400,
        )
    if given != stored:
        raise access_denied()
