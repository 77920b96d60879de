"""CBOR bodies: readers and writers compiled from shapes, for the smithy-rpc-v2-cbor protocol."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from typing import Any

from app.protocols import timestamps
from app.protocols.json_shapes import wrong_type
from app.protocols.malformed import Malformed
from app.protocols.models import Ref, ServiceModel, Shape

Reader = Callable[[Any], Any]
Writer = Callable[[Any], Any]

HEADERS = [("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")]
EPOCH_TAG = 1


def loads(body: bytes) -> Any:
    """Parse a CBOR body; an empty one is an empty map. Raises Malformed."""
    if not body:
        return {}
    import cbor2

    stream = BytesIO(body)
    try:
        value = cbor2.load(stream)
    except Exception:  # the decoder lets whatever its input causes escape: overflows, bad dates, recursion
        raise Malformed("The body is not valid CBOR") from None
    if stream.tell() != len(body) and stream.read(1):
        raise Malformed("The body holds more than one CBOR document")
    return value


def dumps(value: Any) -> bytes:
    """Write CBOR."""
    import cbor2

    try:
        data: bytes = cbor2.dumps(value)
    except UnicodeEncodeError:
        data = cbor2.dumps(_whole_text(value))
    return data


def _whole_text(value: Any) -> Any:
    """Return a value without halves of surrogate pairs, which UTF-8 cannot hold."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_whole_text(key): _whole_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole_text(item) for item in value]
    return value


def _expect(kind: type, name: str) -> Reader:
    def read(value: Any) -> Any:
        if value.__class__ is not kind:
            raise wrong_type(value, name)
        return value

    return read


def _read_integer(value: Any) -> Any:
    if value.__class__ is int and -(2**64) <= value < 2**64:
        return value
    if value.__class__ is float and math.isfinite(value):
        return int(value)
    raise wrong_type(value, "Long")


def _read_double(value: Any) -> Any:
    if value.__class__ is float or value.__class__ is int:
        return value
    raise wrong_type(value, "Double")


def _read_timestamp(value: Any) -> Any:
    try:
        if isinstance(value, datetime):
            return timestamps.seconds(value)
        if value.__class__ is float or value.__class__ is int:
            return timestamps.number(value)
    except (ValueError, OverflowError):
        raise Malformed("A timestamp is out of range") from None
    raise wrong_type(value, "Date")


SCALARS: dict[str, Reader] = {
    "string": _expect(str, "String"),
    "character": _expect(str, "String"),
    "boolean": _expect(bool, "Boolean"),
    "blob": _expect(bytes, "Blob"),
    "integer": _read_integer,
    "long": _read_integer,
    "float": _read_double,
    "double": _read_double,
    "timestamp": _read_timestamp,
}


class CborReaders:
    """The readers of one service's shapes, each compiled once."""

    def __init__(self, model: ServiceModel) -> None:
        self._model = model
        self._compiled: dict[str, Reader] = {}

    def reader(self, ref: Ref) -> Reader:
        """Return the function that checks a parsed value and names it as boto3 would."""
        name = ref["shape"]
        found = self._compiled.get(name)
        if found is None:
            shape = self._model.shape(name)
            kind = shape["type"]
            if kind in SCALARS:
                found = SCALARS[kind]
            else:
                self._compiled[name] = lambda value: self._compiled[name](value)
                if kind == "structure":
                    members = {
                        inner.get("locationName", member): (member, self.reader(inner))
                        for member, inner in shape["members"].items()
                    }
                    found = _structure_reader(members)
                elif kind == "list":
                    found = _list_reader(self.reader(shape["member"]), bool(shape.get("sparse")))
                else:
                    found = _map_reader(self.reader(shape["value"]), bool(shape.get("sparse")))
            self._compiled[name] = found
        return found


def _structure_reader(members: dict[str, tuple[str, Reader]]) -> Reader:
    def read(value: Any) -> Any:
        if value.__class__ is not dict:
            raise Malformed("Start of structure or map expected")
        out = {}
        for key, item in value.items():
            entry = members.get(key) if key.__class__ is str else None
            if entry is not None and item is not None:
                out[entry[0]] = entry[1](item)
        return out

    return read


def _list_reader(inner: Reader, sparse: bool) -> Reader:
    def read(value: Any) -> Any:
        if value.__class__ is not list:
            raise Malformed("Start of list expected")
        return [None if item is None else inner(item) for item in value if sparse or item is not None]

    return read


def _map_reader(inner: Reader, sparse: bool) -> Reader:
    def read(value: Any) -> Any:
        if value.__class__ is not dict or not all(key.__class__ is str for key in value):
            raise Malformed("Start of structure or map expected")
        return {key: None if item is None else inner(item) for key, item in value.items() if sparse or item is not None}

    return read


class CborWriters:
    """The writers of one service's shapes, each compiled once: what cbor2 encodes from what boto3 would name."""

    def __init__(self, model: ServiceModel) -> None:
        self._model = model
        self._compiled: dict[str, Writer] = {}

    def writer(self, ref: Ref) -> Writer:
        """Return the function that prepares a value for cbor2."""
        name = ref["shape"]
        found = self._compiled.get(name)
        if found is None:
            shape = self._model.shape(name)
            kind = shape["type"]
            if kind == "timestamp":
                found = _write_timestamp
            elif kind in ("float", "double"):
                found = float
            elif kind in ("structure", "list", "map"):
                self._compiled[name] = lambda value: self._compiled[name](value)
                found = self._compound(shape)
            else:
                found = _as_is
            self._compiled[name] = found
        return found

    def structure(self, members: dict[str, Ref]) -> Writer:
        """Compile a structure of which only `members` are written."""
        entries = {name: (ref.get("locationName", name), self.writer(ref)) for name, ref in members.items()}

        def write(value: Any) -> Any:
            out = {}
            for key, item in value.items():
                entry = entries.get(key)
                if entry is not None and item is not None:
                    out[entry[0]] = entry[1](item)
            return out

        return write

    def _compound(self, shape: Shape) -> Writer:
        if shape["type"] == "structure":
            return self.structure(shape["members"])
        sparse = bool(shape.get("sparse"))
        if shape["type"] == "list":
            inner = self.writer(shape["member"])
            return lambda value: [None if item is None else inner(item) for item in value if sparse or item is not None]
        inner = self.writer(shape["value"])
        return lambda value: {
            key: None if item is None else inner(item) for key, item in value.items() if sparse or item is not None
        }


def _as_is(value: Any) -> Any:
    return value


def _write_timestamp(value: Any) -> Any:
    import cbor2

    return cbor2.CBORTag(EPOCH_TAG, timestamps.unix(value))
