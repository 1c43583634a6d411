"""The steps of a payment as its payer sees them: what happened, then what comes, with dates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from billfold.bankdays import cutoff_at
from billfold.pages.access import PayerVisit
from billfold.pages.templatetags import formatting
from billfold.pages.view_models import TimelineStep
from billfold.payments.models import Payment, SubjectEvent
from billfold.payments.rules.lifecycle import State
from billfold.portal import payment_texts
from billfold.rails.ach import reason_codes

_HAPPENED: Final = {
    "withdrawn": ("Not sent; goes out again", "now"),
    "settled": ("In your account", "done"),
    "returned": ("Returned", "bad"),
    "refused": ("Not paid", "bad"),
    "canceled": ("Canceled", "done"),
    "postponed": ("Put off; your bank is still to be asked", "now"),
}
"""Kind of event -> title and tone of its step."""


def build(
    payment: Payment, events: Sequence[SubjectEvent], visit: PayerVisit
) -> tuple[TimelineStep, ...]:
    """List what happened, then what comes."""
    instructions = payment.instructions.select_related("file")
    sent = {
        f"bankfile/{instruction.file_id}": instruction.file.sent_at
        for instruction in instructions
        if instruction.file.sent_at
    }
    steps = [TimelineStep("Authorized", _stamp(payment.created_at), "done")]
    is_returned = False
    for event in events:
        if event.kind == "submitted":
            if event.evidence in sent:
                steps.append(TimelineStep("Sent to the bank", _stamp(sent[event.evidence]), "done"))
        elif not (event.kind == "settled" and is_returned):
            steps.append(_happened(event, was_sent=event.evidence in sent))
        is_returned = is_returned or event.kind == "returned"
    is_sent = any(instruction.is_live and instruction.file.sent_at for instruction in instructions)
    return (*steps, *_still_to_come(payment, visit, is_sent=is_sent))


def _happened(event: SubjectEvent, *, was_sent: bool) -> TimelineStep:
    title, tone = _HAPPENED[event.kind]
    if event.kind == "withdrawn" and was_sent:
        title = "Not taken by the bank; goes out again"
    note = _stamp(event.at)
    if event.kind == "returned":
        note = f"{formatting.short_day(event.at)}\n{reason_text(event.code)}"
    return TimelineStep(title, note, tone, is_current=tone == "bad")


def _still_to_come(payment: Payment, visit: PayerVisit, *, is_sent: bool) -> list[TimelineStep]:
    state = State(payment.state)
    by = payment.reflected_by if is_sent or visit.may_promise_days else None
    note = payment_texts.late_note(payment, on=visit.today)
    note = note or (f"By {formatting.long_day(by)}" if by else "We cannot name a day just now")
    reflected = TimelineStep("In your account", note)
    final = TimelineStep("Final", "If your bank returns it, we email you the same day")
    if state is State.SCHEDULED:
        until = cutoff_at(payment.collect_on, payment.connection.cutoff_eastern)
        after = f"After {payment_texts.moment_text(until, now=visit.now)}" if by else "Later"
        return [
            TimelineStep("Sent to the bank", after, "now", is_current=True),
            reflected,
            final,
        ]
    if state in {State.IN_TRANSIT, State.UNKNOWN} and not is_sent:
        waiting = TimelineStep("In the next bank file", "", "now", is_current=True)
        return [waiting, reflected, final]
    if state in {State.IN_TRANSIT, State.UNKNOWN}:
        return [TimelineStep(reflected.title, note, "now", is_current=True), final]
    return [final] if state is State.SETTLED else []


def _stamp(moment: datetime) -> str:
    return f"{formatting.short_day(moment)}, {formatting.moment(moment)}"


def reason_text(code: str) -> str:
    """Write a return code in words first: Not enough money (R01)."""
    return f"{reason_codes.return_code(code).label} ({code})"
