"""What every page knows of the biller: its profile, its name, its time zone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from billfold.pages.view_models import BillerDetails, Link
from billfold.platform import audit, tenancy
from billfold.receivables.models import BillerProfile

_NOT_PAGES = ("/static/", "/healthz")


class BillerTimeZone:
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
    known: BillerProfile | None = getattr(request, "_biller_profile", None)
    if known is None:
        known = BillerProfile.objects.get()
        request._biller_profile = known  # type: ignore[attr-defined]
    return known


def biller_variables(request: HttpRequest) -> dict[str, Any]:
    """Name the biller on every page, and the request on error pages."""
    variables: dict[str, Any] = {"request_id": audit.request_id.get()}
    if getattr(request, "_biller_profile", None) is not None:
        variables["biller"] = details(profile(request))
        variables["is_on_hold"] = tenancy.current().state == "hold"
    return variables


def details(profile: BillerProfile) -> BillerDetails:
    """Turn the profile into what templates print."""
    digits = "".join(filter(str.isdigit, profile.support_phone))
    return BillerDetails(
        name=profile.trade_name,
        legal_name=profile.legal_name,
        support_phone=profile.support_phone,
        support_phone_url=f"tel:+1{digits}" if digits else "",
        support_hours=profile.support_hours,
        support_email=profile.support_email,
        mail_reflected_text=reflected_text(profile.check_days),
        links=tuple(Link(tile["label"], tile["url"]) for tile in profile.tiles),
    )


def reflected_text(days: int) -> str:
    """Say how many days it takes until money is seen."""
    return f"Please allow up to {days} business days for payments to be reflected in your account."
