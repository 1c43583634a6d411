"""Writing the morning's file of returns and notices of change, in Nacha format.

Source: Nacha Operating Rules, return and notification-of-change entries; docs/bank-files.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Final

from billfold.simulator.bank.memory import RdfiAnswer
from billfold.simulator.bank.records import LINES_PER_BLOCK, PADDING
from billfold.simulator.bank.terms import BankTerms

_RETURN_CODES: Final = {"27": "26", "28": "26", "37": "36", "38": "36"}
"""Transaction code of the return of a debit or its prenote."""

_HASH: Final = 10**10


@dataclass(frozen=True, slots=True)
class _ReturnFileTotals:
    count: int
    hash: int
    debit_minor: int

    def text(self) -> str:
        """Format hash, debits and zero credits, as in both control records."""
        return f"{self.hash % _HASH:010d}{self.debit_minor:012d}{0:012d}"


def own_trace(number: int, entry: str) -> str:
    """Return the trace number that the answering bank gives its entry."""
    return f"{entry[3:11]}{number:07d}"


def is_notice(code: str) -> bool:
    """Say whether it is a notice of change (C01), not a return (R01)."""
    return code.startswith("C")


def corrected_account(account_number: str) -> str:
    """Return the account number in a C01 notice: the last two digits become 00."""
    return f"{account_number[:-2]}00"


def write(
    answers: Sequence[tuple[int, RdfiAnswer]], *, terms: BankTerms, on: date, at: str
) -> bytes:
    """Write one file; answers from one bank to one original batch share a batch."""
    header = (
        f"101{terms.immediate_origin.strip():>10} {terms.odfi_routing_number}"
        f"{on:%y%m%d}{at}A094101{'':23}{terms.bank_name[:23]:23}{'':8}"
    )
    lines = [header]
    batches: list[_ReturnFileTotals] = []
    ordered = sorted(answers, key=_batch_key)
    for _, group in groupby(ordered, key=_batch_key):
        batch, totals = _write_batch(list(group), len(batches) + 1, terms, on)
        lines += batch
        batches.append(totals)
    total = _ReturnFileTotals(
        sum(totals.count for totals in batches),
        sum(totals.hash % _HASH for totals in batches),
        sum(totals.debit_minor for totals in batches),
    )
    blocks = -(-(len(lines) + 1) // LINES_PER_BLOCK)
    lines.append(f"9{len(batches):06d}{blocks:06d}{total.count:08d}{total.text()}{'':39}")
    lines += [PADDING] * (-len(lines) % LINES_PER_BLOCK)
    return ("\n".join(lines) + "\n").encode("ascii")


def _batch_key(numbered: tuple[int, RdfiAnswer]) -> tuple[str, bool, str]:
    answer = numbered[1]
    return answer.batch_header, is_notice(answer.code), answer.entry[3:11]


def _write_batch(
    group: Sequence[tuple[int, RdfiAnswer]], number: int, terms: BankTerms, on: date
) -> tuple[list[str], _ReturnFileTotals]:
    first = group[0][1]
    original, rdfi = first.batch_header, first.entry[3:11]
    sec = "COR" if is_notice(first.code) else original[50:53]
    lines = [f"{original[:50]}{sec}{original[53:75]}{on:%j}{original[78]}{rdfi}{number:07d}"]
    for answer_number, answer in group:
        lines += _write_answer(answer_number, answer, terms)
    totals = _ReturnFileTotals(
        2 * len(group),
        len(group) * int(terms.odfi_identification),
        sum(answer.amount_minor for _, answer in group),
    )
    lines.append(
        f"8{original[1:4]}{totals.count:06d}{totals.text()}"
        f"{original[40:50]}{'':25}{rdfi}{number:07d}"
    )
    return lines, totals


def _write_answer(number: int, answer: RdfiAnswer, terms: BankTerms) -> list[str]:
    entry = answer.entry
    trace = own_trace(number, entry)
    detail = (
        f"6{_RETURN_CODES[entry[1:3]]}{terms.odfi_routing_number}{entry[12:29]}"
        f"{answer.amount_minor:010d}{entry[39:78]}1{trace}"
    )
    if is_notice(answer.code):
        corrected = corrected_account(entry[12:29].rstrip())
        addendum = (
            f"798{answer.code}{answer.original_trace}{'':6}{entry[3:11]}{corrected:44}{trace}"
        )
    else:
        addendum = f"799{answer.code}{answer.original_trace}{'':6}{entry[3:11]}{'':44}{trace}"
    return [detail, addendum]
