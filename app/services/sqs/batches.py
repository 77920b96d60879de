"""What SendMessageBatch, DeleteMessageBatch and ChangeMessageVisibilityBatch have in common."""

from __future__ import annotations

import re
from typing import Any

from app.services import AwsError

MOST_ENTRIES = 10
ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}\Z")


def entries(params: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return a batch's entries. Raises what AWS answers for the batch as a whole.

    Errors: EmptyBatchRequest, TooManyEntriesInBatchRequest, InvalidBatchEntryId, BatchEntryIdsNotDistinct.
    Source: Amazon SQS API Reference, SendMessageBatch, Errors.
    """
    given: list[dict[str, Any]] = params.get("Entries") or []
    if not given:
        raise AwsError("EmptyBatchRequest", f"There should be at least one {kind} in the request.")
    if len(given) > MOST_ENTRIES:
        raise AwsError(
            "TooManyEntriesInBatchRequest",
            f"Maximum number of entries per request are {MOST_ENTRIES}. You have sent {len(given)}.",
        )
    seen: set[str] = set()
    for entry in given:
        name: str = entry["Id"]
        if not ENTRY_ID.match(name):
            raise AwsError(
                "InvalidBatchEntryId",
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 "
                "letters long.",
            )
        if name in seen:
            raise AwsError("BatchEntryIdsNotDistinct", f"Id {name} repeated.")
        seen.add(name)
    return given


def failed(entry: dict[str, Any], error: AwsError) -> dict[str, Any]:
    """Return what a batch's answer says of an entry that was refused."""
    return {"Id": entry["Id"], "SenderFault": True, "Code": error.code, "Message": error.message or None}
