"""Which account numbers make what happen: the demo's documentation and the bank's behaviour.

The last two digits of a customer's account number decide. Anything else is accepted.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Quirk(Enum):
    """What the bank does that a biller must survive."""

    CREDIT_A_DAY_LATE = "credit a day late"
    STATEMENT_TWICE = "statement twice"
    NETTED = "netted"
    UNKNOWN_TRACE = "unknown trace"
    WRONG_AMOUNT = "wrong amount"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happens to a debit from an account whose number ends in `ending`."""

    ending: str
    sentence: str
    """For documents and the demo page."""
    return_code: str = ""
    notice_code: str = ""
    days_after_settlement: int = 0
    """Banking days from settlement to the return; its file comes on the next morning."""
    quirk: Quirk | None = None
    on_prenote: bool = False
    """Whether a prenote meets the same answer: only what depends on the account, not on money."""


ACCEPTED: Final = Outcome("", "Accepted: the debit settles and stays settled.")

OUTCOMES: Final = (
    Outcome(
        "01",
        "Returned R01 (insufficient funds) on the settlement day; you hear the next morning.",
        return_code="R01",
    ),
    Outcome(
        "02",
        "Refused before any debit: the bank says that the account is closed. Without its service, "
        "returned R02 on the settlement day; a prenote is returned too.",
        return_code="R02",
        on_prenote=True,
    ),
    Outcome(
        "03",
        "Returned R03 (no such account) on the settlement day; a prenote is returned too.",
        return_code="R03",
        on_prenote=True,
    ),
    Outcome(
        "10",
        "Returned R10 (not authorised) one banking day after settlement.",
        return_code="R10",
        days_after_settlement=1,
    ),
    Outcome(
        "11",
        "Accepted, with a notice of change C01, also of a prenote: the same number with its last "
        "two digits 00.",
        notice_code="C01",
        on_prenote=True,
    ),
    Outcome(
        "60",
        "Settles, then is returned R10 (not authorised) five banking days later.",
        return_code="R10",
        days_after_settlement=5,
    ),
    Outcome(
        "71",
        "The bank credits the whole file one banking day late.",
        quirk=Quirk.CREDIT_A_DAY_LATE,
    ),
    Outcome(
        "72",
        "The statement that shows the file's credit arrives twice, the second time renamed.",
        quirk=Quirk.STATEMENT_TWICE,
    ),
    Outcome(
        "73",
        "Returned R01, and the bank takes it off the file's credit instead of showing a debit.",
        return_code="R01",
        quirk=Quirk.NETTED,
    ),
    Outcome(
        "74",
        "Returned R01 under a trace number that nobody ever sent.",
        return_code="R01",
        quirk=Quirk.UNKNOWN_TRACE,
    ),
    Outcome(
        "75",
        "Returned R01 for one dollar more than was debited.",
        return_code="R01",
        quirk=Quirk.WRONG_AMOUNT,
    ),
)

_BY_ENDING: Final = {outcome.ending: outcome for outcome in OUTCOMES}


def of(account_number: str) -> Outcome:
    """Look up what an account number stands for."""
    return _BY_ENDING.get(account_number.strip()[-2:], ACCEPTED)
