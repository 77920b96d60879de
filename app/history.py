"""What a stack's journal says, as plain dictionaries: one entry a command, or one command whole.

Asked over HTTP and on the command line alike. Snapshots are short: reading goes in steps, so that neither a long
history nor a slow reader holds a transaction open.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from journal import Blob, Envelope, Journal, JournaledCall, View

STEP = 500  # events a snapshot

Entry = dict[str, Any]

_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])(?:\s+ago)?\Z")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class BadFilter(ValueError):
    """A filter's value means nothing; the message says what would."""


class NoSuchEvent(LookupError):
    """The journal has no event of that seq."""


class Filter(msgspec.Struct, frozen=True):
    """Which commands are wanted. Text may hold `*` and `?`; times are seconds since the epoch, by the stack's clock."""

    service: tuple[str, ...] = ()
    operation: str = ""
    resource: str = ""
    account: str = ""
    region: str = ""
    request_id: str = ""
    since: float | None = None
    until: float | None = None
    first: int = 1
    last: int | None = None
    limit: int | None = None
    events: bool = False  # each entry with its events
    newest_first: bool = False

    @classmethod
    def of(cls, wishes: Mapping[str, Any], now: float) -> Filter:
        """Read a filter from text, as a query string or a command line has it. Raises BadFilter."""
        unknown = sorted(set(wishes) - {field.name for field in msgspec.structs.fields(cls)})
        if unknown:
            raise BadFilter(f"there is no filter {', '.join(unknown)}")
        values: dict[str, Any] = {}
        for name, value in wishes.items():
            if value is None or value == "" or value == ():
                continue
            if name in ("since", "until"):
                values[name] = moment(str(value), now)
            elif name in ("first", "last", "limit"):
                values[name] = _number(name, value)
            elif name in ("events", "newest_first"):
                values[name] = str(value).lower() in ("1", "true", "yes", "on")
            elif name == "service":
                values[name] = tuple(value.split(",")) if isinstance(value, str) else tuple(value)
            else:
                values[name] = str(value)
        return cls(**values)


def _number(name: str, value: Any) -> int:
    try:
        number = int(value)
    except ValueError:
        number = -1
    if number < 0:
        raise BadFilter(f"{name} {value!r} is not a whole number from 0")
    return number


def moment(text: str, now: float) -> float:
    """Read a time: ISO 8601 (UTC where it names no zone), seconds since the epoch, or `90s`, `10m`, `2h`, `3d` ago."""
    ago = _AGO.match(text.strip())
    if ago:
        return now - timedelta(**{_UNITS[ago[2]]: float(ago[1])}).total_seconds()
    try:
        return float(text)
    except ValueError:
        pass
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadFilter(f"{text!r} is no time: write 2026-11-24T10:00:00Z, or 10m, 2h, 3d for so long ago") from None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def stamp(seconds: float) -> str:
    """Return a time as ISO 8601 in UTC with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def log(journal: Journal, wanted: Filter, step: int = STEP) -> Iterator[Entry | None]:
    """Yield an entry for each command that is wanted, and None after each step, where a server may let others run."""
    left = wanted.limit
    for found in _windows(journal, wanted, step):
        for entry in found:
            if left is not None:
                if left <= 0:
                    return
                left -= 1
            yield entry
        yield None


def follow(
    journal: Callable[[], Journal], wanted: Filter, after: int, wait: Callable[[], bool], step: int = STEP
) -> Iterator[Entry | None]:
    """Yield entries after a seq as they come, for ever; `wait` returns False when it is time to end.

    None is yielded after each wait: a server sends something then, and so notices a reader who has gone.
    """
    while True:
        with journal().view() as view:
            last = min(view.head()[0], after + step)
            if last > after:
                last = _end_of_command(view, last)
            found = list(_wanted(view, wanted, after + 1, last)) if last > after else []
        yield from found
        if last > after:
            after = last
            continue
        yield None
        if not wait():
            return


def newest(wanted: Filter, head: int) -> Filter:
    """Return the filter by which the last entries up to a head are found."""
    last = head if wanted.last is None else min(head, wanted.last)
    return msgspec.structs.replace(wanted, newest_first=True, last=last)


def last_of(entries: Iterable[Entry | None]) -> list[Entry]:
    """Return entries that came newest first in the order in which they happened."""
    found = [entry for entry in entries if entry is not None]
    found.reverse()
    return found


def head(journal: Journal) -> int:
    """Return the last seq of a journal."""
    with journal.view() as view:
        return view.head()[0]


def show(journal: Journal, seq: int) -> Entry:
    """Return the command that an event belongs to: its call and all its events, in full. Raises NoSuchEvent."""
    with journal.view() as view:
        asked = view.event(seq)
        if asked is None:
            last = view.head()[0]
            told = f"it has events 1 to {last}" if last else "it is empty"
            raise NoSuchEvent(f"the journal has no event {seq}; {told}")
        cause = view.cause_of(seq)
        first, call = cause if cause is not None else (seq, None)
        entry = _entry(view, first, call, events=True)
        entry["call"] = None if call is None else _call(call)
        return entry


def _windows(journal: Journal, wanted: Filter, step: int) -> Iterator[list[Entry]]:
    """Yield wanted entries a step at a time, in the order asked for."""
    with journal.view() as view:
        end = view.head()[0]
    end = end if wanted.last is None else min(end, wanted.last)
    if not wanted.newest_first:
        at = max(1, wanted.first)
        while at <= end:
            with journal.view() as view:
                last = min(_end_of_command(view, min(end, at + step - 1)), view.head()[0])
                found = list(_wanted(view, wanted, at, last))
            at = last + 1
            yield found
        return
    while end >= max(1, wanted.first):
        with journal.view() as view:
            end = min(end, view.head()[0])
            start = max(1, end - step + 1)
            cause = view.cause_of(start)
            start = cause[0] if cause is not None else start
            found = list(_wanted(view, wanted, max(start, wanted.first), end))
        found.reverse()
        end = start - 1
        yield found


def _end_of_command(view: View, seq: int) -> int:
    cause = view.cause_of(seq)
    return cause[1].last if cause is not None else seq


def _wanted(view: View, wanted: Filter, first: int, last: int) -> Iterator[Entry]:
    for start, call in _commands(view, first, last):
        if call is not None and not _is_asked_for(call.service, call.operation, call.time, call.request_id, wanted):
            continue  # most are told without a look at their events
        entry = _entry(view, start, call, wanted.events)
        if call is None:
            when = moment(entry["time"], 0.0)
            if not _is_asked_for(entry["service"], entry["operation"], when, "", wanted):
                continue
        if (
            (wanted.account and entry["account"] != wanted.account)
            or (wanted.region and entry["region"] != wanted.region)
            or (wanted.resource and not any(_names(resource, wanted.resource) for resource in entry["resources"]))
        ):
            continue
        yield entry


def _is_asked_for(service: str, operation: str, when: float, request_id: str, wanted: Filter) -> bool:
    return (
        (not wanted.service or service in wanted.service)
        and (not wanted.operation or _like(operation, wanted.operation))
        and (not wanted.request_id or request_id == wanted.request_id)
        and (wanted.since is None or when >= wanted.since)
        and (wanted.until is None or when < wanted.until)
    )


def _commands(view: View, first: int, last: int) -> Iterator[tuple[int, JournaledCall | None]]:
    """Yield (first seq, call) of what begins between two seqs; what no call caused (a reset, the clock) has None."""
    at = first
    for start, call in view.calls(first, last):
        for seq in range(at, start):
            yield seq, None
        yield start, call
        at = call.last + 1
    for seq in range(at, last + 1):
        yield seq, None


def _entry(view: View, first: int, call: JournaledCall | None, events: bool) -> Entry:
    envelopes = list(view.events(first, call.last if call is not None else first))
    resources = list(dict.fromkeys(envelope.resource for envelope in envelopes))
    entry: Entry
    if call is not None:
        entry = {
            "seq": first, "last": call.last, "time": stamp(call.time), "account": call.account, "region": call.region,
            "caller": call.principal or f"arn:aws:iam::{call.account}:root", "service": call.service,
            "operation": call.operation, "resource": resources[0] if resources else "", "resources": resources,
            "request_id": call.request_id, "duration_ms": round(call.duration * 1000, 3), "cause": call.cause,
            "reactor": call.reactor or None,
        }  # fmt: skip
    else:
        envelope = envelopes[0]
        fields = envelope.fields(view.blobs)
        entry = {
            "seq": first, "last": first, "time": stamp(envelope.time), "account": envelope.account,
            "region": envelope.region, "caller": "cairn", "service": str(fields.get("of", envelope.service)),
            "operation": envelope.type.partition(".")[2], "resource": envelope.resource, "resources": resources,
            "request_id": None, "duration_ms": None, "cause": None, "reactor": None,
        }  # fmt: skip
    if events:
        entry["events"] = [_event(envelope, view) for envelope in envelopes]
    return entry


def _call(call: JournaledCall) -> Entry:
    return {
        "service": call.service, "operation": call.operation, "parameters": plain(call.params),
        "account": call.account, "region": call.region, "principal": call.principal, "access_key": call.access_key,
        "user_agent": call.user_agent, "request_id": call.request_id, "protocol": call.protocol,
        "time": stamp(call.time), "duration_ms": round(call.duration * 1000, 3), "cause": call.cause,
        "reactor": call.reactor or None,
    }  # fmt: skip


def _event(envelope: Envelope, view: View) -> Entry:
    return {
        "seq": envelope.seq, "type": envelope.type, "version": envelope.version, "time": stamp(envelope.time),
        "account": envelope.account, "region": envelope.region, "resource": envelope.resource,
        "data": plain(envelope.fields(view.blobs)), "chain": envelope.chain.hex(),
    }  # fmt: skip


def plain(value: Any) -> Any:
    """Return a stored value as JSON can hold it: bytes as `{"base64": …}`, a blob as `{"blob": sha256, "size": …}`."""
    if isinstance(value, Blob):
        return {"blob": value.sha256, "size": value.size}
    if isinstance(value, bytes | bytearray | memoryview):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, Mapping):
        return {key if isinstance(key, str) else str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode() if _has_surrogate(value) else value
    if isinstance(value, Iterable):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)


def _has_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _like(value: str, pattern: str) -> bool:
    return fnmatchcase(value.lower(), pattern.lower())


def _names(arn: str, pattern: str) -> bool:
    """Tell whether an ARN is what a filter means: the whole of it, its last part, or by `*`."""
    if "*" in pattern or "?" in pattern:
        return fnmatchcase(arn, pattern)
    return arn == pattern or (arn.endswith(pattern) and arn[-len(pattern) - 1 : -len(pattern)] in (":", "/"))
