"""Cases and the outbox: what a person decides, and what payers were told."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import transaction

from billfold.notices.models import Notice
from billfold.office import case_words
from billfold.payments.cases import case_kinds, casework
from billfold.payments.cases.case_kinds import CaseKind
from billfold.payments.models import Case
from billfold.platform.models import AuditEntry
from tests import privilege
from tests.world import eastern


@pytest.fixture
def office(world, client):
    client.force_login(world.clerk)
    return client


@pytest.fixture
def case(world) -> Case:
    """Let the bank return a debit with another amount than we sent."""
    world.pay(world.invoice("CL-1", "120.00"), account="440075")
    world.go_to(eastern(2026, 11, 19))
    return Case.objects.order_by("opened_at", "id").first()


@pytest.fixture
def return_case(world) -> Case:
    """Let the bank return a debit that was not authorised."""
    world.pay(world.invoice("CL-1", "120.00"), account="440010")
    world.go_to(eastern(2026, 11, 20))
    return Case.objects.get(kind="return to look at")


def text_of(response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def resolve(office, case, **form):
    return office.post(f"/office/cases/{case.id}/resolution", form)


def test_a_case_shows_what_happened_and_its_evidence(world, office, case):
    listed = text_of(office.get("/office/cases"))
    response = office.get(f"/office/cases/{case.id}")

    assert case.title in listed
    assert "another amount than we sent" in text_of(response)
    (file,) = [detail for detail in response.context["page"].evidence if detail.label == "File"]
    assert office.get(file.url).status_code == 200


def test_promise_25_a_case_is_closed_once_with_person_and_reason(world, office, return_case):
    case = return_case
    response = resolve(office, case, choice="nothing", note="The bank sent it by mistake.")

    assert (response.status_code, response.url) == (303, f"/office/cases/{case.id}")
    closed = Case.objects.get(pk=case.pk)
    assert closed.closed_by == "Cleo Park"
    assert closed.resolution == "Nothing to do\nThe bank sent it by mistake."
    assert AuditEntry.objects.get(action="case closed").actor_name == "Cleo Park"
    assert "The bank sent it by mistake." in text_of(office.get(response.url))
    late = resolve(office, case, choice="nothing", note="Me too")
    assert late.status_code == 422
    assert "Cleo Park closed this case before you." in text_of(late)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({}, ["There are 2 problems to fix", "Choose what you want to do."]),
        ({"choice": "nothing"}, ["Write what you found out."]),
        ({"choice": "no such", "note": "Kept <b>"}, ["Choose what you want to do.", "Kept"]),
        ({"choice": "other", "note": "x" * 2001}, ["2,000 characters or fewer"]),
    ],
)
def test_a_case_does_not_close_without_a_decision(world, office, return_case, form, words):
    case = return_case
    refused = resolve(office, case, **form)

    assert refused.status_code == 422
    assert all(word in text_of(refused) for word in words)
    assert "Kept <b>" not in refused.content.decode()
    assert Case.objects.get(pk=case.pk).closed_at is None


def test_closed_cases_have_a_list_of_their_own(world, office, return_case):
    case = return_case
    casework.close(case.id, "Done", actor=world.clerk.actor(), now=world.now)

    open_page = office.get("/office/cases").context["page"]
    closed_page = office.get("/office/cases", {"view": "closed"}).context["page"]

    assert case.title not in [row.title for row in open_page.rows]
    assert case.title in [row.title for row in closed_page.rows]


def test_every_kind_of_trouble_has_a_page(world, office):
    for number, ending in enumerate(("10", "60", "71", "72", "73", "74", "75")):
        world.pay(world.invoice(f"CL-{number}", f"1{number}.00"), account=f"4400{ending}")
    world.go_to(eastern(2026, 11, 20))

    cases = Case.objects.all()
    assert cases
    for opened in cases:
        assert office.get(f"/office/cases/{opened.id}").status_code == 200


def test_the_outbox_shows_each_message_as_it_was_written(world, office):
    payment = world.pay(world.invoice("CL-1", "120.00"))
    with privilege.every_right():
        Notice.objects.update(body="Hello <img src=x onerror=alert(1)>,\n\nthank you.")
    notice = Notice.objects.get()

    listed = text_of(office.get("/office/outbox"))
    response = office.get(f"/office/outbox/{notice.id}")

    assert "Your payment of $120.00 to Cedarline is scheduled" in listed
    assert "Waiting" in listed
    assert "<img src=x" not in response.content.decode()
    assert "&lt;img src=x" in response.content.decode()
    assert f"/office/payments/{payment.reference}" in response.content.decode()


def test_a_message_that_was_refused_says_so(world, office):
    world.pay(world.invoice("CL-1", "120.00"))
    with privilege.every_right():
        Notice.objects.update(subject="Two\nlines")
    world.run_jobs()
    world.now += timedelta(minutes=1)
    world.run_jobs()

    assert "Trying again" in text_of(office.get("/office/outbox"))
    detail = office.get(f"/office/outbox/{Notice.objects.get().id}")
    assert "2, last failed: BadHeaderError" in text_of(detail)


def test_promise_7_words_alone_do_not_close_a_bank_line(world, office):
    world.pay(world.invoice("CL-1", "120.00"), account="440074")
    world.go_to(eastern(2026, 11, 20))
    line = Case.objects.get(kind="bank line to explain")

    response = resolve(office, line, choice="nothing", note="Never mind.")

    assert response.status_code == 422
    assert "This case carries money, so it stays on the list" in text_of(response)
    assert Case.objects.get(pk=line.pk).closed_at is None


def money_case(kind: str, now) -> Case:
    with transaction.atomic():
        casework.open_cases([casework.NewCase(f"k/{kind}", CaseKind(kind), "Money")], now=now)
    return Case.objects.get(key=f"k/{kind}")


CARRYING = [kind.value for kind in CaseKind if case_kinds.carries_money(kind)]


def test_promise_7_receipts_returns_and_bank_lines_carry_money():
    expected = {"money to apply", "return that does not fit", "bank line to explain"}

    assert expected | {"statement to accept", "statement is missing"} <= set(CARRYING)
    assert set(case_kinds.CLOSING) == set(CaseKind) == set(case_words.STORIES)
    assert set(case_words.CLOSES_BY) | {CaseKind.BANK_LINE} == set(CARRYING)


@pytest.mark.parametrize("kind", CARRYING)
def test_promise_7_no_words_close_a_case_that_carries_money(world, office, kind):
    opened = money_case(kind, world.now)

    page = text_of(office.get(f"/office/cases/{opened.id}"))
    refused = resolve(office, opened, choice="other", note="Never mind.")

    assert "What will close it" in page
    assert "Keep this note" in page and "Close this case" not in page
    assert refused.status_code == 422
    assert "Never mind." in refused.content.decode()
    opened.refresh_from_db()
    assert opened.closed_at is None
    with pytest.raises(casework.CarriesMoney):
        casework.close(opened.id, "Done", actor=world.clerk.actor(), now=world.now)


def test_a_note_is_kept_with_a_case_that_stays_open(world, office):
    opened = money_case("money to apply", world.now)
    path = f"/office/cases/{opened.id}/notes"

    empty = office.post(path, {"note": " "})
    secret = office.post(path, {"note": "It came from 4417006789."})
    kept = office.post(path, {"note": "The check is of Hollis."})

    assert (empty.status_code, secret.status_code) == (422, 422)
    assert "Write only the last four digits" in text_of(secret)
    assert (kept.status_code, kept.url) == (303, f"/office/cases/{opened.id}")
    page = text_of(office.get(kept.url))
    assert "Note by Cleo Park" in page and "The check is of Hollis." in page
    opened.refresh_from_db()
    assert opened.closed_at is None
    assert AuditEntry.objects.get(action="case noted").actor_name == "Cleo Park"


def test_promise_20_only_a_treasurer_closes_what_may_send_money_again(world, office, client):
    opened = money_case("answer that does not fit", world.now)

    refused = resolve(office, opened, choice="nothing", note="It is fine.")

    assert refused.status_code == 403
    client.force_login(world.treasurers[0])
    assert resolve(client, opened, choice="nothing", note="It is fine.").status_code == 303
