"""Bank lines that are not plain: what may explain them does, anything else says what is missing."""

from __future__ import annotations

import pytest

from billfold import jobs
from billfold.banking.models import BankFile, BankLine
from billfold.payments.models import Case, Instruction, Payment
from tests import privilege
from tests.stories.incoming.bank_words import leave, line, return_of, sent, statement
from tests.stories.portal.payer import text_of
from tests.world import World, eastern

WEDNESDAY = eastern(2026, 11, 18, 12)
THURSDAY = eastern(2026, 11, 19, 6)
"""When the statement of Wednesday comes."""


def returned(world: World, payment: Payment) -> None:
    entry = Instruction.objects.get(payment=payment)
    leave(
        world,
        f"{entry.trace}.ach",
        return_of(world, entry, "R01", on=WEDNESDAY.date()),
        now=WEDNESDAY,
    )


def credited(world: World, amount_minor: int, text: str = "ACH CREDIT") -> BankLine:
    bank_line = line(142, amount_minor, text, on=WEDNESDAY.date())
    leave(world, "day.bai", statement(world, WEDNESDAY.date(), [bank_line]), now=THURSDAY)
    jobs.reconcile(THURSDAY)
    return BankLine.objects.get()


def test_promise_7_a_line_that_is_a_file_less_its_returns_is_explained(world):
    short, whole = sent(world, 16, "120.00", "80.00")
    returned(world, short)

    assert credited(world, 8_000).explained_at
    assert (world.state(short), world.state(whole)) == ("returned", "settled")


def test_promise_7_a_line_short_of_anything_else_than_the_returns_stays_open(world):
    short, whole = sent(world, 16, "120.00", "80.00")
    returned(world, short)

    assert not credited(world, 7_999).explained_at
    assert world.state(whole) == "in_transit"


@pytest.mark.parametrize(
    ("settlement", "text", "explained"),
    [
        ("gross", "ACH CREDIT", False),
        ("net", "ACH CREDIT", True),
        ("gross", "ACH CREDIT FILE ach-20261116-A", True),
    ],
)
def test_where_gross_was_agreed_no_other_file_may_come_into_question(
    world, settlement, text, explained
):
    world.connection.settlement = settlement
    privilege.save(world.connection)
    short, _ = sent(world, 16, "120.00", "80.00")
    sent(world, 17, "50.00")
    returned(world, short)

    assert bool(credited(world, 8_000, text).explained_at) is explained


@pytest.mark.parametrize(
    ("type_code", "words"),
    [
        (142, "adds up to a file of ours, or to one less the payments of it that were returned"),
        (557, "as soon as the return it belongs to is here"),
        (195, "cannot be booked here yet"),
    ],
)
def test_a_bank_line_says_what_closes_it_and_offers_no_form_that_cannot(
    world, client, type_code, words
):
    bank_line = line(type_code, 4_200, "SOMETHING", on=WEDNESDAY.date())
    closing = {"opening_minor": 100_000}
    leave(
        world, "day.bai", statement(world, WEDNESDAY.date(), [bank_line], **closing), now=THURSDAY
    )
    jobs.reconcile(THURSDAY)
    client.force_login(world.clerk)
    case = Case.objects.get()

    page = text_of(client.get(f"/office/cases/{case.id}"))

    assert words in page
    assert "Waits for the bank" in page
    assert "Close this case" not in page and "What do you want to do?" not in page
    assert client.get("/office/cases").context["page"].rows[0].action_text == "Look"


def debited(world: World, amount_minor: int, text: str) -> Case:
    bank_line = line(557, amount_minor, text, on=WEDNESDAY.date())
    content = statement(world, WEDNESDAY.date(), [bank_line], opening_minor=100_000)
    leave(world, "day.bai", content, now=THURSDAY)
    jobs.reconcile(THURSDAY)
    return Case.objects.get(kind="bank line to explain")


def test_a_debit_of_another_amount_leads_to_the_payment_it_names(world):
    (payment,) = sent(world, 16, "120.00")
    trace = Instruction.objects.get().trace

    case = debited(world, 12_100, f"RETURN ITEM R01 TRACE {trace}")

    assert case.payment == payment
    assert case.facts["sent"] == "$120.00"


@pytest.mark.parametrize("text", ["RETURN ITEM", "RETURN ITEM TRACE 129999010000001"])
def test_a_debit_that_names_no_payment_of_ours_lists_those_it_may_mean(world, text):
    (payment,) = sent(world, 16, "120.00")

    case = debited(world, 12_000, text)

    assert case.payment is None
    assert case.facts["likely"] == [payment.reference]


def test_a_return_of_another_amount_leads_to_the_payment_it_names(world):
    payment = world.pay(world.invoice("CL-1", "120.00"), account="440075")
    world.go_to(eastern(2026, 11, 20))

    case = Case.objects.get(kind="return that does not fit")

    assert case.payment == payment
    assert (case.facts["amount"], case.facts["sent"]) == ("$121.00", "$120.00")


def test_a_return_that_names_no_payment_of_ours_lists_those_it_may_mean(world, client):
    payment = world.pay(world.invoice("CL-1", "120.00"), account="440074")
    world.go_to(eastern(2026, 11, 20))
    client.force_login(world.clerk)

    case = Case.objects.get(kind="return that does not fit")
    page = client.get(f"/office/cases/{case.id}").context["page"]

    assert case.facts["likely"] == [payment.reference]
    assert page.likely_payments[0].link.url == f"/office/payments/{payment.reference}"


def test_a_return_seen_before_its_file_is_credited_ends_both_timelines(world, client):
    short, _ = sent(world, 16, "120.00", "80.00")
    returned(world, short)
    credited(world, 20_000)
    assert BankFile.objects.filter(direction="out").count() == 1

    client.force_login(world.clerk)
    steps = client.get(f"/office/payments/{short.reference}").context["page"].steps
    client.force_login(world.payer)
    payer_steps = client.get(f"/payments/{short.reference}").context["page"].steps

    assert [step.title for step in steps][-2:] == ["Settled", "Returned R01"]
    assert [step.is_current for step in steps][-2:] == [False, True]
    assert [step.title for step in payer_steps] == ["Authorized", "Sent to the bank", "Returned"]
