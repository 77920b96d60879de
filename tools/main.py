"""The `cairn` command: a group of commands, each in the module of its subject."""

from __future__ import annotations

import sys

import click

from tools import journal_commands, server_commands, snapshot_commands, stack_commands

HELP = """Cairn: a free, fast, durable AWS emulator that keeps everything it was ever told.

\b
Begin:
  cairn start                 run the server here, in the foreground
  cairn start -d              or in the background
  export AWS_ENDPOINT_URL=http://localhost:4566
  aws s3 mb s3://mine         any AWS tool or SDK works now
  cairn log                   see what happened
"""

_GROUPS = {
    "Server": (server_commands.start, server_commands.stop, server_commands.restart, server_commands.status,
               server_commands.logs),
    "Journal": (journal_commands.log, journal_commands.show, journal_commands.verify, journal_commands.replay),
    "Stacks": (stack_commands.stacks, stack_commands.fork, stack_commands.rm, stack_commands.reset),
    "Snapshots": (snapshot_commands.snapshot,),
}  # fmt: skip


class Grouped(click.Group):
    """A group that lists its commands by subject."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, a section a subject."""
        for title, commands in _GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(command.name or "", command.get_short_help_str(90)) for command in commands])


def _print_version(ctx: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from importlib import metadata

        click.echo(f"cairn {metadata.version('cairn-aws')}")
        ctx.exit()


@click.group(cls=Grouped, help=HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show the version."
)
def main() -> None:
    """The command line."""


for _commands in _GROUPS.values():
    for _command in _commands:
        main.add_command(_command)


if __name__ == "__main__":
    sys.exit(main())
