"""Releasing a file, by two different treasurers, and sending back one that has not left."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404

from billfold.banking import file_approvals
from billfold.banking.models import BankFile, FileState
from billfold.office import file_page, staff_frame
from billfold.pages import access, links, refusal_texts
from billfold.pages.access import StaffVisit
from billfold.pages.responses import SeeOther
from billfold.pages.view_models import FormField
from billfold.payments.outgoing import withdrawal
from billfold.people import rights
from billfold.platform import brake

_LONGEST_REASON: Final = 500


@access.open_to_staff("POST")
def release(visit: StaffVisit, file_id: UUID) -> HttpResponse:
    """Approve a file, by the hash of what was seen. The second approval releases it."""
    file = _get_outgoing(file_id)
    if not visit.may_release_files:
        return staff_frame.forbid(
            visit,
            "Only a treasurer can approve a file",
            "Two treasurers must approve each file before it goes to the bank. Ask one of them.",
            section="files",
        )
    try:
        file = file_approvals.approve(
            file.id, visit.form_field("sha256"), actor=visit.person.actor(), now=visit.now
        )
    except (
        brake.Braked,
        file_approvals.OtherBytes,
        rights.NotATreasurer,
        file_approvals.ApprovedAlready,
        file_approvals.EffectiveDatePassed,
        file_approvals.NotWaiting,
    ) as refusal:
        return _refuse(visit, file_id, refusal_texts.sentence(refusal))
    messages.success(
        visit.request,
        f"{file.name} is released. It goes to the bank in a moment."
        if file.state == FileState.RELEASED
        else f"You approved {file.name}. It goes out once another treasurer approves it too.",
    )
    return SeeOther(links.staff_file(file_id))


@access.open_to_staff("POST")
def withdraw(visit: StaffVisit, file_id: UUID) -> HttpResponse:
    """Send back a file that has not left, with the reason why."""
    _get_outgoing(file_id)
    if not visit.may_release_files:
        return staff_frame.forbid(
            visit,
            "Only a treasurer can send a file back",
            "Its payments would wait another day. Tell a treasurer what is wrong with it.",
            section="files",
        )
    reason = visit.form_field("reason")
    problem = refusal_texts.note_problem(
        reason, if_empty="Write why this file must not be sent.", at_most=_LONGEST_REASON
    )
    if problem:
        return _refuse(visit, file_id, problem, reason=FormField("reason", reason, problem))
    try:
        withdrawal.withdraw_unsent(
            file_id,
            visit.form_field("sha256"),
            why=reason,
            actor=visit.person.actor(),
            now=visit.now,
        )
    except (file_approvals.OtherBytes, withdrawal.NotWithdrawable) as refusal:
        return _refuse(visit, file_id, refusal_texts.sentence(refusal))
    messages.success(
        visit.request, "The file is sent back. Its payments go out with the next file."
    )
    return SeeOther(links.staff_file(file_id))


def _get_outgoing(file_id: UUID) -> BankFile:
    files = BankFile.objects.select_related("connection")
    return get_object_or_404(files, pk=file_id, direction="out")


def _refuse(
    visit: StaffVisit, file_id: UUID, sentence: str, *, reason: FormField | None = None
) -> HttpResponse:
    """Show the file as it stands now, with why nothing was done."""
    page = file_page.build(visit, _get_outgoing(file_id), reason=reason)
    problems = refusal_texts.summarize({"reason" if reason else "": sentence})
    return staff_frame.render(visit, "file.html", page, section="files", problems=problems)
