"""What only the owner of the tables can do wrong: one violation for each check of `verify`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from billfold.platform.postgres.logins import Login
from billfold.platform.postgres.server import USERS
from tests.world import World

Plant = Callable[[World, Any], list[Path]]
"""Breaks something; gives the files it left outside the database."""


def sql(*statements: str) -> Plant:
    """Break something by SQL; `{one:table}` is not needed: say which rows."""

    def plant(_world: World, cursor: Any) -> list[Path]:
        for statement in statements:
            cursor.execute(statement)
        return []

    return plant


def unguarded(table: str, *statements: str) -> Plant:
    """Break something in a table whose triggers, foreign keys among them, are off."""
    return sql(f"ALTER TABLE {table} DISABLE TRIGGER ALL", *statements)


def without(table: str, constraint: str, *statements: str) -> Plant:
    """Break something that a constraint would refuse."""
    return unguarded(table, f"ALTER TABLE {table} DROP CONSTRAINT {constraint}", *statements)


def not_unique(table: str, columns: str, *statements: str) -> Plant:
    """Break something that a unique index on `columns` would refuse."""

    def plant(_world: World, cursor: Any) -> list[Path]:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        cursor.execute(
            """SELECT i.relname, k.conname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
               LEFT JOIN pg_constraint k ON k.conindid = x.indexrelid AND k.contype IN ('u', 'p')
               WHERE x.indrelid = %s::regclass AND x.indisunique AND %s = (
                   SELECT string_agg(a.attname, ',' ORDER BY a.attname) FROM unnest(x.indkey) key
                   JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = key)""",
            [table, ",".join(sorted(columns.split(",")))],
        )
        ((index, constraint),) = cursor.fetchall()
        if constraint:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
        else:
            cursor.execute(f"DROP INDEX {index}")
        for statement in statements:
            cursor.execute(statement)
        return []

    return plant


def one(table: str, where: str = "true") -> str:
    """Write the condition that picks the first such row."""
    return f"id = (SELECT id FROM {table} WHERE {where} ORDER BY id LIMIT 1)"


def _in_folder(world: World, cursor: Any) -> list[Path]:
    cursor.execute("SELECT name FROM banking_bankfile WHERE direction = 'out' LIMIT 1")
    (name,) = cursor.fetchone()
    left = world.folder / "to_bank" / name
    left.write_text("101 ...")
    return [left]


def _second(table: str, **changed: str) -> Callable[[str], Plant]:
    """Insert a row again with a fresh id and other values, whatever the table's columns."""

    def make(where: str) -> Plant:
        def plant(_world: World, cursor: Any) -> list[Path]:
            cursor.execute(f"SELECT * FROM {table} LIMIT 0")
            columns = [column.name for column in cursor.description]
            values = {"id": "gen_random_uuid()", **changed}
            cursor.execute(
                f"INSERT INTO {table} ({', '.join(columns)}) "
                f"SELECT {', '.join(values.get(c, c) for c in columns)} FROM {table} "
                f"WHERE {one(table, where)}"
            )
            return []

        return plant

    return make


def both(*plants: Plant) -> Plant:
    """Break several things, one after the other."""

    def plant(world: World, cursor: Any) -> list[Path]:
        return [left for each in plants for left in each(world, cursor)]

    return plant


ROLE = "billfold_cedarline"
_SETTLED = "payment_id = (SELECT id FROM payments_payment WHERE state = 'settled' LIMIT 1)"
SETTLED_PAYMENT = "id = (SELECT id FROM payments_payment WHERE state = 'settled' LIMIT 1)"
_CASH = "(SELECT id FROM ledger_account WHERE code = 'cash')"
OUT = one("banking_bankfile", "direction = 'out'")
_APPLIED = "reason = 'applied'"
INVOICE = "(SELECT id FROM receivables_invoice WHERE number = '{}')"

MONEY: dict[tuple[int, str], Plant] = {
    (1, "A transfer moves an amount above zero between two accounts"): without(
        "ledger_transfer",
        "ledger_amount_positive",
        f"UPDATE ledger_transfer SET amount_minor = -1 WHERE {one('ledger_transfer')}",
    ),
    (1, "Both accounts of a transfer are in its currency"): unguarded(
        "ledger_transfer",
        f"UPDATE ledger_transfer SET currency = 'EUR' WHERE {one('ledger_transfer')}",
    ),
    (1, "The database stores no other transfers"): without(
        "ledger_transfer", "ledger_credit_in_currency"
    ),
    (2, "The sums of each account are those of its transfers"): sql(
        "UPDATE ledger_account SET debits_minor = debits_minor + 1 WHERE subject = 'invoice/CL-1'"
    ),
    (2, "Accounts of a code add up to its control"): sql(
        "UPDATE ledger_movement SET debits_minor = debits_minor + 1 WHERE code = 'receivable'"
    ),
    (2, "Each account is booked under its own customer"): sql(
        "UPDATE ledger_account SET party = gen_random_uuid() WHERE subject = 'invoice/CL-1'"
    ),
    (2, "Control accounts keep no sum, others name a subject"): without(
        "ledger_account",
        "ledger_control_keeps_no_sum",
        "UPDATE ledger_account SET debits_minor = 5 WHERE code = 'cash'",
    ),
    (3, "The application has no right to change posted rows"): sql(
        f"GRANT UPDATE (amount_minor) ON ledger_transfer TO {ROLE}"
    ),
    (3, "A trigger refuses changes of posted rows, whoever makes them"): sql(
        "ALTER TABLE payments_decision DISABLE TRIGGER append_only"
    ),
    (3, "A reversal mirrors the one transfer it takes back"): unguarded(
        "ledger_transfer",
        "UPDATE ledger_transfer SET amount_minor = amount_minor + 1 WHERE reverses_id IS NOT NULL",
    ),
    (4, "Stored movements of each day are those of the transfers"): sql(
        "UPDATE ledger_movement SET booked_on = booked_on + 1 WHERE code = 'cash'"
    ),
    (4, "The trial balance is balanced"): sql(
        "UPDATE ledger_movement SET debits_minor = debits_minor + 1 WHERE code = 'cash'"
    ),
    (9, "Nothing is booked into a period that was closed before"): sql(
        "UPDATE ledger_books SET closed_through = '2030-12-31', closed_at = '2020-01-01'"
    ),
    (9, "The database books no fact before its own day"): without(
        "ledger_transfer", "ledger_booked_after_fact"
    ),
    (5, "Amounts are whole numbers"): sql(
        "ALTER TABLE receivables_feecap ALTER cap_minor TYPE numeric"
    ),
    (5, "Every currency is one we can count in"): sql(
        "UPDATE receivables_invoice SET currency = 'XXX' WHERE number = 'CL-1'"
    ),
    (6, "All of a payment or credit is applied, unapplied or sent back"): sql(
        f"UPDATE payments_payment SET amount_minor = amount_minor + 1 WHERE {SETTLED_PAYMENT}"
    ),
    (6, "What is in transit follows from the payment's events"): sql(
        "UPDATE ledger_account SET debits_minor = debits_minor + 1 WHERE code = 'in_transit'"
    ),
    (6, "Every application names evidence that allows it"): unguarded(
        "ledger_transfer",
        f"UPDATE ledger_transfer SET evidence = '' WHERE {one('ledger_transfer', _APPLIED)}",
    ),
    (6, "Every application stays with one customer"): sql(
        "UPDATE ledger_account SET party = gen_random_uuid() WHERE subject = 'invoice/CL-1'"
    ),
    (6, "An application is taken off once"): both(
        not_unique("ledger_transfer", "reverses_id"),
        _second("ledger_transfer", key="'again'")("reason = 'unapplied'"),
    ),
    (6, "Nothing but an application pays what is owed"): unguarded(
        "ledger_transfer",
        f"UPDATE ledger_transfer SET reason = 'paid' WHERE {one('ledger_transfer', _APPLIED)}",
    ),
    (6, "No invoice is paid below zero"): without(
        "ledger_account",
        "ledger_receivable_never_in_credit",
        "UPDATE ledger_account SET credits_minor = debits_minor + 1 WHERE subject = 'invoice/CL-1'",
    ),
    (6, "Invoices and credit notes are booked with their amount"): sql(
        "UPDATE receivables_invoice SET issued_minor = issued_minor + 1 WHERE number = 'CL-7'"
    ),
    (6, "A payment is for no more than its amount"): unguarded(
        "payments_remittance", "UPDATE payments_remittance SET amount_minor = amount_minor + 1"
    ),
    (6, "The database lets no invoice be paid below zero"): without(
        "ledger_account", "ledger_receivable_never_in_credit"
    ),
    (7, "The transfers that name a bank line add up to it"): sql(
        "UPDATE banking_bankline SET amount_minor = amount_minor + 1 "
        f"WHERE {one('banking_bankline')}"
    ),
    (7, "A bank line nobody explained has an open case"): sql(
        f"UPDATE banking_bankline SET explained_at = NULL WHERE {one('banking_bankline')}"
    ),
    (7, "Every movement of cash names a bank line"): unguarded(
        "ledger_transfer", f"UPDATE ledger_transfer SET evidence = '' WHERE debit_id = {_CASH}"
    ),
    (7, "Nothing stays in transit for long without an open case"): unguarded(
        "payments_subjectevent",
        "UPDATE payments_subjectevent SET on_date = on_date - 30",
        "UPDATE ledger_account SET debits_minor = debits_minor + 1 WHERE code = 'in_transit'",
    ),
    (8, "A statement opens with what the one before closed with, or a case is open"): unguarded(
        "banking_statement", "UPDATE banking_statement SET opening_minor = opening_minor + 1"
    ),
    (8, "The lines of a statement lead from its opening to its closing"): unguarded(
        "banking_statement", "UPDATE banking_statement SET closing_minor = closing_minor + 1"
    ),
    (8, "The application has no right to change statements"): sql(
        f"GRANT UPDATE ON banking_statement TO {ROLE}"
    ),
    (8, "A trigger refuses changes of statements, whoever makes them"): sql(
        "DROP TRIGGER append_only ON banking_statement"
    ),
    (8, "The application cannot rewrite a bank line"): sql(
        f"GRANT UPDATE (amount_minor) ON banking_bankline TO {ROLE}"
    ),
    (8, "Every bank line stands on the statement of its day"): sql(
        f"UPDATE banking_bankline SET as_of = as_of - 1 WHERE {one('banking_bankline')}"
    ),
}

ONCE: dict[tuple[int, str], Plant] = {
    (10, "The database takes a reference once"): not_unique("payments_payment", "reference"),
    (10, "One reference, one payment"): not_unique(
        "payments_payment",
        "reference",
        "UPDATE payments_payment SET reference = (SELECT min(reference) FROM payments_payment)",
    ),
    (10, "Every payment keeps what was asked"): sql(
        "UPDATE payments_payment SET request_hash = ''"
    ),
    (10, "The application cannot rewrite a payment"): sql(
        f"GRANT UPDATE ON payments_payment TO {ROLE}"
    ),
    (10, "Every step of a payment is one that may follow"): unguarded(
        "payments_subjectevent",
        "UPDATE payments_subjectevent SET outcome = 'settled' WHERE kind = 'submitted'",
    ),
    (10, "A payment is where its events left it"): sql(
        f"UPDATE payments_payment SET state = 'failed' WHERE {SETTLED_PAYMENT}"
    ),
    (13, "The database takes each outside fact once"): not_unique(
        "payments_subjectevent", "key,subject"
    ),
    (13, "No event took effect twice"): both(
        not_unique("payments_subjectevent", "key,subject"),
        not_unique("payments_subjectevent", "kind,subject"),
        _second("payments_subjectevent")("kind = 'settled'"),
    ),
    (13, "Every fact names evidence that is there"): unguarded(
        "payments_subjectevent",
        "UPDATE payments_subjectevent SET evidence = 'bankline/none' WHERE kind = 'settled'",
    ),
    (13, "An event that does not fit has a case"): unguarded(
        "payments_subjectevent",
        "UPDATE payments_subjectevent SET outcome = 'stray' WHERE kind = 'corrected'",
    ),
    (13, "What the bank sent is read within the hour"): sql(
        "UPDATE banking_bankfile SET state = 'received' WHERE kind = 'statement'"
    ),
    (15, "The database takes a fee's cause once"): not_unique("receivables_invoice", "cause"),
    (15, "A payment is returned once"): both(
        not_unique("payments_subjectevent", "kind,subject"),
        _second("payments_subjectevent", key="'again'")("kind = 'returned'"),
    ),
    (15, "A return bears one fee"): both(
        not_unique("receivables_invoice", "cause"),
        _second("receivables_invoice", number="'RF-SECOND'")("kind = 'charge'"),
    ),
    (15, "A return fee stands only where code, state and cap allow it"): sql(
        "UPDATE receivables_feecap SET cap_minor = 1000"
    ),
    (16, "One invoice, one debit under recurring consent"): unguarded(
        "payments_remittance",
        "ALTER TABLE payments_mandate DISABLE TRIGGER ALL",
        "UPDATE payments_mandate SET kind = 'recurring'",
        f"UPDATE payments_remittance SET invoice_id = {INVOICE.format('CL-1')} "
        f"WHERE invoice_id = {INVOICE.format('CL-4')}",
    ),
    (17, "No money is used twice"): without(
        "ledger_account",
        "ledger_unapplied_never_in_debit",
        "UPDATE ledger_account SET debits_minor = credits_minor + 1 WHERE subject = 'credit/CR-1'",
    ),
    (17, "The database lets no money be used twice"): without(
        "ledger_account", "ledger_unapplied_never_in_debit"
    ),
    (17, "The database settles a payment, and takes it back, once"): not_unique(
        "payments_subjectevent", "kind,subject"
    ),
    (17, "Cash leaves only when the bank takes a return"): unguarded(
        "ledger_transfer",
        f"UPDATE ledger_transfer SET key = key || '/refund' WHERE credit_id = {_CASH}",
    ),
}

FILES: dict[tuple[int, str], Plant] = {
    (14, "The database takes a trace, a file and its modifier once"): not_unique(
        "payments_instruction", "odfi,trace"
    ),
    (14, "The database takes one live entry of each payment, one modifier a day"): not_unique(
        "payments_instruction", "kind,payment_id"
    ),
    (14, "Every debit is in exactly one live file"): sql(
        f"UPDATE payments_instruction SET is_live = false WHERE {_SETTLED}"
    ),
    (14, "Every entry goes through the bank its payment was promised to"): sql(
        "INSERT INTO banking_bankconnection SELECT (jsonb_populate_record(b, jsonb_build_object("
        "'id', gen_random_uuid(), 'name', 'Other', 'is_default', false, 'account_fingerprint', 'x'"
        "))).* FROM banking_bankconnection b",
        "UPDATE payments_payment SET connection_id = "
        "(SELECT id FROM banking_bankconnection WHERE name = 'Other') "
        f"WHERE id = (SELECT payment_id FROM payments_instruction WHERE {_SETTLED} LIMIT 1)",
    ),
    (14, "Every entry asks for the amount of its payment"): sql(
        f"UPDATE payments_instruction SET amount_minor = amount_minor + 1 WHERE {_SETTLED}"
    ),
    (14, "The entries of a file add up to it"): sql(
        f"UPDATE banking_bankfile SET debit_minor = debit_minor + 1 WHERE {OUT}"
    ),
    (14, "Entries are live while their file is"): sql(
        f"UPDATE banking_bankfile SET state = 'void' WHERE {OUT}"
    ),
    (14, "No released file is forgotten or stuck"): sql(
        f"UPDATE banking_bankfile SET state = 'sending' WHERE {OUT}"
    ),
    (14, "Every file knows when it was released and sent"): sql(
        f"UPDATE banking_bankfile SET sent_at = NULL WHERE {OUT}"
    ),
    (14, "No due payment was passed over"): sql(
        "UPDATE payments_payment SET collect_on = '2026-11-16', created_at = '2026-11-01' "
        "WHERE state = 'scheduled'"
    ),
    (14, "The application cannot rewrite an entry"): sql(
        f"GRANT UPDATE (trace) ON payments_instruction TO {ROLE}"
    ),
    (14, "The application cannot rewrite a cut-off"): sql(
        f"GRANT UPDATE ON payments_cutoff TO {ROLE}"
    ),
    (14, "The bytes of a file debit what our entries say"): sql(
        f"UPDATE payments_instruction SET trace = odfi || '9999999' WHERE {_SETTLED}"
    ),
    (27, "Stored files are the bytes they were, and ours can be written again"): sql(
        f"UPDATE banking_bankfile SET sha256 = repeat('0', 64) WHERE {OUT}"
    ),
}

FILES |= {
    (27, "The application cannot rewrite a bank file"): sql(
        f"GRANT UPDATE (sha256) ON banking_bankfile TO {ROLE}"
    ),
    (27, "The application has no right to change the bytes of bank files"): sql(
        f"GRANT UPDATE (content_sealed) ON banking_bankfilecontent TO {ROLE}"
    ),
    (27, "A trigger refuses changes of the bytes of bank files, whoever makes them"): sql(
        "DROP TRIGGER append_only ON banking_bankfilecontent"
    ),
    (27, "The application cannot rewrite an import"): sql(
        f"GRANT UPDATE (content) ON receivables_importrun TO {ROLE}"
    ),
}

PERMISSION: dict[tuple[int, str], Plant] = {
    (18, "Every debit had a live consent when its file was made"): unguarded(
        "payments_mandate",
        "UPDATE payments_mandate SET revoked_at = '2026-11-01' WHERE revoked_at IS NULL",
    ),
    (18, "Every consent keeps the text, its version and who agreed"): unguarded(
        "payments_mandate",
        f"UPDATE payments_mandate SET text = ' ' WHERE {one('payments_mandate')}",
    ),
    (18, "Every consent is the one put on record"): unguarded(
        "payments_mandate",
        f"UPDATE payments_mandate SET text = 'Anything.' WHERE {one('payments_mandate')}",
    ),
    (18, "The application cannot rewrite a consent"): sql(
        f"GRANT UPDATE (text) ON payments_mandate TO {ROLE}"
    ),
    (18, "No account is debited after a return stopped it"): unguarded(
        "payments_subjectevent",
        "UPDATE payments_subjectevent SET code = 'R02', at = '2026-11-16 15:00+00' "
        "WHERE kind = 'returned' AND code = 'R01'",
    ),
    (18, "Every account was validated before its first WEB debit"): unguarded(
        "payments_mandate", "UPDATE payments_mandate SET validated_at = NULL"
    ),
    (18, "No first debit goes out before its prenote has cleared"): sql(
        "UPDATE banking_bankfile SET effective_date = effective_date + 1 WHERE id = "
        "(SELECT file_id FROM payments_instruction WHERE kind = 'prenote')"
    ),
    (18, "The application cannot remove a consent"): sql(
        f"GRANT DELETE ON payments_mandate TO {ROLE}"
    ),
    (20, "Every file that left was released by two people"): unguarded(
        "banking_fileapproval",
        f"DELETE FROM banking_fileapproval WHERE {one('banking_fileapproval')}",
    ),
    (20, "Every approval names the bytes of its file"): unguarded(
        "banking_fileapproval", "UPDATE banking_fileapproval SET sha256 = repeat('0', 64)"
    ),
    (20, "The database takes one approval of each person"): not_unique(
        "banking_fileapproval", "file_id,actor_id,round"
    ),
    (20, "Two people stand behind every statement added by hand"): sql(
        "UPDATE banking_bankfile SET added_by_id = 'person/somebody' WHERE kind = 'statement'"
    ),
    (20, "The database takes one word of each person on a statement"): not_unique(
        "banking_statementdecision", "file_id,actor_id,verdict,round"
    ),
    (20, "The application has no right to change approvals"): sql(
        f"GRANT TRUNCATE ON banking_fileapproval TO {ROLE}"
    ),
    (20, "A trigger refuses changes of approvals, whoever makes them"): sql(
        "DROP TRIGGER append_only ON banking_fileapproval"
    ),
    (22, "The application's role has no special powers"): sql(f"ALTER ROLE {ROLE} BYPASSRLS"),
    (22, "The application's role owns nothing"): sql(f"ALTER TABLE payments_case OWNER TO {ROLE}"),
    (20, "The application has no right to change roles and access"): sql(
        f"GRANT UPDATE (role) ON people_rolegrant TO {ROLE}"
    ),
    (20, "A trigger refuses changes of roles and access, whoever makes them"): sql(
        "ALTER TABLE receivables_accessgrant DISABLE TRIGGER append_only"
    ),
    (22, "The application's role may change nothing but what is listed"): sql(
        f"GRANT UPDATE (issued_minor) ON receivables_invoice TO {ROLE}"
    ),
    (22, "Views and functions lend nobody the owner's rights"): sql(
        "ALTER VIEW people_right RESET (security_invoker)"
    ),
    (22, "No login may do more than its work needs"): sql(
        f"GRANT UPDATE ON public.biller TO {USERS[Login.APP]}"
    ),
    (22, "No biller reaches another's tables"): sql(f"GRANT USAGE ON SCHEMA harborpoint TO {ROLE}"),
    (22, "Nothing in the schema leads out of it"): sql(
        "ALTER FUNCTION ledger_post RESET search_path"
    ),
}

DATA: dict[tuple[int, str], Plant] = {
    (23, "Bytes are kept only where they are sealed or the biller's own"): sql(
        "ALTER TABLE payments_case ADD COLUMN attachment bytea"
    ),
    (23, "Every account number is sealed and is the one shown"): unguarded(
        "payments_bankaccount",
        "UPDATE payments_bankaccount SET number_sealed = '440001'::bytea "
        f"WHERE {one('payments_bankaccount')}",
    ),
    (23, "Every bank line's words are sealed"): sql(
        f"UPDATE banking_bankline SET text_sealed = 'CREDIT'::bytea WHERE {one('banking_bankline')}"
    ),
    (23, "No clear bank file is left in the folders to and from the bank"): _in_folder,
    (23, "No account number stands in the clear in tables or logs"): sql(
        "UPDATE notices_notice SET body = body || 'from account 77440001.' "
        f"WHERE {one('notices_notice')}"
    ),
}

VIOLATIONS = MONEY | ONCE | FILES | PERMISSION | DATA
