"""A return limit brakes when its share is crossed and enough debits came back; before, it warns."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from billfold.bankdays import EASTERN
from billfold.payments.models import Payment, SubjectEvent
from billfold.payments.outgoing import brake_lifting, return_limits
from billfold.platform import brake
from billfold.platform.ids import new_id
from billfold.platform.models import BrakeEntry, BrakeKind
from billfold.receivables.models import BillerProfile
from tests import privilege
from tests.world import World, eastern

NOW = eastern(2026, 11, 25)


@pytest.fixture
def sent(world: World) -> World:
    """Give a world with one debit sent to the bank."""
    world.pay(world.invoice("CL-1", "120.00"))
    world.go_to(eastern(2026, 11, 18))
    return world


def came_back(count: int, code: str = "R01", *, at: datetime = NOW, day: datetime = NOW) -> None:
    """Write returns as the funnel does, without the payments they would need."""
    payment = Payment.objects.get()
    SubjectEvent.objects.bulk_create(
        SubjectEvent(
            id=new_id(),
            subject=f"payment/{new_id()}",
            key=f"returned/{new_id()}",
            kind="returned",
            code=code,
            on_date=day.astimezone(EASTERN).date(),
            at=at,
            outcome="returned",
            feed_row=payment.feed_row,
        )
        for _ in range(count)
    )


def limits_count_from(count: int) -> None:
    with privilege.every_right():
        BillerProfile.objects.update(return_limit_count=count)


def braked_by() -> list[str]:
    return sorted(key for standing in brake.standing() for key in standing.seen)


def lift(world: World, *, now: datetime = NOW) -> None:
    (standing,) = brake.standing()
    for person in world.treasurers:
        brake_lifting.agree(
            standing.kind, standing.number, "agreed with the bank", actor=person.actor(), now=now
        )


def test_promise_21_one_return_of_a_small_biller_warns_and_does_not_brake(sent):
    came_back(9)

    return_limits.watch(now=NOW)

    assert braked_by() == []
    assert brake.warnings(BrakeKind.RETURN_LIMIT) == {
        "overall/over": "overall returns: 9 of 1 debits in 60 days, 900.00 %, must stay below 15 %"
    }


def test_promise_21_a_crossed_limit_brakes_from_the_tenth_return_on(sent):
    came_back(10)

    return_limits.watch(now=NOW)

    assert braked_by() == ["overall"]


def test_promise_21_returns_of_another_kind_do_not_count(sent):
    came_back(9, "R10")
    came_back(1, "R01")

    return_limits.watch(now=NOW)

    assert braked_by() == ["overall"]


def test_promise_21_the_biller_says_from_how_many_returns_on(sent):
    limits_count_from(2)
    came_back(2, "R02")

    return_limits.watch(now=NOW)

    assert braked_by() == ["administrative", "overall"]


def test_promise_21_the_bank_s_returns_brake_by_themselves(world):
    limits_count_from(2)
    for n in (1, 2):
        world.pay(world.invoice(f"CL-{n}", "120.00"), account=f"77440{n}01")

    world.go_to(eastern(2026, 11, 20))

    assert braked_by() == ["overall"]


def test_promise_21_returns_are_measured_before_a_file_is_cut(sent):
    came_back(10, day=sent.now)
    sent.pay(sent.invoice("CL-2", "60.00"))

    sent.go_to(eastern(2026, 11, 20))

    assert braked_by() == ["overall"]
    assert Payment.objects.filter(state="scheduled").count() == 1


def test_promise_21_no_quiet_day_lifts_a_return_limit(sent):
    came_back(10)
    return_limits.watch(now=NOW)

    return_limits.watch(now=NOW + timedelta(days=90))

    assert braked_by() == ["overall"]


def test_promise_21_lifted_a_limit_brakes_again_after_as_many_more(sent):
    came_back(10)
    return_limits.watch(now=NOW)
    lift(sent)
    later = NOW + timedelta(days=1)

    came_back(9, at=later)
    return_limits.watch(now=later)
    assert braked_by() == []

    came_back(1, at=later)
    return_limits.watch(now=later)
    assert len(braked_by()) == 2


def test_promise_21_lifted_twice_a_limit_stays_lifted(sent):
    came_back(10)
    return_limits.watch(now=NOW)
    lift(sent)
    later = NOW + timedelta(days=1)
    came_back(10, at=later)
    return_limits.watch(now=later)

    lift(sent, now=later)
    return_limits.watch(now=later)

    assert braked_by() == []


def test_promise_21_lifted_another_limit_brakes(sent):
    came_back(10)
    return_limits.watch(now=NOW)
    lift(sent)

    came_back(10, "R10")
    return_limits.watch(now=NOW)

    assert braked_by() == ["overall", "unauthorised"]


def test_promise_21_a_limit_crossed_anew_brakes_again(sent):
    came_back(10, day=NOW - timedelta(days=55))
    return_limits.watch(now=NOW)
    lift(sent)
    quiet = NOW + timedelta(days=10)
    return_limits.watch(now=quiet)

    came_back(10, at=NOW, day=quiet)
    return_limits.watch(now=quiet)

    assert braked_by() == ["overall"]


def test_promise_21_a_warning_is_written_once_and_ends(sent):
    came_back(1, day=NOW - timedelta(days=55))

    for _ in range(3):
        return_limits.watch(now=NOW)
    return_limits.watch(now=NOW + timedelta(days=10))

    assert [entry.act for entry in BrakeEntry.objects.order_by("number")] == ["warned", "warned"]
    assert brake.warnings(BrakeKind.RETURN_LIMIT) == {}
