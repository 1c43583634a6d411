"""What a bank does oddly breaks no promise: `verify` stays clean all the way."""

from __future__ import annotations

import pytest
from django.db import transaction

from billfold.banking.models import BankFile
from billfold.payments.outgoing import withdrawal
from billfold.payments.proof import report
from billfold.platform import clock
from tests import privilege
from tests.world import World, eastern

DAYS = (eastern(2026, 11, 17), eastern(2026, 11, 18), eastern(2026, 11, 20), eastern(2026, 12, 2))


def broken(world: World) -> dict[int, list[str]]:
    with transaction.atomic():
        privilege.take_every_right()
        proof = report.examine(world.biller, now=world.now)
        transaction.set_rollback(True)
    return {kept.promise: kept.first for kept in proof.promises if kept.offenders}


@pytest.mark.parametrize(
    "account",
    ["77440060", "77440072", "77440073", "77440074", "77440075"],
    ids=["returned late", "credited twice", "credited net", "unknown trace", "wrong amount"],
)
def test_an_odd_bank_breaks_no_promise(world: World, account: str) -> None:
    world.pay(world.invoice("CL-1", "120.00"), account="77440000")
    world.pay(world.invoice("CL-2", "220.00"), account=account)

    for day in DAYS:
        world.go_to(day)

        assert broken(world) == {}


def test_a_file_taken_back_breaks_no_promise(world: World) -> None:
    world.pay(world.invoice("CL-1", "120.00"), account="77440001")
    world.now = eastern(2026, 11, 16, 17, 1)
    clock.move_to(world.now)
    world.run_jobs()
    file = BankFile.objects.get(direction="out")
    with transaction.atomic():
        withdrawal.withdraw(file.pk, why="a test", actor=world.actor(), now=world.now)

    for day in (world.now, *DAYS):
        world.go_to(day)

        assert broken(world) == {}
