"""S3 on the wire: its streams, headers, documents, and the places where it goes its own way."""

from __future__ import annotations

from typing import Any

import pytest

from app import protocols
from app.errors import AwsError
from app.http import BytesBody, FileBody
from tests.protocols import oracle
from tests.protocols.asking import read_s3, request

NS = "http://s3.amazonaws.com/doc/2006-03-01/"
MALFORMED = "The XML you provided was not well-formed or did not validate against our published schema"


def body_of(operation: str, result: dict[str, Any]) -> str:
    body = protocols.operation("s3", operation).serialize("rest-xml", result, "id").body
    assert isinstance(body, bytes)
    return body.decode().removeprefix('<?xml version="1.0" encoding="UTF-8"?>\n')


def test_a_streaming_body_is_left_unread() -> None:
    compiled = protocols.operation("s3", "PutObject")
    assert compiled.streaming_input == "Body"
    asked = request(b"data", "PUT", headers={"content-length": "4", "x-amz-meta-a": "1", "content-type": "text/plain"})
    params = compiled.parse("rest-xml", asked, {"Bucket": "b", "Key": "a%20b/%C3%A9%252f+"})
    body = params.pop("Body")
    assert body is asked.body
    assert body.read() == b"data"
    assert params == {
        "Bucket": "b",
        "Key": "a b/é%2f+",
        "ContentLength": 4,
        "ContentType": "text/plain",
        "Metadata": {"a": "1"},
    }


def test_a_body_of_files_passes_through() -> None:
    compiled = protocols.operation("s3", "GetObject")
    assert compiled.streaming_output == "Body"
    body = FileBody([("/tmp/x", 0, 5)])
    result = {"Body": body, "ContentLength": 5, "LastModified": 1.5e9, "Metadata": {"k": "v"}, "ContentRange": None}
    response = compiled.serialize("rest-xml", result, "id")
    assert response.body is body
    assert response.header("Last-Modified") == "Fri, 14 Jul 2017 02:40:00 GMT"
    assert response.header("Content-Length") == "5"
    assert response.header("x-amz-meta-k") == "v"
    assert response.header("x-amz-request-id") == "id"
    assert response.header("x-amz-id-2")
    assert response.header("Content-Range") is None


def test_expires_is_text_that_need_not_be_a_date() -> None:
    for text in ("Fri, 14 Jul 2017 02:40:00 GMT", "0", "never"):
        params = read_s3("PutObject", headers={"expires": text}, Bucket="b", Key="k")
        assert params["Expires"] == text
        response = protocols.operation("s3", "GetObject").serialize("rest-xml", {"Expires": text}, "id")
        assert response.header("Expires") == text
    response = protocols.operation("s3", "GetObject").serialize("rest-xml", {"Expires": 1.5e9}, "id")
    assert response.header("Expires") == "Fri, 14 Jul 2017 02:40:00 GMT"


def test_unreadable_dates_of_conditions_are_ignored() -> None:
    params = read_s3("GetObject", headers={"if-modified-since": "yesterday"}, Bucket="b", Key="k")
    assert params == {"Bucket": "b", "Key": "k"}


def test_a_presigned_url_may_carry_headers_in_its_query() -> None:
    query = "X-Amz-Signature=x&x-amz-acl=private&x-amz-meta-A=1&x-id=PutObject&X-Amz-Checksum-Crc32=AAAA"
    params = read_s3("PutObject", query=query, Bucket="b", Key="k")
    params.pop("Body")
    assert params == {"Bucket": "b", "Key": "k", "ACL": "private", "Metadata": {"a": "1"}, "ChecksumCRC32": "AAAA"}


def test_a_plus_in_the_query_is_a_space_and_in_the_path_a_plus() -> None:
    params = read_s3("ListObjectsV2", query="list-type=2&prefix=a+b%2Bc&max-keys=5&fetch-owner=true", Bucket="b+")
    assert params == {"Bucket": "b+", "Prefix": "a b+c", "MaxKeys": 5, "FetchOwner": True}


def test_a_location_stands_bare_in_the_document() -> None:
    assert body_of("GetBucketLocation", {"LocationConstraint": "eu-west-1"}) == (
        f'<LocationConstraint xmlns="{NS}">eu-west-1</LocationConstraint>'
    )
    assert body_of("GetBucketLocation", {}) == f'<LocationConstraint xmlns="{NS}"></LocationConstraint>'


def test_a_grantee_says_in_an_attribute_what_it_is() -> None:
    grants = {"Grants": [{"Grantee": {"Type": "CanonicalUser", "ID": "1"}, "Permission": "READ"}]}
    assert body_of("GetBucketAcl", grants) == (
        f'<AccessControlPolicy xmlns="{NS}"><AccessControlList><Grant>'
        '<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>1</ID></Grantee>'
        "<Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>"
    )
    body = (
        f'<AccessControlPolicy xmlns="{NS}"><AccessControlList><Grant>'
        '<Grantee xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="Group"><URI>u</URI></Grantee>'
        "</Grant></AccessControlList></AccessControlPolicy>"
    )
    params = read_s3("PutBucketAcl", body.encode(), Bucket="b")
    assert params["AccessControlPolicy"] == {"Grants": [{"Grantee": {"Type": "Group", "URI": "u"}}]}


def test_documents_have_the_names_that_s3_gives_them() -> None:
    contents = [{"Key": "a\x01&", "ETag": '"x"', "Size": 1, "LastModified": 1.5e9}]
    assert body_of("ListObjectsV2", {"Name": "b", "Contents": contents, "CommonPrefixes": [{"Prefix": "p/"}]}) == (
        f'<ListBucketResult xmlns="{NS}"><Name>b</Name><Contents><Key>a&#x1;&amp;</Key><ETag>&quot;x&quot;</ETag>'
        "<Size>1</Size><LastModified>2017-07-14T02:40:00.000Z</LastModified></Contents>"
        "<CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes></ListBucketResult>"
    )
    assert body_of("GetObjectRetention", {"Retention": {"Mode": "GOVERNANCE"}}).startswith(f'<Retention xmlns="{NS}">')
    assert body_of("GetBucketPolicy", {"Policy": "{}"}) == "{}"


@pytest.mark.parametrize(
    "body",
    [
        b"not xml",
        b"<VersioningConfiguration>",
        b"<VersioningConfiguration><Status>Perhaps</Status></VersioningConfiguration>",
        b"<Other><Status>Enabled</Status></Other>",
        b"<VersioningConfiguration>\x00</VersioningConfiguration>",
        b"<VersioningConfiguration>\xff</VersioningConfiguration>",
        '<?xml version="1.0" encoding="utf-16"?><VersioningConfiguration/>'.encode("utf-16"),
        b'<!DOCTYPE x [<!ENTITY a "b">]><VersioningConfiguration><Status>&a;</Status></VersioningConfiguration>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><VersioningConfiguration/>',
        b"<VersioningConfiguration><Status>&undeclared;</Status></VersioningConfiguration>",
    ],
)
def test_bad_documents_are_malformed_xml(body: bytes) -> None:
    with pytest.raises(AwsError) as refused:
        read_s3("PutBucketVersioning", body, validate=True, Bucket="b")
    assert (refused.value.code, refused.value.message) == ("MalformedXML", MALFORMED)


def test_letters_like_a_document_type_are_no_document_type() -> None:
    body = b"<LifecycleConfiguration><Rule><ID><![CDATA[<!DOCTYPE x>]]></ID></Rule></LifecycleConfiguration>"
    params = read_s3("PutBucketLifecycleConfiguration", body, Bucket="b")
    assert params["LifecycleConfiguration"] == {"Rules": [{"ID": "<!DOCTYPE x>"}]}


def test_a_missing_document_has_an_error_of_its_own() -> None:
    with pytest.raises(AwsError) as refused:
        read_s3("PutBucketTagging", validate=True, Bucket="b")
    assert (refused.value.code, refused.value.message) == ("MissingRequestBodyError", "Request Body is empty")


def test_headers_and_the_query_are_not_checked_against_the_model() -> None:
    read_s3("PutObject", headers={"x-amz-acl": "odd", "x-amz-storage-class": "odd"}, validate=True, Bucket="b", Key="k")
    with pytest.raises(AwsError) as refused:
        read_s3("ListObjectsV2", query="max-keys=x", Bucket="b")
    assert refused.value.code == "InvalidArgument"


def test_control_characters_cannot_end_a_header() -> None:
    result = {"ContentType": "text/plain\r\nSet-Cookie: a=b", "Metadata": {"k": "v\n\rw"}}
    response = protocols.operation("s3", "GetObject").serialize("rest-xml", result, "id")
    assert response.header("Content-Type") == "text/plain Set-Cookie: a=b"
    assert response.header("x-amz-meta-k") == "v w"


def test_an_error_is_a_document_without_a_wrapper() -> None:
    error = AwsError("NoSuchKey", "The specified key does not exist.", Key="a&b")
    response = protocols.serialize_error("s3", "GetObject", "rest-xml", error, "id", resource="/b/a&b")
    assert response.status == 404
    assert response.header("content-type") == "application/xml"
    assert isinstance(response.body, bytes)
    host = response.header("x-amz-id-2")
    assert response.body.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code>'
        "<Message>The specified key does not exist.</Message><Key>a&amp;b</Key><Resource>/b/a&amp;b</Resource>"
        f"<RequestId>id</RequestId><HostId>{host}</HostId></Error>"
    )


@pytest.mark.parametrize(("head", "code", "status"), [(True, "NoSuchKey", 404), (False, "NotModified", 304)])
def test_some_errors_have_no_body(head: bool, code: str, status: int) -> None:
    response = protocols.serialize_error("s3", "GetObject", "rest-xml", AwsError(code, "m"), "id", head=head)
    assert (response.status, response.body) == (status, b"")
    assert response.header("content-type") is None


def test_botocore_reads_the_events_of_a_select() -> None:
    events: list[dict[str, Any]] = [
        {"Records": {"Payload": b"a,b\n"}},
        {"Cont": {}},
        {"Stats": {"Details": {"BytesScanned": 4, "BytesProcessed": 4, "BytesReturned": 4}}},
        {"End": {}},
    ]
    response = protocols.operation("s3", "SelectObjectContent").serialize("rest-xml", {"Payload": iter(events)}, "id")
    assert response.header("content-type") == "application/vnd.amazon.eventstream"
    shape = oracle.client_model("s3", "rest-xml").operation_model("SelectObjectContent").output_shape
    parsed = oracle.parse_response("rest-xml", oracle.response_dict(response, "SelectObjectContent"), shape)
    assert list(parsed["Payload"]) == events


def test_a_body_that_is_given_is_not_copied() -> None:
    body = BytesBody(b"x")
    params = protocols.operation("s3", "UploadPart").parse(
        "rest-xml", protocols_request(body), {"Bucket": "b", "Key": "k"}
    )
    assert params["Body"] is body
    assert (params["PartNumber"], params["UploadId"]) == (2, "u")


def protocols_request(body: BytesBody) -> Any:
    asked = request(method="PUT", target="/b/k?partNumber=2&uploadId=u")
    asked.body = body
    return asked
