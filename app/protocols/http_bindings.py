"""Members that travel in the path, the query string, headers or the status: for rest-json and rest-xml."""

from __future__ import annotations

import binascii
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

import orjson

from app.http import Request
from app.protocols.form_shapes import form_pairs
from app.protocols.malformed import Malformed, MalformedBinding, MalformedPath
from app.protocols.models import Ref, ServiceModel, Shape
from app.protocols.text_values import READERS, TextReader, TextWriter, write_timestamp
from app.protocols.text_values import writer as text_writer

BODY = "body"
SIGNING = re.compile("x-amz-(algorithm|credential|date|expires|security-token|signature|signedheaders)", re.I)

# An unreadable date in these headers is as good as none (RFC 9110, section 13.1).
IGNORED_WHEN_UNREADABLE = re.compile("(x-amz-copy-source-)?if-(un)?modified-since")
# Text in S3's model, which keeps what it is given; handlers may have a moment for it all the same.
EXPIRES = "Expires"

_LIST_ITEM = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^,]*))\s*(?:,|$)')
_ESCAPED = re.compile(r"\\(.)")
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]+")


def location(ref: Ref) -> str:
    """Return where a member travels: uri, querystring, header, headers, statusCode or body."""
    found: str = ref.get("location", BODY)
    return found


def split_header(text: str) -> list[str]:
    """Split a header's list of values at its commas, quoted values kept whole."""
    items = []
    position = 0
    while position < len(text):
        match = _LIST_ITEM.match(text, position)
        if match is None:  # an unclosed quote: take the rest as it is
            items.append(text[position:].strip())
            break
        quoted, bare = match.groups()
        items.append(_ESCAPED.sub(r"\1", quoted) if quoted is not None else bare.strip())
        position = match.end()
    return items


def _read_json_value(text: str) -> Any:
    try:
        return orjson.loads(binascii.a2b_base64(text))
    except (ValueError, RecursionError):
        raise Malformed("A header that should be base64 of JSON is not") from None


def _dates(text: str) -> list[str]:
    """Split a header's list of HTTP dates, each of which has a comma of its own."""
    parts = [part.strip() for part in text.split(",")]
    if all(part[:1].isalpha() for part in parts[::2]):
        return [", ".join(parts[i : i + 2]) for i in range(0, len(parts), 2)]
    return parts


def _header_reader(model: ServiceModel, name: str, shape: Shape) -> TextReader:
    kind = shape["type"]
    if shape.get("jsonvalue"):
        return _read_json_value
    if kind == "list":
        inner = model.resolve(shape["member"])
        read = READERS[inner["type"]]
        split = _dates if inner["type"] == "timestamp" else split_header
        return lambda text: [read(each) for each in split(text)]
    read = READERS[kind]
    if kind == "timestamp" and IGNORED_WHEN_UNREADABLE.fullmatch(name):

        def read_or_ignore(text: str) -> Any:
            try:
                return read(text)
            except Malformed:
                return None

        return read_or_ignore
    return read


def _decoded(text: str) -> str:
    """Decode a part of the path. Raises MalformedPath."""
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise MalformedPath("Couldn't parse the specified URI.") from None


class RequestBindings:
    """Reads one operation's members that are not in the body."""

    def __init__(self, model: ServiceModel, shape: Shape, uri: str) -> None:
        self._labels: list[tuple[str, str, TextReader]] = []
        self._headers: dict[str, tuple[str, TextReader | None]] = {}
        self._prefixes: list[tuple[str, str]] = []
        self._query: dict[str, tuple[str, TextReader, bool]] = {}
        self._query_map: tuple[str, bool] | None = None
        self._fixed = frozenset(name for name, _ in form_pairs(uri.partition("?")[2]))
        # Presigned URLs carry in the query string what would have been headers; S3 alone takes both.
        self._hoisted = model.name == "s3"
        self.body: dict[str, Ref] = {}
        for member, ref in shape["members"].items():
            resolved = model.resolve(ref)
            name = ref.get("locationName", member)
            where = location(ref)
            if where == "uri":
                self._labels.append((name, member, READERS[resolved["type"]]))
            elif where == "header":
                name = name.lower()
                plain = resolved["type"] == "string" and not resolved.get("jsonvalue")
                self._headers[name] = (member, None if plain else _header_reader(model, name, resolved))
            elif where == "headers":
                self._prefixes.append((name.lower(), member))
            elif where == "querystring":
                self._bind_query(model, name, member, resolved)
            else:
                self.body[member] = ref
        self._reads_query = bool(self._query or self._query_map or self._hoisted)

    def _bind_query(self, model: ServiceModel, name: str, member: str, shape: Shape) -> None:
        if shape["type"] == "map":
            self._query_map = (member, model.resolve(shape["value"])["type"] == "list")
        elif shape["type"] == "list":
            self._query[name] = (member, READERS[model.resolve(shape["member"])["type"]], True)
        else:
            self._query[name] = (member, READERS[shape["type"]], False)

    def read(self, request: Request, labels: Mapping[str, str]) -> dict[str, Any]:
        """Return the members bound to path, query string and headers. Raises MalformedBinding, MalformedPath."""
        params: dict[str, Any] = {}
        try:
            for name, member, read in self._labels:
                text = labels.get(name)
                if text is not None:
                    params[member] = read(_decoded(text) if "%" in text else text)
            header_of = self._headers.get
            for name, text in request.headers.items():
                entry = header_of(name)
                if entry is not None:
                    self._read_header(entry, text, params)
            if self._prefixes:
                self._read_prefixed(request.headers, params)
            if request.query and self._reads_query:
                self._read_query(request.query, params)
        except UnicodeDecodeError:
            raise MalformedBinding("Couldn't parse the specified URI.") from None
        except MalformedBinding:
            raise
        except Malformed as error:
            raise MalformedBinding(str(error)) from None
        return params

    @staticmethod
    def _read_header(entry: tuple[str, TextReader | None], text: str, params: dict[str, Any]) -> None:
        member, read = entry
        if read is None:
            params[member] = text
        elif text:
            value = read(text)
            if value is not None:
                params[member] = value

    def _read_prefixed(self, headers: Mapping[str, str], params: dict[str, Any]) -> None:
        for prefix, member in self._prefixes:
            found = {name[len(prefix) :]: text for name, text in headers.items() if name.startswith(prefix)}
            if found:
                params[member] = found

    def _read_query(self, query: str, params: dict[str, Any]) -> None:
        rest: dict[str, list[str]] = {}
        hoisted: dict[str, str] = {}
        for name, text in form_pairs(query):
            entry = self._query.get(name)
            if entry is not None:
                member, read, several = entry
                if several:
                    params.setdefault(member, []).append(read(text))
                elif text or read is str:
                    params[member] = read(text)
            elif self._hoisted and name[:6].lower() == "x-amz-":
                hoisted[name.lower()] = text
            elif self._query_map and name not in self._fixed and not SIGNING.fullmatch(name):
                rest.setdefault(name, []).append(text)
        for name, text in hoisted.items():
            header = self._headers.get(name)
            if header is not None and header[0] not in params:
                self._read_header(header, text, params)
        if hoisted and self._prefixes:
            self._read_prefixed(hoisted, params)
        if rest and self._query_map:
            member, several = self._query_map
            params[member] = rest if several else {name: texts[-1] for name, texts in rest.items()}


def _header_writer(model: ServiceModel, shape: Shape) -> TextWriter:
    kind = shape["type"]
    if shape.get("jsonvalue"):
        return lambda value: b64encode(orjson.dumps(value)).decode("ascii")
    if kind == "list":
        inner = _header_writer(model, model.resolve(shape["member"]))
        return lambda value: ",".join([_quoted(inner(each)) for each in value])
    return text_writer(kind, shape.get("timestampFormat", "rfc822"))


def _quoted(text: str) -> str:
    """Quote a list's value that would be taken for several."""
    if '"' in text or ("," in text and not text.endswith(" GMT")):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return text


def header_text(text: str) -> str:
    """Return text fit for a header's value: no control character may end the header early."""
    return text if text.isprintable() else _CONTROL.sub(" ", text)


class ResponseBindings:
    """Writes one operation's members that are not in the body."""

    def __init__(self, model: ServiceModel, shape: Shape) -> None:
        self._headers: dict[str, tuple[str, Callable[[Any], str] | None]] = {}
        self._prefixes: dict[str, str] = {}
        self._status: str | None = None
        self._content_type: str | None = None
        self.body: dict[str, Ref] = {}
        for member, ref in shape["members"].items():
            resolved = model.resolve(ref)
            where = location(ref)
            if where == "header":
                name = ref.get("locationName", member)
                if name.lower() == "content-type":
                    self._content_type = member
                plain = resolved["type"] == "string" and not resolved.get("jsonvalue")
                writer = None if plain else _header_writer(model, resolved)
                self._headers[member] = (name, write_timestamp("rfc822") if name == EXPIRES else writer)
            elif where == "headers":
                self._prefixes[member] = ref.get("locationName", "")
            elif where == "statusCode":
                self._status = member
            else:
                self.body[member] = ref

    @property
    def only_body(self) -> bool:
        """True where there is nothing to write but a body."""
        return not (self._headers or self._prefixes or self._status)

    def write(self, result: dict[str, Any], headers: list[tuple[str, str]]) -> None:
        """Append the headers that a result's members are bound to."""
        header_of = self._headers.get
        for member, value in result.items():
            if value is None:
                continue
            entry = header_of(member)
            if entry is not None:
                name, writer = entry
                text = value if writer is None else writer(value)
                headers.append((name, text if text.isprintable() else header_text(text)))
        for member, prefix in self._prefixes.items():
            for key, value in (result.get(member) or {}).items():
                headers.append((header_text(prefix + key), header_text(value)))

    def write_content_type(self, media: str, result: dict[str, Any], headers: list[tuple[str, str]]) -> None:
        """Append the media type of the body, where the result does not give one of its own."""
        if self._content_type is None or result.get(self._content_type) is None:
            headers.append(("Content-Type", media))

    def status(self, result: dict[str, Any], default: int) -> int:
        """Return the response's status: the member bound to it, or the model's."""
        if self._status is not None and result.get(self._status) is not None:
            return int(result[self._status])
        return default
