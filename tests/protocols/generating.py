"""Values for any shape of any service model: seeded, bounded, and such that the wire can carry them unchanged."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.model import Shape
from botocore.utils import is_json_value_header

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TEXTS = (
    "x",
    "Some text",
    "a<b>&\"c' ]]>",
    " padded ",
    "tab\tnew\nline",
    "naïve – 日本 𝄞",
    "a=b&c=d+e%20f",
    "100%",
    "null",
)
PLAIN = ("x", "plain-text", "a_b.c", "Value1", "0")
DOCUMENTS: tuple[Any, ...] = ({"a": [1, "two", None, {"b": True}]}, {"text": "naïve"}, {"n": {"m": [0.5, -1]}})

DEEPEST = 14
BUDGET = 120  # values, after which only what is required is made


class Generator:
    """Makes one value for a shape; the same seed makes the same value."""

    def __init__(self, seed: str, *, response: bool = False, minimal: bool = False) -> None:
        """`response`: restrict values to what botocore's parsers can read back; `minimal`: required members only."""
        self._random = random.Random(seed)
        self._response = response
        self._minimal = minimal
        self._left = BUDGET

    def structure(self, shape: Shape, skip: frozenset[str] = frozenset()) -> dict[str, Any]:
        """Make a value for an operation's input or output."""
        result: dict[str, Any] = self._structure(shape, 0, skip)
        return result

    def value(self, shape: Shape, depth: int = 0) -> Any:
        """Make a value for any shape."""
        self._left -= 1
        if is_json_value_header(shape) or getattr(shape, "is_document_type", False):
            return self._random.choice(DOCUMENTS)
        make = getattr(self, f"_{shape.type_name}")
        return make(shape, depth)

    def _sparse(self, depth: int) -> bool:
        return self._minimal or self._left < 0 or depth > DEEPEST

    def _structure(self, shape: Shape, depth: int, skip: frozenset[str] = frozenset()) -> dict[str, Any]:
        members = [name for name in shape.members if name not in skip]
        required = [name for name in members if name in shape.required_members or self._is_bound(shape, name)]
        if shape.is_tagged_union:
            # The shallowest kind of member ends a recursion.
            ends = [name for name in members if shape.members[name].type_name not in ("structure", "list", "map")]
            chosen = [self._random.choice(ends if ends and self._sparse(depth) else members)]
        elif self._sparse(depth):
            chosen = required
        elif depth > 3:
            chosen = [name for name in members if name in required or self._random.random() < 0.4]
        else:
            chosen = members
        if depth > 40:
            return {}
        return {name: self.value(shape.members[name], depth + 1) for name in chosen}

    @staticmethod
    def _is_bound(shape: Shape, name: str) -> bool:
        serialization = shape.members[name].serialization
        return serialization.get("location") == "uri" or bool(serialization.get("hostLabel"))

    def _list(self, shape: Shape, depth: int) -> list[Any]:
        low = shape.metadata.get("min", 0)
        high = shape.metadata.get("max") or 2
        count = max(low, 1) if self._sparse(depth) else max(low, min(high, self._random.choice((1, 2))))
        return [self._element(shape, depth + 1) for _ in range(max(count, 1))]

    def _element(self, shape: Shape, depth: int) -> Any:
        if shape.serialization.get("location") in ("header", "querystring") and shape.member.type_name == "string":
            return self._fit(shape.member, self._random.choice(PLAIN))
        return self.value(shape.member, depth)

    def _map(self, shape: Shape, depth: int) -> dict[str, Any]:
        low = shape.metadata.get("min", 0)
        wanted = max(low, 1)
        out: dict[str, Any] = {}
        bound = shape.serialization.get("location")
        while len(out) < wanted and len(out) < 50:
            key = self._string(shape.key, depth)
            if bound:
                key = f"key{len(out)}"
            elif key in out:
                key = f"{key}{len(out)}"
                if shape.key.enum:
                    break
            out[key] = f"v{len(out)}" if bound == "headers" else self.value(shape.value, depth + 1)
        return out

    def _string(self, shape: Shape, depth: int) -> str:
        if shape.enum:
            return self._random.choice(shape.enum)
        location = shape.serialization.get("location")
        if shape.serialization.get("hostLabel"):
            return self._fit(shape, "Label1")
        if location in ("header", "headers", "uri"):
            return self._fit(shape, self._random.choice(PLAIN))
        return self._fit(shape, self._random.choice(TEXTS))

    _character = _string

    @staticmethod
    def _fit(shape: Shape, text: str) -> str:
        return text.ljust(shape.metadata.get("min", 0), "x")

    def _integer(self, shape: Shape, depth: int) -> int:
        if shape.serialization.get("location") == "statusCode":
            return 200
        low = int(shape.metadata.get("min", -5))
        return max(low, min(int(shape.metadata.get("max", 1000)), low + self._random.randrange(50)))

    def _long(self, shape: Shape, depth: int) -> int:
        if "max" not in shape.metadata and "min" not in shape.metadata:
            return self._random.choice((0, -1, 2**40, 2**53 + 1))
        return self._integer(shape, depth)

    def _double(self, shape: Shape, depth: int) -> float:
        low = float(shape.metadata.get("min", -2))
        return min(float(shape.metadata.get("max", 1e6)), low + self._random.choice((0.25, 0.5, 0.75)))

    _float = _double

    def _boolean(self, shape: Shape, depth: int) -> bool:
        return self._random.random() < 0.5

    def _blob(self, shape: Shape, depth: int) -> bytes:
        size = max(shape.metadata.get("min", 0), self._random.choice((1, 2, 3, 10)))
        return bytes(self._random.randrange(256) for _ in range(size))

    def _timestamp(self, shape: Shape, depth: int) -> datetime:
        serialization = shape.serialization
        whole = serialization.get("timestampFormat") == "rfc822" or serialization.get("location") == "header"
        seconds = self._random.choice((0, 1, 1_700_000_000, 951_782_400, 4_102_444_799))
        return EPOCH + timedelta(seconds=seconds, milliseconds=0 if whole else self._random.choice((0, 5, 250, 999)))
