"""Importing what belongs to invoices: their lines, credit notes and PDF documents."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from billfold.money import Money
from billfold.receivables import billing
from billfold.receivables.imports import staging
from billfold.receivables.imports.import_context import ChangeCounts, ImportContext
from billfold.receivables.imports.import_fields import InvalidCell, quoted
from billfold.receivables.models import InvoiceDocument

LARGEST_DOCUMENT_BYTES: Final = 10 * 1024 * 1024

_CLASSIFY_LINES = """
SELECT n.id AS new_id, n.line, n.invoice_number, v.id AS invoice_id, l.id AS line_id, n.position,
       n.description, n.amount, merged.quantity,
       CASE WHEN v.id IS NULL THEN 'unknown'
            WHEN l.id IS NULL THEN 'new'
            WHEN (l.description, l.quantity, l.amount_minor)
                 IS DISTINCT FROM (n.description, merged.quantity, n.amount) THEN 'changed'
            ELSE 'same' END AS verdict
FROM incoming n LEFT JOIN receivables_invoice v
    ON v.number = n.invoice_number AND v.kind = 'invoice'
LEFT JOIN receivables_invoiceline l ON l.invoice_id = v.id AND l.position = n.position
CROSS JOIN LATERAL (SELECT
    CASE WHEN l.id IS NULL OR %(has_quantity)s THEN n.quantity ELSE l.quantity END AS quantity
) merged
"""
_CLASSIFY_CREDITS = """
SELECT n.line, n.credit_number, n.customer_number, n.invoice_number, c.id AS customer_id,
       v.id AS invoice_id, n.credit_date, n.amount, n.currency, n.reason,
       CASE WHEN c.id IS NULL THEN 'unknown'
            WHEN n.invoice_number <> '' AND v.id IS NULL THEN 'no invoice'
            WHEN v.customer_id <> c.id THEN 'other customer'
            WHEN k.id IS NULL THEN 'new'
            WHEN (k.customer_id, k.invoice_id, k.credit_date, k.amount_minor) IS DISTINCT FROM
                 (c.id, v.id, n.credit_date, n.amount)
                 OR (%(has_reason)s AND k.reason <> n.reason) THEN 'conflict'
            ELSE 'known' END AS verdict
FROM incoming n LEFT JOIN receivables_customer c ON c.number = n.customer_number
LEFT JOIN receivables_invoice v ON v.number = n.invoice_number
LEFT JOIN receivables_creditnote k ON k.number = n.credit_number
"""
_CREDIT_PROBLEMS: Final = {
    "unknown": ("customer_number", "The customer is not known", "Import customers first."),
    "no invoice": ("invoice_number", "The invoice is not known", "Import invoices first."),
    "other customer": (
        "invoice_number",
        "The invoice is another customer's",
        "Correct one of the two numbers.",
    ),
    "conflict": (
        "credit_number",
        "The credit note is booked already, with other content",
        "A booked credit note stays: give the correction a number of its own.",
    ),
}
_CLASSIFY_DOCUMENTS = """
SELECT n.line, n.invoice_number, n.file, v.id AS invoice_id,
       CASE WHEN v.id IS NULL THEN 'unknown' ELSE 'known' END AS verdict
FROM incoming n LEFT JOIN receivables_invoice v
    ON v.number = n.invoice_number AND v.kind = 'invoice'
"""


def apply_lines(context: ImportContext) -> ChangeCounts:
    """Add and correct invoice lines. The lines of an invoice must add up to its amount."""
    counts = staging.classify(_CLASSIFY_LINES, context.has_columns())
    _refuse_unknown_invoices(context)
    context.problems.refuse()
    for before, after in staging.read_differences(
        """SELECT v.number || ' line ' || j.position,
                  jsonb_build_object('description', l.description, 'quantity', l.quantity,
                      'amount_minor', l.amount_minor)::text,
                  jsonb_build_object('description', j.description, 'quantity', j.quantity,
                      'amount_minor', j.amount)::text
           FROM classified j JOIN receivables_invoiceline l ON l.id = j.line_id
           JOIN receivables_invoice v ON v.id = j.invoice_id
           WHERE j.verdict = 'changed' ORDER BY 1"""
    ):
        context.record("invoice lines changed", before, after)
    staging.execute(
        """UPDATE receivables_invoiceline l
           SET description = j.description, quantity = j.quantity, amount_minor = j.amount
           FROM classified j WHERE l.id = j.line_id AND j.verdict = 'changed'"""
    )
    staging.execute(
        """INSERT INTO receivables_invoiceline
               (id, invoice_id, position, description, quantity, amount_minor)
           SELECT new_id, invoice_id, position, description, quantity, amount
           FROM classified WHERE verdict = 'new' ORDER BY line"""
    )
    _refuse_wrong_sums(context)
    return ChangeCounts(*(counts.get(verdict, 0) for verdict in ("new", "changed", "same")))


def _refuse_unknown_invoices(context: ImportContext) -> None:
    rows = staging.faulty_rows(
        "SELECT line, invoice_number FROM classified WHERE verdict = 'unknown'", context.problems
    )
    for line, number in rows:
        context.problems.add(
            line,
            context.column("invoice_number"),
            f'Invoice "{number}" is not known',
            "Import invoices first.",
        )


def _refuse_wrong_sums(context: ImportContext) -> None:
    rows = staging.faulty_rows(
        """SELECT j.line, v.number, m.amount_minor, v.currency, sum(l.amount_minor)::bigint
           FROM (SELECT invoice_id, min(line) AS line FROM classified GROUP BY invoice_id) j
           JOIN receivables_invoice v ON v.id = j.invoice_id
           JOIN receivables_presentamount m ON m.invoice_id = v.id
           JOIN receivables_invoiceline l ON l.invoice_id = v.id
           GROUP BY j.line, v.id, m.amount_minor HAVING sum(l.amount_minor) <> m.amount_minor""",
        context.problems,
    )
    for line, number, amount, currency, lines_sum in rows:
        context.problems.add(
            line,
            context.column("amount"),
            f'The lines of invoice "{number}" add up to {Money(lines_sum, currency)}'
            f" and the invoice is {Money(amount, currency)}",
            "Bring all its lines, or correct the amounts.",
        )


def apply_credits(context: ImportContext) -> ChangeCounts:
    """Book new credit notes; a booked one is never changed."""
    counts = staging.classify(_CLASSIFY_CREDITS, context.has_columns())
    rows = staging.faulty_rows(
        "SELECT line, verdict FROM classified WHERE verdict NOT IN ('new', 'known')",
        context.problems,
    )
    for line, verdict in rows:
        field, wrong, cure = _CREDIT_PROBLEMS[verdict]
        context.problems.add(line, context.column(field), wrong, cure)
    context.problems.refuse()
    new = """SELECT credit_number, customer_id, credit_date, amount, currency, reason, invoice_id
               FROM classified WHERE verdict = 'new' ORDER BY line"""
    for part in staging.read_chunks(new):
        notes = [
            billing.NewCreditNote(number, customer, day, Money(minor, currency), reason, invoice)
            for number, customer, day, minor, currency, reason, invoice in part
        ]
        billing.credit(notes, actor=context.actor, now=context.now, on=context.on)
    return ChangeCounts(added=counts.get("new", 0), unchanged=counts.get("known", 0))


def apply_documents(context: ImportContext) -> ChangeCounts:
    """Store the PDF files the rows name. One at a time: each is large, and few are new."""
    staging.classify(_CLASSIFY_DOCUMENTS, {})
    _refuse_unknown_invoices(context)
    context.problems.refuse()
    counts = {"new": 0, "changed": 0, "same": 0}
    documents = "SELECT line, invoice_number, invoice_id, file FROM classified ORDER BY line"
    for rows in staging.read_chunks(documents):
        stored_hashes = dict(
            InvoiceDocument.objects.filter(invoice_id__in=[row[2] for row in rows]).values_list(
                "invoice_id", "sha256"
            )
        )
        for line, number, invoice_id, name in rows:
            try:
                content = _read_document(context.folder, name)
            except InvalidCell as error:
                context.problems.add(line, context.column("file"), error.wrong, error.cure)
                continue
            document = InvoiceDocument(
                invoice_id=invoice_id,
                name=Path(name).name,
                sha256=hashlib.sha256(content).hexdigest(),
                content=content,
            )
            before = stored_hashes.get(invoice_id)
            if before == document.sha256:
                counts["same"] += 1
                continue
            document.save(force_insert=before is None)
            counts["changed" if before else "new"] += 1
            if before:
                context.record("document changed", {number: before}, {number: document.sha256})
    return ChangeCounts(counts["new"], counts["changed"], counts["same"])


def _read_document(folder: Path, name: str) -> bytes:
    """Read a PDF that lies in the folder of the import file. Raises: Unfit."""
    try:
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise InvalidCell(
                f"{quoted(name)} lies elsewhere", "Put it into the folder of the CSV file."
            )
        if not path.is_file():
            raise InvalidCell(
                f"{quoted(name)} is not there", "Put it into the folder of the CSV file."
            )
        if path.stat().st_size > LARGEST_DOCUMENT_BYTES:
            limit = LARGEST_DOCUMENT_BYTES // 1024**2
            raise InvalidCell(f"{quoted(name)} is larger than {limit} MB", "Make it smaller.")
        content = path.read_bytes()
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links.
        raise InvalidCell(f"{quoted(name)} cannot be read", "Check its name and rights.") from error
    if not content.startswith(b"%PDF-"):
        raise InvalidCell(f"{quoted(name)} is not a PDF", "Bring invoices as PDF files.")
    return content
