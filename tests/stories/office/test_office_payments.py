"""Payments as staff see them: found by what is at hand, each with its proof."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billfold.payments.models import Instruction
from billfold.payments.paying import scheduling
from tests import privilege
from tests.world import eastern, usd

WEDNESDAY, THURSDAY = (eastern(2026, 11, day) for day in (18, 19))


@pytest.fixture
def office(world, client):
    client.force_login(world.clerk)
    return client


def text_of(response) -> str:
    """Read a page as a person does: words without tags."""
    assert response.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def count_rows(office, query: str) -> int:
    response = office.get("/office/payments", {"q": query})
    return len(response.context["page"].rows)


def test_a_payment_is_found_by_every_number_people_have_at_hand(world, office):
    payment = world.pay(world.invoice("CL-208814", "346.18"))
    other = world.add_customer("40-999-0001", "Vesper Logistics")
    world.invoice("CL-900", "10.00", customer=other)
    world.go_to(eastern(2026, 11, 17))
    trace = Instruction.objects.get().trace

    for query in (
        payment.reference,
        payment.reference[:9].lower(),
        trace,
        "40-118-2207",
        "hollis",
        "cl-208814",
        "346.18",
        "$346.18",
        payment.method.account.last4,
    ):
        assert count_rows(office, query) == 1, query
    for query in ("Vesper", "CL-900", "nobody", trace[:-1], "%", "_", "346.19", "0001"):
        assert count_rows(office, query) == 0, query


def test_the_tabs_count_what_they_show(world, office):
    world.pay(world.invoice("CL-1", "120.00"))
    canceled = world.pay(world.invoice("CL-2", "40.00"))
    scheduling.cancel(canceled, actor=world.actor(), now=world.now)

    page = office.get("/office/payments", {"view": "not-made"}).context["page"]

    assert [row.reference for row in page.rows] == [canceled.reference]
    assert {tab.label: tab.count for tab in page.tabs} == {
        "All": 2,
        "Scheduled": 1,
        "On the way": 0,
        "Paid": 0,
        "Returned": 0,
        "Not made": 1,
    }


def test_a_payment_shows_its_consent_from_the_first_moment(world, office):
    payment = world.pay(world.invoice("CL-1", "120.00"))

    text = text_of(office.get(f"/office/payments/{payment.reference}"))

    assert "Scheduled" in text
    assert "Nothing booked yet" in text
    assert "I authorize this debit." in text
    assert "single-2026-11" in text
    assert "192.0.2.7" in text
    assert "Given Nov 16, 2026, 9:00 am ET by Dana Osei" in text
    assert "Checking ending 6789" in text
    assert "4417006789" not in text
    assert "Your payment of $120.00 to Cedarline is scheduled" in text


def test_a_returned_payment_shows_every_booking_with_its_evidence(world, office):
    payment = world.pay(world.invoice("CL-1", "120.00"), account="440001")
    world.go_to(THURSDAY)

    response = office.get(f"/office/payments/{payment.reference}")
    text, page = text_of(response), response.context["page"]

    assert [step.title for step in page.steps] == [
        "Authorized",
        "In a file",
        "Sent to the bank",
        "Settled",
        "Returned R01",
    ]
    assert [entry.event for entry in page.entries] == [
        "In a file",
        "Applied",
        "Settled",
        "Taken off",
        "Returned",
        "Fee charged",
        "Money taken back",
    ]
    assert page.entries_total == usd("745.00")
    assert "Fee income" in text
    assert "Not enough money" in text
    assert "A $25.00 Return Fee was added" in text
    linked = {event.title for event in page.events if event.link}
    assert linked == {"In a file", "Settled", "Returned", "Money taken back"}
    for event in page.events:
        assert office.get(event.link.url).status_code == 200


def test_a_payment_nobody_made_is_missing(world, office):
    assert office.get("/office/payments/NOBODY").status_code == 404


def test_names_and_texts_are_shown_as_text(world, office):
    world.customer.name = "<script>alert(1)</script> & Sons"
    privilege.save(world.customer)
    payment = world.pay(world.invoice("CL-1", "120.00"))

    for address in ("/office/payments", f"/office/payments/{payment.reference}"):
        content = office.get(address).content.decode()
        assert "<script>alert(1)" not in content
        assert "&lt;script&gt;alert(1)" in content
    empty_page = office.get("/office/payments", {"q": "<b>x"}).content.decode()
    assert "<b>x" not in empty_page


def queries(office, address: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert office.get(address).status_code == 200
    return len(captured)


def test_pages_cost_the_same_queries_however_much_they_show(world, office):
    first = world.pay(world.invoice("CL-1", "120.00"))
    world.go_to(WEDNESDAY)
    lists = ["/office/payments?q=hollis", "/office/files", "/office/cases", "/office/outbox"]
    before = {address: queries(office, address) for address in lists}
    detail = queries(office, f"/office/payments/{first.reference}")

    payments = [world.pay(world.invoice(f"CL-2{n}", "1.00")) for n in range(8)]
    payments.append(world.pay(*(world.invoice(f"CL-3{n}", "1.00") for n in range(5))))
    world.go_to(eastern(2026, 11, 20))

    assert {address: queries(office, address) for address in lists} == before
    assert queries(office, f"/office/payments/{payments[-1].reference}") == detail
    assert max(before.values()) <= 14
    assert detail <= 20


def test_long_lists_are_read_a_page_at_a_time(world, office):
    for number in range(52):
        world.pay(world.invoice(f"CL-{number}", "1.00"))

    first = office.get("/office/payments").context["page"]
    second = office.get("/office/payments", {"page": "2"}).context["page"]
    beyond = office.get("/office/payments", {"page": "99999"}).context["page"]

    assert (len(first.rows), len(second.rows)) == (50, 2)
    assert second == beyond
    assert second.pager.summary == "51\N{EN DASH}52 of 52"
