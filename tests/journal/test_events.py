"""Events as they are stored: chained, read back, and brought up to date."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal import BlobStore, Event, upcaster
from journal import events as codec
from journal.events import NO_CHAIN
from journal.upcast import NewerEvent
from journal.values import Blob, pack
from tests.journal.shop import ItemPut


class Painted(Event, name="shop.Painted", version=3):
    """Version 1 had one colour, called `color`; version 2 `colour`; this one has several."""

    colours: list[str]
    coats: int = 1


@upcaster("shop.Painted", 1)
def _(fields):
    return {"colour": fields.pop("color"), **fields}


@upcaster("shop.Painted", 2)
def _(fields):
    return {"colours": [fields.pop("colour")], **fields}


@pytest.fixture
def blobs(tmp_path):
    return BlobStore(tmp_path)


def stored(type: str, version: int, fields: dict, blobs) -> codec.Envelope:
    body = pack([version, type, 1.0, "1", "r", "arn", fields, bytes(16)])
    return codec.decode(1, body)


@given(
    st.text(max_size=30), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=12), st.text(max_size=12),
    st.text(max_size=50), st.sampled_from(["", "x", "x" * 4096, "é" * 5000]), st.binary(min_size=16, max_size=16),
)  # fmt: skip
def test_an_event_is_read_as_it_was_written(name, time, account, region, resource, note, previous):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        blobs = BlobStore(folder, durable=False)
        event = ItemPut(name, 2.5, note, Blob("00" * 32, 5))
        record, chain, fields = codec.encode(event, time, account, region, resource, previous, blobs)
        on = codec.decode(7, record)
        assert (on.seq, on.time, on.account, on.region, on.resource, on.chain) == (
            7,
            time,
            account,
            region,
            resource,
            chain,
        )
        assert (on.type, on.version, on.service) == ("shop.ItemPut", 1, "shop")
        assert on.event(blobs) == event == ItemPut.decode(fields)
        assert on.fields(blobs)["note"] == note
        assert codec.chain_of(record) == chain == codec.chain_after(previous, codec.body_of(record))


def test_every_changed_byte_breaks_the_chain_or_cannot_be_read(blobs):
    record, _, _ = codec.encode(ItemPut("a", 1.0, "note"), 1.0, "1", "r", "arn:a", NO_CHAIN, blobs)
    for at in range(len(record)):
        for bit in (1, 0x80):
            damaged = bytearray(record)
            damaged[at] ^= bit
            raw = bytes(damaged)
            if codec.chain_after(NO_CHAIN, codec.body_of(raw)) != codec.chain_of(raw):
                continue
            with pytest.raises(msgspec.DecodeError):
                codec.decode(1, raw)


def test_the_chain_depends_on_what_came_before(blobs):
    one = codec.encode(ItemPut("a"), 1.0, "1", "r", "arn", NO_CHAIN, blobs)[1]
    two = codec.encode(ItemPut("a"), 1.0, "1", "r", "arn", one, blobs)[1]
    assert one != two


def test_an_old_event_reads_as_the_code_knows_it_today(blobs):
    assert stored("shop.Painted", 1, {"color": "red", "coats": 2}, blobs).event(blobs) == Painted(["red"], 2)
    assert stored("shop.Painted", 2, {"colour": "red"}, blobs).event(blobs) == Painted(["red"])
    assert stored("shop.Painted", 3, {"colours": ["red", "blue"]}, blobs).event(blobs) == Painted(["red", "blue"])


def test_a_field_that_came_later_has_its_default(blobs):
    assert stored("shop.ItemPut", 1, {"name": "a"}, blobs).event(blobs) == ItemPut("a")


def test_an_event_of_a_later_version_is_refused_in_words(blobs):
    with pytest.raises(NewerEvent, match="written by a later Cairn"):
        stored("shop.Painted", 4, {}, blobs).event(blobs)


def test_a_missing_upcaster_is_named(blobs):
    with pytest.raises(LookupError, match=r"shop\.Painted version 0"):
        stored("shop.Painted", 0, {}, blobs).event(blobs)


def test_two_events_cannot_have_one_name():
    with pytest.raises(TypeError, match="two events"):

        class Another(Event, name="shop.ItemPut", version=1):
            pass


def test_a_step_has_one_upcaster_only():
    with pytest.raises(ValueError, match="already"):
        upcaster("shop.Painted", 1)(lambda fields: fields)
