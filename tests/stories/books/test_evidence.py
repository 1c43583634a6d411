"""What is evidence can be added and read; of it only where it stands is ever changed."""

from __future__ import annotations

import hashlib

import pytest
from django.db import Error, connection, transaction

from billfold.payments.models import Payment
from billfold.platform.models import AuditEntry
from tests.world import eastern


@pytest.mark.parametrize(
    ("promise", "statement"),
    [
        (18, "UPDATE payments_mandate SET text = 'I agree to anything'"),
        (18, "UPDATE payments_mandate SET agreed_at = agreed_at - interval '1 day'"),
        (18, "UPDATE payments_mandate SET ip_address = '192.0.2.9', agreed_by_name = 'Somebody'"),
        (10, "UPDATE payments_payment SET received_date = received_date - 30"),
        (10, "UPDATE payments_payment SET amount_minor = 1"),
        (14, "UPDATE payments_instruction SET amount_minor = 1"),
        (14, "UPDATE payments_cutoff SET run_at = now()"),
        (27, "UPDATE banking_bankfile SET content_sealed = '', sha256 = ''"),
        (8, "UPDATE banking_bankline SET bank_reference = 'other'"),
        (8, "UPDATE banking_statement SET closing_minor = 0"),
    ],
)
def test_the_application_cannot_rewrite_evidence(world, promise, statement):
    world.pay(world.invoice("CL-1", "120.00"))
    world.go_to(eastern(2026, 11, 19))

    with (
        pytest.raises(Error, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_promise_18_the_record_of_a_payment_holds_what_was_agreed(world):
    payment = world.pay(world.invoice("CL-1", "120.00"))

    recorded = AuditEntry.objects.get(action="payment scheduled").after

    text = Payment.objects.get().mandate.text
    assert recorded["consent_sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert recorded["account_fingerprint"] == payment.method.account_fingerprint
