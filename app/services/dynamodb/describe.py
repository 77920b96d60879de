"""Tables as DescribeTable and its like show them."""

from __future__ import annotations

from typing import Any

from app.services import State
from app.services.dynamodb.lookup import details_of
from projections.dynamodb import Index, Size, TableDetails, TableShape, sizes

# What a new table or index on demand can take at once.
# Source: Amazon DynamoDB Developer Guide, "Understanding DynamoDB warm throughput".
WARM = {"ReadUnitsPerSecond": 12000, "WriteUnitsPerSecond": 4000}


def description(
    state: State | None,
    shape: TableShape,
    *,
    known: TableDetails | None = None,
    status: str = "ACTIVE",
    indexes: str = "ACTIVE",
) -> dict[str, Any]:
    """Return a TableDescription; without `state` (and with `known`) that of a table about to be, with nothing in it."""
    if known is None:
        assert state is not None
        known = details_of(state, shape)
    size = _size(state, shape, 0)
    told: dict[str, Any] = {
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in shape.types.items()],
        "TableName": shape.name,
        "KeySchema": _schema([shape.hash], [shape.range] if shape.range else []),
        "TableStatus": status,
        "CreationDateTime": known.created,
        "ProvisionedThroughput": _throughput(known),
        "TableSizeBytes": size.bytes,
        "ItemCount": size.items,
        "TableArn": shape.arn,
        "TableId": known.id,
        "WarmThroughput": _warm(known.settings, known.read, known.write, shape.on_demand, status),
        "DeletionProtectionEnabled": known.protected,
    }
    _add_indexes(told, state, shape, indexes)
    if known.billing_changed is not None:
        told["BillingModeSummary"] = {
            "BillingMode": known.billing,
            "LastUpdateToPayPerRequestDateTime": known.billing_changed,
        }
    if shape.view is not None:
        told["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": shape.view}
    if known.stream is not None:
        told["LatestStreamLabel"] = known.stream
        told["LatestStreamArn"] = f"{shape.arn}/stream/{known.stream}"
    if known.encryption is not None:
        told["SSEDescription"] = known.encryption
    if known.table_class is not None:
        told["TableClassSummary"] = {"TableClass": known.table_class}
        if known.class_changed is not None:
            told["TableClassSummary"]["LastUpdateDateTime"] = known.class_changed
    if "OnDemandThroughput" in known.settings:
        told["OnDemandThroughput"] = known.settings["OnDemandThroughput"]
    return told


def _size(state: State | None, shape: TableShape, index: int) -> Size:
    return (state[sizes].get(shape.number, index) if state is not None else None) or Size(0, 0)


def _add_indexes(told: dict[str, Any], state: State | None, shape: TableShape, status: str) -> None:
    for index in shape.indexes:
        member = "LocalSecondaryIndexes" if index.local else "GlobalSecondaryIndexes"
        told.setdefault(member, []).append(_index(state, shape, index, status))


def _index(state: State | None, shape: TableShape, index: Index, status: str) -> dict[str, Any]:
    size = _size(state, shape, index.number)
    projection: dict[str, Any] = {"ProjectionType": index.projection}
    if index.include:
        projection["NonKeyAttributes"] = index.include
    told = {
        "IndexName": index.name,
        "KeySchema": _schema(index.hash, index.range),
        "Projection": projection,
        "IndexSizeBytes": size.bytes,
        "ItemCount": size.items,
        "IndexArn": f"{shape.arn}/index/{index.name}",
    }
    if not index.local:
        told["IndexStatus"] = status
        told["ProvisionedThroughput"] = {
            "NumberOfDecreasesToday": 0,
            "ReadCapacityUnits": index.read,
            "WriteCapacityUnits": index.write,
        }
        told["WarmThroughput"] = _warm(index.settings, index.read, index.write, shape.on_demand, status)
        if "OnDemandThroughput" in index.settings:
            told["OnDemandThroughput"] = index.settings["OnDemandThroughput"]
    return told


def _schema(hash: list[str], range: list[str]) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": "HASH"} for name in hash] + [
        {"AttributeName": name, "KeyType": "RANGE"} for name in range
    ]


def _throughput(known: TableDetails) -> dict[str, Any]:
    told: dict[str, Any] = {
        "NumberOfDecreasesToday": known.decreases,
        "ReadCapacityUnits": known.read,
        "WriteCapacityUnits": known.write,
    }
    if known.increased is not None:
        told["LastIncreaseDateTime"] = known.increased
    if known.decreased is not None:
        told["LastDecreaseDateTime"] = known.decreased
    return told


def _warm(settings: dict[str, Any], read: int, write: int, on_demand: bool, status: str) -> dict[str, Any]:
    base = WARM if on_demand else {"ReadUnitsPerSecond": read, "WriteUnitsPerSecond": write}
    return {**base, **settings.get("WarmThroughput", {}), "Status": "ACTIVE" if status == "ACTIVE" else "UPDATING"}


def deleted(state: State, shape: TableShape) -> dict[str, Any]:
    """Return the shorter description that DeleteTable answers."""
    whole = description(state, shape, status="DELETING")
    kept = (
        "TableName", "TableStatus", "ProvisionedThroughput", "TableSizeBytes", "ItemCount", "TableArn", "TableId",
        "BillingModeSummary", "TableClassSummary", "DeletionProtectionEnabled",
    )  # fmt: skip
    return {name: whole[name] for name in kept if name in whole}
