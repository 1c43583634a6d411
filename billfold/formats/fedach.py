"""Reading the FedACH directory: which bank has which routing number.

Source: Federal Reserve Banks, FedACH Participant RDFIs, text layout and JSON; docs/bank-files.md.
The data needs an agreement with a bank or a vendor, so only a made-up directory is kept here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from importlib import resources
from typing import Final, NamedTuple

from billfold.formats.nacha import is_routing_number
from billfold.formats.problems import FileProblem, Findings, Unreadable

WIDTH: Final = 155
SHORTEST: Final = 27
"""Columns up to the name: a row cut there is read, and reported for having no name."""
MOST_BYTES: Final = 32_000_000
"""Twice the size of the directory as indented JSON; JSON is read at once and must fit in memory."""

_FIX: Final = "Correct the row, or download the directory again."
_TAKE_FEDACH: Final = "Use the FedACH participant directory, as its text file or as JSON."
_ROW: Final = re.compile(r"([0-9]{9})([OB])[0-9]{9}([012])([0-9]{6})([0-9]{9})(.{1,36})")
_FEDWIRE_ROW: Final = re.compile(
    r"[0-9]{9}.{54}[A-Z]{2}.{25}[YN][ S][YN](?:[0-9 ]{8})?(?:\s*\Z|[0-9]{9})"
)
FEDWIRE_KEY: Final = re.compile(
    r'"(?:fedwireParticipants|telegraphicName|fundsTransferStatus'
    r'|(?:funds)?settlementOnlyStatus|bookEntrySecuritiesTransferStatus)"\s*:',
    re.IGNORECASE,
)
"""A name that only the directory of Fedwire participants has, in JSON.
Source: Federal Reserve Banks, Fedwire Participants, fields of the directory."""
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Participant:
    """One row: a bank, or an office of it, that takes ACH entries under a routing number."""

    routing_number: str
    name: str
    is_branch: bool = False
    new_routing_number: str = ""
    """Where entries go since the bank merged; empty while its own number is in use."""
    changed_date: date | None = None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Directory:
    """The participants in the order of the file."""

    participants: tuple[Participant, ...]
    warnings: tuple[FileProblem, ...] = field(default=(), compare=False)

    @property
    def names(self) -> dict[str, str]:
        """Map each routing number to the name of its bank, merged banks included."""
        return {participant.routing_number: participant.name for participant in self.participants}

    @property
    def replacements(self) -> dict[str, str]:
        """Map each routing number that a merger replaced to the new one."""
        return {
            participant.routing_number: participant.new_routing_number
            for participant in self.participants
            if participant.new_routing_number
        }

    @property
    def revised_date(self) -> date | None:
        """Find the day of the latest change: the directory is at least that new."""
        changed_dates = (participant.changed_date for participant in self.participants)
        return max((day for day in changed_dates if day is not None), default=None)

    def summary(self) -> dict[str, int | str]:
        """Count the participants and those a merger replaced."""
        revised = self.revised_date
        return {
            "participants": len(self.participants),
            "replaced": len(self.replacements),
            "revised": revised.isoformat() if revised else "",
        }


class _DirectoryRow(NamedTuple):
    """One value for each field of a row: its texts, or the names the file gives its fields."""

    routing_number: str
    office: str
    record_type: str
    changed: str
    new_number: str
    name: str


_POSITIONS: Final = _DirectoryRow(
    "routing number, positions 1-9",
    "office code, position 10",
    "record type, position 20",
    "change date, positions 21-26",
    "new routing number, positions 27-35",
    "customer name, positions 36-71",
)
_KEYS: Final = _DirectoryRow(
    "routingNumber",
    "officeCode",
    "recordTypeCode",
    "changeDate",
    "newRoutingNumber",
    "customerName",
)


def read(content: bytes) -> Directory:
    """Read a directory, text or JSON, all of it or none.

    Raises: Unreadable with every problem found, and nothing else, whatever the bytes.
    """
    if len(content) > MOST_BYTES:
        message = f"No directory is larger than {MOST_BYTES:,} bytes."
        raise Unreadable([FileProblem("too-large", "error", 1, "", message, _TAKE_FEDACH)])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    findings = Findings()
    is_json = text.lstrip()[:1] in {"{", "["}
    if is_json and (key := FEDWIRE_KEY.search(text)):
        raise Unreadable([_fedwire_directory(text.count("\n", 0, key.start()) + 1)])
    field_names = _KEYS if is_json else _POSITIONS
    rows = _from_json(text, findings) if is_json else _from_lines(text, findings)
    participants: dict[str, Participant] = {}
    for line, row in rows:
        participant = _participant(row, line)
        _check(participant, row, field_names, findings)
        first = participants.setdefault(row.routing_number, participant)
        if first is not participant and first != participant:
            message = f"The routing number stands on line {first.line} too, with another bank."
            findings.add("repeated-number", line, field_names.routing_number, message, _FIX)
    if not participants and not findings.problems:
        message = "The directory names no bank."
        findings.add("no-participant", text.count("\n") + 1, "", message, _TAKE_FEDACH)
    findings.refuse()
    return Directory(tuple(participants.values()), findings.warnings)


def demo_names() -> dict[str, str]:
    """Read the names of the six made-up banks that go with the test routing numbers."""
    content = (resources.files("billfold.formats") / "data/demo-directory.txt").read_bytes()
    return read(content).names


def _participant(row: _DirectoryRow, line: int) -> Participant:
    return Participant(
        routing_number=row.routing_number,
        name=" ".join(row.name.split()),
        is_branch=row.office == "B",
        new_routing_number=row.new_number if row.record_type == "2" else "",
        changed_date=_day(row.changed),
        line=line,
    )


def _check(
    participant: Participant, row: _DirectoryRow, field_names: _DirectoryRow, findings: Findings
) -> None:
    """Add the problems of the values of one row."""
    line = participant.line
    if not is_routing_number(participant.routing_number):
        message = "This is no routing number: nine digits, a known prefix and a check digit."
        findings.add("routing-number", line, field_names.routing_number, message, _FIX)
    if not participant.name or _UNPRINTABLE.search(row.name):
        message = "The bank has no name, or one with unprintable characters."
        findings.add("name", line, field_names.name, message, _FIX)
    if row.record_type not in {"0", "1", "2"}:
        message = "The record type is not 0 (Federal Reserve Bank), 1 (bank) or 2 (replaced)."
        findings.add("record-type", line, field_names.record_type, message, _FIX)
    if row.record_type == "2" and not is_routing_number(row.new_number):
        message = "The bank was replaced, but the routing number that replaces it is none."
        findings.add("new-routing-number", line, field_names.new_number, message, _FIX)
    if row.record_type == "1" and row.new_number.strip("0 "):
        message = "A new routing number is given, but the record type says it is not in use."
        findings.warn("new-routing-number-unused", line, field_names.new_number, message, _FIX)
    if row.office not in {"O", "B"}:
        message = "The office code is neither O (main office) nor B (branch)."
        findings.warn("office", line, field_names.office, message, _FIX)
    if participant.changed_date is None and row.changed.strip("0 "):
        message = "The change date is not a real one of the form MMDDYY."
        findings.warn("date", line, field_names.changed, message, _FIX)


def _from_lines(text: str, findings: Findings) -> Iterator[tuple[int, _DirectoryRow]]:
    is_begun = False
    for number, line in enumerate(text.replace("\x1a", "").split("\n"), start=1):
        if not line:
            continue
        if match := _ROW.match(line):
            is_begun = True
            if len(line) > WIDTH and line[WIDTH:].strip():
                message = f"The row is longer than {WIDTH} characters."
                findings.add("row-length", number, "", message, _FIX)
            yield number, _DirectoryRow(*match.groups())
        elif line.strip():
            if not is_begun and (problem := _problem_of_first_row(line, number)):
                raise Unreadable([problem])
            is_begun = True
            if len(line.rstrip()) < SHORTEST:
                message = "The row ends before the name of the bank."
                findings.add("row-length", number, "", message, _FIX)
            else:
                yield number, _cut(line)


def _problem_of_first_row(line: str, number: int) -> FileProblem | None:
    """Describe a file by its first row, if no FedACH directory begins like that."""
    if _FEDWIRE_ROW.match(line[:120]):
        return _fedwire_directory(number)
    if len(line.rstrip()) < SHORTEST or not (line[:4].isascii() and line[:4].isdigit()):
        message = "This is no FedACH directory: its first row is none."
        return FileProblem("not-a-directory", "error", number, "", message, _TAKE_FEDACH)
    return None


def _fedwire_directory(line: int) -> FileProblem:
    message = "This is the directory of Fedwire participants: it lists who takes wires, not ACH."
    return FileProblem("fedwire-directory", "error", line, "", message, _TAKE_FEDACH)


def _cut(line: str) -> _DirectoryRow:
    """Cut a malformed row into its fields, so that each can be checked."""
    return _DirectoryRow(line[:9], line[9:10], line[19:20], line[20:26], line[26:35], line[35:71])


def _from_json(text: str, findings: Findings) -> Iterator[tuple[int, _DirectoryRow]]:
    """Find the participants in their order, however deep the JSON nests them."""
    try:
        pending = [json.loads(text)]
    except (ValueError, RecursionError) as refusal:
        line = refusal.lineno if isinstance(refusal, json.JSONDecodeError) else 1
        findings.add("not-json", line, "", "The JSON is damaged or cut.", _TAKE_FEDACH)
        return
    line, lines = 1, _json_lines(text)
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            pending.extend(reversed(value))
        elif isinstance(value, dict):
            if _KEYS.routing_number in value or _KEYS.name in value:
                line = next(lines, line) if _KEYS.routing_number in value else line
                texts = (value.get(key, "") for key in _KEYS)
                row = _DirectoryRow(*(text if isinstance(text, str) else "" for text in texts))
                yield line, row
            else:
                pending.extend(reversed(list(value.values())))


def _json_lines(text: str) -> Iterator[int]:
    """Yield the line of each participant, found by the key of its routing number."""
    line = last = 0
    for match in re.finditer(rf'"{_KEYS.routing_number}"\s*:', text):
        line += text.count("\n", last, match.start())
        last = match.start()
        yield line + 1


@lru_cache(maxsize=4_096)
def _day(text: str) -> date | None:
    """Parse MMDDYY; no date in the directory is before 1970."""
    if len(text) != 6 or not (text.isascii() and text.isdigit()):
        return None
    year = int(text[4:])
    try:
        return date(1900 + year if year >= 70 else 2000 + year, int(text[:2]), int(text[2:4]))
    except ValueError:
        return None
