"""A call: one AWS request as handlers see it, with the only clock and the only source of ids they may use."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.config import Settings

BASE62 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


class Ids:
    """Random identifiers; drawn from the operating system, or from a seed so that a test can repeat them."""

    __slots__ = ("_pool", "_random")

    def __init__(self, seed: int | None = None) -> None:
        self._random = None if seed is None else random.Random(seed)
        self._pool = b""

    def bytes(self, count: int) -> bytes:
        """Return `count` random bytes."""
        if self._random is not None:
            return self._random.randbytes(count)
        if len(self._pool) < count:
            self._pool = os.urandom(max(4096, count))
        taken, self._pool = self._pool[:count], self._pool[count:]
        return taken

    def hex(self, digits: int) -> str:
        """Return lower-case hexadecimal digits."""
        return self.bytes((digits + 1) // 2).hex()[:digits]

    def uuid(self) -> str:
        """Return a version 4 UUID in its usual form."""
        raw = self.bytes(16).hex()
        return f"{raw[:8]}-{raw[8:12]}-4{raw[13:16]}-{'89ab'[int(raw[16], 16) & 3]}{raw[17:20]}-{raw[20:]}"

    def text(self, length: int, alphabet: str = BASE62) -> str:
        """Return random characters of an alphabet (of at most 256)."""
        size = len(alphabet)
        return "".join([alphabet[byte % size] for byte in self.bytes(length)])


class Call:
    """One AWS API request. Handlers read it and change nothing in it.

    `params` are named as boto3 names them; blobs are bytes, timestamps float seconds since the epoch. `now` is the
    stack's clock, read once. `ids` is the source of every generated value. `seq` is the seq that the first event of this
    command would get (handlers may derive ids from it).
    """

    __slots__ = (
        "access_key", "account", "arrived", "cause", "host", "ids", "now", "operation", "params", "principal",
        "protocol", "reactor", "region", "request_id", "scheme", "seq", "service", "settings", "source_ip", "stack_prefix",
        "user_agent",
    )  # fmt: skip

    def __init__(
        self,
        service: str,
        operation: str,
        params: dict[str, Any],
        *,
        account: str = "000000000000",
        region: str = "us-east-1",
        access_key: str | None = None,
        principal: str = "",
        request_id: str = "",
        protocol: str = "",
        host: str = "localhost:4566",
        scheme: str = "http",
        stack_prefix: str = "",
        source_ip: str = "127.0.0.1",
        user_agent: str = "",
        cause: int | None = None,
        reactor: str = "",
        settings: Settings | None = None,
        ids: Ids | None = None,
    ) -> None:
        self.service = service
        self.operation = operation
        self.params = params
        self.account = account
        self.region = region
        self.access_key = access_key
        self.principal = principal
        self.request_id = request_id
        self.protocol = protocol
        self.host = host
        self.scheme = scheme
        self.stack_prefix = stack_prefix
        self.source_ip = source_ip
        self.user_agent = user_agent
        self.cause = cause
        self.reactor = reactor
        self.settings = settings
        self.ids = ids or IDS
        self.now = 0.0  # set by the engine when the handler begins, by the stack's clock
        self.arrived = 0.0  # the clock when the call first reached the engine: one that waits runs more than once
        self.seq = 0

    def url(self, path: str) -> str:
        """Return a URL on this server as the caller reached it (host, scheme and stack prefix kept), for answers."""
        return f"{self.scheme}://{self.host}{self.stack_prefix}{path}"


IDS = Ids()
