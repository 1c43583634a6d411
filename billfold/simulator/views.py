"""The demo's own pages: moving the clock, and what each account number makes happen."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from billfold.platform import clock, tenancy
from billfold.simulator import context, days, demo_story


@require_POST
def day(request: HttpRequest) -> HttpResponse:
    """Run through the next banking day and return to the page."""
    story = days.advance(tenancy.current(), now=clock.now())
    request.session[context.STORY] = story
    for line in demo_story.highlights(story):
        messages.info(request, line)
    return HttpResponseRedirect(_own_page(request.POST.get("next", "")))


def _own_page(path: str) -> str:
    """Return the path if it is one of our pages; otherwise that of the first page."""
    if not path.startswith("/") or not url_has_allowed_host_and_scheme(path, allowed_hosts=None):
        return "/"
    try:
        resolve(path.partition("?")[0])
    except Resolver404:
        return "/"
    return path


@require_GET
def accounts(request: HttpRequest) -> HttpResponse:
    """Explain the account numbers of the demo."""
    return render(request, "simulator/accounts.html", {"rows": demo_story.outcome_table()})
