"""Importing invoices: new ones are issued, others corrected, amounts only while unpaid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from billfold.money import Money
from billfold.receivables import billing
from billfold.receivables.imports import customer_import, staging
from billfold.receivables.imports.import_context import ChangeCounts, ImportContext
from billfold.receivables.models import Invoice

_CLASSIFY = """
SELECT n.line, n.customer_number, n.invoice_number, c.id AS customer_id, v.id AS invoice_id,
       n.amount, n.currency, n.invoice_date, n.due_date, merged.*,
       m.amount_minor <> n.amount AS is_revised,
       (v.invoice_date, v.due_date, v.reference, v.description) IS DISTINCT FROM
       (n.invoice_date, n.due_date, merged.reference, merged.description) AS is_corrected,
       CASE WHEN c.id IS NULL THEN 'unknown'
            WHEN v.id IS NULL THEN 'new'
            WHEN v.customer_id <> c.id THEN 'moved'
            ELSE 'known' END AS verdict
FROM incoming n LEFT JOIN receivables_customer c ON c.number = n.customer_number
LEFT JOIN receivables_invoice v ON v.number = n.invoice_number
LEFT JOIN receivables_presentamount m ON m.invoice_id = v.id
CROSS JOIN LATERAL (SELECT
    CASE WHEN v.id IS NULL OR %(has_reference)s
         THEN n.reference ELSE v.reference END AS reference,
    CASE WHEN v.id IS NULL OR %(has_description)s
         THEN n.description ELSE v.description END AS description) merged
"""


def apply(context: ImportContext) -> ChangeCounts:
    """Issue new invoices and correct the others; add a problem for each conflict."""
    customers_added = customer_import.create_missing(context) if context.create_customers else 0
    counts = staging.classify(_CLASSIFY, context.has_columns())
    _refuse_unknown_customers(context)
    _refuse_other_customers(context)
    changed = _lock_changing(context)
    context.problems.refuse()
    _correct(context)
    _revise(context)
    _issue(context)
    return ChangeCounts(
        added=counts.get("new", 0),
        changed=changed,
        unchanged=counts.get("known", 0) - changed,
        customers_added=customers_added,
    )


def _refuse_unknown_customers(context: ImportContext) -> None:
    rows = staging.faulty_rows(
        "SELECT line, customer_number FROM classified WHERE verdict = 'unknown'", context.problems
    )
    for line, number in rows:
        context.problems.add(
            line,
            context.column("customer_number"),
            f'Customer "{number}" is not known',
            "Import customers first, or add --create-customers.",
        )


def _refuse_other_customers(context: ImportContext) -> None:
    rows = staging.faulty_rows(
        """SELECT j.line, j.invoice_number, c.number
           FROM classified j JOIN receivables_invoice v ON v.id = j.invoice_id
           JOIN receivables_customer c ON c.id = v.customer_id WHERE j.verdict = 'moved'""",
        context.problems,
    )
    for line, number, owner in rows:
        context.problems.add(
            line,
            context.column("customer_number"),
            f'Invoice "{number}" is customer "{owner}"\'s',
            "Credit it there and send it to the other customer under a new number.",
        )


def _lock_changing(context: ImportContext) -> int:
    """Lock the invoices that would change, in the order of their ids; return how many.

    If the amount would change of one that has a payment, a problem is added.
    """
    changing = """SELECT invoice_id, line, is_revised FROM classified
                  WHERE verdict = 'known' AND (is_revised OR is_corrected) ORDER BY invoice_id"""
    count = 0
    for rows in staging.read_chunks(changing):
        count += len(rows)
        invoices = billing.lock(invoice_id for invoice_id, _, _ in rows)
        lines = {invoice_id: line for invoice_id, line, is_revised in rows if is_revised}
        if lines:
            _refuse_paid(context, [i for i in invoices if i.id in lines], lines)
    return count


def _refuse_paid(
    context: ImportContext, invoices: Sequence[Invoice], lines: Mapping[UUID, int]
) -> None:
    paid = billing.ids_with_activity(invoices) | context.is_reserved(list(lines))
    for invoice in sorted(invoices, key=lambda i: lines[i.id]):
        if invoice.id in paid:
            context.problems.add(
                lines[invoice.id],
                context.column("amount"),
                f'Invoice "{invoice.number}" is {invoice.amount} and has a payment or credit on it',
                "Leave its amount as it is; send a credit note or another invoice.",
            )


def _correct(context: ImportContext) -> None:
    """Update dates and texts, and write old and new values to the audit trail."""
    for before, after in staging.read_differences(
        """SELECT v.number,
                  jsonb_build_object('invoice_date', v.invoice_date, 'due_date', v.due_date,
                      'reference', v.reference, 'description', v.description)::text,
                  jsonb_build_object('invoice_date', j.invoice_date, 'due_date', j.due_date,
                      'reference', j.reference, 'description', j.description)::text
           FROM receivables_invoice v JOIN classified j ON j.invoice_id = v.id
           WHERE j.verdict = 'known' AND j.is_corrected ORDER BY v.number"""
    ):
        context.record("invoices corrected", before, after)
    staging.execute(
        """UPDATE receivables_invoice v
           SET invoice_date = j.invoice_date, due_date = j.due_date,
               reference = j.reference, description = j.description
           FROM classified j WHERE v.id = j.invoice_id AND j.verdict = 'known' AND j.is_corrected"""
    )


def _revise(context: ImportContext) -> None:
    revised = """SELECT invoice_id, amount, currency FROM classified
                 WHERE verdict = 'known' AND is_revised ORDER BY invoice_id"""
    for rows in staging.read_chunks(revised):
        revisions = [billing.Revision(id, Money(minor, currency)) for id, minor, currency in rows]
        billing.revise(revisions, actor=context.actor, now=context.now, on=context.on)


def _issue(context: ImportContext) -> None:
    new = """SELECT invoice_number, customer_id, invoice_date, due_date, amount, currency,
                      reference, description
               FROM classified WHERE verdict = 'new' ORDER BY line"""
    for rows in staging.read_chunks(new):
        billing.issue(_new_invoices(rows), actor=context.actor, now=context.now, on=context.on)


def _new_invoices(rows: Sequence[tuple]) -> list[billing.NewInvoice]:  # type: ignore[type-arg]
    return [
        billing.NewInvoice(number, customer, issued, due, Money(minor, currency), *texts)
        for number, customer, issued, due, minor, currency, *texts in rows
    ]
