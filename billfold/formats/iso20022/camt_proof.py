"""Whether a statement's entries explain its balances, and agree with its own summary.

Source: ISO 20022, BankToCustomerStatement: OPBD and booked entries give CLBD; docs/bank-files.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from xml.etree.ElementTree import Element

from billfold.formats.iso20022 import values
from billfold.formats.iso20022.camt_records import Balance, Entry, Kind, Status
from billfold.formats.iso20022.messages import Faults

_ONCE: Final = frozenset({"OPBD", "CLBD", "PRCD"})


@dataclass(slots=True)
class Sums:
    """Credits and debits of some entries, and what of them reversals are."""

    credit_minor: int = 0
    debit_minor: int = 0
    credits: int = 0
    debits: int = 0
    turned_minor: int = 0
    """What the net would gain if reversals went the other way."""

    @property
    def net_minor(self) -> int:
        return self.credit_minor - self.debit_minor

    def add(self, entry: Entry) -> None:
        """Count an entry in."""
        if entry.is_credit:
            self.credit_minor += entry.amount_minor
            self.credits += 1
        else:
            self.debit_minor += entry.amount_minor
            self.debits += 1
        if entry.is_reversal:
            signed_minor = entry.amount_minor if entry.is_credit else -entry.amount_minor
            self.turned_minor -= 2 * signed_minor


@dataclass(slots=True)
class Totals:
    """The sums of one statement; its summary counts pending entries at some banks."""

    booked: Sums = field(default_factory=Sums)
    other: Sums = field(default_factory=Sums)
    is_sound: bool = True
    """False once an amount could not be read, so that no sum proves anything."""

    def add(self, entry: Entry) -> None:
        """Count an entry in."""
        (self.booked if entry.status is Status.BOOKED else self.other).add(entry)


@dataclass(frozen=True, slots=True)
class Proof:
    """What the balances say of the entries."""

    is_proved: bool = False
    is_turned: bool = False
    """They prove only if every reversal goes the other way than its indicator says."""


def ends(balances: Iterable[Balance]) -> tuple[Balance | None, Balance | None]:
    """Find the balances the entries stand between.

    A page of a longer statement begins or ends with an interim balance. Source: ISO 20022,
    BalanceType12Code: ITBD stands where OPBD or CLBD is on another page.
    """
    by_kind: dict[str, Balance] = {}
    interim: list[Balance] = []
    for balance in balances:
        by_kind.setdefault(balance.kind, balance)
        if balance.kind == "ITBD":
            interim.append(balance)
    opening = by_kind.get("OPBD") or by_kind.get("PRCD")
    closing = by_kind.get("CLBD")
    if opening is None and interim and (closing or len(interim) > 1):
        opening = interim.pop(0)
    if closing is None and interim:
        closing = interim[-1]
    return opening, closing


def prove(
    kind: Kind, balances: Sequence[Balance], totals: Totals, currency: str, faults: Faults
) -> Proof:
    """Compare a statement's balances with its booked entries."""
    is_provable = kind is Kind.STATEMENT and totals.is_sound
    if not is_provable or _is_contradicted(balances, faults):
        return Proof()
    opening, closing = ends(balances)
    if opening is None or closing is None:
        ends_named = (("opening", opening), ("closing", closing))
        lacks = " and ".join(name for name, each in ends_named if each is None)
        message = f"The statement has no {lacks} balance; its entries are read, but not proved."
        fix = "Ask the bank for opening and closing balances in its statements."
        faults.warn("balance-missing", "", message, fix)
        return Proof()
    if {opening.currency, closing.currency} != {currency}:
        message = (
            f"The account is in {currency}, the opening balance in {opening.currency}, the "
            f"closing balance in {closing.currency}: nothing leads from one to the other."
        )
        faults.add("balance-currency", "Bal", message)
        return Proof()
    wanted_minor = closing.amount_minor - opening.amount_minor
    net_minor = totals.booked.net_minor
    if wanted_minor == net_minor:
        return Proof(is_proved=True)
    turned_minor = totals.booked.turned_minor
    if turned_minor and wanted_minor == net_minor + turned_minor:
        return Proof(is_proved=True, is_turned=True)
    message = (
        f"The balances differ by {wanted_minor}; the booked entries add up to {net_minor}, "
        f"both in the smallest unit of {opening.currency}."
    )
    faults.add("balance-proof", "", message)
    return Proof()


def _is_contradicted(balances: Iterable[Balance], faults: Faults) -> bool:
    stated: dict[str, Balance] = {}
    for balance in balances:
        first = stated.setdefault(balance.kind, balance)
        if balance.kind in _ONCE and balance.amount_minor != first.amount_minor:
            message = f"The balance {balance.kind} is stated twice, with different amounts."
            faults.add("balance-twice", "Bal", message)
            return True
    return False


def compare(summary: Element, currency: str, totals: Totals, faults: Faults) -> None:
    """Compare a TxsSummry with the entries: with those booked, or else with all of them."""
    if not totals.is_sound:
        return
    booked, other = totals.booked, totals.other
    credits = {booked.credits, booked.credits + other.credits}
    debits = {booked.debits, booked.debits + other.debits}
    credit = {booked.credit_minor, booked.credit_minor + other.credit_minor}
    debit = {booked.debit_minor, booked.debit_minor + other.debit_minor}
    count = {booked.credits + booked.debits, max(credits) + max(debits)}
    total = {booked.credit_minor + booked.debit_minor, max(credit) + max(debit)}
    for name, counts, sums in (
        ("TtlNtries", count, total),
        ("TtlCdtNtries", credits, credit),
        ("TtlDbtNtries", debits, debit),
    ):
        said = values.text_at(summary, name, "NbOfNtries")
        if said and not (said.isascii() and said.isdigit() and int(said[:18]) in counts):
            message = f"The summary counts {said[:18]} entries; counted were {max(counts)}."
            faults.add("summary-count", f"TxsSummry/{name}/NbOfNtries", message)
        stated = values.at(summary, name, "Sum")
        if stated is not None:
            leaf = f"TxsSummry/{name}/Sum"
            minor = values.decimal(stated, currency, leaf, faults)
            if minor is not None and minor not in sums:
                message = f"The summary says {minor}; the entries add up to {max(sums)}."
                faults.add("summary-sum", leaf, message)
