"""XML bodies: bombs, document types, broken and overlong documents."""

from __future__ import annotations

import pytest

from tests.hostile.conftest import code_of

DEEP = 200_000
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b"]><Tagging><TagSet><Tag><Key>&j;</Key><Value>a</Value></Tag></TagSet></Tagging>"
)
TAGS = b"<Tagging><TagSet><Tag><Key>a</Key><Value>%s</Value></Tag></TagSet></Tagging>"
BROKEN = {
    "a bomb": BOMB,
    "an external entity": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + TAGS % b"&x;",
    "a parameter entity": b'<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:1/">%x;]>' + TAGS % b"a",
    "a document type": b"<!DOCTYPE Tagging>" + TAGS % b"a",
    "an external document type": b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd">' + TAGS % b"a",
    "an entity that nobody declared": TAGS % b"&nobody;",
    "half a document": b"<Tagging><TagSet><Tag><Key>a</Key>",
    "half a tag": b"<Tagging><TagSet><Ta",
    "crossed tags": b"<Tagging><TagSet></Tagging></TagSet>",
    "two roots": TAGS % b"a" + TAGS % b"b",
    "text": b"Tagging",
    "JSON": b'{"TagSet": []}',
    "NUL": TAGS % b"\0",
    "a character reference to NUL": TAGS % b"&#0;",
    "a character reference to half a pair": TAGS % b"&#xD800;",
    "a character reference to nothing": TAGS % b"&#x110000;",
    "a control character": TAGS % b"\x01",
    "invalid UTF-8": TAGS % b"\xff\xfe",
    "UTF-16": (TAGS % b"a").decode().encode("utf-16"),
    "deep elements": b"<a>" * DEEP,
    "deep elements, closed": b"<Tagging>" + b"<a>" * DEEP + b"</a>" * DEEP + b"</Tagging",
    "two attributes of one name": b'<Tagging a="1" a="2"/>',
    "a namespace that nobody declared": b"<x:Tagging/>",
    "white space": b" \r\n ",
}
TAKERS = {
    "PutBucketTagging": ("PUT", "/things?tagging"),
    "PutObjectTagging": ("PUT", "/things/kept?tagging"),
    "DeleteObjects": ("POST", "/things?delete"),
    "CompleteMultipartUpload": ("POST", "/things/kept?uploadId=none"),
    "PutBucketLifecycleConfiguration": ("PUT", "/things?lifecycle"),
    "CreateBucket": ("PUT", "/more-things"),
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize(("method", "target"), TAKERS.values(), ids=TAKERS)
def test_a_document_that_is_none_is_malformed(victim, method, target, body):
    answer = victim.s3(method, target, body)
    assert answer.status == 400, answer.body
    assert code_of(answer) in ("MalformedXML", "MissingRequestBodyError")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<Nonsense/>", "MalformedXML"),
        (b"<Tagging/>", "MalformedXML"),
        (b"<Tagging><TagSet><Tag><Value>a</Value></Tag></TagSet></Tagging>", "MalformedXML"),
        (b"<Tagging><TagSet><Tag><Key/><Value>a</Value></Tag></TagSet></Tagging>", "InvalidTag"),
        (b"<Tagging><TagSet>" + b"<Tag><Key>a</Key><Value>a</Value></Tag>" * 2 + b"</TagSet></Tagging>", "InvalidTag"),
        (TAGS % (b"a" * 300), "InvalidTag"),
        (TAGS % (b"<b/>" * 3 + b"?" * 1000), "InvalidTag"),
    ],
)
def test_a_document_of_another_shape_is_refused(victim, body, code):
    answer = victim.s3("PUT", "/things/kept?tagging", body)
    assert answer.status == 400, answer.body
    assert code_of(answer) in (code, "MalformedXML")


def test_very_many_elements_are_refused_without_great_cost(victim):
    body = b"<Delete>" + b"<Object><Key>none</Key></Object>" * 100_000 + b"</Delete>"
    answer = victim.s3("POST", "/things?delete", body)
    assert answer.status == 400
    assert code_of(answer) == "MalformedXML"


@pytest.mark.parametrize("number", ["-1", "0", "10001", "a", "1.5", "9" * 5000, "\u0661", ""])
def test_part_numbers_that_are_none_are_refused(victim, number):
    body = f"<CompleteMultipartUpload><Part><PartNumber>{number}</PartNumber><ETag>a</ETag></Part></CompleteMultipartUpload>"
    answer = victim.s3("POST", "/things/kept?uploadId=none", body.encode())
    assert answer.status in (400, 404), answer.body
    assert code_of(answer) in ("MalformedXML", "InvalidArgument", "NoSuchUpload", "InvalidPart")
