"""Key schemas, indexes and throughput as CreateTable and UpdateTable are told them: checked, and made into records.

Source: Amazon DynamoDB API Reference, CreateTable; Developer Guide, "Service, account, and table quotas" and
"Multi-attribute keys pattern for global secondary indexes".
"""

from __future__ import annotations

import re
from typing import Any

from app.services.dynamodb.lookup import BAD_NAME
from app.services.dynamodb.refusals import constraint, invalid, invalid_values
from projections.dynamodb import Index

MAX_LOCAL = 5
MAX_GLOBAL = 20
MAX_INCLUDED = 100  # over all of a table's indexes
MAX_PARTS = 4  # partition key attributes of a global index, and as many sort key attributes

_INDEX_NAME = re.compile(r"[a-zA-Z0-9_.-]{3,255}\Z")


def attribute_types(definitions: list[dict[str, str]]) -> dict[str, str]:
    """Return AttributeDefinitions as name -> type. Raises ValidationException."""
    types: dict[str, str] = {}
    for definition in definitions:
        name = definition["AttributeName"]
        if name in types:
            raise invalid_values(f"Duplicate AttributeName in AttributeDefinitions: {name}")
        types[name] = definition["AttributeType"]
    return types


def key_schema(schema: list[dict[str, str]]) -> tuple[str, str | None]:
    """Return the hash and range key of a table or local index. Raises ValidationException."""
    if schema[0]["KeyType"] != "HASH":
        raise invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if len(schema) == 1:
        return schema[0]["AttributeName"], None
    if len(schema) > 2:
        raise constraint(
            [
                f"Value '{schema}' at 'keySchema' failed to satisfy constraint: Member must have length less than or equal to 2"
            ]
        )
    if schema[1]["KeyType"] != "RANGE":
        raise invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
    if schema[0]["AttributeName"] == schema[1]["AttributeName"]:
        raise invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
    return schema[0]["AttributeName"], schema[1]["AttributeName"]


def _several(schema: list[dict[str, str]], index: str) -> tuple[list[str], list[str]]:
    """Return the partition and sort key attributes of a global index."""
    hash: list[str] = []
    range: list[str] = []
    for element in schema:
        if element["KeyType"] == "HASH":
            if range:
                raise invalid("Invalid KeySchema: all HASH key type elements must precede any RANGE key type elements")
            hash.append(element["AttributeName"])
        else:
            range.append(element["AttributeName"])
    if not hash:
        raise invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    names = hash + range
    if len(set(names)) != len(names):
        if len(names) == 2 and range:
            raise invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
        raise invalid("Invalid KeySchema: Two or more elements in the KeySchema have the same name")
    for kind, parts in (("HASH", hash), ("RANGE", range)):
        if len(parts) > MAX_PARTS:
            raise invalid_values(f"Number of {kind} key attributes exceeds the limit of {MAX_PARTS} for index: {index}")
    return hash, range


def check_defined(names: list[str], types: dict[str, str], *, index: bool) -> None:
    """Refuse key attributes without a definition."""
    missing = [name for name in names if name not in types]
    if not missing:
        return
    keys, defined = ", ".join(names), ", ".join(types)
    if index:
        raise invalid_values(
            "Some index key attributes are not defined in AttributeDefinitions. "
            f"Keys: [{', '.join(missing)}], AttributeDefinitions: [{defined}]"
        )
    raise invalid(
        "One or more parameter values were invalid: Some index key attributes are not defined in "
        f"AttributeDefinitions. Keys: [{keys}], AttributeDefinitions: [{defined}]"
    )


def check_used(types: dict[str, str], used: set[str], *, indexed: bool) -> None:
    """Refuse attribute definitions that no key uses."""
    if used >= types.keys():
        return
    if not indexed:
        raise invalid_values(
            "Number of attributes in KeySchema does not exactly match number of attributes defined in "
            "AttributeDefinitions"
        )
    raise invalid_values(
        f"Some AttributeDefinitions are not used. AttributeDefinitions: [{', '.join(types)}], "
        f"keys used: [{', '.join(sorted(used))}]"
    )


def projection(given: dict[str, Any] | None, index: str) -> tuple[str, list[str]]:
    """Return what an index projects: the kind, and attributes beside the keys. Raises ValidationException."""
    given = given or {}
    kind = given.get("ProjectionType")
    include = given.get("NonKeyAttributes")
    if kind is None:
        raise invalid_values("Unknown ProjectionType: null")
    if kind == "INCLUDE":
        if not include:
            raise invalid_values("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
        if len(set(include)) != len(include):
            raise invalid_values(f"Duplicate NonKeyAttributes for index: {index}")
    elif include is not None:
        raise invalid_values(f"ProjectionType is {kind}, but NonKeyAttributes is specified")
    return kind, list(include or [])


def throughput(given: dict[str, Any] | None, billing: str, where: str) -> tuple[int, int]:
    """Return provisioned read and write units, 0 and 0 where on demand. Raises ValidationException."""
    if billing == "PAY_PER_REQUEST":
        if given:
            raise invalid_values(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
            )
        return 0, 0
    if given is None:
        raise invalid_values(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"
            if not where
            else f"ProvisionedThroughput must be specified for index: {where}"
        )
    return given["ReadCapacityUnits"], given["WriteCapacityUnits"]


def _check_name(name: str, known: list[Index]) -> None:
    if not _INDEX_NAME.match(name):
        raise invalid(BAD_NAME)
    if any(index.name == name for index in known):
        raise invalid_values(f"Duplicate index name: {name}")


def _check_included(indexes: list[Index]) -> None:
    if sum(len(index.include) for index in indexes) > MAX_INCLUDED:
        raise invalid_values(
            f"Number of NonKeyAttributes over all indexes of the table exceeds the limit of {MAX_INCLUDED}"
        )


def indexes(params: dict[str, Any], hash: str, range: str | None, types: dict[str, str], billing: str) -> list[Index]:
    """Return the indexes that CreateTable is told of. Raises ValidationException."""
    found: list[Index] = []
    local, others = params.get("LocalSecondaryIndexes"), params.get("GlobalSecondaryIndexes")
    if local is not None:
        if not local:
            raise invalid_values("List of LocalSecondaryIndexes is empty")
        if range is None:
            raise invalid_values(
                "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"
            )
        for given in local:
            found.append(_local(given, hash, types, found))
        if len(local) > MAX_LOCAL:
            raise invalid_values(f"Number of LocalSecondaryIndexes exceeds per-table limit of {MAX_LOCAL}")
    if others is not None:
        if not others:
            raise invalid_values("List of GlobalSecondaryIndexes is empty")
        for given in others:
            found.append(global_index(given, types, found, len(found) + 1, billing))
        if len(others) > MAX_GLOBAL:
            raise invalid_values(f"GlobalSecondaryIndex count exceeds the per-table limit of {MAX_GLOBAL}")
    _check_included(found)
    return found


def _local(given: dict[str, Any], hash: str, types: dict[str, str], known: list[Index]) -> Index:
    name = given["IndexName"]
    _check_name(name, known)
    own_hash, own_range = key_schema(given["KeySchema"])
    check_defined([own_hash, *([own_range] if own_range else [])], types, index=True)
    if own_hash != hash:
        raise invalid_values(
            f"Index KeySchema does not have the same leading hash key as table KeySchema for index: {name}. "
            f"index hash key: {own_hash}, table hash key: {hash}"
        )
    if own_range is None:
        raise invalid_values(f"Index KeySchema does not have a range key for index: {name}")
    kind, include = projection(given.get("Projection"), name)
    return Index(name, len(known) + 1, True, [own_hash], [own_range], kind, include)


def global_index(given: dict[str, Any], types: dict[str, str], known: list[Index], number: int, billing: str) -> Index:
    """Return a global index as it is given. Raises ValidationException."""
    name = given["IndexName"]
    _check_name(name, known)
    hash, range = _several(given["KeySchema"], name)
    check_defined(hash + range, types, index=True)
    kind, include = projection(given.get("Projection"), name)
    read, write = throughput(given.get("ProvisionedThroughput"), billing, name)
    settings = {key: given[key] for key in ("OnDemandThroughput", "WarmThroughput") if given.get(key)}
    index = Index(name, number, False, hash, range, kind, include, read, write, settings)
    _check_included([*known, index])
    return index


def used_names(hash: str, range: str | None, indexes: list[Index]) -> set[str]:
    """Return the names of all key attributes of a table and its indexes."""
    names = {hash} if range is None else {hash, range}
    for index in indexes:
        names.update(index.hash, index.range)
    return names
