"""SQS's errors, with the words that AWS uses."""

from __future__ import annotations

from app.errors import AwsError


def no_queue() -> AwsError:
    """No queue has this name or URL."""
    return AwsError("QueueDoesNotExist", "The specified queue does not exist.")


def bad_parameter(message: str) -> AwsError:
    """A parameter's value is refused; SQS has no modelled shape for it."""
    return AwsError("InvalidParameterValue", message, status=400)


def bad_value(value: object, parameter: str, reason: str) -> AwsError:
    """A parameter's value is refused, in SQS's usual sentence."""
    return bad_parameter(f"Value {value} for parameter {parameter} is invalid. Reason: {reason}")


def missing(parameter: str) -> AwsError:
    """A parameter that this call needs is not there."""
    return AwsError("MissingParameter", f"The request must contain the parameter {parameter}.", status=400)


def bad_attribute(name: str, reason: str = "") -> AwsError:
    """A queue attribute's value is refused."""
    said = f"Invalid value for the parameter {name}."
    return AwsError("InvalidAttributeValue", f"{said} Reason: {reason}" if reason else said)


def unknown_attribute(name: str) -> AwsError:
    """There is no such queue attribute, or not for queues of this type."""
    return AwsError("InvalidAttributeName", f"Unknown Attribute {name}.")
