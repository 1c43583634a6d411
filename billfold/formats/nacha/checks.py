"""The table of checks on Nacha files: the code of each, and its severity in writing and reading.

A file we write must pass every check. A file a bank sent has moved money, so reading refuses it
only where its counts, its totals or the meaning of all of it are in doubt, and reports the rest as
warnings: one odd entry never holds up the others, but is acted upon by nobody but a person.
Source: Nacha Operating Rules, Appendix Three; docs/bank-files.md#nacha-checks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

CheckSeverity = Literal["error", "warning", "none"]


@dataclass(frozen=True, slots=True)
class NachaCheck:
    """One check. Several share a number where one heading covers them."""

    number: int
    code: str
    requirement: str
    on_write: CheckSeverity = "error"
    on_read: CheckSeverity = "error"


_W: Final = "warning"
_NONE: Final = "none"

CHECKS: Final = (
    NachaCheck(1, "record-length", "a record has 94 characters; lost trailing blanks are restored"),
    NachaCheck(1, "blank-lines", "no blank lines stand between records", on_read=_W),
    NachaCheck(2, "record-type", "a record begins with 1, 5, 6, 7, 8 or 9"),
    NachaCheck(3, "no-header", "the first record is a file header"),
    NachaCheck(3, "second-header", "there is one file header"),
    NachaCheck(3, "fragment-header", "a file of returns alone may lack the header", on_read=_W),
    NachaCheck(4, "no-control", "the file ends with a file control"),
    NachaCheck(4, "fragment-control", "a file of returns alone may lack the control", on_read=_W),
    NachaCheck(4, "after-control", "only padding follows the file control", on_read=_W),
    NachaCheck(4, "second-file", "no records follow the file control"),
    NachaCheck(4, "early-padding", "padding stands at the end only"),
    NachaCheck(5, "outside-batch", "entries and batch controls stand in a batch"),
    NachaCheck(5, "outside-entry", "an addendum follows its entry"),
    NachaCheck(5, "batch-open", "a batch ends with its control"),
    NachaCheck(
        6, "no-batches", "the file asks for something; an empty day may be sent", on_read=_NONE
    ),
    NachaCheck(6, "no-entries", "a batch asks for something", on_read=_W),
    NachaCheck(7, "record-size", "record size 094", on_read=_W),
    NachaCheck(7, "blocking-factor", "blocking factor 10", on_read=_W),
    NachaCheck(7, "format-code", "format code 1", on_read=_W),
    NachaCheck(8, "creation-date", "the creation date is a date", on_read=_W),
    NachaCheck(8, "creation-time", "the creation time is a time or blank", on_read=_W),
    NachaCheck(8, "file-id-modifier", "the file ID modifier is A-Z or 0-9", on_read=_W),
    NachaCheck(9, "destination", "the immediate destination is a routing number", on_read=_W),
    NachaCheck(9, "origin", "the immediate origin is the one agreed with the bank", on_read=_W),
    NachaCheck(10, "field", "mandatory fields hold what they must"),
    NachaCheck(11, "not-ascii", "characters are printable ASCII", on_read=_W),
    NachaCheck(11, "byte-order-mark", "the file begins with its first record", on_read=_W),
    NachaCheck(11, "encoding", "the file is not UTF-16 or binary"),
    NachaCheck(12, "field-length", "a value is not longer than its field", on_read=_NONE),
    NachaCheck(12, "overflow", "counts and totals fit their fields", on_read=_NONE),
    NachaCheck(13, "service-class", "service class 200, 220 or 225; 280 for advice"),
    NachaCheck(14, "sec-code", "the standard entry class is known", on_read=_W),
    NachaCheck(14, "sec-code-unsupported", "the class is PPD, CCD, CTX, WEB or TEL", on_read=_W),
    NachaCheck(15, "originator-status", "originator status 1; 2 for federal agencies", on_read=_W),
    NachaCheck(16, "company-name", "the company name is more than blanks and zeros", on_read=_W),
    NachaCheck(16, "company-id", "so is the company identification", on_read=_W),
    NachaCheck(16, "description", "so is the company entry description", on_read=_W),
    NachaCheck(17, "batch-mismatch", "a batch control agrees with its header"),
    NachaCheck(18, "batch-order", "batch numbers ascend", on_read=_W),
    NachaCheck(19, "batch-entry-and-addenda-count", "the batch's records are as many as stated"),
    NachaCheck(19, "file-entry-and-addenda-count", "the file's records are as many as stated"),
    NachaCheck(20, "batch-total-debits", "the batch's debits add up"),
    NachaCheck(20, "batch-total-credits", "the batch's credits add up"),
    NachaCheck(20, "file-total-debits", "the file's debits add up"),
    NachaCheck(20, "file-total-credits", "the file's credits add up"),
    NachaCheck(21, "batch-entry-hash", "the batch's routing numbers add up, last ten digits"),
    NachaCheck(21, "file-entry-hash", "the batches' hashes add up, last ten digits"),
    NachaCheck(22, "file-batch-count", "the batches are as many as stated", on_read=_W),
    NachaCheck(22, "block-count", "the blocks of ten lines are as many as stated", on_read=_W),
    NachaCheck(23, "transaction-code", "the transaction code is known", on_read=_W),
    NachaCheck(23, "not-originated", "the transaction code is one a biller sends", on_read=_NONE),
    NachaCheck(
        23, "service-class-direction", "220 holds credits only, 225 debits only", on_read=_W
    ),
    NachaCheck(
        23, "class-direction", "TEL and WEB take debits, a reversal gives credits", on_read=_W
    ),
    NachaCheck(
        24, "routing-number", "check digit and prefix of the receiving bank hold", on_read=_W
    ),
    NachaCheck(
        25, "account-number", "the account number is more than blanks and zeros", on_read=_W
    ),
    NachaCheck(26, "amount-zero", "an entry has an amount", on_read=_W),
    NachaCheck(26, "amount-not-zero", "prenotes and remittance entries have none", on_read=_W),
    NachaCheck(26, "amount-negative", "an amount is not below zero", on_read=_NONE),
    NachaCheck(
        26, "remittance-entry", "codes 24 and 29 are for CCD and CTX, with an addendum", on_read=_W
    ),
    NachaCheck(27, "entry-limit", "the amount keeps the limit of an entry", on_read=_NONE),
    NachaCheck(27, "batch-limit", "the batch keeps its limit", on_read=_NONE),
    NachaCheck(27, "file-limit", "the file keeps its limits of entries and amount", on_read=_NONE),
    NachaCheck(27, "day-limit", "with this file the day keeps its limit", on_read=_NONE),
    NachaCheck(28, "name", "PPD, WEB and TEL entries name the receiver", on_read=_W),
    NachaCheck(29, "trace-number", "trace numbers are digits, without a mark", on_read=_W),
    NachaCheck(29, "rejected", "the bank marks nothing as rejected", _NONE, _W),
    NachaCheck(29, "trace-bank", "trace numbers begin with the batch's bank", on_read=_W),
    NachaCheck(29, "trace-order", "trace numbers ascend in a batch, each once", on_read=_W),
    NachaCheck(29, "trace-used", "a trace number is used once in 18 months", on_read=_NONE),
    NachaCheck(30, "addenda-indicator", "the indicator tells whether addenda follow", on_read=_W),
    NachaCheck(31, "addenda-count", "the class allows that many addenda", on_read=_W),
    NachaCheck(31, "too-many-addenda", "an entry has at most 9,999 addenda"),
    NachaCheck(31, "addenda-stated", "CTX states how many addenda follow", on_read=_W),
    NachaCheck(32, "addenda-order", "addenda are numbered from 1 without a gap", on_read=_W),
    NachaCheck(
        32, "addenda-trace", "an addendum repeats the end of its entry's trace number", on_read=_W
    ),
    NachaCheck(33, "addenda-field", "the fields of an addendum hold what they must", on_read=_W),
    NachaCheck(
        33, "addenda-type", "05 goes with payments, 98 with COR, 99 with returns", on_read=_W
    ),
    NachaCheck(34, "mixed-categories", "payments and returns are in batches apart", on_read=_W),
    NachaCheck(35, "return-code", "the return code is known", on_write=_NONE, on_read=_W),
    NachaCheck(36, "change-code", "the change code is known", on_write=_NONE, on_read=_W),
    NachaCheck(36, "corrected-data", "corrected data is there", on_write=_NONE, on_read=_W),
    NachaCheck(
        37, "change-entry", "a COR entry has a 98 addendum and amount zero", _NONE, on_read=_W
    ),
    NachaCheck(38, "effective-date", "the effective date is a day the bank takes", on_read=_W),
    NachaCheck(39, "reserved-description", "reserved descriptions are used rightly", on_read=_NONE),
    NachaCheck(40, "micro-entry", "credits under $1.00, debits not above them", on_read=_NONE),
    NachaCheck(40, "not-yet-live", "an account is debited when it is validated", on_read=_NONE),
    NachaCheck(40, "retry", "a retry repeats its original, twice in 180 days", on_read=_NONE),
    NachaCheck(40, "return-fee", "a fee follows a return R01 or R09 in 45 days", on_read=_NONE),
    NachaCheck(40, "reversal", "a reversal mirrors its original in 5 banking days", on_read=_NONE),
    NachaCheck(40, "same-day", "same-day entries keep the day's amount and windows", on_read=_NONE),
    NachaCheck(41, "duplicate-file", "the same file is not made or taken twice"),
    NachaCheck(41, "duplicate-modifier", "a day's file ID modifier is used once"),
    NachaCheck(41, "duplicate-entry", "an entry is not asked for twice", on_read=_NONE),
    NachaCheck(42, "foreign-class", "IAT, ADV and their like are reported", _NONE, _W),
)
"""All checks in order of number; the codes are for machines and never change."""

BY_CODE: Final = {check.code: check for check in CHECKS}

_OUTCOMES: Final = {"error": "refused", "warning": "reported", "none": ""}


def markdown_table() -> str:
    """Format the checks as the table in docs/bank-files.md."""
    rows = [
        f"| {check.number} | `{check.code}` | {check.requirement} | {_OUTCOMES[check.on_write]} "
        f"| {_OUTCOMES[check.on_read]} |"
        for check in CHECKS
    ]
    header = ["| # | Code | Check | Writing | Reading |", "|---|---|---|---|---|"]
    return "\n".join([*header, *rows]) + "\n"
