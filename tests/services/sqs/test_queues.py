"""Queues and their attributes, tags and permissions, through boto3."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.errors import aws_error

ARN = "arn:aws:sqs:us-east-1:000000000000:"


def create(sqs: Any, name: str = "jobs", **attributes: str) -> str:
    url: str = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url


def attributes_of(sqs: Any, url: str, *names: str) -> dict[str, str]:
    found: dict[str, str] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(names) or ["All"])["Attributes"]
    return found


def test_a_new_queue_has_the_default_attributes(sqs: Any) -> None:
    has = attributes_of(sqs, create(sqs))
    created = has.pop("CreatedTimestamp")
    assert has.pop("LastModifiedTimestamp") == created
    assert has == {
        "QueueArn": ARN + "jobs",
        "ApproximateNumberOfMessages": "0",
        "ApproximateNumberOfMessagesNotVisible": "0",
        "ApproximateNumberOfMessagesDelayed": "0",
        "VisibilityTimeout": "30",
        "MaximumMessageSize": "1048576",
        "MessageRetentionPeriod": "345600",
        "DelaySeconds": "0",
        "ReceiveMessageWaitTimeSeconds": "0",
        "SqsManagedSseEnabled": "true",
    }


def test_a_fifo_queue_shows_its_own_attributes(sqs: Any) -> None:
    url = create(sqs, "jobs.fifo", FifoQueue="true")
    assert attributes_of(
        sqs, url, "FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"
    ) == {
        "FifoQueue": "true",
        "ContentBasedDeduplication": "false",
        "DeduplicationScope": "queue",
        "FifoThroughputLimit": "perQueue",
    }


def test_creating_a_queue_again_gives_its_url(sqs: Any) -> None:
    assert create(sqs, DelaySeconds="5") == create(sqs, DelaySeconds="5") == create(sqs)


def test_creating_a_queue_again_with_another_delay_is_refused(sqs: Any) -> None:
    create(sqs, DelaySeconds="0")
    with aws_error("QueueAlreadyExists", status=400, message="a different value for attribute DelaySeconds"):
        create(sqs, DelaySeconds="5")


@pytest.mark.parametrize("name", ["", "a b", "a.b", "x" * 81, "ends.fifo", "é"])
def test_a_standard_queues_name_has_letters_digits_hyphens_and_underscores(sqs: Any, name: str) -> None:
    with aws_error("InvalidParameterValue", status=400, message="Can only include alphanumeric characters"):
        create(sqs, name)


def test_a_fifo_queues_name_ends_in_fifo(sqs: Any) -> None:
    with aws_error("InvalidParameterValue", message="must end with .fifo suffix"):
        create(sqs, "jobs", FifoQueue="true")


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("DelaySeconds", 0, 900),
        ("MaximumMessageSize", 1024, 1048576),
        ("MessageRetentionPeriod", 60, 1209600),
        ("ReceiveMessageWaitTimeSeconds", 0, 20),
        ("VisibilityTimeout", 0, 43200),
        ("KmsDataKeyReusePeriodSeconds", 60, 86400),
    ],
)
def test_a_number_attribute_is_kept_to_its_range(sqs: Any, name: str, least: int, most: int) -> None:
    url = create(sqs)
    for good in (least, most):
        sqs.set_queue_attributes(QueueUrl=url, Attributes={name: str(good)})
        assert attributes_of(sqs, url, name) == {name: str(good)}
    for bad in (str(least - 1), str(most + 1), "many", ""):
        with aws_error("InvalidAttributeValue", status=400, message=f"Invalid value for the parameter {name}."):
            sqs.set_queue_attributes(QueueUrl=url, Attributes={name: bad})


@pytest.mark.parametrize("name", ["Colour", "QueueArn", "ContentBasedDeduplication"])
def test_an_attribute_that_cannot_be_set_is_refused(sqs: Any, name: str) -> None:
    with aws_error("InvalidAttributeName", status=400, message=f"Unknown Attribute {name}."):
        create(sqs, "jobs", **{name: "true"})


def test_asking_for_an_unknown_attribute_is_refused(sqs: Any) -> None:
    with aws_error("InvalidAttributeName", message="Unknown Attribute Colour."):
        attributes_of(sqs, create(sqs), "Colour")


def test_a_queues_type_cannot_be_changed(sqs: Any) -> None:
    with aws_error("InvalidAttributeValue", message="Modifying queue type is not supported."):
        sqs.set_queue_attributes(QueueUrl=create(sqs), Attributes={"FifoQueue": "true"})


def test_high_throughput_needs_deduplication_by_group(sqs: Any) -> None:
    with aws_error("InvalidAttributeValue"):
        create(sqs, "jobs.fifo", FifoQueue="true", FifoThroughputLimit="perMessageGroupId")
    create(
        sqs, "jobs.fifo", FifoQueue="true", FifoThroughputLimit="perMessageGroupId", DeduplicationScope="messageGroup"
    )


def test_a_key_takes_the_place_of_sqs_managed_encryption(sqs: Any) -> None:
    url = create(sqs, KmsMasterKeyId="alias/mine")
    assert attributes_of(sqs, url, "SqsManagedSseEnabled", "KmsMasterKeyId") == {
        "KmsMasterKeyId": "alias/mine",
        "SqsManagedSseEnabled": "false",
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"SqsManagedSseEnabled": "true"})
    assert attributes_of(sqs, url, "SqsManagedSseEnabled", "KmsMasterKeyId") == {"SqsManagedSseEnabled": "true"}


def test_a_deleted_queue_does_not_exist(sqs: Any) -> None:
    url = create(sqs)
    sqs.delete_queue(QueueUrl=url)
    with aws_error(
        "AWS.SimpleQueueService.NonExistentQueue", status=400, message="The specified queue does not exist."
    ):
        attributes_of(sqs, url)
    with aws_error("AWS.SimpleQueueService.NonExistentQueue"):
        sqs.get_queue_url(QueueName="jobs")
    with aws_error("AWS.SimpleQueueService.NonExistentQueue"):
        sqs.delete_queue(QueueUrl=url)


def test_the_modelled_exception_is_raised_for_a_missing_queue(sqs: Any) -> None:
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.get_queue_url(QueueName="none")


def test_queues_are_listed_by_prefix_and_in_pages(sqs: Any) -> None:
    assert "QueueUrls" not in sqs.list_queues()
    for name in ("a-1", "a-2", "a-3", "b-1"):
        create(sqs, name)
    assert len(sqs.list_queues()["QueueUrls"]) == 4
    pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix="a-", PaginationConfig={"PageSize": 2})
    names = [[url.rpartition("/")[2] for url in page["QueueUrls"]] for page in pages]
    assert names == [["a-1", "a-2"], ["a-3"]]


@pytest.mark.parametrize("bad", [{"MaxResults": 0}, {"MaxResults": 1001}, {"NextToken": "é?"}])
def test_a_bad_page_is_refused(sqs: Any, bad: dict[str, Any]) -> None:
    with aws_error("InvalidParameterValue"):
        sqs.list_queues(**bad)


def test_accounts_and_regions_have_queues_of_their_own(client: Callable[..., Any]) -> None:
    create(client("sqs"))
    create(client("sqs", region="eu-west-1"), "europe")
    create(client("sqs", account="111111111111"), "other")
    listed = client("sqs").list_queues()["QueueUrls"]
    assert [url.rpartition("/")[2] for url in listed] == ["jobs"]


def test_a_queue_of_another_account_is_used_by_its_url(client: Callable[..., Any]) -> None:
    owner, other = client("sqs", account="111111111111"), client("sqs", account="222222222222")
    create(owner)
    url = other.get_queue_url(QueueName="jobs", QueueOwnerAWSAccountId="111111111111")["QueueUrl"]
    other.send_message(QueueUrl=url, MessageBody="hello")
    (message,) = owner.receive_message(QueueUrl=url, AttributeNames=["SenderId"])["Messages"]
    assert message["Attributes"] == {"SenderId": "222222222222"}


@pytest.mark.parametrize(
    "form",
    [
        "jobs",
        "https://sqs.eu-west-1.amazonaws.com/000000000000/jobs",
        "http://eu-west-1.queue.localhost:4566/000000000000/jobs",
        "http://localhost:4566/queue/eu-west-1/000000000000/jobs",
        "http://localhost:4566/000000000000/jobs",
        "http://sqs.eu-west-1.localhost.localstack.cloud:4566/000000000000/jobs",
    ],
)
def test_every_form_of_queue_url_is_understood(client: Callable[..., Any], form: str) -> None:
    sqs = client("sqs", region="eu-west-1")
    create(sqs)
    assert attributes_of(sqs, form, "QueueArn") == {"QueueArn": "arn:aws:sqs:eu-west-1:000000000000:jobs"}


@pytest.mark.parametrize("form", ["http://localhost:4566/", "http://localhost:4566/12/jobs", "/jobs"])
def test_what_is_no_queue_url_is_refused(sqs: Any, form: str) -> None:
    with aws_error("InvalidAddress", status=404):
        attributes_of(sqs, form)


def test_tags_are_added_changed_and_removed(sqs: Any) -> None:
    url = sqs.create_queue(QueueName="jobs", tags={"team": "blue", "stage": "test"})["QueueUrl"]
    sqs.tag_queue(QueueUrl=url, Tags={"team": "red", "cost": ""})
    sqs.untag_queue(QueueUrl=url, TagKeys=["stage", "none"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "red", "cost": ""}


def test_a_queue_has_at_most_fifty_tags(sqs: Any) -> None:
    url = create(sqs)
    with aws_error("InvalidParameterValue", message="Too many tags"):
        sqs.tag_queue(QueueUrl=url, Tags={f"t{number}": "" for number in range(51)})
    assert "Tags" not in sqs.list_queue_tags(QueueUrl=url)


def test_a_permission_is_a_statement_of_the_policy(sqs: Any) -> None:
    url = create(sqs)
    sqs.add_permission(QueueUrl=url, Label="them", AWSAccountIds=["111111111111"], Actions=["SendMessage"])
    policy = json.loads(attributes_of(sqs, url, "Policy")["Policy"])
    assert policy["Statement"] == [
        {
            "Sid": "them",
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
            "Action": "SQS:SendMessage",
            "Resource": ARN + "jobs",
        }
    ]
    with aws_error(
        "InvalidParameterValue", message="Value them for parameter Label is invalid. Reason: Already exists."
    ):
        sqs.add_permission(QueueUrl=url, Label="them", AWSAccountIds=["111111111111"], Actions=["*"])
    sqs.remove_permission(QueueUrl=url, Label="them")
    assert attributes_of(sqs, url, "QueueArn", "Policy") == {"QueueArn": ARN + "jobs"}
    with aws_error("InvalidParameterValue", message="can't find label"):
        sqs.remove_permission(QueueUrl=url, Label="them")


@pytest.mark.parametrize(
    ("code", "asked"),
    [
        ("OverLimit", {"Actions": ["SendMessage"] * 8}),
        ("InvalidParameterValue", {"Actions": ["Dance"]}),
        ("InvalidParameterValue", {"Actions": ["DeleteQueue"]}),
        ("InvalidParameterValue", {"AWSAccountIds": ["me"]}),
        ("InvalidParameterValue", {"Label": "a b"}),
    ],
)
def test_a_bad_permission_is_refused(sqs: Any, code: str, asked: dict[str, Any]) -> None:
    good = {"Label": "them", "AWSAccountIds": ["111111111111"], "Actions": ["SendMessage"]}
    with aws_error(code):
        sqs.add_permission(QueueUrl=create(sqs), **{**good, **asked})


def test_a_policy_is_set_and_taken_away(sqs: Any) -> None:
    url = create(sqs)
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    assert attributes_of(sqs, url, "Policy") == {"Policy": policy}
    with aws_error("InvalidAttributeValue", message="Invalid value for the parameter Policy."):
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": "{"})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    assert "Policy" not in attributes_of(sqs, url)


def redrive(arn: str, most: Any = 3) -> dict[str, str]:
    return {"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": most})}


def test_sources_of_a_dead_letter_queue_are_listed(sqs: Any) -> None:
    dead = create(sqs, "dead")
    policy = redrive(ARN + "dead")
    urls = [create(sqs, name, **policy) for name in ("a", "b")]
    assert attributes_of(sqs, urls[0], "RedrivePolicy") == policy
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == urls
    sqs.set_queue_attributes(QueueUrl=urls[0], Attributes={"RedrivePolicy": ""})
    sqs.delete_queue(QueueUrl=urls[1])
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == []


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ("[]", "Redrive policy is not a valid JSON map."),
        ('{"maxReceiveCount": 1}', "Redrive policy does not contain mandatory attribute: deadLetterTargetArn."),
        (
            f'{{"deadLetterTargetArn": "{ARN}dead"}}',
            "Redrive policy does not contain mandatory attribute: maxReceiveCount.",
        ),
        (
            redrive(ARN + "dead", 0)["RedrivePolicy"],
            "Invalid value for maxReceiveCount: 0, valid values are from 1 to 1000",
        ),
        (redrive(ARN + "dead", 1001)["RedrivePolicy"], "Invalid value for maxReceiveCount: 1001"),
        (redrive(ARN + "none")["RedrivePolicy"], "Dead letter target does not exist."),
        (redrive(ARN + "dead.fifo")["RedrivePolicy"], "Dead-letter queue must be same type of queue as the source."),
        (
            redrive(ARN.replace("000000000000", "111111111111") + "dead")["RedrivePolicy"],
            "owner should be same as the source.",
        ),
    ],
)
def test_a_bad_redrive_policy_is_refused(sqs: Any, policy: str, reason: str) -> None:
    create(sqs, "dead")
    create(sqs, "dead.fifo", FifoQueue="true")
    with aws_error("InvalidParameterValue", message=reason):
        create(sqs, "jobs", RedrivePolicy=policy)


def test_a_dead_letter_queue_chooses_its_sources(sqs: Any) -> None:
    allowed = {"redrivePermission": "byQueue", "sourceQueueArns": [ARN + "friend"]}
    create(sqs, "dead", RedriveAllowPolicy=json.dumps(allowed))
    create(sqs, "friend", **redrive(ARN + "dead"))
    with aws_error("InvalidParameterValue"):
        create(sqs, "stranger", **redrive(ARN + "dead"))


def test_the_resource_api_works(stack: Any) -> None:
    sqs = stack.resource("sqs")
    queue = sqs.create_queue(QueueName="jobs", Attributes={"DelaySeconds": "0"})
    queue.send_message(MessageBody="hello")
    (message,) = queue.receive_messages(WaitTimeSeconds=1)
    assert message.body == "hello"
    message.delete()
    queue.reload()
    assert queue.attributes["ApproximateNumberOfMessages"] == "0"
    assert [found.url for found in sqs.queues.all()] == [queue.url]
    queue.purge()
