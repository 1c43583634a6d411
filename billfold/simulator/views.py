"""The demo's own pages: move the clock, and read which account numbers make what happen."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from billfold.platform import clock, tenancy
from billfold.simulator import context, days, telling


@require_POST
def day(request: HttpRequest) -> HttpResponse:
    """Live through the next banking day and come back to the page."""
    story = days.advance(tenancy.current(), now=clock.now())
    request.session[context.STORY] = story
    for line in telling.highlights(story):
        messages.info(request, line)
    return HttpResponseRedirect(_page_to_show(request.POST.get("next", "")))


def _page_to_show(asked: str) -> str:
    """Take a path of our own that leads to a page; anything else becomes the first page."""
    if not asked.startswith("/") or not url_has_allowed_host_and_scheme(asked, allowed_hosts=None):
        return "/"
    try:
        resolve(asked.partition("?")[0])
    except Resolver404:
        return "/"
    return asked


@require_GET
def accounts(request: HttpRequest) -> HttpResponse:
    """Explain the account numbers of the demo."""
    return render(request, "simulator/accounts.html", {"rows": telling.table()})
