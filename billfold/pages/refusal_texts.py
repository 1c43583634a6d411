"""Refusals in words: what people read when the domain says no, on payer and staff pages alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from billfold import typed_text
from billfold.banking import exchange, file_approvals
from billfold.banking.upload_quota import UploadQuotaReached
from billfold.money import Money
from billfold.pages.templatetags import formatting
from billfold.pages.view_models import FormProblem, ProblemSummary
from billfold.payments.accounts import account_validation
from billfold.payments.cases import casework, notes
from billfold.payments.funnel import stopped_accounts
from billfold.payments.outgoing import brake_lifting, transmission, withdrawal
from billfold.payments.paying import invoice_standing, scheduling
from billfold.people import rights
from billfold.platform import brake
from billfold.typed_text import UnfitCharacter

TOO_LATE_TO_SEND: Final = (
    "Its settlement day has come, so it is not sent any more. Send it back: its payments go into "
    "the next file."
)
BRAKED: Final = (
    "The brake is set, so no file leaves. It can be approved once the brake is lifted: see Brake."
)
_SENTENCES: Final[Mapping[type[Exception], str]] = {
    scheduling.MethodNotUsable: (
        "This account was removed or stopped meanwhile. Choose another one."
    ),
    scheduling.TooLateToCancel: (
        "The payment is on its way to your bank. Call us if it must not go through."
    ),
    stopped_accounts.AccountOnHold: (
        "We have to check this account before we take a payment from it. "
        "Use another account, or call us."
    ),
    stopped_accounts.AccountStopped: (
        "This account cannot be used here: the bank sent an earlier payment from it back. "
        "Use another account, or call us."
    ),
    account_validation.CannotValidate: (
        "We cannot check bank accounts just now, so nothing was paid. Try again later."
    ),
    file_approvals.OtherBytes: (
        "What you saw is not the file that waits now. Look at the totals below, then decide again."
    ),
    file_approvals.ApprovedAlready: (
        "You approved this file before. Another treasurer must approve it too."
    ),
    brake.Braked: BRAKED,
    brake_lifting.NotStanding: (
        "The brake was lifted meanwhile, or set again. Look at what is seen now, then decide."
    ),
    brake_lifting.AgreedAlready: (
        "You agreed to lift the brake before. Another treasurer must agree too."
    ),
    rights.NotATreasurer: "Only a treasurer can approve a file, or say whether it arrived.",
    file_approvals.EffectiveDatePassed: TOO_LATE_TO_SEND,
    exchange.NotByHand: (
        "The bank's answer to a file decides whether it counts as sent, so it is taken from the "
        "bank's folder only."
    ),
    casework.CarriesMoney: (
        "This case carries money, so it stays on the list until that is booked or accounted for. "
        "Add what you found out as a note."
    ),
    transmission.NotUnknown: "The bank answered meanwhile: choose something else.",
    notes.NamesAnAccount: notes.REFUSED,
}


def sentence(refusal: Exception) -> str:
    """Say why nothing was done, and what to do instead."""
    match refusal:
        case invoice_standing.ExceedsPayable():
            return exceeds_payable_text(refusal.number, refusal.payable)
        case account_validation.AccountRefused():
            return f"Your bank does not take payments from it: {refusal.reason}."
        case file_approvals.NotWaiting() | withdrawal.NotWithdrawable():
            return _decided_text(refusal)
        case UploadQuotaReached(quota=quota):
            return (
                f"You can add {quota.files:,} files and {quota.megabytes:,} MB in 24 hours, and "
                "this file is more. Add it tomorrow, or ask another treasurer to."
            )
        case UnfitCharacter():
            return f"Remove {refusal}: it cannot be seen."
        case _:
            return _SENTENCES[type(refusal)]


def _decided_text(refusal: file_approvals.NotWaiting | withdrawal.NotWithdrawable) -> str:
    """Say that a file was decided on before, and by whom if the audit trail has it."""
    text = (
        "This file no longer waits for an approval."
        if isinstance(refusal, file_approvals.NotWaiting)
        else "This file has left, or was sent back before. It stays as it is."
    )
    decision = refusal.decision
    if decision is None:
        return text
    is_released = decision.action == file_approvals.RELEASED
    who = decision.actor_name
    if decision.actor_id.startswith("job/"):
        who = "The limit set for this bank" if is_released else "The bank"
    act = "released it" if is_released else "sent it back"
    day, time = formatting.short_day(decision.at), formatting.moment(decision.at)
    return f"{text} {who} {act} on {day} at {time}."


def exceeds_payable_text(invoice_number: str, payable: Money) -> str:
    """Say that more was entered than can still be paid on an invoice."""
    return f"{invoice_number} still owes {formatting.money(payable)}. Enter that or less."


def note_problem(note: str, *, if_empty: str, at_most: int) -> str:
    """Say what is wrong with a note that is kept for ever; nothing if it can be kept."""
    if not note:
        return if_empty
    if len(note) > at_most:
        return f"Write {at_most:,} characters or fewer. You wrote {len(note):,}."
    try:
        typed_text.check_lines(note)
        notes.check(note)
    except (UnfitCharacter, notes.NamesAnAccount) as refusal:
        return sentence(refusal)
    return ""


def summarize(problems: Mapping[str, str], *, title: str = "") -> ProblemSummary | None:
    """Gather sentences, by the id of their field, into the summary on top of a form.

    Without a problem there is no summary.
    """
    if not problems:
        return None
    count = len(problems)
    counted = "There is a problem to fix" if count == 1 else f"There are {count} problems to fix"
    return ProblemSummary(
        title or counted,
        tuple(FormProblem(text, field_id) for field_id, text in problems.items()),
    )
