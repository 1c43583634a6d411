"""The table of return reasons: what each means to the payer, and what is to be done.

Source: Nacha Operating Rules, Appendix Four; docs/bank-files.md#return-codes. Whether a fee may be
charged is the default policy; the biller and the payer's state narrow it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Literal

from billfold.formats import nacha

Action = Literal["keep", "remove", "hold"]
Autopay = Literal["keep", "stop", "hold"]


class Deadline(StrEnum):
    """When a return must have come, as the rules abbreviate it."""

    TWO_BANKING_DAYS = "2BD"
    FIVE_BANKING_DAYS = "5BD"
    SIXTY_CALENDAR_DAYS = "60CD"
    OPERATOR = "OP"
    """Rejected by the operator, usually in the same or the next cycle."""
    AGREED = "agreed"
    """Whenever the two banks agreed."""
    NONE = "none"


_2BD: Final = Deadline.TWO_BANKING_DAYS
_5BD: Final = Deadline.FIVE_BANKING_DAYS
_60CD: Final = Deadline.SIXTY_CALENDAR_DAYS
_OP: Final = Deadline.OPERATOR


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnCode:
    """One return reason and its consequences."""

    code: str
    label: str
    """A few words for lists: "Not enough money"."""
    meaning: str
    """A sentence for the payer."""
    todo: str
    """What staff should do, or know."""
    deadline: Deadline = _2BD
    autopay: Autopay = "stop"
    account: Action = "remove"
    """What happens to the bank account: keep, remove from use, or hold until somebody acts."""
    fee_chargeable: bool = False
    unauthorised: bool = False
    """Counts toward the 0.5 % limit, and costs the biller a fee at its bank."""
    opens_case: bool = False

    @property
    def may_represent(self) -> bool:
        """Tell whether the same debit may be tried again, twice at most, without asking anybody."""
        return self.code in nacha.RETRIABLE_RETURN_CODES

    @property
    def fee_by_debit(self) -> bool:
        """Tell whether the fee may also be collected as a RETURN FEE entry, with prior notice."""
        return self.code in nacha.RETRIABLE_RETURN_CODES


_OUR_ERROR: Final = "An error in our request kept the bank from processing the payment."
_SENT_BACK: Final = "The bank sent the payment back."
_NO_ACCOUNT: Final = "The bank could not find an account with this number."
_NOT_OPEN: Final = "This account cannot be used for the payment."
_NOT_ALLOWED: Final = "The account holder told the bank that this payment was not authorised."


def _our_mistake(
    code: str, label: str, todo: str, *, autopay: Autopay = "keep", account: Action = "keep"
) -> ReturnCode:
    """Describe a mistake of ours that the operator caught."""
    return ReturnCode(
        code=code,
        label=label,
        meaning=_OUR_ERROR,
        todo=todo,
        deadline=_OP,
        autopay=autopay,
        account=account,
        opens_case=True,
    )


def _never_ours(code: str, label: str, deadline: Deadline = Deadline.NONE) -> ReturnCode:
    """Describe a code of an ACH application that a biller's debits never are."""
    return ReturnCode(
        code=code,
        label=label,
        meaning=_SENT_BACK,
        todo="This code should not occur; ask the bank.",
        deadline=deadline,
        autopay="keep",
        account="keep",
        opens_case=True,
    )


def _between_banks(code: str, label: str, todo: str, deadline: Deadline) -> ReturnCode:
    """Describe a dishonour or contest, which moves no payment by itself."""
    return ReturnCode(
        code=code,
        label=label,
        meaning="The banks are clearing up a returned payment.",
        todo=todo,
        deadline=deadline,
        autopay="keep",
        account="keep",
        opens_case=True,
    )


_USUAL: Final = (
    ReturnCode(
        code="R01",
        label="Not enough money",
        meaning="There was not enough money in the account.",
        todo="Try again on the retry policy, for example on the next pay-day.",
        autopay="keep",
        account="keep",
        fee_chargeable=True,
    ),
    ReturnCode(
        code="R02",
        label="Account closed",
        meaning="The account is closed.",
        todo="Ask for a new account.",
        fee_chargeable=True,
    ),
    ReturnCode(
        code="R03",
        label="No such account",
        meaning=f"{_NO_ACCOUNT} Please check the numbers and add it again.",
        todo="Ask the customer to enter the account again; that makes a new payment.",
        fee_chargeable=True,
    ),
    ReturnCode(
        code="R04",
        label="Invalid account number",
        meaning="The account number is not valid. Please check it and add the account again.",
        todo="Ask the customer to enter the account again; that makes a new payment.",
        fee_chargeable=True,
    ),
    ReturnCode(
        code="R05",
        label="Personal account debited as a business",
        meaning=_NOT_ALLOWED,
        todo="The account is personal: correct its type and get a new authorisation.",
        deadline=_60CD,
        unauthorised=True,
        opens_case=True,
    ),
    ReturnCode(
        code="R06",
        label="Returned at our bank's request",
        meaning="Our bank asked for this payment to be sent back.",
        todo="Expected if we asked for it; otherwise ask our bank.",
        deadline=Deadline.AGREED,
        autopay="hold",
        account="keep",
        opens_case=True,
    ),
    ReturnCode(
        code="R07",
        label="Authorisation withdrawn",
        meaning="The account holder told the bank that the authorisation was withdrawn.",
        todo="Never debit again without a new authorisation.",
        deadline=_60CD,
        unauthorised=True,
    ),
    ReturnCode(
        code="R08",
        label="Payment stopped",
        meaning="A stop was placed on this payment at the bank.",
        todo="Contact the customer; trying again needs a new written authorisation.",
        autopay="hold",
        account="keep",
        fee_chargeable=True,
    ),
    ReturnCode(
        code="R09",
        label="Money not yet available",
        meaning="The money in the account was not yet available to pay with.",
        todo="As R01.",
        autopay="keep",
        account="keep",
        fee_chargeable=True,
    ),
    ReturnCode(
        code="R10",
        label="Not authorised",
        meaning=_NOT_ALLOWED,
        todo="Review for fraud. Never debit again without a new authorisation.",
        deadline=_60CD,
        unauthorised=True,
        opens_case=True,
    ),
    ReturnCode(
        code="R11",
        label="Not as authorised",
        meaning="The account holder told the bank that the amount or the day was not as agreed.",
        todo="Find our error. A corrected debit may be sent within 60 days of the return.",
        deadline=_60CD,
        autopay="hold",
        account="keep",
        unauthorised=True,
        opens_case=True,
    ),
    ReturnCode(
        code="R12",
        label="Branch sold to another bank",
        meaning="The account has moved to another bank. Please add it again with its new numbers.",
        todo="Ask for the new routing number.",
        account="hold",
    ),
    ReturnCode(
        code="R13",
        label="Bank takes no such payments",
        meaning="No bank with this routing number takes such payments. Please check the number.",
        todo="Ask for another account; check the routing number list.",
        deadline=_OP,
    ),
    ReturnCode(
        code="R14",
        label="Representative deceased",
        meaning=_NOT_OPEN,
        todo="Estate handling: silence reminders and contact the family with care.",
        opens_case=True,
    ),
    ReturnCode(
        code="R15",
        label="Account holder deceased",
        meaning=_NOT_OPEN,
        todo="Estate handling: silence reminders and contact the family with care.",
        opens_case=True,
    ),
    ReturnCode(
        code="R16",
        label="Account frozen",
        meaning="The bank does not allow payments from this account at present.",
        todo="The account is frozen or under sanctions; do not debit it before that is clear.",
        account="hold",
        opens_case=True,
    ),
    ReturnCode(
        code="R17",
        label="Refused by the bank's checks",
        meaning="The bank could not accept the payment from this account.",
        todo="QUESTIONABLE in the return means suspected fraud: review it.",
        opens_case=True,
    ),
    ReturnCode(
        code="R20",
        label="Account allows no payments",
        meaning="Payments are not allowed from this account. Please use another one.",
        todo="Ask for another account.",
        fee_chargeable=True,
    ),
    ReturnCode(
        code="R21",
        label="Company number invalid",
        meaning=_OUR_ERROR,
        todo="Compare the company identification with the bank's set-up.",
        autopay="hold",
        account="keep",
        opens_case=True,
    ),
    ReturnCode(
        code="R22",
        label="Customer number invalid",
        meaning=_OUR_ERROR,
        todo="Ask the customer's bank which number it expects.",
        autopay="hold",
        account="keep",
        opens_case=True,
    ),
    ReturnCode(
        code="R23",
        label="Refund refused",
        meaning="The refund was not accepted and came back to us.",
        todo="Put the money on the customer's account and ask how to pay it out.",
        deadline=Deadline.NONE,
        autopay="keep",
        account="hold",
        opens_case=True,
    ),
    ReturnCode(
        code="R24",
        label="Duplicate",
        meaning="The bank took the payment for a duplicate and sent it back.",
        todo="Find out whether it was sent twice. Never send it again.",
        autopay="keep",
        account="keep",
        opens_case=True,
    ),
    ReturnCode(
        code="R29",
        label="Not authorised (business)",
        meaning="The business told its bank that this payment was not authorised.",
        todo="Contact them; they may have to allow our company identification at their bank.",
        unauthorised=True,
        opens_case=True,
    ),
    ReturnCode(
        code="R31",
        label="Late return, agreed",
        meaning="The bank sent the payment back with our bank's consent.",
        todo="Our bank agreed to this late return: ask why.",
        deadline=Deadline.AGREED,
        opens_case=True,
    ),
    ReturnCode(
        code="R32",
        label="Bank cannot settle",
        meaning="The bank could not settle payments that day.",
        todo="Try later, after asking our bank.",
        deadline=_OP,
        autopay="hold",
        account="keep",
        opens_case=True,
    ),
    ReturnCode(
        code="R34",
        label="Bank takes no such payments",
        meaning="The bank does not take such payments. Please use an account at another bank.",
        todo="Ask for another account.",
        deadline=_OP,
    ),
    ReturnCode(
        code="R85",
        label="Payment leaves the country",
        meaning="The bank could not accept the payment from this account.",
        todo="The account is foreign; a sanctions check is due before anything else.",
        deadline=Deadline.NONE,
        opens_case=True,
    ),
    ReturnCode(
        code="R90",
        label="Stopped for compliance",
        meaning="The bank does not allow payments from this account at present.",
        todo="Compliance case: do not debit, do not retry.",
        deadline=Deadline.NONE,
        account="hold",
        opens_case=True,
    ),
    _our_mistake("R18", "Effective date refused", "Our date was wrong or the file was late."),
    _our_mistake("R19", "Amount refused", "The amount field was wrong."),
    _our_mistake("R25", "Addenda refused", "An addendum was wrong."),
    _our_mistake("R26", "Mandatory field refused", "A mandatory field was wrong."),
    _our_mistake("R27", "Trace number refused", "A trace number was wrong."),
    _our_mistake(
        "R28",
        "Check digit wrong",
        "Our own check must have caught it.",
        autopay="stop",
        account="remove",
    ),
    _our_mistake(
        "R35", "Debit not allowed", "A debit of this kind is never allowed.", autopay="hold"
    ),
    _our_mistake(
        "R36", "Credit not allowed", "A credit of this kind is never allowed.", autopay="hold"
    ),
)

_NEVER_OURS: Final = (
    _never_ours("R30", "Bank takes no truncated cheques", _2BD),
    _never_ours("R33", "Destroyed cheque entry returned", _60CD),
    _never_ours("R37", "Cheque also presented", _60CD),
    _never_ours("R38", "Stop on the cheque", _60CD),
    _never_ours("R39", "Improper cheque", _2BD),
    *(_never_ours(f"R{number}", "Enrolment refused") for number in range(40, 48)),
    _never_ours("R50", "State law on re-presented cheques", _2BD),
    replace(_never_ours("R51", "Re-presented cheque not eligible", _60CD), unauthorised=True),
    _never_ours("R52", "Stop on the re-presented cheque", _60CD),
    _never_ours("R53", "Re-presented cheque also presented", _60CD),
    *(_never_ours(f"R{number}", "International gateway refused") for number in range(80, 85)),
)

_STANDS: Final = "The original return stands."
_DISHONOURED: Final = "Our bank sent the return back; follow it up with our bank."

_BETWEEN_BANKS: Final = (
    _between_banks("R61", "Dishonoured: misrouted return", _DISHONOURED, _5BD),
    _between_banks("R62", "Dishonoured: unintended credit", _DISHONOURED, _5BD),
    _between_banks("R67", "Dishonoured: duplicate return", _DISHONOURED, _5BD),
    _between_banks("R68", "Dishonoured: late return", _DISHONOURED, _5BD),
    _between_banks("R69", "Dishonoured: field error", _DISHONOURED, _5BD),
    _between_banks("R70", "Dishonoured: return not agreed", _DISHONOURED, _5BD),
    _between_banks("R71", "Contested: dishonour misrouted", "Ask our bank.", _2BD),
    _between_banks("R72", "Contested: dishonour too late", "Ask our bank.", _2BD),
    _between_banks("R73", "Contested: return was in time", _STANDS, _2BD),
    _between_banks("R74", "Corrected return", "Treat it as the return it corrects.", _2BD),
    _between_banks("R75", "Contested: not a duplicate", _STANDS, _2BD),
    _between_banks("R76", "Contested: no errors found", _STANDS, _2BD),
    _between_banks("R77", "Dishonour R62 not accepted", "Ask our bank.", _2BD),
)

RETURN_CODES: Final[Mapping[str, ReturnCode]] = {
    row.code: row for row in (*_USUAL, *_NEVER_OURS, *_BETWEEN_BANKS)
}

UNKNOWN: Final = ReturnCode(
    code="",
    label="Unknown reason",
    meaning=_SENT_BACK,
    todo="This code is not in the rules we know: find out what it means before trying again.",
    deadline=Deadline.NONE,
    autopay="hold",
    account="hold",
    opens_case=True,
)
