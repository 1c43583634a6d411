"""The life of one payment as staff see it: what happened, then what is still to come."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db.models import Q

from billfold.office import moments, payment_records
from billfold.office.payment_records import PaymentRecords
from billfold.pages import links
from billfold.pages.templatetags import formatting
from billfold.pages.view_models import Link, TimelineStep
from billfold.payments.incoming import reconciliation
from billfold.payments.models import Case, SubjectEvent
from billfold.payments.rules.lifecycle import State

_BAD: Final = frozenset({"returned", "withdrawn", "refused", "canceled"})
_NO_STEP: Final = frozenset({"corrected", "takenback"})
"""Kinds of events that stand in the table alone."""


def build(records: PaymentRecords, *, is_late: bool, now: datetime) -> tuple[TimelineStep, ...]:
    """List the steps, the last that happened as the current one."""
    payment = records.payment
    authorized = f"{moments.in_full(payment.created_at, now=now)}\n{payment.made_by_name}"
    steps = [TimelineStep("Authorized", authorized, tone="done")]
    sent = {
        f"bankfile/{instruction.file_id}": instruction.file.sent_at
        for instruction in records.instructions
    }
    for event in records.effective_events:
        if event.kind in _NO_STEP:
            continue
        steps.append(_step(event, records, now))
        sent_at = sent.get(event.evidence)
        if event.kind == "submitted" and sent_at:
            steps.append(
                TimelineStep("Sent to the bank", moments.in_full(sent_at, now=now), tone="done")
            )
    last = steps.pop()
    steps.append(TimelineStep(last.title, last.note, last.tone, True, last.link))
    return (*steps, *_still_to_come(records, is_late=is_late))


def _step(event: SubjectEvent, records: PaymentRecords, now: datetime) -> TimelineStep:
    document = records.documents.get(event.evidence)
    is_ours = event.kind in {"submitted", "canceled"}
    when = moments.in_full(event.at, now=now) if is_ours else formatting.day(event.on_date)
    title = payment_records.EVENT_TITLES.get(event.kind, event.kind)
    return TimelineStep(
        title=f"{title} {event.code}".strip() if event.kind == "returned" else title,
        note=f"{when}\n{payment_records.reason_text(event)}" if event.code else when,
        tone="bad" if event.kind in _BAD else "done",
        link=document.link if document else None,
    )


def _still_to_come(records: PaymentRecords, *, is_late: bool) -> list[TimelineStep]:
    payment = records.payment
    by = payment.reflected_by
    settled = TimelineStep(
        "Settled", f"By {formatting.long_day(by)}" if by else "No day was promised"
    )
    if by and is_late:
        note = f"Expected {formatting.short_day(by)}, not seen yet"
        settled = TimelineStep("Settled", note, "bad", link=_open_case(records))
    if payment.state == State.SCHEDULED.value:
        cut_off = f"Cut-off of {formatting.long_day(payment.collect_on)}"
        return [TimelineStep("In a file", cut_off), settled]
    if payment.state in {State.IN_TRANSIT.value, State.UNKNOWN.value}:
        return [settled]
    return []


def _open_case(records: PaymentRecords) -> Link | None:
    """Lead to the open case that may say why the money is not in: of its file's bank line first."""
    about = Q(payment=records.payment)
    for instruction in records.instructions:
        if instruction.is_live:
            name = instruction.file.name
            about |= Q(facts__file=name) | Q(facts__files__contains=[name])
            about |= Q(evidence=f"bankfile/{instruction.file_id}")
    cases = list(Case.objects.filter(about, closed_at=None).order_by("opened_at", "id"))
    cases.sort(key=lambda case: case.kind != reconciliation.KIND)
    return Link("See the open case", links.staff_case(cases[0].id)) if cases else None
