"""Every setting: its name, environment variables, default and meaning, in one table.

Precedence: what is passed to `load`, then the CAIRN_ variable, then the names other emulators' users have, then the default.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple


class BadSetting(ValueError):
    """A setting's value means nothing; the message says what would."""


class Setting(NamedTuple):
    """One setting. `variables` in order of precedence; `parse` raises BadSetting."""

    name: str
    variables: tuple[str, ...]
    default: str
    parse: Callable[[str], Any]
    meaning: str


def _text(value: str) -> str:
    return value


def _flag(value: str) -> bool:
    if value.lower() in ("1", "true", "yes", "on"):
        return True
    if value.lower() in ("", "0", "false", "no", "off"):
        return False
    raise BadSetting(f"{value!r} is neither yes nor no: use 1 or 0")


def _count(value: str) -> int:
    try:
        number = int(value)
    except ValueError:
        raise BadSetting(f"{value!r} is not a whole number") from None
    if number < 0:
        raise BadSetting(f"{value} is negative")
    return number


def _one_of(*allowed: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value.lower() not in allowed:
            raise BadSetting(f"{value!r} is not one of {', '.join(allowed)}")
        return value.lower()

    return parse


def _path(value: str) -> Path:
    return Path(value).expanduser().absolute()


def _optional_path(value: str) -> Path | None:
    return _path(value) if value else None


def _names(value: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in value.split(",") if name.strip())


SETTINGS = (
    Setting("data", ("CAIRN_DATA", "DATA_DIR"), "./.cairn", _path, "Directory that holds everything: stacks, blobs, logs."),
    Setting("listen", ("CAIRN_LISTEN", "GATEWAY_LISTEN"), "127.0.0.1:4566", _names, "Addresses to listen on, host:port,…"),
    Setting("workers", ("CAIRN_WORKERS",), "1", _count, "Worker processes (docs/decisions/0003-workers.md)."),
    Setting(
        "durability", ("CAIRN_DURABILITY",), "strict", _one_of("strict", "relaxed", "memory"),
        "strict: on disk before the answer; relaxed: survives a killed process; memory: for throw-away runs.",
    ),
    Setting("services", ("CAIRN_SERVICES", "SERVICES"), "", _names, "Services to serve; empty means all."),
    Setting("log_level", ("CAIRN_LOG_LEVEL", "LS_LOG"), "info", _one_of("trace", "debug", "info", "warn", "warning", "error"),
            "What is logged."),
    Setting("log_format", ("CAIRN_LOG_FORMAT",), "text", _one_of("text", "json"), "Access log: text or json."),
    Setting("host", ("CAIRN_HOST", "LOCALSTACK_HOST"), "", _text, "host:port in returned URLs; empty: the caller's."),
    Setting("cert", ("CAIRN_TLS_CERT", "CUSTOM_SSL_CERT_PATH"), "", _optional_path, "Certificate (PEM); empty: self-signed."),
    Setting("key", ("CAIRN_TLS_KEY",), "", _optional_path, "Private key (PEM), where the certificate's file lacks it."),
    Setting("cors_origins", ("CAIRN_CORS_ORIGINS", "EXTRA_CORS_ALLOWED_ORIGINS"), "", _names,
            "Origins of web pages that may call, besides localhost; * allows all."),
    Setting("map_size", ("CAIRN_MAP_SIZE",), str(64 << 30), _count, "Address space first reserved for a journal, in bytes."),
    Setting("max_body", ("CAIRN_MAX_BODY",), str(128 << 20), _count, "Largest request body that is not streamed, in bytes."),
    Setting("sqs_purge_retry", ("CAIRN_SQS_DELAY_PURGE_RETRY", "SQS_DELAY_PURGE_RETRY"), "0", _flag,
            "Refuse a second PurgeQueue within 60 seconds, as AWS does."),
    Setting("sqs_recently_deleted", ("CAIRN_SQS_DELAY_RECENTLY_DELETED", "SQS_DELAY_RECENTLY_DELETED"), "0", _flag,
            "Refuse to create a queue within 60 seconds of its deletion, as AWS does."),
    Setting("parity_access_keys", ("CAIRN_PARITY_AWS_ACCESS_KEY_ID", "PARITY_AWS_ACCESS_KEY_ID"), "0", _flag,
            "Take the account from access keys that begin with AKIA or ASIA too."),
)  # fmt: skip


class Settings:
    """The settings in force; an attribute each. `sources` says where each came from."""

    data: Path
    listen: tuple[str, ...]
    workers: int
    durability: str
    services: tuple[str, ...]
    log_level: str
    log_format: str
    host: str
    cert: Path | None
    key: Path | None
    cors_origins: tuple[str, ...]
    map_size: int
    max_body: int
    sqs_purge_retry: bool
    sqs_recently_deleted: bool
    parity_access_keys: bool

    def __init__(self) -> None:
        self.sources: dict[str, str] = {}


def load(environ: Mapping[str, str] | None = None, **given: str | None) -> Settings:
    """Read all settings. `given` are those of the command line, as text. Raises BadSetting naming the variable."""
    environ = os.environ if environ is None else environ
    settings = Settings()
    for setting in SETTINGS:
        value, source = setting.default, "default"
        passed = given.pop(setting.name, None)
        if passed is not None:
            value, source = passed, "command line"
        else:
            for variable in setting.variables:
                if environ.get(variable):
                    value, source = environ[variable], variable
                    break
        try:
            parsed = setting.parse(value)
        except BadSetting as error:
            raise BadSetting(f"{source}: {error}") from None
        setattr(settings, setting.name, parsed)
        settings.sources[setting.name] = source
    if given:
        raise TypeError(f"no such settings: {', '.join(given)}")
    return settings


def as_environment(settings: Settings) -> dict[str, str]:
    """Return the variables that make load() give the same settings in another process."""
    values = {}
    for setting in SETTINGS:
        value = getattr(settings, setting.name)
        if isinstance(value, tuple):
            text = ",".join(value)
        elif isinstance(value, bool):
            text = "1" if value else "0"
        else:
            text = "" if value is None else str(value)
        values[setting.variables[0]] = text
    return values
