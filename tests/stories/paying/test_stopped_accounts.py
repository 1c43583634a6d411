"""An account that a return took out of use is not debited again, whoever names it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from django.db import connection, transaction

from billfold.payments.accounts import account_validation, bank_accounts, wallet
from billfold.payments.cases.case_kinds import CaseKind
from billfold.payments.funnel import stopped_accounts
from billfold.payments.method_models import Mandate, MethodState, PaymentMethod
from billfold.payments.models import Case, Instruction, Payment
from billfold.payments.paying import funding_account, scheduling
from billfold.platform import tenancy
from billfold.platform.models import AuditEntry
from billfold.rails.ach.reason_codes import Correction
from billfold.receivables.models import Customer
from tests import waiting
from tests.conftest import MONDAY
from tests.world import World, eastern


def test_promise_18_a_payment_scheduled_from_another_row_of_a_stopped_account_is_not_sent(world):
    world.pay(world.invoice("CL-1", "120.00"), account="440010")
    world.go_to(eastern(2026, 11, 18, 18))
    again = world.pay(world.invoice("CL-2", "80.00"), account="440010")

    world.go_to(eastern(2026, 11, 19, 18))

    assert world.state(again) == "failed"
    assert not Instruction.objects.filter(payment=again).exists()
    assert set(PaymentMethod.objects.values_list("state", flat=True)) == {MethodState.FROZEN}
    assert not Mandate.objects.filter(revoked_at=None).exists()
    assert AuditEntry.objects.filter(action="payment method stopped").count() == 2


def test_promise_18_a_row_that_is_added_later_does_not_open_a_stopped_account(world):
    payment = world.pay(world.invoice("CL-1", "120.00"), account="440010")
    world.go_to(eastern(2026, 11, 18, 18))
    again = world.pay(world.invoice("CL-2", "80.00"), account="440010")
    PaymentMethod.objects.filter(pk=payment.method_id).update(state=MethodState.HELD)

    world.go_to(eastern(2026, 11, 18, 19))
    world.now = eastern(2026, 11, 19, 17)
    world.run_jobs()

    assert PaymentMethod.objects.get(pk=again.method_id).state == MethodState.ACTIVE
    assert world.state(again) == "failed"


def test_promise_18_a_saved_row_of_a_stopped_account_pays_nothing(world):
    world.pay(world.invoice("CL-1", "120.00"), account="440010")
    saved = wallet.add(
        world.account("440010"),
        customer_id=world.customer.id,
        actor=world.actor(),
        now=world.now,
    )
    world.go_to(eastern(2026, 11, 20))
    PaymentMethod.objects.filter(pk=saved.pk).update(state=MethodState.ACTIVE)
    saved.refresh_from_db()
    intent = replace(world.intent([world.invoice("CL-2", "80.00")]), account=saved)

    with pytest.raises(scheduling.MethodNotUsable):
        scheduling.schedule([intent], now=world.now)


@pytest.mark.parametrize("again", ["00440010", "0440010"])
def test_promise_18_leading_zeros_do_not_bring_a_stopped_account_of_the_customer_back(world, again):
    world.pay(world.invoice("CL-1", "120.00"), account="440010")
    world.go_to(eastern(2026, 11, 18, 18))
    waiting = world.pay(world.invoice("CL-2", "80.00"), account=again)

    world.go_to(eastern(2026, 11, 19, 18))

    assert world.state(waiting) == "failed"
    assert PaymentMethod.objects.get(pk=waiting.method_id).state == MethodState.FROZEN
    with pytest.raises(scheduling.MethodNotUsable):
        world.pay(world.invoice("CL-3", "10.00"), account="000440010")


def test_promise_18_another_customers_account_that_differs_in_zeros_is_held_with_a_case(world):
    world.pay(world.invoice("CL-1", "120.00"), account="440010")
    neighbour = world.add_customer("40-118-9999", "Marsh & Daughters")
    world.go_to(eastern(2026, 11, 18, 18))
    waiting = _pay_for(world, neighbour, "0440010")

    world.go_to(eastern(2026, 11, 19, 18))

    method = PaymentMethod.objects.get(pk=waiting.method_id)
    assert (method.state, method.awaits_check) == (MethodState.HELD, True)
    assert Mandate.objects.get(method=method).revoked_at is None
    assert world.state(waiting) == "failed"
    case = Case.objects.get(kind=CaseKind.LIKE_STOPPED_ACCOUNT)
    assert case.facts["customer"] == "40-118-9999"
    assert "40-118-9999" in case.title


def test_promise_18_another_customer_who_has_the_very_account_is_stopped_too(world):
    world.pay(world.invoice("CL-1", "120.00"), account="440010")
    neighbour = world.add_customer("40-118-9999", "Marsh & Daughters")
    world.go_to(eastern(2026, 11, 18, 18))
    waiting = _pay_for(world, neighbour, "440010")

    world.go_to(eastern(2026, 11, 19, 18))

    assert PaymentMethod.objects.get(pk=waiting.method_id).state == MethodState.FROZEN
    assert not Case.objects.filter(kind=CaseKind.LIKE_STOPPED_ACCOUNT).exists()


def test_promise_18_a_new_account_like_another_customers_stopped_one_waits_for_a_person(world):
    world.pay(world.invoice("CL-1", "120.00"), account="440010")
    world.go_to(eastern(2026, 11, 19, 18))
    neighbour = world.add_customer("40-118-9999", "Marsh & Daughters")
    alike = world.account("0440010")

    for _ in range(2):
        with pytest.raises(stopped_accounts.AccountOnHold):
            stopped_accounts.check(alike, customer_id=neighbour.id, now=world.now)
    with pytest.raises(stopped_accounts.AccountStopped):
        stopped_accounts.check(world.account("440010"), customer_id=neighbour.id, now=world.now)
    with pytest.raises(stopped_accounts.AccountStopped):
        stopped_accounts.check(alike, customer_id=world.customer.id, now=world.now)
    with pytest.raises(scheduling.MethodNotUsable):
        _pay_for(world, neighbour, "0440010")

    assert PaymentMethod.objects.get(accesses__customer=neighbour).awaits_check
    assert Case.objects.filter(kind=CaseKind.LIKE_STOPPED_ACCOUNT).count() == 1


def test_promise_18_an_account_that_was_removed_before_its_return_stays_out_of_use(world):
    payment = world.pay(world.invoice("CL-1", "120.00"), account="440010")
    world.go_to(eastern(2026, 11, 17, 8))
    PaymentMethod.objects.update(state=MethodState.REMOVED)

    world.go_to(eastern(2026, 11, 20, 18))

    assert world.state(payment) == "returned"
    with pytest.raises(scheduling.MethodNotUsable):
        world.pay(world.invoice("CL-2", "10.00"), account="440010")


def test_promise_18_a_saved_account_is_recognised_with_leading_zeros(world):
    saved = wallet.add(
        world.account("4417006789"),
        customer_id=world.customer.id,
        actor=world.actor(),
        now=world.now,
    )

    with pytest.raises(wallet.AlreadySaved):
        wallet.add(
            world.account("004417006789"),
            customer_id=world.customer.id,
            actor=world.actor(),
            now=world.now,
        )
    assert saved.id == funding_account.find_saved(
        world.account("04417006789"),
        customer_id=world.customer.id,
        person_id=world.payer.id,
    )


def test_promise_18_the_number_is_sent_as_it_was_typed(world):
    payment = world.pay(world.invoice("CL-1", "120.00"), account="004417006789")

    assert payment.method.account.number() == "004417006789"


def test_promise_18_an_earlier_payment_proves_the_account_with_leading_zeros_too(world):
    earlier = world.pay(world.invoice("CL-1", "120.00"), account="4417006789")
    world.go_to(eastern(2026, 11, 20, 18))
    assert world.state(earlier) == "settled"

    validation = account_validation.by_history(
        world.account("04417006789").account_fingerprint, now=world.now
    )

    assert validation.evidence == earlier.subject


def test_an_account_the_bank_corrected_to_a_number_with_a_dash_can_be_chosen(world):
    method = world.pay(world.invoice("CL-1", "120.00")).method
    bank_accounts.correct(
        method.pk,
        Correction(account_number="44-17"),
        code="C01",
        evidence="bankfile/1",
        now=world.now,
    )

    account = bank_accounts.unsealed(PaymentMethod.objects.get(pk=method.pk))

    assert account.account_number == "44-17"


def test_a_correction_to_an_account_that_is_saved_already_leaves_it_saved_once(world):
    saved = wallet.add(
        world.account("7711"), customer_id=world.customer.id, actor=world.actor(), now=world.now
    )
    wallet.update(saved, nickname="Main", is_default=True, actor=world.actor(), now=world.now)
    other = wallet.add(
        world.account("7722"), customer_id=world.customer.id, actor=world.actor(), now=world.now
    )
    bank_accounts.correct(
        other.pk,
        Correction(account_number="07711"),
        code="C01",
        evidence="bankfile/1",
        now=world.now,
    )

    [listed] = wallet.saved(world.customer.id, person_id=world.payer.id)
    assert (listed.id, listed.nickname, listed.is_default) == (other.id, "Main", True)


def test_promise_10_an_account_saved_twice_at_once_is_saved_once(desk, tmp_path):
    with tenancy.use(desk), ThreadPoolExecutor(6) as threads:
        world = World(desk, tmp_path / "bank", MONDAY)
        with transaction.atomic():
            bank_accounts.add(
                world.account(),
                customer_id=world.customer.id,
                remember=True,
                actor=world.actor(),
                now=world.now,
            )
            saving = [threads.submit(_save, world) for _ in range(6)]
            waiting.wait_until(lambda: _waiting_for_a_lock() == 6, "all wait for the first")
        outcomes = [each.result(waiting.HUNG_AFTER_SECONDS) for each in saving]

        assert outcomes == ["saved before"] * 6
        assert PaymentMethod.objects.count() == 1


def _save(world: World) -> str:
    """Save the world's account from a connection of its own."""
    try:
        with tenancy.use(world.biller):
            wallet.add(
                world.account("04417006789"),
                customer_id=world.customer.id,
                actor=world.actor(),
                now=world.now,
            )
    except wallet.AlreadySaved:
        return "saved before"
    finally:
        connection.close()
    return "saved"


def _waiting_for_a_lock() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(*) FROM pg_locks l WHERE NOT granted AND pg_backend_pid() =
               ANY(pg_blocking_pids(l.pid))"""
        )
        [(count,)] = cursor.fetchall()
    return count


def _pay_for(world: World, customer: Customer, account: str) -> Payment:
    invoice = world.invoice("CL-9", "80.00", customer=customer)
    intent = world.intent([invoice], account=world.account(account))
    intent = replace(intent, customer_id=customer.id)
    return scheduling.schedule([intent], now=world.now)[0].payment
