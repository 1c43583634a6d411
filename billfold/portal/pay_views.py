"""The views of the pay page: choose, recount, and on to the review. Nothing here moves money."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.debug import sensitive_post_parameters

from billfold.pages import access, links, refusal_texts, responses
from billfold.pages.access import PayerVisit
from billfold.pages.responses import SeeOther
from billfold.payments.accounts import bank_accounts, wallet
from billfold.payments.accounts.bank_accounts import TypedAccount
from billfold.payments.paying import funding_account
from billfold.payments.paying.funding_account import FundingAccount
from billfold.payments.paying.review import Draft
from billfold.portal import account_form, drafts, pay_form, pay_page, payer_frame
from billfold.portal.account_form import METHODS_ID
from billfold.portal.pay_form import ENTERED_ACCOUNT, NEW_ACCOUNT, PaymentChoices
from billfold.portal.pay_page import PayPageData

_GONE: Final = "We no longer have those choices. Nothing was paid. Please choose again."
_PAID_ALREADY: Final = (
    "This payment was made already; here it is. To pay something else, use Pay Bill."
)


@sensitive_post_parameters("routing_number", "account_number", "account_number_again")
@access.open_to_those_who_may_pay("GET", "POST")
def pay(visit: PayerVisit) -> HttpResponse:
    """Choose invoices and an account; a complete choice goes on to its review."""
    if visit.request.method == "POST":
        return _choose(visit)
    reference = visit.query_field("reference")
    data = pay_page.load(visit, reference=reference)
    if reference and data.draft is None:
        messages.warning(visit.request, _GONE)
    choices = (
        pay_form.restore(data.draft, data.bills) if data.draft else pay_form.begin(visit.request)
    )
    return payer_frame.render(visit, "pay.html", data.build(choices, {}))


def _choose(visit: PayerVisit) -> HttpResponse:
    choices = pay_form.read(visit.request)
    if visit.find_payment(choices.reference):
        messages.warning(visit.request, _PAID_ALREADY)
        return SeeOther(links.receipt(choices.reference))
    data = _load(visit, choices)
    problems: dict[str, str] = {}
    if choices.spread and not choices.ticked:  # Enter was pressed where the amount was typed.
        return _tick_for_payer(data, choices, "oldest")
    shares = pay_form.compute_shares(choices, data.bills, problems)
    funding = _fund(data, choices, problems)
    if problems or funding is None:
        return payer_frame.render(
            visit,
            "pay.html",
            data.build(choices, problems),
            problems=refusal_texts.summarize(problems),
        )
    drafts.save(
        visit.request,
        Draft(
            reference=choices.reference,
            customer_id=visit.customer.id,
            shares=shares,
            method_id=funding.method_id,
            account=funding.account,
            remember=choices.remember and funding.account is not None,
            validation=funding.validation,
        ),
    )
    return SeeOther(links.review(choices.reference))


def _fund(
    data: PayPageData, choices: PaymentChoices, problems: dict[str, str]
) -> FundingAccount | None:
    """Take the chosen account and have it validated, or add the sentences that say why not."""
    method_id, account = _chosen_account(data, choices, problems)
    if account is None:
        return None
    field_id = "account_number" if choices.method == NEW_ACCOUNT else METHODS_ID
    validation = account_form.validate(account, data.visit, problems, field_id=field_id)
    if validation is None:
        return None
    return FundingAccount(method_id, None if method_id else account, validation)


def _chosen_account(
    data: PayPageData, choices: PaymentChoices, problems: dict[str, str]
) -> tuple[UUID | None, TypedAccount | None]:
    if choices.method == NEW_ACCOUNT:
        account = account_form.check(choices.account, data.visit, problems)
        return _find_saved(account, data.visit) if account else None, account
    if choices.method == ENTERED_ACCOUNT and data.draft and data.draft.account:
        return None, data.draft.account
    for method in wallet.usable(data.saved):
        if str(method.id) == choices.method:
            return method.id, bank_accounts.unsealed(method)
    problems[METHODS_ID] = "Choose how you want to pay."
    return None, None


def _find_saved(account: TypedAccount, visit: PayerVisit) -> UUID | None:
    return funding_account.find_saved(
        account, customer_id=visit.customer.id, person_id=visit.person.id
    )


def _load(visit: PayerVisit, choices: PaymentChoices) -> PayPageData:
    """Read the bills of the account the form was drawn for, whatever is chosen by now."""
    if choices.customer_number:
        visit.switch_account(choices.customer_number)
        visit.check_may_pay()
    return pay_page.load(visit, reference=choices.reference)


def _tick_for_payer(data: PayPageData, choices: PaymentChoices, pick: str) -> HttpResponse:
    """Draw the page again with what a quick choice ticks."""
    visit, problems = data.visit, dict[str, str]()
    choices = pay_form.tick_for_payer(choices, pick, data.bills, problems, on=visit.today)
    page = data.build(choices, problems, pick=pick)
    if responses.is_fragment(visit.request):
        return render(visit.request, "portal/_recount.html", {"page": page})
    return payer_frame.render(visit, "pay.html", page, problems=refusal_texts.summarize(problems))


@sensitive_post_parameters("routing_number", "account_number", "account_number_again")
@access.open_to_those_who_may_pay("POST")
def pay_total(visit: PayerVisit) -> HttpResponse:
    """Count again what is ticked, or tick what a quick choice names."""
    choices = pay_form.read(visit.request)
    data = _load(visit, choices)
    pick = visit.form_field("pick")
    if pick:
        return _tick_for_payer(data, choices, pick)
    page = data.build(choices, {})
    if responses.is_fragment(visit.request):
        return render(visit.request, "portal/_recount.html", {"page": page})
    return payer_frame.render(visit, "pay.html", page)


def begin_again(visit: PayerVisit) -> HttpResponse:
    """Say that the choices are no longer here, and let the payer choose again."""
    messages.warning(visit.request, _GONE)
    return SeeOther(links.pay())


def show_form_again(visit: PayerVisit, draft: Draft, problems: dict[str, str]) -> HttpResponse:
    """Show the form again with what stood in the way at the last moment, and what does by now."""
    data = pay_page.load(visit, reference=draft.reference)
    choices = pay_form.restore(draft, data.bills)
    pay_form.compute_shares(choices, data.bills, problems)
    page = data.build(choices, problems)
    return payer_frame.render(visit, "pay.html", page, problems=refusal_texts.summarize(problems))
