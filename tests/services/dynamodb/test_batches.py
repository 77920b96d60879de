"""BatchGetItem and BatchWriteItem."""

import pytest

from tests.errors import aws_error


def put(key, **attributes):
    return {"PutRequest": {"Item": {"p": {"S": key}, **attributes}}}


def delete(key):
    return {"DeleteRequest": {"Key": {"p": {"S": key}}}}


def found(dynamodb, table):
    return sorted(item["p"]["S"] for item in dynamodb.scan(TableName=table)["Items"])


def test_a_batch_puts_and_deletes_in_several_tables(dynamodb, tables):
    one, other = tables("one"), tables("other")
    dynamodb.put_item(TableName=other, Item={"p": {"S": "old"}})
    told = dynamodb.batch_write_item(RequestItems={one: [put("a"), put("b")], other: [delete("old"), put("c")]})
    assert told["UnprocessedItems"] == {}
    assert (found(dynamodb, one), found(dynamodb, other)) == (["a", "b"], ["c"])


def test_a_batch_reads_what_is_there_with_a_projection_for_each_table(dynamodb, tables):
    one, other = tables("one"), tables("other")
    dynamodb.batch_write_item(RequestItems={one: [put("a", v={"N": "1"})], other: [put("b", v={"N": "2"})]})
    keys = [{"p": {"S": key}} for key in ("a", "b")]
    told = dynamodb.batch_get_item(
        RequestItems={one: {"Keys": keys}, other: {"Keys": keys, "ProjectionExpression": "v"}}
    )
    assert told["Responses"] == {one: [{"p": {"S": "a"}, "v": {"N": "1"}}], other: [{"v": {"N": "2"}}]}
    assert told["UnprocessedKeys"] == {}


@pytest.mark.parametrize(
    ("writes", "message"),
    [
        ([], "Member must have length greater than or equal to 1"),
        ([put("a"), delete("a")], "Provided list of item keys contains duplicates"),
        ([put("a"), {}], "must contain exactly one of PutRequest or DeleteRequest"),
        ([put("a"), put("")], "cannot contain an empty string value. Key: p"),
        ([put("a"), {"DeleteRequest": {"Key": {"q": {"S": "x"}}}}], "does not match the schema"),
    ],
)
def test_a_batch_with_one_bad_write_does_nothing(dynamodb, things, writes, message):
    with aws_error("ValidationException", status=400, message=message):
        dynamodb.batch_write_item(RequestItems={things: writes})
    assert found(dynamodb, things) == []


def test_a_batch_has_at_most_25_writes_and_100_reads(dynamodb, things):
    with aws_error("ValidationException"):
        dynamodb.batch_write_item(RequestItems={things: [put(str(number)) for number in range(26)]})
    with aws_error("ValidationException"):
        dynamodb.batch_get_item(RequestItems={things: {"Keys": [{"p": {"S": str(n)}} for n in range(101)]}})


def test_reading_a_key_twice_is_refused(dynamodb, things):
    with aws_error("ValidationException", message="Provided list of item keys contains duplicates"):
        dynamodb.batch_get_item(RequestItems={things: {"Keys": [{"p": {"S": "a"}}] * 2}})


def test_what_is_past_sixteen_megabytes_is_left_for_another_call(dynamodb, things):
    keys = [{"p": {"S": str(number)}} for number in range(44)]
    for key in keys:
        dynamodb.put_item(TableName=things, Item={**key, "v": {"S": "x" * 390_000}})
    told = dynamodb.batch_get_item(RequestItems={things: {"Keys": keys, "ConsistentRead": True}})
    rest = told["UnprocessedKeys"][things]
    assert rest["ConsistentRead"] is True
    assert len(told["Responses"][things]) + len(rest["Keys"]) == 44
    assert 0 < len(rest["Keys"]) < 5
    again = dynamodb.batch_get_item(RequestItems=told["UnprocessedKeys"])
    assert len(again["Responses"][things]) == len(rest["Keys"])


def test_a_batch_on_no_table_is_refused(dynamodb, things):
    with aws_error("ResourceNotFoundException"):
        dynamodb.batch_write_item(RequestItems={things: [put("a")], "nothing": [put("a")]})
    assert found(dynamodb, things) == []
