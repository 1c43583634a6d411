"""One saved bank account: its nickname, whether it is offered first, and its removal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404

from billfold import typed_text
from billfold.money import total
from billfold.pages import access, links, refusal_texts
from billfold.pages.access import PayerVisit
from billfold.pages.responses import SeeOther
from billfold.pages.templatetags import formatting
from billfold.pages.view_models import FormField, NoticeBox
from billfold.payments.accounts import wallet
from billfold.payments.method_models import MethodState, PaymentMethod
from billfold.portal import payer_frame
from billfold.typed_text import FEWEST_DIGITS, UnfitCharacter

_STOPPED: Final = NoticeBox(
    "warn",
    "Your bank sent a payment from it back. Use another account, or call us.",
    "This account is not used any more",
    "warn",
)


_ON_HOLD: Final = NoticeBox(
    "warn",
    "We have to check it before we take a payment from it. Use another account, or call us.",
    "This account is on hold",
    "warn",
)


@dataclass(frozen=True, slots=True)
class MethodPage:
    title: str
    note: str
    url: str
    removal_url: str
    removal_text: str
    nickname: FormField
    is_default: bool
    notices: tuple[NoticeBox, ...]


@access.open_to_those_who_may_pay("GET", "POST")
def payment_method(visit: PayerVisit, method_id: UUID) -> HttpResponse:
    """Show one saved account, or name it and say whether it is offered first."""
    method = _get_method(visit, method_id)
    if visit.request.method != "POST":
        return _show(visit, method, method.nickname, is_default=method.is_default)
    nickname, is_default = visit.form_field("nickname"), bool(visit.form_field("is_default"))
    problem = _nickname_problem(nickname)
    if problem:
        return _show(visit, method, nickname, is_default=is_default, problem=problem)
    wallet.update(
        method,
        nickname=nickname,
        is_default=is_default,
        actor=visit.person.actor(),
        now=visit.now,
    )
    messages.success(visit.request, "Your changes are saved.")
    return SeeOther(links.PAYMENT_METHODS)


@access.open_to_those_who_may_pay("POST")
def removal(visit: PayerVisit, method_id: UUID) -> HttpResponse:
    """Remove a saved account. What was authorised from it still goes through."""
    method = _get_method(visit, method_id)
    wallet.remove(method, customer_id=visit.customer.id, actor=visit.person.actor(), now=visit.now)
    messages.success(visit.request, f"{method.label} is removed.")
    return SeeOther(links.PAYMENT_METHODS)


def _get_method(visit: PayerVisit, method_id: UUID) -> PaymentMethod:
    """Find an account that this person has saved for this customer. Raises: Http404."""
    visible = wallet.visible(visit.customer.id, person_id=visit.person.id)
    return get_object_or_404(visible, pk=method_id)


def _nickname_problem(nickname: str) -> str:
    if len(nickname) > wallet.NICKNAME_LONGEST:
        return f"A nickname can have up to 40 characters. You entered {len(nickname)}."
    if sum(c.isdigit() for c in nickname) >= FEWEST_DIGITS:
        return "Leave account numbers out of the nickname."
    try:
        typed_text.check_line(nickname)
    except UnfitCharacter as refusal:
        return refusal_texts.sentence(refusal)
    return ""


def _show(
    visit: PayerVisit, method: PaymentMethod, nickname: str, *, is_default: bool, problem: str = ""
) -> HttpResponse:
    saved_on = f"saved {formatting.day(method.created_at)}"
    page = MethodPage(
        title=method.label,
        note=" · ".join(filter(None, [method.account.bank_name, saved_on])),
        url=links.payment_method(method.id),
        removal_url=links.method_removal(method.id),
        removal_text=_removal_text(method, visit),
        nickname=FormField("nickname", nickname, problem),
        is_default=is_default,
        notices=_notices(method),
    )
    problems = refusal_texts.summarize({"nickname": problem} if problem else {})
    return payer_frame.render(
        visit, "payment_method.html", page, section="methods", problems=problems
    )


def _notices(method: PaymentMethod) -> tuple[NoticeBox, ...]:
    if method.state == MethodState.ACTIVE:
        return ()
    return (_ON_HOLD if method.awaits_check else _STOPPED,)


def _removal_text(method: PaymentMethod, visit: PayerVisit) -> str:
    """Say what removing breaks."""
    under_way = wallet.unfinished_payments(method, customer_id=visit.customer.id)
    if not under_way:
        return "Nothing uses it now. To pay from it again, you enter it again."
    amount = total((payment.amount for payment in under_way), under_way[0].currency)
    verb = "is on its way from this account; it still goes"
    if len(under_way) > 1:
        verb = "are on their way from this account; they still go"
    count = formatting.plural(len(under_way), "payment")
    return f"{count} of {formatting.money(amount)} {verb} through."
