"""What the pay page shows: what is owed, what was chosen, what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from billfold.money import Money, total
from billfold.pages.access import PayerVisit
from billfold.pages.templatetags import formatting
from billfold.pages.view_models import FormField, InvoiceAmount, NoticeBox, StatusPill
from billfold.payments.accounts import wallet
from billfold.payments.method_models import PaymentMethod
from billfold.payments.paying import payable_bills
from billfold.payments.paying.payable_bills import CURRENCY, is_payable
from billfold.payments.paying.review import Draft
from billfold.payments.reading.bills import Bill, UnpaidBills
from billfold.payments.rules.account_label import account_label
from billfold.portal import account_form, bill_texts, drafts, other_ways, pay_form, payment_texts
from billfold.portal.account_form import AccountFields
from billfold.portal.other_ways import OtherWays
from billfold.portal.pay_form import ENTERED_ACCOUNT, NEW_ACCOUNT, PaymentChoices

_TOTAL_LINES: Final = 5


@dataclass(frozen=True, slots=True)
class PayRow:
    """An invoice on the pay page. Its `pay_now.name` is `amount:<invoice number>`."""

    id: str
    number: str
    amount_due: Money
    invoice_amount: Money
    invoice_date: date
    due_date: date
    status: StatusPill
    pay_now: FormField
    is_payable: bool
    is_checked: bool
    note: str
    kind_text: str


@dataclass(frozen=True, slots=True)
class RunningTotal:
    """What is ticked so far. Only the first few lines; the rest in one `more_…` line."""

    amount: Money
    lines: tuple[InvoiceAmount, ...]
    more_text: str
    more_amount: Money | None
    note: str
    is_empty: bool
    """Nothing is ticked."""


@dataclass(frozen=True, slots=True)
class SavedMethod:
    key: str
    title: str
    note: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class PayPage:
    """Choose: invoices, method, total."""

    reference: str
    customer_number: str
    balance: Money
    as_of: datetime
    due_by_text: str
    rows: tuple[PayRow, ...]
    payable_count: int
    payable_total: Money
    spread: FormField
    total: RunningTotal
    methods: tuple[SavedMethod, ...]
    new_account: AccountFields
    other_ways: OtherWays
    reflected_text: str
    promise_text: str
    nothing_text: str
    overdue: Money | None
    overdue_text: str
    less_processing: Money
    less_scheduled: Money
    guard_error: str
    has_taken: bool
    """An invoice that was ticked has no box any more."""
    method_error: str
    has_picked: bool
    """Invoices were ticked for the payer."""
    notices: tuple[NoticeBox, ...]


@dataclass(slots=True)
class PayPageData:
    """What the pay page is made of: two queries beside those of every page."""

    visit: PayerVisit
    unpaid: UnpaidBills
    saved: list[PaymentMethod]
    draft: Draft | None

    @property
    def bills(self) -> list[Bill]:
        return self.unpaid.bills

    def build(
        self, choices: PaymentChoices, problems: Mapping[str, str], *, pick: str = ""
    ) -> PayPage:
        """Make the page; `problems` holds the sentences by field id, `pick` says what was ticked
        for the payer.
        """
        visit = self.visit
        payable = [bill for bill in self.bills if is_payable(bill)]
        late = [bill for bill in payable if bill.is_past_due(on=visit.today)]
        overdue = total((bill.payable for bill in late), CURRENCY)
        return PayPage(
            reference=choices.reference,
            customer_number=visit.customer.number,
            balance=self.unpaid.balance,
            as_of=visit.now,
            due_by_text=bill_texts.due_by_text(payable, on=visit.today),
            rows=self._rows(choices, problems),
            payable_count=len(payable),
            payable_total=total((bill.payable for bill in payable), CURRENCY),
            spread=FormField("spread", choices.spread, problems.get("spread", "")),
            total=_running_total(choices, self.bills),
            methods=self._methods(choices),
            new_account=account_form.fields(
                choices.account,
                problems,
                remember=choices.remember,
                is_chosen=self._method(choices) == NEW_ACCOUNT,
            ),
            other_ways=other_ways.list_ways(visit, payable),
            reflected_text=payment_texts.reflected_text(visit),
            promise_text=payment_texts.promise_text(visit),
            nothing_text=_nothing_text(self.bills),
            overdue=overdue if late and len(late) < len(payable) else None,
            overdue_text=_overdue_text(overdue, late),
            less_processing=-self.unpaid.processing,
            less_scheduled=-self.unpaid.scheduled,
            guard_error=next(
                (text for id, text in problems.items() if id.startswith("invoice")), ""
            ),
            has_taken=pay_form.TABLE_ID in problems,
            method_error=problems.get(account_form.METHODS_ID, ""),
            has_picked=bool(pick),
            notices=_notices(self.unpaid, is_spread=pick == "oldest" and not problems),
        )

    def _rows(self, choices: PaymentChoices, problems: Mapping[str, str]) -> tuple[PayRow, ...]:
        ids = pay_form.row_ids(self.bills)
        return tuple(self._row(bill, ids[bill.number], choices, problems) for bill in self.bills)

    def _row(
        self, bill: Bill, id: str, choices: PaymentChoices, problems: Mapping[str, str]
    ) -> PayRow:
        can_be_paid = is_payable(bill)
        amount = choices.amounts.get(bill.number, bill.payable.plain(grouped=True))
        return PayRow(
            id=id,
            number=bill.number,
            amount_due=bill.payable,
            invoice_amount=bill.amount,
            invoice_date=bill.invoice_date,
            due_date=bill.due_date,
            status=bill_texts.status_pill(bill, on=self.visit.today),
            pay_now=FormField(f"amount:{bill.number}", amount, problems.get(f"amount-{id}", "")),
            is_payable=can_be_paid,
            is_checked=can_be_paid and bill.number in choices.ticked,
            note="" if can_be_paid else _not_payable_note(bill),
            kind_text=bill_texts.kind_text(bill),
        )

    def _method(self, choices: PaymentChoices) -> str:
        """Choose for the payer where nothing is chosen yet: the saved account, or the only way."""
        usable = wallet.usable(self.saved)
        if choices.method or not choices.is_fresh:
            return choices.method
        return str(usable[0].id) if usable else NEW_ACCOUNT

    def _methods(self, choices: PaymentChoices) -> tuple[SavedMethod, ...]:
        chosen = self._method(choices)
        offered = [
            SavedMethod(
                key=str(method.id),
                title=method.label,
                note=" · ".join(
                    filter(None, [method.nickname, "Saved account", method.account.bank_name])
                ),
                is_chosen=chosen == str(method.id),
            )
            for method in wallet.usable(self.saved)
        ]
        if self.draft and self.draft.account:
            account = self.draft.account
            entered = SavedMethod(
                key=ENTERED_ACCOUNT,
                title=account_label(account.account_type, account.account_number[-4:]),
                note=" · ".join(filter(None, ["The account you entered", account.bank_name])),
                is_chosen=chosen == ENTERED_ACCOUNT,
            )
            offered.insert(0, entered)
        return tuple(offered)


def load(visit: PayerVisit, *, reference: str = "") -> PayPageData:
    """Read what the page needs; with a reference, also the draft that is to be changed."""
    draft = drafts.find(visit.request, reference) if reference else None
    if draft and draft.customer_id != visit.customer.id:
        draft = None
    return PayPageData(
        visit=visit,
        unpaid=payable_bills.load(visit.customer.id, on=visit.today),
        saved=wallet.saved(visit.customer.id, person_id=visit.person.id),
        draft=draft,
    )


def _running_total(choices: PaymentChoices, bills: list[Bill]) -> RunningTotal:
    problems: dict[str, str] = {}
    shares = pay_form.compute_shares(choices, bills, problems)
    notes = [text for id, text in problems.items() if id.startswith("amount-")]
    lines = [InvoiceAmount(b.number, shares[b.id]) for b in bills if b.id in shares]
    more = lines[_TOTAL_LINES:]
    return RunningTotal(
        amount=total(shares.values(), CURRENCY),
        lines=tuple(lines[:_TOTAL_LINES]),
        more_text=f"and {len(more)} more" if more else "",
        more_amount=total((line.amount for line in more), CURRENCY) if more else None,
        note=notes[0] if notes else "",
        is_empty=not shares and not notes,
    )


def _notices(unpaid: UnpaidBills, *, is_spread: bool) -> tuple[NoticeBox, ...]:
    notices = []
    if unpaid.is_cut:
        text = "Pay these first, then come back for the others."
        notices.append(NoticeBox("info", text, bill_texts.cut_text(unpaid)))
    if is_spread:
        text = "Check what is ticked, then review the payment."
        notices.append(NoticeBox("info", text, "Your amount is on the oldest invoices"))
    return tuple(notices)


def _overdue_text(overdue: Money, late: list[Bill]) -> str:
    if not late:
        return ""
    since = formatting.short_day(late[0].due_date)
    return f"{formatting.money(overdue)} has been overdue since {since}."


def _not_payable_note(bill: Bill) -> str:
    """Say why a bill has no box."""
    if bill.payable.minor <= 0:
        return f"{formatting.money(bill.pending)} is\N{NO-BREAK SPACE}being\N{NO-BREAK SPACE}paid"
    return f"In {bill.payable.currency}: by wire"


def _nothing_text(bills: list[Bill]) -> str:
    """Say why there is nothing to choose, for a page on which no row can be paid."""
    if not bills:
        return "Your balance is $0.00. Your next bill appears here as soon as it is issued."
    if all(bill.payable.minor <= 0 for bill in bills):
        return "Everything you owe is being paid. You need not do anything."
    return "What is left to pay is not in dollars. Pay it by wire, as shown below."
