"""Query and Scan."""

from __future__ import annotations

from typing import Any

from app.services import Call, Outcome, State, answer, query
from app.services.dynamodb import legacy
from app.services.dynamodb.attribute_values import shown as shown_value
from app.services.dynamodb.expressions import parse_condition
from app.services.dynamodb.key_conditions import KeyRange, KeyTest, from_expression, from_legacy
from app.services.dynamodb.lookup import checked_key, index_of, table_of
from app.services.dynamodb.planning import filter_test, projection, references
from app.services.dynamodb.reading import BAD_START, OUTSIDE, Reading, Source, look, read_page, told
from app.services.dynamodb.refusals import invalid, invalid_values
from projections.dynamodb import Index, TableShape, keys

_EMPTY_SCAN = 4 * 4096 - 1  # a table on demand begins with four partitions, each of which a Scan reads
MAX_SEGMENTS = 1_000_000


class _Asked(Reading):
    """What a Query or Scan asks for, from its parameters alone."""

    __slots__ = ("names", "select", "tests")

    def __init__(self, params: dict[str, Any], old_filter: str) -> None:
        super().__init__()
        expressions = ("ProjectionExpression", "FilterExpression", "KeyConditionExpression")
        # KeyConditions alone may go with the other expressions, as on AWS.
        also = ("KeyConditions",) if params.get("KeyConditionExpression") is not None else ()
        legacy.not_both(params, ("AttributesToGet", old_filter, "ConditionalOperator", *also), expressions)
        found = references(params, *[name for name in expressions if name[0] != "K" or old_filter[0] == "Q"])
        self.limit = params.get("Limit")
        self.consistent = bool(params.get("ConsistentRead"))
        self.tests: list[KeyTest] = []
        if params.get("KeyConditionExpression") is not None:
            node = parse_condition("KeyConditionExpression", params["KeyConditionExpression"])
            self.tests = from_expression(node, found)
        elif params.get("KeyConditions"):
            self.tests = from_legacy(params["KeyConditions"])
        self.test, self.names = filter_test(params, found)
        if params.get(old_filter) is not None or params.get("ConditionalOperator") is not None:
            self.test = legacy.filter_of(params, old_filter)
            self.names = set(params.get(old_filter) or ())
        self.wanted = projection(params, found)
        found.finish()
        self.select: str | None = params.get("Select")
        _check_select(params, self.select, self.wanted is not None)
        self.count_only = self.select == "COUNT"

    def check_index(self, params: dict[str, Any], shape: TableShape, index: Index | None) -> None:
        """Hold the request against what the index can give. Raises ValidationException."""
        if index is None:
            if self.select == "ALL_PROJECTED_ATTRIBUTES":
                raise invalid("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
            return
        if not index.local and self.consistent:
            raise invalid("Consistent reads are not supported on global secondary indexes")
        if index.projection == "ALL":
            return
        own = {shape.hash, shape.range, *index.hash, *index.range, *index.include}
        asked = set(self.wanted or ()) | (self.names if index.local or self.wanted else set())
        beyond = [str(name) for name in asked if name not in own]
        if index.local:
            self.fetch = self.select == "ALL_ATTRIBUTES" or bool(beyond)
            return
        if self.select == "ALL_ATTRIBUTES":
            raise invalid_values(
                f"Select type ALL_ATTRIBUTES is not supported for global secondary index {index.name} because its "
                "projection type is not ALL"
            )
        missing = [str(name) for name in self.wanted or () if name not in own]
        if missing:
            kind = "ProjectionExpression" if params.get("ProjectionExpression") is not None else "AttributesToGet"
            raise invalid_values(
                f"Global secondary index {index.name} does not project {missing}; {kind} asks for attributes that are "
                "not projected into the index"
            )


def _check_select(params: dict[str, Any], select: str | None, projected: bool) -> None:
    if select == "SPECIFIC_ATTRIBUTES" and not projected:
        raise invalid(
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
        )
    if projected and select not in (None, "SPECIFIC_ATTRIBUTES"):
        what = "ProjectionExpression" if params.get("ProjectionExpression") is not None else "AttributesToGet"
        if select == "COUNT":
            raise invalid(f"Cannot specify the {what} when choosing to get only the Count")
        raise invalid(f"Cannot specify the {what} when choosing to get {select}")


@query("dynamodb", "Query")
def query_items(call: Call, state: State) -> Outcome:
    """Return a page of one partition's items, in the order of their sort keys.

    Errors: ResourceNotFoundException, ValidationException (400).
    Source: Amazon DynamoDB API Reference, Query.
    """
    params = call.params
    asked = _Asked(params, "QueryFilter")
    if params.get("KeyConditionExpression") is None and not params.get("KeyConditions"):
        raise invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
    shape = table_of(call, state, params["TableName"]).shape
    index = index_of(shape, params["IndexName"]) if params.get("IndexName") is not None else None
    source = Source(state, shape, index)
    range = KeyRange(asked.tests, source.hash, source.range, shape.types)
    asked.check_index(params, shape, index)
    _check_filter(asked, source, params)
    leading, bounds = look(range)
    after = None
    if params.get("ExclusiveStartKey") is not None:
        key = checked_key(params["ExclusiveStartKey"])
        after = source.start(key)
        if index is None and shape.range is None:  # one item at most: there is nothing after it
            shown = ", ".join(f"{name}={shown_value(value)}" for name, value in key.items())
            raise invalid(f"The provided exclusive start key is invalid: ExclusiveStartKey: {{{shown}}}")
        if not range.holds(after):
            raise invalid(OUTSIDE if index is None else f"{BAD_START}: {OUTSIDE}")
    forward = params.get("ScanIndexForward") is not False
    page = read_page(source, source.rows(leading, bounds, after, forward), asked)
    return answer(**told(page, asked, source, params.get("ReturnConsumedCapacity")))


def _check_filter(asked: _Asked, source: Source, params: dict[str, Any]) -> None:
    for name in (*source.hash, *source.range):
        if name in asked.names:
            kind = "Filter Expression" if params.get("FilterExpression") is not None else "QueryFilter"
            raise invalid(f"{kind} can only contain non-primary key attributes: Primary key attribute: {name}")


@query("dynamodb", "Scan")
def scan(call: Call, state: State) -> Outcome:
    """Return a page of a table's or an index's items, in an order that is stable and says nothing.

    Errors: ResourceNotFoundException, ValidationException (400).
    Source: Amazon DynamoDB API Reference, Scan.
    """
    params = call.params
    asked = _Asked(params, "ScanFilter")
    segment, total = _segment(params)
    shape = table_of(call, state, params["TableName"]).shape
    index = index_of(shape, params["IndexName"]) if params.get("IndexName") is not None else None
    asked.check_index(params, shape, index)
    source = Source(state, shape, index)
    low, high = keys.segment(segment, total)
    bounds: dict[str, Any] = {} if total == 1 else {"start": (low,)}
    if high is not None:
        bounds["stop"] = (high,)
    after = None
    if params.get("ExclusiveStartKey") is not None:
        after = source.start(checked_key(params["ExclusiveStartKey"]))
        if after[0] < low or (high is not None and after[0] >= high):
            raise invalid(
                "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with "
                f"correct Segment. TotalSegments: {total} Segment: {segment}"
            )
    page = read_page(source, source.rows((), bounds, after, True), asked)
    least = _EMPTY_SCAN if shape.on_demand and index is None and total == 1 and after is None else 0
    return answer(**told(page, asked, source, params.get("ReturnConsumedCapacity"), least))


def _segment(params: dict[str, Any]) -> tuple[int, int]:
    segment, total = params.get("Segment"), params.get("TotalSegments")
    if segment is None and total is None:
        return 0, 1
    if segment is None:
        raise invalid(
            "The Segment parameter is required but was not present in the request when parameter TotalSegments is present"
        )
    if total is None:
        raise invalid(
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is present"
        )
    if segment >= total:
        raise invalid(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            f"Segment: {segment} is not less than TotalSegments: {total}"
        )
    return segment, total
