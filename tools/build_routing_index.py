"""Write app/routing/index.json and operations.json: what the router must know of botocore's models, and no more.

Run after each change of botocore's version: `python -m tools.build_routing_index`. A test compares the files with
what this would write.
"""

from __future__ import annotations

import gzip
import importlib.metadata
import importlib.util
import re
from pathlib import Path
from typing import Any

import orjson

TARGET = Path(__file__).resolve().parent.parent / "app" / "routing"

# The part of an endpoint's host before its region or its partition's suffix, in botocore's endpoint rules.
_RULE_URL = re.compile(
    rb'"url":\s*"https://(?:\{[^}"]+\}\.)?([a-z0-9][a-z0-9.-]*?)(?:-fips)?\.(?:dualstack\.)?'
    rb"\{(?:Region|PartitionResult#\w+)\}"
)
_DATED = re.compile(r"\d{4}-\d\d-\d\d|v\d{8}")


def models_directory() -> Path:
    """Return the folder of botocore's service models, without importing botocore."""
    spec = importlib.util.find_spec("botocore")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("botocore is not installed")
    return Path(spec.submodule_search_locations[0]) / "data"


def _read(path: Path) -> bytes:
    packed = path.with_name(path.name + ".gz")
    return gzip.decompress(packed.read_bytes()) if packed.exists() else path.read_bytes()


def _versions(service: Path) -> list[str]:
    """The API versions of a service for which there is a model, newest last."""
    return sorted(model.parent.name for model in service.glob("*/service-2.json*") if "extras" not in model.name)


def _hosts(metadata: dict[str, Any], operations: dict[str, Any], rules: bytes) -> list[str]:
    """Every name that comes before the region in a host name of the service."""
    prefix = metadata["endpointPrefix"]
    found = {prefix} | {name.decode() for name in _RULE_URL.findall(rules)}
    for operation in operations.values():
        put_before = operation.get("endpoint", {}).get("hostPrefix", "")
        if put_before and "{" not in put_before:
            found.add(put_before + prefix)
    return sorted(found)


def _protocols(metadata: dict[str, Any]) -> list[str]:
    """The protocols that the service speaks, the model's choice first, and those that older SDKs use for it."""
    spoken: list[str] = list(metadata.get("protocols") or [metadata["protocol"]])
    if "awsQueryCompatible" in metadata and "query" not in spoken:
        spoken.append("query")
    if "targetPrefix" in metadata and "json" not in spoken:
        spoken.append("json")
    return spoken


def _entry(name: str, model: dict[str, Any], versions: list[str], rules: bytes) -> dict[str, Any]:
    metadata, operations = model["metadata"], model["operations"]
    entry: dict[str, Any] = {
        "signing": metadata.get("signingName", metadata["endpointPrefix"]),
        "id": re.sub(r"[^a-z0-9]", "", metadata["serviceId"].lower()),
        "protocols": _protocols(metadata),
        "hosts": _hosts(metadata, operations, rules),
    }
    if {"query", "ec2"} & set(entry["protocols"]):
        entry["versions"] = versions
    if "targetPrefix" in metadata:
        entry["target"] = metadata["targetPrefix"]
    if metadata["signatureVersion"] == "bearer" or "smithy.api#httpBearerAuth" in metadata.get("auth", []):
        entry["bearer"] = True
    if entry["protocols"][0].startswith("rest"):
        if dated := _dated(operations):
            entry["dated"] = dated
        unsigned = [key for key, value in sorted(operations.items()) if value.get("auth") == ["smithy.api#noAuth"]]
        if unsigned:
            entry["unsigned"] = unsigned
    return entry


def _dated(operations: dict[str, Any]) -> list[str]:
    """The first segments of its paths that are dates, by which a REST service is known among all others."""
    firsts = {each["http"]["requestUri"].split("/")[1].partition("?")[0] for each in operations.values()}
    return sorted(first for first in firsts if _DATED.fullmatch(first))


def _operations(model: dict[str, Any]) -> list[str]:
    """One string an operation: its name, or, in REST services, "METHOD uri name"."""
    operations = sorted(model["operations"].items())
    if not model["metadata"]["protocol"].startswith("rest"):
        return [name for name, _ in operations]
    return [f"{each['http']['method']} {each['http']['requestUri']} {name}" for name, each in operations]


def build() -> tuple[bytes, bytes]:
    """Return the contents of index.json and of operations.json.

    Each line of operations.json is one service's; index.json has its place in the file, so that the router reads
    only the services that are called.
    """
    services: dict[str, dict[str, Any]] = {}
    lines: list[bytes] = []
    offset = len(b"{\n")
    for folder in sorted(models_directory().iterdir()):
        versions = _versions(folder) if folder.is_dir() else []
        if not versions:
            continue
        newest = folder / versions[-1]
        model = orjson.loads(_read(newest / "service-2.json"))
        entry = _entry(folder.name, model, versions, _read(newest / "endpoint-rule-set-1.json"))
        head, line = orjson.dumps(folder.name) + b":", orjson.dumps(_operations(model))
        entry["at"] = [offset + len(head), len(line)]
        lines.append(head + line)
        offset += len(head) + len(line) + len(b",\n")
        services[folder.name] = entry
    index = b",\n".join(orjson.dumps(name) + b":" + orjson.dumps(entry) for name, entry in services.items())
    botocore = orjson.dumps(importlib.metadata.version("botocore"))
    return (
        b'{"botocore":' + botocore + b',\n"services":{\n' + index + b"\n}}\n",
        b"{\n" + b",\n".join(lines) + b"\n}\n",
    )


def main() -> None:
    """Write both files beside the router."""
    index, operations = build()
    (TARGET / "index.json").write_bytes(index)
    (TARGET / "operations.json").write_bytes(operations)
    print(f"{TARGET}: index.json {len(index):,} bytes, operations.json {len(operations):,} bytes")


if __name__ == "__main__":
    main()
