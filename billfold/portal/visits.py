"""Who is signed in and for which account: what every payer page asks first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import time
from functools import wraps
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from billfold.banking.models import BankConnection
from billfold.money import Money
from billfold.pages import context
from billfold.pages.answers import SeeOther
from billfold.pages.shapes import Account, Problem, Problems, Visitor
from billfold.payments.accounts import mandates
from billfold.payments.funnel import return_fees
from billfold.payments.models import Payment
from billfold.people.models import Person
from billfold.portal import wording
from billfold.receivables.models import Access, AccessRole, Customer, FeeCap

OFFICE = "/office/"
_CHOSEN = "account"
_KEPT_INVOICES = 50


@dataclass(slots=True)
class Visit:
    """A signed-in person on one of their accounts."""

    request: HttpRequest
    person: Person
    accesses: Sequence[Access]
    access: Access
    fee_caps: dict[str, int]
    """Reviewed caps of the Return Fee in cents, by the states of the accounts."""
    cutoff_eastern: time | None
    """When the day closes at the bank that collects; none without a bank."""
    asks_first: bool = False
    """Whether the bank of a new personal account is asked by a prenote before its first debit."""

    @property
    def customer(self) -> Customer:
        return self.access.customer

    @property
    def can_pay(self) -> bool:
        return self.access.role != AccessRole.VIEW

    @property
    def return_fee(self) -> Money:
        """Tell what a returned payment costs this customer."""
        profile = context.profile(self.request)
        return return_fees.fee_for(profile, self.customer.state, self.fee_caps)

    def turn_to(self, customer_number: str) -> None:
        """Go on with another account of this person. Raises: Http404 if it is not theirs."""
        for access in self.accesses:
            if access.customer.number == customer_number:
                if access is not self.access:
                    self.access = access
                    self.request.session[_CHOSEN] = customer_number
                return
        raise Http404

    def turn_to_owner(self, customer_id: UUID) -> None:
        """Go on with the account that something belongs to. Raises: Http404."""
        numbers = [a.customer.number for a in self.accesses if a.customer_id == customer_id]
        self.turn_to(numbers[0] if numbers else "")

    def check_may_pay(self) -> None:
        """Stop who may only look. Raises: PermissionDenied."""
        if not self.can_pay:
            raise PermissionDenied

    def visitor(self) -> Visitor:
        return Visitor(
            name=self.person.name,
            initials=self.person.initials(),
            account=_account(self.access),
            accounts=tuple(_account(access) for access in self.accesses),
            return_fee_text=wording.return_fee_text(self.return_fee),
        )

    def show(
        self,
        template: str,
        page: object,
        *,
        section: str = "",
        problems: Problems | None = None,
        status: int = 0,
    ) -> HttpResponse:
        """Draw a page for this visitor; with problems, as 422."""
        context = {
            "page": page,
            "visitor": self.visitor(),
            "section": section,
            "problems": problems,
        }
        answer = status or (422 if problems else 200)
        return render(self.request, f"portal/{template}", context, status=answer)


def _account(access: Access) -> Account:
    return Account(access.customer.number, access.customer.name)


Page = Callable[..., HttpResponse]


def signed_in(page: Page) -> Page:
    """Hand the page its visit; send staff to their desk, and strangers to the sign-in."""

    @wraps(page)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        person = request.user
        if not isinstance(person, Person):
            return _to_sign_in(request)
        if person.is_staff:
            return _go(request, OFFICE)
        visit = _begin(request, person)
        if visit is None:
            return render(request, "pages/403.html", status=403)
        return page(request, visit, *args, **kwargs)

    return answer


def to_pay(page: Page) -> Page:
    """Let only those in who may pay on the chosen account."""

    @wraps(page)
    def answer(request: HttpRequest, visit: Visit, *args: Any, **kwargs: Any) -> HttpResponse:
        visit.check_may_pay()
        return page(request, visit, *args, **kwargs)

    return signed_in(answer)


def _begin(request: HttpRequest, person: Person) -> Visit | None:
    # One query for what every page asks: whose accounts, what a return costs, when the day closes.
    cap = FeeCap.objects.filter(state=OuterRef("customer__state")).values("cap_minor")
    bank = BankConnection.objects.order_by("name")
    cutoff = bank.values("cutoff_eastern")[:1]
    validation = bank.values("account_validation")[:1]
    accesses = list(
        Access.objects.filter(person=person)
        .select_related("customer")
        .annotate(
            fee_cap_minor=Subquery(cap),
            cutoff_eastern=Subquery(cutoff),
            account_validation=Subquery(validation),
        )
        .order_by("customer__number")
    )
    if not accesses:
        return None
    chosen = request.session.get(_CHOSEN)
    access = next((a for a in accesses if a.customer.number == chosen), accesses[0])
    caps = {a.customer.state: a.fee_cap_minor for a in accesses if a.fee_cap_minor is not None}
    return Visit(
        request,
        person,
        accesses,
        access,
        caps,
        accesses[0].cutoff_eastern,
        asks_first=accesses[0].account_validation == mandates.PRENOTE,
    )


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for the sign-in, and come back afterwards to where the visitor was."""
    back = request.get_full_path()
    if request.method not in {"GET", "HEAD"}:
        messages.warning(
            request, "You were signed out, so nothing was changed or paid. Sign in to go on."
        )
        back = _form_behind(request)
    return _go(request, f"/sign-in?{urlencode({'next': back})}" if back != "/" else "/sign-in")


def _form_behind(request: HttpRequest) -> str:
    """Find the page a form was on. The ticked invoices stay ticked."""
    if request.path not in {"/pay", "/pay/total", "/payments"}:
        return "/"
    ticked = [("invoice", number) for number in request.POST.getlist("invoice")[:_KEPT_INVOICES]]
    return f"/pay?{urlencode(ticked)}" if ticked else "/pay"


def _go(request: HttpRequest, url: str) -> HttpResponse:
    if "HX-Request" in request.headers:  # A fragment cannot show another page.
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return SeeOther(url)


def visitors_payment(visit: Visit, reference: str) -> Payment | None:
    """Find a payment on an account of this person; others look like missing."""
    found = Payment.objects.filter(
        reference=reference, customer__in=Customer.visible_to(visit.person)
    )
    return found.select_related("mandate", "method", "customer").first()


def problems(found: dict[str, str], *, title: str = "") -> Problems:
    """Gather sentences, by the id of their field, into the summary."""
    counted = f"There are {len(found)} problems to fix"
    return Problems(
        title or ("There is a problem to fix" if len(found) == 1 else counted),
        tuple(Problem(text, field_id) for field_id, text in found.items()),
    )
