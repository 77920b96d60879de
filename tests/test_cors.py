"""Which web pages may call."""

import pytest

from app.cors import Origins
from app.errors import AwsError
from app.http import Request, Response


@pytest.mark.parametrize(
    "origin",
    ["http://localhost", "http://localhost:3000", "https://127.0.0.1:8443", "http://[::1]:5173", "http://app.localhost:80",
     "https://x.localhost.localstack.cloud:4566", "http://LOCALHOST:3000"],
)  # fmt: skip
def test_pages_of_this_machine_may_call(origin):
    Origins().check(origin)


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "https://localhost.evil.example", "https://evillocalhost", "null", "http://127.0.0.1.evil.example:80"]
)  # fmt: skip
def test_other_pages_may_not(origin):
    with pytest.raises(AwsError) as refused:
        Origins().check(origin)
    assert refused.value.status == 403


def test_a_listed_origin_may_call():
    Origins(("https://app.example.com/",)).check("https://app.example.com")


def test_a_star_allows_all():
    Origins(("*",)).check("https://any.example")


def test_a_preflight_of_an_allowed_page_is_told_what_it_asked_for():
    asked = {"access-control-request-method": "PUT", "access-control-request-headers": "x-amz-target"}
    request = Request("OPTIONS", "/", {"origin": "http://localhost:3000", **asked})
    answer = Origins().preflight(request)
    assert answer.status == 200
    assert answer.header("access-control-allow-origin") == "http://localhost:3000"
    assert answer.header("access-control-allow-headers") == "x-amz-target"


def test_a_preflight_of_another_page_is_refused():
    answer = Origins().preflight(
        Request("OPTIONS", "/", {"origin": "https://evil.example", "access-control-request-method": "PUT"})
    )
    assert answer.status == 403
    assert answer.header("access-control-allow-origin") is None


def test_what_a_service_says_of_cors_itself_is_kept():
    response = Response(200, [("Access-Control-Allow-Origin", "https://bucket.rule")])
    Origins().grant("http://localhost", response)
    assert [value for name, value in response.headers if name.lower() == "access-control-allow-origin"] == [
        "https://bucket.rule"
    ]
