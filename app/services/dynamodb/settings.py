"""What stands beside tables: time to live, backups' settings, limits, endpoints."""

from __future__ import annotations

from typing import Any

from app.services import AwsError, Call, Outcome, State, answer, command, query
from app.services.dynamodb.lookup import details_of, locate
from app.services.dynamodb.refusals import invalid
from app.services.dynamodb.tables import named
from projections.dynamodb import RecoveryChanged, TimeToLiveChanged, shapes

# Source: Amazon DynamoDB Developer Guide, "Service, account, and table quotas" (a new account's).
ACCOUNT_UNITS = 80_000
TABLE_UNITS = 40_000
ENDPOINT_MINUTES = 1440


@command("dynamodb", "UpdateTimeToLive")
def update_time_to_live(call: Call, state: State) -> Outcome:
    """Say which attribute holds the time at which items expire, or that none does.

    Errors: ResourceNotFoundException, ValidationException (400).
    Source: Amazon DynamoDB API Reference, UpdateTimeToLive.
    """
    account, region, shape = named(call, state)
    given = call.params["TimeToLiveSpecification"]
    name, enabled = given["AttributeName"], given["Enabled"]
    current = details_of(state, shape).ttl
    if enabled and current is not None:
        if current == name:
            raise invalid("TimeToLive is already enabled")
        raise invalid(f"TimeToLive is active on a different AttributeName: current AttributeName is {current}")
    if not enabled and current is None:
        raise invalid("TimeToLive is already disabled")
    if not enabled and current != name:
        raise invalid(f"TimeToLive is active on a different AttributeName: current AttributeName is {current}")
    return answer(TimeToLiveSpecification={"AttributeName": name, "Enabled": enabled}).emit(
        TimeToLiveChanged(shape.name, name if enabled else None), shape.arn, account=account, region=region
    )


@query("dynamodb", "DescribeTimeToLive")
def describe_time_to_live(call: Call, state: State) -> Outcome:
    """Tell which attribute holds the time at which items expire.

    Errors: ResourceNotFoundException (400).
    Source: Amazon DynamoDB API Reference, DescribeTimeToLive.
    """
    _, _, shape = named(call, state)
    current = details_of(state, shape).ttl
    if current is None:
        return answer(TimeToLiveDescription={"TimeToLiveStatus": "DISABLED"})
    return answer(TimeToLiveDescription={"TimeToLiveStatus": "ENABLED", "AttributeName": current})


def _backups(since: float | None, days: int, now: float) -> dict[str, Any]:
    """Return ContinuousBackupsDescription. Restoring is not built, so no restorable times are claimed."""
    recovery: dict[str, Any] = {"PointInTimeRecoveryStatus": "DISABLED" if since is None else "ENABLED"}
    if since is not None:
        recovery["RecoveryPeriodInDays"] = days
        recovery["EarliestRestorableDateTime"] = max(since, now - days * 86400)
        recovery["LatestRestorableDateTime"] = now
    return {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": recovery}


@query("dynamodb", "DescribeContinuousBackups")
def describe_continuous_backups(call: Call, state: State) -> Outcome:
    """Tell whether point-in-time recovery is on.

    Errors: TableNotFoundException (400).
    Source: Amazon DynamoDB API Reference, DescribeContinuousBackups.
    """
    account, region, name = locate(call, call.params["TableName"])
    shape = state[shapes].get(account, region, name)
    if shape is None:
        raise AwsError("TableNotFoundException", f"Table not found: {name}")
    known = details_of(state, shape)
    return answer(ContinuousBackupsDescription=_backups(known.recovery, known.recovery_days, call.now))


@command("dynamodb", "UpdateContinuousBackups")
def update_continuous_backups(call: Call, state: State) -> Outcome:
    """Turn point-in-time recovery on or off (the setting; restoring is not built).

    Errors: TableNotFoundException (400).
    Source: Amazon DynamoDB API Reference, UpdateContinuousBackups.
    """
    account, region, name = locate(call, call.params["TableName"])
    shape = state[shapes].get(account, region, name)
    if shape is None:
        raise AwsError("TableNotFoundException", f"Table not found: {name}")
    given = call.params["PointInTimeRecoverySpecification"]
    known = details_of(state, shape)
    enabled = given["PointInTimeRecoveryEnabled"]
    days = given.get("RecoveryPeriodInDays") or known.recovery_days
    since = (known.recovery if known.recovery is not None else call.now) if enabled else None
    return answer(ContinuousBackupsDescription=_backups(since, days, call.now)).emit(
        RecoveryChanged(shape.name, enabled, days), shape.arn, account=account, region=region
    )


@query("dynamodb", "DescribeLimits")
def describe_limits(call: Call, state: State) -> Outcome:
    """Tell a new account's quotas.

    Source: Amazon DynamoDB API Reference, DescribeLimits.
    """
    return answer(
        AccountMaxReadCapacityUnits=ACCOUNT_UNITS,
        AccountMaxWriteCapacityUnits=ACCOUNT_UNITS,
        TableMaxReadCapacityUnits=TABLE_UNITS,
        TableMaxWriteCapacityUnits=TABLE_UNITS,
    )


@query("dynamodb", "DescribeEndpoints")
def describe_endpoints(call: Call, state: State) -> Outcome:
    """Tell the address that this call came to.

    Source: Amazon DynamoDB API Reference, DescribeEndpoints.
    """
    return answer(Endpoints=[{"Address": call.host, "CachePeriodInMinutes": ENDPOINT_MINUTES}])
