"""XML bodies: writers compiled from shapes, for rest-xml, query and ec2 answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.protocols import timestamps
from app.protocols.models import Ref, ServiceModel, Shape
from app.protocols.text_values import writer as text_writer

Put = Callable[[str], None]
Writer = Callable[[Any, Put], None]

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

# What XML 1.0 cannot hold is written as a character reference all the same, as S3 does for such keys.
UNSPEAKABLE = "\r\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u2028\ufffe\uffff\ud800-\udfff"
_UNSPEAKABLE = re.compile(f"[{UNSPEAKABLE}]")
_SPECIAL = re.compile(f'[&<>"{UNSPEAKABLE}]')
_UNREADABLE = re.compile(
    r"&#x(?:[0-8bcef]|1[0-9a-f]|fff[ef]|d[89a-f][0-9a-f]{2});"
)  # references to what XML 1.0 has not

# AWS's own habit where the model does not say: with milliseconds always, or only where there are any.
MILLISECOND_SERVICES = frozenset({"s3", "s3control", "ec2"})


def escape(text: str) -> str:
    """Return text as it stands in an element or attribute."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    return _UNSPEAKABLE.sub(_reference, text) if _UNSPEAKABLE.search(text) else text


def readable(document: str) -> str:
    """Return a document that every parser reads: without references to characters that XML 1.0 does not have."""
    return _UNREADABLE.sub("\ufffd", document) if "&#x" in document else document


def _reference(match: re.Match[str]) -> str:
    return f"&#x{ord(match.group()):x};"


@dataclass(frozen=True)
class Dialect:
    """Where the protocols that answer in XML differ."""

    element: str = "member"  # the name of a list's elements where the model gives none
    query_names: bool = False  # names laid over the model for the query protocol hold


REST_XML = Dialect()
QUERY = Dialect(query_names=True)
EC2 = Dialect(element="item")


class XmlWriters:
    """The writers of one service's shapes, each compiled once."""

    def __init__(self, model: ServiceModel, dialect: Dialect) -> None:
        self._model = model
        self._dialect = dialect
        self._compiled: dict[str, Writer] = {}
        self._milliseconds = model.name in MILLISECOND_SERVICES

    def name(self, ref: Ref, default: str) -> str:
        """Return the element's name for a member."""
        found: str | None = ref.get("xmlName") if self._dialect.query_names else None
        return found or ref.get("locationName", default)

    def element(self, name: str, ref: Ref) -> Writer:
        """Compile one element of this name around a value."""
        shape = self._model.resolve(ref)
        kind = shape["type"]
        opening, closing = f"<{name}{self._namespace(shape)}>", f"</{name}>"
        if kind == "structure":
            attributes = [
                (each, self.name(inner, each)) for each, inner in shape["members"].items() if inner.get("xmlAttribute")
            ]
            if attributes:
                return _attributed(opening, closing, attributes, self.content(ref))
        if kind in ("structure", "list", "map"):
            return _wrapped(opening, closing, self.content(ref))
        if kind in ("string", "character"):
            return _text(opening, closing)
        return _scalar(opening, closing, self.scalar(shape))

    def scalar(self, shape: Shape) -> Callable[[Any], str]:
        """Return the function that writes a scalar that needs no escaping."""
        if self._milliseconds and shape["type"] == "timestamp" and "timestampFormat" not in shape:
            return timestamps.iso8601_milliseconds
        return text_writer(shape["type"], shape.get("timestampFormat", "iso8601"))

    def content(self, ref: Ref) -> Writer:
        """Compile what is inside an element of this shape."""
        name = ref["shape"]
        found = self._compiled.get(name)
        if found is None:
            self._compiled[name] = lambda value, put: self._compiled[name](value, put)
            shape = self._model.shape(name)
            if shape["type"] == "structure":
                found = self.structure(shape["members"])
            elif shape["type"] == "list":
                found = _list(self.element(self.name(shape["member"], self._dialect.element), shape["member"]))
            else:
                found = _map("<entry>", "</entry>", *self._pair(shape))
            self._compiled[name] = found
        return found

    def structure(self, members: dict[str, Ref]) -> Writer:
        """Compile the elements of a structure of which only `members` are in the body."""
        return _structure(
            {name: self._member(name, ref) for name, ref in members.items() if not ref.get("xmlAttribute")}
        )

    def _member(self, member: str, ref: Ref) -> Writer:
        shape = self._model.resolve(ref)
        name = self.name(ref, shape.get("locationName", member))
        if shape.get("flattened"):
            if shape["type"] == "list":
                return _list(self.element(self.name(shape["member"], name), shape["member"]))
            if shape["type"] == "map":
                return _map(f"<{name}>", f"</{name}>", *self._pair(shape))
        return self.element(name, ref)

    def _pair(self, shape: Shape) -> tuple[Writer, Writer]:
        key, value = shape["key"], shape["value"]
        return self.element(self.name(key, "key"), key), self.element(self.name(value, "value"), value)

    @staticmethod
    def _namespace(shape: Shape) -> str:
        namespace = shape.get("xmlNamespace")
        if not namespace:
            return ""
        if isinstance(namespace, str):
            return f' xmlns="{namespace}"'
        prefix = f":{namespace['prefix']}" if namespace.get("prefix") else ""
        return f' xmlns{prefix}="{namespace["uri"]}"'


def _structure(members: dict[str, Writer]) -> Writer:
    member_of = members.get

    def write(value: Any, put: Put) -> None:
        for key, item in value.items():
            if item is not None:
                writer = member_of(key)
                if writer is not None:
                    writer(item, put)

    return write


def _list(element: Writer) -> Writer:
    def write(value: Any, put: Put) -> None:
        for item in value:
            if item is not None:
                element(item, put)

    return write


def _map(opening: str, closing: str, key_element: Writer, value_element: Writer) -> Writer:
    def write(value: Any, put: Put) -> None:
        for key, item in value.items():
            if item is not None:
                put(opening)
                key_element(key, put)
                value_element(item, put)
                put(closing)

    return write


def _wrapped(opening: str, closing: str, content: Writer) -> Writer:
    def write(value: Any, put: Put) -> None:
        put(opening)
        content(value, put)
        put(closing)

    return write


def _attributed(opening: str, closing: str, attributes: list[tuple[str, str]], content: Writer) -> Writer:
    def write(value: Any, put: Put) -> None:
        put(opening[:-1])
        for member, name in attributes:
            if value.get(member) is not None:
                put(f' {name}="{escape(str(value[member]))}"')
        put(">")
        content(value, put)
        put(closing)

    return write


def _text(opening: str, closing: str) -> Writer:
    special = _SPECIAL.search

    def write(value: Any, put: Put) -> None:
        if special(value):
            value = escape(value)
        put(opening + value + closing)

    return write


def _scalar(opening: str, closing: str, text_of: Callable[[Any], str]) -> Writer:
    def write(value: Any, put: Put) -> None:
        put(opening + text_of(value) + closing)

    return write
