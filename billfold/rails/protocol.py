"""The interface of a rail: it writes orders into documents, and reads documents into events.

Pure: no clock, no network, no database. Events carry a `subject`, the identifier of the outside
world (a trace number, a processor id), which `payments.incoming` replaces by the payment's
reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, Literal, Protocol

from billfold.formats.nacha import OriginalEntry
from billfold.formats.sniffing import Format
from billfold.money import Money

AccountType = Literal["checking", "savings"]
SecCode = Literal["WEB", "PPD", "CCD"]
Direction = Literal["debit", "credit"]
Purpose = Literal["payment", "retry", "return_fee", "refund"]

MOST_FILE_MINOR: Final = 999_999_999_999
"""The largest total of a file, twelve digits. Source: Nacha, file control."""


class WrongDirection(ValueError):
    """A refund is a credit; a payment, a retry and a fee are debits."""


@dataclass(frozen=True, slots=True)
class Order:
    """One amount that our bank is to move: out of a bank account (debit) or into it (credit)."""

    reference: str
    direction: Direction
    amount: Money
    """Zero for a prenote, which only asks the bank whether the account takes such entries."""
    routing_number: str
    account_number: str = field(repr=False)
    account_type: AccountType
    holder_name: str
    customer_number: str
    sec_code: SecCode
    """How the payer authorised a debit; a credit of the same account goes under its own class."""
    recurring: bool = False
    purpose: Purpose = "payment"
    """Each purpose goes in batches of its own; retries and fees with the words of the rules."""
    original: OriginalEntry | None = None
    """The entry that a retry or a fee goes back to, for the checks of the rules on both."""

    def __post_init__(self) -> None:
        if (self.direction == "credit") != (self.purpose == "refund"):
            raise WrongDirection(f"{self.reference}: {self.purpose} as a {self.direction}")

    @property
    def is_prenote(self) -> bool:
        return not self.amount


@dataclass(frozen=True, slots=True)
class BankProfile:
    """How one bank wants its files, as data. Source: the bank's originator guide."""

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
    """The largest total of a file the bank takes; the default is what a file control holds."""
    recurring_description: str = "AUTOPAY"
    """Used in place of `entry_description` for recurring payments."""
    refund_description: str = "REFUND"
    zone: str = "America/New_York"
    """Time zone of the dates in files."""


@dataclass(frozen=True, slots=True)
class BankDocument:
    """The bytes of a file exchanged with a bank, and its name."""

    name: str
    content: bytes = field(repr=False)
    company_id: str = ""
    """Our company at the bank that sent it; empty if any is ours."""
    lockboxes: tuple[str, ...] = ()
    """Our lockboxes at that bank; none if any is ours."""
    zone: str = "America/New_York"
    """The zone in which that bank's days end: moments in the document become days in it."""


class DocumentRefused(Exception):
    """The document is not what this rail reads, or it is somebody else's."""


@dataclass(frozen=True, slots=True)
class WrittenEntry:
    """The entry of an outgoing document that was written for an order."""

    reference: str
    trace: str
    direction: Direction
    amount: Money
    rdfi: str
    """First eight digits of the receiving bank's routing number."""


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """An outgoing document with the entries in it, in file order."""

    document: BankDocument
    entries: Sequence[WrittenEntry]
    debit: Money
    """Sum of its debits, offsets among them."""
    credit: Money
    """Sum of its credits, offsets among them."""
    effective_date: date
    last_sequence: int
    """Highest trace sequence used; an offset entry takes one too. The next file starts after it."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened outside. `key` is the same whenever the same bytes are read."""

    subject: str
    key: str
    on: date
    """The bank's date of what happened."""
    evidence: str = field(default="", kw_only=True)
    """Names the stored document or row that proves it: `bankfile/<id>`, `bankline/<id>`."""


@dataclass(frozen=True, slots=True)
class Submitted(Event):
    """The money was requested; subject is the payment's reference."""


@dataclass(frozen=True, slots=True)
class RemittanceItem:
    """One part of the money and what the payer says it is for; empty where nothing is said."""

    invoice_number: str = ""
    customer_number: str = ""
    amount: Money | None = None
    """Amount of this part; negative where a credit memo is deducted."""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Received(Event):
    """Money came in that was not requested."""

    amount: Money
    remittances: tuple[RemittanceItem, ...] = field(default=(), kw_only=True)
    """In the payer's order. They need not add up to the amount."""
    payer: str = field(default="", kw_only=True)
    """The name that came with the money; it may be a parent's, a factor's or nobody's."""


@dataclass(frozen=True, slots=True)
class Settled(Event):
    """The money is on our bank account."""


@dataclass(frozen=True, slots=True)
class Withdrawn(Event):
    """The file that requested the money was voided or rejected; nothing was processed."""


@dataclass(frozen=True, slots=True)
class Refused(Event):
    """The bank or processor refused before any money moved."""

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
    """The bank debited returned money from our account."""


@dataclass(frozen=True, slots=True)
class Corrected(Event):
    """A notification of change: other bank data is to be used from now on."""

    code: str
    corrected: str = field(repr=False)
    """The 29 characters of corrected data, as sent; may hold an account number."""
    rdfi: str


@dataclass(frozen=True, slots=True)
class Rejected(Event):
    """Our own bank did not process an entry of ours; subject is what its mark left of the trace.

    Whether it repairs the entry or drops it, a person asks the bank.
    """

    code: str
    """The bank's mark: `REJ` and digits, its own reason."""
    amount: Money
    routing_number: str
    account_number: str = field(repr=False)
    customer_number: str
    """What the entry calls the receiver."""

    @property
    def rdfi(self) -> str:
        return self.routing_number[:8]


NoticeKind = Literal[
    "dishonoured",
    "contested",
    "correction_refused",
    "unclear",
    "foreign",
    "acknowledged",
    "unexpected",
]


@dataclass(frozen=True, slots=True)
class Noticed(Event):
    """The bank sent a message that changes no payment by itself: a person must look.

    `dishonoured`, `contested`: the banks dispute a return; `correction_refused`: they dispute a
    notice of change; `unclear`: a return or change that does not say what it must; `foreign`: an
    entry of another company; `acknowledged`: a receiver confirms a credit, or the bank an entry it
    took, which asks for nothing; `unexpected`: an entry that is none of these. Subject is the
    original trace.
    """

    kind: NoticeKind
    code: str
    """Return or change code; for an entry without a clear one, its SEC code."""
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
    | Rejected
    | Noticed
)


class Rail(Protocol):
    """A way money reaches the biller, or leaves it. A module is enough to be one."""

    @property
    def name(self) -> str:
        """Its name in the accounting policy and with each payment: `ach`."""

    @property
    def document_kind(self) -> str:
        """What a stored document is that it reads: `returns`."""

    @property
    def document_title(self) -> str:
        """What people call such a document: "ACH returns"."""

    @property
    def document_formats(self) -> tuple[Format, ...]:
        """The formats by which such a document is recognised."""

    @property
    def receipts_noun(self) -> str:
        """What people call several of the receipts in such a document: "checks"."""

    def read(self, document: BankDocument) -> Sequence[AnyEvent]:
        """Read a document into events.

        Raises: formats' Unreadable, with every problem, if any part cannot be trusted;
        DocumentRefused.
        """


class PullRail(Rail, Protocol):
    """A rail on which we order money to move, to us or back."""

    def write(
        self,
        orders: Sequence[Order],
        *,
        bank: BankProfile,
        now: datetime,
        effective_date: date,
        modifier: str,
        first_sequence: int,
    ) -> WrittenFile:
        """Write one document that requests the orders, with traces from `first_sequence` up.

        Raises: formats' Unwritable, with every problem, if the bank would refuse it.
        """
