"""Who may open staff pages: rights are read on every request."""

from __future__ import annotations

import pytest

from billfold.people.models import Role
from billfold.platform.ids import new_id

PAGES = ["/office/payments", "/office/files", "/office/cases", "/office/outbox"]


@pytest.fixture
def addresses(world) -> list[str]:
    payment = world.pay(world.invoice("CL-1", "120.00"))
    return [*PAGES, f"/office/payments/{payment.reference}", f"/office/files/{new_id()}"]


def test_a_payer_cannot_tell_that_staff_pages_exist(world, client, addresses):
    client.force_login(world.payer)

    for address in addresses:
        assert client.get(address).status_code == 404
    for act in ("release", "withdrawal"):
        assert client.post(f"/office/files/{new_id()}/{act}").status_code == 404


def test_a_visitor_is_asked_to_sign_in_and_comes_back(world, client, addresses):
    response = client.get(addresses[-2])

    assert response.status_code == 302
    assert response.url == f"/sign-in?next={addresses[-2]}"


def test_a_clerk_opens_every_list(world, client):
    client.force_login(world.clerk)

    for address in PAGES:
        assert client.get(address).status_code == 200
    assert client.get("/office/").url == "/office/payments"


def test_a_role_taken_away_counts_on_the_next_click(world, client):
    client.force_login(world.clerk)
    assert client.get("/office/payments").status_code == 200

    world.give_role(world.clerk, Role.PAYER)

    assert client.get("/office/payments").status_code == 404


def test_a_login_that_was_closed_is_signed_out(world, client):
    client.force_login(world.clerk)

    world.give_role(world.clerk, Role.CLERK, is_active=False)

    assert client.get("/office/payments").status_code == 302


def test_another_method_is_refused_with_those_that_are_known(world, client):
    client.force_login(world.clerk)

    response = client.post("/office/payments")

    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, HEAD"
    assert client.get("/office/files/received").headers["Allow"] == "POST"


def test_the_top_bar_names_the_time_and_the_next_cut_off(world, client):
    client.force_login(world.clerk)

    text = client.get("/office/payments").content.decode()

    assert "9:00 am ET" in text
    assert "next cut-off 5:00 pm ET" in text
    assert "Cleo Park" in text
