"""Pages of SQS's lists: MaxResults and NextToken."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from itertools import islice
from typing import Any

from app.services.sqs.refusals import bad_value

MOST_RESULTS = 1_000


def after(params: dict[str, Any]) -> tuple[str] | None:
    """Return what a page begins after, as a table's key; None for the first. Raises InvalidParameterValue."""
    token = params.get("NextToken")
    if not token:
        return None
    try:
        return (base64.urlsafe_b64decode(token.encode("ascii")).decode(),)
    except (UnicodeError, binascii.Error):
        raise bad_value(token, "NextToken", "Invalid or expired next token.") from None


def page(params: dict[str, Any], found: Iterable[str]) -> tuple[list[str], str | None]:
    """Return one page of names in order, and the token of the next one.

    Without MaxResults there is a page of up to 1,000, and no token. Source: Amazon SQS API Reference, ListQueues.
    """
    asked = params.get("MaxResults")
    limit = MOST_RESULTS if asked is None else asked
    if not 1 <= limit <= MOST_RESULTS:
        raise bad_value(limit, "MaxResults", f"MaxResults must be an integer between 1 and {MOST_RESULTS}.")
    names = list(islice(found, limit + 1))
    if asked is None or len(names) <= limit:
        return names[:limit], None
    return names[:limit], base64.urlsafe_b64encode(names[limit - 1].encode()).decode("ascii")
