"""One operation of one service: reads its requests, checks its parameters, writes its answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from app.http import Request, Response
from app.protocols import ec2, json_protocol, query, rest_json, rest_xml, rpc_v2_cbor
from app.protocols.codecs import Codecs, codecs
from app.protocols.malformed import TOO_DEEP, Malformed
from app.protocols.rest_payloads import event_stream_member, payload_of

Parser = Callable[[Request, Mapping[str, str]], dict[str, Any]]
Serializer = Callable[[dict[str, Any], str], Response]

NO_LABELS: Mapping[str, str] = MappingProxyType({})

PARSERS: dict[str, Callable[[Codecs, dict[str, Any]], Parser]] = {
    "json": lambda codec, each: json_protocol.compile_parser(codec.model, each, codec.json_readers),
    "query": lambda codec, each: query.compile_parser(codec.model, each, codec.form_readers),
    "ec2": lambda codec, each: ec2.compile_parser(codec.model, each, codec.ec2_readers),
    "rest-json": lambda codec, each: rest_json.compile_parser(codec.model, each, codec.json_readers),
    "rest-xml": lambda codec, each: rest_xml.compile_parser(codec.model, each, codec.xml_readers),
    "smithy-rpc-v2-cbor": lambda codec, each: rpc_v2_cbor.compile_parser(codec.model, each, codec.cbor_readers),
}
SERIALIZERS: dict[str, Callable[[Codecs, dict[str, Any]], Serializer]] = {
    "json": lambda codec, each: json_protocol.compile_serializer(
        codec.model, each, codec.json_quick, codec.json_careful
    ),
    "query": lambda codec, each: query.compile_serializer(codec.model, each, codec.query_writers),
    "ec2": lambda codec, each: ec2.compile_serializer(codec.model, each, codec.ec2_writers),
    "rest-json": lambda codec, each: rest_json.compile_serializer(
        codec.model, each, codec.json_quick, codec.json_careful
    ),
    "rest-xml": lambda codec, each: rest_xml.compile_serializer(codec.model, each, codec.rest_xml_writers),
    "smithy-rpc-v2-cbor": lambda codec, each: rpc_v2_cbor.compile_serializer(codec.model, each, codec.cbor_writers),
}


class Operation:
    """One operation, each of its protocols compiled when first used."""

    __slots__ = (
        "_codecs",
        "_parsers",
        "_serializers",
        "event_stream_output",
        "name",
        "service",
        "streaming_input",
        "streaming_output",
        "validate",
    )

    def __init__(self, codec: Codecs, name: str) -> None:
        """Raises UnknownOperation."""
        model = codec.model
        definition = model.operation(name)
        self.service = model.name
        self.name = name
        self._codecs = codec
        self._parsers: dict[str, Parser] = {}
        self._serializers: dict[str, Serializer] = {}
        self.streaming_input: str | None = None
        self.streaming_output: str | None = None
        self.event_stream_output: str | None = None
        if "input" in definition:
            payload = payload_of(model, model.shape(definition["input"]["shape"]))
            if payload is not None and (payload.streaming or payload.kind == "eventstream"):
                self.streaming_input = payload.member
        if "output" in definition:
            shape = model.shape(definition["output"]["shape"])
            payload = payload_of(model, shape)
            if payload is not None and payload.streaming:
                self.streaming_output = payload.member
            self.event_stream_output = event_stream_member(model, shape)
        # Checks parameters against the model's constraints; raises AwsError with the service's message.
        self.validate: Callable[[dict[str, Any]], None] = codec.constraints.validator(name) or _accept

    def parse(self, protocol: str, request: Request, labels: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return a request's parameters as boto3 would name them.

        Blobs are bytes, timestamps seconds since the epoch. A streaming payload is left unread: the request's body
        object itself is the member.

        Args:
            protocol: the wire protocol that the request is in.
            request: the request.
            labels: what the router matched in the path, still percent-encoded.

        Raises:
            AwsError: the request cannot be read; the error is the one that the service answers with.
        """
        try:
            return self._parsers[protocol](request, labels or NO_LABELS)
        except KeyError:
            if protocol in self._parsers:
                raise
        except Malformed as problem:
            raise problem.answer(self.service, protocol) from None
        except RecursionError:
            raise TOO_DEEP.answer(self.service, protocol) from None
        self._parsers[protocol] = PARSERS[protocol](self._codecs, self._codecs.model.operation(self.name))
        return self.parse(protocol, request, labels)

    def serialize(self, protocol: str, result: dict[str, Any], request_id: str) -> Response:
        """Return the response for a result whose members are named as boto3 names them.

        Timestamps are seconds or datetimes. A streaming payload may be bytes, a FileBody or an iterable of bytes and
        becomes the response's body as it is; an event stream is an iterable of {"EventName": {…}}, framed lazily.
        """
        serializer = self._serializers.get(protocol)
        if serializer is None:
            definition = self._codecs.model.operation(self.name)
            serializer = self._serializers[protocol] = SERIALIZERS[protocol](self._codecs, definition)
        return serializer(result, request_id)


def _accept(params: dict[str, Any]) -> None:
    """Find nothing wrong: for operations without constraints, and those whose services check by hand."""


@cache
def operation(service: str, name: str) -> Operation:
    """Return an operation of a service. Raises UnknownService or UnknownOperation."""
    return Operation(codecs(service), name)
