"""Queues whose senders and receivers are on different workers."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from tests.workers.conftest import Processes, connect


def poll(worker, url, seconds=20, most=1):
    """Wait for messages; return them."""
    answer = worker.call("sqs", "ReceiveMessage", QueueUrl=url, WaitTimeSeconds=seconds, MaxNumberOfMessages=most)
    return answer.get("Messages", [])


def test_a_long_poll_on_one_worker_is_woken_by_the_other(two):
    url = two[0].call("sqs", "CreateQueue", QueueName="jobs")["QueueUrl"]
    with ThreadPoolExecutor(1) as pool:
        for n in range(10):
            receiver, sender = two[n % 2], two[(n + 1) % 2]
            waiting = pool.submit(poll, receiver, url)
            sender.call("sqs", "SendMessage", QueueUrl=url, MessageBody=str(n))
            (message,) = waiting.result()  # a poll that is not woken ends empty
            assert message["Body"] == str(n)
            receiver.call("sqs", "DeleteMessage", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def test_a_delayed_message_reaches_a_poll_on_the_other_worker(two):
    url = two[0].call("sqs", "CreateQueue", QueueName="jobs")["QueueUrl"]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(poll, two[1], url)
        two[0].call("sqs", "SendMessage", QueueUrl=url, MessageBody="later", DelaySeconds=1)
        assert [message["Body"] for message in waiting.result()] == ["later"]


def test_fifty_long_polls_get_fifty_messages(pair, two, stack):
    url = two[0].call("sqs", "CreateQueue", QueueName="jobs")["QueueUrl"]
    pids = Processes(pair).workers()
    pollers = [connect(pair, stack.name, pids) for _ in range(50)]
    with ThreadPoolExecutor(50) as pool:
        waiting = [pool.submit(poll, poller, url) for poller in pollers]
        for n in range(50):
            two[n % 2].call("sqs", "SendMessage", QueueUrl=url, MessageBody=str(n))
        found = [message["Body"] for future in waiting for message in future.result()]
    assert sorted(found, key=int) == [str(n) for n in range(50)]
    for poller in pollers:
        poller.close()


def test_a_batch_is_shared_by_polls_of_both_workers(pair, two, stack):
    url = two[0].call("sqs", "CreateQueue", QueueName="jobs")["QueueUrl"]
    pids = Processes(pair).workers()
    pollers = [connect(pair, stack.name, pids) for _ in range(10)]
    entries = [{"Id": str(n), "MessageBody": str(n)} for n in range(10)]
    with ThreadPoolExecutor(10) as pool:
        waiting = [pool.submit(poll, poller, url) for poller in pollers]
        two[0].call("sqs", "SendMessageBatch", QueueUrl=url, Entries=entries)
        found = [message["Body"] for future in waiting for message in future.result()]
    assert sorted(found) == [str(n) for n in range(10)]
    for poller in pollers:
        poller.close()


def test_a_fifo_queue_keeps_its_order_whoever_sends_and_receives(pair, two, stack):
    groups, each = ["a", "b", "c"], 20
    attributes = {"FifoQueue": "true"}
    url = two[0].call("sqs", "CreateQueue", QueueName="jobs.fifo", Attributes=attributes)["QueueUrl"]
    found: dict[str, list[int]] = {group: [] for group in groups}
    left = threading.Semaphore(0)
    done = threading.Event()

    def consume(worker):
        while not done.is_set():
            for message in poll(worker, url, seconds=1, most=3):
                group, _, n = message["Body"].partition(" ")
                found[group].append(int(n))  # nobody else has messages of this group until this one is deleted
                worker.call("sqs", "DeleteMessage", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                left.release()

    pids = Processes(pair).workers()
    consumers = [connect(pair, stack.name, pids) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        consuming = [pool.submit(consume, worker) for worker in consumers]
        for n in range(each):
            for at, group in enumerate(groups):
                two[(n + at) % 2].call(
                    "sqs", "SendMessage", QueueUrl=url, MessageBody=f"{group} {n}", MessageGroupId=group,
                    MessageDeduplicationId=f"{group}{n}",
                )  # fmt: skip
        for _ in range(len(groups) * each):
            assert left.acquire(timeout=30)
        done.set()
        for future in consuming:
            future.result()
    assert found == {group: list(range(each)) for group in groups}
    for consumer in consumers:
        consumer.close()


def test_what_both_workers_are_sent_twice_is_one_message(two):
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    url = two[0].call("sqs", "CreateQueue", QueueName="jobs.fifo", Attributes=attributes)["QueueUrl"]
    with ThreadPoolExecutor(2) as pool:
        for n in range(20):
            sends = [
                pool.submit(worker.call, "sqs", "SendMessage", QueueUrl=url, MessageBody=str(n), MessageGroupId="g")
                for worker in two
            ]
            assert len({send.result()["MessageId"] for send in sends}) == 1
    found = [message["Body"] for _ in range(2) for message in poll(two[1], url, 0, 10)]
    assert found == [str(n) for n in range(10)]  # the group waits for these to be deleted
