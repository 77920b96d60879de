"""`cairn start`, `stop`, `restart`, `status` and `logs`."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from tools import printing
from tools.options import DEFAULT_ENDPOINT, Failure, Where, as_json, data_directory, fail, where

if TYPE_CHECKING:
    from app.config import Settings
    from tools.running import Server

_MEMORY = "/dev/shm"  # where an ephemeral server keeps its data, if there is room
_ROOM = 512 * 1024 * 1024
_NO_SERVER = 3  # how `status` ends where it finds none


@click.command()
@click.option("-d", "--detach", is_flag=True, help="Run in the background; `cairn logs` shows its log.")
@click.option(
    "--port", type=click.IntRange(0, 65535), metavar="PORT", help="Port to listen on; 0: any that is free.  [4566]"
)
@click.option("--host", metavar="ADDRESS", help="Address to listen on; 0.0.0.0: all.  [127.0.0.1]")
@click.option("--data", metavar="DIR", help="Directory that holds everything; also CAIRN_DATA.  [./.cairn]")
@click.option("--workers", type=click.IntRange(1), metavar="N", help="Worker processes.  [1]")
@click.option(
    "--durability", type=click.Choice(["strict", "relaxed", "memory"]),
    help="strict: on disk before the answer; relaxed: survives a killed process.  [strict]",
)  # fmt: skip
@click.option("--ephemeral", is_flag=True, help="Keep nothing: data in memory, gone when the server stops.")
def start(
    detach: bool, port: int | None, host: str | None, data: str | None, workers: int | None, durability: str | None,
    ephemeral: bool,
) -> None:  # fmt: skip
    """Run the server, in the foreground unless -d is given.

    \b
    Examples:
      cairn start
      cairn start -d --port 4567 --data ~/cairn
      cairn start --ephemeral           for a throw-away run
      CAIRN_LOG_FORMAT=json cairn start --durability relaxed

    docs/configuration.md lists all settings.
    """
    from app import config

    if ephemeral and data:
        raise click.UsageError("An ephemeral server has no data directory: say either --ephemeral or --data.")
    try:
        settings = config.load(
            data=data,
            workers=None if workers is None else str(workers),
            durability=durability,
            listen=_listen(host, port),
        )
    except config.BadSetting as error:
        raise click.UsageError(str(error)) from error
    if ephemeral:
        settings.data, settings.durability = _ephemeral(), durability or "memory"
    try:
        if detach:
            _start_detached(settings, ephemeral)
        else:
            _serve(settings, ephemeral)
    finally:
        if ephemeral and not detach:
            _forget(settings.data)


def _listen(host: str | None, port: int | None) -> str | None:
    """Return the address to listen on; None where the command line says nothing of it."""
    if host is None and port is None:
        return None
    host = host or "127.0.0.1"
    return f"{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{4566 if port is None else port}"


def _ephemeral() -> Path:
    """Return a fresh folder, in memory where there is room."""
    import shutil
    import tempfile

    roomy = os.path.isdir(_MEMORY) and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM
    return Path(tempfile.mkdtemp(prefix="cairn-ephemeral-", dir=_MEMORY if roomy else None))


def _forget(data: Path) -> None:
    import shutil

    if data.name.startswith("cairn-ephemeral-"):
        shutil.rmtree(data, ignore_errors=True)


def _serve(settings: Settings, ephemeral: bool) -> None:
    from app import config
    from app.server import DataDirectoryInUse, NotOurs, ServerOptions, serve

    ephemeral = ephemeral or settings.data.name.startswith("cairn-ephemeral-")
    _check_free(settings)
    os.environ.update(config.as_environment(settings))
    _note_settings(settings)
    _banner(settings, ephemeral)
    try:
        serve(
            ServerOptions(
                bind=list(settings.listen), data=settings.data, workers=settings.workers, cert=settings.cert,
                key=settings.key, log_level=settings.log_level,
            )
        )  # fmt: skip
    except DataDirectoryInUse as used:
        _in_use(settings.data, used.pid)
    except NotOurs as error:
        fail(str(error))
    except PermissionError as error:
        fail(
            f"{error.filename or settings.data} cannot be written: {error.strerror}.", "Choose another with --data DIR."
        )
    finally:
        if ephemeral:
            _forget(settings.data)


def _in_use(data: Path, pid: int) -> NoReturn:
    fail(
        f"{data} is in use by another Cairn server (pid {pid}).",
        f"Stop it with `cairn stop --data {data}`, or choose another directory with --data DIR.",
    )


def _check_free(settings: Settings) -> None:
    """Say at once, and plainly, where the directory or an address cannot be had; the server would try for seconds."""
    import errno
    import socket

    from tools.running import running

    known = running(settings.data)
    if known is not None:
        _in_use(settings.data, known.pid)

    for address in settings.listen:
        host, _, port = address.rpartition(":")
        host = host.strip("[]")
        if not port.isdigit():
            continue
        try:
            family, kind, protocol, _, target = socket.getaddrinfo(host or None, int(port), type=socket.SOCK_STREAM)[0]
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(target)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                advice = f"See who has it with `ss -ltnp 'sport = :{port}'`, or choose another with --port."
                fail(f"Port {port} is in use by another program.", advice)
            fail(f"{address} cannot be listened on: {error.strerror}.", "Choose another with --host and --port.")


def _note_settings(settings: Settings) -> None:
    """Keep what the server was told, for `cairn restart`."""
    import json

    from app import config
    from app.data_directory import prepare
    from tools.running import settings_file

    try:
        prepare(settings.data)
        settings_file(settings.data).write_text(json.dumps(config.as_environment(settings)) + "\n")
    except OSError as error:
        fail(f"{settings.data} cannot be written: {error.strerror}.", "Choose another directory with --data DIR.")


def _banner(settings: Settings, ephemeral: bool) -> None:
    if not sys.stderr.isatty():
        return
    endpoints = ", ".join(f"http://{_reachable(address)}" for address in settings.listen)
    _facts(endpoints, settings.data, settings.durability, ephemeral)
    click.echo(f"  {click.style('Stop', dim=True)}      Ctrl-C\n", err=True)


def _facts(endpoints: str, data: Path, durability: str, ephemeral: bool) -> None:
    from importlib import metadata

    kept = {
        "strict": "persistent: on disk before each answer",
        "relaxed": "persistent: survives a killed process, not a power cut",
        "memory": "not synced to disk",
    }[durability]
    told = "ephemeral: gone when the server stops" if ephemeral else kept

    def fact(name: str, value: str, more: str = "") -> None:
        click.echo(f"  {click.style(name.ljust(9), dim=True)} {value}{f'  ({more})' if more else ''}", err=True)

    click.echo(f"{click.style('Cairn', bold=True)} {metadata.version('cairn-aws')}", err=True)
    fact("Endpoint", click.style(endpoints, fg="green"))
    fact("Data", str(data), told)
    fact("Try", f"AWS_ENDPOINT_URL={endpoints.partition(',')[0]} aws s3 mb s3://mine")


def _reachable(address: str) -> str:
    host, _, port = address.rpartition(":")
    return f"localhost:{port}" if host in ("127.0.0.1", "0.0.0.0", "", "[::]", "[::1]") else address


def _start_detached(settings: Settings, ephemeral: bool) -> None:
    from app import config
    from tools.running import NotStarted, log_file
    from tools.running import start as start_in_background

    _check_free(settings)
    _note_settings(settings)
    try:
        with printing.spinner("Starting Cairn"):
            server = start_in_background(settings.data, config.as_environment(settings))
    except NotStarted as failed:
        path = log_file(settings.data)
        if failed.told:
            click.echo(failed.told, err=True)
        fail(f"Cairn did not start: {failed}.", f"Its log is {path}.")
    _started(server, settings, ephemeral)


def _started(server: Server, settings: Settings, ephemeral: bool) -> None:
    if sys.stderr.isatty():
        _facts(server.url, settings.data, settings.durability, ephemeral)
        where = "" if settings.data == Path("./.cairn").absolute() else f" --data {settings.data}"
        click.echo(f"  {click.style('Stop', dim=True)}      cairn stop{where}\n", err=True)
    else:
        click.echo(f"Cairn answers at {server.url} (pid {server.pid}), data in {settings.data}")


@click.command()
@as_json
@where
def stop(where: Where, as_json: bool) -> None:
    """Stop the server. Calls under way are finished first.

    \b
    Examples:
      cairn stop
      cairn stop --data ~/cairn
    """
    pid, place = _server_here(where)
    if not pid:
        if as_json:
            printing.echo_json({"stopped": None})
        else:
            click.echo(f"No server runs on {place}.")
        return
    _stop(pid)
    if as_json:
        printing.echo_json({"stopped": pid})
    else:
        click.echo(f"Stopped the server of {place} (pid {pid}).")


def _stop(pid: int) -> None:
    from tools import running

    with printing.spinner("Stopping Cairn"):
        stopped = running.stop(pid)
    if not stopped:
        fail(
            f"The server (pid {pid}) has not stopped after {running.PATIENCE:.0f} s.",
            f"End it with `kill -9 {pid}`: nothing acknowledged is lost.",
        )


def _server_here(where: Where) -> tuple[int, Path]:
    """Return (pid, data directory) of the server that is meant; pid 0 where none runs. Only of this machine."""
    from tools.over_http import Http
    from tools.running import running

    data = data_directory(where)
    if where.endpoint is None:
        server = running(data)
        if server is not None or where.data is not None:
            return (server.pid if server is not None else 0), data
    http = Http(where.endpoint or DEFAULT_ENDPOINT)
    if where.endpoint is None and not http.answers():
        return 0, data
    told = http.info()
    served = Path(told["data"])
    server = running(served)
    if server is None or server.pid != told["pid"]:
        fail(
            f"{http.where} is served by a process of another machine or container.",
            "Stop it where it runs: `docker stop NAME` for a container.",
        )
    return server.pid, served


@click.command()
@where
def restart(where: Where) -> None:
    """Stop the server if it runs, and start it in the background with the settings it had.

    \b
    Example:
      cairn restart
    """
    import json

    from app import config
    from tools import running

    pid, data = _server_here(where)
    told: dict[str, str] = {}
    try:
        told = json.loads(running.settings_file(data).read_text())
    except (OSError, ValueError):
        if not data.is_dir():
            fail(f"There is no Cairn data in {data}.", "Start a server with `cairn start`.")
    if pid:
        _stop(pid)
    settings = config.load({**os.environ, **told}, data=str(data))
    _start_detached(settings, ephemeral=False)


@click.command()
@as_json
@where
def status(where: Where, as_json: bool) -> None:
    """Show whether a server runs, where, since when, and what it holds.

    Ends with status 3 where no server runs.

    \b
    Examples:
      cairn status
      cairn status --json | jq .stacks
    """
    from tools.backend import find

    try:
        backend = find(where)
        told = backend.info()
    except Failure as failure:
        failure.exit_code = _NO_SERVER
        raise
    runs = told["pid"] is not None
    told["running"] = runs
    told["endpoint"] = backend.where if runs else None
    if as_json:
        printing.echo_json(told)
    else:
        _print_status(told)
    if not runs:
        sys.exit(_NO_SERVER)


def _print_status(told: dict[str, Any]) -> None:
    runs = told["running"]
    colour = sys.stdout.isatty()
    state = click.style("running", fg="green") if runs else click.style("stopped", fg="yellow")
    facts = {"Server": state if colour else click.unstyle(state)}
    if runs:
        facts |= {
            "Endpoint": told["endpoint"], "Process": f"{told['pid']}, {printing.many(told['workers'], 'worker')}",
            "Up for": printing.duration(told["uptime"]), "Durability": told["durability"],
            "Services": ", ".join(told["services"]),
        }  # fmt: skip
    facts |= {"Data": told["data"], "Blobs": f"{told['blobs']['count']:,}, {printing.size(told['blobs']['bytes'])}"}
    facts["Version"] = told["version"]
    for name, value in facts.items():
        click.echo(f"{name + ':':<12}{value}")
    if told["stacks"]:
        click.echo()
        printing.console().print(printing.stacks(told["stacks"]))
    if not runs:
        click.echo("\nStart it with `cairn start`.")


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Go on as lines come.")
@click.option("-n", "--lines", type=click.IntRange(0), default=100, metavar="N", help="The last N lines.  [100]")
@where
def logs(where: Where, follow: bool, lines: int) -> None:
    """Show the log of a server in the background: what it said, and a line for each call.

    \b
    Examples:
      cairn logs -n 20
      cairn logs -f
    """
    from tools.running import log_file

    _, data = _server_here(where)
    path = log_file(data)
    if not path.exists():
        fail(
            f"There is no log in {path}.",
            "A server in the foreground writes to its terminal; `cairn start -d` makes one.",
        )
    with path.open("rb") as file:
        try:
            for line in _tail(file, lines):
                click.echo(line, nl=False)
            while follow:
                line = file.readline()
                if line:
                    click.echo(line, nl=False)
                    continue
                if path.exists() and path.stat().st_ino != os.fstat(file.fileno()).st_ino:
                    fail("The log was put aside: a new server was started.", "Follow that one with `cairn logs -f`.")
                time.sleep(0.1)
        except KeyboardInterrupt:
            click.echo()
        except BrokenPipeError:
            os._exit(0)


def _tail(file: Any, count: int, piece: int = 64 * 1024) -> list[bytes]:
    """Return a file's last lines, and leave it at its end."""
    position = file.seek(0, os.SEEK_END)
    data = b""
    while position and data.count(b"\n") <= count:
        step = min(piece, position)
        position -= step
        file.seek(position)
        data = file.read(step) + data
    file.seek(0, os.SEEK_END)
    return data.splitlines(keepends=True)[-count:] if count else []
