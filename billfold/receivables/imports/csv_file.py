"""Reading a CSV file from a billing system: its rows as values, and every problem with its line.

The file is read once, as a stream; no more than a line of it is kept in memory.
"""

from __future__ import annotations

import codecs
import csv
import difflib
import gzip
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, Final

from billfold.receivables.imports import formula_mark
from billfold.receivables.imports.import_fields import ImportField, InvalidCell, quoted

LONGEST_LINE_BYTES: Final = 64 * 1024
LARGEST_FILE_BYTES: Final = 400 * 1024 * 1024
MOST_ROWS: Final = 5_000_000
MOST_PROBLEMS: Final = 100

_SEPARATOR_LINE: Final = re.compile(r"sep=(.),*", re.IGNORECASE)
"""What a spreadsheet takes for the separator of the columns, in front of their names."""
_OTHER_ENCODINGS: Final = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_OTHER_FILES: Final = (
    (b"PK\3\4", "an Excel workbook or another packed file"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook of the old kind"),
    (b"%PDF-", "a PDF"),
)
"""First bytes of files that people take for CSV, and what they are."""


@dataclass(frozen=True, slots=True)
class ImportProblem:
    """One problem: where, what is wrong, and how to cure it. Line 0 is the file as a whole."""

    line: int
    column: str
    wrong: str
    cure: str

    def __str__(self) -> str:
        place = f"line {self.line}" if self.line else "file"
        column = f", {self.column}" if self.column else ""
        return f"{place}{column}: {self.wrong}. {self.cure}"


@dataclass(slots=True)
class ImportProblems:
    """The problems of a file: the first hundred, and the number of all."""

    kept: list[ImportProblem] = field(default_factory=list)
    count: int = 0

    def add(self, line: int, column: str, wrong: str, cure: str) -> None:
        self.count += 1
        if len(self.kept) < MOST_PROBLEMS:
            self.kept.append(ImportProblem(line, column, wrong, cure))

    def refuse(self) -> None:
        """Refuse the file if it has a problem. Raises: ImportRefused."""
        if self.count:
            raise ImportRefused(self)


class ImportRefused(Exception):
    """The file is refused whole; `problems` says why."""

    def __init__(self, problems: ImportProblems) -> None:
        super().__init__(f"{problems.count} problems")
        self.problems = problems


class _Stop(Exception):
    """A problem after which reading cannot go on."""

    def __init__(self, line: int, column: str, wrong: str, cure: str) -> None:
        super().__init__(wrong)
        self.problem = (line, column, wrong, cure)


class CsvFile:
    """A CSV file, read once; `sha256`, `rows` and `total_minor` are of what was read so far."""

    def __init__(
        self, source: IO[bytes], fields: Mapping[str, ImportField], columns: Mapping[str, str]
    ) -> None:
        self.problems = ImportProblems()
        self.rows = 0
        self.total_minor = 0
        self.skipped: tuple[str, ...] = ()
        self.present: tuple[str, ...] = ()
        """The fields the file has a column for."""
        self._source = source
        self.fields = fields
        self._columns = columns
        self.blank_rows = 0
        self.blank_columns = 0
        """Rows and last columns that hold nothing, as spreadsheets leave them; passed over."""
        self._digest = hashlib.sha256()
        self._line = 0
        self._header_line = 1

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def column(self, field: str) -> str:
        """Return the name of the file's column for a field."""
        return self._columns.get(field, field)

    def read_rows(self, *, archive: IO[bytes]) -> Iterator[tuple[Any, ...]]:
        """Yield line and values of each good row; write the file's bytes, gzipped, to `archive`.

        Problems are collected in `problems`, not raised.
        """
        with gzip.GzipFile(fileobj=archive, mode="wb", compresslevel=3, mtime=0) as packed:
            try:
                yield from self._rows(packed)
            except _Stop as stop:
                self.problems.add(*stop.problem)

    def _rows(self, packed: gzip.GzipFile) -> Iterator[tuple[Any, ...]]:
        reader = csv.reader(self._lines(packed), strict=True)
        records = self._records(reader)
        header = self._read_header(records)
        self._check_header(header)
        if self.problems.count:
            return
        columns = self._find_columns(header)
        amount_at = self.present.index("amount") + 1 if "amount" in self.present else None
        for line, record in records:
            if not any(map(str.strip, record)):
                self.blank_rows += 1
                continue
            cells = self._without_blank_columns(record, len(header))
            if len(cells) != len(header):
                self.problems.add(
                    line,
                    "",
                    f"The row has {len(cells)} columns and the first line has {len(header)}",
                    "Put a text that holds a comma or a quote between double quotes.",
                )
                continue
            self.rows += 1
            if self.rows > MOST_ROWS:
                raise _Stop(line, "", f"There are more than {MOST_ROWS:,} rows", "Split the file.")
            values = self._convert(line, cells, columns)
            if values is None:
                continue
            if amount_at is not None:
                self.total_minor += values[amount_at]
            yield values
        if not self.rows and not self.problems.count:
            raise _Stop(0, "", "There are no rows below the first line", "Export the file again.")

    def _read_header(self, records: Iterator[tuple[int, list[str]]]) -> list[str]:
        """Read the names of the columns, and take off last ones without a name."""
        first = next(records, None)
        if first is not None and (separator := _SEPARATOR_LINE.fullmatch(",".join(first[1]))):
            if separator[1] != ",":
                wrong = f"The line says that {quoted(separator[1])} divides the columns"
                raise _Stop(first[0], "", wrong, "Save the file with commas, without this line.")
            first = next(records, None)
        if first is None:
            raise _Stop(0, "", "The file is empty", "Export it again, with a first line of names")
        self._header_line, header = first
        if self._columns:
            return header
        named = [place for place, name in enumerate(header, 1) if name.strip()]
        return self._without_blank_columns(header, named[-1] if named else len(header))

    def _without_blank_columns(self, record: list[str], width: int) -> list[str]:
        """Cut cells that hold nothing off a record that has more than `width` columns."""
        if len(record) <= width or any(map(str.strip, record[width:])):
            return record
        self.blank_columns = max(self.blank_columns, len(record) - width)
        return record[:width]

    def _records(self, reader: Any) -> Iterator[tuple[int, list[str]]]:
        """Yield each record with the line it starts on; blank lines are skipped."""
        while True:
            start = reader.line_num + 1
            try:
                record = next(reader, None)
            except csv.Error as error:
                raise _not_csv(start, str(error)) from None
            if record is None:
                return
            if record:
                yield start, record

    def _lines(self, packed: gzip.GzipFile) -> Iterator[str]:
        size = 0
        while line := self._source.readline(LONGEST_LINE_BYTES + 1):
            self._line += 1
            size += len(line)
            self._digest.update(line)
            packed.write(line)
            if len(line) > LONGEST_LINE_BYTES:
                self._check_encoding(line)
                raise _Stop(
                    self._line,
                    "",
                    f"The line is longer than {LONGEST_LINE_BYTES:,} bytes",
                    "Check that this is a CSV file whose lines end in LF or CR LF.",
                )
            if size > LARGEST_FILE_BYTES:
                limit = LARGEST_FILE_BYTES // 1024**2
                raise _Stop(0, "", f"The file is larger than {limit} MB", "Split it.")
            yield self._decode(line)

    def _check_encoding(self, line: bytes) -> None:
        if self._line == 1:
            for mark, name in (*_OTHER_ENCODINGS, *_OTHER_FILES):
                if line.startswith(mark):
                    raise _Stop(1, "", f"The file is {name}", 'Save it as "CSV UTF-8".')
        if b"\0" in line:
            raise _Stop(
                self._line, "", "The line holds a NUL byte", 'Save the file as "CSV UTF-8".'
            )

    def _decode(self, line: bytes) -> str:
        self._check_encoding(line)
        if self._line == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            byte = line[error.start]
            raise _Stop(
                self._line,
                "",
                f"Byte {error.start + 1} (0x{byte:02X}) is not UTF-8",
                'Save the file as "CSV UTF-8"; it may be Latin-1 or Windows-1252 now.',
            ) from None

    def _check_header(self, header: Sequence[str]) -> None:
        if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
            wrong = "The columns are not divided by commas"
            raise _Stop(self._header_line, "", wrong, "Save the file with commas.")
        self._check_map(header)
        self._check_columns(header)
        for name, import_field in self.fields.items():
            if import_field.is_required and name not in self._columns and name not in header:
                self.problems.add(
                    self._header_line,
                    name,
                    "The column is missing",
                    f"Add it, or say which one it is: --map {name}=Column.",
                )

    def _check_map(self, header: Sequence[str]) -> None:
        for name, column in self._columns.items():
            if name not in self.fields:
                cure = _suggest(name, self.fields)
                self.problems.add(0, "", f"--map names {quoted(name)}, which is not a field", cure)
            elif column not in header:
                cure = _suggest(column, header)
                self.problems.add(
                    self._header_line, column, "--map names this column, which is not there", cure
                )

    def _check_columns(self, header: Sequence[str]) -> None:
        """Without --map the columns have our own names, so one that is no field is a mistake."""
        read = {self._columns.get(name, name) for name in self.fields}
        for column, times in Counter(header).items():
            if times > 1 and column in read:
                wrong = f"The column stands there {times} times"
                self.problems.add(
                    self._header_line, column, wrong, "Keep one and rename the others."
                )
        if self._columns:
            return
        for place, column in enumerate(header, 1):
            if column not in self.fields:
                wrong = "is not a field" if column else "has no name"
                cure = _suggest(column, self.fields)
                self.problems.add(self._header_line, column, f"Column {place} {wrong}", cure)

    def _find_columns(self, header: list[str]) -> list[tuple[ImportField, str, int]]:
        """List the fields the file has, each with name and index of its column."""
        used = {name: self._columns.get(name, name) for name in self.fields}
        columns = [
            (self.fields[name], column, header.index(column))
            for name, column in used.items()
            if column in header
        ]
        self.present = tuple(import_field.name for import_field, _, _ in columns)
        taken = {column for _, column, _ in columns}
        self.skipped = tuple(
            column or f"column {place}"
            for place, column in enumerate(header, 1)
            if column not in taken
        )
        return columns

    def _convert(
        self, line: int, record: list[str], columns: list[tuple[ImportField, str, int]]
    ) -> tuple[Any, ...] | None:
        values: list[Any] = [line]
        before = self.problems.count
        for import_field, column, index in columns:
            cell = record[index]
            try:
                text = (
                    formula_mark.read_id(cell) if import_field.is_id else formula_mark.remove(cell)
                )
                if not text and import_field.is_required:
                    raise InvalidCell("is empty", "Fill it in.")
                values.append(import_field.read(text))
            except formula_mark.ForeignMark:
                wrong = f"{quoted(cell)} is how a spreadsheet marks text, and no number"
                cure = "Write the number alone; an apostrophe it begins with is written twice."
                self.problems.add(line, column, wrong, cure)
            except InvalidCell as error:
                self.problems.add(line, column, error.wrong, error.cure)
        return tuple(values) if self.problems.count == before else None


def _not_csv(line: int, reason: str) -> _Stop:
    if "new-line character" in reason:
        return _Stop(line, "", "The lines end in CR alone", "Save the file with LF or CR LF.")
    if "field larger" in reason or "unexpected end" in reason:
        return _Stop(
            line, "", "A double quote opens here and does not close", "Close it, or double it."
        )
    return _Stop(
        line, "", "The quotes cannot be read", 'Write a quote inside quotes twice: "5"" pipe".'
    )


def _suggest(name: str, known: Mapping[str, Any] | Sequence[str]) -> str:
    names = list(known)
    normalised = {other.strip().lower().replace(" ", "_"): other for other in reversed(names)}
    close = difflib.get_close_matches(name.strip().lower().replace(" ", "_"), normalised, 1)
    if close:
        return f"Did you mean {quoted(normalised[close[0]])}?"
    return f"There are: {', '.join(names[:20])}."
