"""Recognising the format of a file from its first and last bytes alone.

This tells which format a file is meant to be; its reader tells whether it may be trusted.
docs/bank-files.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from billfold.formats import fedach, unsupported_formats, wire_text
from billfold.formats.x12 import TRANSACTION_SETS

WINDOW_BYTES: Final = 8_192
"""Only so much of a file is looked at, at its beginning and at its end."""


class Format(StrEnum):
    """A supported format; its value is its name for machines."""

    NACHA = "nacha"
    NACHA_RETURNS = "nacha-returns"
    BAI2 = "bai2"
    LOCKBOX = "lockbox"
    CAMT053 = "camt053"
    CAMT054 = "camt054"
    PACS008 = "pacs008"
    X12_820 = "x12-820"
    FEDACH_DIRECTORY = "fedach-directory"
    FEDWIRE_TEXT = "fedwire-text"


_NAMES: Final = {
    Format.NACHA: "a Nacha file of payments",
    Format.NACHA_RETURNS: "a Nacha file of returns",
    Format.BAI2: "BAI2",
    Format.LOCKBOX: "a lockbox file",
    Format.CAMT053: "a camt.053 statement",
    Format.CAMT054: "a camt.054 notification",
    Format.PACS008: "a pacs.008 wire",
    Format.X12_820: "an X12 820 remittance advice",
    Format.FEDACH_DIRECTORY: "a FedACH directory",
    Format.FEDWIRE_TEXT: "a Fedwire advice in text",
}
_PLURALS: Final = {
    Format.NACHA: "Nacha files of payments",
    Format.NACHA_RETURNS: "returns",
    Format.BAI2: "BAI2",
    Format.LOCKBOX: "lockbox files",
    Format.CAMT053: "camt.053",
    Format.CAMT054: "camt.054",
    Format.PACS008: "pacs.008",
    Format.X12_820: "X12 820",
    Format.FEDACH_DIRECTORY: "FedACH directories",
    Format.FEDWIRE_TEXT: "Fedwire advices",
}


@dataclass(frozen=True, slots=True)
class SniffResult:
    """The format of a file; if it has none, `reason` describes what it is instead."""

    format: Format | None
    reason: str
    """To follow a colon: "looks like BAI2", "a ZIP archive", "empty"."""

    def reason_unless(self, *accepted: Format) -> str:
        """Explain why a page that accepts these formats refuses the file; empty if it does not."""
        if self.format in accepted:
            return ""
        if self.format is None or not accepted:
            return self.reason
        *first, last = dict.fromkeys(_PLURALS[file_format] for file_format in accepted)
        accepted_names = f"{', '.join(first)} and {last}" if first else last
        return f"{self.reason}; this page takes {accepted_names}"


def sniff(content: bytes) -> SniffResult:
    """Recognise the format of a file. Never raises.

    Looks at its two ends only, so its size does not matter. Tolerates a byte order mark, leading
    blank lines, and any line ends or none.
    """
    if description := unsupported_formats.describe_binary(
        content[:WINDOW_BYTES], content[-WINDOW_BYTES:]
    ):
        return SniffResult(None, description)
    start = 3 if content.startswith(b"\xef\xbb\xbf") else 0
    head = content[start : start + WINDOW_BYTES].decode("latin-1")
    text = head.lstrip(" \t\r\n\x0b\x0c")
    tail = content[-WINDOW_BYTES:].decode("latin-1") if len(content) > WINDOW_BYTES else ""
    match = _x12(text, tail)
    for recognise in _RECOGNISERS:
        match = match or recognise(text)
    if match is None:
        return SniffResult(None, unsupported_formats.describe_text(text))
    if not isinstance(match, Format):
        return SniffResult(None, match)
    file_format = match
    if file_format is Format.NACHA:
        start += len(head) - len(text)
        file_format = _payments_or_returns(text, tail, len(content) - start)
    return SniffResult(file_format, f"looks like {_NAMES[file_format]}")


_ISA: Final = re.compile(r"ISA([^A-Za-z0-9 \t\r\n])")
_BARE_X12: Final = re.compile(
    r"(?:GS([*|^~])RA\1|ST([*|^~])820\2|(?:BPR|RMR|TRN|ENT)[*|^~][A-Z0-9]{1,3}[*|^~])"
)
_BARE_SET: Final = re.compile(r"ST([*|^~])([0-9]{3})\1")


def _x12(text: str, tail: str) -> Format | str | None:
    """Recognise an interchange by its transaction sets, or bare segments by the first one.

    It may have groups of other documents. If it has several groups and none is seen that holds
    an 820, only its reader can tell.
    """
    if header := _ISA.match(text):
        separator = re.escape(header[1])
        ends = f"{text}\n{tail}"
        codes = re.findall(rf"[^A-Za-z0-9]ST{separator}([0-9A-Z]{{3}}){separator}", ends)
        groups = re.findall(rf"[^A-Za-z0-9]GS{separator}([A-Z]{{2}}){separator}", ends)
        stated = re.findall(rf"[^A-Za-z0-9]IEA{separator}([0-9]{{1,5}}){separator}", ends)
        is_partly_seen = bool(tail) and any(int(number) > 1 for number in stated)
        code = codes[0] if codes else ""
        is_remittance = "820" in codes or "RA" in groups or is_partly_seen or not codes + groups
    elif bare := _BARE_SET.match(text):
        code, is_remittance = bare[2], bare[2] == "820"
    else:
        return Format.X12_820 if _BARE_X12.match(text) else None
    if is_remittance:
        return Format.X12_820
    what = f" {code}, {TRANSACTION_SETS[code]}" if code in TRANSACTION_SETS else f" {code}".rstrip()
    return f"looks like an X12{what}; only 820 is read"


_ISO_BODIES: Final = {
    "BkToCstmrStmt": "camt.053",
    "BkToCstmrDbtCdtNtfctn": "camt.054",
    "BkToCstmrAcctRpt": "camt.052",
    "FIToFICstmrCdtTrf": "pacs.008",
    "FIToFICstmrDrctDbt": "pacs.003",
    "FIToFIPmtStsRpt": "pacs.002",
    "PmtRtr": "pacs.004",
    "FICdtTrf": "pacs.009",
    "CstmrCdtTrfInitn": "pain.001",
    "CstmrPmtStsRpt": "pain.002",
    "CstmrDrctDbtInitn": "pain.008",
}
_ISO_MEANINGS: Final = {
    "camt.052": "an intraday report",
    "camt.029": "the outcome of an investigation",
    "camt.056": "a request to cancel a payment",
    "camt.060": "a request for a report",
    "pacs.002": "the status of a payment",
    "pacs.003": "a direct debit",
    "pacs.004": "a returned payment",
    "pacs.009": "a payment between banks",
    "pain.001": "a payment order",
    "pain.002": "the status of a payment order",
    "pain.008": "a direct debit order",
}
_ISO_FORMATS: Final = {
    "camt.053": Format.CAMT053,
    "camt.054": Format.CAMT054,
    "pacs.008": Format.PACS008,
}
_ISO_BODY: Final = re.compile(rf"[<:]({'|'.join(_ISO_BODIES)})[\s>/]")
_ISO_NAME: Final = re.compile(r"\b((?:acmt|admi|camt|pacs|pain|remt)\.[0-9]{3})\.001\.[0-9]{2}\b")


def _iso20022(text: str) -> Format | str | None:
    """Recognise a message by the element that holds it, else by the name in its namespace."""
    if not text.startswith("<"):
        return None
    if body := _ISO_BODY.search(text):
        name = _ISO_BODIES[body[1]]
    elif namespace := _ISO_NAME.search(text):
        name = namespace[1]
    else:
        return None
    if name in _ISO_FORMATS:
        return _ISO_FORMATS[name]
    meaning = f", {_ISO_MEANINGS[name]}" if name in _ISO_MEANINGS else ""
    return f"looks like {name}{meaning}; of ISO 20022, camt.053, camt.054 and pacs.008 are read"


_FEDACH_ROW: Final = re.compile(
    r"[0-9]{9}[A-Z][0-9]{9}[0-9][0-9 ]{6}[0-9 ]{9}[^\r\n]{1,130}(?:[\r\n]|\Z)"
)
_FEDWIRE_ROW: Final = re.compile(r"[0-9]{9}[^\r\n]{54}[A-Z]{2}[^\r\n]{25}[YN][ S][YN]")
_FEDACH_KEY: Final = re.compile(r'[{\[].*?"(?:routingNumber|fedACHParticipants)"\s*:', re.DOTALL)
_FEDWIRE_DIRECTORY: Final = (
    "looks like the directory of Fedwire participants; only the FedACH one is read"
)


def _directory(text: str) -> Format | str | None:
    if _FEDACH_ROW.match(text):
        return Format.FEDACH_DIRECTORY
    if text[0] in "{[":
        if fedach.FEDWIRE_KEY.search(text):
            return _FEDWIRE_DIRECTORY
        return Format.FEDACH_DIRECTORY if _FEDACH_KEY.match(text) else None
    return _FEDWIRE_DIRECTORY if _FEDWIRE_ROW.match(text) else None


_FEDWIRE: Final = re.compile(
    rf"{wire_text.PREFIX}\{{(?:1100|1110|1120|1130|15[0-9]{{2}}|2000|3[0-9]{{3}})\}}"
)


def _fedwire(text: str) -> Format | None:
    return Format.FEDWIRE_TEXT if _FEDWIRE.match(text) else None


_BAI2_START: Final = re.compile(r"0?1,[^,\r\n]{0,80},[^,\r\n]{0,80},")
_BAI2_RECORD: Final = re.compile(r"^(?:01|02|03|16|49|88|98|99),.*$", re.MULTILINE)
_BAI2_VERSION: Final = re.compile(r"[0-9]{2},(?:[^,\r\n]{0,80},){6,7}[23] ?/")


def _bai2(text: str) -> Format | None:
    """Recognise a file by its header, else by its version, else by most lines being records."""
    if text.startswith("01,") and _BAI2_START.match(text):
        return Format.BAI2
    if _BAI2_VERSION.match(text):
        return Format.BAI2
    lines = text.splitlines()[:50]
    records = sum(1 for line in lines if _BAI2_RECORD.match(line) and "/" in line)
    return Format.BAI2 if records >= 2 and records * 2 > len(lines) else None


_LOCKBOX_BEGINNINGS: Final = (
    re.compile(r"1(?!01)[0-9 ]{2}[0-9A-Z ]{20}[0-9]{6}"),
    re.compile(r"1(?!01)[^\r\n]{0,250}[\r\n]+(?:2[0-9A-Z ]{20}|5[0-9]{3}000)"),
    re.compile(r"2[0-9A-Z ]{30}400"),
    re.compile(r"5[0-9]{3}000[0-9]{13}[0-9A-Z ]{20}"),
)


def _lockbox(text: str) -> Format | None:
    """Recognise a file by its first record; its priority code is 00 where Nacha has 01."""
    return Format.LOCKBOX if any(pattern.match(text) for pattern in _LOCKBOX_BEGINNINGS) else None


_NACHA_HEADER: Final = re.compile(r"101[ 0-9A-Z][0-9A-Z ]{8,9}")
_NACHA_BEGINNINGS: Final = (
    re.compile(r"5(?:200|220|225|280)[^\r\n]{46}[A-Z]{3}"),
    re.compile(r"6[2-5][0-9][0-9 ]{9}[^\r\n]{17}[0-9 ]{10}"),
    re.compile(r"82(?:00|20|25|80)[0-9]{40}"),
    re.compile(r"9[0-9]{54}"),
)


def _nacha(text: str) -> Format | None:
    """Recognise a file by its header, or a fragment by the record it begins with."""
    if _NACHA_HEADER.match(text):
        record = text[:94]
        lines = text.splitlines()
        second = lines[1] if len(lines) > 1 else text[94:188]
        if "094101" in record or second[:1] in {"5", "9"}:
            return Format.NACHA
    return Format.NACHA if any(pattern.match(text) for pattern in _NACHA_BEGINNINGS) else None


def _payments_or_returns(text: str, tail: str, length: int) -> Format:
    """Tell a Nacha file of payments from one of returns and changes (addenda 99 and 98).

    A file of payments has batches, so a header and a control alone are a day without returns.
    """
    records = [*_records(text), *_records(tail, at=length - len(tail))]
    kinds = {record[:1] for record in records}
    if any(record[:3] in {"799", "798"} for record in records):
        return Format.NACHA_RETURNS
    is_empty = {"1", "9"} == kinds or (kinds == {"9"} and records[0][:7] == "9000000")
    return Format.NACHA_RETURNS if is_empty else Format.NACHA


def _records(text: str, *, at: int = 0) -> list[str]:
    """Cut the complete records out of a window that begins `at` bytes into the file."""
    lines = text.rstrip("\r\n").splitlines()
    if len(lines) > 1:
        return lines[1:] if at else lines
    return [text[start : start + 94] for start in range(-at % 94, len(text), 94)]


_RECOGNISERS: Final[tuple[Callable[[str], Format | str | None], ...]] = (
    _iso20022,
    _fedwire,
    _directory,
    _bai2,
    _nacha,
    _lockbox,
)
