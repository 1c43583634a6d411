"""Signing in: one answer to everything wrong, a fresh session, and no way out to elsewhere."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from billfold.people import authentication
from billfold.people.models import Role, SignInAttempt
from billfold.platform.models import AuditEntry
from tests.conftest import MONDAY
from tests.stories.portal.payer import Payer, text_of
from tests.world import PASSWORD, World

EMAIL = "dana@hollis-wren.example"


@pytest.fixture
def payer(world: World, client: Client) -> Payer:
    return Payer(world, client)


def try_to(payer: Payer, email: str, password: str, next_url: str = "") -> object:
    form = {"email": email, "password": password, "next": next_url}
    return payer.client.post("/sign-in", form)


def test_a_payer_signs_in_and_out(payer):
    assert payer.client.get("/")["Location"] == "/sign-in"

    assert try_to(payer, " Dana@Hollis-Wren.example", PASSWORD)["Location"] == "/"
    assert "Current Balance" in text_of(payer.client.get("/"))
    assert payer.client.get("/sign-in").status_code == 303

    assert payer.client.get("/session").status_code == 405
    assert payer.client.post("/session", {"end": "1"}).status_code == 303
    assert payer.client.get("/").status_code == 303


def test_staff_go_to_their_desk(payer):
    assert try_to(payer, "cleo@cedarline.example", PASSWORD)["Location"] == "/office/"
    assert payer.client.get("/")["Location"] == "/office/"
    assert payer.client.post("/payments", {})["Location"] == "/office/"


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (EMAIL, "wrong"),
        ("nobody@example.com", PASSWORD),
        ("", ""),
        ("\0", "\0"),
        (EMAIL + "\0", PASSWORD),
        ("x" * 100_000, "y" * 100_000),
    ],
)
def test_whatever_is_wrong_the_answer_is_the_same(payer, email, password):
    refused = try_to(payer, email, password)

    assert refused.status_code == 422
    assert (
        authentication
        and "Email and password do not match. Check both and try again." in text_of(refused)
    )
    assert PASSWORD not in refused.content.decode()


def test_somebody_who_left_gets_the_same_answer(payer):
    payer.world.give_role(payer.world.payer, Role.PAYER, is_active=False)

    assert try_to(payer, EMAIL, PASSWORD).status_code == 422


def test_ten_wrong_tries_close_the_door_for_the_right_one_too(payer):
    for _ in range(authentication.MOST_PER_PAIR):
        try_to(payer, EMAIL, "wrong")

    closed = try_to(payer, EMAIL, PASSWORD)

    assert closed.status_code == 429
    assert "Too many tries" in text_of(closed)
    assert payer.client.get("/").status_code == 303


def begin(source: str, email: str = EMAIL) -> SignInAttempt:
    return authentication.note_attempt(email, source, now=MONDAY)


def test_a_stranger_cannot_lock_somebody_else_out(payer):
    for _ in range(authentication.MOST_PER_PAIR):
        begin("198.51.100.7")
    with pytest.raises(authentication.TooManyAttempts):
        begin("198.51.100.7")

    assert try_to(payer, EMAIL, PASSWORD).status_code == 303


def test_a_target_is_closed_after_a_hundred_tries_from_everywhere(world):
    for number in range(authentication.MOST_PER_TARGET):
        begin(f"198.51.100.{number}")

    with pytest.raises(authentication.TooManyAttempts):
        begin("203.0.113.1")


def test_all_addresses_of_one_ipv6_network_are_one_source(world):
    for number in range(authentication.MOST_PER_PAIR):
        begin(f"2001:db8:1:2::{number:x}")

    with pytest.raises(authentication.TooManyAttempts):
        begin("2001:db8:1:2:ffff::1")
    begin("2001:db8:1:3::1")


def test_a_refused_try_does_not_keep_the_door_closed_longer(world):
    for _ in range(authentication.MOST_PER_PAIR):
        begin("198.51.100.7")
    for _ in range(3):
        with pytest.raises(authentication.TooManyAttempts):
            begin("198.51.100.7")

    assert SignInAttempt.objects.count() == authentication.MOST_PER_PAIR


def test_a_right_password_takes_only_its_own_try_back(payer):
    try_to(payer, EMAIL, "wrong")
    try_to(payer, EMAIL, PASSWORD)

    assert SignInAttempt.objects.count() == 1


def test_promise_25_who_signed_in_and_out_is_on_record_and_so_is_who_failed(payer):
    try_to(payer, EMAIL, "wrong")
    try_to(payer, "nobody@example.com", "wrong")
    try_to(payer, EMAIL, PASSWORD)
    payer.client.post("/session", {"end": "1"})

    person = f"person/{payer.world.payer.id}"
    rows = [(row.action, row.subject) for row in AuditEntry.objects.order_by("at", "id")]
    stranger = rows.pop(1)
    assert rows == [("sign-in failed", person), ("signed in", person), ("signed out", person)]
    assert stranger[0] == "sign-in failed"
    assert re.fullmatch(r"sign-in/[0-9a-f]{16}", stranger[1])
    assert not AuditEntry.objects.filter(after__icontains="nobody@").exists()


@pytest.mark.parametrize(
    ("next_url", "goes_to"),
    [
        ("/pay?invoice=CL-1", "/pay?invoice=CL-1"),
        ("/invoices/CL-1", "/invoices/CL-1"),
        ("https://evil.example/", "/"),
        ("//evil.example/pay", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/office/", "/"),
        ("/nowhere", "/"),
        ("/sign-in", "/"),
        ("\0", "/"),
    ],
)
def test_next_leads_only_to_pages_of_ours(payer, next_url, goes_to):
    assert try_to(payer, EMAIL, PASSWORD, next_url)["Location"] == goes_to


def test_a_session_begun_before_the_sign_in_is_worth_nothing_after_it(payer):
    session = payer.client.session
    session["account"] = "40-118-2207"
    session.save()
    before = session.session_key

    payer.sign_in()

    assert payer.client.session.session_key != before
    assert not payer.client.session.exists(before)


def test_a_form_from_elsewhere_is_refused(world):
    strict = Client(enforce_csrf_checks=True)

    refused = strict.post("/sign-in", {"email": EMAIL, "password": PASSWORD})

    assert refused.status_code == 403
    assert "This page was open too long" in text_of(refused)


def test_a_person_without_an_account_is_told_so(payer, world):
    world.add_person("new@example.com", "New Person")
    try_to(payer, "new@example.com", PASSWORD)

    assert payer.client.get("/").status_code == 403


def test_an_unknown_account_cannot_be_chosen(payer):
    payer.sign_in()

    assert payer.client.post("/chosen-account", {"account": "50-1"}).status_code == 404
    assert payer.client.get("/chosen-account").status_code == 405


def test_a_fragment_asks_the_browser_to_sign_in(payer):
    response = payer.client.post("/bank-name", {}, headers={"hx-request": "true"})

    assert (response.status_code, response["HX-Redirect"]) == (204, "/sign-in")
