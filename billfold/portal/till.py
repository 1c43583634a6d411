"""The pay page, put together: what is owed, what was chosen, what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from billfold.money import Money, total
from billfold.pages import context
from billfold.pages.shapes import Field, Notice
from billfold.pages.templatetags import bills as shown
from billfold.payments.accounts import wallet
from billfold.payments.models import PaymentMethod
from billfold.payments.reading import bills
from billfold.payments.reading.bills import Bill, Unpaid
from billfold.portal import accounts, choices, drafts, wording
from billfold.portal.choices import ENTERED, NEW, Choices
from billfold.portal.drafts import CURRENCY, Draft
from billfold.portal.shapes import (
    ByMail,
    Electronic,
    InvoiceAmount,
    OtherWays,
    Pay,
    PayRow,
    SavedMethod,
    Total,
)
from billfold.portal.visits import Visit
from billfold.receivables.models import BillerProfile

AT_MOST_ROWS = 1_000
_TOTAL_LINES = 5
_NOTHING = "Your balance is $0.00. Your next bill appears here as soon as it is issued."
_SHIELD = "We never change these details by email: if a message gives you new ones, call us."


@dataclass(slots=True)
class Till:
    """What the pay page is drawn from: two queries beside those of every page."""

    visit: Visit
    profile: BillerProfile
    owed: Unpaid
    saved: list[PaymentMethod]
    now: datetime
    draft: Draft | None = None

    @property
    def bills(self) -> list[Bill]:
        return self.owed.bills

    def draw(self, chosen: Choices, faults: dict[str, str], *, pick: str = "") -> Pay:
        """Make the page; `faults` holds the sentences by field id, `pick` what was ticked for the
        payer.
        """
        biller = context.shape(self.profile)
        payable = [bill for bill in self.bills if choices.is_payable(bill)]
        late = [bill for bill in payable if bill.is_past_due(on=self.today)]
        overdue = total((bill.payable for bill in late), CURRENCY)
        return Pay(
            reference=chosen.reference,
            account_number=self.visit.customer.number,
            balance=self.owed.balance,
            as_of=self.now,
            due_by_text=wording.due_by(payable, on=self.today),
            rows=self._rows(chosen, faults),
            payable_count=len(payable),
            payable_total=total((bill.payable for bill in payable), CURRENCY),
            spread=Field("spread", chosen.spread, faults.get("spread", "")),
            total=self._total(chosen),
            methods=self._methods(chosen),
            bank=accounts.fields(
                chosen.bank,
                faults,
                remember=chosen.remember,
                is_chosen=self._method(chosen) == NEW,
            ),
            other_ways=other_ways(self.visit, self.profile, payable),
            reflected_text=biller.reflected_text,
            promise_text=wording.promise(
                self.now,
                self.visit.cutoff_eastern,
                self.profile.debit_days,
                asks_first=self.visit.asks_first,
            ),
            nothing_text=_nothing_text(self.bills),
            overdue=overdue if late and len(late) < len(payable) else None,
            overdue_text=_overdue_text(overdue, late),
            less_processing=-self.owed.processing,
            less_scheduled=-self.owed.scheduled,
            guard_error=next((text for id, text in faults.items() if id.startswith("invoice")), ""),
            has_taken=choices.TABLE in faults,
            method_error=faults.get("methods", ""),
            has_picked=bool(pick),
            notices=self._notices(is_spread=pick == "oldest" and not faults),
        )

    @property
    def today(self) -> date:
        return wording.local_day(self.now)

    def _rows(self, chosen: Choices, faults: dict[str, str]) -> tuple[PayRow, ...]:
        ids = choices.row_ids(self.bills)
        return tuple(self._row(bill, ids[bill.number], chosen, faults) for bill in self.bills)

    def _row(self, bill: Bill, id: str, chosen: Choices, faults: dict[str, str]) -> PayRow:
        can_be_paid = choices.is_payable(bill)
        typed = chosen.amounts.get(bill.number, bill.payable.plain(grouped=True))
        return PayRow(
            id=id,
            number=bill.number,
            amount_due=bill.payable,
            payable=bill.payable,
            invoice_amount=bill.amount,
            invoice_date=bill.invoice_date,
            due_date=bill.due_date,
            status=wording.bill_status(bill, on=self.today),
            pay_now=Field(f"amount:{bill.number}", typed, faults.get(f"amount-{id}", "")),
            is_payable=can_be_paid,
            is_checked=can_be_paid and bill.number in chosen.ticked,
            note="" if can_be_paid else _why_not(bill),
            kind_text=wording.kind_text(bill),
        )

    def _total(self, chosen: Choices) -> Total:
        wrong: dict[str, str] = {}
        shares = choices.shares(chosen, self.bills, wrong)
        notes = [text for id, text in wrong.items() if id.startswith("amount-")]
        lines = [InvoiceAmount(b.number, shares[b.id]) for b in self.bills if b.id in shares]
        more = lines[_TOTAL_LINES:]
        return Total(
            amount=total(shares.values(), CURRENCY),
            lines=tuple(lines[:_TOTAL_LINES]),
            more_text=f"and {len(more)} more" if more else "",
            more_amount=total((line.amount for line in more), CURRENCY) if more else None,
            note=notes[0] if notes else "",
            is_empty=not shares and not notes,
        )

    def _method(self, chosen: Choices) -> str:
        """Choose for the payer where nothing is chosen yet: the saved account, or the only way."""
        usable = wallet.usable(self.saved)
        if chosen.method or not chosen.is_fresh:
            return chosen.method
        return str(usable[0].id) if usable else NEW

    def _methods(self, chosen: Choices) -> tuple[SavedMethod, ...]:
        method = self._method(chosen)
        offered = [
            SavedMethod(
                key=str(saved.id),
                title=saved.label,
                note=" · ".join(filter(None, [saved.nickname, "Saved account", saved.bank_name])),
                is_chosen=method == str(saved.id),
            )
            for saved in wallet.usable(self.saved)
        ]
        if self.draft and self.draft.account:
            account = self.draft.account
            entered = SavedMethod(
                key=ENTERED,
                title=label(account.account_type, account.account_number[-4:]),
                note=" · ".join(filter(None, ["The account you entered", account.bank_name])),
                is_chosen=method == ENTERED,
            )
            offered.insert(0, entered)
        return tuple(offered)

    def _notices(self, *, is_spread: bool) -> tuple[Notice, ...]:
        said = []
        if self.owed.is_cut:
            text = "Pay these first, then come back for the others."
            said.append(Notice("info", text, cut_text(self.owed)))
        if is_spread:
            text = "Check what is ticked, then review the payment."
            said.append(Notice("info", text, "Your amount is on the oldest invoices"))
        return tuple(said)


def cut_text(owed: Unpaid) -> str:
    """Say that a page does not show all that is owed; nothing if it does."""
    if not owed.is_cut:
        return ""
    return f"Showing the {len(owed.bills):,} oldest of {owed.count:,} invoices"


def _overdue_text(overdue: Money, late: list[Bill]) -> str:
    if not late:
        return ""
    since = shown.short_day(late[0].due_date)
    return f"{shown.money(overdue)} has been overdue since {since}."


def load(visit: Visit, *, now: datetime, reference: str = "") -> Till:
    """Read what the page needs."""
    draft = drafts.find(visit.request, reference) if reference else None
    if draft and draft.customer_id != visit.customer.id:
        draft = None
    return Till(
        visit=visit,
        profile=context.profile(visit.request),
        owed=bills.unpaid(visit.customer.id, at_most=AT_MOST_ROWS, on=wording.local_day(now)),
        saved=wallet.saved(visit.customer.id),
        now=now,
        draft=draft,
    )


def label(account_type: str, last4: str) -> str:
    return f"{account_type.capitalize()} ending {last4}"


def _why_not(bill: Bill) -> str:
    if bill.payable.minor <= 0:
        return f"{shown.money(bill.pending)} is\N{NO-BREAK SPACE}being\N{NO-BREAK SPACE}paid"
    return f"In {bill.payable.currency}: by wire"


def _nothing_text(listed: list[Bill]) -> str:
    """Say why there is nothing to choose, for a page on which no row can be paid."""
    if not listed:
        return _NOTHING
    if all(bill.payable.minor <= 0 for bill in listed):
        return "Everything you owe is being paid. You need not do anything."
    return "What is left to pay is not in dollars. Pay it by wire, as shown below."


def other_ways(visit: Visit, profile: BillerProfile, payable: list[Bill]) -> OtherWays:
    """Tell where a check or the payer's own bank sends money."""
    biller = context.shape(profile)
    coupon = "/remittance-coupon" if payable else ""
    mail = ByMail(profile.remit_to, biller.mail_reflected_text, coupon)
    electronic = Electronic(
        beneficiary=profile.legal_name,
        routing_wire=profile.wire_routing_number,
        routing_ach=profile.ach_routing_number,
        account_number=profile.deposit_account_number,
        reference=" ".join([visit.customer.number, *(bill.number for bill in payable[:1])]),
        shield_text=_SHIELD,
        swift=profile.swift_code,
    )
    return OtherWays(
        mail if profile.remit_to else None,
        electronic if profile.deposit_account_number else None,
        wording.return_fee_text(visit.return_fee),
    )
