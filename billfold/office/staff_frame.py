"""The frame of staff pages: who works here, the time, and what waits for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpResponse
from django.shortcuts import render as render_template
from django.utils import timezone

from billfold import bankdays
from billfold.banking.models import BankConnection, BankFile, FileState
from billfold.pages.access import StaffVisit
from billfold.pages.templatetags import formatting
from billfold.pages.view_models import ProblemSummary
from billfold.payments.models import Case
from billfold.platform import brake
from billfold.platform.models import BrakeKind


@dataclass(frozen=True, slots=True)
class StaffHeader:
    """Who works here, and what waits. Context variable `header` on every staff page."""

    name: str
    role: str
    initials: str
    now: datetime
    cut_off_text: str
    files_to_do: int
    cases_to_do: int
    brake_text: str
    """Why the brake stands; empty if it does not."""
    is_near_limit: bool
    """Whether so many debits came back that a return limit is near, or crossed by few of them."""


@dataclass(frozen=True, slots=True)
class ForbiddenPage:
    """Who may do what this person may not, in words."""

    title: str
    text: str


def render(
    visit: StaffVisit,
    template: str,
    page: object,
    *,
    section: str,
    problems: ProblemSummary | None = None,
    status: int = 0,
) -> HttpResponse:
    """Print a page with its frame; with problems, as 422."""
    context = {
        "page": page,
        "header": _header(visit),
        "section": section,
        "problems": problems,
        "query": visit.query_field("q"),
    }
    status = status or (422 if problems else 200)
    return render_template(visit.request, f"office/{template}", context, status=status)


def forbid(visit: StaffVisit, title: str, text: str, *, section: str) -> HttpResponse:
    """Say, in words, who may do what this person may not."""
    page = ForbiddenPage(title, text)
    return render(visit, "forbidden.html", page, section=section, status=403)


def _header(visit: StaffVisit) -> StaffHeader:
    return StaffHeader(
        name=visit.person.name,
        role=visit.person.role.label,
        initials=visit.person.initials(),
        now=visit.now,
        cut_off_text=_next_cut_off(visit.now),
        files_to_do=BankFile.objects.filter(direction="out", state=FileState.BUILT).count(),
        cases_to_do=Case.objects.filter(closed_at=None).count(),
        brake_text=brake.reason(brake.standing()),
        is_near_limit=bool(brake.warnings(BrakeKind.RETURN_LIMIT)),
    )


def _next_cut_off(now: datetime) -> str:
    """Say when the next cut-off of any bank connection is."""
    cutoffs = BankConnection.objects.values_list("cutoff_eastern", flat=True).distinct()
    try:
        moments = [
            bankdays.cutoff_at(bankdays.file_day(now, cutoff_eastern=cutoff), cutoff)
            for cutoff in cutoffs
        ]
    except bankdays.UnknownYear as refusal:
        return f"no next cut-off: banking days after {refusal.published_through} are not known"
    if not moments:
        return ""
    at = min(moments)
    if timezone.localdate(at) == timezone.localdate(now):
        return f"next cut-off {formatting.moment(at)}"
    return f"next cut-off {formatting.long_day(at)}, {formatting.moment(at)}"
