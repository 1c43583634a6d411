"""Takes in invoices: new ones are issued, amounts revised where no money has moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from billfold.money import Money
from billfold.receivables import billing
from billfold.receivables.imports import customers, staging
from billfold.receivables.imports.run import Changes, Run
from billfold.receivables.models import Invoice

_JUDGE = """
SELECT n.line, n.customer_number, n.invoice_number, c.id AS customer_id, v.id AS invoice_id,
       n.amount, n.currency, n.invoice_date, n.due_date, merged.*,
       v.amount_minor <> n.amount AS is_revised,
       (v.invoice_date, v.due_date, v.reference, v.description) IS DISTINCT FROM
       (n.invoice_date, n.due_date, merged.reference, merged.description) AS is_corrected,
       CASE WHEN c.id IS NULL THEN 'stranger'
            WHEN v.id IS NULL THEN 'new'
            WHEN v.customer_id <> c.id THEN 'moved'
            ELSE 'known' END AS verdict
FROM incoming n LEFT JOIN receivables_customer c ON c.number = n.customer_number
LEFT JOIN receivables_invoice v ON v.number = n.invoice_number
CROSS JOIN LATERAL (SELECT
    CASE WHEN v.id IS NULL OR %(has_reference)s
         THEN n.reference ELSE v.reference END AS reference,
    CASE WHEN v.id IS NULL OR %(has_description)s
         THEN n.description ELSE v.description END AS description) merged
"""


def apply(run: Run) -> Changes:
    """Issue what is new and correct the rest; a conflict is noted as a problem."""
    customers_added = customers.create_missing(run) if run.create_customers else 0
    counted = staging.judge(_JUDGE, run.has_columns())
    _refuse_strangers(run)
    _refuse_other_customers(run)
    changed = _hold(run)
    run.problems.refuse()
    _correct(run)
    _revise(run)
    _issue(run)
    return Changes(
        added=counted.get("new", 0),
        changed=changed,
        unchanged=counted.get("known", 0) - changed,
        customers_added=customers_added,
    )


def _refuse_strangers(run: Run) -> None:
    rows = staging.failing(
        "SELECT line, customer_number FROM judged WHERE verdict = 'stranger'", run.problems
    )
    for line, number in rows:
        run.problems.add(
            line,
            run.column("customer_number"),
            f'Customer "{number}" is not known',
            "Import customers first, or add --create-customers.",
        )


def _refuse_other_customers(run: Run) -> None:
    rows = staging.failing(
        """SELECT j.line, j.invoice_number, c.number
           FROM judged j JOIN receivables_invoice v ON v.id = j.invoice_id
           JOIN receivables_customer c ON c.id = v.customer_id WHERE j.verdict = 'moved'""",
        run.problems,
    )
    for line, number, owner in rows:
        run.problems.add(
            line,
            run.column("customer_number"),
            f'Invoice "{number}" is customer "{owner}"\'s',
            "Credit it there and send it to the other customer under a new number.",
        )


def _hold(run: Run) -> int:
    """Lock the invoices that would change, in the order of their ids; count them.

    One whose amount would change must have no payment: that is noted as a problem.
    """
    changing = """SELECT invoice_id, line, is_revised FROM judged
                  WHERE verdict = 'known' AND (is_revised OR is_corrected) ORDER BY invoice_id"""
    count = 0
    for rows in staging.chunks(changing):
        count += len(rows)
        held = billing.lock(invoice_id for invoice_id, _, _ in rows)
        lines = {invoice_id: line for invoice_id, line, is_revised in rows if is_revised}
        if lines:
            _refuse_paid(run, [invoice for invoice in held if invoice.id in lines], lines)
    return count


def _refuse_paid(run: Run, invoices: Sequence[Invoice], lines: Mapping[UUID, int]) -> None:
    paid = billing.with_activity(invoices) | run.is_reserved(list(lines))
    for invoice in sorted(invoices, key=lambda i: lines[i.id]):
        if invoice.id in paid:
            run.problems.add(
                lines[invoice.id],
                run.column("amount"),
                f'Invoice "{invoice.number}" is {invoice.amount} and has a payment or credit on it',
                "Leave its amount as it is; send a credit note or another invoice.",
            )


def _correct(run: Run) -> None:
    """Take over dates and texts, on record with what stood there before."""
    for before, after in staging.differences(
        """SELECT v.number,
                  jsonb_build_object('invoice_date', v.invoice_date, 'due_date', v.due_date,
                      'reference', v.reference, 'description', v.description)::text,
                  jsonb_build_object('invoice_date', j.invoice_date, 'due_date', j.due_date,
                      'reference', j.reference, 'description', j.description)::text
           FROM receivables_invoice v JOIN judged j ON j.invoice_id = v.id
           WHERE j.verdict = 'known' AND j.is_corrected ORDER BY v.number"""
    ):
        run.note("invoices corrected", before, after)
    staging.execute(
        """UPDATE receivables_invoice v
           SET invoice_date = j.invoice_date, due_date = j.due_date,
               reference = j.reference, description = j.description
           FROM judged j WHERE v.id = j.invoice_id AND j.verdict = 'known' AND j.is_corrected"""
    )


def _revise(run: Run) -> None:
    revised = """SELECT invoice_id, amount, currency FROM judged
                 WHERE verdict = 'known' AND is_revised ORDER BY invoice_id"""
    for rows in staging.chunks(revised):
        revisions = [billing.Revision(id, Money(minor, currency)) for id, minor, currency in rows]
        billing.revise(revisions, actor=run.actor, now=run.now, on=run.on)


def _issue(run: Run) -> None:
    fresh = """SELECT invoice_number, customer_id, invoice_date, due_date, amount, currency,
                      reference, description
               FROM judged WHERE verdict = 'new' ORDER BY line"""
    for rows in staging.chunks(fresh):
        billing.issue(_new(rows), actor=run.actor, now=run.now, on=run.on)


def _new(rows: Sequence[tuple]) -> list[billing.NewInvoice]:  # type: ignore[type-arg]
    return [
        billing.NewInvoice(number, customer, issued, due, Money(minor, currency), *texts)
        for number, customer, issued, due, minor, currency, *texts in rows
    ]
