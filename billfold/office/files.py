"""Bank files: what waits for people, what went out, what came in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse

from billfold.banking import connections
from billfold.banking.models import BankFile, Deposit, FileState
from billfold.money import Money
from billfold.office import file_page, links, paging, release_card, shapes, statuses
from billfold.office.desk import READ, Visit, problems, staff
from billfold.pages.shapes import Field, Problem, Tab

_VIEWS: Final[tuple[tuple[str, str, Q], ...]] = (
    ("", "All", Q()),
    ("out", "Out", Q(direction="out")),
    ("in", "In", Q(direction="in")),
    ("problems", "Problems", Q(state__in=[FileState.REFUSED, FileState.REJECTED])),
)
_WAITING_SHOWN: Final = 10


def all_files() -> QuerySet[BankFile]:
    """Find files with their bank, without their bytes."""
    return BankFile.objects.select_related("connection").defer("content_sealed")


@staff(*READ)
def listing(visit: Visit) -> HttpResponseBase:
    """List files, newest first, those that wait for people above."""
    return show(visit)


def show(visit: Visit, *, upload_error: str = "") -> HttpResponse:
    """Print the list; after a refused upload, with what was wrong with it."""
    path = reverse("office:files")
    view, _, condition = next((v for v in _VIEWS if v[0] == visit.asked("view")), _VIEWS[0])
    counts = BankFile.objects.aggregate(
        asked=Count("id", filter=condition) if condition else Count("id"),
        problems=Count("id", filter=_VIEWS[-1][2]),
    )
    place = paging.place(visit.asked("page"), counts["asked"])
    files = list(all_files().filter(condition).order_by("-made_at", "-id")[place.start : place.end])
    lines = _bank_lines(files)
    waiting = BankFile.objects.select_related("connection").filter(
        direction="out", state=FileState.BUILT
    )
    page = shapes.Files(
        fact_text=_fact(),
        waiting=release_card.of(list(waiting.order_by("made_at", "id")[:_WAITING_SHOWN]), visit),
        chips=tuple(
            Tab(
                f"{label} {counts[key]}" if counts.get(key) else label,
                paging.address(path, view=key),
                None,
                key == view,
            )
            for key, label, _ in _VIEWS
        ),
        rows=tuple(_row(visit, file, lines) for file in files),
        empty_text="The first file is made at the cut-off of a day with due payments.",
        upload=Field("document", error=upload_error),
        upload_url=reverse("office:received") if release_card.may_decide(visit) else "",
        pager=place.pager(lambda number: paging.address(path, view=view, page=str(number))),
    )
    return visit.show(
        "files.html",
        page,
        section="files",
        status=422 if upload_error else 200,
        problems=problems(Problem(upload_error, "document")) if upload_error else None,
    )


def _fact() -> str:
    try:
        bank = connections.default()
    except connections.NoBank:
        return "No bank account is set up yet."
    travels = {"folder": "by folder", "sftp": "by SFTP"}.get(bank.transport.get("kind", ""), "")
    files = f"files travel {travels}" if travels else ""
    account = f"{bank.name} account ending {bank.account_last4}"
    return " · ".join(filter(None, [bank.bank_name, account, files]))


def _bank_lines(files: Sequence[BankFile]) -> Mapping[UUID, tuple[int, int]]:
    """Count and add up the credits of statements, for all rows at once."""
    found = (
        Deposit.objects.filter(statement__file__in=[f.id for f in files if f.kind == "statement"])
        .order_by()
        .values_list("statement__file")
        .annotate(
            count=Count("id"),
            credited=Sum("amount_minor", filter=Q(is_credit=True, currency="USD")),
        )
    )
    return {file_id: (count, credited or 0) for file_id, count, credited in found}


def _row(visit: Visit, file: BankFile, lines: Mapping[UUID, tuple[int, int]]) -> shapes.FileRow:
    moved = file.debit_minor or file.credit_minor
    count, minor = lines.get(file.id, (file.entry_count, moved))
    counts = file.kind not in {"acknowledgement", "unknown"} and file.state != FileState.REFUSED
    return shapes.FileRow(
        name=file.name,
        url=links.file(file.id),
        kind_text=file_page.kind_text(file),
        line_count=f"{count:,}" if counts else "",
        total=Money(minor) if counts else None,
        status=statuses.file(file.state),
        time_text=visit.brief(file.made_at),
    )


@staff(*READ)
def detail(visit: Visit, file_id: UUID) -> HttpResponseBase:
    """Show a file."""
    file = get_object_or_404(BankFile.objects.select_related("connection"), pk=file_id)
    return visit.show("file.html", file_page.of(file, visit), section="files")
