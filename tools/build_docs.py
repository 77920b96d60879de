"""Write the pages of docs/ that follow from the code: `python -m tools.build_docs` (`make docs`). A test keeps them fresh."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

DOCS = Path(__file__).resolve().parent.parent / "docs"
NOTE = "<!-- Written by `make docs`; do not edit. -->\n"


def configuration() -> str:
    """Return docs/configuration.md: every setting there is."""
    from app.config import SETTINGS

    rows = []
    for setting in SETTINGS:
        ours, *others = setting.variables
        default = f"`{setting.default}`" if setting.default else ""
        also = ", ".join(f"`{name}`" for name in others)
        rows.append(f"| `{ours}` | {default} | {_cell(setting.meaning)} | {also} |")
    return f"""{NOTE}
# Configuration

Every setting is an environment variable. A flag of `cairn start` comes first, then the `CAIRN_` variable, then the name that
users of LocalStack know, then the default. A value that means nothing stops the start, with a message that names the
variable.

| Variable | Default | Meaning | Also |
| --- | --- | --- | --- |
{chr(10).join(rows)}

Flags: 1, true, yes or on; 0, false, no, off or nothing. Lists are separated by commas. Paths may begin with `~`.

The command line reads two more: `CAIRN_ENDPOINT`, the server that commands ask (`--endpoint`), and `CAIRN_DATA`, the data
directory they look in (`--data`).

## In the image

The image sets `CAIRN_DATA=/var/lib/cairn` and `CAIRN_LISTEN=0.0.0.0:4566`. Publish the port on the loopback address
(`-p 127.0.0.1:4566:4566`) unless others shall reach it: Cairn accepts any credentials.
"""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def command_line() -> str:
    """Return docs/cli.md: every command with its options and examples."""
    from tools.main import main

    pages = "\n".join(_command(command, ["cairn", name]) for name, command in main.commands.items())
    return f"""{NOTE}
# The command line

Each command works on a running server and, with `--data DIR`, on a data directory whose server is stopped. Without either
it looks for the server that has `./.cairn`, then at http://localhost:4566, then into `./.cairn` itself.

What prints has `--json`. Exit status: 0 all is well; 1 it failed, or `verify` and `replay` found something; 2 the command
line means nothing; 3 `status` found no server.

{pages}"""


def _command(command: click.Command, path: list[str]) -> str:
    if isinstance(command, click.Group):
        return "\n".join(_command(one, [*path, name]) for name, one in command.commands.items())
    context = click.Context(command, info_name=" ".join(path))
    usage = " ".join([" ".join(path), *command.collect_usage_pieces(context)])
    options = [
        record
        for parameter in command.get_params(context)
        if (record := parameter.get_help_record(context)) is not None
    ]
    text, _, examples = (command.help or "").partition("\b\n")
    lines = [f"## {' '.join(path)}", "", f"`{usage}`", "", *_paragraphs(text)]
    if examples:
        lines += ["```console", *_examples(examples), "```", ""]
    lines += ["| Option | Meaning |", "| --- | --- |"]
    lines += [f"| `{_cell(name)}` | {_cell(meaning)} |" for name, meaning in options]
    return "\n".join([*lines, ""])


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.strip().split("\n\n"):
        if paragraph.strip():
            yield " ".join(paragraph.split())
            yield ""


def _examples(text: str) -> Iterator[str]:
    for line in text.split("\n\n")[0].splitlines()[1:]:
        command, _, remark = line.strip().partition("   ")
        if command:
            yield f"$ {command}  # {remark.strip()}" if remark else f"$ {command}"


PAGES = {"configuration.md": configuration, "cli.md": command_line}


def build() -> None:
    """Write the pages."""
    for name, page in PAGES.items():
        (DOCS / name).write_text(page())


if __name__ == "__main__":
    build()
