"""Checksums against other implementations, and of wholes against those of their parts."""

from __future__ import annotations

import base64
import hashlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.s3 import checksums


@given(st.binary(max_size=500), st.integers(0, 500))
def test_a_checksum_is_the_same_in_pieces_as_at_once(data, cut):
    for name, make in checksums.ALGORITHMS.items():
        digest = make()
        digest.update(data[:cut])
        digest.update(data[cut:])
        raw = digest.digest()
        assert raw == checksums.once(name, data)
        assert len(raw) == checksums.SIZES[name]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CRC32", zlib.crc32(b"123456789").to_bytes(4, "big")),
        ("CRC32C", bytes.fromhex("e3069283")),  # RFC 3720's check value
        ("CRC64NVME", bytes.fromhex("ae8b14860a799888")),  # the catalogue's check value
        ("SHA1", hashlib.sha1(b"123456789").digest()),
        ("SHA256", hashlib.sha256(b"123456789").digest()),
    ],
)
def test_check_values(name, expected):
    assert checksums.once(name, b"123456789") == expected


@given(st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=6))
def test_the_crc_of_a_whole_follows_from_those_of_its_parts(parts):
    for name in ("CRC32", "CRC32C", "CRC64NVME"):
        of_parts = [(checksums.text(checksums.once(name, part)), len(part)) for part in parts]
        assert checksums.combined(name, of_parts) == checksums.text(checksums.once(name, b"".join(parts)))


def test_a_composite_checksum_is_that_of_the_digests_with_their_number():
    digests = [hashlib.sha256(part).digest() for part in (b"a", b"b")]
    expected = base64.b64encode(hashlib.sha256(b"".join(digests)).digest()).decode() + "-2"
    assert checksums.composite("SHA256", [base64.b64encode(each).decode() for each in digests]) == expected


def test_the_etag_of_an_upload_is_the_md5_of_md5s_with_their_number():
    etags = [hashlib.md5(part).hexdigest() for part in (b"a", b"b")]
    expected = hashlib.md5(bytes.fromhex(etags[0] + etags[1])).hexdigest() + "-2"
    assert checksums.etag_of_parts(etags) == expected


@pytest.mark.parametrize("text", ["", "AAAA", "not base64!", "AAAAAAA=\n", "ÄÄÄÄ"])
def test_what_is_no_digest_of_the_size_is_told(text):
    assert checksums.parse(text, 4) is None
