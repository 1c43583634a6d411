"""Promise 23: searches tables and logs for account numbers in the clear.

A number counts where it stands as a word of its own, or right after its routing number as
in a bank file. Numbers under six characters, with fewer than five digits, or that are a date, are
looked for only in the second way: alone they could be anything. So could a number that also stands
on what the biller publishes or bills, in an e-mail address, or as that of a bank or entry: it is
passed over, since whoever types an account could choose it, and stop the biller's files with it.
Ids of ours, fractions of a second, process numbers in logs, and JSON numbers too short for an
account, are no words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore

from billfold import typed_text
from billfold.payments.proof.check import NAMED_AT_MOST, Inspection, ProofCheck, Violations
from billfold.payments.proof.sealed import accounts, opened, stream

SHORTEST_WORD: Final = 6
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_WORD: Final = re.compile(r"[0-9A-Za-z]{6,}")
_RUN: Final = re.compile(r"[0-9]{10,}[0-9A-Za-z]*")
_DATE: Final = re.compile(r"20\d\d[01]\d[0-3]\d")
_FRACTION: Final = re.compile(r"(?<=:[0-9]{2}\.)[0-9]+")
_PROCESS: Final = re.compile(r"\[[0-9]{1,7}\]")
_DIGITS: Final = re.compile(r"[0-9]+")
_SHORT_JSON_NUMBER: Final = re.compile(r"(?<=[:\[,] )-?[0-9]{1,8}(?=[,}\]])")
_ROUTING: Final = 9
_MOST_DIGITS: Final = 9


@dataclass(slots=True)
class _Search:
    """The account numbers that are searched for, and where they were seen."""

    words: frozenset[str]
    behind: dict[str, set[str]]
    """Routing number -> account numbers."""
    least_digits: int
    """How many digits stand in a row in every one of the numbers."""
    is_digits: bool
    """Whether no number has letters."""
    shortest: int
    seen: Counter[str] = field(default_factory=Counter)
    places: dict[str, list[str]] = field(default_factory=dict)

    def look(self, text: str, place: str, *, is_json: bool = False) -> None:
        """Note every known number in a text."""
        if self.passes_over(text):
            return
        text = _FRACTION.sub("", _UUID.sub(" ", text))
        if is_json:
            text = _SHORT_JSON_NUMBER.sub("", text)
        for number in self.words.intersection(_WORD.findall(text)):
            self._note(number, place)
        for run in _RUN.findall(text):
            for number in self._behind_routing(run):
                self._note(number, place)

    def passes_over(self, text: str) -> bool:
        """Tell of most texts quickly that no known number stands in them."""
        if not self.is_digits:
            return False
        runs = _DIGITS.findall(text)
        enough = _ROUTING + self.shortest
        return self.words.isdisjoint(runs) and all(len(run) < enough for run in runs)

    def _behind_routing(self, run: str) -> Iterator[str]:
        for at in range(len(run) - _ROUTING - self.shortest + 1):
            numbers = self.behind.get(run[at : at + _ROUTING], ())
            if numbers:
                rest = run[at + _ROUTING :]
                yield from (rest[:n] for n in range(1, 18) if rest[:n] in numbers)

    def _note(self, number: str, place: str) -> None:
        self.seen[number] += 1
        places = self.places.setdefault(number, [])
        if len(places) < NAMED_AT_MOST:
            places.append(place)


def _is_telling(number: str) -> bool:
    """Say whether a number that stands alone can hardly be anything else."""
    digits = sum(map(str.isdecimal, number))
    return (
        len(number) >= SHORTEST_WORD
        and digits >= typed_text.FEWEST_DIGITS
        and not _DATE.fullmatch(number)
    )


def _digits_in_a_row(number: str) -> int:
    return max(map(len, _DIGITS.findall(number)), default=0)


def _known(inspection: Inspection) -> _Search:
    """Open every account number there is; the biller's own counts unless its pages print it."""
    printed = {
        n
        for (n,) in inspection.rows("SELECT deposit_account_number FROM receivables_billerprofile")
    }
    pairs = set(accounts(inspection))
    for bank_id, routing, sealed in stream(
        "SELECT id, odfi_routing_number, account_number_sealed FROM banking_bankconnection"
    ):
        number = opened(sealed, f"banking_bankconnection|account_number|{bank_id}") or ""
        if number not in printed:
            pairs.add((routing, number))
    behind: dict[str, set[str]] = {}
    for routing, number in pairs:
        if number:
            behind.setdefault(routing, set()).add(number)
    numbers = {number for _, number in pairs if number}
    return _Search(
        words=frozenset(filter(_is_telling, numbers)),
        behind=behind,
        least_digits=min(_MOST_DIGITS, min(map(_digits_in_a_row, numbers), default=0)),
        is_digits=all(map(str.isdecimal, numbers)),
        shortest=min(map(len, numbers), default=1),
    )


_COLUMNS: Final = """
SELECT c.table_name, array_agg(c.column_name::text ORDER BY c.column_name),
       array_agg(c.data_type = 'jsonb' ORDER BY c.column_name)
FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
WHERE c.table_schema = %(schema)s::text AND t.table_type = 'BASE TABLE'
  AND c.data_type IN ('text', 'character varying', 'character', 'json', 'jsonb')
  AND coalesce(c.character_maximum_length, 100) >= 6
  AND (c.table_name, c.column_name) NOT IN (('django_session', 'session_data'))
GROUP BY c.table_name ORDER BY 1"""


def _search_tables(inspection: Inspection, search: _Search) -> None:
    for table, columns, are_json in inspection.rows(_COLUMNS):
        texts = ", ".join(f"{column}::text" for column in columns)
        # All columns of a row at once: most rows hold no such number, and are read only once.
        for row in stream(
            f"SELECT {texts} FROM {table} "  # noqa: S608  names from the catalogue
            f"WHERE concat_ws(' ', {texts}) ~ '[0-9]{{{search.least_digits}}}'"
        ):
            if search.passes_over(" ".join(filter(None, row))):
                continue
            for text, column, is_json in zip(row, columns, are_json, strict=True):
                search.look(text or "", f"{table}.{column}", is_json=is_json)
    sessions = SessionStore()
    for (data,) in stream("SELECT session_data FROM django_session"):
        search.look(str(sessions.decode(data)), "django_session.session_data")


def _search_logs(search: _Search) -> None:
    state = Path(settings.STATE_DIR)
    for path in sorted(
        {*state.glob("*.log*"), *state.glob("logs/*"), *state.glob("postgres/*log*")}
    ):
        try:
            with path.open(errors="replace") as lines:
                for line in lines:
                    search.look(_PROCESS.sub("", line), f"the log {path.name}")
        except (IsADirectoryError, PermissionError):
            continue


_CHOOSABLE: Final = """
SELECT word.word FROM unnest(%(words)s::text[]) word (word)
WHERE EXISTS (SELECT FROM receivables_invoice
              WHERE strpos(concat_ws(' ', number, reference, description), word.word) > 0)
   OR EXISTS (SELECT FROM receivables_invoiceline
              WHERE strpos(concat_ws(' ', description, quantity), word.word) > 0)
   OR EXISTS (SELECT FROM receivables_creditnote
              WHERE strpos(concat_ws(' ', number, reason), word.word) > 0)
   OR EXISTS (SELECT FROM receivables_customer
              WHERE strpos(concat_ws(' ', number, name, email, address, terms), word.word) > 0)
   OR EXISTS (SELECT FROM receivables_billerprofile profile
              WHERE strpos(profile::text, word.word) > 0)
   OR EXISTS (SELECT FROM people_person WHERE strpos(email, word.word) > 0)
   OR EXISTS (SELECT FROM banking_routingnumber WHERE number = word.word)
   OR EXISTS (SELECT FROM banking_bankconnection
              WHERE word.word IN (odfi_routing_number, immediate_origin, company_id))
   OR EXISTS (SELECT FROM banking_bankline WHERE bank_reference = word.word)
   OR EXISTS (SELECT FROM payments_bankaccount WHERE routing_number = word.word)
   OR EXISTS (SELECT FROM payments_instruction
              WHERE odfi = left(word.word, 8) AND trace = word.word)"""
"""Numbers that a payer, or a payer's bank, can read somewhere and give as an account's."""


def _find(inspection: Inspection) -> Violations:
    search = _known(inspection)
    if not search.behind:
        return Violations(0)
    _search_tables(inspection, search)
    _search_logs(search)
    innocent = {word for (word,) in inspection.rows(_CHOOSABLE, words=sorted(search.seen))}
    guilty = sorted(search.seen.keys() - innocent)
    words = [
        f"an account number ending {number[-4:]} stands in the clear in {place}"
        for number in guilty
        for place in sorted(set(search.places[number]))
    ]
    return Violations(sum(search.seen[number] for number in guilty), words)


CHECKS: Final = (ProofCheck(23, "No account number stands in the clear in tables or logs", _find),)
