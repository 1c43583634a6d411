"""Who may open staff pages, and what every one of them shows. Rights are read on each request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import wraps
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
)
from django.shortcuts import render
from django.utils import timezone

from billfold import bankdays
from billfold.banking import connections
from billfold.banking.models import BankFile, FileState
from billfold.office import shapes
from billfold.pages import answers
from billfold.pages.shapes import Problem, Problems
from billfold.pages.templatetags import bills
from billfold.payments.models import Case
from billfold.people.models import Person
from billfold.platform import clock

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of one member of staff, at one moment."""

    request: HttpRequest
    person: Person
    now: datetime

    def show(
        self,
        template: str,
        page: object,
        *,
        section: str,
        status: int = 200,
        problems: Problems | None = None,
    ) -> HttpResponse:
        """Print a page with its frame."""
        context = {
            "page": page,
            "desk": _desk(self.person, self.now),
            "section": section,
            "problems": problems,
            "query": self.asked("q"),
        }
        return render(self.request, f"office/{template}", context, status=status)

    def forbid(self, title: str, text: str, *, section: str) -> HttpResponse:
        """Say, in words, who may do what this person may not."""
        return self.show(
            "forbidden.html", shapes.Forbidden(title, text), section=section, status=403
        )

    def asked(self, name: str) -> str:
        """Read a part of the address."""
        return answers.asked(self.request, name)

    def said(self, name: str) -> str:
        """Read a field of the form."""
        return answers.typed(self.request, name)

    @property
    def today(self) -> date:
        """The day in the biller's zone."""
        return timezone.localdate(self.now)

    def brief(self, moment: datetime) -> str:
        """Write a moment for a narrow column: of today its time, else its day."""
        if timezone.localdate(moment) == timezone.localdate(self.now):
            return bills.moment(moment).rpartition(" ")[0]
        same_year = timezone.localdate(moment).year == timezone.localdate(self.now).year
        return bills.short_day(moment) if same_year else bills.day(moment)

    def today_text(self, moment: datetime) -> str:
        """Write a moment; of today, its time alone."""
        if timezone.localdate(moment) == timezone.localdate(self.now):
            return bills.moment(moment)
        return f"{bills.short_day(moment)}, {bills.moment(moment)}"


def problems(*items: Problem) -> Problems:
    """Sum up what is wrong with a form."""
    count = len(items)
    title = "There is a problem to fix" if count == 1 else f"There are {count} problems to fix"
    return Problems(title, items)


def staff(
    *methods: str,
) -> Callable[
    [Callable[Concatenate[Visit, P], HttpResponseBase]],
    Callable[Concatenate[HttpRequest, P], HttpResponseBase],
]:
    """Open a view to staff, for these methods. To anybody else the page does not exist."""

    def guard(
        view: Callable[Concatenate[Visit, P], HttpResponseBase],
    ) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            person = request.user
            if not isinstance(person, Person):
                is_read = request.method in {"GET", "HEAD"}
                return redirect_to_login(request.get_full_path() if is_read else settings.LOGIN_URL)
            if not person.is_staff:
                raise Http404
            if request.method not in methods:
                return _not_allowed(request, methods)
            return view(Visit(request, person, clock.now()), *args, **kwargs)

        return guarded

    return guard


def _not_allowed(request: HttpRequest, methods: Sequence[str]) -> HttpResponse:
    refused = render(request, "pages/405.html", status=405)
    refused.headers["Allow"] = ", ".join(methods)
    return refused


READ = ("GET", "HEAD")
WRITE = ("POST",)


def _desk(person: Person, now: datetime) -> shapes.Desk:
    return shapes.Desk(
        name=person.name,
        role=person.get_role_display(),
        initials=person.initials(),
        now=now,
        next_text=_next_cut_off(now),
        files_to_do=BankFile.objects.filter(direction="out", state=FileState.BUILT).count(),
        cases_to_do=Case.objects.filter(closed_at=None).count(),
    )


def _next_cut_off(now: datetime) -> str:
    try:
        cutoff = connections.default().cutoff_eastern
    except connections.NoBank:
        return ""
    day = bankdays.file_day(now, cutoff_eastern=cutoff)
    at = bankdays.cutoff_at(day, cutoff)
    if timezone.localdate(at) == timezone.localdate(now):
        return f"next cut-off {bills.moment(at)}"
    return f"next cut-off {bills.long_day(at)}, {bills.moment(at)}"
