"""Every kind of case, and what closes it. Pure.

A case that carries money is never closed by words: only by the booking, or the evidence, that says
what became of the money.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, StrEnum, auto
from typing import Final


class Closing(Enum):
    """What closes a case."""

    NOTE = auto()
    """A person who writes what was found out."""
    TREASURER = auto()
    """A treasurer who writes what was found out: money may leave for what they say."""
    EVIDENCE = auto()
    """Nobody's words: it carries money, and stays open until that is booked or accounted for."""


class CaseKind(StrEnum):
    """What a case is about, as people read it."""

    STRAY_EVENT = "stray event"
    RETURN = "return to look at"
    CHANGE = "notice of change"
    LIKE_STOPPED_ACCOUNT = "account like a stopped one"
    UNFIT_RETURN = "return that does not fit"
    UNFIT_NOTICE = "notice that does not fit"
    BANK_LINE = "bank line to explain"
    RECEIPTS = "money to apply"
    UNREADABLE_FILE = "file could not be read"
    FAILED_FILE = "file could not be taken in"
    FAILED_LINE = "bank line could not be matched"
    FAILED_PAYMENT = "payment could not be put into a file"
    FAILED_LETTER = "letter could not be sent"
    FAILED_DOCUMENT = "document could not be stored"
    UNFETCHED_FILE = "file could not be fetched"
    REJECTED_FILE = "file rejected"
    REJECTED_ENTRY = "entry rejected"
    UNFIT_ANSWER = "answer that does not fit"
    BANK_UNREACHABLE = "bank does not answer"
    LATE_FILE = "file too late"
    LAPSED_RELEASE = "approval no longer counts"
    UNKNOWN_TRANSMISSION = "transmission unknown"
    WAITING_STATEMENT = "statement to accept"
    MISSING_STATEMENT = "statement is missing"
    QUIET_DAY = "day without a statement"
    BROKEN_SEAM = "statements do not join"


CLOSING: Final[Mapping[str, Closing]] = {
    CaseKind.STRAY_EVENT: Closing.NOTE,
    CaseKind.RETURN: Closing.NOTE,
    CaseKind.CHANGE: Closing.NOTE,
    CaseKind.LIKE_STOPPED_ACCOUNT: Closing.NOTE,
    CaseKind.UNFIT_RETURN: Closing.EVIDENCE,
    CaseKind.UNFIT_NOTICE: Closing.NOTE,
    CaseKind.BANK_LINE: Closing.EVIDENCE,
    CaseKind.RECEIPTS: Closing.EVIDENCE,
    # What such a file would have brought is missed elsewhere: as a bank line, or as a missing day.
    CaseKind.UNREADABLE_FILE: Closing.NOTE,
    CaseKind.FAILED_FILE: Closing.EVIDENCE,
    CaseKind.FAILED_LINE: Closing.EVIDENCE,
    CaseKind.FAILED_PAYMENT: Closing.EVIDENCE,
    CaseKind.FAILED_LETTER: Closing.NOTE,
    CaseKind.FAILED_DOCUMENT: Closing.NOTE,
    CaseKind.UNFETCHED_FILE: Closing.NOTE,
    CaseKind.REJECTED_FILE: Closing.NOTE,
    CaseKind.REJECTED_ENTRY: Closing.TREASURER,
    CaseKind.UNFIT_ANSWER: Closing.TREASURER,
    CaseKind.BANK_UNREACHABLE: Closing.NOTE,
    CaseKind.LATE_FILE: Closing.NOTE,
    CaseKind.LAPSED_RELEASE: Closing.NOTE,
    CaseKind.UNKNOWN_TRANSMISSION: Closing.TREASURER,
    CaseKind.WAITING_STATEMENT: Closing.EVIDENCE,
    CaseKind.MISSING_STATEMENT: Closing.EVIDENCE,
    # The days around it join, so no money is missing.
    CaseKind.QUIET_DAY: Closing.NOTE,
    CaseKind.BROKEN_SEAM: Closing.EVIDENCE,
}
"""Kind -> what closes it; office pages offer only that."""


def carries_money(kind: str) -> bool:
    """Tell whether a case of this kind carries money, so that no words close it.

    A kind that another version of the program knows may.
    """
    return CLOSING.get(kind, Closing.EVIDENCE) is Closing.EVIDENCE


def needs_treasurer(kind: str) -> bool:
    """Tell whether only a treasurer closes a case of this kind."""
    return CLOSING.get(kind) is Closing.TREASURER
