"""Reads the envelope of X12 820 files, and of the pieces of them in the addenda of ACH entries.

Source: ASC X12, transaction set 820, versions 004010 and 005010; docs/bank-files.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from billfold.formats.problems import NOTHING_TO_DO, FileProblem, Findings, Unreadable
from billfold.formats.x12 import segments
from billfold.formats.x12.records import AdvicePayment, Interchange, RemittanceAdvice
from billfold.formats.x12.segments import SEND_AGAIN, CountedWarnings, Segment
from billfold.formats.x12.transaction_set import UNINTERPRETED, TransactionSetReader

ADDENDUM_WIDTH: Final = 80
"""Payment related information of an addendum. Source: Nacha Operating Rules, Appendix Three."""
FRAGMENT_BEGINNINGS: Final = frozenset(
    {"GS", "ST", "BPR", "TRN", "CUR", "REF", "DTM", "N1", "ENT", "RMR", "ADX", "NTE", "SE"}
    | {"GE", "IEA", *UNINTERPRETED}
)
"""Segments a fragment may begin with; a text with another beginning is free text."""

_COUNT: Final = re.compile(r"[0-9]{1,10}")


def read(content: bytes) -> RemittanceAdvice:
    """Read a file of one or more interchanges, all of it or none.

    Raises: Unreadable with every problem, and nothing else, whatever the bytes.
    """
    text = segments.decode(content)
    if not segments.has_header(text):
        raise Unreadable([_no_header(text)])
    findings, warnings = Findings(), CountedWarnings()
    reader = _InterchangeReader(findings, warnings, is_fragment=False)
    for segment in segments.split(text, findings, warnings):
        reader.read(segment)
    return reader.close()


def read_fragment(lines: Sequence[str]) -> RemittanceAdvice:
    r"""Read the addenda of one ACH entry: bare segments, or any part of the envelope.

    The addenda are joined first, for a segment may be cut anywhere; one that lost its trailing
    blanks is padded to 80 columns, unless it is the last. Envelope and payment are checked as far
    as they are there; lines without a payment (`RMR*IV*90010046**299.75\`) are not: compare
    `AdvicePayment.lines_minor` with the entry.
    Raises: Unreadable with every problem, also if the text is no X12 at all.
    """
    *padded, last = lines or ("",)
    text = "".join([piece.ljust(ADDENDUM_WIDTH) for piece in padded] + [last]).rstrip()
    findings, warnings = Findings(), CountedWarnings()
    reader = _InterchangeReader(findings, warnings, is_fragment=True)
    if segments.has_header(text):
        delimiters = None
    else:
        delimiters = segments.guess_delimiters(text, FRAGMENT_BEGINNINGS)
        if delimiters is None:
            raise Unreadable([_no_header(text)])
        if not text.endswith(delimiters.terminator):
            message = "The last segment has no terminator; it may have been cut."
            fix = "Compare the last line with the payment."
            warnings.add("unterminated", len(padded) + 1, "", message, fix)
    for segment in segments.split(text, findings, warnings, delimiters=delimiters):
        reader.read(segment)
    return reader.close()


def _no_header(text: str) -> FileProblem:
    if segments.guess_delimiters(text[:8_192], FRAGMENT_BEGINNINGS):
        code, message = "no-envelope", "The envelope is missing: a file begins with segment ISA."
    else:
        code, message = "not-x12", "This is no X12: it does not begin with segment ISA."
    fix = "Check that this is an X12 820, whole and not encrypted."
    return FileProblem(code, "error", 1, "ISA", message, fix)


@dataclass(slots=True)
class _Envelope:
    """An open interchange, group or transaction, to compare with its trailer."""

    header: Segment
    control_number: str
    count: int = 0
    """Groups, transactions or segments in it, as its trailer counts them."""
    numbers: set[str] = field(default_factory=set)


_TRAILERS: Final = {"ISA": "IEA", "GS": "GE", "ST": "SE"}
_ENVELOPE: Final = frozenset({*_TRAILERS, *_TRAILERS.values()})
_COUNTED: Final = {
    "ISA": "functional groups were counted",
    "GS": "transactions were counted",
    "ST": "segments were counted from ST to SE",
}


class _InterchangeReader:
    """Reads interchanges, groups and transactions, and checks their order and their trailers."""

    def __init__(self, findings: Findings, warnings: CountedWarnings, *, is_fragment: bool) -> None:
        self._findings = findings
        self._warnings = warnings
        self._is_fragment = is_fragment
        self._interchange: _Envelope | None = None
        self._group: _Envelope | None = None
        self._set_envelope: _Envelope | None = None
        self._set_reader: TransactionSetReader | None = None
        self._interchanges: list[Interchange] = []
        self._payments: list[AdvicePayment] = []
        self._has_remittance_group = False
        self._other_sets: dict[str, list[int]] = {}
        """Lines of the transactions that are no 820, in groups that claim to hold none."""
        self._empty_group_line = 0
        """Line of the first group of another kind that holds nothing."""
        self._last_line = 1

    def read(self, segment: Segment) -> None:
        """Read the next segment."""
        self._last_line = segment.line
        if self._set_envelope is not None:
            self._set_envelope.count += 1
            if self._set_reader is None and segment.name not in _ENVELOPE:
                return  # Of a transaction that is no 820, only the envelope matters.
        if not segments.is_sound(segment, self._findings):
            return
        match segment.name:
            case "ISA":
                self._open_interchange(segment)
            case "GS":
                self._open_group(segment)
            case "ST":
                self._open_set(segment)
            case "SE":
                self._close_set(segment)
            case "GE":
                self._close_group(segment)
            case "IEA":
                self._close_interchange(segment)
            case _:
                self._read_content(segment)

    def close(self) -> RemittanceAdvice:
        """Finish the file and return its payments; report whatever is still open.

        Raises: Unreadable if anything is wrong with the file.
        """
        self._close_without_trailer(("ST", "GS", "ISA"))
        has_remittance = bool(self._payments) or self._has_remittance_group
        self._report_other_sets(has_remittance)
        if not self._payments and (has_remittance or not self._other_sets):
            message = "The file holds no payment."
            fix = f"{NOTHING_TO_DO}, unless one was expected."
            self._warnings.add("empty", self._last_line, "", message, fix)
        self._warnings.report(self._findings)
        self._findings.refuse()
        return RemittanceAdvice(
            tuple(self._interchanges), tuple(self._payments), self._findings.warnings
        )

    def _report_other_sets(self, has_remittance: bool) -> None:
        """Name the documents beside the remittance advice, or refuse the file if it has none.

        An interchange has a functional group for each kind of document, so an acknowledgment may
        come in the same one. Source: ASC X12.5, functional groups.
        """
        if not has_remittance and self._empty_group_line:
            message = "This is no group of remittance advices; those are marked RA."
            self._findings.add(
                "functional-group", self._empty_group_line, "GS01", message, _USE_OTHER_READER
            )
        for code, lines in self._other_sets.items():
            if has_remittance:
                times = f" ({len(lines):,} times)" if len(lines) > 1 else ""
                message = f"The file holds {_name_of(code)}{times}, too; it is passed over."
                fix = "Hand the file to whatever reads such documents, if you need them."
                self._findings.warn("passed-over", lines[0], "ST01", message, fix)
            else:
                message = f"This is {_name_of(code)}; only 820 is read."
                self._findings.add("not-820", lines[0], "ST01", message, _USE_OTHER_READER)

    def _open_interchange(self, segment: Segment) -> None:
        self._close_without_trailer(("ST", "GS", "ISA"))
        self._interchange = _Envelope(segment, segment[13])
        if len(segment.elements) != 16:
            message = f"The interchange header has {len(segment.elements)} elements instead of 16."
            self._findings.add("interchange-header", segment.line, "ISA", message, SEND_AGAIN)
        is_test = segment[15] == "T"
        if is_test:
            message = "The interchange is marked as a test."
            fix = "Do not apply it to invoices that are owed."
            self._warnings.add("test", segment.line, "ISA15", message, fix)
        created_date = _short_day(segment[9])
        if created_date is None:
            message = "The date of the interchange is not a real one of the form YYMMDD."
            fix = f"{NOTHING_TO_DO}."
            self._warnings.add("date", segment.line, "ISA09", message, fix)
        self._interchanges.append(
            Interchange(segment[6], segment[8], segment[13], created_date, segment[12], is_test)
        )

    def _open_group(self, segment: Segment) -> None:
        self._close_without_trailer(("ST", "GS"))
        if self._interchange is None:
            self._report_out_of_place("ISA", segment)
        else:
            self._interchange.count += 1
        self._group = _Envelope(segment, segment[6])
        self._has_remittance_group = self._has_remittance_group or segment[1] == "RA"

    def _open_set(self, segment: Segment) -> None:
        self._close_without_trailer(("ST",))
        number = segment[2]
        if self._group is None:
            self._report_out_of_place("GS", segment)
        else:
            self._group.count += 1
            if number in self._group.numbers:
                message = "A transaction before it in this group has the same control number."
                fix = "Make sure that the same payment was not sent twice."
                self._warnings.add("repeated-number", segment.line, "ST02", message, fix)
            self._group.numbers.add(number)
        self._set_envelope = _Envelope(segment, number, count=1)
        if segment[1] == "820":
            self._set_reader = TransactionSetReader(
                self._findings, self._warnings, line=segment.line
            )
            if self._group is not None and self._group.header[1] != "RA":
                message = "A group of remittance advices is marked RA; this one is not."
                line = self._group.header.line
                self._findings.add("functional-group", line, "GS01", message, SEND_AGAIN)
        elif self._group is not None and self._group.header[1] != "RA":
            code = segment[1] if segment[1] in segments.TRANSACTION_SETS else ""
            self._other_sets.setdefault(code, []).append(segment.line)
        else:
            message = f"This is {_name_of(segment[1])}; only 820 is read."
            self._findings.add("not-820", segment.line, "ST01", message, _USE_OTHER_READER)

    def _read_content(self, segment: Segment) -> None:
        if self._set_envelope is None and self._set_reader is None:
            if segment.name == "TA1" and self._interchange and not self._group:
                return  # It acknowledges an interchange of ours, and is counted nowhere.
            if not self._is_fragment:
                self._report_out_of_place("ST", segment)
                return
            self._set_reader = TransactionSetReader(
                self._findings, self._warnings, line=segment.line
            )
        if self._set_reader is not None:
            self._set_reader.read(segment)

    def _close_set(self, segment: Segment) -> None:
        self._check_trailer(self._set_envelope, "ST", segment)
        self._close_payment()
        self._set_envelope = None

    def _close_group(self, segment: Segment) -> None:
        self._close_without_trailer(("ST",))
        self._check_trailer(self._group, "GS", segment)
        group, self._group = self._group, None
        if group is not None and not group.count and group.header[1] != "RA":
            self._empty_group_line = self._empty_group_line or group.header.line

    def _close_interchange(self, segment: Segment) -> None:
        self._close_without_trailer(("ST", "GS"))
        self._check_trailer(self._interchange, "ISA", segment)
        self._interchange = None

    def _check_trailer(self, envelope: _Envelope | None, header: str, trailer: Segment) -> None:
        """Compare a trailer with its header: control number and count."""
        if envelope is None:
            self._report_out_of_place(header, trailer)
            return
        if not _is_same_number(envelope.control_number, trailer[2], header):
            message = f"The control number is not that of the header {header}."
            self._findings.add(
                "control-number", trailer.line, trailer.place(2), message, SEND_AGAIN
            )
        stated = int(trailer[1]) if _COUNT.fullmatch(trailer[1]) else None
        if stated != envelope.count:
            message = f"{envelope.count} {_COUNTED[header]}, "
            message += "but none is stated." if stated is None else f"not {stated}."
            self._findings.add("count", trailer.line, trailer.place(1), message, SEND_AGAIN)

    def _close_without_trailer(self, headers: tuple[str, ...]) -> None:
        """Close envelopes that are still open, and report their missing trailers."""
        for header in headers:
            match header:
                case "ST":
                    envelope, self._set_envelope = self._set_envelope, None
                    self._close_payment(envelope)
                case "GS":
                    envelope, self._group = self._group, None
                case _:
                    envelope, self._interchange = self._interchange, None
            if envelope is not None:
                trailer = _TRAILERS[header]
                message = f"What begins here has no trailer: its segment {trailer} is missing."
                self._findings.add(
                    "missing-trailer", envelope.header.line, header, message, SEND_AGAIN
                )

    def _close_payment(self, envelope: _Envelope | None = None) -> None:
        if self._set_reader is None:
            return
        envelope = envelope or self._set_envelope
        payment = self._set_reader.close(
            interchange=self._interchanges[-1] if self._interchange else None,
            group_control_number=self._group.control_number if self._group else "",
            control_number=envelope.control_number if envelope else "",
            is_fragment=self._is_fragment,
        )
        self._set_reader = None
        self._payments.append(payment)

    def _report_out_of_place(self, header: str, segment: Segment) -> None:
        """Report a segment outside of its envelope; a fragment may lack its headers."""
        if self._is_fragment:
            return
        message = f"The segment {segment.name} stands where no {header} is open."
        self._findings.add("out-of-place", segment.line, segment.name, message, SEND_AGAIN)


_USE_OTHER_READER: Final = "Hand the file to whatever reads such documents, and ask for the 820."


def _name_of(code: str) -> str:
    if code in segments.TRANSACTION_SETS:
        return f"an X12 {code}, {segments.TRANSACTION_SETS[code]}"
    return "another X12 document"


def _is_same_number(header: str, trailer: str, kind: str) -> bool:
    """Compare control numbers; leading zeros count in those of a transaction only."""
    if kind == "ST":
        return header == trailer
    return bool(header) and header.lstrip("0") == trailer.lstrip("0")


def _short_day(text: str) -> date | None:
    if len(text) != 6 or not (text.isascii() and text.isdigit()):
        return None
    try:
        return date(2000 + int(text[:2]), int(text[2:4]), int(text[4:]))
    except ValueError:
        return None
