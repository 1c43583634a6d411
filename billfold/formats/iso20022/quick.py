"""The quick way through a plain message: the parser builds the tree without a call of ours.

Plain is what banks send: a Document with its namespace, no prefix, comment, CDATA or DTD. On any
doubt the careful way, `iso20022.Intake`, reads the message from its beginning; both give the same.

Source: as iso20022.
"""

from __future__ import annotations

import re
from typing import Final
from xml.etree.ElementTree import ParseError, XMLParser

from billfold.formats.iso20022.messages import (
    CHUNK_BYTES,
    LARGEST_PART_BYTES,
    LONGEST_MARK_BYTES,
    MOST_MARKS,
    Intake,
)

_NAME: Final = rb"[A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*)?"
_VALUE: Final = rb"\"[ !#-%'-;=?-~]*\""
_ATTRIBUTES: Final = re.compile(rb"(" + _NAME + rb")=\"([^\"]*)\"")
_HEAD: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^<>]*\?>\s*)?"
    rb"<Document((?:[ \t\r\n]+" + _NAME + rb"=" + _VALUE + rb")*)[ \t\r\n]*>"
)
_HEAD_BYTES: Final = 4_096


class Doubtful(Exception):
    """The message is not plain, or is wrong as XML; the careful way tells what it is."""


class QuickIntake(Intake):
    """One plain message on its way through the parser."""

    def _run(self) -> None:
        """Parse the message, with nothing in it that could declare or hide anything.

        Raises: Doubtful
        """
        encoding = self._encoding()
        content, faults = self._content, self._faults
        head, at = self._head()
        parser = XMLParser(target=self._builder, encoding=encoding)  # noqa: S314  no "<!" in it
        part_began, marks = 0, 0
        try:
            parser.feed(head)
            self._document = document = self._top[0]
            view = memoryview(content)
            for start in range(at, len(content), CHUNK_BYTES):
                faults.reached_bytes = end = min(start + CHUNK_BYTES, len(content))
                parser.feed(view[start:end])
                marks += content.count(b"<", start, end)
                if self._take(document, False):
                    part_began, marks = end, 0
                has_mark = content.rfind(b"<", max(end - LONGEST_MARK_BYTES, 0), end) >= 0
                is_small = end - part_began <= LARGEST_PART_BYTES and marks <= MOST_MARKS
                if not (has_mark and is_small) or self._is_too_deep():
                    raise Doubtful
            parser.close()
        except ParseError:
            raise Doubtful from None
        if self._documents() != 1:
            raise Doubtful
        self._finish()

    def _head(self) -> tuple[bytes, int]:
        """Give what stands up to the Document, without its namespace, and where that ends.

        Without a namespace the parser gives names as they stand, which are the local ones.
        """
        content = self._content
        head = _HEAD.match(content[:_HEAD_BYTES])
        if not head:
            raise Doubtful
        at = head.end()
        if any(content.find(sign, at) >= 0 for sign in (b"<!", b"<?", b"xmlns")):
            raise Doubtful
        attributes = _ATTRIBUTES.findall(head[1])
        named = dict(attributes)
        if len(named) < len(attributes):
            raise Doubtful
        self._note_namespace(named.get(b"xmlns", b"").decode("ascii"))
        return content[: head.start(1)] + content[head.end(1) : at], at
