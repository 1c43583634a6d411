"""What a camt message holds: statements of accounts, their balances and entries.

Source: ISO 20022, BankToCustomerStatement and its relatives; docs/bank-files.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from billfold.formats.bai2 import type_codes
from billfold.formats.bai2.type_codes import Direction
from billfold.formats.iso20022.remittance import NOTHING, Line, Remittance
from billfold.formats.iso20022.values import NOBODY, Party
from billfold.formats.problems import Problem


class Kind(StrEnum):
    """Which of the three messages it is."""

    REPORT = "camt.052"
    """Intraday: what happened so far; it repeats itself during the day."""
    STATEMENT = "camt.053"
    NOTIFICATION = "camt.054"
    """Single entries as they happen, without balances."""


class Status(StrEnum):
    """How settled an entry is. Only what is booked is money."""

    BOOKED = "BOOK"
    PENDING = "PDNG"
    INFORMATION = "INFO"
    FUTURE = "FUTR"


@dataclass(frozen=True, slots=True)
class Balance:
    """A balance the bank states; owed to the bank is negative."""

    kind: str
    """OPBD, CLBD, CLAV, PRCD, ITBD, or the bank's own name for it."""
    amount_minor: int
    currency: str
    on: date | None


@dataclass(frozen=True, slots=True)
class Detail:
    """One payment of an entry. Amount and direction are the entry's where it says none."""

    amount_minor: int | None
    """Absent where an entry of several payments does not say what each of them was."""
    currency: str
    is_credit: bool
    named: tuple[tuple[str, str], ...] = ()
    """References by their name in ISO 20022, in the order of the message."""
    debtor: Party = NOBODY
    ultimate_debtor: str = ""
    creditor: Party = NOBODY
    remittance: Remittance = NOTHING
    remittance_agrees: bool = True
    """False where the documents named do not add up to the amount."""
    return_code: str = ""
    text: str = ""

    @property
    def payer(self) -> str:
        """Name who pays; it may be a parent, a factor or a bank in between."""
        return self.debtor.name or self.ultimate_debtor

    @property
    def uetr(self) -> str:
        """The one name a payment keeps on its whole way."""
        return self._reference("UETR").lower()

    @property
    def end_to_end_id(self) -> str:
        """The payer's own name for it."""
        return self._reference("EndToEndId")

    @property
    def clearing_reference(self) -> str:
        """The clearing system's name for it, such as an IMAD or a trace number."""
        return self._reference("ClrSysRef")

    @property
    def check_number(self) -> str:
        return self._reference("ChqNb")

    @property
    def references(self) -> tuple[str, ...]:
        """List what the payment is called by, each once."""
        return tuple(dict.fromkeys(reference for _, reference in self.named))

    def _reference(self, name: str) -> str:
        return next((said for each, said in self.named if each == name), "")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a statement; `is_credit` says which way, the amount has no sign."""

    number: int
    """Counts from 1 within its statement."""
    amount_minor: int
    currency: str
    is_credit: bool
    status: Status
    is_reversal: bool = False
    """It undoes an entry of the other direction: a credit that is one is no receipt."""
    booked_date: date | None = None
    value_date: date | None = None
    reference: str = ""
    servicer_reference: str = ""
    bank_code: str = ""
    """Domain, family and sub-family: PMNT/RCDT/ATXN."""
    bai_code: str = ""
    """Three digits, where the bank's own code is one of BAI."""
    proprietary_code: str = ""
    details: tuple[Detail, ...] = ()
    details_agree: bool = True
    """False where the payments do not add up to the entry: it is one receipt of nobody."""
    text: str = ""
    occurrence: int = 1
    """Counts from 1 the entries of this statement that are alike in all but their number."""

    @property
    def direction(self) -> Direction:
        return Direction.CREDIT if self.is_credit else Direction.DEBIT

    @property
    def meaning(self) -> str:
        """Name the entry as BAI2 does, or by its code of ISO 20022."""
        if self.bai_code:
            return type_codes.meaning(self.bai_code)
        return self.bank_code or ("Other credit" if self.is_credit else "Other debit")

    @property
    def payer(self) -> str:
        """Name the payer, if it is one."""
        names = {detail.payer for detail in self.details}
        return names.pop() if len(names) == 1 else ""

    @property
    def lines(self) -> Iterator[Line]:
        """Go through the documents the payer names."""
        return (line for detail in self.details for line in detail.remittance.lines)

    @property
    def texts(self) -> Iterator[str]:
        """Go through the free texts, the payer's first and the bank's after them."""
        for detail in self.details:
            yield from detail.remittance.texts
            if detail.text:
                yield detail.text
        if self.text:
            yield self.text


@dataclass(frozen=True, slots=True)
class BankAccount:
    """Whose entries they are. A number is text: leading zeros count."""

    number: str = field(repr=False)
    currency: str
    owner: str
    bank: str
    """The bank's routing number or BIC."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What one account did, its sums proved as far as `is_proved` says."""

    id: str
    sequence: str
    account: BankAccount
    balances: tuple[Balance, ...]
    entries: tuple[Entry, ...]
    as_of_date: date | None
    is_proved: bool
    """Opening balance, booked entries and closing balance agree."""

    def balance_minor(self, kind: str) -> int | None:
        """Find what the bank states for a kind of balance, if it states it."""
        amounts = (each.amount_minor for each in self.balances if each.kind == kind)
        return next(amounts, None)


@dataclass(frozen=True, slots=True)
class Document:
    """One camt message, all of it read."""

    kind: Kind
    version: str
    message_id: str
    created_date: date | None
    statements: tuple[Statement, ...]
    warnings: tuple[Problem, ...] = field(default=(), compare=False)

    @property
    def entries(self) -> Iterator[Entry]:
        return (entry for statement in self.statements for entry in statement.entries)

    def summary(self) -> dict[str, int | str]:
        """Count what is booked; sums are left out where currencies differ."""
        booked = [entry for entry in self.entries if entry.status is Status.BOOKED]
        found: dict[str, int | str] = {
            "message": f"{self.kind}.{self.version}".rstrip("."),
            "statements": len(self.statements),
            "proved_statements": sum(each.is_proved for each in self.statements),
            "entries": len(booked),
            "pending_entries": sum(1 for _ in self.entries) - len(booked),
        }
        currencies = {entry.currency for entry in booked}
        if len(currencies) <= 1:
            debits = (entry.amount_minor for entry in booked if not entry.is_credit)
            credits = (entry.amount_minor for entry in booked if entry.is_credit)
            found |= {"debit_minor": sum(debits), "credit_minor": sum(credits)}
        return found | {"currency": " ".join(sorted(currencies))}
