"""Which service is meant where requests for several look the same: decisions, as data."""

from __future__ import annotations

from collections.abc import Iterable

# Scopes in use that are no model's signing name.
SIGNING_ALIASES = {
    "cloudwatch": "monitoring",
    "email": "ses",
    "opensearch": "es",
    "s3-object-lambda": "s3",
    "s3express": "s3",
    "stepfunctions": "states",
}

# Host names in use that are in no model's endpoint rules, besides botocore's own names of the services.
HOST_ALIASES = {
    "cloudwatchlogs": "logs",
    "eventbridge": "events",
    "queue": "sqs",
}

# Requests that SDKs send though no model has them, as lines of operations.json.
BESIDE_THE_MODELS = {
    "cloudsearchdomain": ["POST /2013-01-01/search Search"],  # botocore's: a query too long for a URI, as a form
}

# Of services whose requests cannot be told apart, the one that is named first here is meant; services that are not
# named follow in alphabetical order. RDS, DocumentDB and Neptune share scope, version, host and actions in AWS too.
PREFERRED = (
    "rds",
    "sqs",
    "sns",
    "sts",
    "iam",
    "s3",
    "s3control",
    "dynamodb",
    "lambda",
    "ses",
    "sesv2",
    "opensearch",
    "es",
    "apigateway",
    "apigatewayv2",
    "cloudsearch",
    "elbv2",
    "elb",
    "timestream-write",
    "timestream-query",
    "sagemaker",
    "sagemaker-runtime",
    "bedrock-runtime",
    "bedrock",
    "bedrock-agent",
    "bedrock-agent-runtime",
    "chime-sdk-voice",
    "chime-sdk-messaging",
    "chime-sdk-meetings",
    "chime-sdk-identity",
    "chime-sdk-media-pipelines",
    "chime",
    "greengrassv2",
    "greengrass",
    "lexv2-models",
    "lexv2-runtime",
    "lex-models",
    "lex-runtime",
    "qconnect",
    "wisdom",
    "kinesisvideo",
    "pinpoint-sms-voice",
    "sms-voice",
    "ivs",
    "signer",
)

_RANK = {name: rank for rank, name in enumerate(PREFERRED)}


def preferred_first(names: Iterable[str]) -> tuple[str, ...]:
    """Return services in the order in which they are tried."""
    return tuple(sorted(names, key=lambda name: (_RANK.get(name, len(_RANK)), name)))
