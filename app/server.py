"""The server: gunicorn run from Python, with our worker, our arbiter, and one dispatcher process beside them."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from .arbiter import CairnArbiter
from .data_directory import DataDirectoryInUse, locked, prepare, withdraw
from .pulse import Limits
from .tls import Certificates
from .worker import CairnWorker

__all__ = ["DataDirectoryInUse", "Limits", "NotOurs", "ServerOptions", "serve", "serving"]

log = logging.getLogger("cairn.server")

CONNECTIONS = 20_000  # a worker's; each costs a file descriptor and some 20 KB
STUCK = 300  # seconds without a sign of life after which the arbiter kills a worker: rebuilding tables may take long
HERE = Path(__file__).resolve().parent


class NotOurs(Exception):
    """The package named `app` is not Cairn's."""


@dataclass(frozen=True)
class ServerOptions:
    """What a server is started with."""

    bind: list[str]
    data: Path
    workers: int = 1
    app: str = "app.edge:application"  # module:function; called in each worker without arguments, returns a WSGI app
    dispatcher: str | None = "app.dispatcher.main:run"  # module:function; called as run(options, stop)
    cert: Path | None = None
    key: Path | None = None
    graceful_timeout: float = 30
    keepalive: float = 75
    log_level: str = "info"
    limits: Limits = field(default_factory=Limits)


serving: ServerOptions | None = None
"""What this process, and the workers and dispatcher forked from it, were started with."""


def serve(options: ServerOptions) -> None:
    """Serve until SIGTERM or SIGINT; returns after a clean stop.

    Raises DataDirectoryInUse where another server has the directory, NotOurs where `app` is somebody else's
    package, OSError where the certificate cannot be used, and SystemExit with a status other than 0 where the
    address is taken or workers cannot start; the log says why.
    """
    global serving
    serving = options
    _check_packages()
    _prepare_logging(options.log_level)
    for name in ("GUNICORN_PID", "GUNICORN_FD", "GUNICORN_CMD_ARGS"):  # of a gunicorn that we may be running under
        os.environ.pop(name, None)
    _raise_file_limit()
    prepare(options.data)
    with locked(options.data) as lock:
        arbiter = CairnArbiter(_Gunicorn(options), options.data, options.dispatcher, options, lock)
        try:
            arbiter.run()
        except SystemExit as end:
            if end.code not in (0, None):
                raise
        finally:
            withdraw(options.data)


def load(name: str) -> Callable[..., Any]:
    """Import "module:function"."""
    module, _, attribute = name.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    return function


def _check_packages() -> None:
    """Make sure that `import app` means us: the name is common, and a project's own folder may come first."""
    sys.path[:] = [path for path in sys.path if path not in ("", ".")]
    if str(HERE.parent) not in sys.path:
        sys.path.append(str(HERE.parent))
    package = importlib.import_module("app")
    places = {Path(path).resolve() for path in package.__path__}
    if places != {HERE}:
        others = ", ".join(str(path) for path in sorted(places - {HERE})) or "an unknown place"
        raise NotOurs(
            f"Cairn's package 'app' is mixed up with another one at {others}. "
            "Install Cairn in an environment of its own, and start it with PYTHONPATH unset."
        )


def _prepare_logging(level: str) -> None:
    """Let our loggers speak, where whoever started us has not set logging up."""
    logging.getLogger("cairn").setLevel(level.upper())
    if not logging.getLogger().handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
        logging.getLogger().addHandler(handler)


def _raise_file_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + 1000 if hard == resource.RLIM_INFINITY else min(hard, CONNECTIONS + 1000)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # macOS has a lower limit than the one it tells
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class _Log(Logger):  # type: ignore[misc]
    """gunicorn's messages in our log. What it tells of its own life is of interest to debuggers only."""

    def setup(self, cfg: Any) -> None:
        self.cfg = cfg
        self.error_log = logging.getLogger("cairn.gunicorn")
        self.access_log = logging.getLogger("cairn.gunicorn.access")
        self.access_log.disabled = True
        self._access_log_enabled = False

    def info(self, msg: str, *args: Any, **kwargs: Any) -> None:
        self.error_log.debug(msg, *args, **kwargs)

    def access(self, *args: Any, **kwargs: Any) -> None:
        """The edge writes its own access log."""

    def reopen_files(self) -> None:
        """Our handlers are not gunicorn's to reopen."""

    def close_on_exec(self) -> None:
        """Python's files are close-on-exec by themselves."""


class _Gunicorn(BaseApplication):  # type: ignore[misc]
    """Gunicorn's idea of an application: its settings, and how to load the WSGI app in a worker."""

    def __init__(self, options: ServerOptions) -> None:
        self.options = options
        certificates = Certificates(options.data / "tls", options.cert, options.key)
        limits = replace(options.limits, keepalive=options.keepalive)
        # Made once, not at each reload: the arbiter hangs its pipes on it.
        self.worker = type("CairnWorker", (CairnWorker,), {"limits": limits, "certificates": certificates})
        if options.cert is not None:
            certificates.context()  # a wrong path is told now, not to the first client
        super().__init__()

    def load_config(self) -> None:
        options = self.options
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        settings: dict[str, Any] = {
            "bind": options.bind,
            "workers": options.workers,
            "worker_class": self.worker,
            "worker_connections": CONNECTIONS if soft == resource.RLIM_INFINITY else min(CONNECTIONS, soft - 200),
            "worker_tmp_dir": _scratch(options.data),
            "timeout": STUCK,
            "graceful_timeout": max(1, round(options.graceful_timeout)),
            "keepalive": max(1, round(options.keepalive)),
            "loglevel": options.log_level,
            "logger_class": _Log,
            "accesslog": None,
            "errorlog": "-",
            "control_socket_disable": True,
            "proc_name": "cairn",
            "preload_app": False,
            "post_fork": _after_fork,
            "child_exit": _after_exit,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return load(self.options.app)()


def _after_fork(arbiter: CairnArbiter, worker: CairnWorker) -> None:
    arbiter.become_child()


def _after_exit(arbiter: CairnArbiter, worker: CairnWorker) -> None:
    arbiter.worker_ended(worker.pid)


def _scratch(data: Path) -> str:
    """Return where workers' heartbeat files go: in memory, since a busy disk must not look like a dead worker."""
    memory = "/dev/shm"
    return memory if os.path.isdir(memory) and os.access(memory, os.W_OK) else str(data / "run")
