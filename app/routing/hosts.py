"""What a Host header says: a service, a region, an S3 bucket, a stack, or a published endpoint such as an API's.

A host name is read from its right end: first the domain under which AWS or an emulator lives, then a stack, a region,
and what remains is a service, something of a service, or a bucket. Answers are kept: clients use few hosts.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .index import BY_HOST

# Domains under which services have names. The first that fits counts.
DOMAINS = (
    "localhost.localstack.cloud",
    "localhost",
    "amazonaws.com.cn",
    "amazonaws.com",
    "api.amazonwebservices.com.cn",
    "api.aws",
    "on.aws",
)
_OURS = frozenset({"localhost.localstack.cloud", "localhost"})  # where <bucket>.<domain> is a bucket

PUBLISHED = frozenset({"execute-api", "lambda-url", "s3-website"})  # <id>.<this>.<region>.<domain>

_REGION = re.compile(r"(?:[a-z]{2,5}(?:-[a-z]+)+-\d{1,2}|aws-global)\Z")
_S3 = re.compile(r"s3(?:|-fips|-accelerate|-accesspoint(?:-fips)?|-external-1|express-[a-z0-9-]+)\Z")
_S3_OF_REGION = re.compile(r"s3-(website-)?([a-z]{2,5}(?:-[a-z]+)+-\d{1,2})\Z")  # S3's names of before 2019
_KEPT = 4096
_LONGEST = 320  # a domain name has 253 characters; what is longer is not kept


class Place(NamedTuple):
    """What one host name says; nothing at all for `localhost:4566`."""

    services: tuple[str, ...] = ()
    region: str | None = None
    bucket: str | None = None  # of an S3 host name
    maybe_bucket: str | None = None  # what stands before our own domain: a bucket if the request is for S3
    stack: str | None = None
    published: str | None = None  # one of PUBLISHED
    name: str = ""  # the published thing's


NOWHERE = Place()
_places: dict[str, Place] = {}
_own_domains: tuple[str, ...] = ()


def own_domains(domains: tuple[str, ...]) -> None:
    """Take these for our own domains too (LOCALSTACK_HOST without its port)."""
    global _own_domains
    _own_domains = domains
    _places.clear()


def place_of(host: str) -> Place:
    """Return what a Host header says; never fails, however absurd the header is."""
    place = _places.get(host)
    if place is None:
        if len(host) > _LONGEST:
            return NOWHERE
        if len(_places) >= _KEPT:
            _places.clear()
        place = _places[host] = _read(host)
    return place


def _read(host: str) -> Place:
    name = host.strip().lower()
    if name.startswith("["):
        return NOWHERE
    name = name.partition(":")[0].rstrip(".")
    labels = name.split(".")
    if len(labels) < 2 or labels[-1].isdigit():  # a bare name, or an IPv4 address
        return NOWHERE
    for domain in (*_own_domains, *DOMAINS):
        if name == domain:
            return NOWHERE
        if name.endswith("." + domain):
            ours = domain in _OURS or domain in _own_domains
            return _under(name[: -len(domain) - 1].split("."), ours)
    return _under_unknown(labels)


def _under(labels: list[str], ours: bool) -> Place:
    """Read what stands before a known domain."""
    stack = None
    if ours and len(labels) > 1 and labels[-1] == "stack":
        stack, labels = labels[-2], labels[:-2]
    whole = ".".join(labels)
    region = None
    if labels and _REGION.match(labels[-1]):
        region = labels[-1] if labels[-1] != "aws-global" else None
        labels = labels[:-1]
    if labels and labels[-1] in ("dualstack", "global"):
        labels = labels[:-1]
    if labels:
        found = _published(labels, region, stack) or _s3(labels, region, stack)
        if found:
            return found
    if labels and region is None and len(labels) > 1 and _REGION.match(labels[0]):  # <region>.queue.<domain>
        region, labels = labels[0], labels[1:]
    services = _services(labels)
    return Place(services, region, None, whole if ours and whole else None, stack)


def _under_unknown(labels: list[str]) -> Place:
    """Read a name under a domain that we have never heard of: only what cannot be anything else."""
    for at in range(len(labels) - 1, -1, -1):
        rest = labels[at + 1 :]
        region = rest[0] if rest and _REGION.match(rest[0]) else None
        if labels[at] in PUBLISHED and at > 0:
            return Place((), region, published=labels[at], name=".".join(labels[:at]))
        if labels[at] == "s3" and rest:
            return Place(("s3",), region, ".".join(labels[:at]) or None)
    if _REGION.match(labels[1]):
        return Place(BY_HOST.get(labels[0], ()), labels[1])
    return NOWHERE


def _published(labels: list[str], region: str | None, stack: str | None) -> Place | None:
    kind = labels[-1]
    dashed = _S3_OF_REGION.match(kind)
    if dashed and dashed[1]:
        kind, region = "s3-website", dashed[2]
    if kind not in PUBLISHED or len(labels) == 1:
        return None
    return Place((), region, stack=stack, published=kind, name=".".join(labels[:-1]))


def _s3(labels: list[str], region: str | None, stack: str | None) -> Place | None:
    last = labels[-1]
    dashed = _S3_OF_REGION.match(last)
    if dashed:
        region = dashed[2]
    elif not _S3.match(last):
        return None
    elif last == "s3express-control":
        return Place(BY_HOST[last], region, stack=stack)
    return Place(("s3",), region, ".".join(labels[:-1]) or None, stack=stack)


def _services(labels: list[str]) -> tuple[str, ...]:
    """The services whose host name this is, if need be without what an operation, account or resource puts before."""
    for at in range(len(labels)):
        name = ".".join(labels[at:])
        services = BY_HOST.get(name) or BY_HOST.get(name.removesuffix("-fips"))
        if services:
            return services
    return ()
