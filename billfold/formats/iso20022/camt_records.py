"""Records of a camt message: statements of accounts, their balances and entries.

Source: ISO 20022, BankToCustomerStatement and its relatives; docs/bank-files.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from billfold.formats.bai2 import type_codes
from billfold.formats.bai2.type_codes import Direction
from billfold.formats.iso20022.remittance import NOTHING, RemittanceInformation, RemittanceLine
from billfold.formats.iso20022.values import NOBODY, Party
from billfold.formats.problems import FileProblem


class CamtKind(StrEnum):
    """Which of the three camt messages a message is."""

    REPORT = "camt.052"
    """Intraday: the entries so far; each report repeats those of the one before."""
    STATEMENT = "camt.053"
    NOTIFICATION = "camt.054"
    """Single entries as they happen, without balances."""


class CamtStatus(StrEnum):
    """Status of an entry. Only a booked entry has moved money."""

    BOOKED = "BOOK"
    PENDING = "PDNG"
    INFORMATION = "INFO"
    FUTURE = "FUTR"


@dataclass(frozen=True, slots=True)
class CamtBalance:
    """A balance the bank states; negative if it is owed to the bank."""

    kind: str
    """OPBD, CLBD, CLAV, PRCD, ITBD, or the bank's own name for it."""
    amount_minor: int
    currency: str
    on: date | None


@dataclass(frozen=True, slots=True)
class CamtDetail:
    """One payment of an entry. Amount and direction are the entry's where it states none."""

    amount_minor: int | None
    """None where an entry of several payments does not state the amount of each."""
    currency: str
    is_credit: bool
    named: tuple[tuple[str, str], ...] = ()
    """References by their name in ISO 20022, in the order of the message."""
    debtor: Party = NOBODY
    ultimate_debtor: str = ""
    creditor: Party = NOBODY
    remittance: RemittanceInformation = NOTHING
    remittance_agrees: bool = True
    """False where the documents named do not add up to the amount."""
    return_code: str = ""
    text: str = ""

    @property
    def payer(self) -> str:
        """Name who pays; it may be a parent company, a factor or a bank in between."""
        return self.debtor.name or self.ultimate_debtor

    @property
    def uetr(self) -> str:
        """The unique identifier a payment keeps from end to end."""
        return self._reference("UETR").lower()

    @property
    def end_to_end_id(self) -> str:
        """The payer's own reference of it."""
        return self._reference("EndToEndId")

    @property
    def clearing_reference(self) -> str:
        """The clearing system's reference of it, such as an IMAD or a trace number."""
        return self._reference("ClrSysRef")

    @property
    def check_number(self) -> str:
        return self._reference("ChqNb")

    @property
    def references(self) -> tuple[str, ...]:
        """List the references of the payment, each once."""
        return tuple(dict.fromkeys(reference for _, reference in self.named))

    def _reference(self, name: str) -> str:
        return next((reference for key, reference in self.named if key == name), "")


@dataclass(frozen=True, slots=True)
class CamtEntry:
    """One line of a statement; `is_credit` is its direction, the amount has no sign."""

    number: int
    """Counts from 1 within its statement."""
    amount_minor: int
    currency: str
    is_credit: bool
    status: CamtStatus
    is_reversal: bool = False
    """It reverses an entry of the other direction, so a credit reversal is no receipt."""
    booked_date: date | None = None
    value_date: date | None = None
    reference: str = ""
    servicer_reference: str = ""
    bank_code: str = ""
    """Domain, family and sub-family: PMNT/RCDT/ATXN."""
    bai_code: str = ""
    """Three digits, where the bank's own code is one of BAI."""
    proprietary_code: str = ""
    details: tuple[CamtDetail, ...] = ()
    details_agree: bool = True
    """False where the payments do not add up to the entry; it is then one unidentified receipt."""
    text: str = ""
    occurrence: int = 1
    """Counts from 1 the entries of this statement with the same references, amount and day."""

    @property
    def direction(self) -> Direction:
        return Direction.CREDIT if self.is_credit else Direction.DEBIT

    @property
    def meaning(self) -> str:
        """Describe the entry by its BAI2 code, or by its code of ISO 20022."""
        if self.bai_code:
            return type_codes.meaning(self.bai_code)
        return self.bank_code or ("Other credit" if self.is_credit else "Other debit")

    @property
    def payer(self) -> str:
        """Name the payer, if all payments of the entry have the same one."""
        names = {detail.payer for detail in self.details}
        return names.pop() if len(names) == 1 else ""

    @property
    def lines(self) -> Iterator[RemittanceLine]:
        """Iterate over the documents the payer names."""
        return (line for detail in self.details for line in detail.remittance.lines)

    @property
    def texts(self) -> Iterator[str]:
        """Iterate over the free texts, those of the payer before those of the bank."""
        for detail in self.details:
            yield from detail.remittance.texts
            if detail.text:
                yield detail.text
        if self.text:
            yield self.text


@dataclass(frozen=True, slots=True)
class CamtAccount:
    """The account of a statement. Its number is text: leading zeros count."""

    number: str = field(repr=False)
    currency: str
    owner: str
    bank: str
    """The bank's routing number or BIC."""


@dataclass(frozen=True, slots=True)
class CamtStatement:
    """The entries and balances of one account; `is_proved` says whether they agree."""

    id: str
    sequence: str
    account: CamtAccount
    balances: tuple[CamtBalance, ...]
    entries: tuple[CamtEntry, ...]
    as_of_date: date | None
    is_proved: bool
    """Opening balance, booked entries and closing balance agree."""

    def balance_minor(self, kind: str) -> int | None:
        """Return the amount of a kind of balance, or None if the bank states none."""
        amounts = (balance.amount_minor for balance in self.balances if balance.kind == kind)
        return next(amounts, None)


@dataclass(frozen=True, slots=True)
class CamtMessage:
    """One camt message."""

    kind: CamtKind
    version: str
    message_id: str
    created_date: date | None
    statements: tuple[CamtStatement, ...]
    warnings: tuple[FileProblem, ...] = field(default=(), compare=False)

    @property
    def entries(self) -> Iterator[CamtEntry]:
        return (entry for statement in self.statements for entry in statement.entries)

    def summary(self) -> dict[str, int | str]:
        """Count and sum the booked entries; sums are left out where currencies differ."""
        booked = [entry for entry in self.entries if entry.status is CamtStatus.BOOKED]
        counts: dict[str, int | str] = {
            "message": f"{self.kind}.{self.version}".rstrip("."),
            "statements": len(self.statements),
            "proved_statements": sum(statement.is_proved for statement in self.statements),
            "entries": len(booked),
            "pending_entries": sum(1 for _ in self.entries) - len(booked),
        }
        currencies = {entry.currency for entry in booked}
        if len(currencies) <= 1:
            debits = (entry.amount_minor for entry in booked if not entry.is_credit)
            credits = (entry.amount_minor for entry in booked if entry.is_credit)
            counts |= {"debit_minor": sum(debits), "credit_minor": sum(credits)}
        return counts | {"currency": " ".join(sorted(currencies))}
