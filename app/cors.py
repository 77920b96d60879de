"""CORS: which web pages may call, and what their browsers are told.

Pages on this machine (localhost in all its spellings) may, and those that CAIRN_CORS_ORIGINS lists. Any other page is
refused before its call has an effect, so that a page on the internet cannot drive a developer's stack. A bucket's own
CORS rules go first for requests to it (`app.services.s3`), since applications under test rely on them.
"""

from __future__ import annotations

from app.errors import AwsError
from app.http import Request, Response

EXPOSED = (
    "etag, x-amz-version-id, x-amz-request-id, x-amz-id-2, x-amzn-requestid, x-amzn-errortype, x-amz-delete-marker, "
    "x-amz-checksum-crc32, x-amz-checksum-crc32c, x-amz-checksum-crc64nvme, x-amz-checksum-sha1, x-amz-checksum-sha256, "
    "content-length, content-range, location, x-cairn-seq"
)
METHODS = "HEAD, GET, PUT, POST, DELETE, PATCH, OPTIONS"
_LOCAL = ("localhost", "127.0.0.1", "[::1]", "localhost.localstack.cloud")


class Origins:
    """Which origins may call."""

    def __init__(self, listed: tuple[str, ...] = ()) -> None:
        """`listed`: origins such as `https://app.example.com`; `*` allows all."""
        self._listed = frozenset(origin.rstrip("/").lower() for origin in listed)

    def allowed(self, origin: str) -> bool:
        """Tell whether a page of this origin may call."""
        origin = origin.lower()
        if "*" in self._listed or origin in self._listed:
            return True
        host = origin.partition("://")[2]
        if not host.endswith("]"):
            host = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        return host in _LOCAL or host.endswith((".localhost", ".localhost.localstack.cloud"))

    def preflight(self, request: Request) -> Response:
        """Answer a browser's question whether a page may make a request."""
        origin = request.headers["origin"]
        if not self.allowed(origin):
            return Response(403, [("content-type", "text/plain")], _refusal(origin).message.encode())
        headers = [
            *_granted(origin),
            ("access-control-allow-methods", METHODS),
            ("access-control-allow-headers", request.headers.get("access-control-request-headers", "*")),
            ("access-control-max-age", "600"),
        ]
        if request.headers.get("access-control-request-private-network") == "true":
            headers.append(("access-control-allow-private-network", "true"))
        return Response(200, headers)

    def check(self, origin: str) -> None:
        """Raise AwsError (403) where a page of this origin may not call."""
        if not self.allowed(origin):
            raise _refusal(origin)

    def grant(self, origin: str, response: Response) -> None:
        """Let the page read the answer, unless the service has said so itself."""
        if response.header("access-control-allow-origin") is None:
            response.headers += _granted(origin)


def _granted(origin: str) -> list[tuple[str, str]]:
    return [("access-control-allow-origin", origin), ("access-control-expose-headers", EXPOSED), ("vary", "origin")]


def _refusal(origin: str) -> AwsError:
    return AwsError(
        "AccessDenied",
        f"Web pages of {origin} may not call this server. Allow them with CAIRN_CORS_ORIGINS={origin} if they are yours.",
        status=403,
    )
