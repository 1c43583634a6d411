"""The brake at the office: shown on every page, and lifted there by two treasurers."""

from __future__ import annotations

import pytest
from django.test import Client

from billfold import jobs
from billfold.banking.models import BankFile
from billfold.people.models import Role
from billfold.platform import audit, brake, clock
from billfold.platform.models import BrakeEntry, BrakeKind
from tests.stories.portal.payer import text_of
from tests.world import World, eastern

CUTOFF = eastern(2026, 11, 16, 17)


def signed_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def see(*findings: str) -> None:
    brake.observe(
        BrakeKind.FINDING,
        {finding: f"Promise 1: {finding}" for finding in findings},
        lifts_when_clean=True,
        actor=audit.job("verify"),
        seen_at=CUTOFF,
        now=CUTOFF,
    )


@pytest.fixture
def braked(world: World) -> World:
    """Give a world with a file that waits, in which verify found something since."""
    world.pay(world.invoice("CL-1", "120.00"))
    clock.move_to(CUTOFF)
    world.now = CUTOFF
    jobs.cut_off(CUTOFF)
    see("the sums of account 7 differ")
    return world


def agree(person, *, why: str = "Looked into it", number: int | str | None = None):
    if number is None:
        number = brake.standing()[0].number
    return signed_in(person).post(
        "/office/brake/lifting", {"kind": "finding", "number": number, "why-finding": why}
    )


@pytest.mark.parametrize("url", ["/office/payments", "/office/files", "/office/cases"])
def test_promise_21_every_staff_page_says_that_the_brake_is_set(braked, url):
    page = signed_in(braked.clerk).get(url)

    assert "The brake is set: verify found something" in text_of(page)
    assert 'href="/office/brake"' in page.content.decode()


def test_promise_21_the_page_shows_what_was_seen(braked):
    page = text_of(signed_in(braked.clerk).get("/office/brake"))

    assert "Promise 1: the sums of account 7 differ" in page
    assert "Only treasurers lift the brake." in page
    assert "Set: finding" in page


def test_promise_21_two_treasurers_lift_it_and_the_history_keeps_why(braked):
    priya, jonah = braked.treasurers

    first = agree(priya)
    assert (first.status_code, first.url) == (303, "/office/brake")
    page = text_of(signed_in(priya).get("/office/brake"))
    assert "Priya Raman agreed 5:00 pm ET: Looked into it" in page
    assert "You agreed to lift it. Another treasurer must too." in page
    assert brake.standing()

    assert agree(jonah, why="Talked to the auditor").status_code == 303
    page = text_of(signed_in(jonah).get("/office/brake"))
    assert not brake.standing()
    assert "The brake is off" in page
    assert "Lifted: finding" in page
    assert "Talked to the auditor" in page
    assert "The brake is set" not in page


def test_promise_20_nobody_agrees_twice(braked):
    priya = braked.treasurers[0]
    agree(priya)

    again = agree(priya)

    assert again.status_code == 422
    assert "Another treasurer must agree too" in text_of(again)
    assert brake.standing()


def test_promise_20_a_clerk_cannot_lift_it(braked):
    assert agree(braked.clerk).status_code == 403
    assert BrakeEntry.objects.count() == 1


def test_promise_20_what_is_seen_since_must_be_looked_at_first(braked):
    earlier = brake.standing()[0].number
    see("the sums of account 7 differ", "the sums of account 8 differ")

    late = agree(braked.treasurers[0], number=earlier)

    assert late.status_code == 422
    assert "Look at what is seen now, then decide." in text_of(late)


@pytest.mark.parametrize("why", ["", " ", "x" * 501, "account 000773142019", "a\u202eb"])
def test_promise_21_lifting_needs_a_reason_and_keeps_what_was_typed(braked, why):
    refused = agree(braked.treasurers[0], why=why)

    assert refused.status_code == 422
    assert 'id="why-finding-error"' in refused.content.decode()
    assert BrakeEntry.objects.count() == 1


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"kind": "none", "number": "1", "why-none": "x"},
        {"kind": "finding", "number": "9" * 40, "why-finding": "x"},
        {"kind": "finding", "number": "-1", "why-finding": "x"},
        {"kind": "finding", "number": "\u0661", "why-finding": "x"},
        {"kind": "return-limit", "number": "1", "why-return-limit": "x"},
    ],
)
def test_promise_21_odd_forms_are_refused(braked, fields):
    answer = signed_in(braked.treasurers[0]).post("/office/brake/lifting", fields)

    assert answer.status_code == 422
    assert brake.standing()


def test_promise_21_a_file_page_says_why_it_cannot_be_approved(braked):
    file = BankFile.objects.get(direction="out")
    client = signed_in(braked.treasurers[0])

    page = text_of(client.get(f"/office/files/{file.id}"))
    refused = client.post(f"/office/files/{file.id}/release", {"sha256": file.sha256})

    assert "The brake is set, so no file leaves." in page
    assert "Approve $120.00" not in page
    assert refused.status_code == 422
    assert "It can be approved once the brake is lifted" in text_of(refused)
    assert BankFile.objects.get(direction="out").state == "built"


def test_promise_20_a_treasurer_who_lost_the_role_is_counted_no_more(braked):
    priya, jonah = braked.treasurers
    agree(priya)
    braked.give_role(priya, Role.CLERK)

    agree(jonah)

    assert brake.standing()


def test_promise_21_every_staff_page_warns_of_a_return_limit_that_is_near(world):
    words = "overall returns: 1 of 8 debits in 60 days, 12.50 %, must stay below 15 %"
    brake.warn(
        BrakeKind.RETURN_LIMIT, {"overall/near": words}, actor=audit.job("returns"), now=CUTOFF
    )
    client = signed_in(world.clerk)

    assert "Brake , near a return limit" in text_of(client.get("/office/payments"))
    page = text_of(client.get("/office/brake"))
    assert words in page
    assert "The brake is off" in page
