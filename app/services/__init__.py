"""The services, a module or package each. This door exports what a service is written with."""

from app.calls import Call, Ids
from app.errors import AwsError
from app.handlers import command, prepare, query
from app.outcomes import Outcome, answer, emit, wait
from journal import Blob, Content, State

__all__ = [
    "AwsError", "Blob", "Call", "Content", "Ids", "Outcome", "State",
    "answer", "command", "emit", "prepare", "query", "wait",
]  # fmt: skip
