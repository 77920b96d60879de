"""Queues' names, URLs and ARNs, and finding the queue that a call means."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from app.arns import Arn, arn, parse
from app.services import AwsError, Call, State
from app.services.sqs.refusals import bad_parameter, no_queue
from projections.sqs import Queue, queues

NAME = re.compile(r"[A-Za-z0-9_-]{1,80}\Z")
FIFO_NAME = re.compile(r"[A-Za-z0-9_-]{1,75}\.fifo\Z")
_ACCOUNT = re.compile(r"[0-9]{12}\Z")
_HOST_REGION = re.compile(r"(?:sqs\.([a-z0-9-]+-\d+)|([a-z0-9-]+-\d+)\.queue)\.", re.IGNORECASE)


class Address(NamedTuple):
    """Where a queue is: the key of its row, and the ARN that its events are about."""

    account: str
    region: str
    name: str
    arn: str


class Found(NamedTuple):
    """A queue that exists, and its address."""

    address: Address
    queue: Queue


@lru_cache(4096)
def address(account: str, region: str, name: str) -> Address:
    """Return a queue's address."""
    return Address(account, region, name, arn("sqs", region, account, name))


@lru_cache(4096)
def _address_of(url: str, account: str, region: str) -> Address | None:
    """Return the address that a queue URL means to a caller of this account and region; None where it is none.

    Every form of URL that is in use is understood: `…/<account>/<name>`, `…/queue/<region>/<account>/<name>`, hosts
    `sqs.<region>.…` and `<region>.queue.…`, and a bare name, which is the caller's own queue.
    """
    if "/" not in url:
        return address(account, region, url) if url else None
    parts = urlsplit(url)
    path = [unquote(part) for part in parts.path.split("/") if part]
    if len(path) < 2 or not _ACCOUNT.match(path[-2]):
        return None
    if len(path) >= 4 and path[-4] == "queue":
        region = path[-3]
    else:
        host = _HOST_REGION.match(parts.netloc)
        if host:
            region = host[1] or host[2]
    return address(path[-2], region, path[-1])


def find(call: Call, state: State) -> Found:
    """Return the queue that the call's QueueUrl means. Raises InvalidAddress, QueueDoesNotExist."""
    url = call.params["QueueUrl"]
    where = _address_of(url, call.account, call.region)
    if where is None:
        raise AwsError("InvalidAddress", f"The address {url} is not valid for this endpoint.", status=404)
    queue = state[queues].get(where.account, where.region, where.name)
    if queue is None:
        raise no_queue()
    return Found(where, queue)


def find_arn(text: str, state: State) -> Found | None:
    """Return the queue that an ARN names, or None."""
    where = sqs_arn(text)
    if where is None:
        return None
    queue = state[queues].get(where.account, where.region, where.resource)
    return None if queue is None else Found(address(where.account, where.region, where.resource), queue)


def sqs_arn(text: str) -> Arn | None:
    """Return the parts of a queue's ARN, or None where the text is none."""
    parts = parse(text)
    return parts if parts is not None and parts.service == "sqs" else None


def queue_url(call: Call, where: Address) -> str:
    """Return a queue's URL on this server, as the caller reached it."""
    return call.url(f"/{where.account}/{where.name}")


def check_name(name: str, fifo: bool) -> None:
    """Raise InvalidParameterValue where no queue of this type can have this name. Source: API Reference, CreateQueue."""
    if fifo and not FIFO_NAME.match(name):
        raise bad_parameter(
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo "
            "suffix and be 1 to 80 in length."
        )
    if not fifo and not NAME.match(name):
        raise bad_parameter("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
