"""The saved bank accounts of a customer."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.debug import sensitive_post_parameters

from billfold.pages import access, links, refusal_texts
from billfold.pages.access import PayerVisit
from billfold.pages.responses import SeeOther
from billfold.pages.templatetags import formatting
from billfold.payments.accounts import wallet
from billfold.payments.accounts.bank_accounts import TypedAccount
from billfold.payments.method_models import MethodState, PaymentMethod
from billfold.portal import account_form, payer_frame
from billfold.portal.account_form import METHODS_ID, AccountFields, AccountInput


@dataclass(frozen=True, slots=True)
class MethodRow:
    title: str
    note: str
    url: str
    tags: tuple[str, ...]
    is_usable: bool


@dataclass(frozen=True, slots=True)
class MethodList:
    methods: tuple[MethodRow, ...]
    new_account: AccountFields
    customer_number: str
    """Whose accounts these are."""


@sensitive_post_parameters("routing_number", "account_number", "account_number_again")
@access.open_to_those_who_may_pay("GET", "POST")
def payment_methods(visit: PayerVisit) -> HttpResponse:
    """List the saved accounts, or save another."""
    if visit.request.method != "POST":
        return _show(visit, AccountInput(), {})
    form_customer = visit.form_field("account")
    if form_customer:  # Whatever is chosen by now, in another tab.
        visit.switch_account(form_customer)
        visit.check_may_pay()
    typed, problems = account_form.read(visit.request), dict[str, str]()
    account = _check(visit, typed, problems)
    if account is None:
        return _show(visit, typed, problems)
    _save(visit, account)
    return SeeOther(links.PAYMENT_METHODS)


def _show(visit: PayerVisit, typed: AccountInput, problems: dict[str, str]) -> HttpResponse:
    page = MethodList(
        methods=tuple(
            _row(method, is_first=at == 0)
            for at, method in enumerate(wallet.saved(visit.customer.id, person_id=visit.person.id))
        ),
        new_account=account_form.fields(typed, problems),
        customer_number=visit.customer.number,
    )
    return payer_frame.render(
        visit,
        "payment_methods.html",
        page,
        section="methods",
        problems=refusal_texts.summarize(problems),
    )


def _check(visit: PayerVisit, typed: AccountInput, problems: dict[str, str]) -> TypedAccount | None:
    """Check an account that is to be saved, as strictly as one that is to pay."""
    account = account_form.check(typed, visit, problems)
    if account is None:
        return None
    if account_form.validate(account, visit, problems, field_id="account_number"):
        return account
    if METHODS_ID in problems:  # This page has no ways to choose from.
        problems["routing_number"] = problems.pop(METHODS_ID)
    return None


def _save(visit: PayerVisit, account: TypedAccount) -> None:
    try:
        method = wallet.add(
            account, customer_id=visit.customer.id, actor=visit.person.actor(), now=visit.now
        )
    except wallet.AlreadySaved as refusal:
        messages.success(visit.request, f"{refusal.method.label} was saved before.")
    else:
        messages.success(visit.request, f"{method.label} is saved.")


def _row(method: PaymentMethod, *, is_first: bool) -> MethodRow:
    is_usable = method.state == MethodState.ACTIVE
    saved_on = f"saved {formatting.day(method.created_at)}"
    stopped = f"{method.state_reason}. Call us." if method.state_reason else "Call us."
    note = [
        method.label if method.nickname else "",
        method.account.bank_name,
        saved_on if is_usable else stopped,
    ]
    tags = ["Offered first"] if method.is_default and is_first else []
    return MethodRow(
        title=method.nickname or method.label,
        note=" · ".join(filter(None, note)),
        url=links.payment_method(method.id),
        tags=tuple(tags if is_usable else [*tags, "Stopped"]),
        is_usable=is_usable,
    )
