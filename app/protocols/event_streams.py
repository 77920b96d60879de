"""application/vnd.amazon.eventstream: events framed with lengths, headers and checksums, lazily."""

from __future__ import annotations

import struct
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.errors import AwsError
from app.http import Response
from app.protocols.models import ServiceModel, Shape
from app.protocols.request_ids import request_id_headers
from app.protocols.timestamps import seconds

if TYPE_CHECKING:
    from app.protocols.http_bindings import ResponseBindings
    from app.protocols.json_shapes import JsonWriters
    from app.protocols.rest_payloads import Payload
    from app.protocols.xml_writing import XmlWriters

CONTENT_TYPE = "application/vnd.amazon.eventstream"

# The types of header values, by their number on the wire.
TRUE, FALSE, BYTE, SHORT, INTEGER, LONG, BYTES, STRING, TIMESTAMP, UUID = range(10)

EncodeBody = Callable[[dict[str, Any]], bytes]  # a structure's members to a payload


def frame(headers: Iterable[tuple[str, Any]], payload: bytes) -> bytes:
    """Return one message: lengths, checksum of the lengths, headers, payload, checksum of all."""
    head = b"".join([encode_header(name, value) for name, value in headers])
    prelude = struct.pack("!II", 16 + len(head) + len(payload), len(head))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + head + payload
    return message + struct.pack("!I", zlib.crc32(message))


def encode_header(name: str, value: Any) -> bytes:
    """Return one header of a message."""
    key = name.encode()
    start = bytes([len(key)]) + key
    if value is True or value is False:
        return start + bytes([TRUE if value else FALSE])
    if isinstance(value, int):
        if -(2**31) <= value < 2**31:
            return start + struct.pack("!Bi", INTEGER, value)
        return start + struct.pack("!Bq", LONG, value)
    if isinstance(value, bytes):
        return start + struct.pack("!BH", BYTES, len(value)) + value
    if isinstance(value, (datetime, float)):
        return start + struct.pack("!Bq", TIMESTAMP, round(seconds(value) * 1000))
    if isinstance(value, uuid.UUID):
        return start + bytes([UUID]) + value.bytes
    text = str(value).encode()
    return start + struct.pack("!BH", STRING, len(text)) + text


def initial_response(media: str, payload: bytes) -> bytes:
    """Return the message that carries an answer's other members before its events, in protocols without a payload."""
    headers = [(":message-type", "event"), (":event-type", "initial-response"), (":content-type", media)]
    return frame(headers, payload)


def error_frame(code: str, message: str) -> bytes:
    """Return the message that ends a stream with an error that is not in its model."""
    return frame([(":message-type", "error"), (":error-code", code), (":error-message", message)], b"")


class EventEncoder:
    """Frames the events of one stream's shape."""

    def __init__(self, model: ServiceModel, stream: Shape, media: str, encode: Callable[[Any, Shape], EncodeBody]):
        """`encode` compiles the writer of a structure's members (or of a structure payload) for the protocol."""
        self._events = {
            name: _event_encoder(model, name, model.resolve(ref), media, encode)
            for name, ref in stream["members"].items()
        }

    def stream(self, first: bytes, events: Iterable[dict[str, Any]]) -> Iterator[bytes]:
        """Yield an initial response, then the frames of the events."""
        yield first
        yield from self.frames(events)

    def frames(self, events: Iterable[dict[str, Any]]) -> Iterator[bytes]:
        """Yield a frame for each {"EventName": {…}}; an AwsError raised meanwhile becomes the last frame."""
        try:
            for event in events:
                for name, value in event.items():
                    yield self._events[name](value)
        except AwsError as error:
            encoder = self._events.get(error.code)
            if encoder is not None:
                yield encoder({**error.fields, "message": error.message, "Message": error.message})
            else:
                yield error_frame(error.code, error.message)


def _event_encoder(
    model: ServiceModel, name: str, shape: Shape, media: str, encode: Callable[[Any, Shape], EncodeBody]
) -> Callable[[dict[str, Any]], bytes]:
    members = shape["members"]
    kind = "exception" if shape.get("exception") else "event"
    fixed = [(":message-type", kind), (f":{kind}-type", name)]
    in_headers = [each for each, ref in members.items() if ref.get("eventheader")]
    payload = next((each for each, ref in members.items() if ref.get("eventpayload")), None)
    if payload is not None:
        inner = model.resolve(members[payload])
        if inner["type"] in ("blob", "string"):
            fixed.append((":content-type", "application/octet-stream" if inner["type"] == "blob" else "text/plain"))
            write: EncodeBody = _raw
        else:
            fixed.append((":content-type", media))
            write = encode(inner, inner)
        return lambda value: frame(
            [*fixed, *_present(value, in_headers)], write(value[payload]) if value.get(payload) is not None else b""
        )
    rest = {each: ref for each, ref in members.items() if each not in in_headers}
    if not rest:
        return lambda value: frame([*fixed, *_present(value, in_headers)], b"")
    fixed.append((":content-type", media))
    write_rest = encode({**shape, "members": rest}, shape)
    return lambda value: frame(
        [*fixed, *_present(value, in_headers)], write_rest({each: item for each, item in value.items() if each in rest})
    )


def _raw(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)


def _present(value: dict[str, Any], names: list[str]) -> list[tuple[str, Any]]:
    return [(name, value[name]) for name in names if value.get(name) is not None]


def xml_encoder(writers: XmlWriters) -> Callable[[Any, Shape], EncodeBody]:
    """Return what compiles XML payloads, each inside an element of its shape's name."""

    def compile_writer(shape: Shape, named: Shape) -> EncodeBody:
        content = writers.structure(shape["members"])
        opening, closing = f"<{named['shape']}>", f"</{named['shape']}>"

        def write(value: dict[str, Any]) -> bytes:
            parts = [opening]
            content(value, parts.append)
            parts.append(closing)
            return "".join(parts).encode()

        return write

    return compile_writer


def json_encoder(quick: JsonWriters, careful: JsonWriters) -> Callable[[Any, Shape], EncodeBody]:
    """Return what compiles JSON payloads."""
    from app.protocols.json_shapes import JsonBody

    return lambda shape, named: JsonBody(quick, careful, shape, shape["members"]).write


def compile_rest_serializer(
    model: ServiceModel,
    definition: dict[str, Any],
    payload: Payload,
    bindings: ResponseBindings,
    writers: XmlWriters,
) -> Callable[[dict[str, Any], str], Response]:
    """Return the function that answers with a stream of events, for rest-xml."""
    encoder = EventEncoder(model, model.resolve(payload.ref), "text/xml", xml_encoder(writers))
    return rest_serializer(model.name, definition["http"].get("responseCode", 200), payload, bindings, encoder)


def rest_serializer(
    service: str, status: int, payload: Payload, bindings: ResponseBindings, encoder: EventEncoder
) -> Callable[[dict[str, Any], str], Response]:
    """Return the function that answers with a stream of events."""

    def serialize(result: dict[str, Any], request_id: str) -> Response:
        headers = request_id_headers(service, request_id)
        bindings.write(result, headers)
        # Some models bind a member to this header; what the stream is framed in, the client must be told all the same.
        headers = [pair for pair in headers if pair[0].lower() != "content-type"]
        headers.append(("Content-Type", CONTENT_TYPE))
        return Response(bindings.status(result, status), headers, encoder.frames(result.get(payload.member) or ()))

    return serialize
