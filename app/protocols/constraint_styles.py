"""How each service words its complaints about parameters that break its model's constraints: one declared table.

To tune a service, give it a line here. `skip` names what the service checks by hand, with messages of its own: whole
operations ("CreateTable"), top-level members ("CreateTable.KeySchema"), or a shape's member wherever it is used
("KeySchemaElement.KeyType").
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from app.protocols.malformed import MALFORMED_XML
from app.protocols.models import ServiceModel

REQUIRED, LENGTH, RANGE, PATTERN, ENUM = "required", "length", "range", "pattern", "enum"
ALL = frozenset({REQUIRED, LENGTH, RANGE, PATTERN, ENUM})


@dataclass(frozen=True)
class Style:
    """One way of checking and wording."""

    code: str = "ValidationException"
    checks: Collection[str] = ALL
    # Where one missing parameter is answered alone, its code and message: {member} is the parameter's name.
    missing: tuple[str, str] | None = None
    # Where every violation gets the same message.
    message: str | None = None
    # Only what came in the body is checked.
    body_only: bool = False
    skip: Collection[str] = field(default_factory=frozenset)


CORAL = Style()  # "1 validation error detected: Value … at … failed to satisfy constraint: …"
CORAL_QUERY = Style(code="ValidationError")
BY_HAND = Style(checks=frozenset())
PARAMETER = Style(
    code="InvalidParameterValue",
    checks=frozenset({REQUIRED}),
    missing=("MissingParameter", "The request must contain the parameter {member}"),
)

BY_PROTOCOL = {
    "json": CORAL,
    "rest-json": CORAL,
    "smithy-rpc-v2-cbor": CORAL,
    "query": CORAL_QUERY,
    "rest-xml": CORAL,
    "ec2": PARAMETER,
}

STYLES: dict[str, Style] = {
    # SQS names its parameters and their limits in sentences of its own (app/services/sqs).
    "sqs": Style(
        checks=frozenset({REQUIRED}),
        missing=("MissingParameter", "The request must contain the parameter {member}."),
        skip=frozenset(
            {
                "MessageAttributeValue.DataType",
                "MessageSystemAttributeValue.DataType",
            }
        ),
    ),
    "sns": BY_HAND,
    "dynamodb": CORAL,
    "cloudwatch": Style(
        code="InvalidParameterValue",
        checks=frozenset({REQUIRED}),
        missing=("MissingParameter", "The parameter {member} is required."),
    ),
    "cognito-idp": Style(code="InvalidParameterException"),
    "logs": Style(code="InvalidParameterException"),
    "route53": Style(code="InvalidInput"),
    "cloudfront": Style(
        code="InvalidArgument",
        checks=frozenset({REQUIRED}),
        missing=("InvalidArgument", "The parameter {member} is required."),
    ),
    # S3 checks documents against its schema; headers and query parameters have errors of their own (app/services/s3).
    "s3": Style(
        code="MalformedXML",
        checks=frozenset({REQUIRED, ENUM}),
        message=MALFORMED_XML,
        body_only=True,
        skip=frozenset(
            {
                "CreateBucketConfiguration.LocationConstraint",  # InvalidLocationConstraint
                "QueueConfiguration.Events",  # InvalidArgument: The event is not supported for notifications
                "TopicConfiguration.Events",
                "LambdaFunctionConfiguration.Events",
                "CompletedPart.PartNumber",
                "Grantee.Type",
            }
        ),
    ),
    "s3control": Style(
        code="MalformedXML",
        checks=frozenset({REQUIRED, ENUM}),
        message=MALFORMED_XML,
        body_only=True,
    ),
}


def style_of(model: ServiceModel) -> Style:
    """Return the style of a service: its own, or its protocol's."""
    protocol: str = model.metadata["protocol"]
    if protocol == "smithy-rpc-v2-cbor" and "query" in model.protocols:
        protocol = "query"
    return STYLES.get(model.name) or BY_PROTOCOL[protocol]
