"""Which operation of a REST service a method and path mean: the model's URI templates as a trie of segments.

A literal segment is tried before a label, a label before a greedy label, so the most specific template wins; where it
does not have the method, the next one is tried. A greedy label takes one or more segments and may have literals after
it. Tries are made when a service is first called.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import unquote

from .index import lines


class Match(NamedTuple):
    """An operation that a path means."""

    service: str
    operation: str
    labels: dict[str, str]


class _Leaf(NamedTuple):
    service: str
    operation: str
    labels: tuple[str, ...]
    slash: bool  # whether the template ends with one; either is taken, but it can tell two operations apart
    ends_greedily: bool  # the last label takes the path's end, and a slash there is part of it
    static: tuple[tuple[str, str | None], ...]  # query parameters that must be there; None where any value will do


class _Asked(NamedTuple):
    """Of a request, what is looked at when its path has come to an end."""

    method: str
    query: str
    slash: bool


class _Node:
    __slots__ = ("greedy", "label", "leaves", "literals")

    def __init__(self) -> None:
        self.literals: dict[str, _Node] = {}
        self.label: _Node | None = None
        self.greedy: _Node | None = None
        self.leaves: dict[str, list[_Leaf]] = {}  # by method, those with most static query first


class Templates:
    """The URI templates of a service, or of several that share a signing name."""

    def __init__(self, described: Iterable[tuple[str, str]]) -> None:
        """`described`: service and "METHOD uri operation" of each operation; of equals the first is meant."""
        self._root = _Node()
        for service, line in described:
            method, uri, operation = line.split(" ")
            self._add(service, method, uri, operation)

    def _add(self, service: str, method: str, uri: str, operation: str) -> None:
        path, _, query = uri.partition("?")
        node, labels, greedy = self._root, [], False
        for segment in _segments(path):
            greedy = segment.endswith("+}")
            if greedy:
                labels.append(segment[1:-2])
                node.greedy = node.greedy or _Node()
                node = node.greedy
            elif segment.startswith("{"):
                labels.append(segment[1:-1])
                node.label = node.label or _Node()
                node = node.label
            else:
                node = node.literals.setdefault(segment, _Node())
        static = []
        for pair in query.split("&") if query else ():
            name, equals, value = pair.partition("=")
            static.append((name, value if equals else None))
        leaves = node.leaves.setdefault(method, [])
        leaves.append(_Leaf(service, operation, tuple(labels), path.endswith("/"), greedy, tuple(static)))
        leaves.sort(key=lambda leaf: -len(leaf.static))

    def match(self, method: str, path: str, query: str) -> Match | None:
        """Return what a raw path means, None where no template fits it."""
        values: list[str] = []
        leaf = _descend(self._root, _segments(path), 0, _Asked(method, query, path.endswith("/")), values)
        if leaf is None:
            return None
        if leaf.ends_greedily and path.endswith("/"):
            values[-1] += "/"
        return Match(leaf.service, leaf.operation, dict(zip(leaf.labels, values, strict=True)))


def _segments(path: str) -> list[str]:
    """A path's segments; one slash at its end makes no difference."""
    segments = path.split("/")[1:]
    if segments and not segments[-1]:
        segments.pop()
    return segments


def _descend(node: _Node, segments: list[str], at: int, asked: _Asked, values: list[str]) -> _Leaf | None:
    if at == len(segments):
        leaves = node.leaves.get(asked.method)
        return _choose(leaves, asked) if leaves else None
    segment = segments[at]
    below = node.literals.get(segment)
    if below is None and "%" in segment:
        below = node.literals.get(unquote(segment))
    if below is not None:
        leaf = _descend(below, segments, at + 1, asked, values)
        if leaf is not None:
            return leaf
    if node.label is not None and segment:
        values.append(segment)
        leaf = _descend(node.label, segments, at + 1, asked, values)
        if leaf is not None:
            return leaf
        values.pop()
    if node.greedy is not None:
        # Nearly always nothing but the end follows; where literals may, the longest label that leaves them wins.
        ends = (*range(len(segments) - 1, at, -1), len(segments)) if node.greedy.literals else (len(segments),)
        for end in ends:
            values.append("/".join(segments[at:end]))
            leaf = _descend(node.greedy, segments, end, asked, values)
            if leaf is not None:
                return leaf
            values.pop()
    return None


def _choose(leaves: list[_Leaf], asked: _Asked) -> _Leaf | None:
    if len(leaves) == 1 and not leaves[0].static:
        return leaves[0]
    given: dict[str, str] = {}
    for pair in asked.query.split("&"):
        name, _, value = pair.partition("=")
        given[unquote(name)] = unquote(value)
    second = None
    for leaf in leaves:
        if all(name in given and (value is None or given[name] == value) for name, value in leaf.static):
            if leaf.slash == asked.slash or leaf.static:
                return leaf
            second = second or leaf
    return second


_compiled: dict[tuple[str, ...], Templates] = {}


def templates(services: tuple[str, ...]) -> Templates:
    """Return the templates of REST services, the preferred one first; they are made on first use."""
    found = _compiled.get(services)
    if found is None:
        found = Templates((service, line) for service in services for line in lines(service))
        _compiled[services] = found
    return found
