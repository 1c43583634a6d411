"""Writing the prior-day statement, in BAI2. Source: BAI Version 2; docs/bank-files.md#bai2."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from billfold.simulator.bank.memory import FIRST_DEBIT_TYPE, AccountLine
from billfold.simulator.bank.terms import BankTerms

_LINE_LENGTH: Final = 80
_CONTINUATION: Final = "88,"
_FINAL_PRIOR_DAY: Final = "2"


@dataclass(frozen=True, slots=True)
class PriorDayStatement:
    """One day of the biller's account."""

    as_of: date
    made_on: date
    made_at: str
    """HHMM, Eastern."""
    opening_minor: int
    lines: Sequence[AccountLine]

    @property
    def credits(self) -> list[int]:
        """The day's credits, in cents."""
        return [line.amount_minor for line in self.lines if line.type_code < FIRST_DEBIT_TYPE]

    @property
    def debits(self) -> list[int]:
        """The day's debits, in cents, without sign."""
        return [line.amount_minor for line in self.lines if line.type_code >= FIRST_DEBIT_TYPE]

    @property
    def closing_minor(self) -> int:
        """The opening balance with all lines of the day."""
        return self.opening_minor + sum(self.credits) - sum(self.debits)


def write(statement: PriorDayStatement, terms: BankTerms) -> bytes:
    """Write one file with one group and one account; lines end in LF."""
    account = [_account_record(statement, terms.account_number)]
    for line in statement.lines:
        account += _transaction_records(line)
    control = (
        statement.opening_minor
        + statement.closing_minor
        + 2 * (sum(statement.credits) + sum(statement.debits))
    )
    made_on, as_of = f"{statement.made_on:%y%m%d}", f"{statement.as_of:%y%m%d}"
    bank, biller = terms.odfi_routing_number, terms.company_id.strip()
    lines = [
        f"01,{bank},{biller},{made_on},{statement.made_at},1,,,2/",
        f"02,{biller},{bank},1,{as_of},2359,USD,{_FINAL_PRIOR_DAY}/",
        *account,
        f"49,{control},{len(account) + 1}/",
        f"98,{control},1,{len(account) + 3}/",
        f"99,{control},1,{len(account) + 5}/",
    ]
    return ("\n".join(lines) + "\n").encode("ascii")


def _account_record(statement: PriorDayStatement, account_number: str) -> str:
    """Write balances and totals. Codes 010 and 015 are ledger balances, 100 and 400 totals."""
    credits, debits = statement.credits, statement.debits
    return (
        f"03,{account_number},USD,010,{statement.opening_minor},,,015,{statement.closing_minor},,,"
        f"100,{sum(credits)},{len(credits)},Z,400,{sum(debits)},{len(debits)},Z/"
    )


def _transaction_records(line: AccountLine) -> list[str]:
    """Write a line, its text wrapped at spaces into continuation records."""
    head = (
        f"16,{line.type_code},{line.amount_minor},Z,"
        f"{line.bank_reference},{line.customer_reference},"
    )
    return textwrap.wrap(
        " ".join(line.text.split()),
        width=_LINE_LENGTH,
        initial_indent=head,
        subsequent_indent=_CONTINUATION,
        break_long_words=False,
        break_on_hyphens=False,
    )
