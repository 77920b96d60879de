"""Multipart uploads."""

from __future__ import annotations

import base64
import hashlib
import os

import pytest

from tests.errors import aws_error

MIB = 1024 * 1024


def begin(s3, bucket, key="k", **params):
    return s3.create_multipart_upload(Bucket=bucket, Key=key, **params)["UploadId"]


def upload(s3, bucket, upload_id, number, body, key="k", **params):
    answer = s3.upload_part(Bucket=bucket, Key=key, UploadId=upload_id, PartNumber=number, Body=body, **params)
    return {"PartNumber": number, "ETag": answer["ETag"]}


def complete(s3, bucket, upload_id, parts, key="k", **params):
    return s3.complete_multipart_upload(
        Bucket=bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": parts}, **params
    )


def test_parts_become_an_object(s3, bucket):
    upload_id = begin(s3, bucket, ContentType="text/plain", Metadata={"a": "1"}, Tagging="t=1")
    first, second = os.urandom(5 * MIB), b"tail"
    parts = [upload(s3, bucket, upload_id, 1, first), upload(s3, bucket, upload_id, 2, second)]
    done = complete(s3, bucket, upload_id, parts)
    md5s = hashlib.md5(first).digest() + hashlib.md5(second).digest()
    assert done["ETag"] == f'"{hashlib.md5(md5s).hexdigest()}-2"'
    assert done["Location"].endswith(f"/{bucket}/k")
    answer = s3.get_object(Bucket=bucket, Key="k")
    assert answer["Body"].read() == first + second
    assert (answer["ContentType"], answer["Metadata"], answer["TagCount"]) == ("text/plain", {"a": "1"}, 1)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_completing_twice_gives_the_same_answer(s3, bucket):
    upload_id = begin(s3, bucket)
    parts = [upload(s3, bucket, upload_id, 1, b"x")]
    first, again = complete(s3, bucket, upload_id, parts), complete(s3, bucket, upload_id, parts)
    assert first["ETag"] == again["ETag"]
    s3.delete_object(Bucket=bucket, Key="k")
    with aws_error("NoSuchUpload", status=404):
        complete(s3, bucket, upload_id, parts)


def test_ranges_and_parts_of_an_uploaded_object(s3, bucket):
    upload_id = begin(s3, bucket)
    whole = os.urandom(5 * MIB + 10)
    parts = [upload(s3, bucket, upload_id, 1, whole[: 5 * MIB]), upload(s3, bucket, upload_id, 2, whole[5 * MIB :])]
    complete(s3, bucket, upload_id, parts)
    over_the_seam = s3.get_object(Bucket=bucket, Key="k", Range=f"bytes={5 * MIB - 5}-{5 * MIB + 4}")
    assert over_the_seam["Body"].read() == whole[5 * MIB - 5 : 5 * MIB + 5]
    part = s3.get_object(Bucket=bucket, Key="k", PartNumber=2)
    assert part["Body"].read() == whole[5 * MIB :]
    assert (part["PartsCount"], part["ContentRange"]) == (2, f"bytes {5 * MIB}-{5 * MIB + 9}/{5 * MIB + 10}")
    with aws_error("InvalidPartNumber", status=416):
        s3.get_object(Bucket=bucket, Key="k", PartNumber=3)


def test_a_part_uploaded_again_replaces_the_first(s3, bucket):
    upload_id = begin(s3, bucket)
    upload(s3, bucket, upload_id, 1, b"first")
    parts = [upload(s3, bucket, upload_id, 1, b"second")]
    complete(s3, bucket, upload_id, parts)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"second"


def test_parts_that_are_not_listed_are_left_out(s3, bucket):
    upload_id = begin(s3, bucket)
    upload(s3, bucket, upload_id, 1, b"left out")
    parts = [upload(s3, bucket, upload_id, 7, b"kept")]
    complete(s3, bucket, upload_id, parts)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"kept"


def test_what_completing_checks(s3, bucket):
    upload_id = begin(s3, bucket)
    one, two = upload(s3, bucket, upload_id, 1, b"small"), upload(s3, bucket, upload_id, 2, b"last")
    with aws_error("MalformedXML", status=400):
        complete(s3, bucket, upload_id, [])
    with aws_error("InvalidPartOrder", status=400):
        complete(s3, bucket, upload_id, [two, one])
    with aws_error("InvalidPart", status=400):
        complete(s3, bucket, upload_id, [one, {"PartNumber": 3, "ETag": '"x"'}])
    with aws_error("InvalidPart", status=400):
        complete(s3, bucket, upload_id, [{**one, "ETag": two["ETag"]}])
    with aws_error("EntityTooSmall", status=400) as caught:
        complete(s3, bucket, upload_id, [one, two])
    assert caught.value.response["Error"]["MinSizeAllowed"] == str(5 * MIB)
    with aws_error("InvalidRequest", status=400):
        complete(s3, bucket, upload_id, [one], MpuObjectSize=99)
    with aws_error("PreconditionFailed", status=412):
        s3.put_object(Bucket=bucket, Key="k")
        complete(s3, bucket, upload_id, [one], IfNoneMatch="*")
    with aws_error("NoSuchUpload", status=404):
        complete(s3, bucket, "nonsense", [one])


def test_an_aborted_upload_is_gone(s3, bucket):
    upload_id = begin(s3, bucket)
    upload(s3, bucket, upload_id, 1, b"x")
    s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload_id)
    for call in (
        lambda: s3.list_parts(Bucket=bucket, Key="k", UploadId=upload_id),
        lambda: s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload_id),
        lambda: upload(s3, bucket, upload_id, 1, b"x"),
    ):
        with aws_error("NoSuchUpload", status=404):
            call()


@pytest.mark.parametrize("number", [0, 10_001])
def test_part_numbers_have_bounds(s3, bucket, number):
    with aws_error("InvalidArgument", status=400, message="between 1 and 10000"):
        upload(s3, bucket, begin(s3, bucket), number, b"x")


def test_parts_are_listed_in_pages(s3, bucket):
    upload_id = begin(s3, bucket)
    for number in (1, 3, 5, 7, 9):
        upload(s3, bucket, upload_id, number, b"x" * number)
    pages = s3.get_paginator("list_parts").paginate(
        Bucket=bucket, Key="k", UploadId=upload_id, PaginationConfig={"PageSize": 2}
    )
    found = [[(part["PartNumber"], part["Size"]) for part in page["Parts"]] for page in pages]
    assert found == [[(1, 1), (3, 3)], [(5, 5), (7, 7)], [(9, 9)]]


def test_uploads_are_listed_by_key_and_age(s3, bucket):
    started = [(key, begin(s3, bucket, key)) for key in ("b", "a/1", "a/2", "a/1")]
    expected = [started[1], started[3], started[2], started[0]]
    answer = s3.list_multipart_uploads(Bucket=bucket)
    assert [(each["Key"], each["UploadId"]) for each in answer["Uploads"]] == expected
    found = []
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, PaginationConfig={"PageSize": 1}):
        found += [(each["Key"], each["UploadId"]) for each in page["Uploads"]]
    assert found == expected
    rolled = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [each["Prefix"] for each in rolled["CommonPrefixes"]] == ["a/"]


def test_a_part_can_be_a_range_of_an_object(s3, bucket):
    data = os.urandom(6 * MIB)
    s3.put_object(Bucket=bucket, Key="source", Body=data)
    upload_id = begin(s3, bucket)
    parts = []
    for number, span in ((1, f"bytes=0-{5 * MIB - 1}"), (2, f"bytes={5 * MIB}-{6 * MIB - 1}")):
        answer = s3.upload_part_copy(
            Bucket=bucket, Key="k", UploadId=upload_id, PartNumber=number, CopySource={"Bucket": bucket, "Key": "source"},
            CopySourceRange=span,
        )  # fmt: skip
        parts.append({"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]})
    assert parts[0]["ETag"] == f'"{hashlib.md5(data[: 5 * MIB]).hexdigest()}"'
    complete(s3, bucket, upload_id, parts)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == data


def test_a_copied_parts_range_is_checked(s3, bucket):
    s3.put_object(Bucket=bucket, Key="source", Body=b"0123456789")
    upload_id = begin(s3, bucket)
    for span in ("bytes=0-10", "0-5", "bytes=5-"):
        with aws_error("InvalidArgument", status=400):
            s3.upload_part_copy(
                Bucket=bucket, Key="k", UploadId=upload_id, PartNumber=1,
                CopySource={"Bucket": bucket, "Key": "source"}, CopySourceRange=span,
            )  # fmt: skip


def test_an_uploaded_object_is_copied(s3, bucket):
    upload_id = begin(s3, bucket)
    whole = os.urandom(5 * MIB + 3)
    parts = [upload(s3, bucket, upload_id, 1, whole[: 5 * MIB]), upload(s3, bucket, upload_id, 2, whole[5 * MIB :])]
    complete(s3, bucket, upload_id, parts)
    copied = s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "k"})
    assert copied["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(whole).hexdigest()}"'
    s3.delete_object(Bucket=bucket, Key="k")
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == whole


def test_a_large_uploaded_object_keeps_its_etag_when_copied(s3, bucket):
    upload_id = begin(s3, bucket)
    bodies = [os.urandom(5 * MIB), os.urandom(5 * MIB)]
    done = complete(
        s3, bucket, upload_id, [upload(s3, bucket, upload_id, n + 1, body) for n, body in enumerate(bodies)]
    )
    copied = s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "k"})
    assert copied["CopyObjectResult"]["ETag"] == done["ETag"]
    s3.delete_object(Bucket=bucket, Key="k")
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == bodies[0] + bodies[1]


def test_the_sha256_of_an_upload_is_one_of_its_parts_sha256s(s3, bucket):
    upload_id = begin(s3, bucket, ChecksumAlgorithm="SHA256")
    body = b"data"
    checksum = base64.b64encode(hashlib.sha256(body).digest()).decode()
    part = upload(s3, bucket, upload_id, 1, body, ChecksumAlgorithm="SHA256")
    with aws_error("InvalidRequest", status=400, message="must include the checksum for each part"):
        complete(s3, bucket, upload_id, [part])
    done = complete(s3, bucket, upload_id, [{**part, "ChecksumSHA256": checksum}])
    expected = base64.b64encode(hashlib.sha256(hashlib.sha256(body).digest()).digest()).decode() + "-1"
    assert (done["ChecksumSHA256"], done["ChecksumType"]) == (expected, "COMPOSITE")


def test_the_crc_of_an_upload_can_be_that_of_the_whole(s3, bucket):
    from app.services.s3 import checksums

    first, second = os.urandom(5 * MIB), b"tail"
    upload_id = begin(s3, bucket, ChecksumAlgorithm="CRC32C", ChecksumType="FULL_OBJECT")
    parts = [
        upload(s3, bucket, upload_id, number, body, ChecksumAlgorithm="CRC32C")
        for number, body in ((1, first), (2, second))
    ]
    expected = checksums.text(checksums.once("CRC32C", first + second))
    with aws_error("BadDigest", status=400):
        complete(s3, bucket, upload_id, parts, ChecksumCRC32C="AAAAAA==", ChecksumType="FULL_OBJECT")
    done = complete(s3, bucket, upload_id, parts, ChecksumCRC32C=expected, ChecksumType="FULL_OBJECT")
    assert done["ChecksumCRC32C"] == expected
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")["ChecksumCRC32C"] == expected


def test_checksum_types_must_suit_their_algorithm(s3, bucket):
    for algorithm, kind in (("SHA256", "FULL_OBJECT"), ("CRC64NVME", "COMPOSITE")):
        with aws_error("InvalidRequest", status=400):
            begin(s3, bucket, ChecksumAlgorithm=algorithm, ChecksumType=kind)


def test_the_transfer_manager_works(s3, bucket, tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(os.urandom(20 * MIB))
    s3.upload_file(str(source), bucket, "big")
    s3.download_file(bucket, "big", str(target))
    assert target.read_bytes() == source.read_bytes()
    s3.copy({"Bucket": bucket, "Key": "big"}, bucket, "copy")
    assert s3.head_object(Bucket=bucket, Key="copy")["ContentLength"] == 20 * MIB
