"""Nobody knows whether a file arrived: a person finds out and says so, once."""

from __future__ import annotations

import pytest

from billfold.banking import file_approvals
from billfold.banking.models import BankFile
from billfold.payments.cases import casework
from billfold.payments.models import Case
from billfold.payments.outgoing import transmission
from billfold.payments.proof import report
from billfold.platform.models import AuditEntry
from tests import privilege
from tests.world import PASSWORD, eastern

CUTOFF, LATER = eastern(2026, 11, 16, 17), eastern(2026, 11, 16, 19)


@pytest.fixture
def cut_short(world, client):
    """A file whose sending was cut short at a bank that hides uploads, and its case."""
    del world.connection.transport["taken"]
    privilege.save(world.connection)
    world.pay(world.invoice("CL-1", "120.00"))
    world.now = CUTOFF
    world.run_jobs()
    world.release_all()
    BankFile.objects.filter(direction="out").update(state="sending")
    world.run_jobs()
    client.login(username=world.treasurers[0].email, password=PASSWORD)
    return Case.objects.get(kind=transmission.KIND)


def decide(client, case, choice):
    return client.post(
        f"/office/cases/{case.pk}/resolution", {"choice": choice, "note": "Called the bank."}
    )


def at_the_bank(world):
    return [path.name for path in (world.folder / "to_bank").iterdir()]


def state():
    return BankFile.objects.get(direction="out").state


def test_promise_14_a_file_that_arrived_is_not_sent_again(world, client, cut_short):
    answer = decide(client, cut_short, "arrived")
    world.run_jobs()

    assert answer.status_code == 303
    assert state() == "sent"
    assert at_the_bank(world) == []
    assert not Case.objects.filter(closed_at=None).exists()


def test_promise_20_a_file_that_never_arrived_is_approved_anew_and_sent_once_more(
    world, client, cut_short
):
    first, second = (person.actor() for person in world.treasurers)
    decide(client, cut_short, "missing")
    world.run_jobs()
    assert (state(), at_the_bank(world)) == ("built", [])
    assert "needs two approvals" in client.get("/office/files").content.decode()

    file = BankFile.objects.get(direction="out")
    file_approvals.approve(file.id, file.sha256, actor=first, now=world.now)
    with pytest.raises(file_approvals.ApprovedAlready):
        file_approvals.approve(file.id, file.sha256, actor=first, now=world.now)
    world.run_jobs()
    assert (state(), at_the_bank(world)) == ("built", [])

    file_approvals.approve(file.id, file.sha256, actor=second, now=world.now)
    world.run_jobs()
    world.run_jobs()
    assert file.approvals.count() == 4
    assert not {14, 20, 25} & set(report.examine(world.biller, now=world.now).broken)

    assert state() == "sent"
    assert at_the_bank(world) == ["ach-20261116-A.ach"]


@pytest.mark.parametrize("choice", ["missing", "arrived", "other"])
def test_promise_20_a_clerk_cannot_say_what_became_of_a_file(world, client, cut_short, choice):
    client.force_login(world.clerk)

    assert "Close this case" not in client.get(f"/office/cases/{cut_short.pk}").content.decode()
    assert decide(client, cut_short, choice).status_code == 403

    assert state() == "sending"
    assert Case.objects.filter(pk=cut_short.pk, closed_at=None).exists()


def test_promise_14_a_second_cut_asks_again(world, client, cut_short):
    decide(client, cut_short, "missing")
    BankFile.objects.filter(direction="out").update(state="sending")
    world.run_jobs()

    assert Case.objects.filter(kind=transmission.KIND, closed_at=None).count() == 1


def test_promise_14_a_decision_that_comes_too_late_changes_nothing(world, client, cut_short):
    BankFile.objects.filter(direction="out").update(state="accepted")

    answer = decide(client, cut_short, "missing")

    assert answer.status_code == 422
    assert "The bank answered meanwhile" in answer.content.decode()
    assert state() == "accepted"
    with pytest.raises(transmission.NotUnknown):
        transmission.resolve(
            cut_short.pk, "x", has_arrived=True, actor=world.actor(), now=world.now
        )
    with pytest.raises(casework.NeedsResolution):
        casework.close(cut_short.pk, " ", actor=world.actor(), now=world.now)


def test_promise_14_a_transmission_that_was_asked_about_is_not_called_stuck(world, cut_short):
    assert 14 not in report.examine(world.biller, now=LATER).broken

    casework.close_in_transaction(cut_short.pk, "asked", actor=world.actor(), now=LATER)

    assert 14 in report.examine(world.biller, now=LATER).broken


def test_promise_25_a_file_that_a_person_found_to_have_arrived_is_on_record_as_sent(
    world, cut_short
):
    actor = world.treasurers[0].actor()
    transmission.resolve(cut_short.pk, "Called.", has_arrived=True, actor=actor, now=world.now)

    sent = AuditEntry.objects.get(action="bank file sent")
    assert (sent.actor_id, sent.subject) == (actor.id, cut_short.evidence)
