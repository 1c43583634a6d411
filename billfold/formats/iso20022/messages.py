"""ISO 20022 messages as XML from strangers: no DTD, no entity, no network, bounded in every way.

A message is handed over while it grows, so that an entry may be let go once it is read: memory
holds one part of the message, whatever its size.

Source: W3C, Extensible Markup Language 1.0; ISO 20022-4, whose messages have neither DTD nor
entities; docs/bank-files.md.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from billfold.formats.iso20022 import places
from billfold.formats.problems import MOST_PROBLEMS, Findings, Problem

LARGEST_BYTES: Final = 1 << 30
LARGEST_PART_BYTES: Final = 16 << 20
"""An entry, a transaction of an entry, or anything between two of them."""
MOST_MARKS: Final = 500_000
"""Tags in such a part; an element has one or two."""
LONGEST_MARK_BYTES: Final = 64 << 10
"""A tag with its attributes, or a comment."""
DEEPEST: Final = 64

SEND_AGAIN: Final = "Ask the bank to send the message again."

CHUNK_BYTES: Final = 16 << 10
"""Little, so that most elements are gone before Python looks for garbage among them."""
_DECLARATION: Final = re.compile(rb"\s*<\?xml\b([^<>]{0,1000})\?>")
_ENCODING: Final = re.compile(rb"encoding\s*=\s*[\"']([^\"']*)[\"']")
_ENCODINGS: Final = {b"utf-8": "utf-8", b"us-ascii": "us-ascii", b"iso-8859-1": "iso-8859-1"}
_UTF8_BOM: Final = b"\xef\xbb\xbf"
_UTF16_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")
_MESSAGE: Final = re.compile(r"\b([a-z]{4}\.[0-9]{3})\.[0-9]{3}\.([0-9]{2})$")

Take = Callable[[Element, bool], bool]
"""Takes what is finished off a Document that grows; told whether all of it is there, says whether
anything was taken."""


@dataclass(frozen=True, slots=True)
class Message:
    """Which message a Document is, by its namespace: camt.053 and 08."""

    name: str
    version: str


class Faults:
    """What is wrong with a message, by path; lines are looked up once, at the end."""

    def __init__(self, content: bytes, place: Callable[[], str]) -> None:
        self._content = content
        self._place = place
        self._found: list[tuple[Problem, str]] = []
        self.reached_bytes = len(content)
        """How far the parser came; no line is looked for behind it."""

    def add(self, code: str, leaf: str, message: str, fix: str = SEND_AGAIN) -> None:
        """Note an error at a path below the place where reading stands now."""
        self._note(Problem(code, "error", 0, "", message, fix), leaf)

    def warn(self, code: str, leaf: str, message: str, fix: str) -> None:
        """Note what is odd but may be trusted."""
        self._note(Problem(code, "warning", 0, "", message, fix), leaf)

    def refuse_at(self, line: int, code: str, message: str, fix: str = SEND_AGAIN) -> None:
        """Refuse the message for what its XML is, at a line.

        Raises: Unreadable, with all that was noted before.
        """
        self._found.append((Problem(code, "error", max(line, 1), "", message, fix), ""))
        self.settle()

    def settle(self) -> tuple[Problem, ...]:
        """Give the warnings, in line order.

        Raises: Unreadable if there is an error.
        """
        paths = {path for problem, path in self._found if not problem.line}
        lines = places.lines(self._content[: self.reached_bytes], paths)
        findings = Findings()
        for problem, path in self._found:
            note = findings.add if problem.severity == "error" else findings.warn
            note(problem.code, problem.line or lines[path], path, problem.message, problem.fix)
        findings.refuse()
        return findings.warnings

    def _note(self, problem: Problem, leaf: str) -> None:
        place = self._place()
        self._found.append((problem, f"{place}/{leaf}" if place and leaf else place or leaf))
        if len(self._found) == MOST_PROBLEMS:
            self.settle()


@contextmanager
def _no_search_for_garbage() -> Iterator[None]:
    """Spare Python looking through hundreds of thousands of entries for cycles they do not have.

    What is let go is freed at once all the same; the search took a third of the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _declared_encoding(head: bytes) -> bytes:
    """Name the encoding a message declares; UTF-8 if it declares none, nothing if that is odd."""
    if not head.lstrip().startswith(b"<?xml"):
        return b"utf-8"
    declaration = _DECLARATION.match(head)
    if declaration is None:
        return b""
    declared = _ENCODING.search(declaration[1])
    if declared is None:
        return b"" if b"encoding" in declaration[1] else b"utf-8"
    return declared[1].lower()


class Intake:
    """One message on its way through the parser."""

    def __init__(self, content: bytes, faults: Faults, take: Take) -> None:
        self._content = content
        self._faults = faults
        self._take = take
        self._builder = TreeBuilder()
        self._top = self._builder.start("", {})
        self._namespaces: dict[str, str] = {}
        self._prefix = ""
        self._document: Element | None = None
        self._parser: expat.XMLParserType
        self.message = Message("", "")

    def run(self) -> None:
        """Parse the whole message, taking what is finished after every piece of it.

        Raises: Unreadable for what is no message at all.
        """
        with _no_search_for_garbage():
            self._run()

    def _run(self) -> None:
        self._parser = self._prepared(self._encoding())
        view = memoryview(self._content)
        part_began, marks = 0, 0
        try:
            for at in range(0, len(view), CHUNK_BYTES):
                self._faults.reached_bytes = end = min(at + CHUNK_BYTES, len(view))
                self._parser.Parse(view[at:end], False)
                marks += self._content.count(b"<", at, end)
                if self._document is not None and self._take(self._document, False):
                    part_began, marks = end, 0
                self._limit(end, end - part_began, marks)
            self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code)
            message = f"The file is not well-formed XML: {reason}."
            self._faults.refuse_at(error.lineno, "xml-malformed", message)
        self._finish()

    def _encoding(self) -> str:
        """Say how to decode, once the bytes look like XML in an encoding we take."""
        content = self._content
        if len(content) > LARGEST_BYTES:
            message = f"The file is larger than {LARGEST_BYTES >> 20} MiB."
            fix = "Ask the bank to send several smaller messages."
            self._faults.refuse_at(1, "xml-too-large", message, fix)
        if content.startswith(_UTF16_BOMS) or b"\0" in content:
            line = content[: max(content.find(b"\0"), 0)].count(b"\n") + 1
            message = "The file is in UTF-16, or holds zero bytes, which XML does not allow."
            fix = "Ask the bank for the message in UTF-8."
            self._faults.refuse_at(line, "xml-encoding", message, fix)
        if not content.removeprefix(_UTF8_BOM)[:1_000].lstrip().startswith(b"<"):
            fix = "Check that this is an ISO 20022 message, whole and not encrypted."
            self._faults.refuse_at(1, "not-xml", "The file is not XML.", fix)
        name = _declared_encoding(content.removeprefix(_UTF8_BOM)[:2_000])
        if name not in _ENCODINGS:
            message = "The file declares an encoding other than UTF-8, US-ASCII and ISO-8859-1."
            fix = "Ask the bank for the message in UTF-8."
            self._faults.refuse_at(1, "xml-encoding", message, fix)
        return _ENCODINGS[name]

    def _prepared(self, encoding: str) -> expat.XMLParserType:
        parser = expat.ParserCreate(encoding)
        parser.buffer_text = True
        parser.buffer_size = 65_536
        parser.StartElementHandler = self._begin
        # Straight into the tree, without a call of ours for each element.
        parser.EndElementHandler = self._builder.end
        parser.CharacterDataHandler = self._builder.data
        parser.StartDoctypeDeclHandler = self._doctype
        return parser

    def _doctype(self, *_: object) -> None:
        """Refuse the first word of a DTD: no entity can be declared, nothing can be fetched."""
        message = "The file has a document type declaration, which no ISO 20022 message has."
        fix = "Do not trust this file; ask the bank whether it sent it."
        self._faults.refuse_at(self._parser.CurrentLineNumber, "xml-doctype", message, fix)

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        """Open an element of an envelope, until the Document tells its own prefix."""
        prefix, _, local = name.rpartition(":")
        for key, value in attributes.items():
            if key == "xmlns" or key.startswith("xmlns:"):
                self._namespaces[key.partition(":")[2]] = value
        element = self._builder.start(local, attributes)
        if local == "Document":
            self._document = element
            self._note_namespace(self._namespaces.get(prefix, ""))
            self._prefix = f"{prefix}:"
            self._parser.StartElementHandler = (
                self._begin_prefixed if prefix else self._builder.start
            )

    def _note_namespace(self, namespace: str) -> None:
        if found := _MESSAGE.search(namespace):
            self.message = Message(found[1], found[2])

    def _begin_prefixed(self, name: str, attributes: dict[str, str]) -> None:
        self._builder.start(name.removeprefix(self._prefix), attributes)

    def _limit(self, end: int, part_bytes: int, marks: int) -> None:
        line, fix = self._parser.CurrentLineNumber, "Ask the bank for a message in smaller parts."
        if end - self._parser.CurrentByteIndex > LONGEST_MARK_BYTES:
            message = f"A tag or comment is longer than {LONGEST_MARK_BYTES >> 10} KiB."
            self._faults.refuse_at(line, "xml-mark-too-long", message, fix)
        if part_bytes > LARGEST_PART_BYTES:
            message = f"One part of the message is longer than {LARGEST_PART_BYTES >> 20} MiB."
            self._faults.refuse_at(line, "xml-part-too-large", message, fix)
        if marks > MOST_MARKS:
            message = f"One part of the message has more than {MOST_MARKS:,} tags."
            self._faults.refuse_at(line, "xml-part-too-large", message, fix)
        if self._is_too_deep():
            message = f"Elements stand in each other more than {DEEPEST} deep."
            self._faults.refuse_at(line, "xml-too-deep", message)

    def _is_too_deep(self) -> bool:
        """Tell whether the elements that are open stand too deep in each other."""
        depth, element = 0, self._top
        while len(element) and depth <= DEEPEST:
            depth, element = depth + 1, element[-1]
        return depth > DEEPEST

    def _documents(self) -> int:
        return sum(1 for _ in self._top.iter("Document"))

    def _finish(self) -> None:
        documents = self._documents()
        if self._document is None:
            message = "The file is XML, but has no Document of ISO 20022 in it."
            fix = "Check that this is a camt or pacs message."
            self._faults.refuse_at(1, "not-iso20022", message, fix)
        elif documents > 1:
            message = f"The file holds {documents} messages; one is read."
            fix = "Ask the bank to send one message in a file."
            self._faults.refuse_at(self._parser.CurrentLineNumber, "xml-messages", message, fix)
        else:
            self._take(self._document, True)
