"""A biller's profile as a TOML file: read whole, or refused with every line that is wrong."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from billfold.cli.profile import fields
from billfold.cli.profile.fields import InvalidProfileValue, ProfileField

_HEADER = re.compile(r"\s*\[\[?\s*([\w.]+)\s*\]\]?\s*(?:#.*)?\Z")
_KEY = re.compile(r"\s*([\w-]+)\s*=")
_LARGEST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class ProfileProblem:
    """One thing that is wrong with a profile."""

    line: int
    where: str
    wrong: str

    def __str__(self) -> str:
        place = f"line {self.line}, " if self.line else ""
        return f"{place}{self.where}: {self.wrong}"


class ProfileRefused(Exception):
    """The profile cannot be taken; nothing of it was."""

    def __init__(self, problems: list[ProfileProblem]) -> None:
        super().__init__(str(problems[0]))
        self.problems = problems


@dataclass(slots=True)
class ProfileChanges:
    """What a profile says, by columns; what it leaves out stays as it is."""

    biller: dict[str, Any] = field(default_factory=dict)
    tiles: list[dict[str, Any]] | None = None
    fee_caps: list[dict[str, Any]] = field(default_factory=list)
    banks: list[dict[str, Any]] = field(default_factory=list)


def read(path: Path) -> ProfileChanges:
    """Read a profile file. Raises: ProfileRefused."""
    if path.stat().st_size > _LARGEST_BYTES:
        raise ProfileRefused([ProfileProblem(0, path.name, "is too large to be a profile")])
    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except UnicodeDecodeError:
        raise ProfileRefused([ProfileProblem(0, path.name, "is not UTF-8 text")]) from None
    except tomllib.TOMLDecodeError as refusal:
        place = re.search(r"line (\d+)", str(refusal))
        line = int(place[1]) if place else 0
        wrong = re.sub(r"\s*\(at .*\)", "", str(refusal))
        raise ProfileRefused([ProfileProblem(line, "not TOML", wrong.lower())]) from None
    reader = _ProfileReader(_number_lines(text))
    changes = reader.read(document)
    if reader.problems:
        raise ProfileRefused(sorted(reader.problems, key=lambda problem: problem.line))
    return changes


def read_pairs(pairs: Sequence[str]) -> ProfileChanges:
    """Read FIELD=VALUE words into the biller's own fields. Raises: ProfileRefused."""
    reader = _ProfileReader({})
    table: dict[str, Any] = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign:
            reader.problems.append(ProfileProblem(0, pair, "is not FIELD=VALUE"))
        table[name] = int(value) if name.endswith("_days") and value.isdecimal() else value
    changes = ProfileChanges(biller=reader.read_table(table, "biller", fields.BILLER, is_new=False))
    if reader.problems:
        raise ProfileRefused(reader.problems)
    return changes


def _number_lines(text: str) -> dict[tuple[str, int, str], int]:
    """Find on which line each key of each table stands; the tables of one name are counted."""
    lines: dict[tuple[str, int, str], int] = {}
    last: dict[str, int] = {}
    table, quotes = "", ""
    for number, line in enumerate(text.split("\n"), 1):
        if quotes:
            quotes = "" if quotes in line else quotes
            continue
        if header := _HEADER.match(line):
            table = header[1]
            last[table] = last.get(table, -1) + 1
            lines[table, last[table], ""] = number
        elif key := _KEY.match(line):
            lines.setdefault((table, last.get(table, 0), key[1]), number)
            for mark in ('"""', "'''"):
                quotes = mark if line.count(mark) == 1 else quotes
    return lines


class _ProfileReader:
    """Reads one profile, collecting every problem."""

    def __init__(self, lines: Mapping[tuple[str, int, str], int]) -> None:
        self.lines = lines
        self.problems: list[ProfileProblem] = []

    def read(self, document: dict[str, Any]) -> ProfileChanges:
        known = {"biller", "tile", "fee_cap", "bank"}
        for name in document.keys() - known:
            line = self.lines.get((name, 0, ""), self.lines.get(("", 0, name), 0))
            self.problems.append(
                ProfileProblem(
                    line, name, f"is not known here; there are {', '.join(sorted(known))}"
                )
            )
        tiles = self._read_tables(document, "tile", fields.TILE)
        return ProfileChanges(
            biller=self.read_table(
                document.get("biller", {}), "biller", fields.BILLER, is_new=False
            ),
            tiles=[{"kind": "link", **tile} for tile in tiles] if "tile" in document else None,
            fee_caps=self._read_tables(document, "fee_cap", fields.FEE_CAP),
            banks=self._read_banks(document),
        )

    def _read_banks(self, document: dict[str, Any]) -> list[dict[str, Any]]:
        entries = document.get("bank", [])
        entries = [entries] if isinstance(entries, dict) else entries
        banks = []
        for at, entry in enumerate(self._only_tables(entries, "bank")):
            terms = {key: value for key, value in entry.items() if key != "transport"}
            bank = self.read_table(terms, "bank", fields.BANK, at=at)
            transport = entry.get("transport")
            if not isinstance(transport, dict):
                self._note("bank", at, "", "needs a table [bank.transport]")
                continue
            known = fields.SFTP if transport.get("kind") == "sftp" else fields.FOLDER
            if transport.get("kind") not in ("folder", "sftp"):
                self._note("bank.transport", at, "kind", "must be folder or sftp")
                continue
            bank["transport"] = self.read_table(transport, "bank.transport", known, at=at)
            banks.append(bank)
        return banks

    def _read_tables(
        self, document: dict[str, Any], name: str, known: Mapping[str, ProfileField]
    ) -> list[dict[str, Any]]:
        entries = self._only_tables(document.get(name, []), name)
        return [self.read_table(entry, name, known, at=at) for at, entry in enumerate(entries)]

    def _only_tables(self, entries: Any, name: str) -> list[dict[str, Any]]:
        if isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries):
            return entries
        self._note(name, 0, "", f"must be written as [[{name}]]")
        return []

    def read_table(
        self,
        entry: Any,
        name: str,
        known: Mapping[str, ProfileField],
        *,
        at: int = 0,
        is_new: bool = True,
    ) -> dict[str, Any]:
        """Read one table into columns, noting what is wrong with it."""
        if not isinstance(entry, dict):
            self._note(name, at, "", f"must be written as [{name}]")
            return {}
        columns: dict[str, Any] = {}
        for key, value in entry.items():
            if key not in known:
                self._note(name, at, key, f"is not known here; there are {', '.join(known)}")
                continue
            try:
                columns[known[key].column or key] = known[key].read(value)
            except InvalidProfileValue as refusal:
                self._note(name, at, key, str(refusal))
        for key, field_ in known.items():
            if is_new and field_.is_required and key not in entry:
                self._note(name, at, "", f"{key} is missing")
        return columns

    def _note(self, table: str, at: int, key: str, wrong: str) -> None:
        line = self.lines.get((table, at, key)) or self.lines.get((table, at, ""), 0)
        self.problems.append(ProfileProblem(line, f"{table}.{key}" if key else f"[{table}]", wrong))
