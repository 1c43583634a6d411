"""The review of one payment: its dates, its words, and the mark that binds the words shown."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID

from billfold import bankdays
from billfold.banking import connections
from billfold.money import Money, total
from billfold.pages import context
from billfold.pages.answers import address
from billfold.pages.templatetags import bills as shown
from billfold.payments.accounts import mandates
from billfold.payments.accounts.bank_accounts import BankAccount
from billfold.payments.accounts.mandates import Consent
from billfold.payments.funnel.messages import ASKED_FIRST
from billfold.payments.models import MethodState, Payment, PaymentMethod
from billfold.payments.paying import scheduling
from billfold.payments.paying.scheduling import Intent
from billfold.payments.reading import bills as owed
from billfold.payments.reading.bills import Bill, Unpaid
from billfold.portal import till, wording
from billfold.portal.drafts import CURRENCY, Draft
from billfold.portal.shapes import InvoiceAmount, Review
from billfold.portal.visits import Visit
from billfold.receivables.models import BillerProfile


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A draft at one moment, with everything its page and its payment need."""

    visit: Visit
    draft: Draft
    profile: BillerProfile
    owed: Unpaid
    account: BankAccount | PaymentMethod
    collect_on: date
    cutoff_eastern: time
    reflected_by: date
    now: datetime

    @property
    def cutoff(self) -> datetime:
        return bankdays.cutoff_at(self.collect_on, self.cutoff_eastern)

    @property
    def amount(self) -> Money:
        return total(self.draft.shares.values(), CURRENCY)

    @property
    def today(self) -> date:
        return wording.local_day(self.now)

    @property
    def bills(self) -> list[Bill]:
        return self.owed.bills

    @property
    def _last4(self) -> str:
        if isinstance(self.account, PaymentMethod):
            return self.account.account_last4
        return self.account.account_number[-4:]

    def text(self) -> str:
        """Write the authorisation, from what is so at this moment."""
        return mandates.one_time_text(
            biller=self.profile.legal_name,
            account=f"{self.account.account_type} account ending {self._last4}",
            amount=self.amount,
            day=self.collect_on,
            cutoff=f"{shown.moment(self.cutoff)} on {shown.day(wording.local_day(self.cutoff))}",
            return_fee=self.visit.return_fee,
        )

    def intent(self) -> Intent:
        """Say what Pay will do."""
        request = self.visit.request
        return Intent(
            reference=self.draft.reference,
            customer_id=self.draft.customer_id,
            shares=self.draft.shares,
            account=self.account,
            consent=Consent(
                text=self.text(),
                agreed_by=self.visit.person,
                ip_address=address(request),
                user_agent=request.headers.get("User-Agent", "").replace("\0", ""),
            ),
            validation=self.draft.validation,
            remember=self.draft.remember,
        )

    def fingerprint(self) -> str:
        return _mark(self.intent().request_hash, self.text())

    def page(self) -> Review:
        biller = context.shape(self.profile)
        amount, count = self.amount, len(self.draft.shares)
        bank_name = f"{self.account.bank_name} · " if self.account.bank_name else ""
        return Review(
            reference=self.draft.reference,
            fingerprint=self.fingerprint(),
            back_url=f"/pay?reference={self.draft.reference}",
            lines=tuple(self._line(bill) for bill in self.bills if bill.id in self.draft.shares),
            count_text=wording.plural(count, "invoice"),
            method_title=till.label(self.account.account_type, self._last4),
            method_note=f"{bank_name}routing {self.account.routing_number}",
            date_text=wording.file_day_text(self.collect_on, on=self.today),
            cancel_text=(
                f"You can cancel until {wording.moment_of_day(self.cutoff, now=self.now)}."
            ),
            reflected_by_text=f"Reflected by {shown.long_day(self.reflected_by)}",
            email=self.visit.person.email,
            authorization=self.text(),
            subtotal=amount,
            fee=Money(0),
            total=amount,
            reflected_text=biller.reflected_text,
            remember_text="Yes" if self.draft.remember else "",
            wait_text=self._wait_text(),
            left_text=left_text(self.owed, self.draft.shares, on=self.today),
        )

    def _wait_text(self) -> str:
        """Say why the payment waits, if it does."""
        usual = bankdays.file_day(self.now, cutoff_eastern=self.cutoff_eastern)
        return ASKED_FIRST if self.collect_on > usual else ""

    def _line(self, bill: Bill) -> InvoiceAmount:
        share = self.draft.shares[bill.id]
        left = bill.payable - share
        text = f"{shown.money(left)} of it stays due" if left.minor > 0 else ""
        return InvoiceAmount(bill.number, share, text)


def left_text(owed: Unpaid, shares: Mapping[UUID, Money], *, on: date) -> str:
    """Say what stays to be paid after a payment, and by when: what is late, the first day, the
    rest.
    """
    by_day: dict[date, Money] = {}
    for bill in owed.bills:
        left = bill.payable - shares.get(bill.id, Money(0, bill.payable.currency))
        if left.currency == CURRENCY and left.minor > 0:
            by_day[bill.due_date] = by_day.get(bill.due_date, Money(0)) + left
    if not by_day:
        return ""
    late = total((left for day, left in by_day.items() if day < on), CURRENCY)
    ahead = sorted(day for day in by_day if day >= on)
    whole = shown.money(owed.left - total(shares.values(), CURRENCY))
    if not late and len(ahead) == 1 and not owed.is_cut:
        return f"You leave {whole} to pay by {shown.short_day(ahead[0])}."
    said = [f"{shown.money(late)} is overdue"] if late else []
    if len(ahead) > 1 or (ahead and owed.is_cut):
        said.append(f"{shown.money(by_day[ahead[0]])} by {shown.short_day(ahead[0])}")
        ahead = ahead[1:]
    if owed.is_cut:
        said.append("the rest later")
    elif ahead:
        span = f"between {shown.short_day(ahead[0])} and " if len(ahead) > 1 else "by "
        said.append(f"the rest {span}{shown.short_day(ahead[-1])}")
    return f"You leave {whole} to pay: {', '.join(said)}."


def _mark(request_hash: str, text: str) -> str:
    """Name exactly this request under exactly these words."""
    return hashlib.sha256(f"{request_hash}|{text}".encode()).hexdigest()


def fingerprint_of(payment: Payment) -> str:
    """Recompute the mark of a payment that was made, from what is stored."""
    return _mark(payment.request_hash, payment.mandate.text)


def of(visit: Visit, draft: Draft, *, now: datetime) -> Reviewed | None:
    """Put a draft beside the books as they are now; none if its saved account is gone."""
    account = draft.account or _method(draft.method_id, draft.customer_id)
    if account is None:
        return None
    profile = context.profile(visit.request)
    cutoff = connections.default().cutoff_eastern
    collect_on = scheduling.promised_day(
        account, draft.validation, counts_from=now, cutoff_eastern=cutoff
    )
    return Reviewed(
        visit=visit,
        draft=draft,
        profile=profile,
        owed=owed.unpaid(draft.customer_id, at_most=till.AT_MOST_ROWS, on=wording.local_day(now)),
        account=account,
        collect_on=collect_on,
        cutoff_eastern=cutoff,
        reflected_by=bankdays.add_banking_days(collect_on, profile.debit_days),
        now=now,
    )


def _method(method_id: UUID | None, customer_id: UUID) -> PaymentMethod | None:
    if method_id is None:
        return None
    usable = PaymentMethod.objects.filter(customer_id=customer_id, state=MethodState.ACTIVE)
    return usable.filter(pk=method_id).first()
