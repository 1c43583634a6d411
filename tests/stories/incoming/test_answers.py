"""What the bank answers to a file: taken once at its word, never against what is known."""

from __future__ import annotations

from datetime import datetime

import pytest

from billfold import jobs
from billfold.banking import exchange
from billfold.banking.models import BankFile
from billfold.payments.cases import casework, unresolved_files
from billfold.payments.models import Case, Payment
from billfold.payments.outgoing import transmission, withdrawal
from billfold.payments.paying import scheduling
from billfold.payments.proof import report
from billfold.platform.models import AuditEntry
from tests.stories.incoming.bank_words import answer
from tests.world import World, eastern, run_job

MONDAY, TUESDAY, WEDNESDAY = (eastern(2026, 11, day, 17) for day in (16, 17, 18))


@pytest.fixture
def file(world: World) -> BankFile:
    """Give Monday's file, sent."""
    world.pay(world.invoice("CL-1", "120.00"))
    jobs.cut_off(MONDAY)
    world.release_all(MONDAY)
    run_job("send", MONDAY)
    return BankFile.objects.get(direction="out")


def state(file: BankFile) -> str:
    return BankFile.objects.get(pk=file.pk).state


def open_case_kinds() -> list[str]:
    return sorted(Case.objects.filter(closed_at=None).values_list("kind", flat=True))


def broken(world: World, now: datetime) -> set[int]:
    """Tell which promises about money and files are broken."""
    return {7, 10, 13, 14, 18} & set(report.examine(world.biller, now=now).broken)


def test_promise_25_an_acceptance_is_on_record(world, file):
    answer(world, file, "accepted", now=MONDAY)

    entry = AuditEntry.objects.get(action="bank file accepted")
    assert entry.subject == f"bankfile/{file.id}"
    assert entry.before == {"state": "sent"}


@pytest.mark.parametrize("verdict", ["accepted", "rejected"])
def test_promise_13_the_same_answer_again_is_no_news(world, file, verdict):
    answer(world, file, verdict, now=MONDAY)
    before = Case.objects.count()

    answer(world, file, verdict, now=MONDAY, name="again")

    assert state(file) == verdict
    assert Case.objects.count() == before
    assert not Case.objects.filter(kind=unresolved_files.KIND).exists()


def test_a_rejection_of_an_accepted_file_changes_nothing_and_asks(world, file):
    answer(world, file, "accepted", now=MONDAY)
    answer(world, file, "rejected", now=MONDAY)

    assert state(file) == "accepted"
    assert Payment.objects.get().state == "in_transit"
    assert Case.objects.get().key == f"answer/{file.id}/rejected"
    assert broken(world, TUESDAY) == set()


def test_a_rejection_after_settlement_undoes_no_settled_money(world, file):
    payment = Payment.objects.get()
    world.go_to(eastern(2026, 11, 18))
    BankFile.objects.filter(pk=file.pk).update(state="sent")  # This bank has not answered yet.
    assert world.state(payment) == "settled"

    answer(world, file, "rejected", now=world.now)

    assert (world.state(payment), state(file)) == ("settled", "sent")
    assert payment.instructions.get().is_live
    assert open_case_kinds() == [unresolved_files.KIND]


def test_promise_14_payments_of_a_rejected_file_wait_while_the_bank_also_says_it_took_it(
    world, file
):
    payment = Payment.objects.get()
    answer(world, file, "rejected", now=MONDAY)
    answer(world, file, "accepted", now=MONDAY)
    assert state(file) == "rejected"
    assert open_case_kinds() == [unresolved_files.KIND, "file rejected"]

    jobs.cut_off(TUESDAY)

    assert world.state(payment) == "scheduled"
    assert BankFile.objects.filter(direction="out").count() == 1
    assert broken(world, TUESDAY) == set()
    with pytest.raises(scheduling.TooLateToCancel):
        scheduling.cancel(payment, actor=world.actor(), now=TUESDAY)

    case = Case.objects.get(kind=unresolved_files.KIND)
    casework.close(case.pk, "It was not debited", actor=world.clerk.actor(), now=WEDNESDAY)
    assert broken(world, WEDNESDAY) == set()
    jobs.cut_off(WEDNESDAY)
    assert world.state(payment) == "in_transit"


def test_an_acceptance_names_the_file_in_which_its_payments_went_out_again(world, file):
    answer(world, file, "rejected", now=MONDAY)
    jobs.cut_off(TUESDAY)
    again = BankFile.objects.get(direction="out", state="built")

    answer(world, file, "accepted", now=TUESDAY)

    assert again.name in Case.objects.get(kind=unresolved_files.KIND).title


def cut_short(world: World, file: BankFile) -> None:
    """Let a person find, wrongly, that the file never came."""
    BankFile.objects.filter(pk=file.pk).update(state="sending", sent_at=None)
    transmission.open_unknown_case(file, "cut", now=MONDAY)
    case = Case.objects.get(kind=transmission.KIND)
    transmission.resolve(
        case.pk, "called", has_arrived=False, actor=world.treasurers[0].actor(), now=MONDAY
    )


@pytest.mark.parametrize("verdict", ["accepted", "rejected"])
def test_an_answer_to_a_file_taken_back_changes_nothing_and_asks(world, file, verdict):
    cut_short(world, file)
    withdrawal.withdraw_unsent(file.pk, file.sha256, why="late", actor=world.actor(), now=MONDAY)

    answer(world, file, verdict, now=MONDAY)

    assert state(file) == "void"
    assert Payment.objects.get().state == "scheduled"
    assert open_case_kinds() == [unresolved_files.KIND]
    assert BankFile.objects.filter(direction="in", state="read").count() == 1


def test_promise_14_a_file_the_bank_took_is_not_sent_again_whatever_a_person_found_out(world, file):
    cut_short(world, file)
    assert state(file) == "built"

    answer(world, file, "accepted", now=MONDAY)

    assert state(file) == "accepted"
    assert exchange.send_released(world.connection, now=MONDAY) == []
    assert not {14, 20} & set(report.examine(world.biller, now=MONDAY).broken)


def test_a_file_of_which_a_payment_has_moved_on_is_not_withdrawn(world, file):
    world.go_to(eastern(2026, 11, 18))
    BankFile.objects.filter(pk=file.pk).update(state="sent")

    with pytest.raises(withdrawal.NotWithdrawable):
        withdrawal.withdraw(file.pk, why="x", actor=world.actor(), now=world.now)
