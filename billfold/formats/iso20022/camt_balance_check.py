"""The check of a statement's entries against its balances and its own summary.

Source: ISO 20022, BankToCustomerStatement: OPBD and booked entries give CLBD; docs/bank-files.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from xml.etree.ElementTree import Element

from billfold.formats.iso20022 import values
from billfold.formats.iso20022.camt_records import CamtBalance, CamtEntry, CamtKind, CamtStatus
from billfold.formats.iso20022.path_findings import PathFindings

_ONCE: Final = frozenset({"OPBD", "CLBD", "PRCD"})


@dataclass(slots=True)
class EntrySums:
    """Sums of credits and debits of some entries, and of the reversals among them."""

    credit_minor: int = 0
    debit_minor: int = 0
    credits: int = 0
    debits: int = 0
    reversal_change_minor: int = 0
    """By how much the net would change if every reversal went the other way."""

    @property
    def net_minor(self) -> int:
        return self.credit_minor - self.debit_minor

    def add(self, entry: CamtEntry) -> None:
        """Add an entry."""
        if entry.is_credit:
            self.credit_minor += entry.amount_minor
            self.credits += 1
        else:
            self.debit_minor += entry.amount_minor
            self.debits += 1
        if entry.is_reversal:
            signed_minor = entry.amount_minor if entry.is_credit else -entry.amount_minor
            self.reversal_change_minor -= 2 * signed_minor


@dataclass(slots=True)
class StatementTotals:
    """The sums of one statement; at some banks its summary counts pending entries, too."""

    booked: EntrySums = field(default_factory=EntrySums)
    other: EntrySums = field(default_factory=EntrySums)
    is_sound: bool = True
    """False once an amount could not be read, so that no sum proves anything."""

    def add(self, entry: CamtEntry) -> None:
        """Add an entry."""
        (self.booked if entry.status is CamtStatus.BOOKED else self.other).add(entry)


@dataclass(frozen=True, slots=True)
class BalanceProof:
    """Whether the booked entries lead from the opening to the closing balance."""

    is_proved: bool = False
    are_reversals_inverted: bool = False
    """They do only if every reversal goes the other way than its indicator says."""


def opening_and_closing(
    balances: Iterable[CamtBalance],
) -> tuple[CamtBalance | None, CamtBalance | None]:
    """Return the balances before and after the entries.

    A page of a longer statement begins or ends with an interim balance. Source: ISO 20022,
    BalanceType12Code: ITBD stands where OPBD or CLBD is on another page.
    """
    by_kind: dict[str, CamtBalance] = {}
    interim: list[CamtBalance] = []
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


def check_balances(
    kind: CamtKind,
    balances: Sequence[CamtBalance],
    totals: StatementTotals,
    currency: str,
    findings: PathFindings,
) -> BalanceProof:
    """Compare a statement's balances with its booked entries."""
    is_provable = kind is CamtKind.STATEMENT and totals.is_sound
    if not is_provable or _is_contradicted(balances, findings):
        return BalanceProof()
    opening, closing = opening_and_closing(balances)
    if opening is None or closing is None:
        ends = (("opening", opening), ("closing", closing))
        missing = " and ".join(name for name, balance in ends if balance is None)
        message = f"The statement has no {missing} balance; its entries are read, but not proved."
        fix = "Ask the bank for opening and closing balances in its statements."
        findings.warn("balance-missing", "", message, fix)
        return BalanceProof()
    if {opening.currency, closing.currency} != {currency}:
        message = (
            f"The account is in {currency}, the opening balance in {opening.currency}, the "
            f"closing balance in {closing.currency}: nothing leads from one to the other."
        )
        findings.add("balance-currency", "Bal", message)
        return BalanceProof()
    difference_minor = closing.amount_minor - opening.amount_minor
    net_minor = totals.booked.net_minor
    if difference_minor == net_minor:
        return BalanceProof(is_proved=True)
    change_minor = totals.booked.reversal_change_minor
    if change_minor and difference_minor == net_minor + change_minor:
        return BalanceProof(is_proved=True, are_reversals_inverted=True)
    message = (
        f"The balances differ by {difference_minor}; the booked entries add up to {net_minor}, "
        f"both in the smallest unit of {opening.currency}."
    )
    findings.add("balance-proof", "", message)
    return BalanceProof()


def _is_contradicted(balances: Iterable[CamtBalance], findings: PathFindings) -> bool:
    """Tell whether a balance is stated twice with different amounts, and report it."""
    stated: dict[str, CamtBalance] = {}
    for balance in balances:
        first = stated.setdefault(balance.kind, balance)
        if balance.kind in _ONCE and balance.amount_minor != first.amount_minor:
            message = f"The balance {balance.kind} is stated twice, with different amounts."
            findings.add("balance-twice", "Bal", message)
            return True
    return False


def check_summary(
    summary: Element, currency: str, totals: StatementTotals, findings: PathFindings
) -> None:
    """Compare a TxsSummry with the booked entries, or else with all of them."""
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
        number = values.text_at(summary, name, "NbOfNtries")
        if number and not (number.isascii() and number.isdigit() and int(number[:18]) in counts):
            message = f"The summary counts {number[:18]} entries; counted were {max(counts)}."
            findings.add("summary-count", f"TxsSummry/{name}/NbOfNtries", message)
        stated = values.element_at(summary, name, "Sum")
        if stated is not None:
            path = f"TxsSummry/{name}/Sum"
            minor = values.decimal(stated, currency, path, findings)
            if minor is not None and minor not in sums:
                message = f"The summary says {minor}; the entries add up to {max(sums)}."
                findings.add("summary-sum", path, message)
