"""Who is signed in: the visit of a payer or of staff, and what opens a view to one of them.

Rights are read on each request.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import wraps
from typing import Concatenate, Final, ParamSpec
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from billfold import bankdays
from billfold.banking.models import BankConnection
from billfold.money import Money
from billfold.pages import biller_context, errors, links, responses
from billfold.pages.responses import RequestView
from billfold.payments.accounts import account_validation
from billfold.payments.funnel import return_fees
from billfold.payments.models import Payment
from billfold.people.models import Person
from billfold.platform import brake, clock, tenancy
from billfold.receivables.models import Access, AccessRole, BillerProfile, Customer, FeeCap

P = ParamSpec("P")
_CHOSEN_ACCOUNT: Final = "account"
_KEPT_INVOICES: Final = 50


@dataclass(slots=True)
class Visit:
    """One request of a signed-in person, at one moment."""

    request: HttpRequest
    person: Person
    now: datetime

    @property
    def today(self) -> date:
        """The day in the biller's zone."""
        return timezone.localdate(self.now)

    @property
    def profile(self) -> BillerProfile:
        """The biller's profile, read once for each request."""
        return biller_context.profile(self.request)

    def query_field(self, name: str) -> str:
        """Read one field of the query in the address."""
        return responses.query_field(self.request, name)

    def form_field(self, name: str) -> str:
        """Read one field of the form."""
        return responses.form_field(self.request, name)


@dataclass(slots=True)
class StaffVisit(Visit):
    """A visit of a member of staff."""

    @property
    def may_release_files(self) -> bool:
        """Whether this person releases files, and takes them back."""
        return self.person.may_release_files


@dataclass(slots=True)
class PayerVisit(Visit):
    """A visit of a payer, on one of their accounts."""

    accesses: Sequence[Access]
    access: Access
    fee_caps: dict[str, int]
    """Reviewed caps of the Return Fee in cents, by the states of the accounts."""
    cutoff_eastern: time | None
    """When the day closes at the bank that collects; none without a bank."""
    needs_prenotes: bool
    """Whether a new personal account waits for a prenote before its first debit."""
    may_promise_days: bool
    """Whether neither the brake nor HOLD keeps payments back, so that pages may name days."""

    @property
    def customer(self) -> Customer:
        return self.access.customer

    @property
    def can_pay(self) -> bool:
        return self.access.role != AccessRole.VIEW

    @property
    def return_fee(self) -> Money:
        """What a returned payment costs this customer."""
        return return_fees.fee_for(self.profile, self.customer.state, self.fee_caps)

    def check_may_pay(self) -> None:
        """Stop who may only look. Raises: PermissionDenied."""
        if not self.can_pay:
            raise PermissionDenied

    def switch_account(self, customer_number: str) -> None:
        """Go on with another account of this person. Raises: Http404 if it is not theirs."""
        for access in self.accesses:
            if access.customer.number == customer_number:
                if access is not self.access:
                    self.access = access
                    self.request.session[_CHOSEN_ACCOUNT] = customer_number
                return
        raise Http404

    def switch_to_owner(self, customer_id: UUID) -> None:
        """Go on with the account that something belongs to. Raises: Http404 if it is not theirs."""
        numbers = [a.customer.number for a in self.accesses if a.customer_id == customer_id]
        self.switch_account(numbers[0] if numbers else "")

    def find_payment(self, reference: str) -> Payment | None:
        """Find a payment on any account of this person; others look like missing."""
        payments = Payment.objects.filter(
            reference=reference, customer__in=Customer.visible_to(self.person)
        )
        return payments.select_related(
            "mandate", "method__present__account", "customer", "connection"
        ).first()

    def open_payment(self, reference: str) -> Payment:
        """Find a payment and go on with its account. Raises: Http404 if it is not theirs."""
        payment = self.find_payment(reference)
        if payment is None:
            raise Http404
        self.switch_to_owner(payment.customer_id)
        return payment


def open_to_payers(
    *methods: str,
) -> Callable[[Callable[Concatenate[PayerVisit, P], HttpResponseBase]], RequestView[P]]:
    """Open a view to payers, for these methods. Staff go to their own pages, strangers sign in."""

    def guard(view: Callable[Concatenate[PayerVisit, P], HttpResponseBase]) -> RequestView[P]:
        @responses.allow_methods(*methods)
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            person = request.user
            if not isinstance(person, Person):
                return _to_sign_in(request)
            if person.is_staff:
                return responses.go_to(request, links.OFFICE)
            visit = _begin_payer_visit(request, person)
            if visit is None:
                return render(request, "pages/403.html", status=403)
            try:
                return view(visit, *args, **kwargs)
            except bankdays.UnknownYear as refusal:
                return errors.past_calendar(request, refusal, is_staff=False)

        return guarded

    return guard


def open_to_those_who_may_pay(
    *methods: str,
) -> Callable[[Callable[Concatenate[PayerVisit, P], HttpResponseBase]], RequestView[P]]:
    """Open a view to payers who may pay on the chosen account, for these methods."""

    def guard(view: Callable[Concatenate[PayerVisit, P], HttpResponseBase]) -> RequestView[P]:
        @open_to_payers(*methods)
        @wraps(view)
        def guarded(visit: PayerVisit, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            visit.check_may_pay()
            return view(visit, *args, **kwargs)

        return guarded

    return guard


def open_to_staff(
    *methods: str,
) -> Callable[[Callable[Concatenate[StaffVisit, P], HttpResponseBase]], RequestView[P]]:
    """Open a view to staff, for these methods. To a payer the page does not exist."""
    allowed = responses.with_head(methods)

    def guard(view: Callable[Concatenate[StaffVisit, P], HttpResponseBase]) -> RequestView[P]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            person = request.user
            if not isinstance(person, Person):
                is_read = request.method in {"GET", "HEAD"}
                return redirect_to_login(request.get_full_path() if is_read else settings.LOGIN_URL)
            if not person.is_staff:
                raise Http404
            if request.method not in allowed:
                return responses.refuse_method(request, allowed)
            try:
                return view(StaffVisit(request, person, clock.now()), *args, **kwargs)
            except bankdays.UnknownYear as refusal:
                return errors.past_calendar(request, refusal, is_staff=True)

        return guarded

    return guard


def _begin_payer_visit(request: HttpRequest, person: Person) -> PayerVisit | None:
    # One query for what every page needs: whose accounts, what a return costs, when the day closes.
    cap = FeeCap.objects.filter(state=OuterRef("customer__state")).values("cap_minor")
    bank = BankConnection.objects.filter(is_default=True)
    cutoff = bank.values("cutoff_eastern")[:1]
    validation = bank.values("account_validation")[:1]
    accesses = list(
        Access.objects.filter(person=person)
        .select_related("customer")
        .annotate(
            fee_cap_minor=Subquery(cap),
            cutoff_eastern=Subquery(cutoff),
            account_validation=Subquery(validation),
            is_braked=brake.stands(),
        )
        .order_by("customer__number")
    )
    if not accesses:
        return None
    chosen = request.session.get(_CHOSEN_ACCOUNT)
    access = next((a for a in accesses if a.customer.number == chosen), accesses[0])
    return PayerVisit(
        request=request,
        person=person,
        now=clock.now(),
        accesses=accesses,
        access=access,
        fee_caps={
            a.customer.state: a.fee_cap_minor for a in accesses if a.fee_cap_minor is not None
        },
        cutoff_eastern=accesses[0].cutoff_eastern,
        needs_prenotes=accesses[0].account_validation == account_validation.PRENOTE,
        may_promise_days=tenancy.current().state == "open" and not accesses[0].is_braked,
    )


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for the sign-in, and come back afterwards to where the visitor was."""
    back = request.get_full_path()
    if request.method not in {"GET", "HEAD"}:
        messages.warning(
            request, "You were signed out, so nothing was changed or paid. Sign in to go on."
        )
        back = _page_of_form(request)
    return responses.go_to(request, links.sign_in(back))


def _page_of_form(request: HttpRequest) -> str:
    """Name the page a form was on. The ticked invoices stay ticked."""
    if request.path not in {"/pay", "/pay/total", "/payments"}:
        return links.PORTAL
    return links.pay(request.POST.getlist("invoice")[:_KEPT_INVOICES])
