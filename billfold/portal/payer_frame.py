"""The frame of payer pages: who is signed in, for which account, and in which section."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render as render_template

from billfold.pages.access import PayerVisit
from billfold.pages.view_models import ProblemSummary
from billfold.portal import payment_texts
from billfold.receivables.models import Customer


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is signed in, for which account. Context variable `visitor`; absent when nobody is."""

    name: str
    initials: str
    account: Customer
    accounts: tuple[Customer, ...]
    return_fee_text: str
    """What a returned payment costs on this account; empty where no fee is allowed."""
    may_promise_days: bool
    reflected_text: str


def visitor(visit: PayerVisit) -> Visitor:
    """Describe the visitor for the frame."""
    return Visitor(
        name=visit.person.name,
        initials=visit.person.initials(),
        account=visit.customer,
        accounts=tuple(access.customer for access in visit.accesses),
        return_fee_text=payment_texts.return_fee_text(visit.return_fee),
        may_promise_days=visit.may_promise_days,
        reflected_text=payment_texts.reflected_text(visit),
    )


def render(
    visit: PayerVisit,
    template: str,
    page: object,
    *,
    section: str = "",
    problems: ProblemSummary | None = None,
) -> HttpResponse:
    """Print a page with its frame; with problems, as 422."""
    context = {
        "page": page,
        "visitor": visitor(visit),
        "section": section,
        "problems": problems,
    }
    status = 422 if problems else 200
    return render_template(visit.request, f"portal/{template}", context, status=status)
