"""The cases that a person must decide, oldest first, and those that are closed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.http import HttpResponse
from django.urls import reverse

from billfold.office import case_page, moments, staff_frame, status_pills
from billfold.pages import access, links, paging
from billfold.pages.access import StaffVisit
from billfold.pages.view_models import Pager, StatusPill, Tab
from billfold.payments.models import Case

_PER_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class CaseRow:
    title: str
    url: str
    status: StatusPill
    about_text: str
    age_text: str
    action_text: str


@dataclass(frozen=True, slots=True)
class CaseList:
    subtitle: str
    chips: tuple[Tab, ...]
    rows: tuple[CaseRow, ...]
    empty_title: str
    empty_text: str
    pager: Pager | None


@access.open_to_staff("GET")
def cases(visit: StaffVisit) -> HttpResponse:
    """List cases: those that are open, oldest first, or those that are closed."""
    path = reverse("office:cases")
    view = "closed" if visit.query_field("view") == "closed" else ""
    open_cases = Case.objects.filter(closed_at=None)
    open_count = open_cases.count()
    if view:
        listed = Case.objects.exclude(closed_at=None).order_by("-closed_at", "id")
        total = listed.count()
    else:
        listed, total = open_cases.order_by("opened_at", "id"), open_count
    at = paging.find_page(visit.query_field("page"), total, _PER_PAGE)
    oldest = open_cases.order_by("opened_at").first()
    page = CaseList(
        subtitle=_subtitle(oldest, open_count, visit.now),
        chips=(
            Tab(f"Open {open_count}", path, None, not view),
            Tab("Closed", links.with_query(path, view="closed"), None, bool(view)),
        ),
        rows=tuple(
            _row(visit, case) for case in listed.select_related("payment")[paging.rows_of(at)]
        ),
        empty_title="No case is closed yet" if view else "Nothing needs a person",
        empty_text="New cases appear when something from the bank does not fit.",
        pager=paging.pager(
            at,
            lambda number: links.with_query(path, view=view, page=str(number)),
            is_compact=True,
        ),
    )
    return staff_frame.render(visit, "cases.html", page, section="cases")


def _subtitle(oldest: Case | None, count: int, now: datetime) -> str:
    if oldest is None:
        return "None is open."
    days = (now - oldest.opened_at).days
    age = "opened today" if days < 1 else f"oldest {days} {'day' if days == 1 else 'days'}"
    return f"{count:,} open, {age}"


def _row(visit: StaffVisit, case: Case) -> CaseRow:
    about = f"payment {case.payment.reference}" if case.payment else ""
    opened = f"Opened {moments.in_full(case.opened_at, now=visit.now)}"
    owner = f"closed by {case.closed_by}" if case.closed_at else case.owner_name or "no owner yet"
    return CaseRow(
        title=case.title,
        url=links.staff_case(case.id),
        status=status_pills.of_case(case),
        about_text=" · ".join(filter(None, [case.kind.capitalize(), about])),
        age_text=f"{opened} · {owner}",
        action_text="Decide" if case_page.is_closed_by_hand(case) else "Look",
    )
