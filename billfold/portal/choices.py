"""The pay form as it was sent: which invoices, how much on each, from which account."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final
from uuid import UUID

from django.http import HttpRequest

from billfold.money import Money, NotAnAmount, total
from billfold.pages.answers import clean, typed
from billfold.pages.templatetags.bills import money
from billfold.payments.reading.bills import Bill
from billfold.portal import accounts, drafts
from billfold.portal.drafts import CURRENCY, Draft

NEW: Final = "new"
ENTERED: Final = "entered"
"""The account that was typed for the draft being changed; its number stays sealed."""
GUARD: Final = "Select at Least One Invoice"
TABLE: Final = "invoices"
"""Field id of the whole table, for what has no row to tick any more."""
_SHOWN: Final = 40
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Choices:
    """What a payer chose, as typed."""

    reference: str
    account: str = ""
    ticked: frozenset[str] = frozenset()
    amounts: dict[str, str] = field(default_factory=dict)
    """Invoice number -> text, also of rows that are not ticked."""
    method: str = ""
    bank: accounts.Typed = field(default_factory=accounts.Typed)
    remember: bool = False
    spread: str = ""
    is_fresh: bool = False
    """Nothing was sent yet, so a method may be chosen for the payer."""


def read(request: HttpRequest) -> Choices:
    """Take the form as it came."""
    prefix = "amount:"
    return Choices(
        reference=drafts.reference_of(typed(request, "reference")),
        account=typed(request, "account"),
        ticked=_numbers(request.POST.getlist("invoice")),
        amounts={
            clean(name.removeprefix(prefix)): typed(request, name)
            for name in request.POST
            if name.startswith(prefix)
        },
        method=typed(request, "method"),
        bank=accounts.read(request),
        remember=bool(typed(request, "remember")),
        spread=typed(request, "spread"),
    )


def preselected(request: HttpRequest) -> Choices:
    """Begin a fresh form, with the invoices ticked that the address names."""
    numbers = _numbers(request.GET.getlist("invoice"))
    return Choices(reference=drafts.reference_of(""), ticked=numbers, is_fresh=True)


def _numbers(given: list[str]) -> frozenset[str]:
    return frozenset(filter(None, map(clean, given)))


def restored(draft: Draft, bills: Iterable[Bill]) -> Choices:
    """Show a draft again, so that it can be changed. The account's number stays where it is."""
    by_id = {bill.id: bill for bill in bills}
    shares = {by_id[i].number: share for i, share in draft.shares.items() if i in by_id}
    return Choices(
        reference=draft.reference,
        ticked=frozenset(shares),
        amounts={number: share.plain(grouped=True) for number, share in shares.items()},
        method=str(draft.method_id) if draft.method_id else ENTERED,
        remember=draft.remember,
    )


def is_payable(bill: Bill) -> bool:
    """Say whether a bank debit can pay on this bill now."""
    return bill.payable.minor > 0 and bill.payable.currency == CURRENCY


def row_ids(bills: Sequence[Bill]) -> dict[str, str]:
    """Number the rows of the page, by invoice."""
    return {bill.number: str(place) for place, bill in enumerate(bills, 1)}


def shares(choices: Choices, bills: Sequence[Bill], faults: dict[str, str]) -> dict[UUID, Money]:
    """Work out how much goes on each ticked invoice; add a sentence where that cannot be."""
    ids = row_ids(bills)
    payable = {bill.number: bill for bill in bills if is_payable(bill)}
    first = next((ids[number] for number in payable), "")
    found: dict[UUID, Money] = {}
    missing = choices.ticked - set(payable)
    if missing:
        faults[TABLE] = not_payable(missing, bills)
    for number, bill in payable.items():
        if number not in choices.ticked:
            continue
        try:
            found[bill.id] = _amount(bill, choices.amounts.get(number))
        except _Wrong as wrong:
            faults[f"amount-{ids[number]}"] = wrong.sentence
    if not choices.ticked:
        faults[f"invoice-{first}" if first else TABLE] = GUARD
    return found


def not_payable(numbers: Collection[str], bills: Sequence[Bill]) -> str:
    """Say why invoices that were ticked have no box any more. One on another account of the
    biller looks like a missing one.
    """
    known = {bill.number: bill for bill in bills}
    taken = [n for n in sorted(numbers) if n in known and known[n].payable.minor <= 0]
    foreign = [n for n in sorted(numbers) if n in known and known[n].payable.minor > 0]
    gone = [n for n in sorted(numbers) if n not in known]
    said = []
    if taken:
        said.append(f"{_listed(taken)} already being paid by another payment.")
    if foreign:
        said.append(f"{_listed(foreign)} not in dollars and cannot be paid here.")
    if gone:
        said.append(f"{_listed(gone)} not open on this account.")
    it = "It is" if len(numbers) == 1 else "They are"
    return " ".join([*said, f"{it} not in your choice any more."])


def _listed(numbers: list[str]) -> str:
    named = [number[:_SHOWN] for number in numbers[:_NAMED]]
    if len(numbers) > _NAMED:
        named.append(f"{len(numbers) - _NAMED:,} more")
    if len(named) == 1:
        return f"{named[0]} is"
    return f"{', '.join(named[:-1])} and {named[-1]} are"


class _Wrong(Exception):
    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def _amount(bill: Bill, text: str | None) -> Money:
    """Read what is to be paid on one bill; a row without a field means all of it."""
    if text is None:
        return bill.payable
    asked_for = _parse(text, f"on {bill.number}", at_most=bill.payable)
    if asked_for > bill.payable:
        raise _Wrong(exceeds(bill.number, bill.payable))
    return asked_for


def _parse(text: str, where: str, *, at_most: Money) -> Money:
    """Read an amount above zero. Raises: _Wrong with the sentence for the field."""
    if not text:
        raise _Wrong(f"Enter the amount to pay {where}, or untick it.")
    try:
        found = Money.parse(text, CURRENCY)
    except NotAnAmount as refused:
        if "decimals" in refused.reason:
            raise _Wrong(f"Enter dollars and cents {where}, with 2 decimals at most.") from refused
        if refused.reason == "too large":
            raise _Wrong(f"That is more than you owe {where}: {money(at_most)}.") from refused
        raise _Wrong(
            f"Enter the amount {where} as a number, like {at_most.plain(grouped=True)}."
        ) from refused
    if found.minor <= 0:
        raise _Wrong(f"Enter more than $0.00 {where}, or untick it.")
    return found


def _parse_spread(text: str, owed: Money) -> Money:
    """Read the amount that is to go on the oldest bills. Raises: _Wrong with its sentence."""
    too_much = f"You owe {money(owed)} in all. Enter that or less."
    if not text:
        raise _Wrong("Enter the amount you want to pay.")
    try:
        found = Money.parse(text, CURRENCY)
    except NotAnAmount as refused:
        if "decimals" in refused.reason:
            raise _Wrong("Enter dollars and cents, with 2 decimals at most.") from refused
        if refused.reason == "too large":
            raise _Wrong(too_much) from refused
        raise _Wrong(f"Enter the amount as a number, like {owed.plain(grouped=True)}.") from refused
    if found.minor <= 0:
        raise _Wrong("Enter more than $0.00.")
    if found > owed:
        raise _Wrong(too_much)
    return found


def exceeds(number: str, payable: Money) -> str:
    return f"{number} still owes {money(payable)}. Enter that or less."


def picked(
    choices: Choices, pick: str, bills: Sequence[Bill], faults: dict[str, str], *, on: date
) -> Choices:
    """Tick for the payer: everything, what is overdue, or an amount from the oldest on."""
    payable = [bill for bill in bills if is_payable(bill)]
    if pick == "oldest":
        return _spread(choices, payable, faults)
    wanted = [bill for bill in payable if pick == "all" or bill.is_past_due(on=on)]
    return replace(
        choices,
        ticked=frozenset(bill.number for bill in wanted),
        amounts={bill.number: bill.payable.plain(grouped=True) for bill in payable},
    )


def _spread(choices: Choices, payable: list[Bill], faults: dict[str, str]) -> Choices:
    owed = total((bill.payable for bill in payable), CURRENCY)
    try:
        left = _parse_spread(choices.spread, owed)
    except _Wrong as wrong:
        faults["spread"] = wrong.sentence
        return choices
    ticked: dict[str, str] = {}
    for bill in payable:
        part = min(left, bill.payable)
        if part:
            ticked[bill.number] = part.plain(grouped=True)
            left -= part
    return replace(choices, ticked=frozenset(ticked), amounts={**choices.amounts, **ticked})
