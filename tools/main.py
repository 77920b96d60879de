"""The `cairn` command."""

from __future__ import annotations

import os
import sys

import click


@click.group()
def main() -> None:
    """Cairn: a free, fast, durable AWS emulator that keeps everything it was ever told."""


@main.command()
@click.option("--port", type=int, default=None, help="Port to listen on (4566; 0: any that is free).")
@click.option("--data", default=None, help="Data directory (./.cairn).")
@click.option("--workers", default=None, help="Worker processes.")
def start(port: int | None, data: str | None, workers: str | None) -> None:
    """Run the server in the foreground."""
    from app import config
    from app.server import ServerOptions, serve

    listen = None if port is None else f"127.0.0.1:{port}"
    settings = config.load(data=data, workers=workers, listen=listen)
    os.environ.update(config.as_environment(settings))
    serve(
        ServerOptions(
            bind=list(settings.listen), data=settings.data, workers=settings.workers, cert=settings.cert, key=settings.key,
            log_level=settings.log_level,
        )
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
