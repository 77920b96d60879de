"""The options that many commands have, and how a command ends badly."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import click

DEFAULT_DATA = "./.cairn"
DEFAULT_ENDPOINT = "http://localhost:4566"
COMMAND_LINE_WRONG = 2  # click's own; 1 is for problems found, and for all that failed

F = Callable[..., Any]


class Where(NamedTuple):
    """Where a command is to look: what was said on the command line or in the environment, and nothing else."""

    data: str | None
    endpoint: str | None


def where(function: F) -> F:
    """Add --data and --endpoint; the function gets one argument `where`."""

    @click.option("--data", metavar="DIR", help=f"Data directory; also CAIRN_DATA  [{DEFAULT_DATA}]")
    @click.option("--endpoint", metavar="URL", help="A running server, wherever it is; also CAIRN_ENDPOINT.")
    def with_where(*args: Any, data: str | None, endpoint: str | None, **options: Any) -> Any:
        if data and endpoint:
            raise click.UsageError("Say where with either --data or --endpoint, not both.")
        if not data and not endpoint:
            endpoint = os.environ.get("CAIRN_ENDPOINT")
            data = None if endpoint else os.environ.get("CAIRN_DATA")
        return function(*args, where=Where(data, endpoint.rstrip("/") if endpoint else None), **options)

    return _named(with_where, function)


def stack(function: F) -> F:
    """Add --stack."""
    return click.option("--stack", metavar="NAME", default="main", help="The stack that is meant.  [main]")(function)


def as_json(function: F) -> F:
    """Add --json."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(function)


def _named(wrapper: F, function: F) -> F:
    wrapper.__name__ = function.__name__
    wrapper.__doc__ = function.__doc__
    known = getattr(function, "__click_params__", [])
    wrapper.__click_params__ = [*known, *getattr(wrapper, "__click_params__", [])]  # type: ignore[attr-defined]
    return wrapper


def data_directory(where: Where) -> Path:
    """Return the data directory that is meant, whether it exists or not."""
    return Path(where.data or DEFAULT_DATA).expanduser().absolute()


def fail(message: str, advice: str = "") -> NoReturn:
    """End with status 1, what went wrong, and what to do next."""
    raise Failure(message, advice)


class Failure(click.ClickException):
    """What went wrong, and what to do next."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice

    def show(self, file: Any = None) -> None:
        """Write to standard error."""
        click.echo(f"{click.style('Error:', fg='red', bold=True)} {self.message}", err=True)
        if self.advice:
            click.echo(self.advice, err=True)
