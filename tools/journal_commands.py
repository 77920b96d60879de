"""`cairn log`, `show`, `verify` and `replay`: what happened, and whether it is all still true."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import click

from tools import printing
from tools.options import Where, as_json, fail, stack, where

Line = dict[str, Any]

_LAST = 10  # commands shown before those that are followed


@click.command()
@click.option("--service", "services", multiple=True, metavar="NAME", help="Only of this service; may be repeated.")
@click.option("--operation", metavar="NAME", help="Only this operation; * and ? stand for anything.")
@click.option("--resource", metavar="ARN", help="Only about this resource: its ARN, its name, or with * and ?.")
@click.option("--account", metavar="ID", help="Only in this account.")
@click.option("--region", metavar="NAME", help="Only in this region.")
@click.option("--request-id", metavar="ID", help="Only the call with this request id.")
@click.option(
    "--since", metavar="TIME", help="From this time on: 2026-11-24T10:00:00Z, or 10m, 2h, 3d for so long ago."
)
@click.option("--until", metavar="TIME", help="Before this time.")
@click.option("--from", "first", metavar="SEQ", type=click.IntRange(0), help="From this seq on.")
@click.option("--to", "last", metavar="SEQ", type=click.IntRange(0), help="Up to this seq.")
@click.option("-n", "--limit", type=click.IntRange(0), metavar="N", help="At most N commands, the newest.")
@click.option("--reverse", is_flag=True, help="Oldest first.")
@click.option("-p", "--events", is_flag=True, help="Show each command's events.")
@click.option("-f", "--follow", is_flag=True, help="Show the last ten, then go on as commands come.")
@stack
@as_json
@where
def log(
    where: Where, services: tuple[str, ...], stack: str, as_json: bool, follow: bool, reverse: bool, limit: int | None,
    **filters: Any,
) -> None:  # fmt: skip
    """Show the journal, a line a command, newest first.

    \b
    Examples:
      cairn log
      cairn log -f --service sqs
      cairn log -p --resource orders --since 10m
      cairn log --operation 'Put*' --json | jq .resource
    """
    from tools.backend import find

    if follow and limit is None:
        limit = _LAST
    wishes = {**filters, "service": services, "limit": limit}
    if not follow and (not reverse or limit is not None):
        wishes["newest_first"] = "1"
    if filters.pop("events"):
        wishes["events"] = "1"
    else:
        del wishes["events"]
    entries = find(where).log(stack, {key: value for key, value in wishes.items() if value not in (None, ())}, follow)
    if reverse and limit is not None and not follow:
        entries = iter(list(entries)[::-1])
    try:
        _print(entries, as_json, pager=not follow and sys.stdout.isatty() and not as_json)
    except KeyboardInterrupt:
        click.echo()
    except BrokenPipeError:  # `| head` has enough
        os._exit(0)


def _print(entries: Iterator[Line], as_json: bool, pager: bool) -> None:
    if as_json:
        for entry in entries:
            click.echo(json.dumps(entry, ensure_ascii=False))
            sys.stdout.flush()
        return
    colour = sys.stdout.isatty()
    if pager:
        os.environ.setdefault("LESS", "FRX")
        click.echo_via_pager(line + "\n" for entry in entries for line in _shown(entry, colour))
        return
    for entry in entries:
        for line in _shown(entry, colour):
            click.echo(line, color=colour)
        sys.stdout.flush()


def _shown(entry: Line, colour: bool) -> Iterator[str]:
    """Yield the lines by which a command is shown."""

    def paint(text: str, **style: Any) -> str:
        return click.style(text, **style) if colour else text

    who = entry["caller"].removeprefix("arn:aws:iam::").removeprefix("arn:aws:sts::")
    who = entry["account"] if who == f"{entry['account']}:root" else who
    more = f" +{len(entry['resources']) - 1}" if len(entry["resources"]) > 1 else ""
    because = paint(f"  (of {entry['cause']}, {entry['reactor']})", dim=True) if entry["cause"] else ""
    yield (
        f"{paint(str(entry['seq']).rjust(6), fg='yellow')}  {entry['time']}  {paint(who, fg='cyan')}  "
        f"{paint(entry['service'] + ':' + entry['operation'], bold=True)}  {entry['resource']}{more}{because}"
    )
    for event in entry.get("events", ()):
        yield paint(f"        {event['seq']}  {event['type']}  {event['resource']}", fg="green")
        for name, value in event["data"].items():
            yield f"            {name} = {json.dumps(value, ensure_ascii=False)}"


@click.command()
@click.argument("seq", type=click.IntRange(1))
@stack
@as_json
@where
def show(where: Where, seq: int, stack: str, as_json: bool) -> None:
    """Show the command that an event belongs to: its call and its events, in full.

    \b
    Examples:
      cairn show 42
      cairn show 42 --json | jq .call.parameters
    """
    from tools.backend import find

    entry = find(where).show(stack, seq)
    if as_json:
        printing.echo_json(entry)
        return
    colour, call = sys.stdout.isatty(), entry["call"]

    def paint(text: str, **style: Any) -> str:
        return click.style(text, **style) if colour else text

    span = f"{entry['seq']}" if entry["seq"] == entry["last"] else f"{entry['seq']} to {entry['last']}"
    click.echo(f"{paint(span, fg='yellow')}  {paint(entry['service'] + ':' + entry['operation'], bold=True)}")
    facts = {
        "Time": entry["time"], "Caller": entry["caller"], "Account": entry["account"], "Region": entry["region"],
        "Request": entry["request_id"], "Client": call and call["user_agent"],
        "Took": entry["duration_ms"] and f"{entry['duration_ms']} ms",
        "Because of": entry["cause"] and f"{entry['cause']}, by {entry['reactor']}",
    }  # fmt: skip
    for name, value in facts.items():
        if value:
            click.echo(f"{name + ':':<12}{value}")
    if call:
        click.echo(f"\n{paint('Parameters', bold=True)}")
        click.echo(_indented(call["parameters"]))
    for event in entry["events"]:
        click.echo(f"\n{paint(event['type'], fg='green')}  {event['resource']}  (event {event['seq']})")
        click.echo(_indented(event["data"]))


def _indented(value: Any) -> str:
    return "\n".join(f"  {line}" for line in json.dumps(value, indent=2, ensure_ascii=False).splitlines())


@click.command()
@click.option("--blobs/--no-blobs", default=True, help="Read every blob and check its hash, too.")
@stack
@as_json
@where
def verify(where: Where, stack: str, blobs: bool, as_json: bool) -> None:
    """Check that the journal is whole: file, chain, calls, indexes and blobs.

    Ends with status 1 where it is not, and names each problem by seq or hash.

    \b
    Examples:
      cairn verify
      cairn verify --data ./.cairn --no-blobs
    """
    from tools.backend import find

    backend = find(where)
    with printing.progress(f"Verifying {stack}", quiet=as_json) as advance:
        problems, done = work(lambda tell: backend.verify(stack, blobs, tell), "problem", advance)
    if as_json:
        printing.echo_json({**done, "where": backend.where, "found": problems})
    elif not problems:
        click.echo(
            f"{stack} is whole: {printing.many(done['records'], 'record')}, of them {printing.many(done['events'], 'event')}."
        )
    else:
        for problem in problems:
            click.echo(problem["message"])
        _and_more(done["problems"], len(problems))
        told = f"{printing.many(done['problems'], 'problem')} in stack {stack} of {backend.where}."
        fail(
            told,
            "Bring back a snapshot with `cairn snapshot import`, or fork before the damage: `cairn fork NAME --at SEQ`.",
        )
    if problems:
        sys.exit(1)


@click.command()
@click.option("--verify", "verifying", is_flag=True, help="Compare what comes out with the tables that are served.")
@stack
@as_json
@where
def replay(where: Where, verifying: bool, stack: str, as_json: bool) -> None:
    """Rebuild every projection from the journal in a scratch stack, and compare.

    Ends with status 1 where a row comes out otherwise. Changes nothing.

    \b
    Examples:
      cairn replay --verify
      cairn replay --verify --stack staging --json
    """
    from tools.backend import find

    if not verifying:
        raise click.UsageError("Say --verify: rebuilding and comparing is all that replay does.")
    backend = find(where)
    with printing.progress(f"Replaying {stack}", quiet=as_json) as advance:
        differences, done = work(lambda tell: backend.replay(stack, tell), "difference", advance)
    if as_json:
        printing.echo_json({**done, "where": backend.where, "found": differences})
    elif not differences:
        _say_unread(done.get("unread", ()))
        click.echo(
            f"{printing.many(done['events'], 'event')} of {stack} replayed in {done['seconds']} s: all tables are the same."
        )
    else:
        for one in differences:
            click.echo(f"{one['table']} {json.dumps(one['key'], ensure_ascii=False)}")
            click.echo(f"  served:   {json.dumps(one['live'], ensure_ascii=False)}")
            click.echo(f"  replayed: {json.dumps(one['replayed'], ensure_ascii=False)}")
        _and_more(done["differences"], len(differences))
        told = f"{printing.many(done['differences'], 'row')} of {stack} came out otherwise."
        fail(told, "This is a bug in Cairn: please report it with `cairn snapshot export` of the stack.")
    if differences:
        sys.exit(1)


def _say_unread(services: Iterable[str]) -> None:
    for service in services:
        click.echo(
            f"The tables of {service} are folded when they are first read: there was nothing to compare yet.", err=True
        )


def work(run: Any, kind: str, advance: Any) -> tuple[list[Line], Line]:
    """Run long work; return what it found and its last word."""
    found: list[Line] = []
    last: Line = {}

    def tell(line: Line) -> None:
        if "progress" in line:
            advance(line["progress"])
        elif kind in line:
            found.append(line[kind])
        else:
            last.update(line)

    run(tell)
    if "error" in last:
        from tools.over_http import advice_for, sentence

        fail(sentence(last["error"]["message"]), advice_for(last["error"]["code"]))
    if "done" not in last:
        fail("The work ended without a result.", "`cairn logs` may tell why.")
    return found, last["done"]


def _and_more(all_: int, shown: int) -> None:
    if all_ > shown:
        click.echo(f"… and {all_ - shown:,} more")
