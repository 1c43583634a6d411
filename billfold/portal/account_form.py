"""Bank accounts as they are typed: checked field by field, answered in plain sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from billfold.banking import connections
from billfold.banking.models import RoutingNumber
from billfold.formats import nacha
from billfold.pages import access, refusal_texts
from billfold.pages.access import PayerVisit
from billfold.pages.responses import form_field
from billfold.pages.view_models import FormField
from billfold.payments.accounts import account_validation
from billfold.payments.accounts.account_validation import Validation
from billfold.payments.accounts.bank_accounts import ACCOUNT_LONGEST, Holder, TypedAccount
from billfold.payments.funnel import stopped_accounts
from billfold.payments.paying import funding_account
from billfold.payments.rules import card_numbers
from billfold.rails.protocol import AccountType

ACCOUNT_SHORTEST: Final = 4
METHODS_ID: Final = "methods"
"""Field id of the ways to pay."""
_SEPARATORS: Final = re.compile(r"[\s.\-\u2010-\u2015\u2212]+")
ACCOUNT_TYPES: Final = (("checking", "Checking"), ("savings", "Savings"))
HOLDERS: Final = (
    ("personal", "A person\N{RIGHT SINGLE QUOTATION MARK}s"),
    ("business", "A business\N{RIGHT SINGLE QUOTATION MARK}s"),
)


@dataclass(frozen=True, slots=True)
class AccountOption:
    """One choice of a type of account, or of whose it is."""

    key: str
    label: str
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class AccountFields:
    """The fields of a new bank account, as typed."""

    routing_number: FormField
    account_number: FormField
    account_number_again: FormField
    account_types: tuple[AccountOption, ...]
    holders: tuple[AccountOption, ...]
    bank_name: str
    remember: bool
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class AccountInput:
    """The account fields of a form as they came."""

    routing_number: str = ""
    account_number: str = ""
    account_number_again: str = ""
    typed_type: str = ""
    typed_holder: str = ""

    @property
    def account_type(self) -> AccountType:
        return "savings" if self.typed_type == "savings" else "checking"

    @property
    def holder(self) -> Holder:
        return "business" if self.typed_holder == "business" else "personal"


def read(request: HttpRequest) -> AccountInput:
    """Take the fields from a form."""
    return AccountInput(
        routing_number=form_field(request, "routing_number"),
        account_number=form_field(request, "account_number"),
        account_number_again=form_field(request, "account_number_again"),
        typed_type=form_field(request, "account_kind"),
        typed_holder=form_field(request, "account_holder"),
    )


def check(typed: AccountInput, visit: PayerVisit, problems: dict[str, str]) -> TypedAccount | None:
    """Make the account, or add a sentence for each field that has to change."""
    bank_name, routing_problem = find_bank(typed.routing_number)
    sentences = {
        "routing_number": routing_problem,
        "account_number": _number_problem(typed),
        "account_number_again": _again_problem(typed),
    }
    if any(sentences.values()):
        problems.update({name: sentence for name, sentence in sentences.items() if sentence})
        return None
    is_business = typed.holder == "business"
    return TypedAccount(
        routing_number=strip_separators(typed.routing_number),
        account_number=strip_separators(typed.account_number),
        account_type=typed.account_type,
        holder=typed.holder,
        holder_name=visit.customer.name if is_business else visit.person.name,
        bank_name=bank_name,
    )


def validate(
    account: TypedAccount, visit: PayerVisit, problems: dict[str, str], *, field_id: str
) -> Validation | None:
    """Have an account validated, or add the sentence that says why it cannot be used.

    This may ask outside, so no transaction is open.
    """
    try:
        return funding_account.validate(account, customer_id=visit.customer.id, now=visit.now)
    except (
        stopped_accounts.AccountStopped,
        stopped_accounts.AccountOnHold,
        account_validation.AccountRefused,
    ) as refusal:
        problems[field_id] = refusal_texts.sentence(refusal)
    except account_validation.CannotValidate as refusal:
        problems[METHODS_ID] = refusal_texts.sentence(refusal)
    return None


def strip_separators(text: str) -> str:
    """Drop what people type between the digits: spaces, dashes, dots."""
    return _SEPARATORS.sub("", text)


def find_bank(text: str) -> tuple[str, str]:
    """Name the bank of a routing number, or say what is wrong with the number."""
    number = strip_separators(text)
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


def _number_problem(typed: AccountInput) -> str:
    number = strip_separators(typed.account_number)
    if number and number == strip_separators(typed.routing_number):
        return "This is the routing number. The account number stands beside it on your check."
    if card_numbers.looks_like_card(number):
        return (
            "This looks like a card number. Enter the number of your bank account, which stands "
            "on your checks and statements."
        )
    return _spelling_problem(number)


def _spelling_problem(number: str) -> str:
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


def _again_problem(typed: AccountInput) -> str:
    again = strip_separators(typed.account_number_again)
    if not again:
        return "Retype your account number here."
    if again != strip_separators(typed.account_number):
        return "The two account numbers are different. Retype the one above."
    return ""


def fields(
    typed: AccountInput,
    problems: Mapping[str, str],
    *,
    remember: bool = False,
    is_chosen: bool = False,
) -> AccountFields:
    """Make the fields again, as typed, with what is wrong. Nothing of it is stored."""

    def field(name: str, value: str) -> FormField:
        return FormField(name, value, problems.get(name, ""))

    bank_name = "" if problems.get("routing_number") else find_bank(typed.routing_number)[0]
    return AccountFields(
        routing_number=field("routing_number", typed.routing_number),
        account_number=field("account_number", typed.account_number),
        account_number_again=field("account_number_again", typed.account_number_again),
        account_types=tuple(
            AccountOption(key, label, key == typed.account_type) for key, label in ACCOUNT_TYPES
        ),
        holders=tuple(AccountOption(key, label, key == typed.holder) for key, label in HOLDERS),
        bank_name=bank_name,
        remember=remember,
        is_chosen=is_chosen,
    )


@access.open_to_those_who_may_pay("POST")
def bank_name(visit: PayerVisit) -> HttpResponse:
    """Name the bank of a routing number while the form is filled in."""
    name, problem = find_bank(visit.form_field("routing_number"))
    context = {"bank_name": name, "bank_name_error": problem}
    return render(visit.request, "portal/_bank_name.html", context)
