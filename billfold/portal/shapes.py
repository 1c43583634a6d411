"""What the payer pages show: finished values, made by the views, printed by the templates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from billfold.money import Money
from billfold.pages.shapes import Field, Link, Notice, Option, Pager, Status, Step, Tab


@dataclass(frozen=True, slots=True)
class SignIn:
    email: Field
    password: Field


@dataclass(frozen=True, slots=True)
class NewPassword:
    current: Field
    password: Field
    password_again: Field
    is_required: bool
    """Somebody else knows the present one."""
    back_url: str


@dataclass(frozen=True, slots=True)
class BalancePart:
    """One stretch of the bar: its tone "fb" overdue, "fw" due soon or "f3" later."""

    label: str
    amount: Money
    tone: str
    x: str
    width: str


@dataclass(frozen=True, slots=True)
class Billing:
    """The Billing tile. `less_…` amounts are negative; None or zero is not shown."""

    balance: Money
    as_of: datetime
    parts: tuple[BalancePart, ...]
    bar_label: str
    promise_text: str
    can_pay: bool
    processing: Money | None = None
    less_processing: Money | None = None
    scheduled: Money | None = None
    less_scheduled: Money | None = None
    credit: Money | None = None
    less_credit: Money | None = None
    disputed: Money | None = None
    after_pending: Money | None = None
    cut_text: str = ""
    """Says so where the parts are not all there is."""


@dataclass(frozen=True, slots=True)
class WaitingRow:
    number: str
    url: str
    status: Status
    due_date: date
    due_note: str
    amount_due: Money
    kind_text: str = ""


@dataclass(frozen=True, slots=True)
class RecentPayment:
    reference: str
    url: str
    amount: Money
    method_text: str
    date: date
    status: Status
    note: str = ""


@dataclass(frozen=True, slots=True)
class Tile:
    """A link tile the biller configures: usage, support, services."""

    title: str
    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Dashboard:
    greeting: str
    today_text: str
    billing: Billing
    waiting: tuple[WaitingRow, ...]
    waiting_text: str
    nothing_waiting_text: str
    recent: tuple[RecentPayment, ...]
    resources: tuple[Link, ...]
    more_waiting_text: str = ""
    notices: tuple[Notice, ...] = ()
    tiles: tuple[Tile, ...] = ()


@dataclass(frozen=True, slots=True)
class PayRow:
    """An invoice on the pay page. Its `pay_now.name` is `amount:<invoice number>`."""

    id: str
    number: str
    amount_due: Money
    payable: Money
    invoice_amount: Money
    invoice_date: date
    due_date: date
    status: Status
    pay_now: Field
    is_payable: bool = True
    is_checked: bool = False
    note: str = ""
    kind_text: str = ""


@dataclass(frozen=True, slots=True)
class InvoiceAmount:
    number: str
    amount: Money
    left_text: str = ""


@dataclass(frozen=True, slots=True)
class Total:
    """The running total. Only the first few lines; the rest in one `more_…` line."""

    amount: Money
    lines: tuple[InvoiceAmount, ...] = ()
    more_text: str = ""
    more_amount: Money | None = None
    note: str = ""
    is_empty: bool = True
    """Nothing is ticked."""


@dataclass(frozen=True, slots=True)
class SavedMethod:
    key: str
    title: str
    note: str
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class BankAccount:
    """The fields of a new bank account, as typed."""

    routing_number: Field
    account_number: Field
    account_number_again: Field
    kinds: tuple[Option, ...]
    holders: tuple[Option, ...]
    bank_name: str = ""
    remember: bool = False
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class PayOn:
    """The payment date field; dates as the browser wants them, 2026-11-23."""

    value: str
    earliest: str
    latest: str
    hint: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class ByMail:
    address: str
    reflected_text: str
    coupon_url: str


@dataclass(frozen=True, slots=True)
class Electronic:
    """Where a payer's own bank sends money, and since when that has been so."""

    beneficiary: str
    routing_wire: str
    routing_ach: str
    account_number: str
    reference: str
    shield_text: str
    swift: str = ""
    change_text: str = ""


@dataclass(frozen=True, slots=True)
class OtherWays:
    mail: ByMail | None
    electronic: Electronic | None
    return_fee_text: str


@dataclass(frozen=True, slots=True)
class Pay:
    """Choose: invoices, method, total. `problems` goes beside it in the context, not inside."""

    reference: str
    balance: Money
    as_of: datetime
    due_by_text: str
    rows: tuple[PayRow, ...]
    payable_count: int
    payable_total: Money
    spread: Field
    total: Total
    methods: tuple[SavedMethod, ...]
    bank: BankAccount
    other_ways: OtherWays
    reflected_text: str
    nothing_text: str
    account_number: str
    promise_text: str = ""
    overdue: Money | None = None
    overdue_text: str = ""
    less_processing: Money | None = None
    less_scheduled: Money | None = None
    guard_error: str = ""
    has_taken: bool = False
    """An invoice that was ticked has no box any more."""
    method_error: str = ""
    has_picked: bool = False
    pay_on: PayOn | None = None
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class Review:
    """Review and authorise. `authorization` is the stored text; `fingerprint` names exactly it."""

    reference: str
    fingerprint: str
    back_url: str
    lines: tuple[InvoiceAmount, ...]
    count_text: str
    method_title: str
    method_note: str
    date_text: str
    cancel_text: str
    reflected_by_text: str
    email: str
    authorization: str
    subtotal: Money
    fee: Money
    total: Money
    reflected_text: str
    remember_text: str = ""
    left_text: str = ""
    wait_text: str = ""
    """Why the payment date is later than usual."""
    can_change_date: bool = False


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    number: str
    url: str
    invoice_date: date
    invoice_amount: Money
    paid_now: Money
    still_due: Money
    kind_text: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """One payment: its receipt, and its page for as long as it lives."""

    reference: str
    heading: str
    status: Status
    amount: Money
    customer_name: str
    account_number: str
    paid_from: str
    authorized_text: str
    statement_text: str
    lines: tuple[ReceiptLine, ...]
    paid_label: str
    total_label: str
    steps: tuple[Step, ...]
    steps_heading: str
    authorization: str
    """The words that were agreed to, as they are stored."""
    is_new: bool = False
    notice: Notice | None = None
    pdf_url: str = ""
    cancel_url: str = ""
    cancel_text: str = ""


@dataclass(frozen=True, slots=True)
class PaymentRow:
    reference: str
    url: str
    date: date
    amount: Money
    method_text: str
    for_text: str
    status: Status
    status_note: str = ""
    cancel_url: str = ""


@dataclass(frozen=True, slots=True)
class Payments:
    fact_text: str
    tabs: tuple[Tab, ...]
    rows: tuple[PaymentRow, ...]
    empty_title: str
    empty_text: str
    can_pay: bool = True
    pager: Pager | None = None


@dataclass(frozen=True, slots=True)
class CanceledLine:
    number: str
    amount: Money
    due_text: str


@dataclass(frozen=True, slots=True)
class Cancellation:
    reference: str
    url: str
    payment_url: str
    amount: Money
    paid_from: str
    lines: tuple[CanceledLine, ...]
    consequence_text: str


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    number: str
    url: str
    status: Status
    invoice_date: date
    due_date: date
    invoice_amount: Money
    amount_due: Money
    is_payable: bool = False
    pdf_url: str = ""
    kind_text: str = ""


@dataclass(frozen=True, slots=True)
class Invoices:
    balance: Money
    tabs: tuple[Tab, ...]
    rows: tuple[InvoiceRow, ...]
    view: str
    query: str
    clear_url: str
    caption: str
    empty_title: str
    empty_text: str
    balance_note: str = ""
    pager: Pager | None = None


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    text: str
    amount: Money
    note: str = ""


@dataclass(frozen=True, slots=True)
class Invoice:
    number: str
    heading: str
    status: Status
    fact_text: str
    invoice_date: date
    due_date: date
    invoice_amount: Money
    amount_due: Money
    payable: Money
    lines: tuple[InvoiceLine, ...]
    history: tuple[Step, ...]
    coupon_url: str = ""
    reference: str = ""
    less_paid: Money | None = None
    less_processing: Money | None = None
    less_scheduled: Money | None = None
    pay_url: str = ""
    pdf_url: str = ""
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class MethodRow:
    title: str
    note: str
    url: str
    tags: tuple[str, ...] = ()
    is_usable: bool = True


@dataclass(frozen=True, slots=True)
class PaymentMethods:
    methods: tuple[MethodRow, ...]
    bank: BankAccount
    account_number: str
    """Whose accounts these are."""
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    title: str
    note: str
    url: str
    removal_url: str
    removal_text: str
    nickname: Field
    is_default: bool
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class CouponLine:
    number: str
    due_date: date
    amount_due: Money
    kind_text: str = ""


@dataclass(frozen=True, slots=True)
class Coupon:
    """What to mail. Without lines there is nothing to mail, and nothing to print."""

    account_number: str
    customer_name: str
    due_by_text: str
    payable_to: str
    address: str
    reflected_text: str
    lines: tuple[CouponLine, ...]
    total: Money
    scan_line: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Article:
    slug: str
    question: str
    summary: str
    url: str


@dataclass(frozen=True, slots=True)
class Help:
    query: str
    heading: str
    articles: tuple[Article, ...]
