"""A file is released by the right people, and what they said is judged again when it leaves."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from django.db import transaction

from billfold import jobs
from billfold.banking import exchange, file_approvals
from billfold.banking.models import BankFile, FileState
from billfold.money import Money
from billfold.payments.models import Case
from billfold.payments.proof import report
from billfold.people import rights
from billfold.platform.ids import new_id
from billfold.rails import ach
from tests import privilege
from tests.rules.rails.test_ach import PAYMENT
from tests.stories.outgoing.conftest import CUTOFF, at_the_bank, released, state
from tests.world import PASSWORD, eastern, run_job


def test_promise_20_two_people_release_a_file(world, file):
    first, second = (person.actor() for person in world.treasurers)

    file_approvals.approve(file.pk, file.sha256, actor=first, now=CUTOFF)
    assert state(file) == FileState.BUILT
    exchange.send_released(world.connection, now=CUTOFF)
    assert at_the_bank(world) == []

    file_approvals.approve(file.pk, file.sha256, actor=second, now=CUTOFF)
    assert state(file) == FileState.RELEASED


def test_promise_20_one_person_cannot_release_alone(world, file):
    actor = world.treasurers[0].actor()
    file_approvals.approve(file.pk, file.sha256, actor=actor, now=CUTOFF)

    with pytest.raises(file_approvals.ApprovedAlready):
        file_approvals.approve(file.pk, file.sha256, actor=actor, now=CUTOFF)

    assert state(file) == FileState.BUILT


def test_promise_20_an_approval_is_of_exactly_these_bytes(world, file):
    with pytest.raises(file_approvals.OtherBytes):
        file_approvals.approve(file.pk, "0" * 64, actor=world.treasurers[0].actor(), now=CUTOFF)

    assert not file.approvals.exists()


def test_a_file_that_is_released_takes_no_more_approvals(world, file):
    released(world, file)

    with pytest.raises(file_approvals.NotWaiting):
        file_approvals.approve(file.pk, file.sha256, actor=world.clerk.actor(), now=CUTOFF)


def test_one_person_is_enough_where_the_biller_says_so(world, file):
    world.connection.two_people_release = False
    privilege.save(world.connection)

    file_approvals.approve(file.pk, file.sha256, actor=world.treasurers[0].actor(), now=CUTOFF)

    assert state(file) == FileState.RELEASED


@pytest.mark.parametrize(
    ("limit", "becomes"), [(0, "built"), (11_999, "built"), (12_000, "released")]
)
def test_a_file_up_to_the_billers_limit_is_released_by_itself(world, limit, becomes):
    world.connection.release_limit_minor = limit
    privilege.save(world.connection)
    world.pay(world.invoice("CL-1", "120.00"))

    jobs.cut_off(CUTOFF)

    assert BankFile.objects.get(direction="out").state == becomes


@pytest.mark.parametrize(("credit_minor", "becomes"), [(6_000, "released"), (6_001, "built")])
def test_promise_20_what_a_file_credits_counts_toward_the_limit(world, credit_minor, becomes):
    world.connection.release_limit_minor = 12_000
    privilege.save(world.connection)
    debit = replace(PAYMENT, amount=Money(6_000))
    written = ach.write(
        [debit, replace(debit, direction="credit", purpose="refund", amount=Money(credit_minor))],
        bank=world.connection.profile(),
        now=CUTOFF,
        effective_date=date(2026, 11, 17),
        modifier="A",
        first_sequence=1,
    )

    with transaction.atomic():
        file = exchange.build(
            world.connection, written, business_date=CUTOFF.date(), modifier="A", now=CUTOFF
        )
        file_approvals.release_under_limit(file, now=CUTOFF)

    assert (file.debit_minor, file.credit_minor) == (6_000, credit_minor)
    assert BankFile.objects.get(direction="out").state == becomes


def test_a_late_cut_off_waits_for_people_whatever_the_limit(world):
    world.connection.release_limit_minor = 10**9
    privilege.save(world.connection)
    world.pay(world.invoice("CL-1", "120.00"))

    jobs.cut_off(eastern(2026, 11, 18, 9))

    assert BankFile.objects.get(direction="out").state == FileState.BUILT


def test_a_file_without_release_is_never_sent(world, file):
    for hour in (17, 18, 19):
        run_job("send", eastern(2026, 11, 16, hour))

    assert at_the_bank(world) == []


def test_promise_20_who_may_release_no_more_does_not_count_when_a_file_is_sent(world, file):
    released(world, file)
    world.give_role(world.treasurers[1], "clerk")

    run_job("send", CUTOFF)
    run_job("send", CUTOFF)

    assert (state(file), at_the_bank(world)) == (FileState.BUILT, [])
    assert Case.objects.get().kind == "approval no longer counts"

    third = world.add_person("noor@cedarline.example", "Noor Haddad", "treasurer")
    file_approvals.approve(file.pk, file.sha256, actor=third.actor(), now=CUTOFF)
    run_job("send", CUTOFF)
    assert at_the_bank(world) == [file.name]
    assert not Case.objects.filter(closed_at=None).exists()


def test_promise_20_who_left_since_does_not_count_as_the_first_of_two(world, file):
    first, second = world.treasurers
    file_approvals.approve(file.pk, file.sha256, actor=first.actor(), now=CUTOFF)
    world.give_role(first, "treasurer", is_active=False)

    file_approvals.approve(file.pk, file.sha256, actor=second.actor(), now=CUTOFF)
    assert state(file) == FileState.BUILT
    with pytest.raises(rights.NotATreasurer):
        file_approvals.approve(file.pk, file.sha256, actor=first.actor(), now=CUTOFF)

    world.give_role(first, "treasurer")
    file_approvals.approve(file.pk, file.sha256, actor=first.actor(), now=CUTOFF)
    assert state(file) == FileState.RELEASED


def test_promise_20_a_limit_lowered_since_holds_back_what_it_released(world, file):
    world.connection.release_limit_minor = 12_000
    privilege.save(world.connection)
    with transaction.atomic():
        file_approvals.release_under_limit(BankFile.objects.get(pk=file.pk), now=CUTOFF)
    world.connection.release_limit_minor = 11_999
    privilege.save(world.connection)

    run_job("send", CUTOFF)

    assert (state(file), at_the_bank(world)) == (FileState.BUILT, [])


def test_promise_20_only_a_treasurer_s_word_releases(world, file):
    with pytest.raises(rights.NotATreasurer):
        file_approvals.approve(file.pk, file.sha256, actor=world.clerk.actor(), now=CUTOFF)

    assert not file.approvals.exists()


def test_promise_20_the_office_counts_only_approvals_in_force(world, file, client):
    first, second = world.treasurers
    file_approvals.approve(file.pk, file.sha256, actor=first.actor(), now=CUTOFF)
    client.login(username=second.email, password=PASSWORD)
    assert "needs a second approval" in client.get("/office/files").content.decode()

    world.give_role(first, "clerk")

    assert "needs two approvals" in client.get("/office/files").content.decode()


def test_promise_20_verify_counts_two_people_for_what_leaves_a_second_time(world, file):
    world.connection.two_people_release = False
    privilege.save(world.connection)
    file_approvals.approve(file.pk, file.sha256, actor=world.treasurers[0].actor(), now=CUTOFF)
    assert 20 not in report.examine(world.biller, now=CUTOFF).broken

    BankFile.objects.filter(pk=file.pk).update(release_round=2)
    approval = file.approvals.get()
    approval.pk, approval.round = new_id(), 2
    approval.save(force_insert=True)

    assert 20 in report.examine(world.biller, now=CUTOFF).broken
