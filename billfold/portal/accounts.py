"""Bank accounts as they are typed: checked field by field, answered in plain sentences."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest

from billfold.banking import connections
from billfold.banking.models import RoutingNumber
from billfold.formats import nacha
from billfold.pages.answers import typed
from billfold.pages.shapes import Field, Option
from billfold.payments.accounts.bank_accounts import ACCOUNT_LONGEST, BankAccount, Holder
from billfold.portal.shapes import BankAccount as BankFields
from billfold.portal.visits import Visit
from billfold.rails.protocol import AccountType

ACCOUNT_SHORTEST: Final = 4
_SEPARATORS: Final = re.compile(r"[\s.\-\u2010-\u2015\u2212]+")
KINDS: Final = (("checking", "Checking"), ("savings", "Savings"))
HOLDERS: Final = (
    ("personal", "A person\N{RIGHT SINGLE QUOTATION MARK}s"),
    ("business", "A business\N{RIGHT SINGLE QUOTATION MARK}s"),
)


@dataclass(frozen=True, slots=True)
class Typed:
    """The account fields of a form as they came."""

    routing_number: str = ""
    account_number: str = ""
    account_number_again: str = ""
    kind: str = ""
    holder: str = ""

    @property
    def account_type(self) -> AccountType:
        return "savings" if self.kind == "savings" else "checking"

    @property
    def whose(self) -> Holder:
        return "business" if self.holder == "business" else "personal"


def read(request: HttpRequest) -> Typed:
    """Take the fields from a form."""
    return Typed(
        routing_number=typed(request, "routing_number"),
        account_number=typed(request, "account_number"),
        account_number_again=typed(request, "account_number_again"),
        kind=typed(request, "account_kind"),
        holder=typed(request, "account_holder"),
    )


def check(given: Typed, visit: Visit, faults: dict[str, str]) -> BankAccount | None:
    """Make the account, or add a sentence for each field that has to change."""
    bank_name, wrong = bank_of(given.routing_number)
    wrongs = {
        "routing_number": wrong,
        "account_number": _account_fault(given.account_number),
        "account_number_again": _again_fault(given),
    }
    found = {name: sentence for name, sentence in wrongs.items() if sentence}
    if found:
        faults.update(found)
        return None
    return BankAccount(
        routing_number=bare(given.routing_number),
        account_number=bare(given.account_number),
        account_type=given.account_type,
        holder=given.whose,
        holder_name=visit.customer.name if given.whose == "business" else visit.person.name,
        bank_name=bank_name,
    )


def bare(text: str) -> str:
    """Drop what people type between the digits: spaces, dashes, dots."""
    return _SEPARATORS.sub("", text)


def bank_of(text: str) -> tuple[str, str]:
    """Name the bank of a routing number, or say what is wrong with the number."""
    number = bare(text)
    if not number:
        return "", "Enter the routing number of your bank. It has 9 digits."
    if not (number.isascii() and number.isdigit()):
        return "", "Routing number must have digits only."
    if len(number) != 9:
        return "", f"Routing number must have 9 digits. You entered {len(number)}."
    if not nacha.is_routing_number(number):
        return "", "No bank has this routing number. Compare it with your check, digit by digit."
    name = connections.bank_name(number)
    if name is None and RoutingNumber.objects.exists():
        return "", "We know no bank with this routing number. Compare it with your check."
    return name or "", ""


def _account_fault(text: str) -> str:
    number = bare(text)
    if not number:
        return "Enter your account number."
    if not (number.isascii() and number.isalnum()):
        return "Account number must have letters and digits only."
    if len(number) > ACCOUNT_LONGEST:
        return f"Account number can have up to 17 characters. You entered {len(number)}."
    if len(number) < ACCOUNT_SHORTEST:
        return f"Account number must have at least 4 characters. You entered {len(number)}."
    if not number.strip("0"):
        return "Account number cannot be all zeros. Compare it with your check."
    return ""


def _again_fault(given: Typed) -> str:
    if not bare(given.account_number_again):
        return "Retype your account number here."
    if bare(given.account_number_again) != bare(given.account_number):
        return "The two account numbers are different. Retype the one above."
    return ""


def fields(
    given: Typed,
    faults: dict[str, str],
    *,
    remember: bool = False,
    is_chosen: bool = False,
) -> BankFields:
    """Show the fields again, as typed, with what is wrong. Nothing of it is stored."""

    def field(name: str, value: str) -> Field:
        return Field(name, value, faults.get(name, ""))

    bank_name = "" if faults.get("routing_number") else bank_of(given.routing_number)[0]
    return BankFields(
        routing_number=field("routing_number", given.routing_number),
        account_number=field("account_number", given.account_number),
        account_number_again=field("account_number_again", given.account_number_again),
        kinds=tuple(Option(key, name, key == given.account_type) for key, name in KINDS),
        holders=tuple(Option(key, name, key == given.whose) for key, name in HOLDERS),
        bank_name=bank_name,
        remember=remember,
        is_chosen=is_chosen,
    )
