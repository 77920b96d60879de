"""Values as bytes: what is large is moved to the blob store and comes back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal import BlobCorrupt, BlobStore
from journal.tables import Record
from journal.values import (
    SPILL_OVER,
    Blob,
    Content,
    decoder,
    pack,
    pack_value,
    references,
    spill,
    unpack_any,
    unpack_value,
    unspill,
)  # fmt: skip


class Memory:
    """A blob store in memory, which counts what it holds."""

    def __init__(self) -> None:
        self.held: dict[Blob, bytes] = {}

    def put(self, data: bytes) -> Blob:
        from hashlib import sha256

        blob = Blob(sha256(data).hexdigest(), len(data))
        self.held[blob] = data
        return blob

    def read(self, blob: Blob) -> bytes:
        return self.held[blob]


class Page(Record):
    title: str
    body: Content
    more: dict[str, list[str]]


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False),
    st.text(max_size=10),
    st.binary(max_size=10),
    st.builds(
        lambda letter, size: letter * size, st.sampled_from(["a", "é", "€"]), st.sampled_from([1024, 1366, 4096, 4097])
    ),
    st.builds(lambda size: b"\0" * size, st.sampled_from([4095, 4096, 4097, 9000])),
    st.builds(Blob, st.just("ab" * 32), st.integers(0, 2**60)),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)),
    max_leaves=8,
)


@given(values)
def test_what_was_moved_out_comes_back(value):
    blobs = Memory()
    assert unspill(spill(pack(value), blobs), blobs) == value
    assert unpack_any(pack_value(value, blobs), blobs) == value


@given(values)
def test_every_reference_is_found_without_reading_blobs(value):
    blobs = Memory()
    packed = pack_value(value, blobs)

    def mentioned(part: object) -> set[Blob]:
        if isinstance(part, Blob):
            return {part}
        if isinstance(part, dict):
            part = list(part.values())
        return set().union(*map(mentioned, part)) if isinstance(part, list) else set()

    assert set(references(packed)) == set(blobs.held) | mentioned(value)


def test_small_values_stay_in_place():
    blobs = Memory()
    page = Page("t" * 900, b"b" * 900, {"k": ["v" * 900]})
    assert unpack_value(pack_value(page, blobs), Page, decoder(Page), blobs) == page
    assert blobs.held == {}


@pytest.mark.parametrize("size", [SPILL_OVER - 200, SPILL_OVER + 1, 100_000])
def test_a_record_comes_back_whatever_its_size(size):
    blobs = Memory()
    page = Page("t" * size, b"b" * size, {"k": ["v" * size, "small"]})
    assert unpack_value(pack_value(page, blobs), Page, decoder(Page), blobs) == page


def test_a_blob_given_by_reference_stays_a_reference(tmp_path: Path):
    blobs = BlobStore(tmp_path)
    blob = blobs.put(b"x" * 10_000)
    page = Page("title" * 2000, blob, {})
    found = unpack_value(pack_value(page, blobs), Page, decoder(Page), blobs)
    assert found.body == blob
    assert found.title == page.title


def test_a_moved_value_whose_blob_is_damaged_is_not_read(tmp_path: Path):
    blobs = BlobStore(tmp_path)
    packed = pack_value(["x" * 5000], blobs)
    Path(blobs.path(references(packed)[0])).write_bytes(b"y" * 5000)
    with pytest.raises(BlobCorrupt):
        unpack_any(packed, blobs)


def test_what_cannot_be_stored_is_refused():
    with pytest.raises(TypeError):
        pack(object())
