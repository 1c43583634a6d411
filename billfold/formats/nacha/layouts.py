"""The layouts of Nacha records: one table to read, write, check and explain a record.

Positions are 1-based and inclusive. Source: Nacha Operating Rules, Appendix Three (record formats);
docs/bank-files.md#nacha.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

WIDTH: Final = 94
PADDING: Final = "9" * WIDTH


@dataclass(frozen=True, slots=True)
class NachaField:
    """One field of a record: its columns, the text they may hold, and how a value is formatted."""

    name: str
    width: int
    allowed: str
    """Regular expression that the text of the field must match."""
    conversion: str
    """`%` conversion of a value; of a field without a value, its fixed text."""
    rule: str
    """What the field must hold, in words that complete "This field must hold …"."""
    has_value: bool = True
    code: str = "field"
    """The check that another text fails."""
    tolerated: str = ""
    """Regular expression of all that is read, if that is more; else empty."""
    may_be_marked: bool = False
    """Whether a bank writes its mark here when it rejects an entry, a batch or a file."""

    def allows(self, text: str) -> bool:
        """Tell whether the text may stand in the field."""
        return re.fullmatch(self.allowed, text, re.ASCII) is not None

    def tolerates(self, text: str) -> bool:
        """Tell whether the text is read nevertheless."""
        return bool(self.tolerated) and re.fullmatch(self.tolerated, text, re.ASCII) is not None


class FieldPosition(NamedTuple):
    """A field at its position in a line."""

    field: NachaField
    first: int
    last: int
    text: str

    @property
    def label(self) -> str:
        return f"{self.field.name}, positions {self.first}-{self.last}"


class NachaLayout:
    """One kind of record. `pattern` has a group, and `form` a conversion, for each value.

    `tolerant` matches more than `pattern`: also what is read with a warning.
    """

    __slots__ = ("fields", "form", "name", "pattern", "tolerant")

    def __init__(self, name: str, *fields: NachaField) -> None:
        if sum(field.width for field in fields) != WIDTH:
            raise ValueError(f"{name}: fields do not add up to {WIDTH}")
        self.name = name
        self.fields = fields
        self.pattern = _join_patterns((f.allowed, f.has_value) for f in fields)
        self.tolerant = _join_patterns((f.tolerated or f.allowed, f.has_value) for f in fields)
        self.form = "".join(field.conversion for field in fields)

    def positions(self, line: str) -> Iterator[FieldPosition]:
        """Cut a line into its fields, each with its positions."""
        start = 0
        for field in self.fields:
            end = start + field.width
            yield FieldPosition(field, start + 1, end, line[start:end])
            start = end

    def label(self, name: str) -> str:
        """Format the name of a field with its positions, for problems."""
        return next(
            position.label for position in self.positions("") if position.field.name == name
        )


def _join_patterns(parts: Iterable[tuple[str, bool]]) -> re.Pattern[str]:
    groups = (f"({allowed})" if has_value else f"(?:{allowed})" for allowed, has_value in parts)
    return re.compile("".join(groups), re.ASCII)


def _fixed(name: str, value: str, code: str = "field") -> NachaField:
    """Define a constant field; one with a check of its own is read with another text, too."""
    tolerated = "" if code == "field" else f".{{{len(value)}}}"
    rule = f"{value!r}"
    return NachaField(name, len(value), re.escape(value), value, rule, False, code, tolerated)


def _digits(name: str, width: int) -> NachaField:
    rule = f"{width} digits, filled with zeros on the left"
    return NachaField(name, width, rf"\d{{{width}}}", f"%0{width}d", rule)


def _numeral(name: str, width: int) -> NachaField:
    """Define a field of digits that identify something; its value stays text.

    Written with its width, so that no short value can make room for another that is too long.
    """
    return NachaField(name, width, rf"\d{{{width}}}", f"%{width}s", f"exactly {width} digits")


def _trace(name: str) -> NachaField:
    """Define a trace number; any text is read, for banks mark the entries they reject there."""
    return replace(_lenient(_numeral(name, 15), "trace-number"), may_be_marked=True)


def _bank_or_mark(name: str) -> NachaField:
    """Define the number of the originating bank, over which a bank that rejects a batch writes."""
    return replace(_numeral(name, 8), tolerated=r"\d{8}|REJ\d{5}", may_be_marked=True)


def _text(name: str, width: int) -> NachaField:
    return NachaField(name, width, f".{{{width}}}", f"%-{width}s", "printable ASCII")


def _required(name: str, width: int, code: str) -> NachaField:
    rule = "more than blanks and zeros"
    allowed = f"(?![ 0]{{{width}}}).{{{width}}}"
    return _lenient(NachaField(name, width, allowed, f"%-{width}s", rule), code)


def _lenient(field: NachaField, code: str) -> NachaField:
    """Let the field be read with any text, because its check only warns."""
    return replace(field, code=code, tolerated=f".{{{field.width}}}")


def _right(name: str, width: int) -> NachaField:
    rule = "a number given by the bank, blank-filled on the left"
    return NachaField(name, width, f"(?! {{{width}}}).{{{width}}}", f"%{width}s", rule)


def _optional_digits(name: str, width: int) -> NachaField:
    allowed = rf"\d{{{width}}}| {{{width}}}"
    return NachaField(name, width, allowed, f"%-{width}s", f"{width} digits, or all blank")


def _one_of(name: str, width: int, allowed: str, rule: str) -> NachaField:
    return NachaField(name, width, allowed, f"%{width}s", rule)


def _unused(width: int, name: str = "Reserved") -> NachaField:
    """Define columns that are written blank and ignored on reading."""
    return NachaField(name, width, f".{{{width}}}", " " * width, "anything", has_value=False)


FILE_HEADER: Final = NachaLayout(
    "file header",
    _fixed("Record type", "1"),
    NachaField("Priority code", 2, r"\d\d", "01", "two digits, usually 01", has_value=False),
    _right("Immediate destination", 10),
    _right("Immediate origin", 10),
    _lenient(_numeral("File creation date", 6), "creation-date"),
    _lenient(_optional_digits("File creation time", 4), "creation-time"),
    _lenient(
        _one_of("File ID modifier", 1, "[A-Z0-9]", "a letter A-Z or a digit"), "file-id-modifier"
    ),
    _fixed("Record size", "094", "record-size"),
    _fixed("Blocking factor", "10", "blocking-factor"),
    _fixed("Format code", "1", "format-code"),
    _text("Immediate destination name", 23),
    _text("Immediate origin name", 23),
    _text("Reference code", 8),
)


_SERVICE_CLASS: Final = replace(
    _one_of("Service class code", 3, "200|220|225|280", "200, 220, 225 or 280"),
    code="service-class",
)


def _batch_header(name: str, *, company: NachaField, company_id: NachaField) -> NachaLayout:
    return NachaLayout(
        name,
        _fixed("Record type", "5"),
        _SERVICE_CLASS,
        company,
        _text("Company discretionary data", 20),
        company_id,
        _one_of("Standard entry class code", 3, "[A-Z]{3}", "three capital letters such as WEB"),
        _required("Company entry description", 10, "description"),
        _text("Company descriptive date", 6),
        _lenient(_optional_digits("Effective entry date", 6), "effective-date"),
        _optional_digits("Settlement date", 3),
        _lenient(_one_of("Originator status code", 1, "[012]", "0, 1 or 2"), "originator-status"),
        _bank_or_mark("ODFI identification"),
        _digits("Batch number", 7),
    )


BATCH_HEADER: Final = _batch_header(
    "batch header",
    company=_required("Company name", 16, "company-name"),
    company_id=_required("Company identification", 10, "company-id"),
)
INTERNATIONAL_BATCH_HEADER: Final = _batch_header(
    "international batch header",
    company=_text("IAT indicator", 16),
    company_id=_text("Originator identification", 10),
)

_INDICATOR: Final = _lenient(_one_of("Addenda indicator", 1, "[01]", "0 or 1"), "addenda-indicator")

ENTRY: Final = NachaLayout(
    "entry",
    _fixed("Record type", "6"),
    _digits("Transaction code", 2),
    _numeral("Receiving bank's routing number", 9),
    _text("Account number", 17),
    _digits("Amount", 10),
    _text("Identification number", 15),
    _text("Name", 22),
    _text("Discretionary data", 2),
    _INDICATOR,
    _trace("Trace number"),
)
CTX_ENTRY: Final = NachaLayout(
    "entry",
    _fixed("Record type", "6"),
    _digits("Transaction code", 2),
    _numeral("Receiving bank's routing number", 9),
    _text("Account number", 17),
    _digits("Amount", 10),
    _text("Identification number", 15),
    _lenient(_digits("Number of addenda", 4), "addenda-stated"),
    _text("Name", 16),
    _unused(2),
    _text("Discretionary data", 2),
    _INDICATOR,
    _trace("Trace number"),
)
"""The entry of CTX and similar classes: four digits before the name count the addenda."""

ADVICE_ENTRY: Final = NachaLayout(
    "advice entry",
    _fixed("Record type", "6"),
    _digits("Transaction code", 2),
    _numeral("Receiving bank's routing number", 9),
    _text("Account number", 15),
    _digits("Amount", 12),
    _text("Advice routing number and file identification", 15),
    _text("Name", 22),
    _text("Discretionary data", 2),
    _INDICATOR,
    _numeral("Operator, day and sequence", 15),
)
INTERNATIONAL_ENTRY: Final = NachaLayout(
    "international entry",
    _fixed("Record type", "6"),
    _digits("Transaction code", 2),
    _numeral("Receiving bank's routing number", 9),
    _unused(17, "Addenda count"),
    _digits("Amount", 10),
    _text("Account number", 35),
    _unused(4),
    _INDICATOR,
    _trace("Trace number"),
)

_RETURN_CODE: Final = _one_of("Return code", 3, r"R\d\d", "R and two digits, such as R01")
_ORIGINAL_BANK: Final = _lenient(_numeral("Original receiving bank", 8), "addenda-field")

PAYMENT_ADDENDUM: Final = NachaLayout(
    "payment addendum",
    _fixed("Record and addenda type", "705"),
    _text("Payment information", 80),
    _digits("Addenda sequence number", 4),
    _numeral("Entry sequence number", 7),
)
RETURN_ADDENDUM: Final = NachaLayout(
    "return addendum",
    _fixed("Record and addenda type", "799"),
    _RETURN_CODE,
    _trace("Original trace number"),
    _text("Date of death", 6),
    _ORIGINAL_BANK,
    _text("Addenda information", 44),
    _trace("Trace number"),
)
DISHONOUR_ADDENDUM: Final = NachaLayout(
    "dishonoured return addendum",
    _fixed("Record and addenda type", "799"),
    _RETURN_CODE,
    _trace("Original trace number"),
    _unused(6),
    _ORIGINAL_BANK,
    _unused(3),
    _trace("Return trace number"),
    _text("Return settlement date", 3),
    _text("Original return code", 2),
    _text("Addenda information", 21),
    _trace("Trace number"),
)
CONTEST_ADDENDUM: Final = NachaLayout(
    "contested dishonoured return addendum",
    _fixed("Record and addenda type", "799"),
    _RETURN_CODE,
    _trace("Original trace number"),
    _text("Date original entry returned", 6),
    _ORIGINAL_BANK,
    _text("Original settlement date", 3),
    _trace("Return trace number"),
    _text("Return settlement date", 3),
    _text("Original return code", 2),
    _trace("Dishonoured return trace number"),
    _text("Dishonoured return settlement date", 3),
    _text("Dishonoured return code", 2),
    _unused(1),
    _trace("Trace number"),
)
CHANGE_ADDENDUM: Final = NachaLayout(
    "notification of change addendum",
    _fixed("Record and addenda type", "798"),
    _one_of("Change code", 3, r"C\d\d", "C and two digits, such as C01"),
    _trace("Original trace number"),
    _unused(6),
    _ORIGINAL_BANK,
    _text("Corrected data", 29),
    _text("Refused change code and sequence", 15),
    _trace("Trace number"),
)

BATCH_CONTROL: Final = NachaLayout(
    "batch control",
    _fixed("Record type", "8"),
    _SERVICE_CLASS,
    _digits("Entry and addenda count", 6),
    _digits("Entry hash", 10),
    _digits("Total debits", 12),
    _digits("Total credits", 12),
    _text("Company identification", 10),
    _unused(19, "Message authentication code"),
    _unused(6),
    _bank_or_mark("ODFI identification"),
    _digits("Batch number", 7),
)
ADVICE_BATCH_CONTROL: Final = NachaLayout(
    "advice batch control",
    _fixed("Record type", "8"),
    _one_of("Service class code", 3, "280", "280"),
    _digits("Entry and addenda count", 6),
    _digits("Entry hash", 10),
    _digits("Total debits", 20),
    _digits("Total credits", 20),
    _text("Operator data", 19),
    _bank_or_mark("ODFI identification"),
    _digits("Batch number", 7),
)


def _file_control(name: str, *, total_width: int) -> NachaLayout:
    return NachaLayout(
        name,
        _fixed("Record type", "9"),
        _digits("Batch count", 6),
        _digits("Block count", 6),
        _digits("Entry and addenda count", 8),
        _digits("Entry hash", 10),
        _digits("Total debits", total_width),
        _digits("Total credits", total_width),
        _unused(WIDTH - 31 - 2 * total_width),
    )


FILE_CONTROL: Final = _file_control("file control", total_width=12)
ADVICE_FILE_CONTROL: Final = _file_control("advice file control", total_width=20)
