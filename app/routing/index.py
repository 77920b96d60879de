"""What the router knows of AWS's services: index.json, loaded at import, and operations.json, a service at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import msgspec

from .preferences import BESIDE_THE_MODELS, HOST_ALIASES, SIGNING_ALIASES, preferred_first

_HERE = Path(__file__).parent


class Service(msgspec.Struct, frozen=True):
    """One service as botocore's newest model of it has it."""

    signing: str  # the service in a credential scope
    id: str  # serviceId, only its letters and digits, in lower case: as SDKs put it in the user agent
    protocols: list[str]
    hosts: list[str]  # what stands before the region in its host names
    at: tuple[int, int]  # offset and length of its line in operations.json
    versions: list[str] = []  # API versions, of services that are called with Action and Version
    target: str = ""  # prefix of X-Amz-Target, and its name in the path of smithy-rpc-v2-cbor
    dated: list[str] = []  # first segments of its REST paths that are dates
    bearer: bool = False  # takes `Authorization: Bearer`
    unsigned: list[str] = []  # REST operations that are called without any signature

    @property
    def rest(self) -> bool:
        """Whether its operations are told by method and path."""
        return self.protocols[0].startswith("rest")

    @property
    def form_protocol(self) -> str | None:
        """The protocol in which its operations are told by the parameter Action, if it speaks one."""
        return next((each for each in self.protocols if each in ("query", "ec2")), None)


class _Index(msgspec.Struct):
    botocore: str
    services: dict[str, Service]


def _group(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Names of services by key, the preferred one first."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for key, name in pairs:
        groups[key].append(name)
    return {key: preferred_first(names) for key, names in groups.items()}


_loaded = msgspec.json.decode((_HERE / "index.json").read_bytes(), type=_Index)

BOTOCORE = _loaded.botocore
SERVICES = _loaded.services
BY_SIGNING = _group((each.signing, name) for name, each in SERVICES.items())
BY_TARGET = _group((each.target, name) for name, each in SERVICES.items() if each.target)
BY_VERSION = _group((version, name) for name, each in SERVICES.items() for version in each.versions)
BY_HOST = _group((host, name) for name, each in SERVICES.items() for host in each.hosts)
BY_DATE = _group((segment, name) for name, each in SERVICES.items() for segment in each.dated)
for _alias, _name in [*HOST_ALIASES.items(), *((name, name) for name in SERVICES)]:
    BY_HOST.setdefault(_alias, (_name,))
for _alias, _name in SIGNING_ALIASES.items():
    BY_SIGNING.setdefault(_alias, BY_SIGNING[_name])

WITH_ACTIONS = preferred_first([name for name, each in SERVICES.items() if each.form_protocol])
WITH_BEARER = preferred_first([name for name, each in SERVICES.items() if each.bearer])
WITHOUT_SIGNATURE = preferred_first([name for name, each in SERVICES.items() if each.unsigned])

_operations: dict[str, frozenset[str]] = {}


def lines(service: str) -> list[str]:
    """Return what operations.json says of a service: its operations' names, or "METHOD uri name" of REST services."""
    offset, length = SERVICES[service].at
    with (_HERE / "operations.json").open("rb") as file:
        file.seek(offset)
        return msgspec.json.decode(file.read(length), type=list[str]) + BESIDE_THE_MODELS.get(service, [])


def operations(service: str) -> frozenset[str]:
    """Return the names of a service's operations."""
    known = _operations.get(service)
    if known is None:
        known = _operations[service] = frozenset(line.rpartition(" ")[2] for line in lines(service))
    return known
