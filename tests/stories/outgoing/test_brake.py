"""While the brake stands nothing is cut, released or sent; two treasurers lift it."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.core import mail
from django.db import DatabaseError, ProgrammingError, connection, transaction

from billfold import jobs
from billfold.banking import file_approvals
from billfold.banking.models import BankConnection, BankFile
from billfold.payments.models import CutOff
from billfold.payments.outgoing import brake_lifting
from billfold.payments.paying import scheduling
from billfold.people import rights
from billfold.people.models import Role
from billfold.platform import audit, brake
from billfold.platform.models import AuditEntry, BrakeKind
from tests import privilege
from tests.world import World, eastern, run_job

CUTOFF = eastern(2026, 11, 16, 17)
VERIFY = audit.job("verify")


def see(*findings: str, at: datetime = CUTOFF) -> None:
    """Let `verify` see these findings and no others."""
    seen = {finding: f"Promise 1: {finding}" for finding in findings}
    brake.observe(BrakeKind.FINDING, seen, lifts_when_clean=True, actor=VERIFY, seen_at=at, now=at)


def agree(world: World, who: int, why: str = "looked into it") -> bool:
    (standing,) = brake.standing()
    actor = world.treasurers[who].actor()
    return brake_lifting.agree(standing.kind, standing.number, why, actor=actor, now=CUTOFF)


def states() -> list[str]:
    return list(BankFile.objects.filter(direction="out").values_list("state", flat=True))


@pytest.fixture
def due(world: World) -> World:
    """Give a world with a payment that is due, at its cut-off."""
    world.pay(world.invoice("CL-1", "120.00"))
    world.now = CUTOFF
    mail.outbox.clear()
    return world


def test_promise_21_braked_nothing_is_cut_and_the_day_stays_open(due):
    see("a")

    jobs.cut_off(CUTOFF)

    assert states() == []
    assert not CutOff.objects.exists()
    assert BankConnection.objects.get().closed_through is None
    see()
    jobs.cut_off(CUTOFF)
    assert states() == ["built"]


def test_promise_21_braked_no_file_is_released(due):
    jobs.cut_off(CUTOFF)
    see("a")

    with pytest.raises(brake.Braked, match="verify found something"):
        due.release_all(CUTOFF)

    assert states() == ["built"]
    assert not BankFile.objects.get().counting_approvals().exists()


def test_promise_21_braked_no_released_file_is_sent_and_mail_goes_on(due):
    jobs.cut_off(CUTOFF)
    due.release_all(CUTOFF)
    see("a")

    run_job("send", CUTOFF)
    run_job("mail", CUTOFF)

    assert states() == ["released"]
    assert not any((due.folder / "to_bank").iterdir())
    assert len(mail.outbox) > 0
    see()
    run_job("send", CUTOFF)
    assert states() == ["sent"]


def test_promise_21_braked_payers_schedule_and_cancel(due):
    see("a")

    payment = due.pay(due.invoice("CL-2", "60.00"))
    scheduling.cancel(payment, actor=due.actor(), now=CUTOFF)

    assert due.state(payment) == "canceled"


def test_promise_21_a_clean_run_lifts_the_brake_of_a_finding(world):
    see("a", "b")
    see("b")
    assert brake.standing()

    see()

    assert not brake.standing()


def test_promise_21_a_look_from_before_lifts_nothing(world):
    see("a", at=CUTOFF)

    see(at=eastern(2026, 11, 16, 16))

    assert brake.standing()


def test_promise_21_two_treasurers_lift_the_brake_with_a_reason(world):
    see("a")

    assert agree(world, 0) is False
    assert brake.standing()
    assert agree(world, 1) is True

    assert not brake.standing()
    entry = AuditEntry.objects.get(action="brake lifted")
    assert (entry.actor_name, entry.after["why"]) == ("Jonah Tate", "looked into it")


def test_promise_20_nobody_lifts_the_brake_alone(world):
    see("a")
    agree(world, 0)

    with pytest.raises(brake_lifting.AgreedAlready):
        agree(world, 0)

    assert brake.standing()


def test_promise_20_only_treasurers_lift_the_brake(world):
    see("a")
    (standing,) = brake.standing()

    for actor in (world.clerk.actor(), audit.job("demo")):
        with pytest.raises(rights.NotATreasurer):
            brake_lifting.agree(standing.kind, standing.number, "why not", actor=actor, now=CUTOFF)

    assert brake.standing()


def test_promise_20_who_is_no_treasurer_any_more_lifts_nothing(world):
    see("a")
    agree(world, 0)
    world.give_role(world.treasurers[0], Role.CLERK)

    assert agree(world, 1) is False
    assert brake.standing()


def test_promise_20_what_is_seen_later_voids_the_word_before_it(world):
    see("a")
    agree(world, 0)
    see("a", "b")

    assert agree(world, 1) is False
    assert brake.standing()


def test_promise_20_a_word_about_something_else_is_refused(world):
    see("a")
    (earlier,) = brake.standing()
    see("a", "b")

    with pytest.raises(brake_lifting.NotStanding):
        brake_lifting.agree(
            earlier.kind, earlier.number, "fine", actor=world.treasurers[0].actor(), now=CUTOFF
        )


@pytest.mark.parametrize("why", ["", "  \n"])
def test_promise_21_lifting_needs_a_reason(world, why):
    see("a")

    with pytest.raises(brake_lifting.LiftingNeedsReason):
        agree(world, 0, why)


def test_promise_21_what_was_allowed_brakes_no_more_and_what_is_new_does(world):
    see("a", "b")
    agree(world, 0)
    agree(world, 1)

    see("a", "b")
    see("a")
    assert not brake.standing()

    see("a", "c")
    assert [sorted(standing.seen) for standing in brake.standing()] == [["a", "c"]]


def test_promise_21_what_was_allowed_and_went_away_brakes_when_it_comes_back(world):
    see("a", "b")
    agree(world, 0)
    agree(world, 1)
    see("a")

    see("a", "b")

    assert brake.standing()


def test_promise_21_the_brake_keeps_its_history(world):
    see("a")

    for statement in (
        "UPDATE platform_brakeentry SET act = 'lifted'",
        "DELETE FROM platform_brakeentry",
    ):
        with (
            pytest.raises(DatabaseError, match="never changed or removed"),
            transaction.atomic(),
            privilege.every_right(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)

    assert brake.standing()


@pytest.mark.parametrize("act", ["cut", "approve"])
def test_promise_21_what_is_under_way_keeps_the_brake_from_being_set(due, act):
    if act == "cut":
        jobs.cut_off(CUTOFF)
    else:
        jobs.cut_off(CUTOFF)
        file = BankFile.objects.get()
        file_approvals.approve(file.pk, file.sha256, actor=due.treasurers[0].actor(), now=CUTOFF)

    assert holds_shared_lock(f"{due.biller.schema}/brake")


def holds_shared_lock(name: str) -> bool:
    """Look whether this transaction keeps others from taking the lock alone."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(*) FROM pg_locks
               WHERE locktype = 'advisory' AND mode = 'ShareLock' AND pid = pg_backend_pid()
                 AND (classid::bigint << 32) | objid::bigint = hashtextextended(%s, 0)""",
            [name],
        )
        return cursor.fetchone()[0] == 1
