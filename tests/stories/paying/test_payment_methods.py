"""Whose a saved account is, for whom it may be used, and what a notice of change makes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client

from billfold.notices.models import Notice
from billfold.payments.accounts import bank_accounts, method_access, wallet
from billfold.payments.method_models import (
    BankAccount,
    Mandate,
    MethodAccess,
    MethodState,
    PaymentMethod,
)
from billfold.payments.models import Instruction, Payment
from billfold.payments.paying import scheduling
from billfold.payments.proof import report
from billfold.people.models import Person
from billfold.platform.ids import new_id
from billfold.rails.ach.reason_codes import Correction
from billfold.receivables.models import Customer
from tests import privilege
from tests.stories.portal.payer import text_of
from tests.world import World, eastern

TUESDAY = eastern(2026, 11, 17)


@pytest.fixture
def studio(world: World) -> Customer:
    """Give the payer a second customer."""
    studio = world.add_customer("40-118-9999", "Hollis & Wren Studio")
    world.give_access(world.payer, studio)
    return studio


def save(
    world: World, customer: Customer, *, holder: str = "personal", by: Person | None = None
) -> PaymentMethod:
    account = world.account(holder=holder)
    actor = (by or world.payer).actor()
    return wallet.add(account, customer_id=customer.id, actor=actor, now=world.now)


def titles(customer: Customer, person: Person) -> list[str]:
    return [method.label for method in wallet.saved(customer.id, person_id=person.id)]


def pay_for(world: World, customer: Customer, method: PaymentMethod, number: str) -> Payment:
    invoice = world.invoice(number, "80.00", customer=customer)
    intent = replace(world.intent([invoice], account=method), customer_id=customer.id)
    return scheduling.schedule([intent], now=world.now)[0].payment


def correct(world: World, payment: Payment, number: str) -> None:
    bank_accounts.correct(
        payment.method_id,
        Correction(account_number=number),
        code="C01",
        evidence="bankfile/1",
        now=world.now,
    )


def sign_in(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def read(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return text_of(response)


def test_one_saved_account_of_a_person_serves_both_of_their_customers(world, studio):
    here, there = save(world, world.customer), save(world, studio)

    assert here == there
    assert titles(world.customer, world.payer) == titles(studio, world.payer) == [here.label]
    with pytest.raises(wallet.AlreadySaved):
        save(world, studio)
    assert MethodAccess.objects.count() == 2


def test_a_persons_own_account_is_given_to_the_customer_it_first_pays_for(world, studio):
    method = save(world, world.customer)

    payment = pay_for(world, studio, method, "ST-1")

    access = MethodAccess.objects.get(customer=studio)
    assert (access.method, access.by_id, access.by_name) == (method, world.actor().id, "Dana Osei")
    world.go_to(eastern(2026, 11, 20))
    assert world.state(payment) == "settled"


def test_removed_for_one_customer_an_account_stays_saved_for_the_other(world, studio):
    method = save(world, world.customer)
    save(world, studio)

    wallet.remove(method, customer_id=studio.id, actor=world.actor(), now=world.now)

    assert titles(studio, world.payer) == []
    assert titles(world.customer, world.payer) == [method.label]
    wallet.remove(method, customer_id=world.customer.id, actor=world.actor(), now=world.now)
    method.refresh_from_db()
    assert (method.is_remembered, method.state) == (False, MethodState.REMOVED)


def test_what_was_authorised_before_an_account_was_removed_still_goes_through(world):
    method = save(world, world.customer)
    payment = pay_for(world, world.customer, method, "CL-1")
    world.now = eastern(2026, 11, 16, 10)
    wallet.remove(method, customer_id=world.customer.id, actor=world.actor(), now=world.now)

    world.go_to(eastern(2026, 11, 20))

    assert world.state(payment) == "settled"


def test_promise_18_what_is_authorised_after_an_access_ended_is_not_debited(world):
    method = save(world, world.customer)
    payment = pay_for(world, world.customer, method, "CL-1")
    with privilege.every_right_and_no_triggers():
        MethodAccess.objects.update(until=world.now.replace(hour=13))

    world.go_to(TUESDAY)

    assert world.state(payment) == "failed"


def test_promise_18_a_colleague_pays_from_the_companys_account_and_from_no_persons(world):
    colleague = world.add_person("ana@hollis-wren.example", "Ana Wren")
    world.give_access(colleague, world.customer)
    theirs = save(world, world.customer, by=colleague)
    companys = save(world, world.customer, holder="business", by=colleague)

    assert titles(world.customer, world.payer) == [companys.label]
    with pytest.raises(scheduling.NotYours):
        pay_for(world, world.customer, theirs, "CL-1")
    assert pay_for(world, world.customer, companys, "CL-2").method == companys
    mine = sign_in(world.payer)
    assert mine.get(f"/payment-methods/{theirs.id}").status_code == 404
    assert mine.get(f"/payment-methods/{companys.id}").status_code == 200


def test_promise_18_a_companys_account_pays_for_no_other_customer(world, studio):
    companys = save(world, world.customer, holder="business")

    with pytest.raises(scheduling.NotYours):
        pay_for(world, studio, companys, "ST-1")


def test_promise_18_an_account_of_nobody_serves_one_payment_and_no_more(world):
    with transaction.atomic():
        guests = bank_accounts.add(
            world.account(),
            customer_id=world.customer.id,
            remember=True,
            actor=replace(world.actor(), id="guest/1"),
            now=world.now,
        )

    assert not guests.is_remembered
    assert method_access.owner_of(guests) == method_access.MethodOwner()
    with pytest.raises(scheduling.NotYours):
        pay_for(world, world.customer, guests, "CL-1")


@pytest.mark.parametrize("waits", [True, False])
def test_promise_18_a_notice_of_change_adds_an_account_and_the_consent_follows(world, waits):
    payment = world.pay(world.invoice("CL-1", "120.00"))
    consented = payment.mandate.account
    if not waits:
        world.go_to(eastern(2026, 11, 16, 18))

    correct(world, payment, "7000004321")
    correct(world, payment, "7000004321")

    before = BankAccount.objects.get(replaces=None)
    after = BankAccount.objects.get(replaces=before)
    assert before == consented
    assert (after.replaces, after.code, after.evidence) == (before, "C01", "bankfile/1")
    assert before.number() == "4417006789"
    assert Mandate.objects.get().account == consented
    assert PaymentMethod.objects.get().account == after
    world.go_to(eastern(2026, 11, 20))
    assert world.state(payment) == "settled"
    label = "Checking ending 4321" if waits else "Checking ending 6789"
    assert Instruction.objects.get().method_label == label
    privilege.take_every_right()
    proof = report.examine(world.biller, now=world.now)
    assert {each.promise: each.first for each in proof.promises if each.offenders} == {}


def test_a_payment_shows_the_account_agreed_to_and_the_one_its_bank_made_of_it(world):
    payment = world.pay(world.invoice("CL-1", "120.00"))
    both = "Checking ending 4321, which its bank gave us for Checking ending 6789"
    client, staff = sign_in(world.payer), sign_in(world.clerk)

    correct(world, payment, "7000004321")

    assert both in read(client, f"/payments/{payment.reference}")
    world.go_to(TUESDAY)
    assert f"from {both}." in Notice.objects.get(kind="sent").body
    assert "Paid from: Checking ending 6789\n" in Notice.objects.get(kind="received").body
    assert both in read(client, f"/payments/{payment.reference}")
    assert both in read(staff, f"/office/payments/{payment.reference}")
    correct_again = Correction(account_number="7000005555")
    bank_accounts.correct(
        payment.method_id, correct_again, code="C01", evidence="bankfile/2", now=world.now
    )
    assert both in read(client, f"/payments/{payment.reference}")


def test_a_payment_whose_account_did_not_change_names_it_once(world):
    payment = world.pay(world.invoice("CL-1", "120.00"))

    receipt = read(sign_in(world.payer), f"/payments/{payment.reference}")

    assert "Checking ending 6789, Pacific Lantern Bank" in receipt
    assert "which its bank gave us" not in receipt


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _end_twice(mandate: Mandate) -> None:
    Mandate.objects.update(revoked_at=TUESDAY)
    Mandate.objects.update(revoked_at=None)


REWRITES: dict[str, Callable[[Mandate], object]] = {
    "text": lambda _: Mandate.objects.update(text="I agree to anything"),
    "amount": lambda _: Mandate.objects.update(amount_minor=1),
    "account": lambda mandate: Mandate.objects.update(account=mandate.account_id, kind="recurring"),
    "its end, again": _end_twice,
    "removal": lambda _: _execute("DELETE FROM payments_mandate"),
    "customer": lambda _: MethodAccess.objects.update(by_name="Somebody"),
    "access removed": lambda _: _execute("DELETE FROM payments_methodaccess"),
    "number": lambda _: BankAccount.objects.update(last4="0000"),
}


@pytest.mark.parametrize("rewrite", REWRITES.values(), ids=REWRITES)
def test_promise_18_nobody_rewrites_a_consent_an_access_or_an_account(world, rewrite):
    mandate = world.pay(world.invoice("CL-1", "120.00")).mandate

    with (
        privilege.every_right(),
        pytest.raises(DatabaseError, match="never changed"),
        transaction.atomic(),
    ):
        rewrite(mandate)


ODD_ROWS = {
    "of a person and a company": (
        "UPDATE payments_paymentmethod m SET owner_customer_id = a.customer_id "
        "FROM payments_methodaccess a"
    ),
    "remembered of nobody": (
        "UPDATE payments_paymentmethod SET owner_person_id = NULL, is_remembered = true"
    ),
    "default and backup": "UPDATE payments_paymentmethod SET is_default = true, is_backup = true",
    "of another kind": "UPDATE payments_paymentmethod SET kind = 'cheque'",
    "a second way to be given": (
        "INSERT INTO payments_methodaccess (id, method_id, customer_id, since, by_id, by_name) "
        "SELECT gen_random_uuid(), method_id, customer_id, since, by_id, by_name "
        "FROM payments_methodaccess"
    ),
}


@pytest.mark.parametrize("statement", ODD_ROWS.values(), ids=ODD_ROWS)
def test_the_database_takes_no_odd_method(world, statement):
    world.pay(world.invoice("CL-1", "120.00"))

    with (
        privilege.every_right(),
        pytest.raises(IntegrityError),
        transaction.atomic(),
    ):
        _execute(statement)


@pytest.mark.parametrize("link", ["none", "the same"])
def test_promise_18_a_method_has_one_present_account(world, link):
    payment = world.pay(world.invoice("CL-1", "120.00"))
    correct(world, payment, "7000004321")
    account = BankAccount.objects.get(replaces__isnull=False)
    account.id = new_id()
    if link == "none":
        account.replaces, account.code, account.evidence = None, "", ""

    with pytest.raises(IntegrityError), transaction.atomic():
        account.save(force_insert=True)
