"""Signing in and out, and choosing an account."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters

from billfold.pages.answers import SeeOther, address, allow, asked, typed
from billfold.pages.shapes import Field, Problem, Problems
from billfold.people import passwords
from billfold.people import sign_in as people
from billfold.people.models import Person
from billfold.platform import clock
from billfold.portal.shapes import SignIn
from billfold.portal.visits import OFFICE, Visit, signed_in

WRONG = "Email and password do not match. Check both and try again."
TOO_MANY = "Too many tries from here. Wait 15 minutes and try again, or call us."


@sensitive_post_parameters("password")
@allow("GET", "POST")
def sign_in(request: HttpRequest) -> HttpResponse:
    """Show the form, or open a session; whatever is wrong, the answer is the same."""
    if request.method != "POST":
        if isinstance(request.user, Person):
            return SeeOther(_landing(request.user, asked(request, "next")))
        return _form(request, next_url=asked(request, "next"))
    now = clock.now()
    email, source, next_url = typed(request, "email"), address(request), typed(request, "next")
    try:
        attempt = people.begin(email, source, now=now)
    except people.TooManyAttempts:
        return _form(request, email=email, next_url=next_url, problem=TOO_MANY)
    person = _find(request, email)
    if person is None:
        people.failed(attempt, email, source, now=now)
        return _form(request, email=email, next_url=next_url, problem=WRONG)
    login(request, person)
    people.succeeded(attempt, person, source, now=now)
    return SeeOther(_landing(person, next_url))


def _find(request: HttpRequest, email: str) -> Person | None:
    password = request.POST.get("password", "")[: passwords.LONGEST]
    found = authenticate(request, username=email, password=password)
    return found if isinstance(found, Person) else None


def _form(
    request: HttpRequest, *, email: str = "", next_url: str = "", problem: str = ""
) -> HttpResponse:
    context = {
        "form": SignIn(Field("email", email), Field("password")),
        "next": next_url,
        "visitor": None,
        "problems": None,
    }
    if problem:
        context["problems"] = Problems("We could not sign you in", (Problem(problem, "email"),))
    status = {"": 200, TOO_MANY: 429}.get(problem, 422)
    return render(request, "portal/sign_in.html", context, status=status)


def _landing(person: Person, next_url: str) -> str:
    """Choose the first page: the one asked for, if it is a page of this person's side."""
    home = OFFICE if person.is_staff else settings.LOGIN_REDIRECT_URL
    if not url_has_allowed_host_and_scheme(next_url, allowed_hosts=None):
        return home
    try:
        found = resolve(next_url.partition("?")[0].partition("#")[0])
    except Resolver404:
        return home
    side = "office" if person.is_staff else "portal"
    return next_url if found.app_name == side and found.url_name != "sign_in" else home


@allow("POST")
def session(request: HttpRequest) -> HttpResponse:
    """End the session."""
    person = request.user
    if typed(request, "end") and isinstance(person, Person):
        logout(request)
        people.signed_out(person, now=clock.now())
    return SeeOther("/sign-in")


@allow("POST")
@signed_in
def chosen_account(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Go on with another account of the same person."""
    visit.turn_to(typed(request, "account"))
    return SeeOther("/")
