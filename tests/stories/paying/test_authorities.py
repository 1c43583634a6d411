"""Who allowed a debit: a consent to it alone, or a mandate that was given for many."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest

from billfold import jobs
from billfold.notices.models import Notice
from billfold.payments.accounts import method_access, wallet
from billfold.payments.method_models import Mandate, PaymentMethod
from billfold.payments.models import Instruction, Payment, SubjectEvent
from billfold.payments.paying import scheduling
from billfold.payments.paying.scheduling import Intent
from billfold.payments.proof import report
from billfold.platform import audit
from billfold.platform.ids import new_id
from billfold.platform.models import AuditEntry
from tests import privilege
from tests.world import World, eastern

AUTOPAY: Final = audit.job("autopay")
MONDAY: Final = eastern(2026, 11, 16, 17)


@pytest.fixture
def method(world: World) -> PaymentMethod:
    """Save an account of the payer."""
    return wallet.add(
        world.account(), customer_id=world.customer.id, actor=world.actor(), now=world.now
    )


def give(world: World, method: PaymentMethod, **terms: Any) -> Mandate:
    """Let the payer give a recurring mandate, as a page will."""
    given = {
        "kind": "recurring",
        "amount_minor": 20_000,
        "validated_by": "bank_service",
        "validated_at": world.now,
        "validation_evidence": "ok",
    }
    return Mandate.objects.create(
        id=new_id(),
        method=method,
        account=method.account,
        sec_code="WEB",
        text="I authorize a debit of each bill when it is due.",
        text_version="test",
        agreed_at=world.now,
        agreed_by_id=world.actor().id,
        agreed_by_name=world.actor().name,
        **given | terms,
    )


def under(world: World, mandate: Mandate, number: str = "CL-1", amount: str = "120.00") -> Intent:
    """Ask for a debit under a mandate, as autopay will."""
    intent = world.intent([world.invoice(number, amount)])
    return replace(intent, account=mandate.method, authority=mandate, actor=AUTOPAY)


def schedule(world: World, intent: Intent) -> Payment:
    return scheduling.schedule([intent], now=world.now)[0].payment


def test_a_recurring_mandate_serves_many_payments_and_its_giver_is_told(world, method):
    mandate = give(world, method)

    first = schedule(world, under(world, mandate))
    second = schedule(world, under(world, mandate, "CL-2", "200.00"))

    assert Mandate.objects.get() == first.mandate == second.mandate
    assert (first.made_by(), first.method_label) == (AUTOPAY, "Checking ending 6789")
    letter = Notice.objects.get(kind="received", about=first.subject)
    assert (letter.to_email, letter.to_name) == (world.payer.email, "Dana Osei")
    assert mandate.text in letter.body
    entry = AuditEntry.objects.get(action="payment scheduled", subject=first.subject)
    assert (entry.actor_id, entry.actor_name) == ("job/autopay", "autopay")
    world.go_to(eastern(2026, 11, 20))
    assert world.state(first) == world.state(second) == "settled"
    assert Notice.objects.filter(kind="settled", to_email=world.payer.email).count() == 2
    privilege.take_every_right()
    assert_nothing_broken(world)


def assert_nothing_broken(world: World) -> None:
    proof = report.examine(world.biller, now=world.now)
    assert {each.promise: each.first for each in proof.promises if each.offenders} == {}


def test_a_recurring_mandate_without_an_amount_covers_any(world, method):
    mandate = give(world, method, amount_minor=None)

    assert schedule(world, under(world, mandate, amount="99999.00")).mandate == mandate


BROKEN: Final[dict[str, dict[str, Any]]] = {
    "not-recurring": {"kind": "single"},
    "consent-ended": {"revoked_at": MONDAY},
    "other-currency": {"currency": "CAD"},
    "above-consent": {"amount_minor": 11_999},
}


@pytest.mark.parametrize("rule", BROKEN)
def test_promise_18_a_mandate_that_does_not_cover_a_payment_makes_none(world, method, rule):
    mandate = give(world, method, **BROKEN[rule])

    with pytest.raises(scheduling.NotCovered) as refusal:
        schedule(world, under(world, mandate))

    assert refusal.value.rule == rule
    assert not Payment.objects.exists()


def test_promise_18_a_mandate_is_read_as_it_is_when_it_is_used(world, method):
    mandate = give(world, method)
    Mandate.objects.update(revoked_at=world.now)

    with pytest.raises(scheduling.NotCovered):
        schedule(world, under(world, mandate))


def test_promise_18_a_mandate_serves_no_other_method(world, method):
    mandate = give(world, method)
    other = wallet.add(
        world.account("440001"),
        customer_id=world.customer.id,
        actor=world.actor(),
        now=world.now,
    )

    with pytest.raises(scheduling.NotCovered) as refusal:
        schedule(world, replace(under(world, mandate), account=other))

    assert refusal.value.rule == "other-method"


def test_promise_18_a_mandate_for_an_account_of_another_method_covers_nothing(world, method):
    other = world.pay(world.invoice("CL-9", "10.00"), account="440001").mandate
    mandate = give(world, method)
    with privilege.every_right_and_no_triggers():
        Mandate.objects.filter(pk=mandate.pk).update(account=other.account)

    with pytest.raises(scheduling.NotCovered) as refusal:
        schedule(world, under(world, mandate))

    assert refusal.value.rule == "other-account"


def test_promise_18_a_mandate_that_is_none_of_ours_covers_nothing(world, method):
    mandate = give(world, method)
    intent = under(world, mandate)
    intent = replace(intent, authority=Mandate(id=new_id(), method=method))

    with pytest.raises(scheduling.NotYours):
        schedule(world, intent)


def test_promise_18_a_mandate_pays_only_for_whom_its_method_may_be_used(world, method):
    mandate = give(world, method)
    method_access.end(method, world.customer.id, now=world.now)

    with pytest.raises(scheduling.NotYours):
        schedule(world, under(world, mandate))


def test_promise_18_a_mandate_revoked_before_the_cut_off_debits_nothing(world, method):
    mandate = give(world, method)
    payment = schedule(world, under(world, mandate))
    Mandate.objects.update(revoked_at=world.now, revoked_why="by the payer")

    jobs.cut_off(MONDAY)

    assert world.state(payment) == "failed"
    assert SubjectEvent.objects.get(subject=payment.subject, kind="refused").code == "consent-ended"
    assert not Instruction.objects.exists()


def test_promise_10_the_same_reference_under_another_mandate_is_refused(world, method):
    intent = under(world, give(world, method))
    payment = schedule(world, intent)

    again = scheduling.schedule([intent], now=world.now)[0]

    assert (again.payment, again.is_new) == (payment, False)
    with pytest.raises(scheduling.ReferenceReused):
        schedule(world, replace(intent, authority=give(world, method)))


def test_promise_18_a_mandate_that_waits_for_a_prenote_debits_nothing_before(world, method):
    mandate = give(world, method, validated_by="prenote", validated_at=None, validation_evidence="")

    first = schedule(world, under(world, mandate))
    second = schedule(world, under(world, mandate, "CL-2", "80.00"))

    assert first.collect_on > MONDAY.date()
    assert second.collect_on == first.collect_on
    world.go_to(eastern(2026, 12, 4))
    assert world.state(first) == world.state(second) == "settled"
    assert Instruction.objects.filter(kind="prenote").count() == 1
    assert mandate.prenote_proofs.count() == 1
