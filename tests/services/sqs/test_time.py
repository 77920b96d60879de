"""What time does to messages: delays, visibility, retention, dead letters, and deduplication; with a clock that is moved."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.config import load
from app.errors import AwsError
from app.services.sqs import receiving
from journal.tables import Store
from projections.sqs import deduplications
from tests.services.sqs.inprocess import Stack

HOUR = 3_600


def queue(here: Stack, name: str = "q", **attributes: str) -> str:
    if name.endswith(".fifo"):
        attributes["FifoQueue"] = "true"
    url: str = here("CreateQueue", QueueName=name, Attributes=attributes)["QueueUrl"]
    return url


def receive(here: Stack, url: str, limit: int = 10, **params: Any) -> list[dict[str, Any]]:
    answer = here(
        "ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=limit, MessageSystemAttributeNames=["All"], **params
    )
    found: list[dict[str, Any]] = answer.get("Messages", [])
    return found


def bodies(messages: list[dict[str, Any]]) -> list[str]:
    return [message["Body"] for message in messages]


def dead_letters_of(here: Stack, source: str, target: str, most: int) -> None:
    arn = here("GetQueueAttributes", QueueUrl=target, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": most})
    here("SetQueueAttributes", QueueUrl=source, Attributes={"RedrivePolicy": policy})


def test_a_delayed_message_comes_when_its_delay_is_over(here: Stack) -> None:
    url = queue(here, DelaySeconds="10")
    here("SendMessage", QueueUrl=url, MessageBody="by the queue")
    here("SendMessage", QueueUrl=url, MessageBody="at once", DelaySeconds=0)
    assert bodies(receive(here, url)) == ["at once"]
    here.pass_time(10)
    assert bodies(receive(here, url)) == ["by the queue"]


def test_a_message_comes_again_when_its_visibility_timeout_is_over(here: Stack) -> None:
    url = queue(here)
    here("SendMessage", QueueUrl=url, MessageBody="x")
    first = receive(here, url)[0]
    here.pass_time(29.9)
    assert receive(here, url) == []
    here.pass_time(0.1)
    second = receive(here, url)[0]
    assert second["MessageId"] == first["MessageId"]
    assert second["ReceiptHandle"] != first["ReceiptHandle"]
    assert second["Attributes"]["ApproximateReceiveCount"] == "2"
    assert (
        second["Attributes"]["ApproximateFirstReceiveTimestamp"]
        == first["Attributes"]["ApproximateFirstReceiveTimestamp"]
    )


def test_an_older_receipt_handle_still_deletes_from_a_standard_queue(here: Stack) -> None:
    url = queue(here)
    here("SendMessage", QueueUrl=url, MessageBody="x")
    first = receive(here, url)[0]
    here.pass_time(30)
    receive(here, url)
    here("DeleteMessage", QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    here.pass_time(30)
    assert receive(here, url) == []


def test_an_expired_receipt_handle_does_not_delete_from_a_fifo_queue(here: Stack) -> None:
    url = queue(here, "q.fifo")
    here("SendMessage", QueueUrl=url, MessageBody="x", MessageGroupId="g", MessageDeduplicationId="1")
    handle = receive(here, url)[0]["ReceiptHandle"]
    here.pass_time(30)
    with pytest.raises(AwsError, match=r"InvalidParameterValue: Value .* Reason: The receipt handle has expired\."):
        here("DeleteMessage", QueueUrl=url, ReceiptHandle=handle)
    failed = here("DeleteMessageBatch", QueueUrl=url, Entries=[{"Id": "a", "ReceiptHandle": handle}])["Failed"]
    assert (failed[0]["Code"], failed[0]["Message"]) == ("ReceiptHandleIsInvalid", "The receipt handle has expired")


def test_a_message_is_gone_after_the_retention_period(here: Stack) -> None:
    url = queue(here, MessageRetentionPeriod="60")
    here("SendMessage", QueueUrl=url, MessageBody="old")
    here.pass_time(30)
    here("SendMessage", QueueUrl=url, MessageBody="young")
    here.pass_time(30)
    counted = here("GetQueueAttributes", QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    assert counted == {"ApproximateNumberOfMessages": "1"}
    assert bodies(receive(here, url)) == ["young"]


def test_visibility_cannot_be_extended_past_twelve_hours_in_all(here: Stack) -> None:
    url = queue(here)
    here("SendMessage", QueueUrl=url, MessageBody="x")
    handle = receive(here, url, VisibilityTimeout=12 * HOUR)[0]["ReceiptHandle"]
    here.pass_time(HOUR)
    here("ChangeMessageVisibility", QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=11 * HOUR)
    with pytest.raises(
        AwsError, match="Total VisibilityTimeout for the message is beyond the limit \\[43200 seconds\\]"
    ):
        here("ChangeMessageVisibility", QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=11 * HOUR + 1)


def test_the_visibility_of_a_message_that_is_not_in_flight_cannot_be_changed(here: Stack) -> None:
    url = queue(here)
    here("SendMessage", QueueUrl=url, MessageBody="x")
    handle = receive(here, url)[0]["ReceiptHandle"]
    here.pass_time(30)
    with pytest.raises(AwsError, match="MessageNotInflight"):
        here("ChangeMessageVisibility", QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=5)
    here("DeleteMessage", QueueUrl=url, ReceiptHandle=handle)
    with pytest.raises(AwsError, match="Message does not exist or is not available for visibility timeout change"):
        here("ChangeMessageVisibility", QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=5)


def test_a_message_received_too_often_goes_to_the_dead_letter_queue(here: Stack) -> None:
    url, dead = queue(here), queue(here, "dead")
    dead_letters_of(here, url, dead, 2)
    sent = here("SendMessage", QueueUrl=url, MessageBody="x")
    for _ in range(2):
        assert bodies(receive(here, url)) == ["x"]
        here.pass_time(30)
    assert receive(here, dead) == []
    assert receive(here, url) == []
    message = receive(here, dead)[0]
    assert message["MessageId"] == sent["MessageId"]
    assert message["Attributes"]["DeadLetterQueueSourceArn"] == "arn:aws:sqs:us-east-1:000000000000:q"
    assert message["Attributes"]["ApproximateReceiveCount"] == "3"


def test_a_dead_letter_keeps_its_age_in_a_standard_queue(here: Stack) -> None:
    url, dead = queue(here), queue(here, "dead", MessageRetentionPeriod="120")
    dead_letters_of(here, url, dead, 1)
    here("SendMessage", QueueUrl=url, MessageBody="x")
    receive(here, url)
    here.pass_time(100)
    receive(here, url)
    here.pass_time(20)
    assert receive(here, dead) == []


def test_a_dead_letter_of_a_fifo_queue_frees_its_group(here: Stack) -> None:
    url, dead = queue(here, "q.fifo"), queue(here, "dead.fifo")
    dead_letters_of(here, url, dead, 1)
    for name in ("1", "2"):
        here("SendMessage", QueueUrl=url, MessageBody=name, MessageGroupId="g", MessageDeduplicationId=name)
    assert bodies(receive(here, url, limit=1)) == ["1"]
    here.pass_time(30)
    assert bodies(receive(here, url)) == ["2"]
    (message,) = receive(here, dead)
    assert message["Body"] == "1"
    assert message["Attributes"]["MessageDeduplicationId"] == message["MessageId"]


def test_a_duplicate_within_five_minutes_is_answered_as_the_original(here: Stack) -> None:
    url = queue(here, "q.fifo", ContentBasedDeduplication="true")
    first = here("SendMessage", QueueUrl=url, MessageBody="x", MessageGroupId="g")
    here("DeleteMessage", QueueUrl=url, ReceiptHandle=receive(here, url)[0]["ReceiptHandle"])
    here.pass_time(299)
    again = here("SendMessage", QueueUrl=url, MessageBody="x", MessageGroupId="h")
    assert (again["MessageId"], again["SequenceNumber"]) == (first["MessageId"], first["SequenceNumber"])
    assert receive(here, url) == []
    here.pass_time(1)
    assert here("SendMessage", QueueUrl=url, MessageBody="x", MessageGroupId="g")["MessageId"] != first["MessageId"]


def test_a_message_group_is_locked_while_one_of_its_messages_is_in_flight(here: Stack) -> None:
    url = queue(here, "q.fifo")
    for name in ("a1", "a2", "b1"):
        here("SendMessage", QueueUrl=url, MessageBody=name, MessageGroupId=name[0], MessageDeduplicationId=name)
    (first,) = receive(here, url, limit=1)
    assert first["Body"] == "a1"
    assert bodies(receive(here, url)) == ["b1"]
    here("DeleteMessage", QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    assert bodies(receive(here, url)) == ["a2"]


def test_a_receive_attempt_that_is_repeated_gets_the_same_messages(here: Stack) -> None:
    url = queue(here, "q.fifo")
    for name in ("1", "2"):
        here("SendMessage", QueueUrl=url, MessageBody=name, MessageGroupId="g", MessageDeduplicationId=name)
    first = receive(here, url, limit=1, ReceiveRequestAttemptId="try")
    here.pass_time(5)
    assert receive(here, url, limit=1, ReceiveRequestAttemptId="try") == first
    assert receive(here, url, limit=1, ReceiveRequestAttemptId="another") == []
    here("DeleteMessage", QueueUrl=url, ReceiptHandle=first[0]["ReceiptHandle"])
    assert bodies(receive(here, url, limit=1, ReceiveRequestAttemptId="try")) == ["2"]


def test_a_queue_made_again_under_its_name_has_no_old_message(here: Stack) -> None:
    url = queue(here)
    here("SendMessage", QueueUrl=url, MessageBody="x")
    handle = receive(here, url, VisibilityTimeout=0)[0]["ReceiptHandle"]
    here("DeleteQueue", QueueUrl=url)
    assert queue(here) == url
    assert receive(here, url) == []
    with pytest.raises(AwsError, match="ReceiptHandleIsInvalid"):
        here("DeleteMessage", QueueUrl=url, ReceiptHandle=handle)


def dead_queue(here: Stack, count: int) -> tuple[str, str, str]:
    """Return the URLs of a queue and of its dead-letter queue, with some messages in it, and its ARN."""
    url, dead = queue(here), queue(here, "dead")
    dead_letters_of(here, url, dead, 1)
    for number in range(count):
        here("SendMessage", QueueUrl=url, MessageBody=str(number))
    receive(here, url)
    here.pass_time(30)
    receive(here, url)
    return url, dead, "arn:aws:sqs:us-east-1:000000000000:dead"


def test_a_move_task_brings_dead_letters_back(here: Stack) -> None:
    url, dead, arn = dead_queue(here, 3)
    here("StartMessageMoveTask", SourceArn=arn)
    (task,) = here("ListMessageMoveTasks", SourceArn=arn)["Results"]
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 3)
    assert receive(here, dead) == []
    back = receive(here, url)
    assert bodies(back) == ["0", "1", "2"]
    assert {message["Attributes"]["ApproximateReceiveCount"] for message in back} == {"1"}
    assert "DeadLetterQueueSourceArn" not in back[0]["Attributes"]


def test_a_move_task_with_a_rate_can_be_cancelled(here: Stack) -> None:
    url, dead, arn = dead_queue(here, 5)
    handle = here("StartMessageMoveTask", SourceArn=arn, MaxNumberOfMessagesPerSecond=1)["TaskHandle"]
    here.pass_time(1)
    assert here("ListMessageMoveTasks", SourceArn=arn)["Results"][0]["Status"] == "RUNNING"
    with pytest.raises(AwsError, match="There is already a task running"):
        here("StartMessageMoveTask", SourceArn=arn)
    assert here("CancelMessageMoveTask", TaskHandle=handle)["ApproximateNumberOfMessagesMoved"] == 2
    assert here("ListMessageMoveTasks", SourceArn=arn)["Results"][0]["Status"] == "CANCELLED"
    assert bodies(receive(here, url)) == ["0", "1"]
    here.pass_time(5)
    returned = receive(here, dead)
    assert bodies(returned) == ["2", "3", "4"]
    assert returned[0]["Attributes"]["DeadLetterQueueSourceArn"] == "arn:aws:sqs:us-east-1:000000000000:q"


def test_a_move_task_fails_for_messages_that_came_from_nowhere(here: Stack) -> None:
    _, dead, arn = dead_queue(here, 0)
    here("SendMessage", QueueUrl=dead, MessageBody="sent here directly")
    here("StartMessageMoveTask", SourceArn=arn)
    (task,) = here("ListMessageMoveTasks", SourceArn=arn)["Results"]
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "CouldNotDetermineMessageSource")


def test_a_queue_ten_thousand_deep_gives_a_message_as_an_empty_one_does(here: Stack, monkeypatch: Any) -> None:
    url = queue(here)
    entries = [{"Id": str(number), "MessageBody": "x"} for number in range(10)]
    for _ in range(200):
        here("SendMessageBatch", QueueUrl=url, Entries=entries)
    steps = 0
    walk = Store._walk

    def counted(self: Store, *args: Any) -> Any:
        nonlocal steps
        for row in walk(self, *args):
            steps += 1
            yield row

    monkeypatch.setattr(Store, "_walk", counted)
    receive(here, url, limit=1)
    assert steps <= 2


def test_a_standard_queue_says_when_too_many_messages_are_in_flight(here: Stack, monkeypatch: Any) -> None:
    monkeypatch.setattr(receiving, "MOST_IN_FLIGHT", 2)
    url = queue(here)
    for _ in range(3):
        here("SendMessage", QueueUrl=url, MessageBody="x")
    receive(here, url, limit=2)
    with pytest.raises(AwsError, match="OverLimit"):
        receive(here, url)
    here.pass_time(30)
    assert len(receive(here, url)) == 3


def test_a_fifo_queue_gives_nothing_when_too_many_messages_are_in_flight(here: Stack, monkeypatch: Any) -> None:
    monkeypatch.setattr(receiving, "MOST_IN_FLIGHT", 1)
    url = queue(here, "q.fifo")
    for name in ("a", "b"):
        here("SendMessage", QueueUrl=url, MessageBody=name, MessageGroupId=name, MessageDeduplicationId=name)
    assert len(receive(here, url, limit=1)) == 1
    assert receive(here, url) == []


def test_a_second_purge_within_a_minute_is_refused_where_that_is_wanted(here: Stack) -> None:
    here.settings = load({"SQS_DELAY_PURGE_RETRY": "1"})
    url = queue(here)
    here("PurgeQueue", QueueUrl=url)
    with pytest.raises(AwsError, match="Only one PurgeQueue operation on q is allowed every 60 seconds"):
        here("PurgeQueue", QueueUrl=url)
    here.pass_time(60)
    here("PurgeQueue", QueueUrl=url)


def test_a_queue_is_not_made_again_within_a_minute_where_that_is_wanted(here: Stack) -> None:
    here.settings = load({"SQS_DELAY_RECENTLY_DELETED": "1"})
    here("DeleteQueue", QueueUrl=queue(here))
    with pytest.raises(AwsError, match="QueueDeletedRecently: You must wait 60 seconds"):
        queue(here)
    here.pass_time(60)
    queue(here)


def test_expired_messages_are_swept_a_few_at_a_time(here: Stack, monkeypatch: Any) -> None:
    monkeypatch.setattr(receiving, "MOST_SWEPT", 4)
    url = queue(here, MessageRetentionPeriod="60")
    for _ in range(10):
        here("SendMessage", QueueUrl=url, MessageBody="old")
    here.pass_time(60)
    here("SendMessage", QueueUrl=url, MessageBody="young")
    got = [message for _ in range(3) for message in receive(here, url)]
    assert bodies(got) == ["young"]


def test_a_message_that_was_delayed_past_its_retention_is_never_seen(here: Stack) -> None:
    url = queue(here, MessageRetentionPeriod="60")
    here("SendMessage", QueueUrl=url, MessageBody="x", DelaySeconds=90)
    here.pass_time(60)
    counted = here("GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert counted["ApproximateNumberOfMessagesDelayed"] == "0"
    here.pass_time(30)
    assert receive(here, url) == []


def test_a_purged_fifo_queue_still_knows_what_was_sent(here: Stack) -> None:
    url = queue(here, "q.fifo")
    sent = {"QueueUrl": url, "MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "d"}
    first = here("SendMessage", **sent)
    here("PurgeQueue", QueueUrl=url)
    assert here("SendMessage", **sent)["MessageId"] == first["MessageId"]
    assert receive(here, url) == []


def test_deduplication_rows_do_not_pile_up(here: Stack) -> None:
    url = queue(here, "q.fifo")
    for number in range(20):
        here("SendMessage", QueueUrl=url, MessageBody="x", MessageGroupId="g", MessageDeduplicationId=str(number))
        here.pass_time(100)
    with here.journal.view() as view:
        assert view.tables[deduplications].count() <= 5
