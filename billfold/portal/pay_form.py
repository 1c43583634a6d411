"""The pay form as it was sent: which invoices, how much on each, from which account."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final
from uuid import UUID

from django.http import HttpRequest

from billfold.money import Money, NotAnAmount, total
from billfold.pages import refusal_texts
from billfold.pages.responses import clean, form_field
from billfold.pages.templatetags import formatting
from billfold.payments.paying.payable_bills import CURRENCY, is_payable
from billfold.payments.paying.review import Draft
from billfold.payments.reading.bills import Bill
from billfold.portal import account_form, drafts

NEW_ACCOUNT: Final = "new"
ENTERED_ACCOUNT: Final = "entered"
"""The account that was typed for the draft being changed; its number stays sealed."""
NOTHING_TICKED: Final = "Select at Least One Invoice"
TABLE_ID: Final = "invoices"
"""Field id of the table, for what has no row to tick any more."""
_NUMBER_LENGTH: Final = 40
_NUMBERS_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class PaymentChoices:
    """What a payer chose, as typed."""

    reference: str
    customer_number: str = ""
    ticked: frozenset[str] = frozenset()
    amounts: dict[str, str] = field(default_factory=dict)
    """Invoice number -> text, also of rows that are not ticked."""
    method: str = ""
    account: account_form.AccountInput = field(default_factory=account_form.AccountInput)
    remember: bool = False
    spread: str = ""
    """An amount to put on the oldest bills."""
    is_fresh: bool = False
    """Nothing was sent yet, so a method may be chosen for the payer."""


def read(request: HttpRequest) -> PaymentChoices:
    """Take the form as it came."""
    prefix = "amount:"
    return PaymentChoices(
        reference=drafts.reference_of(form_field(request, "reference")),
        customer_number=form_field(request, "account"),
        ticked=_numbers(request.POST.getlist("invoice")),
        amounts={
            clean(name.removeprefix(prefix)): form_field(request, name)
            for name in request.POST
            if name.startswith(prefix)
        },
        method=form_field(request, "method"),
        account=account_form.read(request),
        remember=bool(form_field(request, "remember")),
        spread=form_field(request, "spread"),
    )


def begin(request: HttpRequest) -> PaymentChoices:
    """Begin a fresh form, with the invoices ticked that the address names."""
    numbers = _numbers(request.GET.getlist("invoice"))
    return PaymentChoices(reference=drafts.reference_of(""), ticked=numbers, is_fresh=True)


def _numbers(texts: list[str]) -> frozenset[str]:
    return frozenset(filter(None, map(clean, texts)))


def restore(draft: Draft, bills: Iterable[Bill]) -> PaymentChoices:
    """Fill the form from a draft that is to be changed. The account's number stays in the draft."""
    by_id = {bill.id: bill for bill in bills}
    shares = {by_id[i].number: share for i, share in draft.shares.items() if i in by_id}
    return PaymentChoices(
        reference=draft.reference,
        ticked=frozenset(shares),
        amounts={number: share.plain(grouped=True) for number, share in shares.items()},
        method=str(draft.method_id) if draft.method_id else ENTERED_ACCOUNT,
        remember=draft.remember,
    )


def row_ids(bills: Sequence[Bill]) -> dict[str, str]:
    """Number the rows of the page, by invoice."""
    return {bill.number: str(place) for place, bill in enumerate(bills, 1)}


def compute_shares(
    choices: PaymentChoices, bills: Sequence[Bill], problems: dict[str, str]
) -> dict[UUID, Money]:
    """Work out how much goes on each ticked invoice; add a sentence where that cannot be."""
    ids = row_ids(bills)
    payable = {bill.number: bill for bill in bills if is_payable(bill)}
    first = next((ids[number] for number in payable), "")
    shares: dict[UUID, Money] = {}
    missing = choices.ticked - set(payable)
    if missing:
        problems[TABLE_ID] = not_payable_text(missing, bills)
    for number, bill in payable.items():
        if number not in choices.ticked:
            continue
        try:
            shares[bill.id] = _share(bill, choices.amounts.get(number))
        except _AmountRefused as refusal:
            problems[f"amount-{ids[number]}"] = refusal.sentence
    if not choices.ticked:
        problems[f"invoice-{first}" if first else TABLE_ID] = NOTHING_TICKED
    return shares


def not_payable_text(numbers: Collection[str], bills: Sequence[Bill]) -> str:
    """Say why invoices that were ticked have no box any more. One on another account of the
    biller looks like a missing one.
    """
    known = {bill.number: bill for bill in bills}
    being_paid = [n for n in sorted(numbers) if n in known and known[n].payable.minor <= 0]
    foreign = [n for n in sorted(numbers) if n in known and known[n].payable.minor > 0]
    missing = [n for n in sorted(numbers) if n not in known]
    sentences = []
    if being_paid:
        sentences.append(f"{_are(being_paid)} already being paid by another payment.")
    if foreign:
        sentences.append(f"{_are(foreign)} not in dollars and cannot be paid here.")
    if missing:
        sentences.append(f"{_are(missing)} not open on this account.")
    they_are = "It is" if len(numbers) == 1 else "They are"
    return " ".join([*sentences, f"{they_are} not in your choice any more."])


def _are(numbers: list[str]) -> str:
    """Begin a sentence about invoices: "CL-1 is" or "CL-1, CL-2 and CL-3 are"."""
    named = [number[:_NUMBER_LENGTH] for number in numbers[:_NUMBERS_NAMED]]
    if len(numbers) > _NUMBERS_NAMED:
        named.append(f"{len(numbers) - _NUMBERS_NAMED:,} more")
    if len(named) == 1:
        return f"{named[0]} is"
    return f"{', '.join(named[:-1])} and {named[-1]} are"


class _AmountRefused(Exception):
    """A text is no amount that can be paid; the sentence says why."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def _share(bill: Bill, text: str | None) -> Money:
    """Read what is to be paid on one bill; a row without a field means all of it.

    Raises: _AmountRefused.
    """
    if text is None:
        return bill.payable
    share = _parse(text, f"on {bill.number}", at_most=bill.payable)
    if share > bill.payable:
        raise _AmountRefused(refusal_texts.exceeds_payable_text(bill.number, bill.payable))
    return share


def _parse(text: str, where: str, *, at_most: Money) -> Money:
    """Read an amount above zero. Raises: _AmountRefused with the sentence for the field."""
    if not text:
        raise _AmountRefused(f"Enter the amount to pay {where}, or untick it.")
    try:
        amount = Money.parse(text, CURRENCY)
    except NotAnAmount as refusal:
        sentence = f"Enter the amount {where} as a number, like {at_most.plain(grouped=True)}."
        if "decimals" in refusal.reason:
            sentence = f"Enter dollars and cents {where}, with 2 decimals at most."
        elif refusal.reason == "too large":
            sentence = f"That is more than you owe {where}: {formatting.money(at_most)}."
        raise _AmountRefused(sentence) from refusal
    if amount.minor <= 0:
        raise _AmountRefused(f"Enter more than $0.00 {where}, or untick it.")
    return amount


def _parse_spread(text: str, owed: Money) -> Money:
    """Read the amount that is to go on the oldest bills. Raises: _AmountRefused."""
    too_much = f"You owe {formatting.money(owed)} in all. Enter that or less."
    if not text:
        raise _AmountRefused("Enter the amount you want to pay.")
    try:
        amount = Money.parse(text, CURRENCY)
    except NotAnAmount as refusal:
        sentence = f"Enter the amount as a number, like {owed.plain(grouped=True)}."
        if "decimals" in refusal.reason:
            sentence = "Enter dollars and cents, with 2 decimals at most."
        elif refusal.reason == "too large":
            sentence = too_much
        raise _AmountRefused(sentence) from refusal
    if amount.minor <= 0:
        raise _AmountRefused("Enter more than $0.00.")
    if amount > owed:
        raise _AmountRefused(too_much)
    return amount


def tick_for_payer(
    choices: PaymentChoices, pick: str, bills: Sequence[Bill], problems: dict[str, str], *, on: date
) -> PaymentChoices:
    """Tick everything, what is overdue, or an amount from the oldest bill on."""
    payable = [bill for bill in bills if is_payable(bill)]
    if pick == "oldest":
        return _spread(choices, payable, problems)
    ticked = [bill for bill in payable if pick == "all" or bill.is_past_due(on=on)]
    return replace(
        choices,
        ticked=frozenset(bill.number for bill in ticked),
        amounts={bill.number: bill.payable.plain(grouped=True) for bill in payable},
    )


def _spread(
    choices: PaymentChoices, payable: list[Bill], problems: dict[str, str]
) -> PaymentChoices:
    owed = total((bill.payable for bill in payable), CURRENCY)
    try:
        left = _parse_spread(choices.spread, owed)
    except _AmountRefused as refusal:
        problems["spread"] = refusal.sentence
        return choices
    ticked: dict[str, str] = {}
    for bill in payable:
        share = min(left, bill.payable)
        if share:
            ticked[bill.number] = share.plain(grouped=True)
            left -= share
    return replace(choices, ticked=frozenset(ticked), amounts={**choices.amounts, **ticked})
