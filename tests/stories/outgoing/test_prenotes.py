"""A new account under `prenote`: its bank is asked with an entry of zero, the first debit waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from billfold.banking import exchange
from billfold.banking.models import BankFile
from billfold.cli.profile import tables
from billfold.cli.profile.fields import BANK, InvalidProfileValue
from billfold.cli.profile.files import ProfileChanges
from billfold.cli.refusal import CommandRefused
from billfold.formats import nacha
from billfold.ledger import book
from billfold.notices.models import Notice
from billfold.payments.accounts import account_validation, mandates
from billfold.payments.method_models import BankAccount, Mandate, MethodState, PaymentMethod
from billfold.payments.models import Case, Instruction, Payment
from billfold.payments.outgoing import withdrawal
from billfold.payments.paying import scheduling
from billfold.payments.proof import report
from billfold.platform import clock
from billfold.platform.models import AuditEntry
from billfold.receivables.models import Invoice
from tests import privilege
from tests.conftest import MONDAY
from tests.stories.incoming.bank_words import answer, leave, return_of
from tests.stories.portal.payer import Payer, text_of
from tests.world import ODFI, OPERATOR, World, eastern, usd

NEW = "77441234"


@pytest.fixture
def asking(world: World) -> World:
    """Have accounts validated by prenotes; it is the Monday of Thanksgiving week."""
    world.connection.account_validation = account_validation.PRENOTE
    privilege.save(world.connection)
    world.now = eastern(2026, 11, 23)
    clock.move_to(world.now)
    return world


def pay(world: World, invoice: Invoice, *, account: str = NEW, holder: str = "personal") -> Payment:
    given = world.account(account, holder)
    way = account_validation.PRENOTE
    validation = account_validation.validate(given, setting=way, now=world.now)
    intent = replace(world.intent([invoice], account=given), validation=validation)
    return scheduling.schedule([intent], now=world.now)[0].payment


def entries(day: date) -> list[tuple[int, int, str]]:
    """Read what the files of a day ask for: code, amount, account."""
    return [
        (entry.transaction_code, entry.amount_minor, entry.account_number.strip())
        for file in BankFile.objects.filter(direction="out", business_date=day).order_by("made_at")
        for _, entry in nacha.read(exchange.unseal_content(file)).entries()
    ]


def prenotes() -> list[Instruction]:
    return list(Instruction.objects.filter(kind="prenote").order_by("trace"))


def is_clean(world: World) -> bool:
    privilege.take_every_right()
    proof = report.examine(world.biller, now=world.now)
    assert {each.promise: each.first for each in proof.promises if each.offenders} == {}
    return proof.is_clean


def test_the_payer_of_a_new_account_sees_the_later_day_and_why_before_paying(asking, client):
    asking.invoice("CL-1", "120.00")
    payer = Payer(asking, client)
    payer.sign_in()

    chosen = payer.choose("CL-1")
    review = text_of(client.get(chosen["Location"]))
    done = payer.press(payer.review(chosen))

    payment = Payment.objects.get()
    assert (payment.collect_on, payment.reflected_by) == (date(2026, 11, 30), date(2026, 12, 2))
    why = "This account is new to us, so we first ask your bank whether it takes payments."
    assert f"Monday, Nov 30 Reflected by Wednesday, Dec 2 {why}" in review
    assert "You can cancel until 5:00 pm ET on Monday, Nov 30." in review
    assert "on or after Nov 30, 2026" in review
    assert payment.mandate.text in review
    receipt = text_of(client.get(done["Location"]))
    assert "Your payment is scheduled for Monday, Nov 30" in receipt
    assert why in receipt
    letter = Notice.objects.get(kind="received").body
    assert "Payment date: Monday, November 30, 2026\n" + why in letter


def test_promise_18_the_zero_entry_goes_first_and_the_debit_after_the_wait(asking):
    payment = pay(asking, asking.invoice("CL-1", "120.00"))

    asking.go_to(eastern(2026, 11, 23, 18))

    assert entries(date(2026, 11, 23)) == [(28, 0, NEW)]
    file = BankFile.objects.get(direction="out")
    assert (file.entry_count, file.debit_minor, file.effective_date.day) == (1, 0, 24)
    assert asking.state(payment) == "scheduled"
    asking.go_to(eastern(2026, 11, 30, 16))
    assert BankFile.objects.filter(direction="out").count() == 1
    asking.go_to(eastern(2026, 12, 2, 18))
    assert entries(date(2026, 11, 30)) == [(27, 12_000, NEW)]
    assert asking.state(payment) == "settled"
    mandate = Mandate.objects.get()
    validation = mandates.validation_of(mandate)
    assert validation.at is not None
    assert validation.at.date() == date(2026, 11, 30)
    assert validation.evidence == f"prenote/{prenotes()[0].trace}"
    assert len(prenotes()) == 1
    assert is_clean(asking)


def test_promise_18_an_account_the_bank_does_not_know_is_never_debited(asking):
    invoice = asking.invoice("CL-1", "120.00")
    payment = pay(asking, invoice, account="774403")

    asking.go_to(eastern(2026, 12, 2, 18))

    assert asking.state(payment) == "failed"
    assert asking.open(invoice) == usd("120.00")
    assert book.bookings([payment.in_transit]) == []
    assert not Instruction.objects.filter(kind="payment").exists()
    assert PaymentMethod.objects.get().state == MethodState.FROZEN
    assert Mandate.objects.get().revoked_at is not None
    assert not Invoice.objects.filter(kind="charge").exists()
    assert not Case.objects.exists()
    letter = Notice.objects.get(kind="failed").body
    assert "We asked the bank about the account. The bank could not find an account" in letter
    with pytest.raises(scheduling.MethodNotUsable):
        pay(asking, invoice, account="774403")
    assert is_clean(asking)


def test_the_receipt_of_a_refused_payment_says_what_the_bank_said(asking, client):
    payment = pay(asking, asking.invoice("CL-1", "120.00"), account="774402")
    asking.go_to(eastern(2026, 11, 25, 18))
    payer = Payer(asking, client)
    payer.sign_in()

    receipt = text_of(client.get(f"/payments/{payment.reference}"))

    assert "We asked the bank about the account. The account is closed." in receipt


@pytest.mark.parametrize("again", [NEW, f"00{NEW}"])
def test_promise_18_two_payments_from_a_new_account_share_one_prenote(asking, again):
    first = pay(asking, asking.invoice("CL-1", "120.00"))
    asking.go_to(eastern(2026, 11, 24))
    second = pay(asking, asking.invoice("CL-2", "80.00"), account=again)

    assert second.collect_on == first.collect_on == date(2026, 11, 30)
    asking.go_to(eastern(2026, 12, 2, 18))

    assert len(prenotes()) == 1
    assert entries(date(2026, 11, 24)) == []
    assert sorted(entries(date(2026, 11, 30))) == [(27, 8_000, again), (27, 12_000, NEW)]
    assert asking.state(first) == asking.state(second) == "settled"
    assert is_clean(asking)


def test_one_no_of_the_bank_refuses_every_payment_from_the_account(asking):
    first = pay(asking, asking.invoice("CL-1", "120.00"), account="774403")
    second = pay(asking, asking.invoice("CL-2", "80.00"), account="774403")

    asking.go_to(eastern(2026, 11, 25, 18))

    assert asking.state(first) == asking.state(second) == "failed"
    assert Notice.objects.filter(kind="failed").count() == 2
    assert is_clean(asking)


def test_a_payment_canceled_meanwhile_leaves_its_prenote_to_the_next_one(asking):
    first = pay(asking, asking.invoice("CL-1", "120.00"))
    asking.go_to(eastern(2026, 11, 23, 18))
    scheduling.cancel(first, actor=asking.actor(), now=asking.now)
    asking.go_to(eastern(2026, 12, 1))
    second = pay(asking, asking.invoice("CL-2", "80.00"))

    assert second.collect_on == date(2026, 12, 1)
    asking.go_to(eastern(2026, 12, 3, 18))

    assert asking.state(first) == "canceled"
    assert asking.state(second) == "settled"
    assert len(prenotes()) == 1
    assert is_clean(asking)


def test_a_no_to_a_canceled_payment_stops_its_account_without_a_case(asking):
    first = pay(asking, asking.invoice("CL-1", "120.00"), account="774403")
    asking.go_to(eastern(2026, 11, 23, 18))
    scheduling.cancel(first, actor=asking.actor(), now=asking.now)

    asking.go_to(eastern(2026, 11, 25, 18))

    assert asking.state(first) == "canceled"
    assert PaymentMethod.objects.get().state == MethodState.FROZEN
    assert prenotes()[0].answer == "R03"
    assert not Case.objects.exists()
    assert is_clean(asking)


def test_a_canceled_payment_is_not_asked_about(asking):
    payment = pay(asking, asking.invoice("CL-1", "120.00"))
    scheduling.cancel(payment, actor=asking.actor(), now=asking.now)

    asking.go_to(eastern(2026, 11, 23, 18))

    assert not BankFile.objects.filter(direction="out").exists()


def test_a_withdrawn_file_begins_the_wait_again_and_the_payer_is_told(asking):
    payment = pay(asking, asking.invoice("CL-1", "120.00"))
    asking.now = eastern(2026, 11, 23, 17)
    asking.run_jobs()
    file = BankFile.objects.get(direction="out")
    actor = asking.treasurers[0].actor()

    withdrawal.withdraw_unsent(file.pk, file.sha256, why="wrong bank", actor=actor, now=asking.now)

    payment.refresh_from_db()
    assert (payment.state, payment.collect_on) == ("scheduled", date(2026, 12, 1))
    letter = Notice.objects.get(kind="postponed").body
    assert "Your payment date is now Tuesday, December 1, 2026." in letter
    asking.go_to(eastern(2026, 12, 3, 18))
    assert entries(date(2026, 11, 24)) == [(28, 0, NEW)]
    assert [each.is_live for each in prenotes()] == [False, True]
    assert entries(date(2026, 12, 1)) == [(27, 12_000, NEW)]
    assert asking.state(payment) == "settled"
    assert is_clean(asking)


def test_promise_18_a_prenote_that_nobody_released_vouches_for_nothing(asking):
    payment = pay(asking, asking.invoice("CL-1", "120.00"))
    asking.now = eastern(2026, 11, 23, 17)
    asking.run_jobs()
    for day in (24, 25, 27, 30):
        asking.now = eastern(2026, 11, day, 17)
        clock.move_to(asking.now)
        asking.run_jobs()

    payment.refresh_from_db()
    assert (payment.state, payment.collect_on) == ("scheduled", date(2026, 12, 7))
    assert len(prenotes()) == 1
    assert Notice.objects.filter(kind="postponed").count() == 1


def test_a_late_cut_off_moves_the_payment_with_its_prenote(asking):
    payment = pay(asking, asking.invoice("CL-1", "120.00"))
    asking.now = eastern(2026, 11, 25, 10)
    clock.move_to(asking.now)

    asking.run_jobs()

    payment.refresh_from_db()
    assert BankFile.objects.get(direction="out").effective_date == date(2026, 11, 27)
    assert payment.collect_on == date(2026, 12, 2)
    assert payment.reflected_by == date(2026, 12, 4)
    assert Notice.objects.filter(kind="postponed").exists()


def test_a_file_of_prenotes_alone_does_not_release_itself_without_a_limit(asking):
    pay(asking, asking.invoice("CL-1", "120.00"))
    asking.now = eastern(2026, 11, 23, 17)

    asking.run_jobs()

    assert BankFile.objects.get(direction="out").state == "built"


def test_a_notice_of_change_to_a_prenote_lets_the_corrected_account_be_debited(asking):
    first = pay(asking, asking.invoice("CL-1", "120.00"), account="77440011")
    second = pay(asking, asking.invoice("CL-2", "80.00"), account="77440011")

    asking.go_to(eastern(2026, 12, 2, 18))

    assert BankAccount.objects.filter(replaces__isnull=False).count() == 2
    assert sorted(entries(date(2026, 11, 30))) == [
        (27, 8_000, "77440000"),
        (27, 12_000, "77440000"),
    ]
    assert asking.state(first) == asking.state(second) == "settled"
    assert is_clean(asking)


def test_a_business_account_waits_for_no_prenote(asking):
    payment = pay(asking, asking.invoice("CL-1", "120.00"), holder="business")

    asking.go_to(eastern(2026, 11, 23, 18))

    assert payment.mandate.validated_by == ""
    assert entries(date(2026, 11, 23)) == [(27, 12_000, NEW)]


def test_an_account_that_paid_before_is_asked_about_no_more(asking):
    pay(asking, asking.invoice("CL-1", "120.00"))
    asking.go_to(eastern(2026, 12, 3))

    again = pay(asking, asking.invoice("CL-2", "80.00"))

    assert again.mandate.validated_by == "history"
    assert again.collect_on == date(2026, 12, 3)


def test_prenotes_and_debits_travel_in_one_file_that_settles_as_ever(asking):
    known = asking.pay(asking.invoice("CL-1", "120.00"), account="77440022")
    waiting = pay(asking, asking.invoice("CL-2", "80.00"))

    asking.go_to(eastern(2026, 11, 25, 18))

    assert entries(date(2026, 11, 23)) == [(27, 12_000, "77440022"), (28, 0, NEW)]
    assert asking.state(known) == "settled"
    assert asking.state(waiting) == "scheduled"
    asking.go_to(eastern(2026, 12, 2, 18))
    assert asking.state(waiting) == "settled"
    assert not Case.objects.exists()
    assert is_clean(asking)


def test_a_prenote_of_a_savings_account_has_code_38(asking):
    account = replace(asking.account(NEW), account_type="savings")
    validation = account_validation.validate(
        account, setting=account_validation.PRENOTE, now=asking.now
    )
    intent = asking.intent([asking.invoice("CL-1", "120.00")], account=account)
    scheduling.schedule([replace(intent, validation=validation)], now=asking.now)

    asking.go_to(eastern(2026, 11, 23, 18))

    assert entries(date(2026, 11, 23)) == [(38, 0, NEW)]


def test_staff_see_a_prenote_as_one(asking, client):
    payment = pay(asking, asking.invoice("CL-1", "120.00"))
    asking.go_to(eastern(2026, 11, 23, 18))
    client.force_login(asking.clerk)

    file = BankFile.objects.get(direction="out")
    file_page = text_of(client.get(f"/office/files/{file.id}"))
    page = text_of(client.get(f"/office/payments/{payment.reference}"))

    assert "Prenote, WEB · Checking ending 1234" in file_page
    assert "Trace # of the prenote" in page
    assert "prenote: the answer is awaited" in page


def test_the_first_payment_of_all_is_asked_about_at_its_own_cut_off(world):
    world.connection.account_validation = account_validation.PRENOTE
    privilege.save(world.connection)
    assert world.now == MONDAY
    payment = pay(world, world.invoice("CL-1", "120.00"))

    world.go_to(eastern(2026, 11, 16, 18))

    assert entries(date(2026, 11, 16)) == [(28, 0, NEW)]
    assert payment.collect_on == date(2026, 11, 20)


def asked_about(world: World, payment: Payment) -> Instruction:
    """Let the prenote of a payment go out; give it."""
    world.go_to(eastern(2026, 11, 23, 18))
    return Instruction.objects.get(payment=payment, kind="prenote")


def test_a_change_that_cannot_be_applied_refuses_what_waits_and_asks_a_person(asking):
    payment = pay(asking, asking.invoice("CL-1", "120.00"))
    prenote = asked_about(asking, payment)
    returns = return_of(asking, prenote, "C02", on=date(2026, 11, 25))

    leave(asking, "changed.ach", returns, now=eastern(2026, 11, 25))

    assert asking.state(payment) == "failed"
    assert Case.objects.get().kind == "notice of change"
    assert "other details by now" in Notice.objects.get(kind="failed").body
    asking.now = eastern(2026, 12, 1)
    again = pay(asking, asking.invoice("CL-2", "80.00"))
    assert again.collect_on == date(2026, 12, 7)


def test_a_note_about_the_name_lets_the_debit_go(asking):
    payment = pay(asking, asking.invoice("CL-1", "120.00"))
    prenote = asked_about(asking, payment)
    returns = return_of(asking, prenote, "C04", on=date(2026, 11, 25))

    leave(asking, "named.ach", returns, now=eastern(2026, 11, 25))
    assert Case.objects.get().kind == "notice of change"
    asking.go_to(eastern(2026, 12, 2, 18))

    assert asking.state(payment) == "settled"
    assert is_clean(asking)


def test_promise_13_the_same_no_told_twice_takes_effect_once(asking):
    payment = pay(asking, asking.invoice("CL-1", "120.00"))
    prenote = asked_about(asking, payment)

    for day in (25, 27):
        returns = return_of(asking, prenote, "R04", on=date(2026, 11, day))
        leave(asking, f"returns-{day}.ach", returns, now=eastern(2026, 11, day))

    assert asking.state(payment) == "failed"
    assert payment.events.filter(kind="refused").count() == 1
    assert AuditEntry.objects.filter(action="payment method stopped").count() == 1
    assert not Case.objects.exists()


def test_a_no_that_comes_after_the_debit_leaves_the_payment_and_asks_a_person(asking):
    payment = pay(asking, asking.invoice("CL-1", "120.00"))
    prenote = asked_about(asking, payment)
    asking.go_to(eastern(2026, 11, 30, 18))
    returns = return_of(asking, prenote, "R03", on=date(2026, 12, 1))

    leave(asking, "late.ach", returns, now=eastern(2026, 12, 1))

    assert asking.state(payment) == "in_transit"
    assert "a debit of the account is out already" in Case.objects.get().title
    assert PaymentMethod.objects.get().state == MethodState.FROZEN


def test_a_return_of_a_prenote_with_an_amount_is_parked(asking):
    payment = pay(asking, asking.invoice("CL-1", "120.00"))
    prenote = asked_about(asking, payment)
    prenote.amount_minor = 12_000
    returns = return_of(asking, prenote, "R03", on=date(2026, 11, 25))

    leave(asking, "odd.ach", returns, now=eastern(2026, 11, 25))

    assert asking.state(payment) == "scheduled"
    assert "another amount than we sent" in Case.objects.get().title


def test_a_file_refused_whole_begins_the_wait_again(asking):
    payment = pay(asking, asking.invoice("CL-1", "120.00"))
    asking.now = eastern(2026, 11, 23, 17)
    asking.run_jobs()
    asking.release_all()
    asking.run_jobs()
    file = BankFile.objects.get(direction="out")

    answer(asking, file, "rejected", now=eastern(2026, 11, 23, 18))

    payment.refresh_from_db()
    assert payment.collect_on == date(2026, 12, 1)
    assert [each.is_live for each in prenotes()] == [False]
    assert Notice.objects.filter(kind="postponed").count() == 1


def test_the_pay_page_says_by_when_a_first_payment_is_reflected(asking, client):
    asking.invoice("CL-1", "120.00")
    Payer(asking, client).sign_in()

    page = text_of(client.get("/pay"))

    sentence = "The first one from a personal account that is new to us: by Wednesday, Dec 2."
    assert sentence in page
    assert sentence in text_of(client.get("/"))


BANK_TERMS = {
    "bank_name": "First Harbor Bank",
    "odfi_routing_number": ODFI,
    "immediate_origin": "1910000001",
    "company_name": "CEDARLINE COMM",
    "company_id": "1910000001",
}


def test_an_account_is_checked_only_in_a_way_that_works_here(desk, monkeypatch):
    terms = {"name": "Operating", "account_number": "000773142019", **BANK_TERMS}
    tables.begin(desk, ["desk.test"])

    def choose(way: str) -> list[str]:
        changes = ProfileChanges(banks=[terms | {"account_validation": way}])
        return tables.apply(desk, changes, actor=OPERATOR, now=MONDAY)

    choose("bank_service")
    monkeypatch.delitem(account_validation.VALIDATORS, "bank_service")
    assert "account_validation (history or prenote)" in tables.list_missing(desk)
    with pytest.raises(CommandRefused, match="choose history or prenote"):
        choose("bank_service")
    assert choose("history") == ["bank connection Operating: account_validation"]
    assert "account_validation (history or prenote)" not in tables.list_missing(desk)


def test_micro_entries_are_not_offered():
    with pytest.raises(InvalidProfileValue, match="must be bank_service or history or prenote"):
        BANK["account_validation"].read("micro_entries")
