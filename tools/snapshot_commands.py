"""`cairn snapshot`: a stack as a file, out, in, and looked into."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from tools import printing
from tools.journal_commands import work
from tools.options import Where, as_json, fail, stack, where


@click.group()
def snapshot() -> None:
    """Export a stack to a file, import it anywhere, look into it."""


@snapshot.command()
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@click.option(
    "--at", type=click.IntRange(0), metavar="SEQ", help="Up to this seq of its history; without it, all of it."
)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@stack
@as_json
@where
def export(where: Where, file: str, at: int | None, force: bool, stack: str, as_json: bool) -> None:
    """Write a stack with its history and blobs to FILE (- for standard output).

    \b
    Examples:
      cairn snapshot export before-migration.cairn
      cairn snapshot export - | ssh host cairn snapshot import -
    """
    from tools.backend import find

    if file == "-":
        if sys.stdout.isatty():
            raise click.UsageError("A snapshot is no text: send it to a file or a pipe.")
        with printing.progress(f"Exporting {stack}") as advance:
            work(lambda tell: find(where).export(stack, sys.stdout.buffer, at, tell), "problem", advance)
        return
    target = Path(file)
    if target.exists() and not force:
        fail(f"{file} is there already.", "Choose another name, or say --force.")
    if not target.absolute().parent.is_dir():
        fail(f"There is no folder {target.absolute().parent}.", "Make it first, or choose another.")
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    backend = find(where)
    try:
        with printing.progress(f"Exporting {stack}", quiet=as_json) as advance, partial.open("wb") as out:
            _, done = work(lambda tell: backend.export(stack, out, at, tell), "problem", advance)
            out.flush()
            os.fsync(out.fileno())
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    told = {**done, "file": str(target), "bytes": target.stat().st_size}
    if as_json:
        printing.echo_json(told)
    else:
        click.echo(f"{file}: {printing.many(told['events'], 'event')} of {stack}, {printing.size(told['bytes'])}.")


@snapshot.command(name="import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--into", metavar="STACK", default="main", help="The stack to make or replace.  [main]")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before a stack that holds something is replaced.")
@as_json
@where
def import_(where: Where, file: str, into: str, yes: bool, as_json: bool) -> None:
    """Put a snapshot in a stack's place, or make the stack. Nothing changes unless the file is whole.

    \b
    Examples:
      cairn snapshot import before-migration.cairn
      cairn snapshot import seed.cairn --into experiment
    """
    import tempfile

    from tools.backend import find

    backend = find(where)
    held = next((one["head"] for one in backend.stacks() if one["name"] == into), 0)
    if held and not yes:
        events = printing.many(held, "event")
        if not sys.stdin.isatty() or file == "-":
            fail(
                f"Stack {into} of {backend.where} holds {events}.",
                "Say --yes to replace it, or --into NAME.",
            )
        click.confirm(f"Replace stack {into} of {backend.where}, which holds {events}?", abort=True)
    with tempfile.TemporaryDirectory(prefix="cairn-import-") as folder:
        path = Path(file)
        if file == "-":
            path = Path(folder) / "standard-input"
            with path.open("wb") as spooled:
                while piece := sys.stdin.buffer.read(1 << 20):
                    spooled.write(piece)
        with printing.progress(f"Importing into {into}", quiet=as_json) as advance:
            _, done = work(lambda tell: backend.import_(path, into, bool(held), tell), "problem", advance)
    if as_json:
        printing.echo_json(done)
    else:
        click.echo(f"Stack {into} has {printing.many(done['events'], 'event')} now.")


@snapshot.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@as_json
def inspect(file: str, as_json: bool) -> None:
    """Say what is in a snapshot, without importing it.

    \b
    Example:
      cairn snapshot inspect before-migration.cairn
    """
    from app.history import stamp
    from app.long_work import FAILURES
    from journal import archive

    try:
        told = archive.inspect(file)
    except FAILURES as error:
        fail(f"{file} is no whole snapshot: {error}.", "Export it again; a file that was cut short cannot be mended.")
    if as_json:
        printing.echo_json({**told._asdict(), "created": stamp(told.created)})
        return
    facts = {
        "Made": stamp(told.created), "Stack": told.stack_id, "Format": told.format,
        "Forked from": printing.origin(told.lineage),
        "Events": f"{told.events:,}", "Calls": f"{told.calls:,}",
        "Blobs": f"{told.blobs:,} ({printing.size(told.blob_bytes)})",
        "Size": f"{printing.size(told.file_bytes)}, unpacked {printing.size(told.content_bytes)}",
    }  # fmt: skip
    for name, value in facts.items():
        if value is not None:
            click.echo(f"{name + ':':<13}{value}")
