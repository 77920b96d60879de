"""Constraints of the models, compiled per operation: a quick test that walks what was sent, an explanation if it fails.

The test answers yes or no and builds nothing. Only after a no does the explanation walk the model and word, as Coral
does, every constraint that does not hold.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.errors import AwsError
from app.protocols.constraint_styles import ENUM, LENGTH, PATTERN, RANGE, REQUIRED, Style, style_of
from app.protocols.http_bindings import BODY, location
from app.protocols.models import Ref, ServiceModel, Shape
from app.protocols.patterns import compile_pattern

Test = Callable[[Any], bool]

NUMBERS = frozenset({"integer", "long", "float", "double"})
SIZED = frozenset({"string", "list", "map", "blob"})
MISSING_BODY = AwsError("MissingRequestBodyError", "Request Body is empty", status=400)


class Constraints:
    """The constraints of one service's shapes, each compiled once."""

    def __init__(self, model: ServiceModel) -> None:
        self._model = model
        self._style = style_of(model)
        self._compiled: dict[str, Test | None] = {}

    def validator(self, operation: str) -> Callable[[dict[str, Any]], None] | None:
        """Return the function that raises the service's error for bad parameters, or None where all are good."""
        definition = self._model.operation(operation)
        style = self._style
        if "input" not in definition or operation in style.skip or not style.checks:
            return None
        shape = self._model.shape(definition["input"]["shape"])
        members = {
            name: ref
            for name, ref in shape["members"].items()
            if f"{operation}.{name}" not in style.skip and not (style.body_only and location(ref) != BODY)
        }
        required = [name for name in shape.get("required", ()) if name in members]
        if style.body_only:
            payload: str = shape.get("payload", "")
            if payload in required and self._model.resolve(members[payload])["type"] == "structure":
                return _body_validator(payload, self._validator(definition, members, []))
            if payload:
                required = []
        return self._validator(definition, members, required)

    def _validator(
        self, definition: dict[str, Any], members: dict[str, Ref], required: list[str]
    ) -> Callable[[dict[str, Any]], None] | None:
        name = definition["input"]["shape"]
        if REQUIRED not in self._style.checks:
            required = []
        test = self._structure_test(name, members, required)
        if test is None:
            return None
        partial: Shape = {"type": "structure", "shape": name, "members": members, "required": required}

        def validate(params: dict[str, Any]) -> None:
            if not test(params):
                self._refuse(partial, params)

        return validate

    def _refuse(self, shape: Shape, params: dict[str, Any]) -> None:
        style = self._style
        if style.message is not None:
            raise AwsError(style.code, style.message, status=400)
        found: list[str] = []
        missing: list[str] = []
        self._explain_structure(shape, params, "", found, missing)
        if style.missing is not None and missing:
            code, template = style.missing
            raise AwsError(code, template.format(member=missing[0]), status=400)
        if found:
            noun = "error" if len(found) == 1 else "errors"
            raise AwsError(style.code, f"{len(found)} validation {noun} detected: {'; '.join(found)}", status=400)

    # The quick test

    def _test(self, ref: Ref) -> Test | None:
        name = ref["shape"]
        if name not in self._compiled:
            shape = self._model.shape(name)
            kind = shape["type"]
            if kind in ("structure", "list", "map") and not self._constrained(name, set()):
                self._compiled[name] = None
            elif kind == "structure":
                self._compiled[name] = lambda value: self._compiled[name](value)  # type: ignore[misc]
                required = shape.get("required", []) if REQUIRED in self._style.checks else []
                self._compiled[name] = self._structure_test(name, shape["members"], required)
            elif kind in ("list", "map"):
                self._compiled[name] = lambda value: self._compiled[name](value)  # type: ignore[misc]
                self._compiled[name] = self._collection_test(shape)
            else:
                self._compiled[name] = _scalar_test(shape, self._checks(shape))
        return self._compiled[name]

    def _checks(self, shape: Shape) -> list[str]:
        """Return which of the style's checks this shape itself has something for."""
        kind = shape["type"]
        found = []
        if kind in SIZED and ("min" in shape or "max" in shape):
            found.append(LENGTH)
        if kind in NUMBERS and ("min" in shape or "max" in shape):
            found.append(RANGE)
        if kind == "string" and "pattern" in shape:
            found.append(PATTERN)
        if kind == "string" and "enum" in shape:
            found.append(ENUM)
        return [each for each in found if each in self._style.checks]

    def _constrained(self, name: str, seen: set[str]) -> bool:
        if name in seen:
            return False
        seen.add(name)
        shape = self._model.shape(name)
        if shape.get("document"):
            return False
        if self._checks(shape):
            return True
        if shape["type"] == "structure":
            if REQUIRED in self._style.checks and shape.get("required"):
                return True
            return any(self._constrained(ref["shape"], seen) for ref in shape["members"].values())
        return any(
            self._constrained(shape[each]["shape"], seen) for each in ("member", "key", "value") if each in shape
        )

    def _structure_test(self, name: str, members: dict[str, Ref], required: list[str]) -> Test | None:
        skip = self._style.skip
        tests = {}
        for member, ref in members.items():
            if f"{name}.{member}" not in skip:
                test = self._test(ref)
                if test is not None:
                    tests[member] = test
        needed = tuple(member for member in required if f"{name}.{member}" not in skip)
        if not tests and not needed:
            return None
        return _structure_test(tests, needed)

    def _collection_test(self, shape: Shape) -> Test:
        low, high = shape.get("min", 0), shape.get("max", float("inf"))
        if LENGTH not in self._style.checks:
            low, high = 0, float("inf")
        if shape["type"] == "list":
            return _list_test(low, high, self._test(shape["member"]))
        return _map_test(low, high, self._test(shape["key"]), self._test(shape["value"]))

    # The explanation

    def _explain(self, ref: Ref, value: Any, path: str, found: list[str], missing: list[str]) -> None:
        test = self._test(ref)
        if test is None or test(value):
            return
        shape = self._model.resolve(ref)
        kind = shape["type"]
        if kind == "structure":
            self._explain_structure(shape, value, path, found, missing)
            return
        for constraint, holds in self._own(shape, value):
            if not holds:
                found.append(_failed(shape, value, path, constraint))
        if kind == "list":
            self._explain_list(shape, value, path, found, missing)
        elif kind == "map":
            self._explain_map(shape, value, path, found, missing)

    def _explain_structure(
        self, shape: Shape, value: dict[str, Any], path: str, found: list[str], missing: list[str]
    ) -> None:
        prefix = f"{path}." if path else ""
        for member in shape.get("required", ()):
            if value.get(member) is None and f"{shape['shape']}.{member}" not in self._style.skip:
                missing.append(f"{prefix}{member}")
                found.append(
                    f"Value null at '{prefix}{_lower_first(member)}' failed to satisfy constraint: "
                    "Member must not be null"
                )
        for member, item in value.items():
            ref = shape["members"].get(member)
            if ref is not None and item is not None and f"{shape['shape']}.{member}" not in self._style.skip:
                self._explain(ref, item, f"{prefix}{_lower_first(member)}", found, missing)

    def _explain_list(self, shape: Shape, value: list[Any], path: str, found: list[str], missing: list[str]) -> None:
        inner = self._model.resolve(shape["member"])
        if inner["type"] in ("structure", "list", "map"):
            for index, item in enumerate(value, 1):
                if item is not None:
                    self._explain(shape["member"], item, f"{path}.{index}.member", found, missing)
            return
        test = self._test(shape["member"])
        if test is not None and not all(test(item) for item in value if item is not None):
            constraints = ", ".join(each for each, _ in self._own(inner, None))
            found.append(_failed(shape, value, path, f"Member must satisfy constraint: [{constraints}]"))

    def _explain_map(
        self, shape: Shape, value: dict[str, Any], path: str, found: list[str], missing: list[str]
    ) -> None:
        key_test = self._test(shape["key"])
        if key_test is not None and not all(key_test(key) for key in value):
            constraints = ", ".join(each for each, _ in self._own(self._model.resolve(shape["key"]), None))
            found.append(_failed(shape, value, path, f"Map keys must satisfy constraint: [{constraints}]"))
        inner = self._model.resolve(shape["value"])
        if inner["type"] in ("structure", "list", "map"):
            for key, item in value.items():
                if item is not None:
                    self._explain(shape["value"], item, f"{path}.{key}.member", found, missing)
            return
        test = self._test(shape["value"])
        if test is not None and not all(test(item) for item in value.values() if item is not None):
            constraints = ", ".join(each for each, _ in self._own(inner, None))
            found.append(_failed(shape, value, path, f"Map value must satisfy constraint: [{constraints}]"))

    def _own(self, shape: Shape, value: Any) -> list[tuple[str, bool]]:
        """Return a shape's own constraints in words, and whether each holds for a value."""
        found: list[tuple[str, bool]] = []
        checks = self._checks(shape)
        if LENGTH in checks or RANGE in checks:
            noun = "length" if LENGTH in checks else "value"
            size = value if noun == "value" or value is None else len(value)
            if "max" in shape:
                holds = value is None or size <= shape["max"]
                found.append((f"Member must have {noun} less than or equal to {shape['max']}", holds))
            if "min" in shape:
                holds = value is None or size >= shape["min"]
                found.append((f"Member must have {noun} greater than or equal to {shape['min']}", holds))
        if PATTERN in checks:
            compiled = compile_pattern(shape["pattern"])
            holds = value is None or compiled is None or compiled.search(value) is not None
            found.append((f"Member must satisfy regular expression pattern: {shape['pattern']}", holds))
        if ENUM in checks:
            holds = value is None or value in shape["enum"]
            found.append((f"Member must satisfy enum value set: [{', '.join(shape['enum'])}]", holds))
        return found


def _body_validator(payload: str, inner: Callable[[dict[str, Any]], None] | None) -> Callable[[dict[str, Any]], None]:
    def validate(params: dict[str, Any]) -> None:
        if params.get(payload) is None:
            raise AwsError(MISSING_BODY.code, MISSING_BODY.message, status=400)
        if inner is not None:
            inner(params)

    return validate


def _structure_test(tests: dict[str, Test], required: tuple[str, ...]) -> Test:
    test_of = tests.get

    def test(value: Any) -> bool:
        for member in required:
            if value.get(member) is None:
                return False
        for member, item in value.items():
            check = test_of(member)
            if check is not None and item is not None and not check(item):
                return False
        return True

    return test


def _list_test(low: float, high: float, inner: Test | None) -> Test:
    def test(value: Any) -> bool:
        if not low <= len(value) <= high:
            return False
        if inner is not None:
            for item in value:
                if item is not None and not inner(item):
                    return False
        return True

    return test


def _map_test(low: float, high: float, key_test: Test | None, value_test: Test | None) -> Test:
    def test(value: Any) -> bool:
        if not low <= len(value) <= high:
            return False
        for key, item in value.items():
            if key_test is not None and not key_test(key):
                return False
            if value_test is not None and item is not None and not value_test(item):
                return False
        return True

    return test


def _scalar_test(shape: Shape, checks: list[str]) -> Test | None:
    if not checks:
        return None
    low, high = shape.get("min", float("-inf")), shape.get("max", float("inf"))
    if shape["type"] == "blob":
        return lambda value: not hasattr(value, "__len__") or low <= len(value) <= high
    if RANGE in checks:
        return lambda value: low <= value <= high
    if ENUM in checks:
        allowed = frozenset(shape["enum"])
        if checks == [ENUM]:
            return allowed.__contains__
        rest = _scalar_test(shape, [each for each in checks if each != ENUM])
        return lambda value: value in allowed and (rest is None or rest(value))
    if PATTERN in checks:
        return _pattern_test(shape["pattern"], low, high) if LENGTH in checks else _pattern_test(shape["pattern"])
    return lambda value: low <= len(value) <= high


def _pattern_test(pattern: str, low: float = 0, high: float = float("inf")) -> Test:
    compiled = None
    ready = False

    def test(value: Any) -> bool:
        nonlocal compiled, ready
        if not low <= len(value) <= high:
            return False
        if not ready:
            compiled, ready = compile_pattern(pattern), True
        return compiled is None or compiled.search(value) is not None

    return test


def _lower_first(name: str) -> str:
    return name[:1].lower() + name[1:]


def _failed(shape: Shape, value: Any, path: str, constraint: str) -> str:
    shown = "Value" if shape.get("sensitive") else f"Value '{_show(value)}'"
    return f"{shown} at '{path}' failed to satisfy constraint: {constraint}"


def _show(value: Any) -> str:
    """Return a value as Java's toString shows it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(_show(each) for each in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}={_show(each)}' for key, each in value.items())}}}"
    if isinstance(value, bytes):
        return f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
    return str(value)


__all__ = ["Constraints", "Style"]
