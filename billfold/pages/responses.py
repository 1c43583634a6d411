"""What every page does with a request: its methods, the text a visitor typed, where to go next."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render

from billfold import typed_text

P = ParamSpec("P")
RequestView = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
_PROXIES = {"", "127.0.0.1", "::1"}
_UNSTORABLE = re.compile("[\\0\ud800-\udfff]")  # NUL, and halves of a surrogate pair.
LONGEST_FIELD = 10_000
"""More than anybody types into one field."""
_LONGEST_BROWSER = 500


class SeeOther(HttpResponseRedirect):
    """Send the browser on with a GET, whatever it came with."""

    status_code = 303


def is_fragment(request: HttpRequest) -> bool:
    """Say whether htmx asks for a part of a page, not for a page."""
    return bool(request.htmx)  # type: ignore[attr-defined]  # Set by its middleware.


def go_to(request: HttpRequest, url: str) -> HttpResponse:
    """Lead the browser to another page, also where it asked for a fragment."""
    if is_fragment(request):
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return SeeOther(url)


def with_head(methods: Iterable[str]) -> frozenset[str]:
    """List the methods a view answers: GET brings HEAD along."""
    answered = frozenset(methods)
    return answered | {"HEAD"} if "GET" in answered else answered


def refuse_method(request: HttpRequest, allowed: Iterable[str]) -> HttpResponse:
    """Say on a page of ours that the address does not take this method."""
    response = render(request, "pages/405.html", status=405)
    response.headers["Allow"] = ", ".join(sorted(allowed))
    return response


def allow_methods(*methods: str) -> Callable[[RequestView[P]], RequestView[P]]:
    """Answer other methods with a page of ours that says so."""
    allowed = with_head(methods)

    def guard(view: RequestView[P]) -> RequestView[P]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if request.method not in allowed:
                return refuse_method(request, allowed)
            return view(request, *args, **kwargs)

        return guarded

    return guard


def form_field(request: HttpRequest, name: str) -> str:
    """Read one field of a form as a person typed it: trimmed, no NUL, no endless text."""
    return clean(request.POST.get(name, ""))


def query_field(request: HttpRequest, name: str) -> str:
    """Read one field of the query in the address the same way."""
    return clean(request.GET.get(name, ""))


def clean(text: str) -> str:
    """Trim, and show what the database cannot hold as what it is: unreadable."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text[:LONGEST_FIELD]).strip()


def browser(request: HttpRequest) -> str:
    """Read how the visitor's browser names itself, as it can be kept: long numbers are masked."""
    name = request.headers.get("User-Agent", "")[:_LONGEST_BROWSER]
    return typed_text.printable_name(name)[:_LONGEST_BROWSER]


def client_address(request: HttpRequest) -> str:
    """Read the visitor's network address; behind our own proxy, the one the proxy saw."""
    peer: str = request.META.get("REMOTE_ADDR", "")
    if peer not in _PROXIES:
        return peer
    forwarded_for = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    try:
        return str(ipaddress.ip_address(forwarded_for))
    except ValueError:
        return peer
