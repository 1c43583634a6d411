"""The bar at the top of every page of a demo: its clock, and the button that moves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from billfold.people.models import Person
from billfold.platform import clock
from billfold.simulator import cedarline, telling

STORY: Final = "demo_story"
"""Where the session keeps what happened in the days lived last."""


@dataclass(frozen=True, slots=True)
class Bar:
    """What the bar prints."""

    now_text: str
    back: str
    """The page to come back to."""
    story: tuple[str, ...]
    sign_ins: tuple[cedarline.SignIn, ...]
    password: str


def clock_bar(request: HttpRequest) -> dict[str, Any]:
    """Hang the demo's bar over a page. A live instance has none."""
    if settings.IS_LIVE or not hasattr(request, "session"):
        return {}
    # Drawn only if the page has room for it: an error page must not ask the database.
    drawn = SimpleLazyObject(lambda: _draw(request))
    return {"page_bar": "simulator/_bar.html", "demo": drawn}


def _draw(request: HttpRequest) -> Bar:
    return Bar(
        now_text=telling.moment(clock.now()),
        back=request.get_full_path() if request.method == "GET" else "/",
        story=tuple(request.session.get(STORY, ())),
        sign_ins=_sign_ins(request),
        password=cedarline.PASSWORD,
    )


def _sign_ins(request: HttpRequest) -> tuple[cedarline.SignIn, ...]:
    """List the sign-ins, on the sign-in page alone, as far as this biller has them."""
    if request.path != settings.LOGIN_URL:
        return ()
    emails = [who.email for who in cedarline.SIGN_INS]
    there = set(Person.objects.filter(email__in=emails).values_list("email", flat=True))
    return tuple(who for who in cedarline.SIGN_INS if who.email in there)
