"""The errors that DynamoDB answers, named once."""

from __future__ import annotations

from typing import Any

from app.services import AwsError


def invalid(message: str) -> AwsError:
    """Return a ValidationException."""
    return AwsError("ValidationException", message)


def invalid_values(message: str) -> AwsError:
    """Return the ValidationException that most checks of values answer."""
    return AwsError("ValidationException", "One or more parameter values were invalid: " + message)


def constraint(violations: list[str]) -> AwsError:
    """Return the ValidationException for violated model constraints, worded as DynamoDB does."""
    count = len(violations)
    return invalid(f"{count} validation error{'s' if count > 1 else ''} detected: {'; '.join(violations)}")


def no_such_table(name: str) -> AwsError:
    """Return the error of table operations; `no_such_resource` is that of item operations."""
    return AwsError("ResourceNotFoundException", f"Requested resource not found: Table: {name} not found")


def no_such_resource() -> AwsError:
    """Return the error of item operations on a table that is not there."""
    return AwsError("ResourceNotFoundException", "Requested resource not found")


def condition_failed(item: dict[str, Any] | None = None) -> AwsError:
    """Return the error of a condition that does not hold, with the item where it was asked for."""
    error = AwsError("ConditionalCheckFailedException", "The conditional request failed")
    if item is not None:
        error.fields["Item"] = item
    return error
