"""The table of Nacha checks: reading applies each one, with the severity the table states."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date

import pytest

from billfold.formats import nacha
from billfold.formats.nacha import OriginationContext, Unreadable, checks
from tests import places
from tests.rules.formats.test_nacha_checks_writing import WRITE

FILES = places.FILES / "nacha"
CHECKS = checks.BY_CODE

# Reading


def lines_of(name: str) -> list[str]:
    return (FILES / name).read_text("ascii").splitlines()


WEB = lines_of("biller-no-block-padding.ach")
"""Header, batch header, four debits, batch control, file control."""
TWO_BATCHES = lines_of("biller-retry-and-return-fee.ach")
CTX = lines_of("biller-ctx-six-addenda.ach")
RETURN = lines_of("return-of-prenote-r03.ach")
CHANGE = [line for line in lines_of("noc-c01-to-c09.ach") if line[0] != "6" and line[:3] != "798"]
CHANGE[2:2] = lines_of("noc-c01-to-c09.ach")[4:6]


def put(lines: Sequence[str], number: int, column: int, text: str) -> list[str]:
    """Write over a line, counted from 1, at a column, counted from 1."""
    line = lines[number - 1]
    changed = line[: column - 1] + text + line[column - 1 + len(text) :]
    return [*lines[: number - 1], changed, *lines[number:]]


def recounted(lines: Sequence[str], **totals: str) -> list[str]:
    """Write other totals into both controls: `records`, `hash`, `debit` or `credit`."""
    places = {
        "records": (5, 14, 6),
        "hash": (11, 22, 10),
        "debit": (21, 32, 12),
        "credit": (33, 44, 12),
    }
    batch = next(n for n, line in enumerate(lines, 1) if line[0] == "8")
    file = next(n for n, line in enumerate(lines, 1) if line[0] == "9")
    changed = list(lines)
    for name, value in totals.items():
        in_batch, in_file, width = places[name]
        changed = put(changed, batch, in_batch, value.rjust(width, "0"))
        in_file_width = 8 if name == "records" else width
        changed = put(changed, file, in_file, value.rjust(in_file_width, "0"))
    return changed


def one_change(corrected: str, *, code: str = "C01", amount: str = "0") -> list[str]:
    lines = recounted(CHANGE, records="2", hash=CHANGE[2][3:11], debit=amount)
    lines = put(lines, 3, 30, amount.rjust(10, "0"))
    lines = put(lines, next(n for n, line in enumerate(lines, 1) if line[0] == "9"), 8, "000001")
    return put(put(lines[:6], 4, 4, code), 4, 36, corrected.ljust(29))


READ: dict[str, list[str] | bytes] = {
    "record-length": put(WEB, 3, 95, "X"),
    "blank-lines": [*WEB[:3], "", *WEB[3:]],
    "record-type": put(WEB, 3, 1, "4"),
    "no-header": WEB[1:],
    "second-header": [WEB[0], *WEB],
    "fragment-header": RETURN[1:5],
    "no-control": WEB[:7],
    "fragment-control": RETURN[1:5],
    "after-control": [*WEB, "END OF TRANSMISSION"],
    "second-file": WEB + WEB,
    "early-padding": [*WEB[:2], "9" * 94, *WEB[2:]],
    "outside-batch": [WEB[0], WEB[2], *WEB],
    "outside-entry": [*WEB[:2], CTX[3], *WEB[2:]],
    "batch-open": [*WEB[:6], WEB[7]],
    "no-entries": [*WEB[:2], *recounted(WEB, records="0", hash="0", debit="0")[6:]],
    "record-size": put(WEB, 1, 35, "095"),
    "blocking-factor": put(WEB, 1, 38, "11"),
    "format-code": put(WEB, 1, 40, "2"),
    "creation-date": put(WEB, 1, 24, "261341"),
    "creation-time": put(WEB, 1, 30, "2460"),
    "file-id-modifier": put(WEB, 1, 34, "a"),
    "destination": put(WEB, 1, 4, " 091000010"),
    "origin": WEB,
    "field": put(WEB, 3, 30, "A"),
    "not-ascii": "\n".join(put(WEB, 3, 56, "É")).encode("latin-1"),
    "byte-order-mark": b"\xef\xbb\xbf" + "\n".join(WEB).encode(),
    "encoding": "\n".join(WEB).encode("utf-16"),
    "service-class": put(put(WEB, 2, 2, "280"), 7, 2, "280"),
    "sec-code": put(WEB, 2, 51, "QQQ"),
    "sec-code-unsupported": put(WEB, 2, 51, "POP"),
    "originator-status": put(WEB, 2, 79, "7"),
    "company-name": put(WEB, 2, 5, "0" * 16),
    "company-id": put(put(WEB, 2, 41, " " * 10), 7, 45, " " * 10),
    "description": put(WEB, 2, 54, " " * 10),
    "batch-mismatch": put(WEB, 7, 45, "1234567899"),
    "batch-order": put(put(TWO_BATCHES, 6, 94, "1"), 8, 94, "1"),
    "batch-entry-and-addenda-count": put(WEB, 7, 5, "000005"),
    "file-entry-and-addenda-count": put(WEB, 8, 14, "00000005"),
    "batch-total-debits": put(WEB, 7, 21, "000000017063"),
    "batch-total-credits": put(WEB, 7, 33, "000000000001"),
    "file-total-debits": put(WEB, 8, 32, "000000017063"),
    "file-total-credits": put(WEB, 8, 44, "000000000001"),
    "batch-entry-hash": put(WEB, 7, 11, "0012121107"),
    "file-entry-hash": put(WEB, 8, 22, "0012121107"),
    "file-batch-count": put(WEB, 8, 2, "000002"),
    "block-count": put(WEB, 8, 8, "000002"),
    "transaction-code": put(WEB, 3, 2, "75"),
    "service-class-direction": put(
        recounted(put(WEB, 3, 2, "32"), debit="14463", credit="2599"), 3, 2, "32"
    ),
    "class-direction": put(
        put(recounted(put(WEB, 3, 2, "32"), debit="14463", credit="2599"), 2, 2, "200"), 7, 2, "200"
    ),
    "routing-number": put(WEB, 3, 12, "7"),
    "account-number": put(WEB, 3, 13, " " * 17),
    "amount-zero": recounted(put(WEB, 3, 30, "0" * 10), debit="14463"),
    "amount-not-zero": put(WEB, 3, 2, "38"),
    "remittance-entry": recounted(put(put(WEB, 3, 2, "39"), 3, 30, "0" * 10), debit="14463"),
    "name": put(WEB, 3, 55, "0" * 22),
    "trace-number": put(WEB, 3, 80, "0910000I"),
    "rejected": put(WEB, 3, 80, "REJ06030"),
    "trace-bank": put(WEB, 3, 80, "08100001"),
    "trace-order": put(WEB, 3, 94, "9"),
    "addenda-indicator": put(WEB, 3, 79, "1"),
    "addenda-count": put(put(CTX, 2, 51, "PPD"), 3, 55, "BIGCORP   "),
    "too-many-addenda": [*CTX[:4], *[CTX[3]] * 10_000, *CTX[4:]],
    "addenda-stated": put(CTX, 3, 55, "0007"),
    "addenda-order": put(CTX, 5, 84, "0003"),
    "addenda-trace": put(CTX, 5, 94, "2"),
    "addenda-field": put(RETURN, 4, 4, "X01"),
    "addenda-type": put(CTX, 5, 2, "02"),
    "mixed-categories": recounted(
        [*RETURN[:4], put(WEB, 3, 2, "38")[2], *RETURN[4:]], records="3", debit="2599"
    ),
    "return-code": put(RETURN, 4, 4, "R97"),
    "change-code": one_change("4400009999", code="C92"),
    "corrected-data": one_change("", code="C01"),
    "change-entry": one_change("4400009999", amount="1"),
    "effective-date": put(WEB, 2, 70, "261341"),
}
"""Per code, a file that breaks that rule."""

READ_CONTEXTS = {
    "origin": OriginationContext(origin="0000000001"),
    "duplicate-file": OriginationContext(
        known_files={hashlib.sha256("\n".join(WEB).encode()).hexdigest()}
    ),
    "duplicate-modifier": OriginationContext(used_modifiers={(date(2026, 11, 20), "A")}),
    "foreign-class": OriginationContext(),
}
"""Per code, what must be known besides."""

READ |= {
    "duplicate-file": WEB,
    "duplicate-modifier": WEB,
    "foreign-class": put(WEB, 2, 51, "ENR"),
}


def severities(content: list[str] | bytes, context: OriginationContext) -> dict[str, str]:
    """Read a file and give its problems: severity by code."""
    data = content if isinstance(content, bytes) else "\n".join(content).encode()
    try:
        problems: Sequence[nacha.FileProblem] = nacha.read(data, context=context).warnings
    except Unreadable as refusal:
        problems = refusal.problems
    return {problem.code: problem.severity for problem in problems}


@pytest.mark.parametrize("code", READ)
def test_reading_asks_every_check(code: str):
    reported = severities(READ[code], READ_CONTEXTS.get(code, OriginationContext()))

    assert reported.get(code) == CHECKS[code].on_read


def test_the_files_these_are_made_from_are_sound():
    sound = [WEB, TWO_BATCHES, CTX, RETURN, one_change("4400009999")]

    assert [severities(lines, OriginationContext()) for lines in sound] == [{}] * len(sound)


def test_every_check_on_reading_has_its_file():
    applied = {check.code for check in checks.CHECKS if check.on_read != "none"}

    assert READ.keys() == applied


def test_an_empty_day_is_no_problem():
    assert severities(lines_of("zero-return-day-no-batches.ach"), OriginationContext()) == {}


# Both ways


def test_all_42_checks_are_asked():
    applied = {CHECKS[code].number for code in [*READ, *WRITE]}

    assert applied == {check.number for check in checks.CHECKS} == set(range(1, 43))


def test_the_table_for_the_documentation_names_every_check():
    table = checks.markdown_table()

    assert all(f"`{check.code}`" in table for check in checks.CHECKS)
