"""Accounts of access keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.principal import DEFAULT_ACCOUNT, RANDOM_BYTES, account_of, decode_account, encode_access_key
from app.routing import configure
from tests.routing.asking import routed, scope

accounts = st.integers(0, 999_999_999_999).map("{:012d}".format)
entropy = st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES)


@given(accounts, st.sampled_from(["LSIA", "LKIA"]), entropy)
def test_a_key_that_we_issue_carries_its_account(account: str, prefix: str, random: bytes) -> None:
    key = encode_access_key(account, prefix, random)
    assert len(key) == 20
    assert key.startswith(prefix)
    assert key.isalnum()
    assert key.isupper()
    assert account_of(key) == decode_account(key) == account


@given(accounts, st.sampled_from(["AKIA", "ASIA"]), entropy)
def test_a_key_of_aws_is_believed_only_on_demand(account: str, prefix: str, random: bytes) -> None:
    key = encode_access_key(account, prefix, random)
    assert account_of(key) == DEFAULT_ACCOUNT
    assert account_of(key, trust_aws_keys=True) == account


@given(st.text(max_size=24))
def test_any_text_stands_for_some_account(key: str) -> None:
    account = account_of(key, trust_aws_keys=True)
    assert len(account) == 12
    assert account.isdigit()


@pytest.mark.parametrize(
    ("key", "account"),
    [
        (None, DEFAULT_ACCOUNT),
        ("", DEFAULT_ACCOUNT),
        ("test", DEFAULT_ACCOUNT),
        ("123456789012", "123456789012"),
        ("12345678901", DEFAULT_ACCOUNT),
        ("1234567890123", DEFAULT_ACCOUNT),
        ("１２３４５６７８９０１２", DEFAULT_ACCOUNT),
        ("ASIAQNZGKIQY56JQ7WML", DEFAULT_ACCOUNT),
        ("LSIAQNZGKIQY56JQ7WM", DEFAULT_ACCOUNT),
        ("LSIA0000000000000000", DEFAULT_ACCOUNT),
    ],
)
def test_other_keys(key: str | None, account: str) -> None:
    assert account_of(key) == account


def test_a_key_that_aws_documents_somewhere_is_read_as_aws_does() -> None:
    """The pair is in wide use to explain the scheme."""
    assert account_of("ASIAQNZGKIQY56JQ7WML", trust_aws_keys=True) == "029608264753"


def test_the_router_trusts_keys_of_aws_when_it_is_told_to() -> None:
    key = encode_access_key("210987654321", "AKIA", b"12345")
    assert routed("GET", "/", authorization=scope("s3", key=key)).account == DEFAULT_ACCOUNT
    try:
        configure(trust_aws_keys=True)
        assert routed("GET", "/", authorization=scope("s3", key=key)).account == "210987654321"
    finally:
        configure()


def test_buckets_have_names_under_a_domain_that_is_ours() -> None:
    assert routed("GET", "/x", host="b.cairn.example").labels["Bucket"] == "x"
    try:
        configure(own_domains=("cairn.example",))
        assert routed("GET", "/x", host="b.cairn.example").labels == {"Bucket": "b", "Key": "x"}
        assert routed("GET", "/x", host="cairn.example:4566").labels == {"Bucket": "x"}
    finally:
        configure()
