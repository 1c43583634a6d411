"""Choosing another password; and nothing but that, while somebody else knows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.debug import sensitive_post_parameters

from billfold.pages.answers import SeeOther, address, allow
from billfold.pages.shapes import Field
from billfold.people import passwords
from billfold.people import sign_in as people
from billfold.people.models import Person
from billfold.platform import clock
from billfold.portal.shapes import NewPassword
from billfold.portal.visits import OFFICE, problems

PLACE: Final = "/password"
_OPEN: Final = ("/session", "/theme.css", "/static/", "/healthz")
_TOO_MANY: Final = "Too many tries. Wait 15 minutes and try again, or call us."
_SAME: Final = "Choose another password than the one you have."
_DIFFERENT: Final = "The two new passwords differ. Type the same one twice."


class MustChange:
    """Show who came in with a one-time password the page on which to choose their own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == PLACE or request.path.startswith(_OPEN):
            return self.get_response(request)
        person = request.user
        if not isinstance(person, Person) or not person.must_change_password:
            return self.get_response(request)
        if "HX-Request" in request.headers:  # A fragment cannot show another page.
            return HttpResponse(status=204, headers={"HX-Redirect": PLACE})
        return SeeOther(PLACE)


@sensitive_post_parameters("current", "password", "password_again")
@allow("GET", "POST")
def password(request: HttpRequest) -> HttpResponse:
    """Show the form, or take the new password; other sessions of this person end."""
    person = request.user
    if not isinstance(person, Person):
        return SeeOther("/sign-in")
    faults: dict[str, str] = {}
    if request.method == "POST":
        _change(request, person, faults)
        if not faults:
            update_session_auth_hash(request, person)
            messages.success(request, "Your password is changed.")
            return SeeOther(OFFICE if person.is_staff else settings.LOGIN_REDIRECT_URL)
    page = NewPassword(
        current=Field("current", error=faults.get("current", "")),
        password=Field("password", error=faults.get("password", "")),
        password_again=Field("password_again", error=faults.get("password_again", "")),
        is_required=person.must_change_password,
        back_url=OFFICE if person.is_staff else settings.LOGIN_REDIRECT_URL,
    )
    context = {
        "page": page,
        "visitor": None,
        "problems": problems(faults) if faults else None,
    }
    status = 422 if faults else 200
    if _TOO_MANY in faults.values():
        status = 429
    return render(request, "portal/password.html", context, status=status)


def _change(request: HttpRequest, person: Person, faults: dict[str, str]) -> None:
    """Change it, or add the sentences that say what has to change. The old one is asked for."""
    now, source = clock.now(), address(request)
    current, new = request.POST.get("current", ""), request.POST.get("password", "")
    try:
        attempt = people.begin(person.email, source, now=now)
    except people.TooManyAttempts:
        faults["current"] = _TOO_MANY
        return
    if not person.check_password(current[: passwords.LONGEST]):
        people.failed(attempt, person.email, source, now=now)
        faults["current"] = "This is not your password. Type the one you signed in with."
        return
    attempt.delete()
    if new == current:
        faults["password"] = _SAME
    elif new != request.POST.get("password_again", ""):
        faults["password_again"] = _DIFFERENT
    else:
        try:
            passwords.change(person, new, now=now)
        except passwords.NotGoodEnough as refused:
            faults["password"] = str(refused)
