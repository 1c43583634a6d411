"""How every page answers: with the methods it knows, and a redirect that is always a GET."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

Page = Callable[..., HttpResponse]
_PROXIES = {"", "127.0.0.1", "::1"}
_UNSTORABLE = re.compile("[\\0\ud800-\udfff]")  # NUL, and halves of a surrogate pair.
LONGEST = 10_000
"""More than anybody types into one field."""


class SeeOther(HttpResponseRedirect):
    """Send the browser on with a GET, whatever it came with."""

    status_code = 303


def allow(*methods: str) -> Callable[[Page], Page]:
    """Answer other methods with a page of ours that says so."""
    known = {*methods, "HEAD"} if "GET" in methods else set(methods)

    def decorate(page: Page) -> Page:
        @wraps(page)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method in known:
                return page(request, *args, **kwargs)
            refused = render(request, "pages/405.html", status=405)
            refused.headers["Allow"] = ", ".join(sorted(known))
            return refused

        return answer

    return decorate


def typed(request: HttpRequest, name: str) -> str:
    """Read one field of a form as a person typed it: trimmed, no NUL, no endless text."""
    return clean(request.POST.get(name, ""))


def asked(request: HttpRequest, name: str) -> str:
    """Read one part of the address the same way."""
    return clean(request.GET.get(name, ""))


def clean(text: str) -> str:
    """Trim, and show what the database cannot hold as what it is: unreadable."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text[:LONGEST]).strip()


def address(request: HttpRequest) -> str:
    """Name the visitor's network address; behind our own proxy, the one the proxy saw."""
    peer: str = request.META.get("REMOTE_ADDR", "")
    if peer not in _PROXIES:
        return peer
    seen = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    try:
        return str(ipaddress.ip_address(seen))
    except ValueError:
        return peer
