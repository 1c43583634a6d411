"""What a rail is: collections in, documents out; documents in, events out.

Pure: no clock, no network, no database. Events carry a `subject`, the name the outside world uses
(a trace number, a processor id). `payments.intake` replaces it by the payment's reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, Literal, Protocol

from billfold.formats.nacha import Original
from billfold.money import Money

AccountType = Literal["checking", "savings"]
SecCode = Literal["WEB", "PPD", "CCD"]
Purpose = Literal["payment", "retry", "return_fee"]

MOST_FILE_MINOR: Final = 999_999_999_999
"""What a file's total holds, twelve digits. Source: Nacha, file control."""


@dataclass(frozen=True, slots=True)
class Collection:
    """One amount to pull from one bank account."""

    reference: str
    amount: Money
    """Of zero: nothing is pulled, the bank is asked whether the account takes debits: a prenote."""
    routing_number: str
    account_number: str = field(repr=False)
    account_type: AccountType
    holder_name: str
    customer_number: str
    sec_code: SecCode
    recurring: bool = False
    purpose: Purpose = "payment"
    """A retry and a fee go in batches of their own, under the description the rules reserve."""
    original: Original | None = None
    """The entry a retry or a fee goes back to; the rules on both are checked against it."""

    @property
    def is_prenote(self) -> bool:
        return not self.amount


@dataclass(frozen=True, slots=True)
class BankProfile:
    """One bank's dialect, as data. Source: the bank's originator guide."""

    odfi_routing_number: str
    odfi_name: str
    immediate_origin: str
    company_name: str
    company_id: str
    entry_description: str = "BILL PAY"
    balanced: bool = False
    settlement_account: str = field(default="", repr=False)
    line_end: Literal["\n", "\r\n"] = "\n"
    settlement: Literal["gross", "net"] = "gross"
    max_entries: int = 100_000
    max_file_minor: int = MOST_FILE_MINOR
    """The largest total of a file the bank takes; a file control holds no more than this."""
    recurring_description: str = "AUTOPAY"
    """Stands in place of `entry_description` on payments that repeat."""
    zone: str = "America/New_York"
    """Whose clock dates the files."""


@dataclass(frozen=True, slots=True)
class Document:
    """Bytes exchanged with a bank, and what we call them."""

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """Which line of an outgoing document serves which collection."""

    reference: str
    trace: str
    amount: Money
    rdfi: str
    """First eight digits of the receiving bank's routing number."""


@dataclass(frozen=True, slots=True)
class Written:
    """An outgoing document with the entries in it, in file order."""

    document: Document
    entries: Sequence[Entry]
    debit: Money
    credit: Money
    effective_date: date
    last_sequence: int
    """Highest trace sequence used; an offset entry takes one too. The next file starts after it."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something the outside world did. `key` is the same whenever the same bytes are read."""

    subject: str
    key: str
    on: date
    """The bank's date of the fact."""
    evidence: str = field(default="", kw_only=True)
    """Names the stored document or row that proves it: `bankfile/<id>`, `deposit/<id>`."""


@dataclass(frozen=True, slots=True)
class Submitted(Event):
    """We asked for the money; subject is the payment's reference."""


@dataclass(frozen=True, slots=True)
class Remittance:
    """What the payer says one part of the money is for; empty where nothing is said."""

    invoice_number: str = ""
    customer_number: str = ""
    amount: Money | None = None
    """The part meant for it; negative where a credit memo is taken."""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Received(Event):
    """Money came that nobody asked for."""

    amount: Money
    remittances: tuple[Remittance, ...] = field(default=(), kw_only=True)
    """In the payer's order. They need not add up to the amount."""
    payer: str = field(default="", kw_only=True)
    """The name that came with the money; it may be a parent's, a factor's or nobody's."""


@dataclass(frozen=True, slots=True)
class Settled(Event):
    """The money stands on our bank account."""


@dataclass(frozen=True, slots=True)
class Withdrawn(Event):
    """The file that asked for the money was voided, or refused whole; nothing was processed."""


@dataclass(frozen=True, slots=True)
class Refused(Event):
    """The bank or processor said no before any money moved."""

    code: str


@dataclass(frozen=True, slots=True)
class Returned(Event):
    """The customer's bank sent the debit back."""

    code: str
    amount: Money
    rdfi: str
    info: str = ""


@dataclass(frozen=True, slots=True)
class TakenBack(Event):
    """The bank took returned money off our account."""


@dataclass(frozen=True, slots=True)
class Corrected(Event):
    """A notification of change: use other bank data next time."""

    code: str
    corrected: str = field(repr=False)
    """The 29 characters of corrected data, as sent; may hold an account number."""
    rdfi: str


NoticeKind = Literal["dishonoured", "contested", "correction_refused", "unexpected"]


@dataclass(frozen=True, slots=True)
class Noticed(Event):
    """The bank told us something that moves no payment by itself: a person must look.

    `dishonoured`, `contested`: the banks argue over a return; `correction_refused`: over a notice
    of change; `unexpected`: an entry that answers nothing we sent. Subject is the original trace.
    """

    kind: NoticeKind
    code: str
    """Return or change code; for an unexpected entry, its SEC code."""
    amount: Money
    rdfi: str
    info: str = ""


AnyEvent = (
    Submitted
    | Received
    | Settled
    | Withdrawn
    | Refused
    | Returned
    | TakenBack
    | Corrected
    | Noticed
)


class Rail(Protocol):
    """A way money reaches the biller."""

    name: str

    def read(self, document: Document) -> Iterable[AnyEvent]:
        """Turn a document into events.

        Raises: formats' Unreadable, with every problem found, if any part cannot be trusted.
        """


class PullRail(Rail, Protocol):
    """A rail on which we ask for the money."""

    def write(
        self,
        collections: Sequence[Collection],
        *,
        bank: BankProfile,
        now: datetime,
        effective_date: date,
        modifier: str,
        first_sequence: int,
    ) -> Written:
        """Write one document that asks for the collections, traces from `first_sequence` up.

        Raises: formats' Unwritable, with every problem, if the bank would refuse it.
        """
