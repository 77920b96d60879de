"""TagResource, UntagResource, ListTagsOfResource.

Source: Amazon DynamoDB Developer Guide, "Tagging restrictions in DynamoDB".
"""

from __future__ import annotations

import re
from typing import Any

from app import arns
from app.services import AwsError, Call, Outcome, State, answer, command, query
from app.services.dynamodb.lookup import details_of, locate
from app.services.dynamodb.refusals import invalid, invalid_values
from projections.dynamodb import TableShape, TableTagged, TableUntagged, shapes

MAX_TAGS = 50
PAGE = 10

_ALLOWED = re.compile(r"[\w\s+\-=.:/@]*\Z")


def tags_of(given: list[dict[str, str]]) -> dict[str, str]:
    """Return tags as a map. Raises ValidationException for what may not be a tag."""
    tags: dict[str, str] = {}
    for tag in given:
        key, value = tag["Key"], tag["Value"]
        if key in tags:
            raise invalid_values(f"Duplicate tag key found: {key}")
        if key.lower().startswith("aws:"):
            raise invalid_values(f"Tag keys starting with 'aws:' are reserved for system use: {key}")
        for text in (key, value):
            if not _ALLOWED.match(text):
                raise invalid_values(f"Tag keys and values may hold letters, whitespace, numbers and +-=._:/@: {text}")
        tags[key] = value
    _check_count(tags)
    return tags


def _check_count(tags: dict[str, str]) -> None:
    if len(tags) > MAX_TAGS:
        raise invalid(f"Too many tags: the limit is {MAX_TAGS}")


def _tagged(call: Call, state: State) -> tuple[str, str, TableShape]:
    """Return account, region and shape of the table that ResourceArn names."""
    given = call.params["ResourceArn"]
    if not given.startswith("arn:"):
        raise invalid(f"Invalid ResourceArn provided as input {given}: ARNs must start with 'arn:'")
    arn = arns.parse(given)
    if arn is None or arn.service != "dynamodb" or arn.resource.count("/") != 1:
        raise invalid(f"Invalid ResourceArn: Invalid ResourceArn provided as input {given}")
    account, region, name = locate(call, given)
    shape = state[shapes].get(account, region, name)
    if shape is None:
        raise AwsError("ResourceNotFoundException", f"Requested resource not found: ResourcArn: {given} not found")
    return account, region, shape


@command("dynamodb", "TagResource")
def tag_resource(call: Call, state: State) -> Outcome:
    """Add tags to a table, or give them new values.

    Errors: ResourceNotFoundException, ValidationException (400).
    Source: Amazon DynamoDB API Reference, TagResource.
    """
    tags = tags_of(call.params["Tags"])
    account, region, shape = _tagged(call, state)
    if not tags:
        raise invalid("Atleast one Tag needs to be provided as Input.")
    _check_count({**details_of(state, shape).tags, **tags})
    return answer().emit(TableTagged(shape.name, tags), shape.arn, account=account, region=region)


@command("dynamodb", "UntagResource")
def untag_resource(call: Call, state: State) -> Outcome:
    """Remove tags from a table; those that it does not have are no matter.

    Errors: ResourceNotFoundException, ValidationException (400).
    Source: Amazon DynamoDB API Reference, UntagResource.
    """
    account, region, shape = _tagged(call, state)
    keys = call.params["TagKeys"]
    if not keys:
        raise invalid("Atleast one Tag Key needs to be provided as Input.")
    known = details_of(state, shape).tags
    gone = [key for key in keys if key in known]
    if not gone:
        return answer()
    return answer().emit(TableUntagged(shape.name, gone), shape.arn, account=account, region=region)


@query("dynamodb", "ListTagsOfResource")
def list_tags_of_resource(call: Call, state: State) -> Outcome:
    """List a table's tags, all at once.

    Errors: ResourceNotFoundException, ValidationException (400).
    Source: Amazon DynamoDB API Reference, ListTagsOfResource.
    """
    _, _, shape = _tagged(call, state)
    tags: list[dict[str, Any]] = [{"Key": key, "Value": value} for key, value in details_of(state, shape).tags.items()]
    return answer(Tags=tags)
