"""Where in a message a path stands: asked only once something is wrong there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from xml.parsers import expat


@dataclass(slots=True)
class _Node:
    line: int = 0
    is_over: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    children: dict[str, _Node] = field(default_factory=dict)


class _AllFound(Exception):
    """Every path was met, or cannot come any more."""


class _Search:
    def __init__(self, paths: Iterable[str]) -> None:
        self._root = _Node()
        self._missing = 1
        self._open: list[_Node | None] = []
        for path in paths:
            node = self._root
            for step in path.split("/") if path else ():
                if step not in node.children:
                    node.children[step] = _Node()
                    self._missing += 1
                node = node.children[step]

    def run(self, content: bytes) -> None:
        """Follow the start and end of every element until nothing is missing."""
        self._parser = parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._stop
        # What is malformed is said by whoever reads the message.
        with suppress(expat.ExpatError, _AllFound):
            parser.Parse(content, True)

    def line(self, path: str) -> int:
        """Give the line of a path, or of the nearest one above it that exists."""
        node, line = self._root, self._root.line
        for step in path.split("/") if path else ():
            node = node.children[step]
            line = node.line or line
        return line or 1

    def _stop(self, *_: object) -> None:
        raise _AllFound

    def _start(self, name: str, _: object) -> None:
        local = name.rpartition(":")[2]
        node: _Node | None = None
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
            self._forget(node)
        if not self._missing:
            raise _AllFound

    def _forget(self, node: _Node) -> None:
        for child in node.children.values():
            if not child.line:
                self._missing -= 1
                self._forget(child)


def lines(content: bytes, paths: Iterable[str]) -> dict[str, int]:
    """Find the line of each path below Document; `Stmt[2]` is the second of its name, `Stmt` the
    first. A path that is not there has the line of what is there of it."""
    wanted = set(paths)
    if not wanted:
        return {}
    search = _Search(wanted)
    search.run(content)
    return {path: search.line(path) for path in wanted}
