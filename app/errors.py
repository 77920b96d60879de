"""The one exception that handlers raise for an answer which AWS calls an error."""

from __future__ import annotations

from typing import Any


class AwsError(Exception):
    """An error as AWS answers it.

    `code` is the error's name in the service's model, or the bare code AWS documents for it. Status, query-compatible
    code and fault come from the model where it has the shape; `status` overrides (needed for codes that are in no
    model; 400 otherwise). `fields` are the error shape's modelled members besides the message, named as in the model
    (for example `CancellationReasons=[…]`). `headers` are added to the response.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        status: int | None = None,
        headers: dict[str, str] | None = None,
        **fields: Any,
    ) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.message = message
        self.status = status
        self.headers = headers or {}
        self.fields = fields


class NotBuilt(AwsError):
    """An operation of AWS that Cairn does not have yet: 501, said plainly, never an invented success."""

    def __init__(self, service: str, operation: str) -> None:
        super().__init__("NotImplemented", f"Cairn does not implement {service}:{operation} yet.", status=501)
