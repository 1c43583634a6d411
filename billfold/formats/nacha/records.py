"""The records of a Nacha file as values, without positions and padding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, make_dataclass
from datetime import date, time
from functools import lru_cache
from typing import Any, Final, TypeVar

from billfold.formats.nacha.codes import (
    ACKNOWLEDGEMENT_CLASSES,
    REMITTANCE_CODES,
    RETURN_TRANSACTION_CODES,
    is_debit,
    rejection_mark,
)
from billfold.formats.problems import FileProblem

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
class PaymentAddendum:
    """Addendum 05: what the entry pays, in free text or as X12 segments."""

    information: str


@dataclass(frozen=True, slots=True)
class ReturnAddendum:
    """Addendum 99 of a plain return (R01-R60, R80 and up): the RDFI returns the entry."""

    code: str
    original_trace: str
    original_rdfi: str
    """First eight digits of the routing number of the receiver's bank."""
    information: str
    trace: str
    date_of_death: date | None = None


@dataclass(frozen=True, slots=True)
class DishonourAddendum:
    """Addendum 99 with R61-R70: the ODFI sends the return back."""

    code: str
    original_trace: str
    original_rdfi: str
    return_trace: str
    return_code: str
    information: str
    trace: str


@dataclass(frozen=True, slots=True)
class ContestAddendum:
    """Addendum 99 with R71-R77: the RDFI contests the dishonour of its return."""

    code: str
    original_trace: str
    original_rdfi: str
    return_trace: str
    return_code: str
    dishonour_trace: str
    dishonour_code: str
    trace: str


@dataclass(frozen=True, slots=True)
class ChangeAddendum:
    """Addendum 98: the RDFI asks for corrected data in future entries, or the ODFI refuses that."""

    code: str
    original_trace: str
    original_rdfi: str
    corrected: str = field(repr=False)
    """29 characters as sent; may hold an account number."""
    refused: str
    trace: str


@dataclass(frozen=True, slots=True)
class OtherAddendum:
    """An addendum of another type, as sent."""

    type_code: str
    content: str = field(repr=False)


def split_into_addenda(text: str) -> tuple[PaymentAddendum, ...]:
    """Cut a text into payment addenda of 80 columns, even inside its X12 segments."""
    starts = range(0, len(text), INFORMATION_WIDTH)
    return tuple(
        PaymentAddendum(text[start : start + INFORMATION_WIDTH].rstrip()) for start in starts
    )


Addendum = (
    PaymentAddendum
    | ReturnAddendum
    | DishonourAddendum
    | ContestAddendum
    | ChangeAddendum
    | OtherAddendum
)
ReturnOrChange = ReturnAddendum | DishonourAddendum | ContestAddendum | ChangeAddendum
"""An addendum of type 99 or 98: what banks send about an entry."""


@dataclass(frozen=True, slots=True)
class NachaEntry:
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
        """Join the texts of the payment addenda, as if none was cut at column 80."""
        pieces = [a.information for a in self.addenda if isinstance(a, PaymentAddendum)]
        return "".join(piece.ljust(INFORMATION_WIDTH) for piece in pieces).rstrip()

    @property
    def return_or_change(self) -> ReturnOrChange | None:
        """Find the return or change among the addenda; the last one, if banks added more."""
        for addendum in reversed(self.addenda):
            if isinstance(addendum, ReturnOrChange):
                return addendum
        return None

    @property
    def is_answer(self) -> bool:
        """Tell whether it answers an entry sent before: a return or a change, clear or not."""
        return self.transaction_code in RETURN_TRANSACTION_CODES or bool(self.return_or_change)

    @property
    def asks_for_money(self) -> bool:
        """Tell whether it is a debit on its way out."""
        return self.is_debit and not self.is_answer

    def acknowledges(self, sec_code: str) -> bool:
        """Tell whether a receiver confirms a credit by it: ACK and ATX, without an amount."""
        return (
            sec_code in ACKNOWLEDGEMENT_CLASSES
            and self.transaction_code in REMITTANCE_CODES
            and not self.amount_minor
        )

    @property
    def rejection(self) -> str:
        """The bank's mark that it rejected the entry: `REJ` and digits, the reason; else empty.

        It stands in the trace number, or in one of those in an addendum.
        """
        traces = [self.trace]
        for addendum in self.addenda:
            if isinstance(addendum, ReturnOrChange):
                traces += [addendum.trace, addendum.original_trace]
        return next(filter(None, map(rejection_mark, traces)), "")


AnyRecord = TypeVar("AnyRecord", NachaEntry, ReturnAddendum, ChangeAddendum)


_UNFROZEN: Final[Mapping[type, Callable[..., Any]]] = {
    record: make_dataclass(record.__name__, [slot.name for slot in fields(record)], slots=True)
    for record in (NachaEntry, ReturnAddendum, ChangeAddendum)
}
"""For each record, a class with the same slots whose records are not frozen."""


def records_from_columns(
    record: type[AnyRecord], columns: Iterable[Iterable[Any]]
) -> list[AnyRecord]:
    """Build many records from the values of each field, in the order of their fields.

    They are frozen after they have been built, by their class, which takes half the time of
    building them frozen. The shortest column says how many there are.
    """
    records: list[AnyRecord] = list(map(_UNFROZEN[record], *columns))
    for built in records:
        built.__class__ = record
    return records


@dataclass(frozen=True, slots=True)
class NachaBatch:
    """A batch: entries of one company, one purpose and one effective date."""

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
    entries: tuple[NachaEntry, ...]
    company_data: str = ""
    descriptive_date: str = ""
    settlement_day: int | None = None
    """Day of the year; filled in by the operator, so absent from what we send."""
    originator_status: int = 1

    @property
    def totals(self) -> ControlTotals:
        return ControlTotals.of_entries(self.entries)


@dataclass(frozen=True, slots=True)
class ControlTotals:
    """The counts and sums of a control record over the entries before it."""

    records: int
    entry_hash: int
    debit_minor: int
    credit_minor: int

    @classmethod
    def of_entries(cls, entries: tuple[NachaEntry, ...]) -> ControlTotals:
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

    def __add__(self, other: ControlTotals) -> ControlTotals:
        return ControlTotals(
            self.records + other.records,
            (self.entry_hash + other.entry_hash) % HASH_MODULUS,
            self.debit_minor + other.debit_minor,
            self.credit_minor + other.credit_minor,
        )


ZERO_TOTALS: Final = ControlTotals(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class NachaFile:
    """One Nacha file. A file of returns alone may come without header and control."""

    destination: str
    origin: str
    created_on: date | None
    """None only in a file without a header, or with one that has no date."""
    created_at: time | None
    modifier: str
    batches: tuple[NachaBatch, ...]
    destination_name: str = ""
    origin_name: str = ""
    reference_code: str = ""
    is_fragment: bool = False
    """Came without file header or control: nothing proves that no batch is missing."""
    warnings: tuple[FileProblem, ...] = field(default=(), compare=False)
    """What is unusual in the file, although it may be trusted."""

    @property
    def totals(self) -> ControlTotals:
        return sum((batch.totals for batch in self.batches), ZERO_TOTALS)

    def entries(self) -> Iterator[tuple[NachaBatch, NachaEntry]]:
        """Yield all entries in file order, each with its batch."""
        for batch in self.batches:
            for entry in batch.entries:
                yield batch, entry

    def summary(self) -> dict[str, int | str]:
        """Count the parts of the file and add up its amounts, for `billfold bank check`."""
        totals = self.totals
        entries = sum(len(batch.entries) for batch in self.batches)
        answers = [entry.return_or_change for _, entry in self.entries() if entry.addenda]
        return {
            "batches": len(self.batches),
            "entries": entries,
            "addenda": totals.records - entries,
            "returns": sum(isinstance(addendum, ReturnAddendum) for addendum in answers),
            "disputes": sum(
                isinstance(addendum, DishonourAddendum | ContestAddendum) for addendum in answers
            ),
            "changes": sum(isinstance(addendum, ChangeAddendum) for addendum in answers),
            "debit_minor": totals.debit_minor,
            "credit_minor": totals.credit_minor,
        }
