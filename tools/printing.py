"""What people see: tables, colour and progress bars on a terminal, plain text elsewhere."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Line = dict[str, Any]

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def console(stderr: bool = False) -> Console:
    """Return a console; wide where nobody looks, so that nothing is wrapped or cut."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, soft_wrap=True, width=None if stream.isatty() else 10_000)


def echo_json(value: Any) -> None:
    """Print JSON: indented where people look, on one line elsewhere."""
    click.echo(json.dumps(value, indent=2 if sys.stdout.isatty() else None, ensure_ascii=False))


def table(*columns: str) -> Table:
    """Return a table without frames; a column's name that ends with > is aligned right."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        right = column.endswith(">")
        made.add_column(column.rstrip(">"), justify="right" if right else "left", no_wrap=True)
    return made


def stacks(found: list[Line]) -> Table:
    """Return stacks as a table."""
    shown = table("STACK", "EVENTS>", "FROM", "SIZE>")
    for one in found:
        shown.add_row(one["name"], f"{one['head']:,}", origin(one["lineage"]) or "-", size(one["bytes"]))
    return shown


def origin(lineage: Line | None) -> str | None:
    """Return where a stack comes from: `main@1234`, or of a stack elsewhere the beginning of its id."""
    if not lineage:
        return None
    return f"{lineage['parent'] or lineage['parent_id'][:8]}@{lineage['seq']}"


def size(count: float) -> str:
    """Return a number of bytes as people read it."""
    for unit in _UNITS:
        if count < 1024 or unit == _UNITS[-1]:
            break
        count /= 1024
    return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"


def duration(seconds: float) -> str:
    """Return a time span as people read it."""
    seconds = int(seconds)
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} days {hours % 24} h"


def many(count: int, thing: str) -> str:
    """Return a number with its noun: 1 event, 2 events."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


@contextmanager
def progress(what: str, quiet: bool = False) -> Iterator[Callable[[Line], None]]:
    """A progress bar on a terminal; gives the function to tell it lines of progress."""
    if quiet or not sys.stderr.isatty():
        yield lambda line: None
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[count]}"),
        TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None, count="")

        def tell(line: Line) -> None:
            done, total, unit = line["done"], line["total"], line["unit"]
            told = size(done) if unit.startswith("bytes") else f"{done:,}"
            if total:
                told += f" of {size(total) if unit.startswith('bytes') else f'{total:,}'}"
            bar.update(task, completed=done, total=total, count=f"{told} {unit.removeprefix('bytes').strip()}".strip())

        yield tell


@contextmanager
def spinner(what: str) -> Iterator[None]:
    """A spinner while something is waited for; a line where nobody looks."""
    if not sys.stderr.isatty():
        yield
        return
    with console(stderr=True).status(what):
        yield
