"""The simulated bank's checks of entries and addenda."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from billfold.simulator.bank.records import UploadFindings, UploadRecord, check_digit, is_digits
from billfold.simulator.bank.terms import BankTerms

_LIVE: Final = {"22", "27", "32", "37"}
_PRENOTE: Final = {"23", "28", "33", "38"}
_ZERO_WITH_REMITTANCE: Final = {"24", "29", "34", "39"}
_CODES: Final = {
    "PPD": _LIVE | _PRENOTE,
    "WEB": _LIVE | _PRENOTE,
    "TEL": _LIVE | _PRENOTE,
    "CCD": _LIVE | _PRENOTE | _ZERO_WITH_REMITTANCE,
    "CTX": _LIVE | _PRENOTE | _ZERO_WITH_REMITTANCE,
}
_CONSUMER: Final = {"PPD", "WEB", "TEL"}
_DEBIT_ONLY: Final = {"WEB", "TEL"}
_PAYMENT_TYPES: Final = {"  ", "S ", "R ", "ST"}
_MOST_ADDENDA: Final = {"PPD": 1, "WEB": 1, "CCD": 1, "TEL": 0, "CTX": 9_999}
_PREFIXES: Final = frozenset([*range(13), *range(21, 33), *range(61, 73), 80])
"""First two digits of a routing number. Source: ABA routing number policy."""

_ACCOUNT: Final = re.compile(r"[A-Za-z0-9-]{1,17} *")


@dataclass(frozen=True, slots=True)
class UploadEntry:
    """One debit or credit of an uploaded file."""

    line: int
    text: str
    code: str
    rdfi: str
    account_number: str
    amount_minor: int
    name: str
    trace: str

    @property
    def is_credit(self) -> bool:
        """Credits have 1 to 4 as their second digit. Source: Nacha transaction codes."""
        return self.code[1:] in {"1", "2", "3", "4"}

    @property
    def is_prenote(self) -> bool:
        """Say whether it moves no money, only asks whether the account exists."""
        return self.code in _PRENOTE

    @property
    def hash_part(self) -> int:
        """The number that the entry hash adds up: eight digits, without the check digit."""
        return int(self.rdfi[:8]) if is_digits(self.rdfi[:8]) else 0

    def is_to(self, terms: BankTerms) -> bool:
        """Say whether it is to the biller's own account: an offset."""
        return (
            self.rdfi == terms.odfi_routing_number and self.account_number == terms.account_number
        )


@dataclass(slots=True)
class EntryRecords:
    """The records of an entry."""

    record: UploadRecord
    addenda: list[UploadRecord] = field(default_factory=list)


def read(
    header: UploadRecord, groups: Sequence[EntryRecords], terms: BankTerms, findings: UploadFindings
) -> list[UploadEntry]:
    """Check one batch's entries and their addenda, in order."""
    sec = header.at(51, 53)
    if sec not in _CODES:
        findings.add(header.line, "SEC code", f"{sec!r} is not in your agreement")
    entries = []
    previous_trace = ""
    for group in groups:
        entry = _read_entry(group.record, findings)
        _check_code(entry, sec, findings)
        _check_account(group.record, entry, findings)
        _check_trace(group.record, entry, previous_trace, terms, findings)
        _check_names(group.record, entry, sec, findings)
        _check_addenda(group, entry, sec, findings)
        is_reversal = header.at(54, 63).strip() == "REVERSAL"
        if sec in _DEBIT_ONLY and entry.is_credit and not (is_reversal or entry.is_to(terms)):
            findings.add(entry.line, "transaction code", f"{entry.code}: {sec} is for debits")
        previous_trace = entry.trace
        entries.append(entry)
    return entries


def _read_entry(record: UploadRecord, findings: UploadFindings) -> UploadEntry:
    return UploadEntry(
        line=record.line,
        text=record.text,
        code=record.at(2, 3),
        rdfi=record.at(4, 12),
        account_number=record.at(13, 29).rstrip(),
        amount_minor=findings.number(record, 30, 39, "amount"),
        name=record.at(55, 76).strip(),
        trace=record.at(80, 94),
    )


def _check_code(entry: UploadEntry, sec: str, findings: UploadFindings) -> None:
    if entry.code not in _CODES.get(sec, _LIVE | _PRENOTE):
        findings.add(entry.line, "transaction code", f"{entry.code!r} is not in your agreement")
    elif entry.code in _LIVE and not entry.amount_minor:
        findings.add(entry.line, "amount", "is zero")
    elif entry.code not in _LIVE and entry.amount_minor:
        findings.add(entry.line, "amount", f"must be zero with transaction code {entry.code}")


def _check_account(record: UploadRecord, entry: UploadEntry, findings: UploadFindings) -> None:
    routing = entry.rdfi
    if not is_digits(routing):
        findings.add(record.line, "routing number", f"is {routing!r}, not nine digits")
    elif routing.strip("0") == "" or int(routing[:2]) not in _PREFIXES:
        findings.add(record.line, "routing number", f"{routing} cannot exist")
    elif routing[8] != check_digit(routing[:8]):
        findings.add(
            record.line,
            "routing number",
            f"{routing}: check digit must be {check_digit(routing[:8])}",
        )
    account = record.at(13, 29)
    findings.expect(account.strip(" 0") != "", record, "account number", "is blank or all zeros")
    findings.expect(
        _ACCOUNT.fullmatch(account) is not None or account.strip() == "",
        record,
        "account number",
        "may hold only letters, digits and dashes, from the left",
    )


def _check_trace(
    record: UploadRecord,
    entry: UploadEntry,
    previous_trace: str,
    terms: BankTerms,
    findings: UploadFindings,
) -> None:
    findings.expect(is_digits(entry.trace), record, "trace number", "is not fifteen digits")
    findings.expect_equal(record, "trace number's ODFI", entry.trace[:8], terms.odfi_identification)
    findings.expect(
        entry.trace > previous_trace,
        record,
        "trace number",
        f"{entry.trace} does not ascend from {previous_trace}",
    )


def _check_names(
    record: UploadRecord, entry: UploadEntry, sec: str, findings: UploadFindings
) -> None:
    if sec in _CONSUMER:
        findings.expect(
            entry.name.strip("0 ") != "", record, "individual name", "is blank or all zeros"
        )
    if sec in _DEBIT_ONLY and not entry.is_credit:
        findings.expect(
            record.at(77, 78) in _PAYMENT_TYPES,
            record,
            "payment type code",
            f"is {record.at(77, 78)!r}, expected S, R or ST",
        )


def _check_addenda(
    group: EntryRecords, entry: UploadEntry, sec: str, findings: UploadFindings
) -> None:
    record, count = group.record, len(group.addenda)
    findings.expect_equal(record, "addenda indicator", record.at(79, 79), "1" if count else "0")
    most = _MOST_ADDENDA.get(sec, 0)
    findings.expect(count <= most, record, "addenda", f"{count} found, {sec} allows {most}")
    if sec == "CTX":
        findings.expect_equal(record, "number of addenda", record.at(55, 58), f"{count:04d}")
    for place, addendum in enumerate(group.addenda, start=1):
        findings.expect_equal(addendum, "addenda type", addendum.at(2, 3), "05")
        findings.expect_equal(addendum, "addenda sequence", addendum.at(84, 87), f"{place:04d}")
        findings.expect_equal(addendum, "addenda's entry", addendum.at(88, 94), entry.trace[8:])
