"""Loads lockbox profiles from TOML, and reports every problem by its table and key.

Source: docs/bank-files.md.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Final

from billfold.formats.lockbox.layouts import (
    DATE_FORMATS,
    FIELDS,
    OPTIONAL_RECORDS,
    RECORDS,
    REMITTANCE,
    REQUIRED,
    ColumnKind,
    FieldGroup,
    LockboxField,
    LockboxLayout,
    LockboxProfile,
)
from billfold.formats.problems import FileProblem, Findings, Unreadable

SHIPPED: Final = ("invoice-80", "invoice-104", "pairs-80", "memo-104")
"""The profiles that come with Billfold, in the order they are tried."""

_LONGEST: Final = 1_000
_OPENS: Final = ("batch", "lockbox", "either")
_WITH_REMITTANCES: Final = frozenset({"6", "4"})
_KEYS: Final = ("name", "source", "record_length", "rules", "dates", "sign", "record")
_TABLE: Final = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?")
_KEY: Final = re.compile(r"\s*[\"']?([A-Za-z0-9_-]+)[\"']?\s*=")
_AT_LINE: Final = re.compile(r"\(at line (\d{1,9}),")

Table = Mapping[str, Any]


@cache
def shipped_profiles() -> tuple[LockboxProfile, ...]:
    """Load the profiles that come with Billfold."""
    folder = resources.files("billfold.formats.lockbox") / "profiles"
    names = [f"{name}.toml" for name in SHIPPED]
    return tuple(load_profile((folder / name).read_text("utf-8"), name=name) for name in names)


def load_profile(text: str, *, name: str) -> LockboxProfile:
    """Load a profile; `name` is that of its file, which stands in every problem.

    Raises: Unreadable with every problem, and nothing else, whatever the text.
    """
    try:
        profile = tomllib.loads(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    except (ValueError, RecursionError) as error:
        raise Unreadable([_not_toml(name, error)]) from None
    return _ProfileLoader(name, _line_numbers(text)).load(profile)


def _not_toml(name: str, error: Exception) -> FileProblem:
    at = _AT_LINE.search(str(error))
    return FileProblem(
        code="profile-syntax",
        severity="error",
        line=int(at[1]) if at else 1,
        field=name,
        message="The profile is not a TOML file.",
        fix="Mind brackets, quotes and equals signs; begin with a copy of a profile that works.",
    )


def _line_numbers(text: str) -> dict[tuple[str, str], int]:
    """Map each table and key to its line, as far as they are written the usual way."""
    lines: dict[tuple[str, str], int] = {}
    counts: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.split("\n"), start=1):
        if match := _TABLE.fullmatch(line.rstrip("\r")):
            table = re.sub(r"[\s\"']", "", match[2])
            if match[1] == "[[":
                counts[table] = counts.get(table, 0) + 1
                table = f"{table} {counts[table]}"
            lines.setdefault((table, ""), number)
        elif match := _KEY.match(line):
            lines.setdefault((table, match[1]), number)
    return lines


class _ProfileLoader:
    """Loads one profile table by table, so that problems of all tables are reported."""

    def __init__(self, name: str, line_numbers: Mapping[tuple[str, str], int]) -> None:
        self._name = name
        self._line_numbers = line_numbers
        self._findings = Findings()
        self._dates: Table = {}
        self._signs: dict[str, tuple[str, ...]] = {}
        self._length = _LONGEST

    def load(self, profile: Table) -> LockboxProfile:
        for key in profile:
            if key not in _KEYS:
                self._add("profile-unknown-key", "", key, "is not a key of a profile", _KEYS)
        name = self._text(profile, "name")
        source = self._text(profile, "source")
        self._length = self._record_length(profile)
        rules = self._table(profile, "rules", ("opens", "overflow"))
        opens, overflow = self._rules(rules)
        self._dates = self._table(profile, "dates", _DATES)
        for key, value in self._dates.items():
            if value not in DATE_FORMATS:
                self._add("profile-value", "dates", key, "is not a date format", DATE_FORMATS)
        self._read_signs(self._table(profile, "sign", ("negative", "positive")))
        records = self._table(profile, "record", tuple(RECORDS), code="profile-unknown-record")
        layouts = {code: self._record(code, records) for code in RECORDS if code in records}
        for code in RECORDS:
            if code not in records and code not in OPTIONAL_RECORDS:
                self._add("profile-missing-record", f"record.{code}", "", "is missing")
        if opens != "lockbox" and "5" in layouts and "batch" not in layouts["5"].fields:
            reason = "is missing, and record 5 opens a batch"
            self._add("profile-missing-field", "record.5", "batch", reason)
        self._findings.refuse()
        return LockboxProfile(name, source, self._length, opens, overflow, layouts)

    def _add(
        self, code: str, table: str, key: str, reason: str, allowed: tuple[str, ...] = ()
    ) -> None:
        lines = self._line_numbers
        line = lines.get((table, key)) or lines.get((table, "")) or 1
        place = " ".join(filter(None, (self._name, table and f"[{table}]", key)))
        what = f"The key {key}" if key else f"The table [{table}]"
        fix = f"Use {', '.join(allowed)}." if allowed else "Compare it with a profile that works."
        self._findings.add(code, line, place, f"{what} {reason}.", fix)

    def _text(self, profile: Table, key: str) -> str:
        value = profile.get(key)
        if isinstance(value, str) and value.strip():
            return value.strip()
        missing = key not in profile
        code = "profile-missing-key" if missing else "profile-value"
        self._add(code, "", key, "is missing" if missing else "is not a text")
        return ""

    def _record_length(self, profile: Table) -> int:
        value = profile.get("record_length")
        if type(value) is int and 1 <= value <= _LONGEST:
            return value
        code = "profile-value" if "record_length" in profile else "profile-missing-key"
        self._add(code, "", "record_length", f"is not a whole number from 1 to {_LONGEST}")
        return _LONGEST

    def _table(
        self,
        profile: Table,
        key: str,
        allowed: tuple[str, ...],
        *,
        code: str = "profile-unknown-key",
    ) -> Table:
        value = profile.get(key, {})
        if not isinstance(value, dict):
            self._add("profile-value", key, "", "is not a table")
            return {}
        for inner_key in value:
            if inner_key not in allowed:
                self._add(code, key, inner_key, "is not known here", allowed)
        return value

    def _rules(self, rules: Table) -> tuple[str, tuple[int, int]]:
        opens = rules.get("opens", "either")
        if opens not in _OPENS:
            self._add("profile-value", "rules", "opens", "says what no record 5 opens", _OPENS)
        overflow = _pair(rules.get("overflow", [1, 99]))
        if overflow is None or not 0 <= overflow[0] < overflow[1]:
            reason = "is not a first and a highest sequence"
            self._add("profile-value", "rules", "overflow", reason)
            overflow = (1, 99)
        return str(opens), overflow

    def _read_signs(self, table: Table) -> None:
        for key, default in (("negative", ["-"]), ("positive", ["", "+"])):
            value = table.get(key, default)
            if not isinstance(value, list) or not all(isinstance(sign, str) for sign in value):
                self._add("profile-value", "sign", key, "is not a list of texts")
                value = default
            self._signs[key] = tuple(sign.strip() for sign in value)
        if set(self._signs["negative"]) & set(self._signs["positive"]):
            self._add("profile-value", "sign", "negative", "holds a sign that is positive too")

    def _record(self, code: str, records: Table) -> LockboxLayout:
        name = f"record.{code}"
        table = records[code]
        if not isinstance(table, dict):
            self._add("profile-value", name, "", "is not a table")
            table = {}
        positions = {key: table[key] for key in table if key not in {"remittance", "ignored"}}
        fields = self._group(name, positions, FIELDS[code])
        for key in sorted(REQUIRED[code] - positions.keys()):
            self._add("profile-missing-field", name, key, "is missing")
        remittances = self._remittances(code, table.get("remittance", []))
        covered = [((1, 1), "the record code", name)]
        covered += [((field.first, field.last), key, name) for key, field in fields.items()]
        for number, group in enumerate(remittances, start=1):
            table_name = f"{name}.remittance {number}"
            covered += [
                ((field.first, field.last), key, table_name) for key, field in group.items()
            ]
        covered += [(pair, "ignored", name) for pair in self._ignored(name, table)]
        return LockboxLayout(code, fields, remittances, self._gaps(covered))

    def _remittances(self, code: str, tables: object) -> tuple[FieldGroup, ...]:
        name = f"record.{code}"
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            self._add("profile-value", name, "remittance", "is not a list of tables")
            return ()
        if tables and code not in _WITH_REMITTANCES:
            self._add("profile-unknown-field", name, "remittance", "belongs to record 6 or 4")
        if code == "4" and not tables:
            reason = "is missing, so that an overflow record would say nothing"
            self._add("profile-missing-field", name, "remittance", reason)
        groups = []
        for number, table in enumerate(tables, start=1):
            place = f"{name}.remittance {number}"
            groups.append(self._group(place, table, REMITTANCE))
            if not table or table.keys() <= {"amount", "sign"}:
                reason = "names neither customer, invoice nor text"
                self._add("profile-missing-field", place, "", reason)
            if "sign" in table and "amount" not in table:
                self._add("profile-missing-field", place, "amount", "is missing, yet has a sign")
        return tuple(groups)

    def _group(self, table: str, positions: Table, kinds: Mapping[str, ColumnKind]) -> FieldGroup:
        fields: dict[str, LockboxField] = {}
        for key, value in positions.items():
            if key not in kinds:
                allowed = (*kinds, "ignored")
                self._add("profile-unknown-field", table, key, "is not a field here", allowed)
            elif field := self._field(table, key, value, kinds[key]):
                fields[key] = field
        return fields

    def _field(self, table: str, key: str, value: object, kind: ColumnKind) -> LockboxField | None:
        pair = self._positions(table, key, value)
        if pair is None:
            return None
        first, last = pair
        date_format = ""
        if kind is ColumnKind.DATE:
            date_format = str(self._dates.get(key, ""))
            if not date_format:
                reason = "is missing, so that the date cannot be read"
                self._add("profile-missing-key", "dates", key, reason)
            elif date_format in DATE_FORMATS and len(date_format) != last - first + 1:
                self._add("profile-width", table, key, f"is not as wide as {date_format}")
        if kind is ColumnKind.TIME and last - first != 3:
            self._add("profile-width", table, key, "is not four columns wide, as HHMM is")
        signs = self._signs if kind is ColumnKind.SIGN else {}
        return LockboxField(key, first, last, kind, date_format, **signs)

    def _positions(self, table: str, key: str, value: object) -> tuple[int, int] | None:
        pair = _pair(value)
        if pair is None or pair[0] > pair[1]:
            reason = "is not a first and a last position, such as [8, 17]"
            self._add("profile-positions", table, key, reason)
            return None
        if pair[0] < 1 or pair[1] > self._length:
            reason = f"lies outside the record, positions 1 to {self._length}"
            self._add("profile-out-of-range", table, key, reason)
            return None
        return pair

    def _ignored(self, name: str, table: Table) -> list[tuple[int, int]]:
        value = table.get("ignored", [])
        if not isinstance(value, list):
            self._add("profile-positions", name, "ignored", "is not a list of positions")
            return []
        pairs = (self._positions(name, "ignored", positions) for positions in value)
        return [pair for pair in pairs if pair]

    def _gaps(self, covered: list[tuple[tuple[int, int], str, str]]) -> tuple[tuple[int, int], ...]:
        """Return the columns that no field covers, and report those covered twice."""
        gaps: list[tuple[int, int]] = []
        end, previous = 0, ""
        for (first, last), key, table in sorted(covered):
            if first <= end:
                reason = f"overlaps {previous} at position {first}"
                self._add("profile-overlap", table, key, reason)
            elif first > end + 1:
                gaps.append((end + 1, first - 1))
            if last > end:
                end, previous = last, key
        if end < self._length:
            gaps.append((end + 1, self._length))
        return tuple(gaps)


_DATES: Final = tuple(
    sorted(
        {
            name
            for group in FIELDS.values()
            for name, kind in group.items()
            if kind is ColumnKind.DATE
        }
    )
)


def _pair(value: object) -> tuple[int, int] | None:
    """Return the two whole numbers of a list; None if it is no such list."""
    if isinstance(value, list) and len(value) == 2 and all(type(number) is int for number in value):
        return value[0], value[1]
    return None
