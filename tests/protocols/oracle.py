"""botocore on the other end of the wire: its requests into our parsers, our responses into its parsers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

from botocore.awsrequest import HeadersDict
from botocore.compat import OrderedDict
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from botocore.utils import percent_encode_sequence

from app import protocols
from app.http import BytesBody, FileBody, Request, Response
from app.protocols import codecs, error_responses, models, operations
from app.protocols.amendments import AMENDMENTS

LOADER = Loader(include_default_search_paths=True)
EXTRA_PROTOCOLS = {"sqs": ("query", "smithy-rpc-v2-cbor")}


@cache
def serializer(protocol: str) -> Any:
    """botocore's serializer, its own validation off: values that break a pattern are as good for the wire."""
    return create_serializer(protocol, include_validation=False)


def client_model(service: str, protocol: str) -> ServiceModel:
    """Return the model as a client of that protocol has it: an old one, where the protocol is old."""
    LOADER._cache.clear()
    document = LOADER.load_service_model(service, "service-2")
    if service == "s3":
        document["shapes"]["Expires"]["type"] = "string"  # as S3 treats it; see app/protocols/models.py
    if protocol == "query" and service in AMENDMENTS:
        _merge(document, AMENDMENTS[service])
        for name, each in document["operations"].items():
            if "output" in each:
                each["output"]["resultWrapper"] = f"{name}Result"
    return ServiceModel(document, service_name=service)


def _merge(into: dict[str, Any], extra: Any) -> None:
    for key, value in extra.items():
        key = "locationName" if key == "xmlName" else key
        if hasattr(value, "items"):
            _merge(into.setdefault(key, OrderedDict()), value)
        else:
            into[key] = value


def protocols_of(service: str) -> tuple[str, ...]:
    """Return every protocol in which clients talk to a service."""
    return protocols.service_model(service).protocols + EXTRA_PROTOCOLS.get(service, ())


def forget() -> None:
    """Drop all that is compiled: four hundred services at once are too much memory."""
    operations.operation.cache_clear()
    codecs.codecs.cache_clear()
    models.service_model.cache_clear()
    error_responses.describe.cache_clear()
    error_responses._codes.cache_clear()
    error_responses._codecs.cache_clear()


@cache
def template(uri: str) -> tuple[re.Pattern[str], list[str]]:
    """Return what the router does with a path: its pattern, and the names of the labels in it."""
    parts = re.split(r"\{([^}]+)\}", uri.partition("?")[0])
    pattern = "".join(
        re.escape(part) if index % 2 == 0 else "(.+)" if part.endswith("+") else "([^/]+)"
        for index, part in enumerate(parts)
    )
    return re.compile(pattern), [part.rstrip("+") for part in parts[1::2]]


def request_of(protocol: str, params: dict[str, Any], model: OperationModel) -> tuple[Request, dict[str, str]]:
    """Return the request that botocore sends, and the labels in its path."""
    sent = serializer(protocol).serialize_to_request(params, model)
    target = sent["url_path"]
    query = sent["query_string"]
    if query:
        text = query if isinstance(query, str) else percent_encode_sequence(query)
        target += ("&" if "?" in target else "?") + text
    body = sent["body"]
    if isinstance(body, dict):
        body = urlencode(body, doseq=True).encode()
    headers = {name.lower(): str(value) for name, value in sent["headers"].items()}
    request = Request(sent["method"], target, headers, BytesBody(body))
    if not protocol.startswith("rest"):
        return request, {}
    pattern, names = template(model.http["requestUri"])
    match = pattern.fullmatch(request.path)
    assert match, (model.http["requestUri"], request.path)
    return request, dict(zip(names, match.groups(), strict=True))


class Raw:
    """What urllib3 gives botocore for a body that is read piece by piece."""

    def __init__(self, chunks: Any) -> None:
        self._chunks = chunks

    def stream(self) -> Iterator[bytes]:
        yield from self._chunks

    def close(self) -> None:
        pass


def response_dict(response: Response, operation: str, streaming: bool = False) -> dict[str, Any]:
    """Return our response as botocore's parsers want it."""
    body: Any = response.body
    if streaming:
        body = BytesIO(body)
    elif isinstance(body, FileBody):
        body = b"".join(body)
    elif not isinstance(body, bytes):
        body = Raw(body)
    headers = HeadersDict()
    for name, value in response.headers:
        headers[name] = value
    return {
        "status_code": response.status,
        "headers": headers,
        "body": body,
        "context": {"operation_name": operation},
    }


def parse_response(protocol: str, response: dict[str, Any], shape: Any) -> Any:
    """Return what botocore's parser makes of a response."""
    return create_parser(protocol).parse(response, shape)


def plain(value: Any, drop_empty: bool = False) -> Any:
    """Return a value with moments as milliseconds, bodies read, floats rounded, so that two can be compared."""
    if isinstance(value, dict):
        out = {key: plain(item, drop_empty) for key, item in value.items() if item is not None}
        if drop_empty:
            out = {key: item for key, item in out.items() if item not in ({}, [], "", b"")}
        return out
    if isinstance(value, list):
        items = [plain(item, drop_empty) for item in value]
        return [item for item in items if item not in ({}, [])] if drop_empty else items
    if isinstance(value, datetime):
        return round(value.timestamp(), 3)
    if isinstance(value, float) and math.isfinite(value):
        return round(value, 3)
    if hasattr(value, "read"):
        return value.read()
    return value
