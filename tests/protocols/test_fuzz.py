"""Every parser against bytes that mean nothing, and against documents that nearly mean something."""

from __future__ import annotations

from urllib.parse import quote

import cbor2
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app import protocols
from tests.protocols import oracle
from tests.protocols.asking import request
from tests.protocols.fuzz_parsers import TARGETS, feed

NAMES = st.sampled_from(
    [
        "Item",
        "TableName",
        "Entries",
        "Id",
        "MessageBody",
        "MessageAttributes",
        "Tags",
        "Key",
        "Value",
        "MetricData",
        "Timestamp",
        "a",
        "S",
        "N",
        "B",
        "L",
        "M",
        "BS",
        "NULL",
        "Environment",
        "Variables",
        "Code",
        "ZipFile",
        "Rules",
        "Filter",
        "Prefix",
        "messages",
        "content",
        "text",
        "member",
        "1",
        "2",
        "entry",
        "key",
        "value",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(max_size=8)
DOCUMENTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
XML_TAGS = st.sampled_from(
    ["LifecycleConfiguration", "Rule", "ID", "Filter", "Tag", "AccessControlPolicy", "Grantee", "Owner", "Date", "a"]
)


@st.composite
def xml(draw: st.DrawFn, depth: int = 0) -> str:
    tag = draw(XML_TAGS)
    if depth > 4 or draw(st.booleans()):
        inside = draw(TEXTS)
    else:
        inside = "".join(draw(st.lists(xml(depth + 1), max_size=3)))
    return f"<{tag}>{inside}</{tag}>"


@st.composite
def form(draw: st.DrawFn) -> bytes:
    pairs = draw(st.lists(st.tuples(st.lists(NAMES, min_size=1, max_size=5).map(".".join), TEXTS), max_size=6))
    return "&".join(f"{name}={quote(value)}" for name, value in pairs).encode()


def bodies(protocol: str) -> st.SearchStrategy[bytes]:
    likely: st.SearchStrategy[bytes]
    if protocol in ("json", "rest-json"):
        likely = DOCUMENTS.map(lambda each: orjson.dumps(each, option=orjson.OPT_NON_STR_KEYS))
    elif protocol == "smithy-rpc-v2-cbor":
        likely = DOCUMENTS.map(cbor2.dumps)
    elif protocol == "rest-xml":
        likely = xml().map(str.encode)
    else:
        likely = form()
    return likely | st.binary(max_size=200)


@pytest.mark.parametrize("target", TARGETS, ids=lambda each: ".".join(each))
def test_any_request_is_read_or_refused(target: tuple[str, str, str]) -> None:
    texts = TEXTS | st.binary(max_size=6).map(quote)

    @settings(max_examples=120, deadline=None)
    @given(bodies(target[0]), texts, texts, texts)
    def run(body: bytes, query: str, header: str, label: str) -> None:
        feed(*target, body, query, header, label)

    run()


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])), st.sampled_from(["json", "query", "smithy-rpc-v2-cbor"]))
def test_any_text_goes_both_ways(text: str, protocol: str) -> None:
    model = oracle_model(protocol)
    compiled = protocols.operation("sqs", "SendMessage")
    asked, _ = oracle.request_of(protocol, {"QueueUrl": "q", "MessageBody": text}, model)
    assert compiled.parse(protocol, asked)["MessageBody"] == text


XML_TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff").filter(
        lambda c: c >= " " or c in "\t\r\n"
    )
)


@settings(max_examples=200, deadline=None)
@given(XML_TEXT)
def test_any_text_that_xml_can_hold_is_read_by_botocore(text: str) -> None:
    result = {"Messages": [{"Body": text, "Attributes": {"SenderId": text}}]}
    response = protocols.operation("sqs", "ReceiveMessage").serialize("query", result, "id")
    shape = (
        MODELS.setdefault("query", oracle.client_model("sqs", "query")).operation_model("ReceiveMessage").output_shape
    )
    parsed = oracle.parse_response("query", oracle.response_dict(response, "ReceiveMessage"), shape)
    assert parsed["Messages"] == result["Messages"]


@settings(max_examples=200, deadline=None)
@given(TEXTS.filter(bool), TEXTS, TEXTS)
def test_any_text_in_path_query_and_xml_is_read(key: str, prefix: str, identifier: str) -> None:
    model = MODELS.setdefault("s3", oracle.client_model("s3", "rest-xml"))
    asked, labels = oracle.request_of(
        "rest-xml", {"Bucket": "b", "Key": key, "VersionId": prefix}, model.operation_model("GetObject")
    )
    params = protocols.operation("s3", "GetObject").parse("rest-xml", asked, labels)
    assert (params["Key"], params["VersionId"]) == (key, prefix)
    if all(each >= " " for each in identifier) and not {"\ufffe", "\uffff"} & set(identifier):
        tags = {"Bucket": "b", "Tagging": {"TagSet": [{"Key": identifier, "Value": "v"}]}}
        asked, labels = oracle.request_of("rest-xml", tags, model.operation_model("PutBucketTagging"))
        assert protocols.operation("s3", "PutBucketTagging").parse("rest-xml", asked, labels) == tags


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=8), min_size=1))
def test_any_list_in_a_header_is_read(values: list[str]) -> None:
    model = MODELS.setdefault("entityresolution", oracle.client_model("entityresolution", "rest-json"))
    params = {"workflowName": "w", "uniqueIds": values}
    asked, labels = oracle.request_of("rest-json", params, model.operation_model("BatchDeleteUniqueId"))
    parsed = protocols.operation("entityresolution", "BatchDeleteUniqueId").parse("rest-json", asked, labels)
    if not any("\\" in value for value in values):  # botocore does not escape the escape
        assert parsed == params


MODELS: dict[str, object] = {}


def oracle_model(protocol: str) -> object:
    """Return SendMessage's model, loaded once a protocol."""
    if protocol not in MODELS:
        MODELS[protocol] = oracle.client_model("sqs", protocol)
    return MODELS[protocol].operation_model("SendMessage")  # type: ignore[attr-defined]


def test_deep_nesting_is_refused_or_ignored_without_harm() -> None:
    for protocol, service, operation, body in (
        ("smithy-rpc-v2-cbor", "cloudwatch", "PutMetricData", b"\x81" * 100_000),
        ("smithy-rpc-v2-cbor", "cloudwatch", "PutMetricData", b"\xa1\x61a" * 100_000),
        ("smithy-rpc-v2-cbor", "cloudwatch", "PutMetricData", b"\x9b\x00\x00\x00\xff\xff\xff\xff\xff"),
        ("json", "dynamodb", "PutItem", b'{"Item":' + b'{"a":{"M":' * 400 + b"{}" + b"}}" * 400 + b"}"),
        ("rest-xml", "s3", "PutBucketAcl", b"<a>" * 200_000 + b"</a>" * 200_000),
        ("ec2", "ec2", "RunInstances", b"a.1" * 100_000 + b"=1"),
    ):
        feed(protocol, service, operation, body, "", "", "b")
    assert request().body.read() == b""
