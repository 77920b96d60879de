"""Tables behave as a sorted dict, whatever the keys' length, and lie in LMDB in one way only."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from typing import Any

import lmdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from journal.tables import Record, Rows, Store, Table

NAME = b"test.rows\0"
# Few letters, long runs and cuts near the places where nodes end: so that prefixes are shared and keys meet in nodes.
EDGES = [0, 1, 2, 483, 484, 485, 499, 500, 501, 502, 510, 511, 512, 993, 994, 995, 1000, 1500, 2000, 5000]
runs = st.builds(
    lambda letter, size: letter * size, st.sampled_from([b"a", b"b", b"\0", b"\xff", b"\x01"]), st.sampled_from(EDGES)
)
byte_keys = st.one_of(
    st.binary(max_size=6),
    st.builds(lambda run, tail: (run + tail)[:5000], runs, st.binary(max_size=3)),
    st.builds(lambda one, two, tail: (one + two + tail)[:5000], runs, runs, st.binary(max_size=2)),
)


class World:
    """An LMDB environment with one database."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="cairn-tables-")
        self.env = lmdb.open(self._folder.name, max_dbs=1, map_size=1 << 28, sync=False, lock=False)
        self.db = self.env.open_db(b"tables")

    def content(self, txn: Any) -> list[tuple[bytes, bytes]]:
        """Everything, as LMDB has it."""
        with txn.cursor(db=self.db) as cursor:
            return [(bytes(key), bytes(value)) for key, value in cursor]

    def close(self) -> None:
        self.env.close()
        self._folder.cleanup()


@pytest.fixture
def world() -> Iterator[World]:
    opened = World()
    yield opened
    opened.close()


def inside(rows: dict[bytes, bytes], low: bytes, high: bytes | None) -> list[tuple[bytes, bytes]]:
    return sorted((key, value) for key, value in rows.items() if key >= low and (high is None or key < high))


class SortedDict(RuleBasedStateMachine):
    """Random operations on a store and on a dict, with transactions that are committed or aborted."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.committed: dict[bytes, bytes] = {}
        self.rows: dict[bytes, bytes] = {}
        self.txn: Any = None

    @initialize()
    def begin(self) -> None:
        self.txn = self.world.env.begin(write=True)
        self.store = Store(self.txn, self.world.db, NAME)

    @rule(key=byte_keys, value=st.binary(max_size=8))
    def put(self, key: bytes, value: bytes) -> None:
        self.store.put(key, value)
        self.rows[key] = value

    @rule(key=byte_keys)
    def delete_perhaps(self, key: bytes) -> None:
        assert self.store.delete(key) == (self.rows.pop(key, None) is not None)

    @precondition(lambda self: self.rows)
    @rule(pick=st.randoms(use_true_random=False))
    def delete_one_that_is_there(self, pick: random.Random) -> None:
        key = pick.choice(sorted(self.rows))
        assert self.store.delete(key)
        del self.rows[key]

    @rule(key=byte_keys)
    def get(self, key: bytes) -> None:
        assert self.store.get(key) == self.rows.get(key)

    @rule(low=byte_keys, high=st.none() | byte_keys, reverse=st.booleans(), values=st.booleans())
    def scan(self, low: bytes, high: bytes | None, reverse: bool, values: bool) -> None:
        expected = inside(self.rows, low, high)
        if not values:
            expected = [(key, b"") for key, _ in expected]
        assert list(self.store.scan(low, high, reverse, values)) == (expected[::-1] if reverse else expected)

    @rule(low=byte_keys, high=st.none() | byte_keys)
    def clear(self, low: bytes, high: bytes | None) -> None:
        doomed = inside(self.rows, low, high)
        assert self.store.clear(low, high) == len(doomed)
        for key, _ in doomed:
            del self.rows[key]

    @rule(keep=st.booleans())
    def end_the_transaction(self, keep: bool) -> None:
        if keep:
            self.txn.commit()
            self.committed = dict(self.rows)
        else:
            self.txn.abort()
            self.rows = dict(self.committed)
        self.begin()

    @invariant()
    def holds_what_the_dict_holds(self) -> None:
        if self.txn is not None:
            assert list(self.store.scan()) == sorted(self.rows.items())

    @invariant()
    def nothing_is_left_of_what_was_deleted(self) -> None:
        if self.txn is not None and not self.rows:
            assert self.world.content(self.txn) == []

    def teardown(self) -> None:
        if self.txn is not None:
            self.txn.abort()
        self.world.close()


SortedDict.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestSortedDict = SortedDict.TestCase


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(byte_keys, st.binary(max_size=4), min_size=1, max_size=25),
    st.lists(byte_keys, max_size=15),
    st.randoms(use_true_random=False),
)
def test_equal_content_lies_in_lmdb_byte_for_byte_the_same(rows, others, rng):
    world = World()
    try:
        contents = []
        for detours in (False, True):
            order = list(rows.items())
            rng.shuffle(order)
            with world.env.begin(write=True) as txn:
                store = Store(txn, world.db, NAME)
                for other in others if detours else []:
                    store.put(other, b"for a while")
                for key, value in order:
                    if detours:
                        store.put(key, b"another")
                    store.put(key, value)
                for other in others if detours else []:
                    if other not in rows:
                        store.delete(other)
                contents.append(world.content(txn))
                txn.abort()
        assert contents[0] == contents[1]
    finally:
        world.close()


def test_tables_whose_names_begin_alike_do_not_meet(world):
    with world.env.begin(write=True) as txn:
        for name in (b"a.b\0", b"a.bc\0", b"a.b-c\0"):
            Store(txn, world.db, name).put(b"k" * 2000, name)
            Store(txn, world.db, name).put(b"", name)
        for name in (b"a.b\0", b"a.bc\0", b"a.b-c\0"):
            assert list(Store(txn, world.db, name).scan()) == [(b"", name), (b"k" * 2000, name)]
            assert list(Store(txn, world.db, name).scan(reverse=True)) == [(b"k" * 2000, name), (b"", name)]


# --- rows: components, ranges, prefixes


class Row(Record):
    value: int


things = Table("test.things", key=("group", "name"), record=Row)
long_texts = st.one_of(
    st.text(max_size=3),
    st.builds(
        lambda run, size, tail: run * size + tail,
        st.sampled_from("aé\0￿"),
        st.sampled_from([1, 170, 510, 700]),
        st.text(max_size=2),
    ),
)


class NoBlobs:
    def put(self, data: bytes) -> Any:
        raise NotImplementedError

    read = put


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(st.tuples(st.sampled_from(["a", "b", ""]), long_texts), st.integers(0, 99), max_size=20),
    st.sampled_from(["a", "b", "", None]),
    st.fixed_dictionaries(
        {},
        optional={
            "start": st.tuples(long_texts), "after": st.tuples(long_texts), "stop": st.tuples(long_texts),
            "starts_with": long_texts, "past": long_texts, "reverse": st.booleans(),
        },
    ),
)  # fmt: skip
def test_scans_are_ranges_of_a_sorted_dict(content, group, arguments):
    world = World()
    try:
        with world.env.begin(write=True) as txn:
            rows: Rows[Row] = Rows(things, txn, world.db, NoBlobs())
            for key, value in content.items():
                rows.put(Row(value), *key)
            leading = () if group is None else (group,)
            if group is None:  # then the arguments speak of the first component
                arguments = {name: value for name, value in arguments.items() if name == "reverse"}
            expected = sorted(key for key in content if key[: len(leading)] == leading)
            if "start" in arguments:
                expected = [key for key in expected if key[1:] >= arguments["start"]]
            if "after" in arguments:
                expected = [key for key in expected if key[1:] > arguments["after"]]
            if "stop" in arguments:
                expected = [key for key in expected if key[1:] < arguments["stop"]]
            if "starts_with" in arguments:
                expected = [key for key in expected if key[1].startswith(arguments["starts_with"])]
            if "past" in arguments:
                past = arguments["past"]
                expected = [key for key in expected if key[1] > past and not key[1].startswith(past)]
            if arguments.get("reverse"):
                expected.reverse()
            assert [key for key, _ in rows.scan(*leading, **arguments)] == expected
            assert list(rows.keys(*leading, **arguments)) == expected
            assert [row.value for row in rows.records(*leading, **arguments)] == [content[key] for key in expected]
            counted = {name: value for name, value in arguments.items() if name not in ("past", "reverse")}
            if "past" not in arguments:
                assert rows.count(*leading, **counted) == len(expected)
            txn.abort()
    finally:
        world.close()


def test_rows_are_stored_found_and_cleared_by_leading_components(world):
    with world.env.begin(write=True) as txn:
        rows: Rows[Row] = Rows(things, txn, world.db, NoBlobs())
        for group in ("a", "ab"):
            for name in ("x", "y" * 3000):
                rows.put(Row(1), group, name)
        assert rows.has("a", "y" * 3000)
        assert not rows.has("a", "y" * 2999)
        assert rows.get("a", "z") is None
        assert rows.clear("a") == 2
        assert [key for key, _ in rows.plain()] == [("ab", "x"), ("ab", "y" * 3000)]
        assert rows.get("ab", "x").replace(value=5) == Row(5)
