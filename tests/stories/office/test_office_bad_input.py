"""Whatever is sent to a staff page, it answers."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from billfold.banking.models import BankFile
from billfold.payments.models import Case
from billfold.platform import clock
from billfold.platform.ids import new_id
from tests.environment import SHARING_A_FIXTURE
from tests.world import eastern

STATUSES = {200, 302, 303, 404, 405, 422}
WORDS = st.text(max_size=60) | st.sampled_from(["\x00", "9" * 400, "-1", "%", "²", "٣", "'\"--"])
FIELDS = ("sha256", "reason", "choice", "note", "q", "view", "page", "document")
EXAMPLES = settings(max_examples=80, suppress_health_check=SHARING_A_FIXTURE)


@pytest.fixture
def places(world) -> list[str]:
    """Make one of everything; give the addresses of all pages and acts."""
    payment = world.pay(world.invoice("CL-1", "120.00"))
    world.now = eastern(2026, 11, 16, 17)
    clock.move_to(world.now)
    world.run_jobs()
    case = Case.objects.create(id=new_id(), key="x", kind="odd", title="x", opened_at=world.now)
    file = BankFile.objects.get()
    return [
        "/office/payments",
        f"/office/payments/{payment.reference}",
        "/office/files",
        "/office/files/received",
        f"/office/files/{file.id}",
        f"/office/files/{file.id}/release",
        f"/office/files/{file.id}/withdrawal",
        "/office/cases",
        f"/office/cases/{case.id}",
        f"/office/cases/{case.id}/resolution",
        f"/office/cases/{case.id}/notes",
        "/office/outbox",
        f"/office/outbox/{new_id()}",
    ]


@EXAMPLES
@given(data=st.data(), fields=st.dictionaries(st.sampled_from(FIELDS), WORDS, max_size=4))
def test_no_words_in_any_field_break_a_page(world, places, data, fields):
    office = Client()
    office.force_login(world.treasurers[0])
    place = data.draw(st.sampled_from(places))

    assert office.get(place, fields).status_code in STATUSES
    assert office.post(place, fields).status_code in STATUSES


@EXAMPLES
@given(
    folder=st.sampled_from(["payments", "files", "cases", "outbox"]),
    name=WORDS,
    act=st.sampled_from(["", "/release", "/withdrawal", "/resolution", "/notes", "/x"]),
)
def test_no_odd_address_breaks_the_office(world, folder, name, act):
    office = Client()
    office.force_login(world.clerk)
    path = f"/office/{folder}/{quote(name)}{act}"

    assert office.get(path).status_code in STATUSES
    assert office.post(path).status_code in STATUSES


def test_a_thing_that_does_not_exist_is_missing(world, client):
    client.force_login(world.treasurers[0])
    nothing = new_id()

    for path in (f"files/{nothing}", f"cases/{nothing}", f"outbox/{nothing}"):
        assert client.get(f"/office/{path}").status_code == 404
    for path in (
        f"files/{nothing}/release",
        f"files/{nothing}/withdrawal",
        f"cases/{nothing}/resolution",
    ):
        assert client.post(f"/office/{path}").status_code == 404
