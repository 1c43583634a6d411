"""Takes in customers: adds those that are new, corrects the others."""

from __future__ import annotations

from billfold.platform.ids import new_ids
from billfold.receivables.imports import staging
from billfold.receivables.imports.run import Changes, Run

_JUDGE = """
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


def apply(run: Run) -> Changes:
    """Add and correct customers. A column that is absent changes nothing; an empty cell empties."""
    counted = staging.judge(_JUDGE, run.has_columns())
    for before, after in staging.differences(
        """SELECT c.number,
                  (to_jsonb(c) - '{id,number,created_at}'::text[])::text,
                  (to_jsonb(j) - '{new_id,line,customer_number,customer_id,verdict}'::text[])::text
           FROM receivables_customer c JOIN judged j ON j.customer_id = c.id
           WHERE j.verdict = 'changed' ORDER BY c.number"""
    ):
        run.note("customers changed", before, after)
    staging.execute(
        """UPDATE receivables_customer c
           SET name = j.name, email = j.email, address = j.address, state = j.state,
               terms = j.terms, paper_bill = j.paper_bill
           FROM judged j WHERE c.id = j.customer_id AND j.verdict = 'changed'"""
    )
    staging.execute(
        """INSERT INTO receivables_customer
               (id, number, name, email, address, state, terms, paper_bill, created_at)
           SELECT new_id, customer_number, name, email, address, state, terms, paper_bill, %s
           FROM judged WHERE verdict = 'new' ORDER BY line""",
        [run.now],
    )
    return Changes(*(counted.get(verdict, 0) for verdict in ("new", "changed", "same")))


def create_missing(run: Run) -> int:
    """Add the customers a file of invoices names and nobody knows; their number is their name."""
    missing = """SELECT DISTINCT n.customer_number FROM incoming n WHERE NOT EXISTS (
                     SELECT FROM receivables_customer c WHERE c.number = n.customer_number)
                 ORDER BY 1"""
    created = 0
    for rows in staging.chunks(missing):
        created += staging.execute(
            """INSERT INTO receivables_customer
                   (id, number, name, email, address, state, terms, paper_bill, created_at)
               SELECT id, number, number, '', '', '', '', false, %s
               FROM unnest(%s::uuid[], %s::text[]) AS given (id, number)""",
            [run.now, new_ids(len(rows)), [number for (number,) in rows]],
        )
    return created
