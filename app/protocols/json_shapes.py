"""JSON bodies: readers and writers compiled from shapes, for the json and rest-json protocols.

Readers work in place on what orjson has just parsed: where a value is of the right type and keeps its name, nothing
is copied or stored. Writers exist only for shapes in which something must change on the way out (a name, a format of
time); all else goes to orjson as it is, which calls back for bytes and datetimes alone.

The messages are Coral's, as DynamoDB gives them (recorded in dynalite's test-suite).
"""

from __future__ import annotations

import binascii
import json
import math
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson

from app.protocols import timestamps
from app.protocols.malformed import Malformed
from app.protocols.models import Ref, ServiceModel, Shape
from app.protocols.text_values import SPECIAL_FLOATS

Reader = Callable[[Any], Any]
Writer = Callable[[Any], Any]

JAVA_TYPES = {bool: "java.lang.Boolean", str: "java.lang.String"}
NUMBER = "com.amazon.coral.value.json.numbers.TruncatingBigNumber"
ARTICLES = {"Blob": "a"}
PLAIN = {"string": str, "character": str, "boolean": bool, "integer": int, "long": int, "float": float, "double": float}
OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_NON_STR_KEYS
NOTHING: list[tuple[str, str | None, Any]] = []  # never appended to
BASE64_ALPHABET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")


def wrong_type(value: Any, wanted: str) -> Malformed:
    """Say, as Coral does, that a value is not of the type that the model wants."""
    if value.__class__ is list:
        return Malformed("Start of list found where not expected")
    if value.__class__ is dict:
        return Malformed("Start of structure or map found where not expected.")
    if wanted == "Boolean" and value.__class__ is str:
        return Malformed(f"'{value}' can not be converted to an Boolean")
    found = JAVA_TYPES.get(value.__class__, NUMBER)
    return Malformed(f"class {found} can not be converted to {ARTICLES.get(wanted, 'an')} {wanted}")


def _expected(value: Any, wanted: str) -> Malformed:
    if value.__class__ is list:
        return Malformed("Start of list found where not expected")
    if value.__class__ is dict:
        return Malformed("Start of structure or map found where not expected.")
    return Malformed(f"Expected {wanted}null")


def read_string(value: Any) -> Any:
    """Check a string."""
    if value.__class__ is not str:
        raise wrong_type(value, "String")
    return value


def read_boolean(value: Any) -> Any:
    """Check a boolean."""
    if value.__class__ is not bool:
        raise wrong_type(value, "Boolean")
    return value


def _integer(name: str) -> Reader:
    def read(value: Any) -> Any:
        if value.__class__ is int:
            return value
        if value.__class__ is float and math.isfinite(value):
            return int(value)  # Coral truncates
        raise wrong_type(value, name)

    return read


def read_double(value: Any) -> Any:
    """Check a floating-point number; NaN and the infinities are strings in JSON."""
    if value.__class__ is float or value.__class__ is int:
        return value
    if value.__class__ is str and value in SPECIAL_FLOATS:
        return SPECIAL_FLOATS[value]
    raise wrong_type(value, "Double")


def read_blob(value: Any) -> Any:
    """Decode base64."""
    if value.__class__ is not str:
        raise wrong_type(value, "Blob")
    try:
        return binascii.a2b_base64(value, strict_mode=True)
    except ValueError:
        pass
    reason = "Invalid last non-pad Base64 character dectected"  # sic
    if len(value) % 4:
        reason = f"Base64 encoded length is expected a multiple of 4 bytes but found: {len(value)}"
    else:
        for character in value.rstrip("="):
            if character not in BASE64_ALPHABET:
                reason = f"Invalid Base64 character: '{character}'"
                break
    raise Malformed(f"'{value}' can not be converted to a Blob: {reason}")


def read_timestamp(value: Any) -> Any:
    """Return seconds since the epoch, from a number or from text in any known format."""
    try:
        if value.__class__ is float or value.__class__ is int:
            return timestamps.number(value)
        if value.__class__ is str:
            return timestamps.parse(value)
    except (ValueError, OverflowError):
        raise Malformed(f"'{value}' can not be converted to a Date") from None
    raise wrong_type(value, "Date")


def read_document(value: Any) -> Any:
    """Take any JSON value as it is."""
    return value


SCALARS: dict[str, Reader] = {
    "string": read_string,
    "character": read_string,
    "boolean": read_boolean,
    "integer": _integer("Integer"),
    "long": _integer("Long"),
    "float": read_double,
    "double": read_double,
    "blob": read_blob,
    "timestamp": read_timestamp,
}


class JsonReaders:
    """The readers of one service's shapes, each compiled once."""

    def __init__(self, model: ServiceModel) -> None:
        self._model = model
        self._compiled: dict[str, Reader] = {}

    def reader(self, ref: Ref) -> Reader:
        """Return the function that turns a parsed JSON value into what boto3 would call it."""
        name = ref["shape"]
        found = self._compiled.get(name)
        if found is None:
            shape = self._model.shape(name)
            if shape["type"] in SCALARS:
                found = SCALARS[shape["type"]]
            elif shape.get("document"):
                found = read_document
            else:
                # A shape that contains itself meets this stand-in while it is being compiled.
                self._compiled[name] = lambda value: self._compiled[name](value)
                found = self._compound(shape)
            self._compiled[name] = found
        return found

    def structure(self, shape: Shape, members: dict[str, Ref]) -> Reader:
        """Compile a structure of which only `members` are in the body."""
        plain: dict[str, type] = {}
        readers: dict[str, tuple[Reader, str | None]] = {}
        for member, ref in members.items():
            name = ref.get("locationName", member)
            readers[name] = (self.reader(ref), None if name == member else member)
            kind = self._model.shape(ref["shape"])["type"]
            if name == member and kind in PLAIN:
                plain[name] = PLAIN[kind]
        return _structure_reader(plain, readers)

    def _compound(self, shape: Shape) -> Reader:
        kind = shape["type"]
        if kind == "structure":
            return self.structure(shape, shape["members"])
        sparse = bool(shape.get("sparse"))
        if kind == "list":
            return _list_reader(self.reader(shape["member"]), self._plain(shape["member"]), sparse)
        return _map_reader(self.reader(shape["value"]), self._plain(shape["value"]), sparse)

    def _plain(self, ref: Ref) -> type | None:
        return PLAIN.get(self._model.shape(ref["shape"])["type"])


def _structure_reader(plain: dict[str, type], readers: dict[str, tuple[Reader, str | None]]) -> Reader:
    plain_of = plain.get
    reader_of = readers.get

    def read(value: Any) -> Any:
        if value.__class__ is not dict:
            raise _expected(value, "")
        moved: list[tuple[str, str | None, Any]] = NOTHING
        for key, item in value.items():
            if item.__class__ is plain_of(key):
                continue
            entry = reader_of(key)
            if entry is None or item is None:
                if moved is NOTHING:
                    moved = []
                moved.append((key, None, None))
                continue
            reader, member = entry
            new = reader(item)
            if member is not None:
                if moved is NOTHING:
                    moved = []
                moved.append((key, member, new))
            elif new is not item:
                value[key] = new
        if moved:
            for key, _, _ in moved:
                del value[key]
            for _, member, new in moved:
                if member is not None:
                    value[member] = new
        return value

    return read


def _list_reader(reader: Reader, plain: type | None, sparse: bool) -> Reader:
    def read(value: Any) -> Any:
        if value.__class__ is not list:
            raise _expected(value, "list or ")
        if plain is not None:
            for item in value:
                if item.__class__ is not plain:
                    break
            else:
                return value
        if sparse:
            return [None if item is None else reader(item) for item in value]
        return [reader(item) for item in value if item is not None]

    return read


def _map_reader(reader: Reader, plain: type | None, sparse: bool) -> Reader:
    def read(value: Any) -> Any:
        if value.__class__ is not dict:
            raise _expected(value, "map or ")
        absent = None
        for key, item in value.items():
            if item.__class__ is plain:
                continue
            if item is None:
                absent = True
                continue
            new = reader(item)
            if new is not item:
                value[key] = new
        if absent and not sparse:
            return {key: item for key, item in value.items() if item is not None}
        return value

    return read


def loads(body: bytes) -> Any:
    """Parse a JSON body; an empty one is an empty object. Raises Malformed."""
    if not body:
        return {}
    try:
        return orjson.loads(body)
    except (ValueError, RecursionError):
        raise Malformed("Unexpected character or end of input in the JSON document") from None


def encode_extra(value: Any) -> Any:
    """Encode what orjson does not know: orjson calls this."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return b64encode(value).decode("ascii")
    if isinstance(value, datetime):
        return timestamps.unix(value)
    if hasattr(value, "__float__"):  # decimal.Decimal
        return float(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def dumps(value: Any) -> bytes:
    """Write JSON; bytes become base64 and datetimes seconds."""
    try:
        return orjson.dumps(value, encode_extra, OPTIONS)
    except orjson.JSONEncodeError:  # nested deeper than 254, an integer beyond 64 bits, half a surrogate pair
        return json.dumps(value, default=encode_extra, separators=(",", ":")).encode()


class JsonWriters:
    """The writers of one service's shapes, in two kinds.

    The quick kind is None wherever orjson can be given the value as it is. The careful kind walks everything, drops
    members that are None, and spells NaN and the infinities: it is used when the quick result holds a null.
    """

    def __init__(self, model: ServiceModel, careful: bool) -> None:
        self._model = model
        self._careful = careful
        self._compiled: dict[tuple[str, str | None], Writer | None] = {}

    def writer(self, ref: Ref) -> Writer | None:
        """Return the function that prepares a value for orjson, or None where it needs none."""
        key = (ref["shape"], ref.get("timestampFormat"))
        if key in self._compiled:
            return self._compiled[key]
        shape = self._model.resolve(ref)
        kind = shape["type"]
        found: Writer | None = None
        if kind == "timestamp":
            formatter: Writer = timestamps.FORMATTERS[shape.get("timestampFormat", "unixTimestamp")]
            found = None if formatter is timestamps.unix_text else formatter
        elif kind in ("float", "double"):
            found = write_double if self._careful else None
        elif kind not in SCALARS and not shape.get("document") and (self._careful or self._changes(ref, set())):
            self._compiled[key] = lambda value: self._compiled[key](value)  # type: ignore[misc]
            found = self._compound(shape)
        self._compiled[key] = found
        return found

    def structure(self, shape: Shape, members: dict[str, Ref]) -> Writer:
        """Compile a structure of which only `members` are in the body."""
        return _structure_writer(
            {name: (ref.get("locationName", name), self.writer(ref) or read_document) for name, ref in members.items()}
        )

    def members_change(self, members: dict[str, Ref]) -> bool:
        """Tell whether any of a structure's members is written otherwise than it is given."""
        return any(ref.get("locationName", name) != name or self._changes(ref, set()) for name, ref in members.items())

    def _changes(self, ref: Ref, seen: set[str]) -> bool:
        shape = self._model.resolve(ref)
        kind = shape["type"]
        if kind == "timestamp":
            return bool(shape.get("timestampFormat", "unixTimestamp") != "unixTimestamp")
        if shape["shape"] in seen or shape.get("document"):
            return False
        seen.add(shape["shape"])
        if kind == "structure":
            return any(
                each.get("locationName", name) != name or self._changes(each, seen)
                for name, each in shape["members"].items()
            )
        if kind == "list":
            return self._changes(shape["member"], seen)
        return kind == "map" and self._changes(shape["value"], seen)

    def _compound(self, shape: Shape) -> Writer:
        kind = shape["type"]
        if kind == "structure":
            return self.structure(shape, shape["members"])
        sparse = bool(shape.get("sparse"))
        inner = self.writer(shape["member"] if kind == "list" else shape["value"]) or read_document
        if kind == "list":
            return lambda value: [None if item is None else inner(item) for item in value if sparse or item is not None]
        return lambda value: {
            key: None if item is None else inner(item) for key, item in value.items() if sparse or item is not None
        }


def write_double(value: Any) -> Any:
    """Spell what JSON has no number for."""
    if value.__class__ is float and not math.isfinite(value):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    return value


def _structure_writer(members: dict[str, tuple[str, Writer]]) -> Writer:
    member_of = members.get

    def write(value: Any) -> Any:
        out = {}
        for key, item in value.items():
            entry = member_of(key)
            if entry is not None and item is not None:
                out[entry[0]] = entry[1](item)
        return out

    return write


class JsonBody:
    """Writes the body members of one structure: the quick way, and with care only where a null shows up."""

    def __init__(self, quick: JsonWriters, careful: JsonWriters, shape: Shape | None, members: dict[str, Ref]) -> None:
        self._names = frozenset(members)
        self._quick = quick.structure(shape or {}, members) if quick.members_change(members) else None
        self._careful: Writer | None = None
        self._compile: Callable[[], Writer] = lambda: careful.structure(shape or {}, members)

    def write(self, result: dict[str, Any]) -> bytes:
        """Return the JSON document of a result; members that the model does not have are left out."""
        if None in result.values():  # handlers say so of what an answer lacks; only a null further down needs care
            result = {name: item for name, item in result.items() if item is not None}
        if self._quick is not None:
            body = dumps(self._quick(result))
        elif result.keys() <= self._names:
            body = dumps(result)
        else:
            body = dumps({name: item for name, item in result.items() if name in self._names})
        if b"null" in body:
            if self._careful is None:
                self._careful = self._compile()
            body = dumps(self._careful(result))
        return body
