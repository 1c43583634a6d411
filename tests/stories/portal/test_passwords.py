"""A one-time password opens one page; a new one ends every other session."""

from __future__ import annotations

import pytest
from django.test import Client

from billfold.people import authentication, passwords
from billfold.people.models import Person
from billfold.platform.models import AuditEntry
from tests.stories.portal.payer import text_of
from tests.world import PASSWORD

OTHER = "correct paper ledger"


@pytest.fixture
def dana(world, client) -> Client:
    client.post("/sign-in", {"email": world.payer.email, "password": PASSWORD})
    return client


def change(client: Client, current: str = PASSWORD, new: str = OTHER, again: str | None = None):
    form = {"current": current, "password": new, "password_again": new if again is None else again}
    return client.post("/password", form)


def test_a_person_changes_the_password_and_other_sessions_end(world, dana):
    elsewhere = Client()
    elsewhere.post("/sign-in", {"email": world.payer.email, "password": PASSWORD})

    assert dana.get("/password").status_code == 200
    assert change(dana)["Location"] == "/"

    assert dana.get("/").status_code == 200
    assert elsewhere.get("/")["Location"] == "/sign-in"
    assert Person.objects.get(pk=world.payer.pk).check_password(OTHER)
    entry = AuditEntry.objects.get(action="password changed")
    assert (entry.actor_name, entry.before, entry.after) == ("Dana Osei", {}, {})


def test_staff_change_theirs_on_the_same_page(world, client):
    client.force_login(world.clerk)

    assert "/password" in client.get("/office/payments").content.decode()
    assert change(client)["Location"] == "/office/"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"current": "wrong"}, "This is not your password."),
        ({"new": "short"}, "at least 15 characters"),
        ({"new": "dana@hollis-wren.example"}, "too similar"),
        ({"new": PASSWORD}, "Choose another password than the one you have."),
        ({"again": "something else here"}, "The two new passwords differ."),
        ({"new": "x" * 1_001}, "1,000 characters or fewer"),
        ({"new": "", "current": ""}, "This is not your password."),
    ],
)
def test_a_password_that_will_not_do_is_refused_in_words(world, dana, fields, words):
    refused = change(dana, **fields)

    assert refused.status_code == 422
    assert words in text_of(refused)
    assert PASSWORD not in refused.content.decode()
    assert Person.objects.get(pk=world.payer.pk).check_password(PASSWORD)


def test_whoever_finds_a_session_cannot_try_passwords_for_ever(world, dana):
    for _ in range(authentication.MOST_PER_PAIR):
        assert change(dana, current="wrong").status_code == 422

    assert change(dana).status_code == 429


@pytest.mark.parametrize("whose", ["payer", "clerk"])
def test_a_one_time_password_opens_only_the_page_for_another(world, client, whose):
    person = getattr(world, whose)
    passwords.replace(person, OTHER, actor=world.actor(), now=world.now)
    client.post("/sign-in", {"email": person.email, "password": OTHER})

    for path in ("/", "/invoices", "/office/payments", "/password"):
        response = client.get(path)
        assert response.get("Location", path) == "/password"
    assert client.post("/payments", {})["Location"] == "/password"
    assert "was made for you" in text_of(client.get("/password"))
    assert client.post("/bank-name", {}, headers={"hx-request": "true"})["HX-Redirect"]

    home = {"payer": "/", "clerk": "/office/"}[whose]
    assert change(client, current=OTHER, new=PASSWORD)["Location"] == home
    assert client.get(home, follow=True).status_code == 200


def test_a_stranger_is_sent_to_the_sign_in(world, client):
    assert client.get("/password")["Location"] == "/sign-in"
    assert change(client)["Location"] == "/sign-in"
