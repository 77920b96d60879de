"""UpdateTable: throughput, indexes, stream, class, encryption, deletion protection.

Source: Amazon DynamoDB API Reference, UpdateTable.
"""

from __future__ import annotations

from typing import Any

from app.services import AwsError, Call, Outcome, State, command
from app.services.dynamodb import schemas
from app.services.dynamodb.describe import description
from app.services.dynamodb.lookup import details_of
from app.services.dynamodb.refusals import invalid, invalid_values
from app.services.dynamodb.tables import encryption, named, not_built, stream_label, stream_view
from journal import Event
from projections.dynamodb import (
    DeletionProtectionChanged,
    EncryptionChanged,
    Index,
    IndexCreated,
    IndexDeleted,
    StreamDisabled,
    StreamEnabled,
    TableClassChanged,
    TableDetails,
    TableShape,
    ThroughputChanged,
)

_CHANGES = (
    "ProvisionedThroughput", "BillingMode", "StreamSpecification", "GlobalSecondaryIndexUpdates", "SSESpecification",
    "DeletionProtectionEnabled", "TableClass", "OnDemandThroughput", "WarmThroughput",
)  # fmt: skip
_NOT_BUILT = (
    "ReplicaUpdates",
    "MultiRegionConsistency",
    "GlobalTableWitnessUpdates",
    "GlobalTableSettingsReplicationMode",
)


class _Update:
    """One UpdateTable in the making: its events, and the table as it will be, for the answer."""

    def __init__(self, call: Call, shape: TableShape, known: TableDetails) -> None:
        self.call = call
        self.params = call.params
        self.shape = shape
        self.known = known
        self.events: list[Event] = []
        self.next_index = known.next_index

    def throughput(self) -> None:
        params, known = self.params, self.known
        given = params.get("ProvisionedThroughput")
        settings = {
            **known.settings,
            **{key: params[key] for key in ("OnDemandThroughput", "WarmThroughput") if params.get(key)},
        }
        mode = params.get("BillingMode")
        billing = mode or known.billing
        if given is None and mode in (None, known.billing) and settings == known.settings:
            return
        if billing == "PAY_PER_REQUEST" or given is not None:
            read, write = schemas.throughput(given, billing, "")
        elif known.billing == billing:
            read, write = known.read, known.write
        else:
            read, write = schemas.throughput(None, billing, "")
        if given is not None and (read, write) == (known.read, known.write) and billing == known.billing:
            raise invalid(
                "The provisioned throughput for the table will not change. The requested value equals the current "
                f"value. Current ReadCapacityUnits provisioned for the table: {known.read}. Requested "
                f"ReadCapacityUnits: {read}. Current WriteCapacityUnits provisioned for the table: {known.write}. "
                f"Requested WriteCapacityUnits: {write}. Refer to the Amazon DynamoDB Developer Guide for current "
                "limits and how to request higher limits."
            )
        if billing == "PROVISIONED" and known.billing != billing:
            updates = params.get("GlobalSecondaryIndexUpdates") or []
            told = {(update.get("Update") or update.get("Delete") or {}).get("IndexName") for update in updates}
            for index in self.shape.indexes:
                if not index.local and index.name not in told:
                    raise invalid_values(f"ProvisionedThroughput must be specified for index: {index.name}")
        self.events.append(ThroughputChanged(self.shape.name, None, billing, read, write, settings))
        if billing == "PAY_PER_REQUEST" and known.billing != billing:
            for index in self.shape.indexes:
                if not index.local:
                    self.events.append(ThroughputChanged(self.shape.name, index.name, billing, 0, 0, index.settings))

    def stream(self) -> None:
        given = self.params.get("StreamSpecification")
        if given is None:
            return
        view = stream_view(given)
        if view is not None:
            if self.shape.view is not None:
                raise invalid(f"Table already has an enabled stream: TableName: {self.shape.name}")
            self.events.append(StreamEnabled(self.shape.name, view, stream_label(self.call.now)))
        elif self.shape.view is None:
            raise invalid(f"Table has no stream to disable: TableName: {self.shape.name}")
        else:
            self.events.append(StreamDisabled(self.shape.name))

    def settings(self) -> None:
        params, known, name = self.params, self.known, self.shape.name
        protected = params.get("DeletionProtectionEnabled")
        if protected is not None and protected != known.protected:
            self.events.append(DeletionProtectionChanged(name, protected))
        table_class = params.get("TableClass")
        if table_class is not None and table_class != (known.table_class or "STANDARD"):
            self.events.append(TableClassChanged(name, table_class))
        if params.get("SSESpecification") is not None:
            self.events.append(EncryptionChanged(name, encryption(self.call, params["SSESpecification"])))

    def indexes(self) -> None:
        updates = self.params.get("GlobalSecondaryIndexUpdates") or []
        for update in updates:
            actions = [action for action in ("Create", "Update", "Delete") if update.get(action) is not None]
            if not actions:
                raise invalid_values(
                    "One of GlobalSecondaryIndexUpdate's Create, Update or Delete must be specified in each "
                    "GlobalSecondaryIndexUpdates element"
                )
            if len(actions) > 1:
                raise invalid_values(
                    "Only one of GlobalSecondaryIndexUpdate's Create, Update or Delete may be specified in one element"
                )
        if sum(1 for update in updates if update.get("Create") or update.get("Delete")) > 1:
            raise AwsError(
                "LimitExceededException",
                "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
            )
        named: set[str] = set()
        for update in updates:
            given = update.get("Create") or update.get("Update") or update.get("Delete")
            if given["IndexName"] in named:
                raise invalid_values(
                    "Only one global secondary index update per index is allowed simultaneously. "
                    f"Index: {given['IndexName']}"
                )
            named.add(given["IndexName"])
            if update.get("Create"):
                self.create_index(given)
            elif update.get("Update"):
                self.update_index(given)
            else:
                self.delete_index(given["IndexName"])

    def create_index(self, given: dict[str, Any]) -> None:
        shape = self.shape
        if any(index.name == given["IndexName"] for index in shape.indexes):
            raise invalid(f"Attempting to create an index which already exists: {given['IndexName']}")
        if sum(1 for index in shape.indexes if not index.local) >= schemas.MAX_GLOBAL:
            raise AwsError(
                "LimitExceededException",
                f"Subscriber limit exceeded: GlobalSecondaryIndex count exceeds the per-table limit of "
                f"{schemas.MAX_GLOBAL}",
            )
        types = schemas.attribute_types(self.params.get("AttributeDefinitions") or [])
        billing = self.params.get("BillingMode") or self.known.billing
        index = schemas.global_index(given, types, shape.indexes, self.next_index, billing)
        used = schemas.used_names(shape.hash, shape.range, shape.indexes)
        for name in index.hash + index.range:
            if name in types and name in used and types[name] != shape.types[name]:
                raise invalid_values(
                    "Attributes cannot be redefined. Please check that your attribute has the same type as previously "
                    f"defined. Existing schema: Schema:[SchemaElement: key{{{name}:{shape.types[name]}}}] "
                    f"New schema: Schema:[SchemaElement: key{{{name}:{types[name]}}}]"
                )
        merged = {**shape.types, **{name: types[name] for name in index.hash + index.range if name in types}}
        self.next_index += 1
        self.events.append(IndexCreated(shape.name, index, merged))

    def find(self, name: str) -> Index:
        for index in self.shape.indexes:
            if index.name == name:
                if index.local:
                    raise invalid_values(f"Index {name} is not a global secondary index")
                return index
        raise AwsError("ResourceNotFoundException", f"Requested resource not found: Index: {name} not found")

    def update_index(self, given: dict[str, Any]) -> None:
        index = self.find(given["IndexName"])
        billing = self.params.get("BillingMode") or self.known.billing
        settings = {
            **index.settings,
            **{key: given[key] for key in ("OnDemandThroughput", "WarmThroughput") if given.get(key)},
        }
        read, write = index.read, index.write
        if given.get("ProvisionedThroughput") is not None:
            read, write = schemas.throughput(given["ProvisionedThroughput"], billing, index.name)
            if (read, write, settings) == (index.read, index.write, index.settings):
                raise invalid(
                    f"The provisioned throughput for the index {index.name} will not change. The requested value "
                    f"equals the current value. Current ReadCapacityUnits provisioned for the index: {index.read}. "
                    f"Requested ReadCapacityUnits: {read}. Current WriteCapacityUnits provisioned for the index: "
                    f"{index.write}. Requested WriteCapacityUnits: {write}. Refer to the Amazon DynamoDB Developer "
                    "Guide for current limits and how to request higher limits."
                )
        self.events.append(ThroughputChanged(self.shape.name, index.name, billing, read, write, settings))

    def delete_index(self, name: str) -> None:
        index = self.find(name)
        kept = [each for each in self.shape.indexes if each is not index]
        used = schemas.used_names(self.shape.hash, self.shape.range, kept)
        types = {each: kind for each, kind in self.shape.types.items() if each in used}
        self.events.append(IndexDeleted(self.shape.name, name, types))


@command("dynamodb", "UpdateTable")
def update_table(call: Call, state: State) -> Outcome:
    """Change a table's settings, throughput, stream or global indexes; at once.

    Errors: ResourceNotFoundException, LimitExceededException, ValidationException (400).
    Source: Amazon DynamoDB API Reference, UpdateTable.
    """
    params = call.params
    for member in _NOT_BUILT:
        if params.get(member):
            raise not_built(member)
    account, region, shape = named(call, state)
    if not any(params.get(member) not in (None, []) for member in _CHANGES):
        raise invalid(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or "
            "SSESpecification or ReplicaUpdates is required for UpdateTable"
        )
    update = _Update(call, shape, details_of(state, shape))
    update.throughput()
    update.stream()
    update.settings()
    update.indexes()
    outcome = Outcome()
    for event in update.events:
        outcome.emit(event, shape.arn, account=account, region=region)
    return outcome.answer(TableDescription=_described(state, shape, update))


def _described(state: State, shape: TableShape, update: _Update) -> dict[str, Any]:
    """Return the table's description, with what is changing shown as AWS shows it while it changes."""
    told = description(state, shape, status="UPDATING" if update.events else "ACTIVE")
    for event in update.events:
        if isinstance(event, IndexCreated):
            fresh = TableShape(
                shape.number, shape.arn, shape.name, shape.hash, shape.range, event.types, [event.index], None,
                shape.on_demand,
            )  # fmt: skip
            (index,) = description(None, fresh, known=update.known, indexes="CREATING")["GlobalSecondaryIndexes"]
            told.setdefault("GlobalSecondaryIndexes", []).append({**index, "Backfilling": False})
            told["AttributeDefinitions"] = [
                {"AttributeName": name, "AttributeType": kind} for name, kind in event.types.items()
            ]
        elif isinstance(event, IndexDeleted):
            for index in told["GlobalSecondaryIndexes"]:
                if index["IndexName"] == event.index:
                    index["IndexStatus"] = "DELETING"
        elif isinstance(event, StreamEnabled):
            told["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": event.view}
            told["LatestStreamLabel"] = event.stream
            told["LatestStreamArn"] = f"{shape.arn}/stream/{event.stream}"
        elif isinstance(event, StreamDisabled):
            told["StreamSpecification"] = {"StreamEnabled": False}
        elif isinstance(event, DeletionProtectionChanged):
            told["DeletionProtectionEnabled"] = event.protected
        elif isinstance(event, TableClassChanged):
            told["TableClassSummary"] = {"TableClass": event.table_class}
        elif isinstance(event, ThroughputChanged) and event.index is None:
            told.setdefault("BillingModeSummary", {})["BillingMode"] = event.billing
    return told
