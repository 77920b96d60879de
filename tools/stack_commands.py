"""`cairn stacks`, `fork`, `rm` and `reset`."""

from __future__ import annotations

import sys

import click

from tools import printing
from tools.options import Where, as_json, fail, stack, where


@click.command()
@as_json
@where
def stacks(where: Where, as_json: bool) -> None:
    """List stacks: their last event, what they were forked from, their size.

    \b
    Example:
      cairn stacks
    """
    from tools.backend import find

    found = find(where).stacks()
    if as_json:
        printing.echo_json(found)
        return
    printing.console().print(printing.stacks(found))


@click.command()
@click.argument("name")
@click.option("--from", "source", metavar="STACK", default="main", help="The stack to fork.  [main]")
@click.option(
    "--at", type=click.IntRange(0), metavar="SEQ", help="Up to this seq of its history; without it, all of it."
)
@as_json
@where
def fork(where: Where, name: str, source: str, at: int | None, as_json: bool) -> None:
    """Make a stack that shares another's history, and goes its own way from there.

    \b
    Examples:
      cairn fork experiment
      cairn fork before --at 1234
      aws --endpoint-url http://localhost:4566/_stack/experiment s3 ls
    """
    from tools.backend import find

    backend = find(where)
    with printing.spinner(f"Forking {source}"):
        made = backend.fork(name, source, at)
    if as_json:
        printing.echo_json(made)
        return
    click.echo(f"Stack {name} has the first {printing.many(made['head'], 'event')} of {source}.")
    if backend.where.startswith("http"):
        click.echo(f"It is served at {backend.where}/_stack/{name}")


@click.command()
@click.argument("name", metavar="STACK")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@as_json
@where
def rm(where: Where, name: str, yes: bool, as_json: bool) -> None:
    """Delete a stack with its history.

    \b
    Example:
      cairn rm experiment
    """
    from tools.backend import find

    if name == "main":
        fail("The stack main cannot be deleted.", "Clear it with `cairn reset`; history keeps what was.")
    backend = find(where)
    _confirm(f"Delete stack {name} of {backend.where} with its whole history?", yes)
    backend.delete(name)
    if as_json:
        printing.echo_json({"deleted": name})
    else:
        click.echo(f"Stack {name} is deleted.")


@click.command()
@click.option("--service", "services", multiple=True, metavar="NAME", help="Only this service; may be repeated.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@stack
@as_json
@where
def reset(where: Where, services: tuple[str, ...], yes: bool, stack: str, as_json: bool) -> None:
    """Clear a stack's services. The journal keeps what was: `cairn fork NAME --at SEQ` brings it back.

    \b
    Examples:
      cairn reset
      cairn reset --service sqs --service s3 --yes
    """
    from tools.backend import find

    backend = find(where)
    what = ", ".join(services) if services else "all services"
    _confirm(f"Clear {what} of stack {stack} of {backend.where}?", yes)
    done = backend.reset(stack, list(services))
    if as_json:
        printing.echo_json({"reset": done})
    elif done:
        click.echo(f"Cleared: {', '.join(done)}.")
    else:
        click.echo("There was nothing to clear.")


def _confirm(question: str, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        fail(f"Not done without being asked: {question}", "Say --yes.")
    click.confirm(question, abort=True)
