"""The messages to payers, newest first: those that were sent, and those that still wait."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse

from billfold.notices import outbox
from billfold.notices.models import Notice
from billfold.office import moments, silence_notices, staff_frame, status_pills
from billfold.pages import access, links, paging
from billfold.pages.access import StaffVisit
from billfold.pages.view_models import Link, NoticeBox, Pager, StatusPill
from billfold.platform.models import ItemFailure

_PER_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class MessageRow:
    subject: str
    url: str
    to: str
    about_text: str
    status: StatusPill
    time_text: str


@dataclass(frozen=True, slots=True)
class MessageList:
    subtitle: str
    notices: tuple[NoticeBox, ...]
    rows: tuple[MessageRow, ...]
    pager: Pager | None


@access.open_to_staff("GET")
def messages(visit: StaffVisit) -> HttpResponse:
    """List messages, newest first."""
    waiting = Notice.objects.filter(sent_at=None).count()
    at = paging.find_page(visit.query_field("page"), Notice.objects.count(), _PER_PAGE)
    path = reverse("office:outbox")
    counts = f"{at.paginator.count:,} in all, {waiting:,} waiting."
    notices = Notice.objects.defer("body").order_by("-queued_at", "-id")[paging.rows_of(at)]
    page = MessageList(
        subtitle=counts if settings.IS_LIVE else f"{counts} Messages stay here: none is mailed.",
        notices=silence_notices.build(silence_notices.MAIL_JOBS, now=visit.now),
        rows=rows(notices, now=visit.now),
        pager=paging.pager(
            at, lambda number: links.with_query(path, page=str(number)), is_compact=True
        ),
    )
    return staff_frame.render(visit, "outbox.html", page, section="outbox")


def rows(notices: Iterable[Notice], *, now: datetime) -> tuple[MessageRow, ...]:
    """Make a list's rows of messages."""
    failures = {failure.item: failure for failure in ItemFailure.objects.filter(job=outbox.JOB)}
    return tuple(_row(notice, failures.get(str(notice.id)), now) for notice in notices)


def _row(notice: Notice, failure: ItemFailure | None, now: datetime) -> MessageRow:
    about = link_to_subject(notice.about)
    return MessageRow(
        subject=notice.subject,
        url=links.staff_message(notice.id),
        to=notice.to_email,
        about_text=about.label if about else notice.about,
        status=status_pills.of_message(notice, failure),
        time_text=moments.in_full(notice.sent_at or notice.queued_at, now=now),
    )


def link_to_subject(about: str) -> Link | None:
    """Lead from a subject such as `payment/<reference>` to its page."""
    kind, _, name = about.partition("/")
    return Link(name, links.staff_payment(name)) if kind == "payment" and name else None
