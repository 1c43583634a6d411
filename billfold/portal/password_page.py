"""Choosing another password; and nothing but that, while somebody else knows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.debug import sensitive_post_parameters

from billfold.pages import links, refusal_texts, responses
from billfold.pages.responses import SeeOther
from billfold.pages.view_models import FormField
from billfold.people import authentication as attempts
from billfold.people import passwords
from billfold.people.models import Person
from billfold.platform import clock

_OPEN_PATHS: Final = ("/session", "/theme.css", "/static/", "/healthz")
_TOO_MANY: Final = "Too many tries. Wait 15 minutes and try again, or call us."
_SAME: Final = "Choose another password than the one you have."
_DIFFERENT: Final = "The two new passwords differ. Type the same one twice."


@dataclass(frozen=True, slots=True)
class PasswordPage:
    current: FormField
    password: FormField
    password_again: FormField
    is_required: bool
    """Somebody else knows the present one."""
    back_url: str


class RequirePasswordChange:
    """Show who came in with a one-time password the page on which to choose their own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == links.PASSWORD or request.path.startswith(_OPEN_PATHS):
            return self.get_response(request)
        person = request.user
        if not isinstance(person, Person) or not person.must_change_password:
            return self.get_response(request)
        return responses.go_to(request, links.PASSWORD)


@sensitive_post_parameters("current", "password", "password_again")
@responses.allow_methods("GET", "POST")
def password(request: HttpRequest) -> HttpResponse:
    """Show the form, or take the new password; other sessions of this person end."""
    person = request.user
    if not isinstance(person, Person):
        return SeeOther(links.SIGN_IN)
    problems: dict[str, str] = {}
    if request.method == "POST":
        _change(request, person, problems)
        if not problems:
            update_session_auth_hash(request, person)
            messages.success(request, "Your password is changed.")
            return SeeOther(links.home(person))
    page = PasswordPage(
        current=FormField("current", error=problems.get("current", "")),
        password=FormField("password", error=problems.get("password", "")),
        password_again=FormField("password_again", error=problems.get("password_again", "")),
        is_required=person.must_change_password,
        back_url=links.home(person),
    )
    context = {"page": page, "visitor": None, "problems": refusal_texts.summarize(problems)}
    status = 422 if problems else 200
    if _TOO_MANY in problems.values():
        status = 429
    return render(request, "portal/password.html", context, status=status)


def _change(request: HttpRequest, person: Person, problems: dict[str, str]) -> None:
    """Change it, or add the sentences that say what has to change. The old one must be given."""
    now, source = clock.now(), responses.client_address(request)
    current, new = request.POST.get("current", ""), request.POST.get("password", "")
    try:
        attempt = attempts.note_attempt(person.email, source, now=now)
    except attempts.TooManyAttempts:
        problems["current"] = _TOO_MANY
        return
    if not person.check_password(current[: passwords.LONGEST]):
        attempts.record_failure(attempt, person.email, source, now=now)
        problems["current"] = "This is not your password. Type the one you signed in with."
        return
    attempt.delete()
    if new == current:
        problems["password"] = _SAME
    elif new != request.POST.get("password_again", ""):
        problems["password_again"] = _DIFFERENT
    else:
        try:
            passwords.change(person, new, now=now)
        except passwords.NotGoodEnough as refusal:
            problems["password"] = str(refusal)
