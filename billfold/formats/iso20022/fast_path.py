"""The fast path for a plain message: the C parser builds the tree without calling Python code.

Plain is what banks send: a Document with its namespace, no prefix, comment, CDATA or DTD. Any
other message is read by `parsing.MessageParser` from its beginning; both give the same result.

Source: as `parsing`.
"""

from __future__ import annotations

import re
from typing import Final
from xml.etree.ElementTree import ParseError, XMLParser

from billfold.formats.iso20022.parsing import (
    CHUNK_BYTES,
    LARGEST_PART_BYTES,
    LONGEST_TAG_BYTES,
    MOST_TAGS,
    MessageParser,
)

_NAME: Final = rb"[A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*)?"
_VALUE: Final = rb"\"[ !#-%'-;=?-~]*\""
_ATTRIBUTES: Final = re.compile(rb"(" + _NAME + rb")=\"([^\"]*)\"")
_HEAD: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^<>]*\?>\s*)?"
    rb"<Document((?:[ \t\r\n]+" + _NAME + rb"=" + _VALUE + rb")*)[ \t\r\n]*>"
)
_HEAD_BYTES: Final = 4_096


class NotPlain(Exception):
    """The message is not plain, or not well-formed; `parsing.MessageParser` finds out which."""


class FastParser(MessageParser):
    """Parses one plain message."""

    def _run(self) -> None:
        """Parse the message, which holds nothing that could declare or hide anything.

        Raises: NotPlain.
        """
        encoding = self._encoding()
        content, findings = self._content, self._findings
        head, at = self._head()
        parser = XMLParser(target=self._builder, encoding=encoding)  # noqa: S314  no "<!" in it
        part_start, tags = 0, 0
        try:
            parser.feed(head)
            self._document = document = self._top[0]
            view = memoryview(content)
            for start in range(at, len(content), CHUNK_BYTES):
                findings.parsed_bytes = end = min(start + CHUNK_BYTES, len(content))
                parser.feed(view[start:end])
                tags += content.count(b"<", start, end)
                if self._consume(document, False):
                    part_start, tags = end, 0
                has_tag = content.rfind(b"<", max(end - LONGEST_TAG_BYTES, 0), end) >= 0
                is_small = end - part_start <= LARGEST_PART_BYTES and tags <= MOST_TAGS
                if not (has_tag and is_small) or self._is_too_deep():
                    raise NotPlain
            parser.close()
        except ParseError:
            raise NotPlain from None
        if self._count_documents() != 1:
            raise NotPlain
        self._finish()

    def _head(self) -> tuple[bytes, int]:
        """Return what stands up to the Document tag, without its namespace, and where it ends.

        Without a namespace the parser reports names as written, which are the local ones.
        """
        content = self._content
        head = _HEAD.match(content[:_HEAD_BYTES])
        if not head:
            raise NotPlain
        at = head.end()
        if any(content.find(sign, at) >= 0 for sign in (b"<!", b"<?", b"xmlns")):
            raise NotPlain
        attributes = _ATTRIBUTES.findall(head[1])
        values = dict(attributes)
        if len(values) < len(attributes):
            raise NotPlain
        self._set_message_type(values.get(b"xmlns", b"").decode("ascii"))
        return content[: head.start(1)] + content[head.end(1) : at], at
