"""Pages of a listing against a naive model."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.services.s3.walking import page, token, untoken

KEYS = st.sets(st.text(alphabet="ab/é\U0001f600", min_size=1, max_size=6), max_size=25)


def rows_of(keys, prefix, walked):
    ordered = sorted(keys, key=lambda key: key.encode())

    def rows(after, past):
        for key in ordered:
            if not key.startswith(prefix) or (after is not None and key <= after):
                continue
            if past is not None and (key.startswith(past) or key.encode() < past.encode()):
                continue
            walked.append(key)
            yield key, key

    return rows


def naive(keys, prefix, delimiter):
    entries = []
    for key in sorted(keys, key=lambda each: each.encode()):
        if not key.startswith(prefix):
            continue
        at = key.find(delimiter, len(prefix)) if delimiter else -1
        entry = (False, key) if at < 0 else (True, key[: at + len(delimiter)])
        if entry not in entries:
            entries.append(entry)
    return entries


@given(KEYS, st.sampled_from(["", "a", "a/", "/"]), st.sampled_from(["", "/", "b", "a/"]), st.integers(1, 7))
def test_all_pages_together_are_what_a_naive_listing_gives(keys, prefix, delimiter, most):
    after, past, got = None, None, []
    for _ in range(60):
        found = page(rows_of(keys, prefix, []), prefix, delimiter, after, past, most)
        here = [(False, key) for key, _ in found.found] + [(True, each) for each in found.prefixes]
        assert len(here) <= most
        got += sorted(here, key=lambda entry: entry[1].encode())
        if not found.truncated:
            break
        is_prefix = bool(found.prefixes) and found.prefixes[-1] == found.last
        after, past = untoken(token(found.last, is_prefix))
    assert got == naive(keys, prefix, delimiter)


def test_a_common_prefix_is_passed_without_walking_it():
    walked = []
    keys = {f"deep/{n:04}" for n in range(1000)} | {"z"}
    found = page(rows_of(keys, "", walked), "", "/", None, None, 10)
    assert found.prefixes == ["deep/"]
    assert [key for key, _ in found.found] == ["z"]
    assert len(walked) == 2


def test_no_keys_are_wanted_and_none_are_left():
    assert page(rows_of({"a"}, "", []), "", "", None, None, 0).truncated is False


def test_a_token_that_is_none_is_told():
    assert untoken("!!!") is None
    assert untoken("eHg=") is None
