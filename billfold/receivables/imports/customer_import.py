"""Importing customers: new ones are added, the others corrected."""

from __future__ import annotations

from billfold.platform.ids import new_ids
from billfold.receivables.imports import staging
from billfold.receivables.imports.import_context import ChangeCounts, ImportContext

_CLASSIFY = """
SELECT n.id AS new_id, n.line, n.customer_number, c.id AS customer_id, n.name, merged.*,
       CASE WHEN c.id IS NULL THEN 'new'
            WHEN (c.name, c.email, c.address, c.state, c.terms, c.paper_bill)
                 IS DISTINCT FROM (n.name, merged.email, merged.address, merged.state, merged.terms,
                                   merged.paper_bill) THEN 'changed'
            ELSE 'same' END AS verdict
FROM incoming n LEFT JOIN receivables_customer c ON c.number = n.customer_number
CROSS JOIN LATERAL (SELECT
    CASE WHEN c.id IS NULL OR %(has_email)s THEN n.email ELSE c.email END AS email,
    CASE WHEN c.id IS NULL OR %(has_address)s THEN n.address ELSE c.address END AS address,
    CASE WHEN c.id IS NULL OR %(has_state)s THEN n.state ELSE c.state END AS state,
    CASE WHEN c.id IS NULL OR %(has_terms)s THEN n.terms ELSE c.terms END AS terms,
    CASE WHEN c.id IS NULL OR %(has_paper_bill)s
         THEN n.paper_bill ELSE c.paper_bill END AS paper_bill) merged
"""


def apply(context: ImportContext) -> ChangeCounts:
    """Add and correct customers. An absent column changes nothing; an empty cell clears."""
    counts = staging.classify(_CLASSIFY, context.has_columns())
    for before, after in staging.read_differences(
        """SELECT c.number,
                  (to_jsonb(c) - '{id,number,created_at}'::text[])::text,
                  (to_jsonb(j) - '{new_id,line,customer_number,customer_id,verdict}'::text[])::text
           FROM receivables_customer c JOIN classified j ON j.customer_id = c.id
           WHERE j.verdict = 'changed' ORDER BY c.number"""
    ):
        context.record("customers changed", before, after)
    staging.execute(
        """UPDATE receivables_customer c
           SET name = j.name, email = j.email, address = j.address, state = j.state,
               terms = j.terms, paper_bill = j.paper_bill
           FROM classified j WHERE c.id = j.customer_id AND j.verdict = 'changed'"""
    )
    staging.execute(
        """INSERT INTO receivables_customer
               (id, number, name, email, address, state, terms, paper_bill, created_at)
           SELECT new_id, customer_number, name, email, address, state, terms, paper_bill, %s
           FROM classified WHERE verdict = 'new' ORDER BY line""",
        [context.now],
    )
    return ChangeCounts(*(counts.get(verdict, 0) for verdict in ("new", "changed", "same")))


def create_missing(context: ImportContext) -> int:
    """Add the unknown customers that a file of invoices names, with their numbers as names."""
    missing = """SELECT DISTINCT n.customer_number FROM incoming n WHERE NOT EXISTS (
                     SELECT FROM receivables_customer c WHERE c.number = n.customer_number)
                 ORDER BY 1"""
    added = 0
    for rows in staging.read_chunks(missing):
        added += staging.execute(
            """INSERT INTO receivables_customer
                   (id, number, name, email, address, state, terms, paper_bill, created_at)
               SELECT id, number, number, '', '', '', '', false, %s
               FROM unnest(%s::uuid[], %s::text[]) AS missing (id, number)""",
            [context.now, new_ids(len(rows)), [number for (number,) in rows]],
        )
    return added
