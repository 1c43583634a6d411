"""SQL points down as imports do: it names no table of a package above, and none of the ledger."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.tidy.test_limits import trees

FLOORS = {
    "platform": 0,
    "people": 1,
    "ledger": 2,
    "notices": 2,
    "receivables": 3,
    "banking": 3,
    "payments": 4,
}
"""Packages with tables, as they stand on each other; docs/architecture.md has the table."""
NAMED = re.compile(
    r"\b(?:FROM|JOIN|INTO|UPDATE|TABLE|ONLY|USING)\s+((?:" + "|".join(FLOORS) + r")_[a-z_]+)"
)
READS_THE_LEDGER = (
    "billfold/ledger/",
    "billfold/payments/proof/",
    "billfold/payments/migrations/0001_standing.sql",
)
PROJECT = Path(__file__).parents[2]


def statements() -> Iterator[tuple[str, str]]:
    """Give each text that may hold SQL, with the file it stands in."""
    for path, tree in trees().items():
        if path.startswith("billfold/"):
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield path, node.value
    for path in PROJECT.glob("billfold/*/migrations/*.sql"):
        yield str(path.relative_to(PROJECT)), path.read_text()


def misplaced(path: str, text: str) -> Iterator[str]:
    """Find the tables that SQL in that file may not name."""
    floor = FLOORS.get(path.split("/")[1], len(FLOORS))
    for table in NAMED.findall(text):
        owner = table.partition("_")[0]
        is_the_ledgers = owner == "ledger" and not path.startswith(READS_THE_LEDGER)
        if FLOORS[owner] > floor or is_the_ledgers:
            yield f"{path}: {table}"


def test_sql_names_no_table_of_a_package_above_and_none_of_the_ledger():
    assert [name for path, text in statements() for name in misplaced(path, text)] == []


def test_a_misplaced_table_is_seen():
    up = "SELECT 1 FROM payments_payment"
    ledgers = "SELECT 1 FROM receivables_invoice i LEFT JOIN\n    ledger_account a ON true"

    assert list(misplaced("billfold/receivables/billing.py", up)) == [
        "billfold/receivables/billing.py: payments_payment"
    ]
    assert list(misplaced("billfold/payments/paying/standing.py", ledgers)) == [
        "billfold/payments/paying/standing.py: ledger_account"
    ]
    assert list(misplaced("billfold/portal/page.py", up)) == []
    assert list(misplaced("billfold/payments/proof/money.py", ledgers)) == []
