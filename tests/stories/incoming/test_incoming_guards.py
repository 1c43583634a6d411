"""What the bank says and what does not fit: it moves nothing, whatever else would match."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest

from billfold import jobs
from billfold.banking.models import BankFile, BankLine
from billfold.payments.accounts import account_validation
from billfold.payments.cases.case_kinds import CaseKind
from billfold.payments.models import Case, Instruction, Payment
from billfold.payments.outgoing import withdrawal
from billfold.payments.paying import scheduling
from billfold.simulator.bank.memory import AccountLine
from tests import privilege
from tests.stories.incoming.bank_words import leave, line, return_of, statement
from tests.world import World, eastern, run_job


def sent(world: World, amount: str = "120.00") -> Payment:
    """Send a file with one payment on Monday; nobody acts at the bank."""
    payment = world.pay(world.invoice("CL-1", amount))
    jobs.cut_off(eastern(2026, 11, 16, 17))
    world.release_all(eastern(2026, 11, 16, 17))
    run_job("send", eastern(2026, 11, 16, 18))
    return payment


def reported(world: World, bank_line: AccountLine, *, on: date, now: datetime) -> BankLine:
    leave(world, "day.bai", statement(world, on, [bank_line]), now=now)
    jobs.reconcile(now)
    return BankLine.objects.get()


def test_promise_15_a_return_from_another_bank_than_we_sent_to_is_parked(world):
    payment = sent(world)
    entry = Instruction.objects.get(payment=payment)
    content = return_of(world, entry, "R01", on=date(2026, 11, 18))
    with privilege.every_right():
        Instruction.objects.update(rdfi="09199904")

    leave(world, "returns.ach", content, now=eastern(2026, 11, 18, 12))

    assert world.state(payment) == "in_transit"
    assert "another bank than we sent to" in Case.objects.get(kind=CaseKind.UNFIT_RETURN).title


@pytest.mark.parametrize(("day", "is_explained"), [(27, True), (30, False)])
def test_promise_7_a_credit_more_than_ten_days_late_waits_for_a_person(world, day, is_explained):
    payment = sent(world)
    assert BankFile.objects.get(direction="out").effective_date == date(2026, 11, 17)
    on = date(2026, 11, day)

    bank_line = reported(
        world, line(142, 12_000, "ACH CREDIT", on=on), on=on, now=eastern(2026, 12, 1)
    )

    assert (bank_line.explained_at is not None) is is_explained
    assert (world.state(payment) == "settled") is is_explained


def test_promise_7_a_debit_from_before_the_payment_was_made_takes_nothing_back(world):
    payment = sent(world)
    entry = Instruction.objects.get(payment=payment)
    wednesday = eastern(2026, 11, 18, 12)
    leave(world, "returns.ach", return_of(world, entry, "R01", on=wednesday.date()), now=wednesday)
    assert world.state(payment) == "returned"
    friday = date(2026, 11, 13)

    bank_line = reported(
        world, line(557, 12_000, "RETURNED ITEM", on=friday), on=friday, now=wednesday
    )

    assert bank_line.explained_at is None
    assert not payment.events.filter(kind="takenback").exists()


def test_promise_14_a_file_whose_prenote_was_answered_is_not_withdrawn(world):
    world.connection.account_validation = account_validation.PRENOTE
    privilege.save(world.connection)
    account = world.account("77441234")
    validation = account_validation.validate(
        account, setting=account_validation.PRENOTE, now=world.now
    )
    intent = world.intent([world.invoice("CL-1", "120.00")], account=account)
    scheduling.schedule([replace(intent, validation=validation)], now=world.now)
    jobs.cut_off(eastern(2026, 11, 16, 17))
    file = BankFile.objects.get(direction="out")
    assert Instruction.objects.filter(file=file, kind="prenote").update(answer="R03") == 1

    with pytest.raises(withdrawal.NotWithdrawable):
        withdrawal.withdraw(file.pk, why="late", actor=world.actor(), now=world.now)

    assert Instruction.objects.get(file=file).is_live
