"""Lockbox profiles from TOML: every fault of a file named by its table and key.

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
    DISPENSABLE,
    FIELDS,
    RECORDS,
    REMITTANCE,
    REQUIRED,
    Field,
    Group,
    Kind,
    Layout,
    Profile,
)
from billfold.formats.problems import Findings, Problem, Unreadable

SHIPPED: Final = ("invoice-80", "invoice-104", "pairs-80", "memo-104")
"""The layouts that come with Billfold, in the order they are tried."""

_LONGEST: Final = 1_000
_OPENS: Final = ("batch", "lockbox", "either")
_WITH_REMITTANCES: Final = frozenset({"6", "4"})
_KEYS: Final = ("name", "source", "record_length", "rules", "dates", "sign", "record")
_TABLE: Final = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?")
_KEY: Final = re.compile(r"\s*[\"']?([A-Za-z0-9_-]+)[\"']?\s*=")
_AT_LINE: Final = re.compile(r"\(at line (\d{1,9}),")

Table = Mapping[str, Any]


@cache
def shipped() -> tuple[Profile, ...]:
    """Load the layouts that come with Billfold."""
    folder = resources.files("billfold.formats.lockbox") / "profiles"
    names = [f"{name}.toml" for name in SHIPPED]
    return tuple(load_profile((folder / name).read_text("utf-8"), name=name) for name in names)


def load_profile(text: str, *, name: str) -> Profile:
    """Read a profile; `name` is its file's, which every problem says.

    Raises: Unreadable with every problem found, and nothing else, whatever the text.
    """
    try:
        whole = tomllib.loads(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    except (ValueError, RecursionError) as error:
        raise Unreadable([_not_toml(name, error)]) from None
    return _Loader(name, _places(text)).load(whole)


def _not_toml(name: str, error: Exception) -> Problem:
    at = _AT_LINE.search(str(error))
    return Problem(
        code="profile-syntax",
        severity="error",
        line=int(at[1]) if at else 1,
        field=name,
        message="The profile is not a TOML file.",
        fix="Mind brackets, quotes and equals signs; begin with a copy of a profile that works.",
    )


def _places(text: str) -> dict[tuple[str, str], int]:
    """Find the line of each table and key, as far as they are written the usual way."""
    found: dict[tuple[str, str], int] = {}
    seen: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.split("\n"), start=1):
        if match := _TABLE.fullmatch(line.rstrip("\r")):
            table = re.sub(r"[\s\"']", "", match[2])
            if match[1] == "[[":
                seen[table] = seen.get(table, 0) + 1
                table = f"{table} {seen[table]}"
            found.setdefault((table, ""), number)
        elif match := _KEY.match(line):
            found.setdefault((table, match[1]), number)
    return found


class _Loader:
    """Check one profile, table by table; a problem in one does not hide those of the next."""

    def __init__(self, name: str, places: Mapping[tuple[str, str], int]) -> None:
        self._name = name
        self._places = places
        self._findings = Findings()
        self._dates: Table = {}
        self._signs: dict[str, tuple[str, ...]] = {}
        self._length = _LONGEST

    def load(self, whole: Table) -> Profile:
        for key in whole:
            if key not in _KEYS:
                self._add("profile-unknown-key", "", key, "is not a key of a profile", _KEYS)
        name = self._words(whole, "name")
        source = self._words(whole, "source")
        self._length = self._record_length(whole)
        rules = self._table(whole, "rules", ("opens", "overflow"))
        opens, overflow = self._rules(rules)
        self._dates = self._table(whole, "dates", _DATES)
        for key, value in self._dates.items():
            if value not in DATE_FORMATS:
                self._add("profile-value", "dates", key, "is not a date format", DATE_FORMATS)
        self._read_signs(self._table(whole, "sign", ("negative", "positive")))
        records = self._table(whole, "record", tuple(RECORDS), code="profile-unknown-record")
        layouts = {code: self._record(code, records) for code in RECORDS if code in records}
        for code in RECORDS:
            if code not in records and code not in DISPENSABLE:
                self._add("profile-missing-record", f"record.{code}", "", "is missing")
        if opens != "lockbox" and "5" in layouts and "batch" not in layouts["5"].fields:
            said = "is missing, and record 5 opens a batch"
            self._add("profile-missing-field", "record.5", "batch", said)
        self._findings.refuse()
        return Profile(name, source, self._length, opens, overflow, layouts)

    def _add(
        self, code: str, table: str, key: str, said: str, allowed: tuple[str, ...] = ()
    ) -> None:
        places = self._places
        line = places.get((table, key)) or places.get((table, "")) or 1
        place = " ".join(filter(None, (self._name, table and f"[{table}]", key)))
        what = f"The key {key}" if key else f"The table [{table}]"
        fix = f"Use {', '.join(allowed)}." if allowed else "Compare it with a profile that works."
        self._findings.add(code, line, place, f"{what} {said}.", fix)

    def _words(self, whole: Table, key: str) -> str:
        value = whole.get(key)
        if isinstance(value, str) and value.strip():
            return value.strip()
        missing = key not in whole
        code = "profile-missing-key" if missing else "profile-value"
        self._add(code, "", key, "is missing" if missing else "is not a text")
        return ""

    def _record_length(self, whole: Table) -> int:
        value = whole.get("record_length")
        if type(value) is int and 1 <= value <= _LONGEST:
            return value
        code = "profile-value" if "record_length" in whole else "profile-missing-key"
        self._add(code, "", "record_length", f"is not a whole number from 1 to {_LONGEST}")
        return _LONGEST

    def _table(
        self,
        whole: Table,
        key: str,
        allowed: tuple[str, ...],
        *,
        code: str = "profile-unknown-key",
    ) -> Table:
        value = whole.get(key, {})
        if not isinstance(value, dict):
            self._add("profile-value", key, "", "is not a table")
            return {}
        for each in value:
            if each not in allowed:
                self._add(code, key, each, "is not known here", allowed)
        return value

    def _rules(self, rules: Table) -> tuple[str, tuple[int, int]]:
        opens = rules.get("opens", "either")
        if opens not in _OPENS:
            self._add("profile-value", "rules", "opens", "says what no record 5 opens", _OPENS)
        overflow = _pair(rules.get("overflow", [1, 99]))
        if overflow is None or not 0 <= overflow[0] < overflow[1]:
            said = "is not a first and a highest sequence"
            self._add("profile-value", "rules", "overflow", said)
            overflow = (1, 99)
        return str(opens), overflow

    def _read_signs(self, table: Table) -> None:
        for key, otherwise in (("negative", ["-"]), ("positive", ["", "+"])):
            value = table.get(key, otherwise)
            if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
                self._add("profile-value", "sign", key, "is not a list of texts")
                value = otherwise
            self._signs[key] = tuple(each.strip() for each in value)
        if set(self._signs["negative"]) & set(self._signs["positive"]):
            self._add("profile-value", "sign", "negative", "holds a sign that is positive too")

    def _record(self, code: str, records: Table) -> Layout:
        name = f"record.{code}"
        table = records[code]
        if not isinstance(table, dict):
            self._add("profile-value", name, "", "is not a table")
            table = {}
        places = {key: table[key] for key in table if key not in {"remittance", "ignored"}}
        fields = self._group(name, places, FIELDS[code])
        for key in sorted(REQUIRED[code] - places.keys()):
            self._add("profile-missing-field", name, key, "is missing")
        remittances = self._remittances(code, table.get("remittance", []))
        taken = [((1, 1), "the record code", name)]
        taken += [((each.first, each.last), key, name) for key, each in fields.items()]
        for number, group in enumerate(remittances, start=1):
            table_name = f"{name}.remittance {number}"
            taken += [((each.first, each.last), key, table_name) for key, each in group.items()]
        taken += [(pair, "ignored", name) for pair in self._ignored(name, table)]
        return Layout(code, fields, remittances, self._gaps(taken))

    def _remittances(self, code: str, tables: object) -> tuple[Group, ...]:
        name = f"record.{code}"
        if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
            self._add("profile-value", name, "remittance", "is not a list of tables")
            return ()
        if tables and code not in _WITH_REMITTANCES:
            self._add("profile-unknown-field", name, "remittance", "belongs to record 6 or 4")
        if code == "4" and not tables:
            said = "is missing, so that an overflow record would say nothing"
            self._add("profile-missing-field", name, "remittance", said)
        groups = []
        for number, table in enumerate(tables, start=1):
            place = f"{name}.remittance {number}"
            groups.append(self._group(place, table, REMITTANCE))
            if not table or table.keys() <= {"amount", "sign"}:
                said = "names neither customer, invoice nor text"
                self._add("profile-missing-field", place, "", said)
            if "sign" in table and "amount" not in table:
                self._add("profile-missing-field", place, "amount", "is missing, yet has a sign")
        return tuple(groups)

    def _group(self, table: str, places: Table, kinds: Mapping[str, Kind]) -> Group:
        fields: dict[str, Field] = {}
        for key, value in places.items():
            if key not in kinds:
                allowed = (*kinds, "ignored")
                self._add("profile-unknown-field", table, key, "is not a field here", allowed)
            elif found := self._field(table, key, value, kinds[key]):
                fields[key] = found
        return fields

    def _field(self, table: str, key: str, value: object, kind: Kind) -> Field | None:
        pair = self._positions(table, key, value)
        if pair is None:
            return None
        first, last = pair
        date_format = ""
        if kind is Kind.DATE:
            date_format = str(self._dates.get(key, ""))
            if not date_format:
                said = "is missing, so that the date cannot be read"
                self._add("profile-missing-key", "dates", key, said)
            elif date_format in DATE_FORMATS and len(date_format) != last - first + 1:
                self._add("profile-width", table, key, f"is not as wide as {date_format}")
        if kind is Kind.TIME and last - first != 3:
            self._add("profile-width", table, key, "is not four columns wide, as HHMM is")
        signs = self._signs if kind is Kind.SIGN else {}
        return Field(key, first, last, kind, date_format, **signs)

    def _positions(self, table: str, key: str, value: object) -> tuple[int, int] | None:
        pair = _pair(value)
        if pair is None or pair[0] > pair[1]:
            said = "is not a first and a last position, such as [8, 17]"
            self._add("profile-positions", table, key, said)
            return None
        if pair[0] < 1 or pair[1] > self._length:
            said = f"lies outside the record, positions 1 to {self._length}"
            self._add("profile-out-of-range", table, key, said)
            return None
        return pair

    def _ignored(self, name: str, table: Table) -> list[tuple[int, int]]:
        value = table.get("ignored", [])
        if not isinstance(value, list):
            self._add("profile-positions", name, "ignored", "is not a list of positions")
            return []
        found = (self._positions(name, "ignored", each) for each in value)
        return [pair for pair in found if pair]

    def _gaps(self, taken: list[tuple[tuple[int, int], str, str]]) -> tuple[tuple[int, int], ...]:
        """Find the columns nothing covers, and report those covered twice."""
        gaps: list[tuple[int, int]] = []
        end, before = 0, ""
        for (first, last), key, table in sorted(taken):
            if first <= end:
                said = f"overlaps {before} at position {first}"
                self._add("profile-overlap", table, key, said)
            elif first > end + 1:
                gaps.append((end + 1, first - 1))
            if last > end:
                end, before = last, key
        if end < self._length:
            gaps.append((end + 1, self._length))
        return tuple(gaps)


_DATES: Final = tuple(
    sorted({name for group in FIELDS.values() for name, kind in group.items() if kind is Kind.DATE})
)


def _pair(value: object) -> tuple[int, int] | None:
    """Take two whole numbers out of a list, if that is what it is."""
    if isinstance(value, list) and len(value) == 2 and all(type(each) is int for each in value):
        return value[0], value[1]
    return None
