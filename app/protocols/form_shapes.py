"""Form-encoded requests (query and ec2): dotted names to a tree, the tree to parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus

from app.http import Request
from app.protocols.malformed import Malformed, MalformedBinding
from app.protocols.models import Ref, ServiceModel, Shape
from app.protocols.text_values import READERS

Node = Any  # str, or dict[str, Node]
Reader = Callable[[Node], Any]

DEEPEST = 100  # no shape nests deeper than this in any sensible call
LONGEST_INDEX = 9


def form_pairs(text: str) -> list[tuple[str, str]]:
    """Split a form or query string into decoded pairs, in order. Raises MalformedBinding where it is not UTF-8."""
    pairs = []
    try:
        for each in text.split("&"):
            if each:
                name, _, value = each.partition("=")
                if "%" in name or "+" in name:
                    name = unquote_plus(name, errors="strict")
                if "%" in value or "+" in value:
                    value = unquote_plus(value, errors="strict")
                pairs.append((name, value))
    except UnicodeDecodeError:
        raise MalformedBinding("The query string is not valid UTF-8") from None
    return pairs


def read_form(request: Request) -> dict[str, Node]:
    """Return a request's parameters as a tree: query string first, then the body."""
    try:
        body = request.body.read().decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedBinding("The body is not valid UTF-8") from None
    tree: dict[str, Node] = {}
    text = f"{request.query}&{body}" if request.query else body
    for name, value in form_pairs(text):
        node = tree
        if "." in name:
            *path, name = name.split(".", DEEPEST)
            for part in path:
                inner = node.get(part)
                if inner.__class__ is not dict:  # absent, or the empty value that stands for an empty list
                    inner = node[part] = {}
                node = inner
        if node.get(name).__class__ is not dict:
            node[name] = value
    return tree


class FormReaders:
    """The readers of one service's shapes for a form-encoded protocol, each compiled once."""

    def __init__(self, model: ServiceModel, ec2: bool) -> None:
        self._model = model
        self._ec2 = ec2
        self._compiled: dict[str, Reader] = {}

    def reader(self, ref: Ref) -> Reader:
        """Return the function that turns a node of the tree into what boto3 would call it."""
        shape = self._model.resolve(ref)
        name = ref["shape"]
        if shape["type"] == "list" and ref.get("flattened"):
            return self._compound(shape)
        found = self._compiled.get(name)
        if found is None:
            if shape["type"] in READERS:
                found = _scalar_reader(READERS[shape["type"]])
            else:
                self._compiled[name] = lambda node: self._compiled[name](node)
                found = self._compound(shape)
            self._compiled[name] = found
        return found

    def _name(self, ref: Ref, default: str) -> str:
        if self._ec2:
            name: str = ref.get("queryName") or ref.get("locationName", default)
            return name if "queryName" in ref else name[0].upper() + name[1:]
        return ref.get("xmlName") or ref.get("locationName") or default

    def _compound(self, shape: Shape) -> Reader:
        kind = shape["type"]
        if kind == "structure":
            entries: dict[str, tuple[str, Reader]] = {}
            for member, ref in shape["members"].items():
                entry = (member, self.reader(ref))
                entries[self._name(ref, member)] = entry
                resolved = self._model.resolve(ref)
                if not self._ec2 and resolved["type"] == "list" and resolved.get("flattened"):
                    # A flattened list goes by its elements' name where they have one.
                    entries[self._name(resolved["member"], self._name(ref, member))] = entry
            return _structure_reader(entries)
        flattened = self._ec2 or bool(shape.get("flattened"))
        if kind == "list":
            inside = None if flattened else self._name(shape["member"], "member")
            return _list_reader(self.reader(shape["member"]), inside)
        return _map_reader(
            self._name(shape["key"], "key"),
            self._name(shape["value"], "value"),
            self.reader(shape["key"]),
            self.reader(shape["value"]),
            flattened,
        )


def _scalar_reader(read_text: Callable[[str], Any]) -> Reader:
    def read(node: Node) -> Any:
        if node.__class__ is not str:
            raise Malformed("Unexpected complex element termination")
        return read_text(node)

    return read


def _structure_reader(entries: dict[str, tuple[str, Reader]]) -> Reader:
    entry_of = entries.get

    def read(node: Node) -> Any:
        if node.__class__ is str:
            if node:
                raise Malformed("Unexpected simple element termination")
            return {}
        out = {}
        for key, item in node.items():
            entry = entry_of(key)
            if entry is not None:
                out[entry[0]] = entry[1](item)
        return out

    return read


def _elements(node: dict[str, Node]) -> list[Node]:
    indices = [key for key in node if len(key) <= LONGEST_INDEX and key.isascii() and key.isdigit()]
    indices.sort(key=int)
    return [node[key] for key in indices]


def _list_reader(reader: Reader, inside: str | None) -> Reader:
    def read(node: Node) -> Any:
        if node.__class__ is str:
            # Nothing stands for an empty list; one value without an index was always accepted (AttributeName=All).
            return [reader(node)] if node else []
        if inside is not None and inside in node:
            node = node[inside]
            if node.__class__ is str:
                return [reader(node)] if node else []
        return [reader(item) for item in _elements(node)]

    return read


def _map_reader(key_name: str, value_name: str, key_reader: Reader, value_reader: Reader, flattened: bool) -> Reader:
    def read(node: Node) -> Any:
        if node.__class__ is dict and not flattened and "entry" in node:
            node = node["entry"]
        if node.__class__ is str:
            if node:
                raise Malformed("Unexpected simple element termination")
            return {}
        entries = [node] if key_name in node else _elements(node)  # a single entry may go without its index
        out = {}
        for entry in entries:
            if entry.__class__ is not dict or key_name not in entry:
                raise Malformed(f"A map entry needs a {key_name}")
            out[key_reader(entry[key_name])] = value_reader(entry.get(value_name, ""))
        return out

    return read
