"""The mark that keeps a spreadsheet from calculating a text: added on the way out, removed on the
way in, so that what an export wrote comes back as it was.

Source: OWASP, CSV Injection; with the full-width signs that spreadsheets fold.
"""

import re
from typing import Final

MARK: Final = "'"
_LIKE_A_FORMULA: Final = re.compile(f"{MARK}*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""With marks in front, too: else a text that has one of its own would lose it on the way in."""


def add(text: str) -> str:
    """Mark a text that a spreadsheet would calculate, or that looks as if it were marked."""
    return MARK + text if _LIKE_A_FORMULA.match(text) else text


def remove(cell: str) -> str:
    """Undo `add`; a cell that `add` did not write stays as it is."""
    return cell[1:] if cell.startswith(MARK) and _LIKE_A_FORMULA.match(cell) else cell
