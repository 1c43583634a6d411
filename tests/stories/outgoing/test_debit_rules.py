"""The cut-off's rules, one by one: a payment that breaks one is not debited, and says which."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Final

import pytest

from billfold import jobs
from billfold.banking.models import BankConnection
from billfold.notices.models import Notice
from billfold.office import payment_records
from billfold.payments.accounts import bank_accounts
from billfold.payments.method_models import Mandate, MethodAccess, MethodState, PaymentMethod
from billfold.payments.models import Instruction, Payment
from billfold.payments.rules import debit_rules
from billfold.receivables import billing
from billfold.receivables.models import Customer, Invoice
from tests import privilege
from tests.world import World, eastern, usd

MONDAY = eastern(2026, 11, 16, 17)
Break = Callable[[World, Payment], None]


def _owe_less(world: World, payment: Payment) -> None:
    invoice = Invoice.objects.get(number="CL-1")
    note = billing.NewCreditNote(
        "CR-1", world.customer.id, date(2026, 11, 16), usd("100.00"), "goodwill", invoice.id
    )
    billing.credit([note], now=world.now, on=date(2026, 11, 16))


def _neighbour(world: World) -> Customer:
    return world.add_customer("40-118-9999", "Marsh & Daughters")


def _other_method(world: World, payment: Payment) -> None:
    method = bank_accounts.add(
        world.account(),
        customer_id=world.customer.id,
        remember=False,
        actor=world.actor(),
        now=world.now,
    )
    Mandate.objects.filter(pk=payment.mandate_id).update(method=method)


def _give_to_neighbour(world: World, payment: Payment) -> None:
    accesses = MethodAccess.objects.filter(method=payment.method_id)
    assert accesses.update(customer=_neighbour(world)) == 1


def _other_account(world: World, payment: Payment) -> None:
    """Let the mandate name an account that no notice of change leads from."""
    other = bank_accounts.add(
        world.account("440001"),
        customer_id=world.customer.id,
        remember=False,
        actor=world.actor(),
        now=world.now,
    )
    Mandate.objects.filter(pk=payment.mandate_id).update(account=other.account)


def _stop_twin(world: World, customer: Customer, number: str) -> None:
    twin = bank_accounts.add(
        world.account(number),
        customer_id=customer.id,
        remember=False,
        actor=world.actor(),
        now=world.now,
    )
    PaymentMethod.objects.filter(pk=twin.pk).update(state=MethodState.FROZEN)


def _of_method(**changed: object) -> Break:
    return lambda _, payment: _update(PaymentMethod, payment.method_id, changed)


def _of_mandate(**changed: object) -> Break:
    return lambda _, payment: _update(Mandate, payment.mandate_id, changed)


def _update(model: type, key: object, changed: dict[str, object]) -> None:
    assert model.objects.filter(pk=key).update(**changed) == 1


def _lower_the_limit(world: World, payment: Payment) -> None:
    BankConnection.objects.update(max_file_minor=11_999)


BREAKS: Final[dict[str, Break]] = {
    "owes-less": _owe_less,
    "other-customer": _give_to_neighbour,
    "other-method": _other_method,
    "account-on-hold": _of_method(state=MethodState.HELD),
    "account-not-active": _of_method(state=MethodState.REMOVED),
    "account-stopped": lambda world, _: _stop_twin(world, world.customer, "04417006789"),
    "like-stopped-account": lambda world, _: _stop_twin(world, _neighbour(world), "04417006789"),
    "consent-ended": _of_mandate(revoked_at=eastern(2026, 11, 16, 12)),
    "other-account": _other_account,
    "other-currency": _of_mandate(currency="CAD"),
    "above-consent": _of_mandate(amount_minor=11_999),
    "not-validated": _of_mandate(validated_at=None),
    "above-bank-limit": _lower_the_limit,
}
"""Rule -> what breaks it, and no other before it."""


def test_each_rule_of_the_cut_off_is_broken_once() -> None:
    assert list(BREAKS) == [rule.name for rule in debit_rules.RULES]


@pytest.mark.parametrize("name", BREAKS)
def test_promise_18_a_payment_that_breaks_a_rule_is_not_debited_and_says_which(
    world: World, name: str
) -> None:
    payment = world.pay(world.invoice("CL-1", "120.00"))
    sound = world.pay(world.invoice("CL-2", "80.00"), account="440001")
    with privilege.every_right_and_no_triggers():
        BREAKS[name](world, payment)

    jobs.cut_off(MONDAY)

    assert world.state(payment) == "failed"
    event = payment.events.get(kind="refused")
    assert event.code == name
    assert not Instruction.objects.filter(payment=payment).exists()
    assert debit_rules.BY_NAME[name].payer_text in Notice.objects.get(kind="failed").body
    assert payment_records.reason_text(event) == debit_rules.BY_NAME[name].staff_text
    assert world.state(sound) == "in_transit"


def test_a_payment_that_keeps_every_rule_is_debited(world: World) -> None:
    payment = world.pay(world.invoice("CL-1", "120.00"))

    jobs.cut_off(MONDAY)

    assert Instruction.objects.get(payment=payment).amount_minor == 12_000
