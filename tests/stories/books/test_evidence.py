"""What is evidence can be added and read; of it only where it stands is ever changed."""

from __future__ import annotations

import hashlib

from django.db import Error, connection, transaction

from billfold.payments.models import Payment
from billfold.platform.models import AuditEntry
from billfold.platform.tenancy import CHANGEABLE, DELETABLE
from tests.world import eastern

REWRITING = {
    18: (
        "UPDATE payments_mandate SET text = 'I agree to anything'",
        "UPDATE payments_mandate SET agreed_at = agreed_at - interval '1 day'",
        "UPDATE payments_mandate SET ip_address = '192.0.2.9', agreed_by_name = 'Somebody'",
        "UPDATE payments_mandate SET account_id = account_id",
        "UPDATE payments_mandate SET validated_at = agreed_at",
        "UPDATE payments_prenoteproof SET mandate_id = mandate_id",
        "UPDATE payments_paymentmethod SET owner_person_id = owner_person_id",
        "UPDATE payments_bankaccount SET holder_name = 'Somebody'",
        "UPDATE payments_bankaccount SET replaces_id = NULL",
        "UPDATE payments_methodaccess SET customer_id = customer_id",
        "DELETE FROM payments_methodaccess",
        "UPDATE payments_payment SET method_label = 'Checking ending 0000'",
        "UPDATE payments_instruction SET method_label = 'Checking ending 0000'",
    ),
    10: (
        "UPDATE payments_payment SET received_date = received_date - 30",
        "UPDATE payments_payment SET amount_minor = 1",
    ),
    14: (
        "UPDATE payments_instruction SET amount_minor = 1",
        "UPDATE payments_cutoff SET run_at = now()",
    ),
    27: (
        "UPDATE banking_bankfile SET sha256 = ''",
        "UPDATE banking_bankfilecontent SET content_sealed = ''",
        "DELETE FROM banking_bankfilecontent",
    ),
    8: (
        "UPDATE banking_bankline SET bank_reference = 'other'",
        "UPDATE banking_statement SET closing_minor = 0",
    ),
    3: (
        "UPDATE receivables_invoice SET issued_minor = 1",
        "UPDATE receivables_invoice SET number = 'INV-OTHER'",
        "UPDATE receivables_invoice SET customer_id = customer_id",
        "UPDATE receivables_invoicerevision SET amount_minor = 1",
        "UPDATE receivables_creditnote SET amount_minor = 1",
    ),
    20: (
        "UPDATE banking_fileapproval SET actor_id = 'person/other'",
        "UPDATE people_rolegrant SET role = 'treasurer'",
        "DELETE FROM people_rolegrant",
        "UPDATE people_right SET role = 'treasurer'",
        "UPDATE people_person SET email = 'other@cedarline.example'",
        "UPDATE receivables_accessgrant SET role = 'admin'",
        "DELETE FROM receivables_access",
        "UPDATE banking_bankconnection SET two_people_release = false",
        "UPDATE banking_bankconnection SET release_limit_minor = 1",
        "UPDATE banking_bankconnection SET transport = '{}'",
        "UPDATE receivables_billerprofile SET remit_to = 'elsewhere'",
    ),
    15: ("UPDATE receivables_feecap SET cap_minor = 1",),
    26: ("UPDATE notices_notice SET body = 'other'",),
}
"""Promise -> what would break it, were it carried out."""


def test_the_application_cannot_rewrite_evidence(world):
    world.pay(world.invoice("CL-1", "120.00"))
    world.go_to(eastern(2026, 11, 19))

    answers = {
        (promise, statement): answer_to(statement)
        for promise, statements in REWRITING.items()
        for statement in statements
    }

    assert len(answers) == 40
    allowed = {key: text for key, text in answers.items() if "permission denied" not in text}
    assert allowed == {}


def answer_to(statement: str) -> str:
    """Give what the database says to a statement; nothing, if it carries it out."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    except Error as refusal:
        return str(refusal)
    return ""


def test_promise_18_the_record_of_a_payment_holds_what_was_agreed(world):
    payment = world.pay(world.invoice("CL-1", "120.00"))

    recorded = AuditEntry.objects.get(action="payment scheduled").after

    text = Payment.objects.get().mandate.text
    assert recorded["consent_sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert recorded["account_fingerprint"] == payment.method.account_fingerprint


def test_promise_22_each_table_says_which_of_its_columns_may_change(world):
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT c.relname, array_agg(a.attname::text), EXISTS (
                   SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'append_only')
               FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
               WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
               GROUP BY c.oid, c.relname"""
        )
        tables = {name: (set(columns), kept) for name, columns, kept in cursor.fetchall()}

    unlisted = {name for name, (_, is_kept) in tables.items() if not is_kept} - set(CHANGEABLE)
    kept_too = {name for name in CHANGEABLE if name in tables and tables[name][1]}
    gone = {
        f"{table}.{column}"
        for table, columns in CHANGEABLE.items()
        for column in columns
        if column not in tables.get(table, (set(), False))[0]
    }

    assert unlisted == set(), (
        "Give each an entry in tenancy.CHANGEABLE with the columns that the code changes, an empty "
        "one if it changes none; or the trigger append_only in its migration, if rows are a record."
    )
    assert kept_too == set(), "Rows of these never change: take their entry out of CHANGEABLE."
    assert gone == set(), "Take out of tenancy.CHANGEABLE what is no column."
    assert set(tables) >= DELETABLE
