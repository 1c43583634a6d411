"""A document that does not fit is a person's to judge, and never in the way of the next one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, OperationalError

from billfold import jobs
from billfold.banking import exchange
from billfold.banking.models import BankFile
from billfold.payments.cases import parked_items
from billfold.payments.funnel import recording
from billfold.payments.incoming import intake
from billfold.payments.method_models import BankAccount
from billfold.payments.models import Case, Instruction
from billfold.payments.paying import scheduling
from billfold.platform.models import ItemFailure
from billfold.rails.protocol import Returned
from billfold.receivables.models import Invoice
from tests.stories.incoming.bank_words import answer, leave, line, return_of, statement
from tests.world import World, eastern, run_job, usd

MONDAY, TUESDAY = eastern(2026, 11, 16, 17), eastern(2026, 11, 17, 17)
WEDNESDAY, THURSDAY = eastern(2026, 11, 18), eastern(2026, 11, 19)


def test_promise_13_the_same_notice_of_change_for_two_debits_corrects_the_account_once(world):
    first = world.pay(world.invoice("CL-1", "120.00"), account="440011")
    intent = replace(world.intent([world.invoice("CL-2", "80.00")]), account=first.method)
    scheduling.schedule([intent], now=world.now)
    other = world.pay(world.invoice("CL-3", "33.00"), account="440001")

    world.go_to(eastern(2026, 11, 19))

    assert BankFile.objects.get(kind="returns").state == "read"
    assert BankAccount.objects.get(replaces__isnull=False).method_id == first.method_id
    assert world.state(other) == "returned"
    assert not Case.objects.exists()


def test_promise_13_another_notice_in_the_same_file_is_a_persons_to_judge(world):
    from billfold.payments.accounts import bank_accounts
    from billfold.rails.ach.reason_codes import Correction

    method = world.pay(world.invoice("CL-1", "120.00")).method

    def correct(number: str) -> None:
        bank_accounts.correct(
            method.pk,
            Correction(account_number=number),
            code="C01",
            evidence="bankfile/1",
            now=world.now,
        )

    correct("771")
    correct("771")
    with pytest.raises(bank_accounts.CorrectedOtherwise):
        correct("772")

    method.refresh_from_db()
    assert (method.account.last4, method.label) == ("771", "Checking ending 771")
    assert BankAccount.objects.filter(replaces__isnull=False).count() == 1


@pytest.fixture
def stumbling(monkeypatch):
    """Let the reading of returns fail, as a fault of our own would."""

    def fail(raised: Exception) -> None:
        def record(events, *, now):
            raise raised

        monkeypatch.setattr(recording, "record", record)

    return fail


def returned(world: World) -> bytes:
    world.pay(world.invoice("CL-1", "120.00"), account="440001")
    jobs.cut_off(MONDAY)
    world.release_all(MONDAY)
    run_job("send", MONDAY)
    return return_of(world, Instruction.objects.get(), "R01", on=WEDNESDAY.date())


def test_a_document_our_own_code_stumbles_over_is_parked_and_the_next_is_read(
    world, stumbling, monkeypatch
):
    content = returned(world)
    (world.folder / "from_bank" / "A-RET.ach").write_bytes(content)
    prior_day = statement(world, date(2026, 11, 17), [])
    (world.folder / "from_bank" / "B-PRIOR.bai").write_bytes(prior_day)
    stumbling(IntegrityError("Key (account)=(440001) already exists"))

    run_job("fetch", WEDNESDAY)
    jobs.read(WEDNESDAY)

    assert BankFile.objects.get(name="A-RET.ach").state == "received"
    assert BankFile.objects.get(name="B-PRIOR.bai").state == "read"
    assert not Case.objects.exists()

    for minutes in (1, 3, 7, 15):
        jobs.read(WEDNESDAY + timedelta(minutes=minutes))
    case = Case.objects.get()
    assert case.kind == "file could not be taken in"
    assert "A-RET.ach (IntegrityError)" in case.title
    assert "440001" not in f"{case.title} {case.facts}"
    monkeypatch.undo()
    jobs.read(THURSDAY)
    assert BankFile.objects.get(name="A-RET.ach").state == "received"

    parked_items.try_again(ItemFailure.objects.get().pk, actor=world.actor(), now=THURSDAY)
    jobs.read(THURSDAY)

    assert BankFile.objects.get(name="A-RET.ach").state == "read"
    assert Instruction.objects.get().payment.state == "returned"
    case.refresh_from_db()
    assert case.resolution == "It is through"
    assert not ItemFailure.objects.exists()


def test_a_database_that_is_away_for_a_moment_puts_no_document_aside(world, stumbling, monkeypatch):
    content = returned(world)
    stumbling(OperationalError("the server is starting up"))

    with pytest.raises(OperationalError):
        leave(world, "RET.ach", content, now=WEDNESDAY)

    assert BankFile.objects.get(direction="in").state == "received"
    monkeypatch.undo()
    jobs.read(WEDNESDAY)
    assert BankFile.objects.get(direction="in").state == "read"


def taken_back_and_sent_again(world: World) -> Instruction:
    """Give the dead entry of a payment that went out again in another file."""
    world.pay(world.invoice("CL-1", "120.00"))
    jobs.cut_off(MONDAY)
    world.release_all(MONDAY)
    run_job("send", MONDAY)
    dead = Instruction.objects.get()
    answer(world, dead.file, "rejected", now=MONDAY)
    jobs.cut_off(TUESDAY)
    world.release_all(TUESDAY)
    run_job("send", TUESDAY)
    return dead


def test_promise_15_a_return_of_an_entry_taken_back_does_not_touch_the_new_debit(world):
    dead = taken_back_and_sent_again(world)
    content = return_of(world, dead, "R01", on=WEDNESDAY.date())

    leave(world, "RET.ach", content, now=WEDNESDAY)

    assert world.state(dead.payment) == "in_transit"
    assert not Invoice.objects.filter(kind="charge").exists()
    assert "taken back" in Case.objects.get(kind="return that does not fit").title


def test_promise_7_a_line_that_names_an_entry_taken_back_stays_an_open_item(world):
    dead = taken_back_and_sent_again(world)
    on = date(2026, 11, 17)
    taken = line(557, 12000, f"RETURN {dead.trace}", on=on)

    leave(world, "PRIOR.bai", statement(world, on, [taken], opening_minor=50000), now=WEDNESDAY)
    jobs.reconcile(WEDNESDAY)

    case = Case.objects.get(kind="bank line to explain")
    assert "its trace and amount fit no payment" in case.title
    assert not dead.payment.events.filter(kind="takenback").exists()


def test_promise_7_a_line_whose_bookings_do_not_fit_books_nothing_and_stays_open(world):
    from billfold.banking.models import BankLine
    from billfold.payments.incoming import reconciliation
    from billfold.rails.protocol import TakenBack

    payment = world.pay(world.invoice("CL-1", "120.00"))

    fits = reconciliation._is_recorded(
        [TakenBack(payment.reference, "takenback", MONDAY.date())], MONDAY
    )

    assert not fits
    assert not payment.events.exists()
    assert not Case.objects.exists()
    assert not BankLine.objects.exists()


def test_promise_15_a_return_after_its_deadline_is_applied_and_asked_about(world):
    world.pay(world.invoice("CL-1", "120.00"), account="440001")
    jobs.cut_off(MONDAY)
    world.release_all(MONDAY)
    run_job("send", MONDAY)
    instruction = Instruction.objects.get()
    late = eastern(2026, 11, 27)

    leave(world, "RET.ach", return_of(world, instruction, "R01", on=late.date()), now=late)

    assert world.state(instruction.payment) == "returned"
    case = Case.objects.get(kind="return to look at")
    assert "the bank may dishonour it (R68)" in case.title
    assert case.payment_id == instruction.payment_id


def test_a_document_that_was_refused_is_read_again_when_it_comes_again(world):
    leave(world, "ODD.bai", b"01,not a whole statement/\n", now=MONDAY)
    Case.objects.update(closed_at=MONDAY, closed_by="x", resolution="x")
    file, is_to_be_read = exchange.store(
        world.connection,
        intake.BankDocument("ODD.bai", b"01,not a whole statement/\n"),
        now=MONDAY,
    )

    jobs.read(MONDAY)

    assert is_to_be_read
    file.refresh_from_db()
    assert file.state == "refused"
    assert Case.objects.filter(closed_at=None).count() == 1


def test_a_return_marked_questionable_is_told_as_suspected_fraud(world):
    payment = world.pay(world.invoice("CL-1", "120.00"))
    world.go_to(eastern(2026, 11, 17))
    event = Returned(
        payment.reference,
        "return/1/R17",
        WEDNESDAY.date(),
        code="R17",
        amount=usd("120.00"),
        rdfi="12999901",
        info="QUESTIONABLE",
    )

    recording.record([event], now=WEDNESDAY)

    assert "suspected fraud" in Case.objects.get(kind="return to look at").title
