"""XML bodies: a document type is never read, so no entity can be declared and none can expand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from app.protocols.malformed import Malformed
from app.protocols.models import Ref, ServiceModel, Shape
from app.protocols.text_values import READERS

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

Reader = Callable[["Element"], Any]
# member, reader, and how repeated elements of this name join: "" the last wins, "list" or "map"
Entry = tuple[str, Reader, str]

XSI = "{http://www.w3.org/2001/XMLSchema-instance}"


def parse_xml(body: bytes) -> Element:
    """Parse an XML document. Raises Malformed, also where there is a document type declaration."""
    from xml.etree.ElementTree import ParseError, XMLParser

    if b"\0" in body:
        raise Malformed("The document holds a NUL, or is not UTF-8")
    if b"<!DOCTYPE" in body:
        _refuse_doctype(body)
    try:
        parser = XMLParser(encoding="utf-8")
        parser.feed(body)
        root: Element = parser.close()
    except (ParseError, ValueError, LookupError) as error:
        raise Malformed(f"Invalid XML: {error}") from None
    return root


def _refuse_doctype(body: bytes) -> None:
    """Tell a declaration from the same letters in a CDATA section or comment."""
    from xml.parsers import expat

    def refuse(*_: Any) -> None:
        raise Malformed("Document type declarations are not allowed")

    parser = expat.ParserCreate("utf-8")
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        raise Malformed(f"Invalid XML: {error}") from None


def local_name(tag: str) -> str:
    """Return an element's name without its namespace."""
    return tag.rpartition("}")[2]


def child(node: Element, name: str) -> Element | None:
    """Return the first child of this local name."""
    return next((each for each in node if local_name(each.tag) == name), None)


class XmlReaders:
    """The readers of one service's shapes, each compiled once."""

    def __init__(self, model: ServiceModel) -> None:
        self._model = model
        self._compiled: dict[str, Reader] = {}

    def reader(self, ref: Ref) -> Reader:
        """Return the function that turns an element into the value boto3 would call it."""
        name = ref["shape"]
        found = self._compiled.get(name)
        if found is None:
            shape = self._model.shape(name)
            kind = shape["type"]
            if kind in READERS:
                found = _scalar_reader(kind)
            else:
                self._compiled[name] = lambda node: self._compiled[name](node)
                if kind == "structure":
                    found = self.structure(shape["members"])
                elif kind == "list":
                    found = _list_reader(self.reader(shape["member"]))
                else:
                    found = self._map_reader(shape)
            self._compiled[name] = found
        return found

    def structure(self, members: dict[str, Ref]) -> Reader:
        """Compile a structure of which only `members` are in the body."""
        entries: dict[str, Entry] = {}
        attributes: list[tuple[str, str]] = []
        for member, ref in members.items():
            shape = self._model.resolve(ref)
            name = shape.get("locationName", member)
            if shape.get("xmlAttribute"):
                attributes.append((name.replace("xsi:", XSI), member))
            elif shape["type"] == "list" and shape.get("flattened"):
                entry = (member, self.reader(shape["member"]), "list")
                entries[name] = entry
                entries.setdefault(shape["member"].get("locationName", name), entry)
            elif shape["type"] == "map" and shape.get("flattened"):
                entries[name] = (member, self._pair_reader(shape), "map")
            else:
                entries[name] = (member, self.reader(ref), "")
        return _structure_reader(entries, attributes)

    def _map_reader(self, shape: Shape) -> Reader:
        pair = self._pair_reader(shape)

        def read(node: Element) -> Any:
            out: dict[str, Any] = {}
            for each in node:
                out.update(pair(each))
            return out

        return read

    def _pair_reader(self, shape: Shape) -> Reader:
        key_name = shape["key"].get("locationName", "key")
        value_name = shape["value"].get("locationName", "value")
        key_reader, value_reader = self.reader(shape["key"]), self.reader(shape["value"])

        def read(node: Element) -> Any:
            key, value = child(node, key_name), child(node, value_name)
            if key is None or value is None:
                raise Malformed(f"A map entry needs both <{key_name}> and <{value_name}>")
            return {key_reader(key): value_reader(value)}

        return read


def _scalar_reader(kind: str) -> Reader:
    read_text = READERS[kind]

    def read(node: Element) -> Any:
        if len(node):
            raise Malformed("An element holds others where text is expected")
        return read_text(node.text or "")

    return read


def _list_reader(reader: Reader) -> Reader:
    return lambda node: [reader(each) for each in node]


def _structure_reader(entries: dict[str, Entry], attributes: list[tuple[str, str]]) -> Reader:
    entry_of = entries.get

    def read(node: Element) -> Any:
        out: dict[str, Any] = {}
        for each in node:
            tag = each.tag
            entry = entry_of(tag[tag.index("}") + 1 :] if tag[0] == "{" else tag)
            if entry is None:
                continue
            member, reader, joined = entry
            if not joined:
                out[member] = reader(each)
            elif joined == "list":
                out.setdefault(member, []).append(reader(each))
            else:
                out.setdefault(member, {}).update(reader(each))
        for name, member in attributes:
            value = node.get(name)
            if value is not None:
                out[member] = value
        return out

    return read
