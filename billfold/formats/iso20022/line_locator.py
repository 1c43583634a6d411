"""The lines at which elements of a message stand, looked up only for those that have a problem."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from xml.parsers import expat


@dataclass(slots=True)
class _PathNode:
    """An element of a path that is looked for; `line` is 0 until it is met."""

    line: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    children: dict[str, _PathNode] = field(default_factory=dict)


class _NothingMissing(Exception):
    """Every path was met, or cannot come any more."""


class _LineLocator:
    """Looks for the lines of some paths in one pass over a message."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._root = _PathNode()
        self._missing = 1
        self._open: list[_PathNode | None] = []
        for path in paths:
            node = self._root
            for step in path.split("/") if path else ():
                if step not in node.children:
                    node.children[step] = _PathNode()
                    self._missing += 1
                node = node.children[step]

    def run(self, content: bytes) -> None:
        """Parse the message until no path is missing."""
        self._parser = parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._stop
        # Whoever reads the message reports what is malformed.
        with suppress(expat.ExpatError, _NothingMissing):
            parser.Parse(content, True)

    def line(self, path: str) -> int:
        """Return the line of a path, or of the nearest one above it that exists."""
        node, line = self._root, self._root.line
        for step in path.split("/") if path else ():
            node = node.children[step]
            line = node.line or line
        return line or 1

    def _stop(self, *_: object) -> None:
        raise _NothingMissing

    def _start(self, name: str, _: object) -> None:
        local = name.rpartition(":")[2]
        node: _PathNode | None = None
        if not self._root.line:
            node = self._root if local == "Document" else None
        elif parent := self._open[-1]:
            parent.counts[local] += 1
            count = parent.counts[local]
            node = parent.children.get(local if count == 1 else f"{local}[{count}]")
        if node is not None:
            node.line = self._parser.CurrentLineNumber
            self._missing -= 1
        self._open.append(node)

    def _end(self, _: str) -> None:
        if node := self._open.pop():
            self._discount_missing(node)
        if not self._missing:
            raise _NothingMissing

    def _discount_missing(self, node: _PathNode) -> None:
        for child in node.children.values():
            if not child.line:
                self._missing -= 1
                self._discount_missing(child)


def locate(content: bytes, paths: Iterable[str]) -> dict[str, int]:
    """Find the line of each path below Document; `Stmt[2]` is the second of its name, `Stmt` the
    first. A path that does not exist gets the line of the longest part of it that does."""
    distinct_paths = set(paths)
    if not distinct_paths:
        return {}
    locator = _LineLocator(distinct_paths)
    locator.run(content)
    return {path: locator.line(path) for path in distinct_paths}
