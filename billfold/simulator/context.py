"""The bar at the top of every page of a demo: its clock, and the button that moves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from billfold.people.models import Person
from billfold.platform import clock
from billfold.simulator import cedarline, demo_story

STORY: Final = "demo_story"
"""The session's key for what happened on the day that was run last."""


@dataclass(frozen=True, slots=True)
class DemoBar:
    """What the bar shows."""

    now_text: str
    back: str
    """The page to come back to."""
    story: tuple[str, ...]
    sign_ins: tuple[cedarline.DemoSignIn, ...]
    password: str


def clock_bar(request: HttpRequest) -> dict[str, Any]:
    """Context processor: the demo's bar for each page. A live instance has none."""
    if settings.IS_LIVE or not hasattr(request, "session"):
        return {}
    # Made only if the page shows it: an error page must not query the database.
    bar = SimpleLazyObject(lambda: _bar(request))
    return {"page_bar": "simulator/_bar.html", "demo": bar}


def _bar(request: HttpRequest) -> DemoBar:
    return DemoBar(
        now_text=demo_story.format_moment(clock.now()),
        back=request.get_full_path() if request.method == "GET" else "/",
        story=tuple(request.session.get(STORY, ())),
        sign_ins=_sign_ins(request),
        password=cedarline.PASSWORD,
    )


def _sign_ins(request: HttpRequest) -> tuple[cedarline.DemoSignIn, ...]:
    """List the demo's sign-ins that this biller has, on the sign-in page only."""
    if request.path != settings.LOGIN_URL:
        return ()
    emails = [sign_in.email for sign_in in cedarline.SIGN_INS]
    existing = set(Person.objects.filter(email__in=emails).values_list("email", flat=True))
    return tuple(sign_in for sign_in in cedarline.SIGN_INS if sign_in.email in existing)
