"""What happens to a debit, by the last two digits of the account number.

This is both the behaviour of the simulated bank and the text of the demo's page about it. With any
other digits a debit is accepted.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Irregularity(Enum):
    """Irregular behaviour of a bank that a biller must survive."""

    CREDIT_A_DAY_LATE = "credit a day late"
    STATEMENT_TWICE = "statement twice"
    NETTED = "netted"
    UNKNOWN_TRACE = "unknown trace"
    WRONG_AMOUNT = "wrong amount"


@dataclass(frozen=True, slots=True)
class AccountOutcome:
    """What happens to a debit from an account whose number ends in `ending`."""

    ending: str
    sentence: str
    """For the demo's page."""
    return_code: str = ""
    notice_code: str = ""
    days_after_settlement: int = 0
    """Banking days from settlement to the return; its file comes on the next morning."""
    irregularity: Irregularity | None = None
    on_prenote: bool = False
    """Whether a prenote gets the same answer: only if that depends on the account alone."""


ACCEPTED: Final = AccountOutcome("", "Accepted: the debit settles and stays settled.")

OUTCOMES: Final = (
    AccountOutcome(
        "01",
        "Returned R01 (insufficient funds) on the settlement day; you hear the next morning.",
        return_code="R01",
    ),
    AccountOutcome(
        "02",
        "Refused before any debit: the bank says that the account is closed. Without its service, "
        "returned R02 on the settlement day; a prenote is returned too.",
        return_code="R02",
        on_prenote=True,
    ),
    AccountOutcome(
        "03",
        "Returned R03 (no such account) on the settlement day; a prenote is returned too.",
        return_code="R03",
        on_prenote=True,
    ),
    AccountOutcome(
        "10",
        "Returned R10 (not authorised) one banking day after settlement.",
        return_code="R10",
        days_after_settlement=1,
    ),
    AccountOutcome(
        "11",
        "Accepted, with a notice of change C01, also of a prenote: the same number with its last "
        "two digits 00.",
        notice_code="C01",
        on_prenote=True,
    ),
    AccountOutcome(
        "60",
        "Settles, then is returned R10 (not authorised) five banking days later.",
        return_code="R10",
        days_after_settlement=5,
    ),
    AccountOutcome(
        "71",
        "The bank credits the whole file one banking day late.",
        irregularity=Irregularity.CREDIT_A_DAY_LATE,
    ),
    AccountOutcome(
        "72",
        "The statement that shows the file's credit arrives twice, the second time renamed.",
        irregularity=Irregularity.STATEMENT_TWICE,
    ),
    AccountOutcome(
        "73",
        "Returned R01, and the bank takes it off the file's credit instead of showing a debit.",
        return_code="R01",
        irregularity=Irregularity.NETTED,
    ),
    AccountOutcome(
        "74",
        "Returned R01 under a trace number that nobody ever sent.",
        return_code="R01",
        irregularity=Irregularity.UNKNOWN_TRACE,
    ),
    AccountOutcome(
        "75",
        "Returned R01 for one dollar more than was debited.",
        return_code="R01",
        irregularity=Irregularity.WRONG_AMOUNT,
    ),
)

_BY_ENDING: Final = {outcome.ending: outcome for outcome in OUTCOMES}


def for_account(account_number: str) -> AccountOutcome:
    """Return what happens to a debit from this account number."""
    return _BY_ENDING.get(account_number.strip()[-2:], ACCEPTED)
