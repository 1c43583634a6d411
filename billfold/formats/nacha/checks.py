"""The checks on Nacha files as data: what each is called, and how grave it is in each direction.

What we write must be right in all of them. What a bank sent us moved money, so on reading only
what puts counts, totals or meaning in doubt refuses a file; the rest is reported.
Source: Nacha Operating Rules, Appendix Three; docs/bank-files.md#nacha-checks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Level = Literal["error", "warning", "none"]


@dataclass(frozen=True, slots=True)
class Check:
    """One rule. Several share a number where one heading covers them."""

    number: int
    code: str
    what: str
    on_write: Level = "error"
    on_read: Level = "error"


_W: Final = "warning"
_NONE: Final = "none"

CHECKS: Final = (
    Check(1, "record-length", "a record has 94 characters; lost trailing blanks are restored"),
    Check(2, "record-type", "a record begins with 1, 5, 6, 7, 8 or 9"),
    Check(3, "no-header", "the first record is a file header"),
    Check(3, "second-header", "there is one file header"),
    Check(3, "fragment-header", "a file of returns alone may lack the header", on_read=_W),
    Check(4, "no-control", "the file ends with a file control"),
    Check(4, "fragment-control", "a file of returns alone may lack the control", on_read=_W),
    Check(4, "after-control", "only padding follows the file control", on_read=_W),
    Check(4, "second-file", "no records follow the file control"),
    Check(4, "early-padding", "padding stands at the end only"),
    Check(5, "outside-batch", "entries and batch controls stand in a batch"),
    Check(5, "outside-entry", "an addendum follows its entry"),
    Check(5, "batch-open", "a batch ends with its control"),
    Check(6, "no-batches", "the file asks for something; an empty day may be sent", on_read=_NONE),
    Check(6, "no-entries", "a batch asks for something", on_read=_W),
    Check(7, "record-size", "record size 094", on_read=_W),
    Check(7, "blocking-factor", "blocking factor 10", on_read=_W),
    Check(7, "format-code", "format code 1", on_read=_W),
    Check(8, "creation-date", "the creation date is a date", on_read=_W),
    Check(8, "creation-time", "the creation time is a time or blank", on_read=_W),
    Check(8, "file-id-modifier", "the file ID modifier is A-Z or 0-9", on_read=_W),
    Check(9, "destination", "the immediate destination is a routing number", on_read=_W),
    Check(9, "origin", "the immediate origin is the one agreed with the bank", on_read=_W),
    Check(10, "field", "mandatory fields hold what they must"),
    Check(11, "not-ascii", "characters are printable ASCII", on_read=_W),
    Check(11, "byte-order-mark", "the file begins with its first record", on_read=_W),
    Check(11, "encoding", "the file is not UTF-16 or binary"),
    Check(12, "field-length", "a value is not longer than its field", on_read=_NONE),
    Check(12, "overflow", "counts and totals fit their fields", on_read=_NONE),
    Check(13, "service-class", "service class 200, 220 or 225; 280 for advice"),
    Check(14, "sec-code", "the standard entry class is known", on_read=_W),
    Check(14, "sec-code-unsupported", "the class is PPD, CCD, CTX, WEB or TEL", on_read=_W),
    Check(15, "originator-status", "originator status 1; 2 for federal agencies", on_read=_W),
    Check(16, "company-name", "the company name is more than blanks and zeros", on_read=_W),
    Check(16, "company-id", "so is the company identification", on_read=_W),
    Check(16, "description", "so is the company entry description", on_read=_W),
    Check(17, "batch-mismatch", "a batch control agrees with its header"),
    Check(18, "batch-order", "batch numbers ascend", on_read=_W),
    Check(19, "batch-entry-and-addenda-count", "the batch's records are as many as stated"),
    Check(19, "file-entry-and-addenda-count", "the file's records are as many as stated"),
    Check(20, "batch-total-debits", "the batch's debits add up"),
    Check(20, "batch-total-credits", "the batch's credits add up"),
    Check(20, "file-total-debits", "the file's debits add up"),
    Check(20, "file-total-credits", "the file's credits add up"),
    Check(21, "batch-entry-hash", "the batch's routing numbers add up, last ten digits"),
    Check(21, "file-entry-hash", "the batches' hashes add up, last ten digits"),
    Check(22, "file-batch-count", "the batches are as many as stated", on_read=_W),
    Check(22, "block-count", "the blocks of ten lines are as many as stated", on_read=_W),
    Check(23, "transaction-code", "the transaction code is known", on_read=_W),
    Check(23, "not-originated", "the transaction code is one a biller sends", on_read=_NONE),
    Check(23, "service-class-direction", "220 holds credits only, 225 debits only", on_read=_W),
    Check(23, "class-direction", "TEL and WEB take debits, a reversal gives credits", on_read=_W),
    Check(24, "routing-number", "check digit and prefix of the receiving bank hold", on_read=_W),
    Check(25, "account-number", "the account number is more than blanks and zeros", on_read=_W),
    Check(26, "amount-zero", "an entry has an amount"),
    Check(26, "amount-not-zero", "prenotes and remittance entries have none"),
    Check(26, "amount-negative", "an amount is not below zero", on_read=_NONE),
    Check(26, "remittance-entry", "codes 24 and 29 are for CCD and CTX, with an addendum"),
    Check(27, "entry-limit", "the amount keeps the limit of an entry", on_read=_NONE),
    Check(27, "batch-limit", "the batch keeps its limit", on_read=_NONE),
    Check(27, "file-limit", "the file keeps its limits of entries and amount", on_read=_NONE),
    Check(27, "day-limit", "with this file the day keeps its limit", on_read=_NONE),
    Check(28, "name", "PPD, WEB and TEL entries name the receiver", on_read=_W),
    Check(29, "trace-bank", "trace numbers begin with the batch's bank", on_read=_W),
    Check(29, "trace-order", "trace numbers ascend in a batch, each once", on_read=_W),
    Check(29, "trace-used", "a trace number is used once in 18 months", on_read=_NONE),
    Check(30, "addenda-indicator", "the indicator tells whether addenda follow", on_read=_W),
    Check(31, "addenda-count", "the class allows that many addenda", on_read=_W),
    Check(31, "addenda-stated", "CTX states how many addenda follow", on_read=_W),
    Check(32, "addenda-order", "addenda are numbered from 1 without a gap"),
    Check(32, "addenda-trace", "an addendum repeats the end of its entry's trace number"),
    Check(33, "addenda-type", "05 goes with payments, 98 with COR, 99 with returns"),
    Check(34, "mixed-categories", "payments and returns are in batches apart", on_read=_W),
    Check(35, "return-code", "the return code is known", on_write=_NONE, on_read=_W),
    Check(36, "change-code", "the change code is known", on_write=_NONE, on_read=_W),
    Check(36, "corrected-data", "corrected data is there", on_write=_NONE, on_read=_W),
    Check(37, "change-entry", "a COR entry has a 98 addendum and amount zero", on_write=_NONE),
    Check(38, "effective-date", "the effective date is a day the bank takes", on_read=_W),
    Check(39, "reserved-description", "reserved descriptions are used rightly", on_read=_NONE),
    Check(40, "micro-entry", "credits under $1.00, debits not above them", on_read=_NONE),
    Check(40, "not-yet-live", "an account is debited when it is validated", on_read=_NONE),
    Check(40, "retry", "a retry repeats its original, twice in 180 days", on_read=_NONE),
    Check(40, "return-fee", "a fee follows a return R01 or R09 in 45 days", on_read=_NONE),
    Check(40, "reversal", "a reversal mirrors its original in 5 banking days", on_read=_NONE),
    Check(40, "same-day", "same-day entries keep the day's amount and windows", on_read=_NONE),
    Check(41, "duplicate-file", "the same file is not made or taken twice"),
    Check(41, "duplicate-modifier", "a day's file ID modifier is used once"),
    Check(41, "duplicate-entry", "an entry is not asked for twice", on_read=_NONE),
    Check(42, "foreign-class", "IAT, ADV and their like are reported", _NONE, _W),
)
"""All checks in order of number; the codes are for machines and never change."""

BY_CODE: Final = {check.code: check for check in CHECKS}

_SHOWN: Final = {"error": "refused", "warning": "reported", "none": ""}


def table() -> str:
    """Lay the checks out as the table of docs/bank-files.md."""
    rows = [
        f"| {check.number} | `{check.code}` | {check.what} | {_SHOWN[check.on_write]} "
        f"| {_SHOWN[check.on_read]} |"
        for check in CHECKS
    ]
    head = ["| # | Code | Check | Writing | Reading |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows]) + "\n"
