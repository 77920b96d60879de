"""AWS's wire protocols, both directions, compiled per operation from botocore's service models.

`operation(service, name)` reads requests into parameters and writes results into responses, in whichever protocol a
client chose; `serialize_error` writes errors; `service_model` is for those who need the models themselves.
"""

from app.protocols.error_responses import serialize_error
from app.protocols.malformed import Malformed
from app.protocols.models import (
    HttpBinding,
    ServiceModel,
    UnknownOperation,
    UnknownService,
    service_model,
    service_names,
)
from app.protocols.operations import Operation, operation

__all__ = [
    "HttpBinding",
    "Malformed",
    "Operation",
    "ServiceModel",
    "UnknownOperation",
    "UnknownService",
    "operation",
    "serialize_error",
    "service_model",
    "service_names",
]
