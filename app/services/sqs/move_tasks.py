"""StartMessageMoveTask, ListMessageMoveTasks, CancelMessageMoveTask: messages back out of a dead-letter queue.

What a task finds is moved when it starts. A rate shows in when each message can first be received at its destination, so
that no process has to act meanwhile, and a cancelled task brings back what was not due yet.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from app.services import AwsError, Call, Outcome, State, answer, command, query
from app.services.sqs.addresses import Found, find_arn, sqs_arn
from app.services.sqs.counting import expiry
from app.services.sqs.positions import Positions, milliseconds
from app.services.sqs.refusals import bad_parameter, bad_value
from projections.sqs import (
    Gone,
    MessagesMovedIn,
    MessagesMovedOut,
    MoveTask,
    MoveTaskCancelled,
    MoveTaskStarted,
    Taken,
    lines,
    messages,
    move_tasks,
    sources,
    turns,
)

FASTEST = 500  # messages a second
MOST_LISTED = 10
AN_EVENT = 500  # messages that are moved by one event
NO_SOURCE = "CouldNotDetermineMessageSource"


@command("sqs", "StartMessageMoveTask")
def start_message_move_task(call: Call, state: State) -> Outcome:
    """Move the messages of a dead-letter queue to a queue, or back to where they came from.

    Messages in flight stay. What goes back needs to have come from a queue that still exists, or the task has failed.
    Errors: ResourceNotFoundException, UnsupportedOperation while a task runs, InvalidParameterValue.
    Source: Amazon SQS API Reference, StartMessageMoveTask; Developer Guide, dead-letter queue redrive.
    """
    params = call.params
    source = _queue(params["SourceArn"], "SourceArn", state)
    destination_arn: str = params.get("DestinationArn") or ""
    destination = _queue(destination_arn, "DestinationArn", state) if destination_arn else None
    rate = params.get("MaxNumberOfMessagesPerSecond") or 0
    if not 0 <= rate <= FASTEST:
        raise bad_value(
            rate,
            "MaxNumberOfMessagesPerSecond",
            f"You must enter a value that is greater than 0 and less than {FASTEST}.",
        )
    if next(state[sources].keys(source.address.arn), None) is None:
        raise bad_parameter("Source queue must be configured as a Dead Letter Queue.")
    if destination is not None and destination.queue.fifo != source.queue.fifo:
        raise bad_parameter("Source queue and destination queue must be of the same type.")
    if destination is not None and destination.queue.id == source.queue.id:
        raise bad_parameter("Source queue arn and destination queue arn must be different.")
    now = milliseconds(call.now)
    latest = next(state[move_tasks].scan(source.address.arn, reverse=True), None)
    if latest is not None and _status(latest[1], _started(latest[0]), now) == "RUNNING":
        raise AwsError(
            "UnsupportedOperation",
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
        )
    task_id = call.ids.uuid()
    outcome = answer(TaskHandle=_handle(task_id, source.address.arn, now))
    moved, failure = _move(outcome, call, state, source, destination, rate, task_id)
    begun = MoveTaskStarted(task_id, now, destination_arn, rate, moved, failure)
    return outcome.emit(begun, source.address.arn, account=source.address.account, region=source.address.region)


def _queue(arn: str, parameter: str, state: State) -> Found:
    if sqs_arn(arn) is None:
        raise bad_value(
            arn,
            parameter,
            "You must use this format to specify the ARN: arn:<partition>:<service>:<region>:<account-id>:<queue-name>",
        )
    found = find_arn(arn, state)
    if found is None:
        said = f"The resource that you specified for the {parameter} parameter doesn't exist."
        raise AwsError("ResourceNotFoundException", said)
    return found


def _move(
    outcome: Outcome, call: Call, state: State, source: Found, destination: Found | None, rate: int, task_id: str
) -> tuple[int, str]:
    """Add the events that move what can be received; return how many, and why the rest could not be, if so."""
    now = milliseconds(call.now)
    places = Positions(call)
    limit = expiry(source.queue, now)
    batches: dict[str, list[tuple[Gone, Taken]]] = {}
    targets: dict[str, Found | None] = {}
    moved, failure = 0, ""
    for turn in state[turns].records(source.queue.id, stop=(now + 1,)):
        visible, position = turn.visible, turn.position
        message = state[messages].get(source.queue.id, turn.sent, position)
        if message is None or turn.sent <= limit:
            continue
        if source.queue.fifo and _locked(state, source, message.group, now):
            continue
        target = destination
        if destination is None:
            if message.source not in targets:
                targets[message.source] = find_arn(message.source, state)
            target = targets[message.source]
            if target is None:
                failure = NO_SOURCE
                break
        assert target is not None
        delivered = turn.receives > message.receives
        gone = Gone(position, turn.sent, visible, delivered, message.group if source.queue.fifo else "")
        due = now + (moved * 1000 // rate if rate else 0)
        taken = Taken(
            turn.sent,
            position,
            now,
            places.next(),
            due,
            call.ids.uuid(),
            message.source,
            message.deduplication,
            0,
            0,
            task_id,
        )
        batches.setdefault(target.address.arn, []).append((gone, taken))
        targets[target.address.arn] = target
        moved += 1
    for arn, batch in batches.items():
        into = targets[arn]
        assert into is not None
        for start in range(0, len(batch), AN_EVENT):
            _transfer(outcome, source, into, batch[start : start + AN_EVENT])
    return moved, failure


def _locked(state: State, source: Found, group: str, now: int) -> bool:
    """Tell whether a message of a group is in flight: it is among those at the head of the line."""
    for place in state[lines].records(source.queue.id, group):
        if place.visible > now:
            return True
        if not place.delivered:
            break
    return False


def _transfer(outcome: Outcome, source: Found, into: Found, batch: list[tuple[Gone, Taken]]) -> None:
    arrived = MessagesMovedIn(into.queue.id, into.queue.fifo, source.queue.id, [taken for _, taken in batch])
    outcome.emit(arrived, into.address.arn, account=into.address.account, region=into.address.region)
    left = MessagesMovedOut(source.queue.id, into.address.arn, [gone for gone, _ in batch])
    outcome.emit(left, source.address.arn, account=source.address.account, region=source.address.region)


def _started(key: tuple[Any, ...]) -> int:
    return int(key[1])


def _done(task: MoveTask, started: int, now: int) -> int:
    """Return how many messages a task has moved by now."""
    if task.cancelled:
        return task.kept
    return min(task.moved, (now - started) * task.rate // 1000 + 1) if task.rate else task.moved


def _status(task: MoveTask, started: int, now: int) -> str:
    if task.cancelled:
        return "CANCELLED"
    if _done(task, started, now) < task.moved:
        return "RUNNING"
    return "FAILED" if task.failure else "COMPLETED"


@query("sqs", "ListMessageMoveTasks")
def list_message_move_tasks(call: Call, state: State) -> Outcome:
    """List a queue's move tasks, the latest first. Source: Amazon SQS API Reference, ListMessageMoveTasks."""
    params = call.params
    source = _queue(params["SourceArn"], "SourceArn", state)
    limit = params.get("MaxResults") or 1
    if not 1 <= limit <= MOST_LISTED:
        raise bad_value(limit, "MaxResults", f"You must enter a value between 1 and {MOST_LISTED}.")
    now = milliseconds(call.now)
    results: list[dict[str, Any]] = []
    for key, task in state[move_tasks].scan(source.address.arn, reverse=True):
        if len(results) == limit:
            break
        started = _started(key)
        status = _status(task, started, now)
        entry: dict[str, Any] = {
            "Status": status,
            "SourceArn": source.address.arn,
            "ApproximateNumberOfMessagesMoved": _done(task, started, now),
            "ApproximateNumberOfMessagesToMove": task.moved,
            "StartedTimestamp": started,
        }
        if status == "RUNNING":
            entry["TaskHandle"] = _handle(task.task_id, source.address.arn, started)
        if task.destination:
            entry["DestinationArn"] = task.destination
        if task.rate:
            entry["MaxNumberOfMessagesPerSecond"] = task.rate
        if status == "FAILED":
            entry["FailureReason"] = task.failure
        results.append(entry)
    return answer(Results=results)


@command("sqs", "CancelMessageMoveTask")
def cancel_message_move_task(call: Call, state: State) -> Outcome:
    """Stop a running task: what is not due at its destination yet comes back.

    Errors: ResourceNotFoundException, UnsupportedOperation where the task is over, InvalidParameterValue.
    Source: Amazon SQS API Reference, CancelMessageMoveTask.
    """
    text: str = call.params["TaskHandle"]
    try:
        said = json.loads(base64.b64decode(text, validate=True))
        arn, started, task_id = said["sourceArn"], int(said["started"]), said["taskId"]
    except (ValueError, KeyError, TypeError):
        raise bad_value(text, "TaskHandle", "The input task handle is invalid.") from None
    source = _queue(arn, "SourceArn", state)
    task = state[move_tasks].get(arn, started)
    if task is None or task.task_id != task_id:
        raise AwsError("ResourceNotFoundException", "Task does not exist.")
    now = milliseconds(call.now)
    if _status(task, started, now) != "RUNNING":
        raise AwsError("UnsupportedOperation", "Only active tasks can be cancelled.")
    kept = _done(task, started, now)
    outcome = answer(ApproximateNumberOfMessagesMoved=kept)
    _bring_back(outcome, call, state, source, task, started, now)
    cancelled = MoveTaskCancelled(started, now, kept)
    return outcome.emit(cancelled, source.address.arn, account=source.address.account, region=source.address.region)


def _bring_back(
    outcome: Outcome, call: Call, state: State, source: Found, task: MoveTask, started: int, now: int
) -> None:
    """Add the events that return messages which the task put into its destinations for later than now."""
    arns = [task.destination] if task.destination else [str(key[1]) for key in state[sources].keys(source.address.arn)]
    places = Positions(call)
    for arn in arns:
        into = find_arn(arn, state)
        if into is None:
            continue
        batch = []
        for turn in state[turns].records(into.queue.id, start=(now + 1,)):
            visible, position = turn.visible, turn.position
            message = state[messages].get(into.queue.id, turn.sent, position)
            if message is None or message.task != task.task_id:
                continue
            gone = Gone(position, turn.sent, visible, False, message.group if into.queue.fifo else "")
            taken = Taken(
                turn.sent,
                position,
                now,
                places.next(),
                now,
                message.message_id,
                message.source,
                message.deduplication,
                0,
                0,
            )
            batch.append((gone, taken))
        for start in range(0, len(batch), AN_EVENT):
            _transfer(outcome, into, source, batch[start : start + AN_EVENT])


def _handle(task_id: str, arn: str, started: int) -> str:
    return base64.b64encode(json.dumps({"taskId": task_id, "sourceArn": arn, "started": started}).encode()).decode(
        "ascii"
    )
