"""AWS's service models, read as data from the installed botocore without importing it.

A model is kept as one small JSON document per shape and operation, parsed again when something is compiled from it:
EC2's model as Python dictionaries takes a hundred megabytes, as JSON without its documentation three.
"""

from __future__ import annotations

import gzip
import importlib.util
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from app.protocols.amendments import AMENDMENTS

Shape = dict[str, Any]
Ref = dict[str, Any]

MODEL_FILE = "service-2.json.gz"
EXTRAS_FILE = "service-2.sdk-extras.json"
# boto3 turns S3's Expires header into a datetime; S3 itself stores and returns whatever text it was given.
EXTRAS_LEFT_OUT = frozenset({"s3"})
DOCUMENTATION = ("documentation", "deprecatedMessage", "deprecatedSince")


class UnknownService(LookupError):
    """botocore has no service of this name."""


class UnknownOperation(LookupError):
    """The service's model has no operation of this name."""


class HttpBinding(NamedTuple):
    """How an operation is called over HTTP, as its model says."""

    method: str
    uri: str
    status: int


class ServiceModel:
    """One AWS service: its metadata, operations and shapes."""

    __slots__ = ("_operations", "_shapes", "api_version", "http", "metadata", "name", "operations", "protocols")

    def __init__(self, name: str, document: dict[str, Any]) -> None:
        self.name = name
        self.metadata: Mapping[str, Any] = MappingProxyType(document["metadata"])
        self.api_version: str = self.metadata["apiVersion"]
        self.protocols: tuple[str, ...] = tuple(self.metadata.get("protocols") or (self.metadata["protocol"],))
        operations: dict[str, dict[str, Any]] = document["operations"]
        self.operations = frozenset(operations)
        self.http: Mapping[str, HttpBinding] = MappingProxyType(
            {
                name: HttpBinding(
                    each["http"]["method"], each["http"]["requestUri"], each["http"].get("responseCode", 200)
                )
                for name, each in operations.items()
            }
        )
        self._operations = {name: orjson.dumps(each) for name, each in operations.items()}
        self._shapes = {name: orjson.dumps(each) for name, each in document["shapes"].items()}

    def shape(self, name: str) -> Shape:
        """Return a fresh copy of a shape's definition. Raises KeyError."""
        shape: Shape = orjson.loads(self._shapes[name])
        return shape

    def has_shape(self, name: str) -> bool:
        """Tell whether the model defines a shape of this name."""
        return name in self._shapes

    def shape_names(self) -> Iterator[str]:
        """Yield the name of every shape."""
        return iter(self._shapes)

    def operation(self, name: str) -> dict[str, Any]:
        """Return a fresh copy of an operation's definition. Raises UnknownOperation."""
        try:
            definition: dict[str, Any] = orjson.loads(self._operations[name])
        except KeyError:
            raise UnknownOperation(f"{self.name} has no operation {name}") from None
        return definition

    def resolve(self, ref: Ref) -> Shape:
        """Return the shape that a reference names, the reference's own traits (location, name, …) laid over it."""
        return {**self.shape(ref["shape"]), **ref}


def data_directory() -> Path:
    """Where the installed botocore keeps its service models."""
    spec = importlib.util.find_spec("botocore")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("botocore is not installed: Cairn reads AWS's service models from it")
    return Path(spec.submodule_search_locations[0]) / "data"


@lru_cache(maxsize=1)
def _directory() -> Path:
    return data_directory()


def service_names() -> list[str]:
    """Return botocore's name of every service that has a model."""
    return sorted(each.name for each in _directory().iterdir() if any(each.glob(f"*/{MODEL_FILE}")))


@cache
def service_model(service: str) -> ServiceModel:
    """Return the newest model of a service, by botocore's name for it. Raises UnknownService."""
    folder = _directory() / service
    versions = sorted(folder.glob(f"*/{MODEL_FILE}")) if service.replace("-", "").isalnum() else []
    if not versions:
        raise UnknownService(f"botocore has no model of a service named {service!r}")
    document = orjson.loads(gzip.decompress(versions[-1].read_bytes()))
    _strip(document["shapes"])
    _strip(document["operations"])
    extras = versions[-1].with_name(EXTRAS_FILE)
    if extras.exists() and service not in EXTRAS_LEFT_OUT:
        _merge(document, orjson.loads(extras.read_bytes())["merge"])
    if service in AMENDMENTS:
        _merge(document, AMENDMENTS[service])
    return ServiceModel(service, document)


def _strip(node: Any) -> None:
    """Remove what only people read. Members may be *named* documentation, hence the test for text."""
    if isinstance(node, dict):
        for key in DOCUMENTATION:
            if isinstance(node.get(key), str):
                del node[key]
        for value in node.values():
            _strip(value)
    elif isinstance(node, list):
        for value in node:
            _strip(value)


def _merge(into: dict[str, Any], extra: Mapping[str, Any]) -> None:
    for key, value in extra.items():
        if isinstance(value, Mapping):
            _merge(into.setdefault(key, {}), value)
        else:
            into[key] = value
