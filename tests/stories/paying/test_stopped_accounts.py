"""An account that a return took out of use is not debited again, whoever names it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from billfold.payments.accounts import wallet
from billfold.payments.models import Instruction, Mandate, MethodState, PaymentMethod
from billfold.payments.paying import scheduling
from billfold.platform.models import AuditEntry
from tests.world import eastern


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
