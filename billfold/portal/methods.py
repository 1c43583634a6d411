"""Payment methods: the saved bank accounts of a customer."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.debug import sensitive_post_parameters

from billfold.money import total
from billfold.pages.answers import SeeOther, allow, typed
from billfold.pages.shapes import Field, Notice
from billfold.pages.templatetags import bills as shown
from billfold.payments.accounts import wallet
from billfold.payments.models import MethodState, PaymentMethod
from billfold.platform import clock
from billfold.portal import accounts, source, wording
from billfold.portal.shapes import MethodRow, PaymentMethods
from billfold.portal.shapes import PaymentMethod as MethodPage
from billfold.portal.visits import Visit, problems, to_pay

_FIRST: Final = "Offered first"
_STOPPED: Final = Notice(
    "warn",
    "Your bank sent a payment from it back. Use another account, or call us.",
    "This account is not used any more",
    "warn",
)


@sensitive_post_parameters("routing_number", "account_number", "account_number_again")
@allow("GET", "POST")
@to_pay
def payment_methods(request: HttpRequest, visit: Visit) -> HttpResponse:
    """List the saved accounts, or save another."""
    faults: dict[str, str] = {}
    given = accounts.Typed()
    if request.method == "POST":
        if drawn_for := typed(request, "account"):  # Whatever is chosen by now, in another tab.
            visit.turn_to(drawn_for)
            visit.check_may_pay()
        given = accounts.read(request)
        answer = _save(request, visit, given, faults)
        if answer:
            return answer
    page = PaymentMethods(
        methods=tuple(_row(method) for method in wallet.saved(visit.customer.id)),
        bank=accounts.fields(given, faults),
        account_number=visit.customer.number,
    )
    found = problems(faults) if faults else None
    return visit.show("payment_methods.html", page, section="methods", problems=found)


def _save(
    request: HttpRequest, visit: Visit, given: accounts.Typed, faults: dict[str, str]
) -> HttpResponse | None:
    """Save an account, or add the sentences that say what has to change."""
    now = clock.now()
    account = source.check(visit, given, faults, now=now)
    if account is None:
        if "methods" in faults:
            faults["routing_number"] = faults.pop("methods")
        return None
    try:
        made = wallet.add(
            account, customer_id=visit.customer.id, actor=visit.person.actor(), now=now
        )
    except wallet.AlreadySaved as known:
        messages.success(request, f"{known.method.label} was saved before.")
    else:
        messages.success(request, f"{made.label} is saved.")
    return SeeOther("/payment-methods")


def _row(method: PaymentMethod) -> MethodRow:
    usable = method.state == MethodState.ACTIVE
    saved_on = f"saved {shown.day(method.created_at)}"
    why = f"{method.state_reason}. Call us." if method.state_reason else "Call us."
    note = [method.label if method.nickname else "", method.bank_name, saved_on if usable else why]
    tags = [_FIRST] if method.is_default else []
    return MethodRow(
        title=method.nickname or method.label,
        note=" · ".join(filter(None, note)),
        url=f"/payment-methods/{method.id}",
        tags=tuple(tags if usable else [*tags, "Stopped"]),
        is_usable=usable,
    )


def _found(visit: Visit, key: UUID) -> PaymentMethod:
    """Find a saved account of this customer. Raises: Http404."""
    method = (
        PaymentMethod.objects.filter(pk=key, customer=visit.customer, is_remembered=True)
        .exclude(state=MethodState.REMOVED)
        .first()
    )
    if method is None:
        raise Http404
    return method


@allow("GET", "POST")
@to_pay
def payment_method(request: HttpRequest, visit: Visit, key: UUID) -> HttpResponse:
    """Name one saved account, or say that it is offered first."""
    method = _found(visit, key)
    if request.method != "POST":
        return _manage(visit, method, method.nickname, {}, is_default=method.is_default)
    nickname, is_default = typed(request, "nickname"), bool(typed(request, "is_default"))
    fault = _nickname_fault(nickname)
    if fault:
        return _manage(visit, method, nickname, {"nickname": fault}, is_default=is_default)
    wallet.describe(
        method,
        nickname=nickname,
        is_default=is_default,
        actor=visit.person.actor(),
        now=clock.now(),
    )
    messages.success(request, "Your changes are saved.")
    return SeeOther("/payment-methods")


def _nickname_fault(nickname: str) -> str:
    if len(nickname) > wallet.NICKNAME_LONGEST:
        return f"A nickname can have up to 40 characters. You entered {len(nickname)}."
    if sum(c.isdigit() for c in nickname) > 5:
        return "Leave account numbers out of the nickname."
    return ""


def _manage(
    visit: Visit,
    method: PaymentMethod,
    nickname: str,
    faults: dict[str, str],
    *,
    is_default: bool,
) -> HttpResponse:
    page = MethodPage(
        title=method.label,
        note=" · ".join(filter(None, [method.bank_name, f"saved {shown.day(method.created_at)}"])),
        url=f"/payment-methods/{method.id}",
        removal_url=f"/payment-methods/{method.id}/removal",
        removal_text=_removal_text(method),
        nickname=Field("nickname", nickname, faults.get("nickname", "")),
        is_default=is_default,
        notices=() if method.state == MethodState.ACTIVE else (_STOPPED,),
    )
    found = problems(faults) if faults else None
    return visit.show("payment_method.html", page, section="methods", problems=found)


def _removal_text(method: PaymentMethod) -> str:
    """Say what removing breaks."""
    going = wallet.under_way(method)
    if not going:
        return "Nothing uses it now. To pay from it again, you enter it again."
    amount = shown.money(total((payment.amount for payment in going), going[0].currency))
    verb = "is on its way from this account; it still goes"
    if len(going) > 1:
        verb = "are on their way from this account; they still go"
    return f"{wording.plural(len(going), 'payment')} of {amount} {verb} through."


@allow("POST")
@to_pay
def removal(request: HttpRequest, visit: Visit, key: UUID) -> HttpResponse:
    """Take a saved account away. What was authorised from it still goes through."""
    method = _found(visit, key)
    wallet.remove(method, actor=visit.person.actor(), now=clock.now())
    messages.success(request, f"{method.label} is removed.")
    return SeeOther("/payment-methods")
