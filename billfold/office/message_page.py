"""One message to a payer, as it was written."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404

from billfold.notices import outbox
from billfold.notices.models import Notice
from billfold.office import message_list, staff_frame, status_pills
from billfold.pages import access
from billfold.pages.access import StaffVisit
from billfold.pages.templatetags import formatting
from billfold.pages.view_models import DetailLine, StatusPill
from billfold.platform.models import ItemFailure


@dataclass(frozen=True, slots=True)
class MessagePage:
    subject: str
    status: StatusPill
    subtitle: str
    details: tuple[DetailLine, ...]
    body: str


@access.open_to_staff("GET")
def message(visit: StaffVisit, notice_id: UUID) -> HttpResponse:
    """Show a message as it was written."""
    page = _build(get_object_or_404(Notice, pk=notice_id))
    return staff_frame.render(visit, "message.html", page, section="outbox")


def _build(notice: Notice) -> MessagePage:
    about = message_list.link_to_subject(notice.about)
    to = f"{notice.to_name} <{notice.to_email}>" if notice.to_name else notice.to_email
    details = [
        DetailLine("To", to),
        DetailLine("About", about.label if about else notice.about, about.url if about else ""),
        DetailLine("Queued", formatting.stamp(notice.queued_at)),
    ]
    failure = ItemFailure.objects.filter(job=outbox.JOB, item=str(notice.id)).first()
    if failure and not notice.sent_at:
        details.append(DetailLine("Tries", f"{failure.attempts}, last failed: {failure.error}"))
    return MessagePage(
        subject=notice.subject,
        status=status_pills.of_message(notice, failure),
        subtitle=f"Sent {formatting.stamp(notice.sent_at)}" if notice.sent_at else "Not sent yet",
        details=tuple(details),
        body=notice.body,
    )
