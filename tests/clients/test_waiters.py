"""boto3's waiters: done where there is nothing to wait for, patient where there is, and told off where it is in vain."""

from __future__ import annotations

import threading

import pytest
from botocore.exceptions import WaiterError

SOON = {"Delay": 1, "MaxAttempts": 20}


def meanwhile(what):
    """Do something on another thread, a moment from now."""
    timer = threading.Timer(0.3, what)
    timer.start()
    return timer


def test_waiting_for_a_bucket_and_an_object(client):
    s3 = client("s3")
    timer = meanwhile(lambda: client("s3").create_bucket(Bucket="things"))
    s3.get_waiter("bucket_exists").wait(Bucket="things", WaiterConfig=SOON)
    timer.join()
    timer = meanwhile(lambda: client("s3").put_object(Bucket="things", Key="key"))
    s3.get_waiter("object_exists").wait(Bucket="things", Key="key", WaiterConfig=SOON)
    timer.join()
    timer = meanwhile(lambda: client("s3").delete_object(Bucket="things", Key="key"))
    s3.get_waiter("object_not_exists").wait(Bucket="things", Key="key", WaiterConfig=SOON)
    timer.join()
    s3.delete_bucket(Bucket="things")
    s3.get_waiter("bucket_not_exists").wait(Bucket="things", WaiterConfig=SOON)


def test_waiting_for_a_table(client):
    dynamodb = client("dynamodb")
    dynamodb.create_table(
        TableName="stones", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )  # fmt: skip
    dynamodb.get_waiter("table_exists").wait(TableName="stones", WaiterConfig=SOON)
    assert dynamodb.describe_table(TableName="stones")["Table"]["TableStatus"] == "ACTIVE"
    dynamodb.delete_table(TableName="stones")
    dynamodb.get_waiter("table_not_exists").wait(TableName="stones", WaiterConfig=SOON)


def test_waiting_in_vain(client):
    with pytest.raises(WaiterError, match="Max attempts exceeded"):
        client("s3").get_waiter("bucket_exists").wait(Bucket="absent", WaiterConfig={"Delay": 0, "MaxAttempts": 3})
