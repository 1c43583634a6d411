"""A Nacha document as records of 94 characters, whatever became of its line ends on the way.

Source: Nacha Operating Rules, Appendix Three; docs/bank-files.md#nacha.
"""

from __future__ import annotations

import re
from typing import Final

from billfold.formats.nacha_layouts import WIDTH
from billfold.formats.problems import Findings

_BAD_BYTE: Final = re.compile(rb"[^\x20-\x7e\r\n]|\r(?!\n|\Z)")
_FIX: Final = "Ask the sender for a correct file."


def cut(content: bytes, findings: Findings) -> list[str]:
    """Cut a document into records, without trailing blank lines.

    Takes LF, CRLF or no line ends, and restores blanks that were stripped from the end of a line.
    A byte outside printable ASCII is noted and read as a question mark.
    """
    if _BAD_BYTE.search(content):
        for number, raw in enumerate(content.split(b"\n"), 1):
            bad = _BAD_BYTE.search(raw)
            if bad:
                message = f"Column {bad.start() + 1} holds a byte that is not printable ASCII."
                findings.add("not-ascii", number, "", message, _FIX)
        content = _BAD_BYTE.sub(b"?", content)
    text = content.decode("ascii").rstrip("\r\n")
    if "\n" in text:
        lines = [line.rstrip("\r") for line in text.split("\n")]
    else:
        lines = [text[start : start + WIDTH] for start in range(0, len(text), WIDTH)]
    while lines and not lines[-1].strip():
        lines.pop()
    for index, line in enumerate(lines):
        if len(line) != WIDTH:
            if line[WIDTH:].strip():
                message = f"The record has {len(line)} characters instead of {WIDTH}."
                findings.add("record-length", index + 1, "", message, _FIX)
            lines[index] = line[:WIDTH].ljust(WIDTH)
    return lines
