"""The bank files: what waits for people, what went out, what came in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpResponse
from django.urls import reverse

from billfold.banking import upload_quota
from billfold.banking.models import BankConnection, BankFile, BankLine, FileState
from billfold.money import Money
from billfold.office import (
    file_page,
    moments,
    release_card,
    silence_notices,
    staff_frame,
    status_pills,
)
from billfold.office.release_card import ReleaseCard
from billfold.pages import access, links, paging, refusal_texts
from billfold.pages.access import StaffVisit
from billfold.pages.view_models import FormField, NoticeBox, Pager, StatusPill, Tab

LARGEST_MEGABYTES: Final = 20
"""The largest file that can be added by hand."""
_PER_PAGE: Final = 50
_MOST_WAITING: Final = 10
_VIEWS: Final[tuple[tuple[str, str, Q], ...]] = (
    ("", "All", Q()),
    ("out", "Out", Q(direction="out")),
    ("in", "In", Q(direction="in")),
    ("problems", "Problems", Q(state__in=[FileState.REFUSED, FileState.REJECTED])),
)


@dataclass(frozen=True, slots=True)
class FileRow:
    name: str
    url: str
    kind_text: str
    line_count: str
    total: Money | None
    status: StatusPill
    time_text: str


@dataclass(frozen=True, slots=True)
class FileList:
    subtitle: str
    notices: tuple[NoticeBox, ...]
    waiting: tuple[ReleaseCard, ...]
    chips: tuple[Tab, ...]
    rows: tuple[FileRow, ...]
    empty_text: str
    upload: FormField
    upload_limits: str
    upload_url: str
    """Empty for who may not add files."""
    pager: Pager | None


@access.open_to_staff("GET")
def files(visit: StaffVisit) -> HttpResponse:
    """List files, newest first, those that wait for people above."""
    return show(visit)


def show(visit: StaffVisit, *, upload_problem: str = "") -> HttpResponse:
    """Print the list; after a refused upload, with what was wrong with it."""
    path = reverse("office:files")
    name = visit.query_field("view")
    view, _, condition = next((v for v in _VIEWS if v[0] == name), _VIEWS[0])
    counts = BankFile.objects.aggregate(
        listed=Count("id", filter=condition) if condition else Count("id"),
        problems=Count("id", filter=_VIEWS[-1][2]),
    )
    at = paging.find_page(visit.query_field("page"), counts["listed"], _PER_PAGE)
    listed = list(_files().filter(condition).order_by("-made_at", "-id")[paging.rows_of(at)])
    sums = _sum_credits(listed)
    quota = upload_quota.of_staff()
    waiting = BankFile.objects.select_related("connection").filter(
        direction="out", state=FileState.BUILT
    )
    page = FileList(
        subtitle=_subtitle(),
        notices=silence_notices.build(silence_notices.FILE_JOBS, now=visit.now),
        waiting=release_card.build(list(waiting.order_by("made_at", "id")[:_MOST_WAITING]), visit),
        chips=tuple(
            Tab(
                f"{label} {counts[key]}" if counts.get(key) else label,
                links.with_query(path, view=key),
                None,
                key == view,
            )
            for key, label, _ in _VIEWS
        ),
        rows=tuple(_row(visit, file, sums) for file in listed),
        empty_text="The first file is made at the cut-off of a day with due payments.",
        upload=FormField("document", error=upload_problem),
        upload_limits=(
            f"Up to {LARGEST_MEGABYTES} MB a file, and {quota.files:,} files and "
            f"{quota.megabytes:,} MB from each person in 24 hours."
        ),
        upload_url=reverse("office:received") if visit.may_release_files else "",
        pager=paging.pager(
            at,
            lambda number: links.with_query(path, view=view, page=str(number)),
            is_compact=True,
        ),
    )
    problems = refusal_texts.summarize({"document": upload_problem} if upload_problem else {})
    return staff_frame.render(visit, "files.html", page, section="files", problems=problems)


def _files() -> QuerySet[BankFile]:
    """Select files with their bank."""
    return BankFile.objects.select_related("connection")


def _subtitle() -> str:
    banks = BankConnection.objects.order_by("name")
    return " · ".join(map(_bank_text, banks)) or "No bank account is set up yet."


def _bank_text(bank: BankConnection) -> str:
    travels = {"folder": "by folder", "sftp": "by SFTP"}.get(bank.transport.get("kind", ""), "")
    files = f"files travel {travels}" if travels else ""
    account = f"{bank.name} account ending {bank.account_last4}"
    return " · ".join(filter(None, [bank.bank_name, account, files]))


def _sum_credits(files: Sequence[BankFile]) -> Mapping[UUID, tuple[int, int]]:
    """Count the lines of statements and add up their credits, for all rows at once."""
    sums = (
        BankLine.objects.filter(statement__file__in=[f.id for f in files if f.kind == "statement"])
        .order_by()
        .values_list("statement__file")
        .annotate(
            count=Count("id"),
            credited=Sum("amount_minor", filter=Q(is_credit=True, currency="USD")),
        )
    )
    return {file_id: (count, credited or 0) for file_id, count, credited in sums}


def _row(visit: StaffVisit, file: BankFile, sums: Mapping[UUID, tuple[int, int]]) -> FileRow:
    totals = (file.entry_count, file.debit_minor or file.credit_minor)
    count, minor = sums.get(file.id, totals)
    has_lines = file.kind not in {"acknowledgement", "unknown"} and file.state != FileState.REFUSED
    return FileRow(
        name=file.name,
        url=links.staff_file(file.id),
        kind_text=file_page.kind_text(file),
        line_count=f"{count:,}" if has_lines else "",
        total=Money(minor) if has_lines else None,
        status=status_pills.of_file(file),
        time_text=moments.in_brief(file.made_at, now=visit.now),
    )
