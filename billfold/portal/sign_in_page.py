"""Signing in and out, and choosing an account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters

from billfold.pages import access, links, refusal_texts, responses
from billfold.pages.access import PayerVisit
from billfold.pages.responses import SeeOther, form_field, query_field
from billfold.pages.view_models import FormField
from billfold.people import authentication as attempts
from billfold.people import passwords
from billfold.people.models import Person
from billfold.platform import clock

_WRONG: Final = "Email and password do not match. Check both and try again."
_TOO_MANY: Final = "Too many tries from here. Wait 15 minutes and try again, or call us."


@dataclass(frozen=True, slots=True)
class SignInPage:
    email: FormField
    password: FormField
    next_url: str


@sensitive_post_parameters("password")
@responses.allow_methods("GET", "POST")
def sign_in(request: HttpRequest) -> HttpResponse:
    """Show the form, or open a session; whatever is wrong, the answer is the same."""
    if request.method != "POST":
        next_url = query_field(request, "next")
        if isinstance(request.user, Person):
            return SeeOther(_first_page(request.user, next_url))
        return _show(request, next_url=next_url)
    now = clock.now()
    email, next_url = form_field(request, "email"), form_field(request, "next")
    source = responses.client_address(request)
    try:
        attempt = attempts.note_attempt(email, source, now=now)
    except attempts.TooManyAttempts:
        return _show(request, email=email, next_url=next_url, problem=_TOO_MANY, status=429)
    person = _authenticate(request, email)
    if person is None:
        attempts.record_failure(attempt, email, source, now=now)
        return _show(request, email=email, next_url=next_url, problem=_WRONG, status=422)
    login(request, person)
    attempts.record_success(attempt, person, source, now=now)
    return SeeOther(_first_page(person, next_url))


def _authenticate(request: HttpRequest, email: str) -> Person | None:
    password = request.POST.get("password", "")[: passwords.LONGEST]
    person = authenticate(request, username=email, password=password)
    return person if isinstance(person, Person) else None


def _show(
    request: HttpRequest,
    *,
    email: str = "",
    next_url: str = "",
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    problems = {"email": problem} if problem else {}
    context = {
        "page": SignInPage(FormField("email", email), FormField("password"), next_url),
        "visitor": None,
        "problems": refusal_texts.summarize(problems, title="We could not sign you in"),
    }
    return render(request, "portal/sign_in.html", context, status=status)


def _first_page(person: Person, next_url: str) -> str:
    """Choose the first page: the one that was asked for, if it is a page of this person's side."""
    home = links.home(person)
    if not url_has_allowed_host_and_scheme(next_url, allowed_hosts=None):
        return home
    try:
        match = resolve(next_url.partition("?")[0].partition("#")[0])
    except Resolver404:
        return home
    side = "office" if person.is_staff else "portal"
    return next_url if match.app_name == side and match.url_name != "sign_in" else home


@responses.allow_methods("POST")
def session(request: HttpRequest) -> HttpResponse:
    """End the session."""
    person = request.user
    if form_field(request, "end") and isinstance(person, Person):
        logout(request)
        attempts.record_sign_out(person, now=clock.now())
    return SeeOther(links.SIGN_IN)


@access.open_to_payers("POST")
def chosen_account(visit: PayerVisit) -> HttpResponse:
    """Go on with another account of the same person."""
    visit.switch_account(visit.form_field("account"))
    return SeeOther(links.PORTAL)
