"""What every page knows without asking: the biller, and the zone in which moments are shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from billfold.pages.shapes import Biller, Link
from billfold.platform import audit, tenancy
from billfold.receivables.models import BillerProfile

_NOT_PAGES = ("/static/", "/healthz")


class Zone:
    """Load the biller's profile once a request and show moments in its zone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(_NOT_PAGES):
            return self.get_response(request)
        with timezone.override(ZoneInfo(profile(request).zone)):
            return self.get_response(request)


def profile(request: HttpRequest) -> BillerProfile:
    """Give the biller's profile, read once for each request."""
    found: BillerProfile | None = getattr(request, "_biller_profile", None)
    if found is None:
        found = BillerProfile.objects.get()
        request._biller_profile = found  # type: ignore[attr-defined]
    return found


def biller(request: HttpRequest) -> dict[str, Any]:
    """Name the biller on every page, and the request on error pages."""
    context: dict[str, Any] = {"request_id": audit.request_id.get()}
    if getattr(request, "_biller_profile", None) is not None:
        context["biller"] = shape(profile(request))
        context["is_on_hold"] = tenancy.current().state == "hold"
    return context


def shape(found: BillerProfile) -> Biller:
    """Turn the profile into what templates print."""
    digits = "".join(filter(str.isdigit, found.support_phone))
    return Biller(
        name=found.trade_name,
        short_name=found.trade_name,
        legal_name=found.legal_name,
        support_phone=found.support_phone,
        support_phone_url=f"tel:+1{digits}" if digits else "",
        support_hours=found.support_hours,
        support_email=found.support_email,
        reflected_text=_reflected(found.debit_days),
        mail_reflected_text=_reflected(found.check_days),
        links=tuple(Link(tile["label"], tile["url"]) for tile in found.tiles),
    )


def _reflected(days: int) -> str:
    return f"Please allow up to {days} business days for payments to be reflected in your account."
