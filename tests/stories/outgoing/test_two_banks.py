"""Two bank accounts: each collects what was promised to it, at its own time, by its own files."""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from typing import Any

import pytest
from django.db import transaction

from billfold import jobs
from billfold.banking import connections
from billfold.banking.models import BankConnection, BankFile, BankLine
from billfold.payments.accounts import account_validation
from billfold.payments.models import CutOff, Instruction, Payment
from billfold.payments.outgoing import cutoff, withdrawal
from billfold.payments.paying import scheduling
from billfold.payments.proof import report
from billfold.platform.ids import new_id
from tests import privilege
from tests.world import ODFI, World, eastern

EARLY = eastern(2026, 11, 16, 15)
LATE = eastern(2026, 11, 16, 17)


def second(world: World, **terms: Any) -> BankConnection:
    return world.add_bank("Zeta", "000773149999", cutoff_eastern=time(15), **terms)


def make_default(bank: BankConnection) -> None:
    with privilege.every_right():
        connections.make_default(bank)


def two_payments(world: World, zeta: BankConnection) -> tuple[Payment, Payment]:
    """Promise one payment to each bank: the default changes between them."""
    first = world.pay(world.invoice("CL-1", "120.00"))
    make_default(zeta)
    other = world.pay(world.invoice("CL-2", "75.00"), account="4417001111")
    return first, other


def files_of(payment: Payment) -> list[str]:
    return [each.file.connection.name for each in Instruction.objects.filter(payment=payment)]


def test_promise_14_each_file_takes_what_was_promised_to_its_bank(world: World) -> None:
    zeta = second(world)
    first, other = two_payments(world, zeta)

    jobs.cut_off(EARLY)

    assert (world.state(first), world.state(other)) == ("scheduled", "in_transit")
    assert files_of(other) == ["Zeta"]

    jobs.cut_off(LATE)

    assert files_of(first) == ["Operating"]
    assert {file.connection.name: file.debit_minor for file in BankFile.objects.all()} == {
        "Operating": 12000,
        "Zeta": 7500,
    }
    assert set(CutOff.objects.values_list("connection__name", "business_date")) == {
        ("Operating", LATE.date()),
        ("Zeta", LATE.date()),
    }


def test_promise_13_each_statement_settles_its_own(world: World) -> None:
    first, other = two_payments(world, second(world))

    world.go_to(eastern(2026, 11, 20))

    assert (world.state(first), world.state(other)) == ("settled", "settled")
    lines = BankLine.objects.filter(is_credit=True).order_by("amount_minor")
    assert list(lines.values_list("connection__name", "amount_minor")) == [
        ("Zeta", 7500),
        ("Operating", 12000),
    ]
    checks = [check for check in report.CHECKS if check.promise in {13, 14, 19}]
    proof = report.examine(world.biller, now=world.now, checks=checks)
    assert proof.broken == []


def test_promise_18_a_prenote_goes_out_through_the_bank_of_its_payment(world: World) -> None:
    make_default(second(world))
    account = world.account("77441234")
    asking = account_validation.validate(account, setting=account_validation.PRENOTE, now=world.now)
    intent = world.intent([world.invoice("CL-1", "120.00")], account=account)
    payment = scheduling.schedule([replace(intent, validation=asking)], now=world.now)[0].payment
    make_default(world.connection)

    cutoff.collect_due(world.connection, LATE.date(), now=LATE)
    assert files_of(payment) == []

    jobs.cut_off(LATE)
    assert files_of(payment) == ["Zeta"]
    assert payment.instructions.get().kind == "prenote"


def test_promise_19_a_payment_is_canceled_until_the_cut_off_of_its_own_bank(world: World) -> None:
    first, other = two_payments(world, second(world))
    assert scheduling.cancelable_until(first) == LATE
    assert scheduling.cancelable_until(other) == EARLY
    jobs.cut_off(EARLY)

    with pytest.raises(scheduling.TooLateToCancel):
        scheduling.cancel(other, actor=world.actor(), now=EARLY)
    scheduling.cancel(first, actor=world.actor(), now=EARLY)

    assert (world.state(first), world.state(other)) == ("canceled", "in_transit")


def test_promise_14_what_is_taken_back_goes_out_through_its_own_bank(world: World) -> None:
    zeta = second(world)
    _, other = two_payments(world, zeta)
    jobs.cut_off(EARLY)
    make_default(world.connection)

    with transaction.atomic():
        withdrawal.withdraw(
            BankFile.objects.get().pk, why="a mistake", actor=world.actor(), now=EARLY
        )
    other.refresh_from_db()
    assert other.collect_on == eastern(2026, 11, 17).date()  # Its bank's Monday is closed.
    jobs.cut_off(eastern(2026, 11, 17, 15))

    assert files_of(other) == ["Zeta", "Zeta"]


def test_promise_14_two_accounts_at_one_bank_share_traces_and_modifiers(world: World) -> None:
    zeta = second(world, odfi_routing_number=ODFI, immediate_origin="1910000001")
    two_payments(world, zeta)

    jobs.cut_off(LATE)

    traces = Instruction.objects.order_by("trace").values_list("trace", flat=True)
    assert list(traces) == [f"{ODFI[:8]}0000001", f"{ODFI[:8]}0000002"]
    assert set(BankFile.objects.values_list("modifier", flat=True)) == {"A", "B"}


def test_promise_14_what_stops_one_bank_stops_no_other(world: World) -> None:
    first, other = two_payments(world, second(world))
    BankFile.objects.bulk_create(
        BankFile(
            id=new_id(),
            connection=world.connection,
            direction="out",
            kind="nacha",
            name=f"{modifier}.ach",
            sha256=modifier * 64,
            size=1,
            state="void",
            made_at=LATE,
            made_by="test",
            business_date=LATE.date(),
            modifier=modifier,
        )
        for modifier in cutoff.MODIFIERS
    )

    with pytest.raises(cutoff.NoModifierLeft):
        jobs.cut_off(LATE)

    assert (world.state(first), world.state(other)) == ("scheduled", "in_transit")
