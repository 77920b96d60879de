"""Tables: creating, describing, listing, updating, deleting."""

import pytest

from tests.errors import aws_error

KEY = [{"AttributeName": "p", "KeyType": "HASH"}]
TEXT = [{"AttributeName": "p", "AttributeType": "S"}]


def create(dynamodb, name="things", **more):
    settings = {"KeySchema": KEY, "AttributeDefinitions": TEXT, "BillingMode": "PAY_PER_REQUEST", **more}
    return dynamodb.create_table(TableName=name, **{k: v for k, v in settings.items() if v is not None})


def test_a_new_table_is_creating_in_the_answer_and_active_at_once(dynamodb):
    told = create(dynamodb)["TableDescription"]
    assert told["TableStatus"] == "CREATING"
    assert told["TableArn"] == "arn:aws:dynamodb:us-east-1:000000000000:table/things"
    dynamodb.get_waiter("table_exists").wait(TableName="things", WaiterConfig={"Delay": 1, "MaxAttempts": 1})
    found = dynamodb.describe_table(TableName="things")["Table"]
    assert found["TableStatus"] == "ACTIVE"
    assert found["TableId"] == told["TableId"]
    assert found["CreationDateTime"] == told["CreationDateTime"]


def test_creating_a_table_twice_is_refused(dynamodb):
    create(dynamodb)
    with aws_error("ResourceInUseException", status=400, message="Table already exists: things"):
        create(dynamodb)


def test_a_deleted_table_is_gone_and_its_successor_is_empty(dynamodb):
    create(dynamodb)
    dynamodb.put_item(TableName="things", Item={"p": {"S": "old"}})
    assert dynamodb.delete_table(TableName="things")["TableDescription"]["TableStatus"] == "DELETING"
    with aws_error("ResourceNotFoundException", message="Requested resource not found: Table: things not found"):
        dynamodb.describe_table(TableName="things")
    dynamodb.get_waiter("table_not_exists").wait(TableName="things")
    create(dynamodb)
    assert dynamodb.scan(TableName="things")["Count"] == 0
    assert dynamodb.describe_table(TableName="things")["Table"]["ItemCount"] == 0


def test_a_protected_table_is_not_deleted(dynamodb):
    create(dynamodb, DeletionProtectionEnabled=True)
    with aws_error("ValidationException", message="protected against deletion"):
        dynamodb.delete_table(TableName="things")
    dynamodb.update_table(TableName="things", DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName="things")


def test_tables_are_listed_in_pages_in_the_order_of_their_names(dynamodb):
    for name in ("ccc", "aaa", "bbb"):
        create(dynamodb, name)
    first = dynamodb.list_tables(Limit=2)
    assert first["TableNames"] == ["aaa", "bbb"]
    assert first["LastEvaluatedTableName"] == "bbb"
    rest = dynamodb.list_tables(ExclusiveStartTableName="bbb")
    assert rest["TableNames"] == ["ccc"]
    assert "LastEvaluatedTableName" not in rest


def test_accounts_and_regions_have_tables_of_their_own(client):
    here, there, other = (
        client("dynamodb"),
        client("dynamodb", region="eu-west-1"),
        client("dynamodb", account="111111111111"),
    )
    for each, value in ((here, "here"), (there, "there"), (other, "other")):
        create(each)
        each.put_item(TableName="things", Item={"p": {"S": "k"}, "v": {"S": value}})
    for each, value in ((here, "here"), (there, "there"), (other, "other")):
        assert each.get_item(TableName="things", Key={"p": {"S": "k"}})["Item"]["v"] == {"S": value}


def test_a_table_may_be_named_by_its_arn(dynamodb):
    arn = create(dynamodb)["TableDescription"]["TableArn"]
    dynamodb.put_item(TableName=arn, Item={"p": {"S": "k"}})
    assert (
        dynamodb.query(TableName=arn, KeyConditionExpression="p = :p", ExpressionAttributeValues={":p": {"S": "k"}})[
            "Count"
        ]
        == 1
    )
    assert dynamodb.describe_table(TableName=arn)["Table"]["TableName"] == "things"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"BillingMode": None}, "ReadCapacityUnits and WriteCapacityUnits must both be specified"),
        (
            {"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}},
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
        ),
        ({"KeySchema": [{"AttributeName": "p", "KeyType": "RANGE"}]}, "first KeySchemaElement is not a HASH key type"),
        ({"KeySchema": [{"AttributeName": "q", "KeyType": "HASH"}]}, "not defined in AttributeDefinitions. Keys: [q]"),
        (
            {"AttributeDefinitions": [*TEXT, {"AttributeName": "q", "AttributeType": "S"}]},
            "Number of attributes in KeySchema does not exactly match",
        ),
        ({"AttributeDefinitions": TEXT * 2}, "Duplicate"),
        ({"GlobalSecondaryIndexes": []}, "List of GlobalSecondaryIndexes is empty"),
        (
            {"GlobalSecondaryIndexes": [{"IndexName": "byp", "KeySchema": KEY, "Projection": {}}]},
            "Unknown ProjectionType: null",
        ),
        (
            {"LocalSecondaryIndexes": [{"IndexName": "byp", "KeySchema": KEY, "Projection": {"ProjectionType": "ALL"}}]},
            "Table KeySchema does not have a range key",
        ),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_is_refused_with_the_reason(dynamodb, settings, message):
    with aws_error("ValidationException", status=400, message=message):
        create(dynamodb, **settings)
    assert dynamodb.list_tables()["TableNames"] == []


@pytest.mark.parametrize("name", ["ab", "a" * 256, "has space", "sla/sh"])
def test_table_names_have_three_to_255_plain_characters(dynamodb, name):
    with aws_error("ValidationException", message="between 3 and 255 characters"):
        create(dynamodb, name)


def test_item_count_and_size_follow_every_write(dynamodb):
    create(dynamodb)
    for key, text in (("a", "x" * 10), ("b", "y" * 20), ("a", "z")):
        dynamodb.put_item(TableName="things", Item={"p": {"S": key}, "v": {"S": text}})
    found = dynamodb.describe_table(TableName="things")["Table"]
    assert (found["ItemCount"], found["TableSizeBytes"]) == (2, (1 + 1 + 1 + 1) + (1 + 1 + 1 + 20))
    dynamodb.delete_item(TableName="things", Key={"p": {"S": "b"}})
    found = dynamodb.describe_table(TableName="things")["Table"]
    assert (found["ItemCount"], found["TableSizeBytes"]) == (1, 4)


def test_throughput_can_be_changed_but_not_to_what_it_is(dynamodb):
    units = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
    create(dynamodb, BillingMode=None, ProvisionedThroughput=units)
    with aws_error("ValidationException", message="The provisioned throughput for the table will not change"):
        dynamodb.update_table(TableName="things", ProvisionedThroughput=units)
    dynamodb.update_table(TableName="things", ProvisionedThroughput={"ReadCapacityUnits": 7, "WriteCapacityUnits": 2})
    found = dynamodb.describe_table(TableName="things")["Table"]["ProvisionedThroughput"]
    assert (found["ReadCapacityUnits"], found["WriteCapacityUnits"]) == (7, 2)
    assert found["NumberOfDecreasesToday"] == 1
    dynamodb.update_table(TableName="things", BillingMode="PAY_PER_REQUEST")
    found = dynamodb.describe_table(TableName="things")["Table"]
    assert found["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"


def test_a_stream_is_told_of_with_its_arn(dynamodb):
    create(dynamodb, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"})
    found = dynamodb.describe_table(TableName="things")["Table"]
    assert found["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    assert found["LatestStreamArn"] == f"{found['TableArn']}/stream/{found['LatestStreamLabel']}"
    with aws_error("ValidationException", message="already has an enabled stream"):
        dynamodb.update_table(
            TableName="things", StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
        )
    dynamodb.update_table(TableName="things", StreamSpecification={"StreamEnabled": False})
    found = dynamodb.describe_table(TableName="things")["Table"]
    assert "StreamSpecification" not in found
    assert "LatestStreamArn" in found


def test_an_update_that_says_nothing_is_refused(dynamodb):
    create(dynamodb)
    with aws_error("ValidationException", message="is required for UpdateTable"):
        dynamodb.update_table(TableName="things")


def test_what_is_not_built_says_so(dynamodb):
    create(dynamodb)
    with aws_error("NotImplemented", status=501):
        dynamodb.create_backup(TableName="things", BackupName="b")
    with aws_error("NotImplemented", status=501):
        dynamodb.execute_statement(Statement="SELECT * FROM things")
