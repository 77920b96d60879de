"""Tags, time to live, point-in-time recovery, limits, endpoints."""

import pytest

from tests.errors import aws_error


@pytest.fixture
def arn(dynamodb, things):
    return dynamodb.describe_table(TableName=things)["Table"]["TableArn"]


def tags(dynamodb, arn):
    return {tag["Key"]: tag["Value"] for tag in dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"]}


def test_tags_are_added_replaced_and_removed(dynamodb, arn):
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}])
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "2"}])
    assert tags(dynamodb, arn) == {"a": "2", "b": ""}
    dynamodb.untag_resource(ResourceArn=arn, TagKeys=["a", "never there"])
    assert tags(dynamodb, arn) == {"b": ""}


def test_a_fifty_first_tag_is_refused(dynamodb, arn):
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": f"k{n}", "Value": ""} for n in range(50)])
    with aws_error("ValidationException"):
        dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "one more", "Value": ""}])
    assert len(tags(dynamodb, arn)) == 50


def test_tagging_a_table_that_is_not_there_is_refused(dynamodb, arn):
    with aws_error("ResourceNotFoundException"):
        dynamodb.tag_resource(ResourceArn=arn + "x", Tags=[{"Key": "a", "Value": "1"}])


def test_time_to_live_is_a_setting_that_is_turned_on_once(dynamodb, things):
    def update(name, enabled):
        dynamodb.update_time_to_live(
            TableName=things, TimeToLiveSpecification={"AttributeName": name, "Enabled": enabled}
        )

    assert dynamodb.describe_time_to_live(TableName=things)["TimeToLiveDescription"] == {"TimeToLiveStatus": "DISABLED"}
    update("until", True)
    with aws_error("ValidationException", message="already enabled"):
        update("until", True)
    with aws_error("ValidationException", message="different AttributeName"):
        update("other", False)
    assert dynamodb.describe_time_to_live(TableName=things)["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "ENABLED",
        "AttributeName": "until",
    }
    update("until", False)
    with aws_error("ValidationException", message="already disabled"):
        update("until", False)


def test_point_in_time_recovery_is_remembered(dynamodb, things):
    def status():
        told = dynamodb.describe_continuous_backups(TableName=things)["ContinuousBackupsDescription"]
        return told["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]

    assert status() == "DISABLED"
    dynamodb.update_continuous_backups(
        TableName=things, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    assert status() == "ENABLED"
    with aws_error("TableNotFoundException"):
        dynamodb.describe_continuous_backups(TableName="nothing")


def test_limits_and_endpoints_are_told(dynamodb):
    assert dynamodb.describe_limits()["TableMaxReadCapacityUnits"] > 0
    (endpoint,) = dynamodb.describe_endpoints()["Endpoints"]
    assert endpoint["Address"].startswith("127.0.0.1:")
