"""ISO 20022 messages parsed as untrusted XML: no DTD, no entity, no network, limits on every size.

The tree of a message is handed over while the parser builds it, so that an entry can be dropped
once it is read: memory holds one part of the message, whatever its size.

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

from billfold.formats.iso20022.path_findings import PathFindings

LARGEST_BYTES: Final = 1 << 30
LARGEST_PART_BYTES: Final = 16 << 20
"""An entry, a transaction of an entry, or anything between two of them."""
MOST_TAGS: Final = 500_000
"""Tags in such a part; an element has one or two."""
LONGEST_TAG_BYTES: Final = 64 << 10
"""A tag with its attributes, or a comment."""
DEEPEST: Final = 64

CHUNK_BYTES: Final = 16 << 10
"""Small, so that most elements are dropped before Python collects garbage among them."""
_DECLARATION: Final = re.compile(rb"\s*<\?xml\b([^<>]{0,1000})\?>")
_ENCODING: Final = re.compile(rb"encoding\s*=\s*[\"']([^\"']*)[\"']")
_ENCODINGS: Final = {b"utf-8": "utf-8", b"us-ascii": "us-ascii", b"iso-8859-1": "iso-8859-1"}
_UTF8_BOM: Final = b"\xef\xbb\xbf"
_UTF16_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")
_MESSAGE: Final = re.compile(r"\b([a-z]{4}\.[0-9]{3})\.[0-9]{3}\.([0-9]{2})$")

ConsumeParts = Callable[[Element, bool], bool]
"""Reads the complete parts of a growing Document and removes them from it. The flag says whether
the Document is complete; the result, whether anything was removed."""


@dataclass(frozen=True, slots=True)
class MessageType:
    """Name and version of a message, as its namespace states them: camt.053 and 08."""

    name: str
    version: str


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Switch Python's search for reference cycles off: hundreds of thousands of entries have none.

    What is dropped is freed at once all the same; the search took a third of the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _declared_encoding(head: bytes) -> bytes:
    """Return the encoding a message declares; UTF-8 if it declares none, empty if malformed."""
    if not head.lstrip().startswith(b"<?xml"):
        return b"utf-8"
    declaration = _DECLARATION.match(head)
    if declaration is None:
        return b""
    declared = _ENCODING.search(declaration[1])
    if declared is None:
        return b"" if b"encoding" in declaration[1] else b"utf-8"
    return declared[1].lower()


class MessageParser:
    """Parses one message piece by piece and has its complete parts consumed after each piece."""

    def __init__(self, content: bytes, findings: PathFindings, consume: ConsumeParts) -> None:
        self._content = content
        self._findings = findings
        self._consume = consume
        self._builder = TreeBuilder()
        self._top = self._builder.start("", {})
        self._namespaces: dict[str, str] = {}
        self._prefix = ""
        self._document: Element | None = None
        self._parser: expat.XMLParserType
        self.message_type = MessageType("", "")

    def run(self) -> None:
        """Parse the whole message.

        Raises: Unreadable if it is no message at all.
        """
        with _without_garbage_collection():
            self._run()

    def _run(self) -> None:
        self._parser = self._expat_parser(self._encoding())
        view = memoryview(self._content)
        part_start, tags = 0, 0
        try:
            for at in range(0, len(view), CHUNK_BYTES):
                self._findings.parsed_bytes = end = min(at + CHUNK_BYTES, len(view))
                self._parser.Parse(view[at:end], False)
                tags += self._content.count(b"<", at, end)
                if self._document is not None and self._consume(self._document, False):
                    part_start, tags = end, 0
                self._check_limits(end, end - part_start, tags)
            self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code)
            message = f"The file is not well-formed XML: {reason}."
            self._findings.refuse_at(error.lineno, "xml-malformed", message)
        self._finish()

    def _encoding(self) -> str:
        """Return the encoding of the message, once it looks like XML in an encoding we read."""
        content = self._content
        if len(content) > LARGEST_BYTES:
            message = f"The file is larger than {LARGEST_BYTES >> 20} MiB."
            fix = "Ask the bank to send several smaller messages."
            self._findings.refuse_at(1, "xml-too-large", message, fix)
        if content.startswith(_UTF16_BOMS) or b"\0" in content:
            line = content[: max(content.find(b"\0"), 0)].count(b"\n") + 1
            message = "The file is in UTF-16, or holds zero bytes, which XML does not allow."
            fix = "Ask the bank for the message in UTF-8."
            self._findings.refuse_at(line, "xml-encoding", message, fix)
        if not content.removeprefix(_UTF8_BOM)[:1_000].lstrip().startswith(b"<"):
            fix = "Check that this is an ISO 20022 message, whole and not encrypted."
            self._findings.refuse_at(1, "not-xml", "The file is not XML.", fix)
        name = _declared_encoding(content.removeprefix(_UTF8_BOM)[:2_000])
        if name not in _ENCODINGS:
            message = "The file declares an encoding other than UTF-8, US-ASCII and ISO-8859-1."
            fix = "Ask the bank for the message in UTF-8."
            self._findings.refuse_at(1, "xml-encoding", message, fix)
        return _ENCODINGS[name]

    def _expat_parser(self, encoding: str) -> expat.XMLParserType:
        parser = expat.ParserCreate(encoding)
        parser.buffer_text = True
        parser.buffer_size = 65_536
        parser.StartElementHandler = self._start_envelope_element
        # Straight into the tree, without a call of ours for each element.
        parser.EndElementHandler = self._builder.end
        parser.CharacterDataHandler = self._builder.data
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        return parser

    def _refuse_doctype(self, *_: object) -> None:
        """Refuse a DTD at its first word: no entity can be declared, nothing can be fetched."""
        message = "The file has a document type declaration, which no ISO 20022 message has."
        fix = "Do not trust this file; ask the bank whether it sent it."
        self._findings.refuse_at(self._parser.CurrentLineNumber, "xml-doctype", message, fix)

    def _start_envelope_element(self, name: str, attributes: dict[str, str]) -> None:
        """Start an element of the envelope; from the Document on, its own prefix is known."""
        prefix, _, local = name.rpartition(":")
        for key, value in attributes.items():
            if key == "xmlns" or key.startswith("xmlns:"):
                self._namespaces[key.partition(":")[2]] = value
        element = self._builder.start(local, attributes)
        if local == "Document":
            self._document = element
            self._set_message_type(self._namespaces.get(prefix, ""))
            self._prefix = f"{prefix}:"
            self._parser.StartElementHandler = (
                self._start_prefixed_element if prefix else self._builder.start
            )

    def _set_message_type(self, namespace: str) -> None:
        if match := _MESSAGE.search(namespace):
            self.message_type = MessageType(match[1], match[2])

    def _start_prefixed_element(self, name: str, attributes: dict[str, str]) -> None:
        self._builder.start(name.removeprefix(self._prefix), attributes)

    def _check_limits(self, end: int, part_bytes: int, tags: int) -> None:
        line, fix = self._parser.CurrentLineNumber, "Ask the bank for a message in smaller parts."
        if end - self._parser.CurrentByteIndex > LONGEST_TAG_BYTES:
            message = f"A tag or comment is longer than {LONGEST_TAG_BYTES >> 10} KiB."
            self._findings.refuse_at(line, "xml-mark-too-long", message, fix)
        if part_bytes > LARGEST_PART_BYTES:
            message = f"One part of the message is longer than {LARGEST_PART_BYTES >> 20} MiB."
            self._findings.refuse_at(line, "xml-part-too-large", message, fix)
        if tags > MOST_TAGS:
            message = f"One part of the message has more than {MOST_TAGS:,} tags."
            self._findings.refuse_at(line, "xml-part-too-large", message, fix)
        if self._is_too_deep():
            message = f"Elements stand in each other more than {DEEPEST} deep."
            self._findings.refuse_at(line, "xml-too-deep", message)

    def _is_too_deep(self) -> bool:
        """Tell whether the open elements are nested too deeply."""
        depth, element = 0, self._top
        while len(element) and depth <= DEEPEST:
            depth, element = depth + 1, element[-1]
        return depth > DEEPEST

    def _count_documents(self) -> int:
        return sum(1 for _ in self._top.iter("Document"))

    def _finish(self) -> None:
        documents = self._count_documents()
        if self._document is None:
            message = "The file is XML, but has no Document of ISO 20022 in it."
            fix = "Check that this is a camt or pacs message."
            self._findings.refuse_at(1, "not-iso20022", message, fix)
        elif documents > 1:
            message = f"The file holds {documents} messages; one is read."
            fix = "Ask the bank to send one message in a file."
            self._findings.refuse_at(self._parser.CurrentLineNumber, "xml-messages", message, fix)
        else:
            self._consume(self._document, True)
