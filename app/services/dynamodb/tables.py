"""CreateTable, DescribeTable, ListTables, DeleteTable.

A table is ACTIVE as soon as it is created, and gone as soon as it is deleted; only the answers of CreateTable and
DeleteTable say CREATING and DELETING, as AWS's do.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from app import arns
from app.services import AwsError, Call, Outcome, State, answer, command, query
from app.services.dynamodb import schemas
from app.services.dynamodb.describe import deleted, description
from app.services.dynamodb.lookup import details_of, locate
from app.services.dynamodb.refusals import invalid, invalid_values, no_such_table
from app.services.dynamodb.tagging import tags_of
from projections.dynamodb import TableCreated, TableDeleted, TableDetails, TableShape, shapes

LIST_LIMIT = 100
NOT_BUILT = ("ResourcePolicy", "GlobalTableSourceArn", "GlobalTableSettingsReplicationMode")


def not_built(what: str) -> AwsError:
    """Return the answer for a parameter that asks for what Cairn does not have."""
    return AwsError("NotImplemented", f"Cairn does not implement {what} of DynamoDB yet.", status=501)


def named(call: Call, state: State) -> tuple[str, str, TableShape]:
    """Return account, region and shape of the table that a table operation names. Raises ResourceNotFoundException."""
    account, region, name = locate(call, call.params["TableName"])
    shape = state[shapes].get(account, region, name)
    if shape is None:
        raise no_such_table(name)
    return account, region, shape


def stream_label(now: float) -> str:
    """Return a stream's label: the time it was enabled."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(now * 1000) % 1000:03d}"


def stream_view(given: dict[str, Any] | None) -> str | None:
    """Return the view type of a StreamSpecification; None where it enables no stream. Raises ValidationException."""
    if not given:
        return None
    view = given.get("StreamViewType")
    if not given["StreamEnabled"]:
        if view is not None:
            raise invalid_values("Table cannot have a StreamViewType when StreamEnabled is false")
        return None
    if view is None:
        raise invalid_values("StreamViewType must be specified when StreamEnabled is true")
    return str(view)


def encryption(call: Call, given: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return an SSESpecification as an SSEDescription; None for DynamoDB's own key. Raises ValidationException."""
    if not given:
        return None
    key, kind = given.get("KMSMasterKeyId"), given.get("SSEType")
    if not given.get("Enabled"):
        if key is not None or kind is not None:
            raise invalid_values("KMSMasterKeyId and SSEType cannot be specified when SSE is disabled")
        return None
    if kind == "AES256":
        raise invalid_values("SSEType AES256 is not supported")
    name = key or "alias/aws/dynamodb"
    if not name.startswith("arn:"):
        name = arns.arn("kms", call.region, call.account, name if name.startswith("alias/") else f"key/{name}")
    return {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": name}


@command("dynamodb", "CreateTable")
def create_table(call: Call, state: State) -> Outcome:
    """Create a table with its indexes.

    Errors: ResourceInUseException where there is one of that name, ValidationException (400).
    Source: Amazon DynamoDB API Reference, CreateTable.
    """
    params = call.params
    account, region, name = locate(call, params["TableName"])
    for member in NOT_BUILT:
        if params.get(member) is not None:
            raise not_built(member)
    if params.get("KeySchema") is None or params.get("AttributeDefinitions") is None:
        raise invalid_values("KeySchema and AttributeDefinitions must be specified")
    billing = params.get("BillingMode") or "PROVISIONED"
    read, write = schemas.throughput(params.get("ProvisionedThroughput"), billing, "")
    types = schemas.attribute_types(params["AttributeDefinitions"])
    hash, range = schemas.key_schema(params["KeySchema"])
    schemas.check_defined([hash, *([range] if range else [])], types, index=False)
    indexes = schemas.indexes(params, hash, range, types, billing)
    schemas.check_used(types, schemas.used_names(hash, range, indexes), indexed=bool(indexes))
    view = stream_view(params.get("StreamSpecification"))
    event = TableCreated(
        table=name,
        id=call.ids.uuid(),
        hash=hash,
        range=range,
        types=types,
        indexes=indexes,
        billing=billing,
        read=read,
        write=write,
        table_class=params.get("TableClass"),
        protected=bool(params.get("DeletionProtectionEnabled")),
        encryption=encryption(call, params.get("SSESpecification")),
        view=view,
        stream=stream_label(call.now) if view else None,
        tags=tags_of(params.get("Tags") or []),
        settings={key: params[key] for key in ("OnDemandThroughput", "WarmThroughput") if params.get(key)},
    )
    if state[shapes].has(account, region, name):
        raise AwsError("ResourceInUseException", f"Table already exists: {name}")
    arn = arns.arn("dynamodb", region, account, f"table/{name}")
    return (
        Outcome()
        .emit(event, arn, account=account, region=region)
        .answer(TableDescription=_created(event, arn, call.now))
    )


def _created(event: TableCreated, arn: str, now: float) -> dict[str, Any]:
    """Return the description of a table that is about to be: no row of it is there to read yet."""
    on_demand = event.billing == "PAY_PER_REQUEST"
    shape = TableShape(0, arn, event.table, event.hash, event.range, event.types, event.indexes, event.view, on_demand)
    known = TableDetails(
        id=event.id, created=now, billing=event.billing, billing_changed=now if on_demand else None, read=event.read,
        write=event.write, increased=None, decreased=None, decreases=0, table_class=event.table_class,
        class_changed=None, protected=event.protected, encryption=event.encryption, stream=event.stream, ttl=None,
        ttl_changed=None, recovery=None, recovery_days=35, tags={}, settings=event.settings, next_index=0,
    )  # fmt: skip
    return description(None, shape, known=known, status="CREATING", indexes="CREATING")


@query("dynamodb", "DescribeTable")
def describe_table(call: Call, state: State) -> Outcome:
    """Describe a table.

    Errors: ResourceNotFoundException (400).
    Source: Amazon DynamoDB API Reference, DescribeTable.
    """
    _, _, shape = named(call, state)
    return answer(Table=description(state, shape))


@query("dynamodb", "ListTables")
def list_tables(call: Call, state: State) -> Outcome:
    """List the account's tables in the region, in order of their names.

    Source: Amazon DynamoDB API Reference, ListTables.
    """
    limit = call.params.get("Limit") or LIST_LIMIT
    after = call.params.get("ExclusiveStartTableName")
    found = state[shapes].keys(call.account, call.region, after=(after,) if after else None)
    names: list[str] = []
    for key in found:
        if len(names) == limit:
            return answer(TableNames=names, LastEvaluatedTableName=names[-1])
        names.append(str(key[2]))
    return answer(TableNames=names)


@command("dynamodb", "DeleteTable")
def delete_table(call: Call, state: State) -> Outcome:
    """Delete a table with all that is in it.

    Errors: ResourceNotFoundException; ValidationException where it is protected (400).
    Source: Amazon DynamoDB API Reference, DeleteTable.
    """
    account, region, shape = named(call, state)
    if details_of(state, shape).protected:
        raise invalid(
            "Resource cannot be deleted as it is currently protected against deletion. "
            f"Disable deletion protection first. Table name: {shape.name}"
        )
    return (
        Outcome()
        .emit(TableDeleted(shape.name), shape.arn, account=account, region=region)
        .answer(TableDescription=deleted(state, shape))
    )
