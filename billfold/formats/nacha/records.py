"""What a Nacha file says, as values: no positions, no filling, no payments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, time
from functools import lru_cache, partial
from typing import Any, Final

from billfold.formats.nacha.codes import is_debit
from billfold.formats.problems import Problem

HASH_MODULUS: Final = 10**10
"""Entry hashes keep their rightmost ten digits."""

INFORMATION_WIDTH: Final = 80
"""Columns of a payment addendum. Source: Nacha Operating Rules, "Payment Related Information"."""

_WEIGHTS: Final = (3, 7, 1, 3, 7, 1, 3, 7)
_PREFIXES: Final = frozenset([*range(13), *range(21, 33), *range(61, 73), 80])


def check_digit(identification: str) -> int:
    """Compute the ninth digit of a routing number from its first eight.

    Source: Nacha Operating Rules, field "Check Digit".
    """
    total = sum(w * int(d) for w, d in zip(_WEIGHTS, identification, strict=True))
    return -total % 10


@lru_cache(maxsize=4096)
def is_routing_number(text: str) -> bool:
    """Tell whether the text can be a bank's routing number: nine digits, prefix and check digit.

    All zeros pass the arithmetic and are refused. Source: ABA routing number policy.
    """
    return (
        len(text) == 9
        and text.isascii()
        and text.isdigit()
        and text != "000000000"
        and int(text[:2]) in _PREFIXES
        and check_digit(text[:8]) == int(text[8])
    )


@dataclass(frozen=True, slots=True)
class Payment:
    """Addendum 05: what the entry pays, in the payer's words or as X12 segments."""

    information: str


@dataclass(frozen=True, slots=True)
class Return:
    """Addendum 99 of a plain return (R01-R60, R80 and up): the entry came back."""

    code: str
    original_trace: str
    original_rdfi: str
    """First eight digits of the customer's bank."""
    information: str
    trace: str
    date_of_death: date | None = None


@dataclass(frozen=True, slots=True)
class Dishonour:
    """Addendum 99 with R61-R70: the return itself was sent back by the originator's bank."""

    code: str
    original_trace: str
    original_rdfi: str
    return_trace: str
    return_code: str
    information: str
    trace: str


@dataclass(frozen=True, slots=True)
class Contest:
    """Addendum 99 with R71-R77: the customer's bank stands by its dishonoured return."""

    code: str
    original_trace: str
    original_rdfi: str
    return_trace: str
    return_code: str
    dishonour_trace: str
    dishonour_code: str
    trace: str


@dataclass(frozen=True, slots=True)
class Change:
    """Addendum 98: the customer's bank asks for other data next time, or a bank refuses that."""

    code: str
    original_trace: str
    original_rdfi: str
    corrected: str = field(repr=False)
    """29 characters as sent; may hold an account number."""
    refused: str
    trace: str


@dataclass(frozen=True, slots=True)
class OtherAddendum:
    """An addendum of an application we do not take part in, as sent."""

    type_code: str
    content: str = field(repr=False)


def remittance(text: str) -> tuple[Payment, ...]:
    """Cut a text into payment addenda at column 80, with no regard to its own segments."""
    starts = range(0, len(text), INFORMATION_WIDTH)
    return tuple(Payment(text[start : start + INFORMATION_WIDTH].rstrip()) for start in starts)


Addendum = Payment | Return | Dishonour | Contest | Change | OtherAddendum
Reply = Return | Dishonour | Contest | Change


@dataclass(frozen=True, slots=True)
class Entry:
    """One debit or credit to one account."""

    transaction_code: int
    routing_number: str
    account_number: str = field(repr=False)
    amount_minor: int
    identification: str
    """What the originator calls the receiver: our customer number."""
    name: str
    trace: str
    discretionary: str = ""
    """WEB and TEL: S for a single payment, R for a recurring one."""
    addenda: tuple[Addendum, ...] = ()

    @property
    def is_debit(self) -> bool:
        return is_debit(self.transaction_code)

    @property
    def remittance(self) -> str:
        """What the entry pays: its payment addenda joined, without regard to column 80."""
        pieces = [a.information for a in self.addenda if isinstance(a, Payment)]
        return "".join(piece.ljust(INFORMATION_WIDTH) for piece in pieces).rstrip()

    @property
    def reply(self) -> Reply | None:
        """The return or change this entry carries; the last one, if it grew on its way."""
        for addendum in reversed(self.addenda):
            if isinstance(addendum, Reply):
                return addendum
        return None


_new_entry: Final = partial(object.__new__, Entry)
_setters: Final = [getattr(Entry, each.name).__set__ for each in fields(Entry)]
_code, _bank, _account, _amount, _customer, _name, _trace, _data, _addenda = _setters


def entry_of(values: Sequence[Any]) -> Entry:
    """Make an entry of all its fields, in their order.

    A file has a hundred thousand: setting the slots of a frozen record directly saves a third.
    """
    entry: Entry = _new_entry()
    code, bank, account, amount, customer, name, trace, data, addenda = values
    _code(entry, code)
    _bank(entry, bank)
    _account(entry, account)
    _amount(entry, amount)
    _customer(entry, customer)
    _name(entry, name)
    _trace(entry, trace)
    _data(entry, data)
    _addenda(entry, addenda)
    return entry


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries that share company, purpose and day."""

    service_class: int
    """200 mixed, 220 credits only, 225 debits only, 280 advice."""
    company_name: str
    company_id: str
    sec_code: str
    description: str
    effective_date: date | None
    odfi: str
    """First eight digits of the originating bank's routing number."""
    number: int
    entries: tuple[Entry, ...]
    company_data: str = ""
    descriptive_date: str = ""
    settlement_day: int | None = None
    """Day of the year; filled in by the operator, so absent from what we send."""
    originator_status: int = 1

    @property
    def totals(self) -> Totals:
        return Totals.of(self.entries)


@dataclass(frozen=True, slots=True)
class Totals:
    """What a control record says about the entries before it."""

    records: int
    entry_hash: int
    debit_minor: int
    credit_minor: int

    @classmethod
    def of(cls, entries: tuple[Entry, ...]) -> Totals:
        """Add up entries. Source: Nacha Operating Rules, field "Entry Hash"."""
        records = entry_hash = debit = credit = 0
        for entry in entries:
            records += 1 + len(entry.addenda)
            bank = entry.routing_number[:8]
            entry_hash += int(bank) if bank.isascii() and bank.isdigit() else 0
            if is_debit(entry.transaction_code):
                debit += entry.amount_minor
            else:
                credit += entry.amount_minor
        return cls(records, entry_hash % HASH_MODULUS, debit, credit)

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            self.records + other.records,
            (self.entry_hash + other.entry_hash) % HASH_MODULUS,
            self.debit_minor + other.debit_minor,
            self.credit_minor + other.credit_minor,
        )


NOTHING: Final = Totals(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class File:
    """A whole Nacha file. One of returns alone may come without header and control."""

    destination: str
    origin: str
    created_on: date | None
    """None only in a file without a header, or with one that has no date."""
    created_at: time | None
    modifier: str
    batches: tuple[Batch, ...]
    destination_name: str = ""
    origin_name: str = ""
    reference_code: str = ""
    is_fragment: bool = False
    """Came without file header or control: nothing proves that no batch is missing."""
    warnings: tuple[Problem, ...] = field(default=(), compare=False)
    """What is odd but may be trusted."""

    @property
    def totals(self) -> Totals:
        return sum((batch.totals for batch in self.batches), NOTHING)

    def entries(self) -> Iterator[tuple[Batch, Entry]]:
        """Walk through all entries in file order, each with its batch."""
        for batch in self.batches:
            for entry in batch.entries:
                yield batch, entry

    def summary(self) -> dict[str, int | str]:
        """Count what is in the file, for `billfold bank check`."""
        totals = self.totals
        entries = sum(len(batch.entries) for batch in self.batches)
        replies = [entry.reply for _, entry in self.entries() if entry.addenda]
        return {
            "batches": len(self.batches),
            "entries": entries,
            "addenda": totals.records - entries,
            "returns": sum(isinstance(reply, Return) for reply in replies),
            "disputes": sum(isinstance(reply, Dishonour | Contest) for reply in replies),
            "changes": sum(isinstance(reply, Change) for reply in replies),
            "debit_minor": totals.debit_minor,
            "credit_minor": totals.credit_minor,
        }
