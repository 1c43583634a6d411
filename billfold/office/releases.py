"""Releasing a file, by two different treasurers, and taking back one that has not left."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404

from billfold.banking import exchange
from billfold.banking.models import BankFile, FileState
from billfold.office import file_page, links, release_card
from billfold.office.desk import WRITE, Visit, problems, staff
from billfold.pages.answers import SeeOther
from billfold.pages.shapes import Field, Problem
from billfold.payments.cases import notes
from billfold.payments.outgoing import cutoff

LONGEST_REASON: Final = 500

_OTHER_BYTES: Final = (
    "What you saw is not the file that waits now. Look at the totals below, then decide again."
)


@staff(*WRITE)
def release(visit: Visit, file_id: UUID) -> HttpResponseBase:
    """Say yes to a file, by the hash of what was seen. The second yes releases it."""
    file = _outgoing(file_id)
    if not release_card.may_decide(visit):
        return visit.forbid(
            "Only a treasurer can approve a file",
            "Two treasurers must approve each file before it goes to the bank. Ask one of them.",
            section="files",
        )
    try:
        file = exchange.approve(
            file.id, visit.said("sha256"), actor=visit.person.actor(), now=visit.now
        )
    except exchange.OtherBytes:
        return _refused(visit, file_id, _OTHER_BYTES)
    except exchange.ApprovedAlready:
        return _refused(
            visit, file_id, "You approved this file before. Another treasurer must approve it too."
        )
    except exchange.EffectiveDatePassed:
        return _refused(visit, file_id, release_card.TOO_LATE)
    except exchange.NotWaiting:
        return _refused(
            visit, file_id, "This file no longer waits for an approval: somebody decided before."
        )
    messages.success(
        visit.request,
        f"{file.name} is released. It goes to the bank in a moment."
        if file.state == FileState.RELEASED
        else f"You approved {file.name}. It goes out once another treasurer approves it too.",
    )
    return _back_to(file_id)


@staff(*WRITE)
def withdraw(visit: Visit, file_id: UUID) -> HttpResponseBase:
    """Take back a file that has not left, with the reason why."""
    _outgoing(file_id)
    if not release_card.may_decide(visit):
        return visit.forbid(
            "Only a treasurer can send a file back",
            "Its payments would wait another day. Tell a treasurer what is wrong with it.",
            section="files",
        )
    why = visit.said("reason")
    fault = _reason_fault(why)
    if fault:
        return _refused(visit, file_id, fault, reason=Field("reason", why, fault))
    try:
        cutoff.take_back(
            file_id,
            visit.said("sha256"),
            why=why,
            actor=visit.person.actor(),
            now=visit.now,
        )
    except exchange.OtherBytes:
        return _refused(visit, file_id, _OTHER_BYTES)
    except cutoff.NotWithdrawable:
        return _refused(
            visit, file_id, "This file has left, or was sent back before. It stays as it is."
        )
    messages.success(
        visit.request, "The file is sent back. Its payments go out with the next file."
    )
    return _back_to(file_id)


def _reason_fault(why: str) -> str:
    if not why:
        return "Write why this file must not be sent."
    if len(why) > LONGEST_REASON:
        return f"Write {LONGEST_REASON} characters or fewer. You wrote {len(why):,}."
    try:
        notes.check(why)
    except notes.NamesAnAccount:
        return notes.REFUSED
    return ""


def _outgoing(file_id: UUID) -> BankFile:
    found = BankFile.objects.select_related("connection")
    return get_object_or_404(found, pk=file_id, direction="out")


def _refused(
    visit: Visit, file_id: UUID, text: str, *, reason: Field | None = None
) -> HttpResponse:
    """Show the file as it stands now, with why nothing was done."""
    return visit.show(
        "file.html",
        file_page.of(_outgoing(file_id), visit, reason=reason),
        section="files",
        status=422,
        problems=problems(Problem(text, "reason" if reason else "")),
    )


def _back_to(file_id: UUID) -> HttpResponse:
    return SeeOther(links.file(file_id))
