"""Reads a biller's profile from a TOML file; tells all that is wrong, by line and field."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from billfold.cli import profile_fields as fields
from billfold.cli.profile_fields import Field, Unfit

_HEADER = re.compile(r"\s*\[\[?\s*([\w.]+)\s*\]\]?\s*(?:#.*)?\Z")
_KEY = re.compile(r"\s*([\w-]+)\s*=")
_LARGEST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend."""

    line: int
    where: str
    wrong: str

    def __str__(self) -> str:
        place = f"line {self.line}, " if self.line else ""
        return f"{place}{self.where}: {self.wrong}"


class Refused(Exception):
    """The file cannot be taken; nothing of it was."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(str(problems[0]))
        self.problems = problems


@dataclass(slots=True)
class Profile:
    """What a file says, by columns; what it leaves out stays as it is."""

    biller: dict[str, Any] = field(default_factory=dict)
    tiles: list[dict[str, Any]] | None = None
    fee_caps: list[dict[str, Any]] = field(default_factory=list)
    banks: list[dict[str, Any]] = field(default_factory=list)


def read(path: Path) -> Profile:
    """Read a profile file. Raises: Refused."""
    if path.stat().st_size > _LARGEST_BYTES:
        raise Refused([Problem(0, path.name, "is too large to be a profile")])
    try:
        text = path.read_text(encoding="utf-8")
        told = tomllib.loads(text)
    except UnicodeDecodeError:
        raise Refused([Problem(0, path.name, "is not UTF-8 text")]) from None
    except tomllib.TOMLDecodeError as refusal:
        found = re.search(r"line (\d+)", str(refusal))
        wrong = re.sub(r"\s*\(at .*\)", "", str(refusal))
        raise Refused([Problem(int(found[1]) if found else 0, "not TOML", wrong.lower())]) from None
    reading = _Reading(_lines(text))
    profile = reading.profile(told)
    if reading.problems:
        raise Refused(sorted(reading.problems, key=lambda problem: problem.line))
    return profile


def read_pairs(pairs: list[str]) -> Profile:
    """Read FIELD=VALUE words of a command line into the biller's own fields. Raises: Refused."""
    reading = _Reading({})
    table: dict[str, Any] = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign:
            reading.problems.append(Problem(0, pair, "is not FIELD=VALUE"))
        table[name] = int(value) if name.endswith("_days") and value.isdecimal() else value
    profile = Profile(biller=reading.table(table, "biller", fields.BILLER, is_new=False))
    if reading.problems:
        raise Refused(reading.problems)
    return profile


def _lines(text: str) -> dict[tuple[str, int, str], int]:
    """Find on which line each key of each table stands; the tables of one name are counted."""
    found: dict[tuple[str, int, str], int] = {}
    seen: dict[str, int] = {}
    table, quotes = "", ""
    for number, line in enumerate(text.split("\n"), 1):
        if quotes:
            quotes = "" if quotes in line else quotes
            continue
        if header := _HEADER.match(line):
            table = header[1]
            seen[table] = seen.get(table, -1) + 1
            found[table, seen[table], ""] = number
        elif key := _KEY.match(line):
            found.setdefault((table, seen.get(table, 0), key[1]), number)
            for mark in ('"""', "'''"):
                quotes = mark if line.count(mark) == 1 else quotes
    return found


class _Reading:
    """Collects every problem of one file."""

    def __init__(self, lines: Mapping[tuple[str, int, str], int]) -> None:
        self.lines = lines
        self.problems: list[Problem] = []

    def profile(self, told: dict[str, Any]) -> Profile:
        known = {"biller", "tile", "fee_cap", "bank"}
        for name in told.keys() - known:
            line = self.lines.get((name, 0, ""), self.lines.get(("", 0, name), 0))
            self.problems.append(
                Problem(line, name, f"is not known here; there are {', '.join(sorted(known))}")
            )
        tiles = self._tables(told, "tile", fields.TILE)
        return Profile(
            biller=self.table(told.get("biller", {}), "biller", fields.BILLER, is_new=False),
            tiles=[{"kind": "link", **tile} for tile in tiles] if "tile" in told else None,
            fee_caps=self._tables(told, "fee_cap", fields.FEE_CAP),
            banks=self._banks(told),
        )

    def _banks(self, told: dict[str, Any]) -> list[dict[str, Any]]:
        entries = told.get("bank", [])
        entries = [entries] if isinstance(entries, dict) else entries
        banks = []
        for at, entry in enumerate(self._only_tables(entries, "bank")):
            terms = {key: value for key, value in entry.items() if key != "transport"}
            bank = self.table(terms, "bank", fields.BANK, at=at)
            transport = entry.get("transport")
            if not isinstance(transport, dict):
                self._note("bank", at, "", "needs a table [bank.transport]")
                continue
            known = fields.SFTP if transport.get("kind") == "sftp" else fields.FOLDER
            if transport.get("kind") not in ("folder", "sftp"):
                self._note("bank.transport", at, "kind", "must be folder or sftp")
                continue
            bank["transport"] = self.table(transport, "bank.transport", known, at=at)
            banks.append(bank)
        return banks

    def _tables(
        self, told: dict[str, Any], name: str, known: Mapping[str, Field]
    ) -> list[dict[str, Any]]:
        entries = self._only_tables(told.get(name, []), name)
        return [self.table(entry, name, known, at=at) for at, entry in enumerate(entries)]

    def _only_tables(self, entries: Any, name: str) -> list[dict[str, Any]]:
        if isinstance(entries, list) and all(isinstance(each, dict) for each in entries):
            return entries
        self._note(name, 0, "", f"must be written as [[{name}]]")
        return []

    def table(
        self,
        told: Any,
        name: str,
        known: Mapping[str, Field],
        *,
        at: int = 0,
        is_new: bool = True,
    ) -> dict[str, Any]:
        """Read one table into columns, noting what is wrong with it."""
        if not isinstance(told, dict):
            self._note(name, at, "", f"must be written as [{name}]")
            return {}
        columns: dict[str, Any] = {}
        for key, value in told.items():
            if key not in known:
                self._note(name, at, key, f"is not known here; there are {', '.join(known)}")
                continue
            try:
                columns[known[key].column or key] = known[key].read(value)
            except Unfit as refusal:
                self._note(name, at, key, str(refusal))
        for key, each in known.items():
            if is_new and each.is_required and key not in told:
                self._note(name, at, "", f"{key} is missing")
        return columns

    def _note(self, table: str, at: int, key: str, wrong: str) -> None:
        line = self.lines.get((table, at, key)) or self.lines.get((table, at, ""), 0)
        self.problems.append(Problem(line, f"{table}.{key}" if key else f"[{table}]", wrong))
