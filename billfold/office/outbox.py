"""The outbox: what payers were told, and what still waits to be sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse

from billfold.notices.models import Notice
from billfold.office import links, paging, shapes, statuses
from billfold.office.desk import READ, Visit, staff
from billfold.pages.shapes import Status
from billfold.pages.templatetags import bills


@staff(*READ)
def listing(visit: Visit) -> HttpResponseBase:
    """List messages, newest first."""
    waiting = Notice.objects.filter(sent_at=None).count()
    place = paging.place(visit.asked("page"), Notice.objects.count())
    path = reverse("office:outbox")
    said = f"{place.total:,} in all, {waiting:,} waiting."
    page = shapes.Outbox(
        fact_text=said if settings.IS_LIVE else f"{said} Messages stay here: none is mailed.",
        rows=tuple(
            row(notice, visit.today_text)
            for notice in Notice.objects.defer("body").order_by("-queued_at", "-id")[
                place.start : place.end
            ]
        ),
        pager=place.pager(lambda number: paging.address(path, page=str(number))),
    )
    return visit.show("outbox.html", page, section="outbox")


@staff(*READ)
def detail(visit: Visit, notice_id: UUID) -> HttpResponseBase:
    """Show a message as it was written."""
    notice = get_object_or_404(Notice, pk=notice_id)
    about = links.subject(notice.about)
    to = f"{notice.to_name} <{notice.to_email}>" if notice.to_name else notice.to_email
    facts = [
        shapes.Fact("To", to),
        shapes.Fact("About", about.label if about else notice.about, about.url if about else ""),
        shapes.Fact("Queued", bills.stamp(notice.queued_at)),
    ]
    if notice.last_error and not notice.sent_at:
        facts.append(shapes.Fact("Tries", f"{notice.attempts}, last refused: {notice.last_error}"))
    page = shapes.Message(
        subject=notice.subject,
        status=_status(notice),
        fact_text=(f"Sent {bills.stamp(notice.sent_at)}" if notice.sent_at else "Not sent yet"),
        facts=tuple(facts),
        body=notice.body,
    )
    return visit.show("message.html", page, section="outbox")


def row(notice: Notice, told: Callable[[datetime], str]) -> shapes.MessageRow:
    """Make a list's row of a message."""
    about = links.subject(notice.about)
    return shapes.MessageRow(
        subject=notice.subject,
        url=links.message(notice.id),
        to=notice.to_email,
        about_text=about.label if about else notice.about,
        status=_status(notice),
        time_text=told(notice.sent_at or notice.queued_at),
    )


def _status(notice: Notice) -> Status:
    return statuses.message(is_sent=bool(notice.sent_at), last_error=notice.last_error)
