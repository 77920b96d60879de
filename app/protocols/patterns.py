"""Java's regular expressions, in which the models write their patterns, translated to Python's."""

from __future__ import annotations

import re
import unicodedata
import warnings
from functools import lru_cache

# Every assigned character lies in the first three planes or in the tags of plane 14.
PLANES = (range(0x32400), range(0xE0000, 0xE0200))

POSIX = {
    "Alpha": "a-zA-Z",
    "Digit": "0-9",
    "Alnum": "a-zA-Z0-9",
    "Upper": "A-Z",
    "Lower": "a-z",
    "Punct": r"!-/:-@\[-`{-~",
    "ASCII": r"\x00-\x7f",
    "Graph": "!-~",
    "Print": " -~",
    "Blank": r" \t",
    "Cntrl": r"\x00-\x1f\x7f",
    "XDigit": "0-9a-fA-F",
    "Space": r"\s",
}
OTHER_NAMES = {"IsAlphabetic": "L", "IsLetter": "L", "IsDigit": "Nd", "Letter": "L", "IsWhite_Space": "Z"}

_SURROGATES = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_BRACED = re.compile(r"\\[xu]\{([0-9a-fA-F]{1,6})\}")
_PROPERTY = re.compile(r"\\([pP])(?:\{\^?(\w+)\}|(\w))")
_FLAGS = re.compile(r"\(\?([a-zA-Z]+)\)")
FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}  # (?u), (?U) widen what re.ASCII narrows: left out
_UNTRANSLATED = re.compile(r"&&|\\[QEGX]")


class Untranslatable(ValueError):
    """Python's `re` cannot say what this pattern says."""


@lru_cache(maxsize=1)
def _by_category() -> dict[str, list[tuple[int, int]]]:
    """Return the ranges of code points of each Unicode category: 20 ms, once, where a model needs it."""
    ranges: dict[str, list[tuple[int, int]]] = {}
    for plane in PLANES:
        start, previous = plane.start, ""
        for point in plane:
            category = unicodedata.category(chr(point))
            if category != previous:
                if previous:
                    ranges.setdefault(previous, []).append((start, point - 1))
                start, previous = point, category
        ranges.setdefault(previous, []).append((start, plane.stop - 1))
    return ranges


@lru_cache(maxsize=64)
def _class_of(name: str) -> str:
    """Return the inside of a character class for a \\p{…}."""
    if name in POSIX:
        return POSIX[name]
    name = OTHER_NAMES.get(name, name)
    if name.startswith("Is") and len(name) <= 4:
        name = name[2:]
    ranges = [each for category, found in _by_category().items() if category.startswith(name) for each in found]
    if not ranges or len(name) > 2:
        raise Untranslatable(f"\\p{{{name}}}")
    return "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in sorted(ranges))


def _outside(inside: str) -> str:
    """Return the inside of a class for \\P{…} where it stands within brackets already."""
    points = [int(each, 16) for each in re.findall(r"\\U([0-9a-f]{8})", inside)]
    if not points:
        raise Untranslatable("a negated property within a class")
    edges = [-1, *points, 0x110000]
    gaps = [(edges[i] + 1, edges[i + 1] - 1) for i in range(0, len(edges), 2)]
    return "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in gaps if low <= high)


def translate(pattern: str) -> str:
    """Return a Java pattern as Python's `re` reads it. Raises Untranslatable."""
    if _UNTRANSLATED.search(pattern):
        raise Untranslatable(pattern)
    pattern = _SURROGATES.sub(
        lambda pair: f"\\U{0x10000 + ((int(pair[1], 16) - 0xD800) << 10) + int(pair[2], 16) - 0xDC00:08x}", pattern
    )
    pattern = _BRACED.sub(lambda match: f"\\U{int(match[1], 16):08x}", pattern)
    out: list[str] = []
    position, in_class = 0, False
    while position < len(pattern):
        character = pattern[position]
        if character == "\\":
            match = _PROPERTY.match(pattern, position)
            if match:
                inside = _class_of(match[2] or match[3])
                if match[1] == "p":
                    out.append(inside if in_class else f"[{inside}]")
                else:
                    out.append(_outside(inside) if in_class else f"[^{inside}]")
                position = match.end()
                continue
            following = pattern[position + 1 : position + 2]
            out.append({"z": r"\Z", "Z": r"\Z", "h": r"[ \t]", "/": "/"}.get(following, "\\" + following))
            position += 2
            if in_class and following in "wWdDsS" and pattern[position : position + 1] == "-":
                out.append("\\-")  # Java takes it for itself there, and so do the models
                position += 1
            continue
        if character == "[" and not in_class:
            in_class = True
            # A bracket just after the opening one is itself a member in Python and in the models' intent.
            if pattern[position + 1 : position + 2] == "^":
                out.append("[^")
                position += 2
                continue
        elif character == "[":
            character = "\\["
        elif character == "]":
            in_class = False
        out.append(character)
        position += 1
    return "".join(out)


@lru_cache(maxsize=4096)
def compile_pattern(pattern: str) -> re.Pattern[str] | None:
    """Return a Java pattern compiled, or None where Python cannot: then nothing is checked.

    A pattern without anchors must match the whole value (Coral's reading); one with anchors says itself where it holds.
    """
    flags = re.ASCII
    inline = _FLAGS.match(pattern)
    if inline:
        pattern = pattern[inline.end() :]
        for letter in inline[1]:
            flags |= FLAGS.get(letter, 0)
    try:
        python = translate(pattern)
        if not (pattern.startswith("^") or pattern.endswith("$")):
            python = f"\\A(?:{python})\\Z"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(python, flags)
    except (re.error, Untranslatable, OverflowError, RecursionError):
        return None
