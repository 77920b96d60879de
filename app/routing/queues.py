"""SQS queue URLs as request paths: `/<account>/<queue>` on any host, and `/queue/<region>/<account>/<queue>`."""

from __future__ import annotations

from typing import NamedTuple

from app.http import Request

from .credentials import is_region


class Queue(NamedTuple):
    """What the path of a queue's URL says."""

    account: str
    region: str | None


def queue_of(path: str) -> Queue | None:
    """Return what the path says, None where it is no queue's."""
    segments = path.strip("/").split("/")
    region = None
    if len(segments) == 4 and segments[0] == "queue" and is_region(segments[1]):
        region = segments[1]
        segments = segments[2:]
    if len(segments) != 2 or len(segments[0]) != 12 or not (segments[0].isascii() and segments[0].isdigit()):
        return None
    return Queue(segments[0], region)


def url_of(request: Request) -> str:
    """Return the queue's URL, as the caller has it."""
    return f"{request.scheme}://{request.headers.get('host', 'localhost')}{request.path}"
