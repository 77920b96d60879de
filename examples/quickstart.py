"""A first walk through Cairn with boto3: S3, DynamoDB, SQS and STS, in the order in which an application meets them.

Start Cairn in one terminal, and run this in another:

    cairn start
    python examples/quickstart.py

Nothing here is special to Cairn but the endpoint: leave out AWS_ENDPOINT_URL's default below, and it runs against AWS.
Everything it makes is still there when you stop Cairn, or kill it, and start it again; run it twice to see that.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = os.environ.get("AWS_ENDPOINT_URL", "http://localhost:4566")
ROLE = "arn:aws:iam::000000000000:role/OrderDesk"


def client(service: str, **credentials: str) -> Any:
    """Return a boto3 client of Cairn. Any credentials will do; a key of twelve digits is the account's number."""
    chosen = credentials or {"aws_access_key_id": "000000000000", "aws_secret_access_key": "test"}
    # Buckets as paths (http://localhost:4566/orders): works with any endpoint, whatever its host name.
    config = Config(s3={"addressing_style": "path"})
    return boto3.client(service, endpoint_url=ENDPOINT, region_name="us-east-1", config=config, **chosen)


def make_places() -> str:
    """Make a bucket for documents, a table for orders and a queue for work; return the queue's URL."""
    s3, dynamodb, sqs = client("s3"), client("dynamodb"), client("sqs")
    s3.create_bucket(Bucket="orders")  # in us-east-1, making your own bucket again is no error
    try:
        dynamodb.create_table(
            TableName="orders",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
    except dynamodb.exceptions.ResourceInUseException:
        print("The table is there from an earlier run.")
    dynamodb.get_waiter("table_exists").wait(TableName="orders")
    # A message that was received three times without being deleted goes to the dead-letter queue.
    dead = sqs.create_queue(QueueName="orders-failed")["QueueUrl"]
    dead_arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 3})
    url: str = sqs.create_queue(QueueName="orders", Attributes={"RedrivePolicy": redrive})["QueueUrl"]
    return url


def place_order(queue: str, order: str, text: str) -> None:
    """Store an order's document in S3, note it in DynamoDB, and ask for it to be handled."""
    client("s3").put_object(Bucket="orders", Key=f"{order}.txt", Body=text.encode(), ContentType="text/plain")
    client("dynamodb").put_item(TableName="orders", Item={"id": {"S": order}, "status": {"S": "placed"}})
    client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps({"order": order}))
    print(f"Placed {order}.")


def handle_orders(queue: str) -> int:
    """Take orders from the queue until it is empty; return how many were handled."""
    s3, dynamodb, sqs = client("s3"), client("dynamodb"), client("sqs")
    handled = 0
    while True:
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        messages = answer.get("Messages", [])
        if not messages:
            return handled
        for message in messages:
            order = json.loads(message["Body"])["order"]
            text = s3.get_object(Bucket="orders", Key=f"{order}.txt")["Body"].read().decode()
            try:
                # The condition makes it safe to get the same message twice: an order is shipped once.
                dynamodb.update_item(
                    TableName="orders",
                    Key={"id": {"S": order}},
                    UpdateExpression="SET #status = :shipped, words = :words",
                    ConditionExpression="#status = :placed",
                    ExpressionAttributeNames={"#status": "status"},
                    ExpressionAttributeValues={
                        ":placed": {"S": "placed"},
                        ":shipped": {"S": "shipped"},
                        ":words": {"N": str(len(text.split()))},
                    },
                )
                handled += 1
            except dynamodb.exceptions.ConditionalCheckFailedException:
                print(f"{order} was shipped before.")
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            print(f"Shipped {order}.")


def look_as_role() -> None:
    """Assume a role, and look at the results with the temporary credentials of its session."""
    credentials = client("sts").assume_role(RoleArn=ROLE, RoleSessionName="quickstart")["Credentials"]
    session = {
        "aws_access_key_id": credentials["AccessKeyId"],
        "aws_secret_access_key": credentials["SecretAccessKey"],
        "aws_session_token": credentials["SessionToken"],
    }
    print("I am", client("sts", **session).get_caller_identity()["Arn"])
    for item in client("dynamodb", **session).scan(TableName="orders")["Items"]:
        print(f"  order {item['id']['S']}: {item['status']['S']}")
    for entry in client("s3", **session).list_objects_v2(Bucket="orders")["Contents"]:
        print(f"  document {entry['Key']}: {entry['Size']} bytes")


def main() -> None:
    """Place three orders, handle them, and look at what came of them."""
    print("Cairn is at", ENDPOINT)
    queue = make_places()
    for order, text in (
        ("A-1", "two red lamps"),
        ("A-2", "a blue chair"),
        ("A-3", "one hundred and forty green tiles"),
    ):
        place_order(queue, order, text)
    print(f"Handled {handle_orders(queue)} orders.")
    look_as_role()


if __name__ == "__main__":
    try:
        main()
    except ClientError as error:
        sys.exit(f"Cairn refused: {error}")
