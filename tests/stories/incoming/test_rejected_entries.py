"""The bank marks an entry of ours as rejected: its payment is named, and a person asks the bank."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from billfold import jobs
from billfold.banking import exchange
from billfold.banking.models import BankFile
from billfold.payments.accounts import account_validation, bank_accounts
from billfold.payments.cases.case_kinds import CaseKind
from billfold.payments.models import Case, Instruction, Payment
from billfold.payments.paying import scheduling
from billfold.rails.ach.reason_codes import Correction
from tests import privilege
from tests.stories.incoming.bank_words import leave, line, return_of, statement
from tests.stories.portal.payer import text_of
from tests.world import World, eastern, run_job

MONDAY, TUESDAY, WEDNESDAY = (eastern(2026, 11, day, 17) for day in (16, 17, 18))


def send(world: World) -> None:
    """Send what is due on Monday; nobody acts at the bank."""
    jobs.cut_off(MONDAY)
    world.release_all(MONDAY)
    run_job("send", MONDAY)


def rejected(payment: Payment, written: str = "REJ06030") -> bytes:
    """Give the file of a payment back, with the bank's mark over its trace number."""
    instruction = Instruction.objects.get(payment=payment)
    lines = exchange.unseal_content(instruction.file).decode().splitlines()
    marked = [
        record[:79] + written + record[79 + len(written) :]
        if record.startswith("6") and record.endswith(instruction.trace)
        else record
        for record in lines
    ]
    assert marked != lines
    return "\n".join(marked).encode()


def case_of_rejection() -> Case:
    return Case.objects.get(kind=CaseKind.REJECTED_ENTRY)


def test_promise_15_an_entry_the_bank_rejected_names_its_payment_in_a_case(world: World):
    payment = world.pay(world.invoice("CL-1", "120.00"))
    world.pay(world.invoice("CL-2", "80.00"), account="440002")
    send(world)

    file = leave(world, "REJECTS.ach", rejected(payment), now=TUESDAY)

    assert (file.state, file.kind) == ("read", "returns")
    case = case_of_rejection()
    assert case.payment == payment
    assert case.title == (
        f"The bank rejected the debit of $120.00 for {payment.reference}, reason REJ06030"
    )
    assert case.evidence == f"bankfile/{file.id}"
    assert case.facts["trace"] == Instruction.objects.get(payment=payment).trace
    assert Case.objects.count() == 1
    assert world.state(payment) == "in_transit"


def test_promise_15_a_trace_number_that_is_gone_leaves_customer_amount_bank_and_account(
    world: World,
):
    payment = world.pay(world.invoice("CL-1", "120.00"))
    world.pay(world.invoice("CL-2", "120.00"), account="440002")
    send(world)

    leave(world, "REJECTS.ach", rejected(payment, "REJ06030       "), now=TUESDAY)

    assert case_of_rejection().payment == payment


@pytest.mark.parametrize("written", ["REJ06030       ", "REJ060309999999"])
def test_promise_15_of_two_entries_alike_none_is_named_and_both_are_likely(
    world: World, written: str
):
    payments = [world.pay(world.invoice(f"CL-{n}", "120.00")) for n in (1, 2)]
    send(world)

    leave(world, "REJECTS.ach", rejected(payments[0], written), now=TUESDAY)

    case = case_of_rejection()
    assert case.payment is None
    assert set(case.facts["likely"]) == {payment.reference for payment in payments}
    assert "not known for certain" in case.title


def test_promise_15_of_two_entries_alike_the_digits_that_are_left_name_one(world: World):
    payments = [world.pay(world.invoice(f"CL-{n}", "120.00")) for n in (1, 2)]
    send(world)

    for number, payment in enumerate(payments):
        leave(world, f"REJECTS-{number}.ach", rejected(payment), now=TUESDAY)

    cases = Case.objects.filter(kind=CaseKind.REJECTED_ENTRY).order_by("opened_at", "id")
    assert [case.payment for case in cases] == payments


def test_promise_15_the_digits_count_where_the_mark_stands_over_the_batch_as_well(world: World):
    payments = [world.pay(world.invoice(f"CL-{n}", "120.00")) for n in (1, 2)]
    send(world)
    lines = rejected(payments[1]).decode().splitlines()
    marked = [
        f"{record[:79]}REJ06030{record[87:]}" if record[0] in "58" else record for record in lines
    ]

    leave(world, "REJECTS.ach", "\n".join(marked).encode(), now=TUESDAY)

    named = Case.objects.filter(kind=CaseKind.REJECTED_ENTRY).values_list("payment__reference")
    assert {reference for (reference,) in named} == {each.reference for each in payments}


def test_promise_15_an_account_corrected_since_hides_no_entry_whose_trace_is_whole(world: World):
    payment = world.pay(world.invoice("CL-1", "120.00"))
    send(world)
    content = rejected(payment)
    bank_accounts.correct(
        payment.method_id,
        Correction(account_number="4417000001"),
        code="C01",
        evidence="bankfile/1",
        now=world.now,
    )

    leave(world, "REJECTS.ach", content, now=TUESDAY)

    assert case_of_rejection().payment == payment


def test_promise_15_an_entry_under_way_is_meant_and_not_one_that_settled(world: World):
    world.pay(world.invoice("CL-1", "120.00"))
    send(world)
    on = date(2026, 11, 17)
    credit = line(142, 12_000, "ACH CREDIT", on=on)
    leave(world, "PRIOR.bai", statement(world, on, [credit]), now=WEDNESDAY)
    jobs.reconcile(WEDNESDAY)
    world.now = WEDNESDAY
    payment = world.pay(world.invoice("CL-2", "120.00"))
    thursday = eastern(2026, 11, 19, 17)
    jobs.cut_off(thursday)
    world.release_all(thursday)
    run_job("send", thursday)

    leave(world, "REJECTS.ach", rejected(payment, "REJ06030       "), now=thursday)

    assert case_of_rejection().payment == payment


def test_promise_15_digits_that_are_left_name_nobody_elses_entry(world: World):
    """Some banks number what they take anew, so that the digits may be those of another entry."""
    payment = world.pay(world.invoice("CL-1", "120.00"))
    other_customer = world.add_customer("40-118-9999", "Larkspur Bakery")
    invoice = world.invoice("CL-2", "120.00", customer=other_customer)
    world.give_access(world.payer, other_customer)
    intent = world.intent([invoice], account=world.account("440002"))
    (other,) = scheduling.schedule([replace(intent, customer_id=other_customer.id)], now=world.now)
    send(world)
    digits = Instruction.objects.get(payment=other.payment).trace[8:]

    leave(world, "REJECTS.ach", rejected(payment, f"REJ06030{digits}"), now=TUESDAY)

    assert case_of_rejection().payment == payment


def test_promise_15_an_entry_that_is_not_ours_is_a_case_without_a_payment(world: World):
    payment = world.pay(world.invoice("CL-1", "120.00"))
    send(world)
    content = rejected(payment, "REJ060309999999").replace(b"40-118-2207", b"99-999-9999")

    leave(world, "REJECTS.ach", content, now=TUESDAY)

    case = case_of_rejection()
    assert case.payment is None
    assert case.facts["likely"] == [payment.reference]
    assert case.facts["customer"] == "99-999-9999"


def test_promise_13_a_rejection_heard_twice_is_one_case(world: World):
    payment = world.pay(world.invoice("CL-1", "120.00"))
    send(world)
    content = rejected(payment)

    leave(world, "REJECTS.ach", content, now=TUESDAY)
    leave(world, "AGAIN.ach", content.replace(b"\n", b"\r\n"), now=TUESDAY)

    assert case_of_rejection().payment == payment


def test_the_case_closes_by_itself_when_the_payment_settles_after_all(world: World):
    payment = world.pay(world.invoice("CL-1", "120.00"))
    send(world)
    leave(world, "REJECTS.ach", rejected(payment), now=TUESDAY)
    on = date(2026, 11, 17)

    credit = line(142, 12_000, "ACH CREDIT", on=on)
    leave(world, "PRIOR.bai", statement(world, on, [credit]), now=WEDNESDAY)
    jobs.reconcile(WEDNESDAY)

    assert world.state(payment) == "settled"
    assert case_of_rejection().resolution == "Its payment settled"


def test_the_case_closes_by_itself_when_the_payment_is_returned(world: World):
    payment = world.pay(world.invoice("CL-1", "120.00"))
    send(world)
    leave(world, "REJECTS.ach", rejected(payment), now=TUESDAY)
    entry = Instruction.objects.get(payment=payment)

    leave(world, "RET.ach", return_of(world, entry, "R01", on=WEDNESDAY.date()), now=WEDNESDAY)

    assert world.state(payment) == "returned"
    assert case_of_rejection().resolution == "It was returned"


def test_promise_18_a_prenote_the_bank_rejected_vouches_for_nothing(world: World):
    world.connection.account_validation = account_validation.PRENOTE
    privilege.save(world.connection)
    given = world.account("77441234")
    validation = account_validation.validate(
        given, setting=account_validation.PRENOTE, now=world.now
    )
    intent = replace(
        world.intent([world.invoice("CL-1", "120.00")], account=given), validation=validation
    )
    payment = scheduling.schedule([intent], now=world.now)[0].payment
    send(world)

    leave(world, "REJECTS.ach", rejected(payment), now=TUESDAY)

    assert world.state(payment) == "failed"
    assert Instruction.objects.get().answer == "REJ06030"
    case = case_of_rejection()
    assert (case.payment, "prenote" in case.title) == (payment, True)


def test_staff_see_which_payment_was_rejected_and_ask_the_bank(world: World, client):
    payment = world.pay(world.invoice("CL-1", "120.00"))
    send(world)
    file = leave(world, "REJECTS.ach", rejected(payment, "REJ06030       "), now=TUESDAY)
    client.force_login(world.clerk)

    listed = text_of(client.get(f"/office/files/{file.id}"))
    asked_for = text_of(client.get(f"/office/cases/{case_of_rejection().id}"))

    assert "Rejected by the bank (REJ06030)" in listed and payment.reference in listed
    assert "ask the bank whether it repairs the entry" in asked_for


@pytest.mark.parametrize("kind", ["WEB", "PPD"])
def test_promise_15_a_file_of_debits_to_send_is_refused_in_words(world: World, kind: str):
    world.pay(world.invoice("CL-1", "120.00"))
    send(world)
    content = exchange.unseal_content(BankFile.objects.get(direction="out"))

    file = leave(world, "BACK.ach", content.replace(b"WEB", kind.encode()), now=TUESDAY)

    assert file.state == "refused"
    (problem,) = file.problems
    assert "asks for debits" in problem and "Add the bank's returns" in problem
    assert Case.objects.get().kind == CaseKind.UNREADABLE_FILE
