"""Error pages: what happened and what to do, nothing about the inside of the system."""

from __future__ import annotations

import sys
from typing import Any

from django.contrib.sessions.exceptions import SessionInterrupted
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from billfold.bankdays import UnknownYear
from billfold.platform import audit, retries

RETRY_AFTER_SECONDS = "5"


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that the request cannot be understood.

    Django counts a session that could not be kept among these, but by then the act may be done.
    """
    if isinstance(exception, SessionInterrupted):
        return _unavailable()
    return render(request, "pages/400.html", status=400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that this person may not do this."""
    return render(request, "pages/403.html", status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that there is no such page; what is not yours looks the same."""
    return render(request, "pages/404.html", status=404)


def past_calendar(request: HttpRequest, refusal: UnknownYear, *, is_staff: bool) -> HttpResponse:
    """Say that no day can be named, since the holidays of its year are not published yet."""
    context = {"year": refusal.published_through, "is_staff": is_staff}
    return render(request, "pages/past_calendar.html", context, status=409)


def server_error(request: HttpRequest) -> HttpResponse:
    """Say that the server failed and that money is safe, or that it cannot answer just now.

    Django calls this while it handles the exception, wherever in the request it arose.
    """
    if retries.is_temporary(sys.exception()):
        return _unavailable()
    return render(request, "pages/500.html", status=500)


def _unavailable() -> HttpResponse:
    """Ask the visitor to come back soon, on a page that needs neither request nor database."""
    page = render_to_string("pages/503.html", {"request_id": audit.request_id.get()})
    return HttpResponse(page, status=503, headers={"Retry-After": RETRY_AFTER_SECONDS})


def csrf_failure(request: HttpRequest, **_reason: Any) -> HttpResponse:
    """Say that the form is too old, and how to go on."""
    return render(request, "pages/403_csrf.html", status=403)
