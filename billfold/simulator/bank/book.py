"""The simulated bank's own memory: one SQLite file that no other part of Billfold reads.

Everything the bank will ever say about an upload is written here when it is taken; what follows
is only delivery. A document is stored with its bytes before it is put in the folder, so that a
bank killed half-way delivers the same bytes when it comes back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass
from datetime import date
from pathlib import Path
from typing import Final

FIRST_DEBIT_TYPE: Final = 400
"""BAI2 type codes below are credits, from here on debits."""

_WAIT_SECONDS: Final = 60

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS opening (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    on_date TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS upload (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    filed_as TEXT NOT NULL UNIQUE,
    sha256 TEXT NOT NULL,
    origin TEXT NOT NULL,
    created TEXT NOT NULL,
    modifier TEXT NOT NULL,
    accepted INTEGER NOT NULL,
    moved INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX IF NOT EXISTS upload_content ON upload (sha256) WHERE accepted;
CREATE UNIQUE INDEX IF NOT EXISTS upload_identity
    ON upload (origin, created, modifier) WHERE accepted;
CREATE TABLE IF NOT EXISTS answer (
    id INTEGER PRIMARY KEY,
    upload_id INTEGER NOT NULL REFERENCES upload,
    batch_header TEXT NOT NULL,
    entry TEXT NOT NULL,
    code TEXT NOT NULL,
    original_trace TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    deliver_on TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS answer_day ON answer (deliver_on);
CREATE TABLE IF NOT EXISTS posting (
    id INTEGER PRIMARY KEY,
    on_date TEXT NOT NULL,
    type_code INTEGER NOT NULL,
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    bank_reference TEXT NOT NULL UNIQUE,
    customer_reference TEXT NOT NULL,
    text TEXT NOT NULL,
    repeats_statement INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS posting_day ON posting (on_date);
CREATE TABLE IF NOT EXISTS duty (
    kind TEXT NOT NULL,
    on_date TEXT NOT NULL,
    PRIMARY KEY (kind, on_date)
);
CREATE TABLE IF NOT EXISTS document (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    content BLOB NOT NULL,
    delivered INTEGER NOT NULL DEFAULT 0
);
"""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was taken, accepted or not."""

    name: str
    filed_as: str
    """Its name in the folder `taken`, unique even if a name is used twice."""
    sha256: str
    origin: str
    created: str
    modifier: str
    accepted: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What a customer's bank says about an entry: a return or a notice of change."""

    batch_header: str
    entry: str
    code: str
    original_trace: str
    amount_minor: int
    deliver_on: date


@dataclass(frozen=True, slots=True)
class Posting:
    """One line on the biller's account."""

    on_date: date
    type_code: int
    amount_minor: int
    bank_reference: str
    customer_reference: str
    text: str
    repeats_statement: bool = False
    """Whether the statement that shows it is delivered a second time."""


class Book:
    """The open file. Reads see committed rows; writes need `writing()`."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)
        # A kill loses nothing this way; a power cut might, and this bank holds no real money.
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.executescript(_TABLES)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Make what happens inside one transaction, after waiting for any other writer."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def opened_on(self) -> date | None:
        """Give the first day the bank knows, or None before its first act."""
        row = self._connection.execute("SELECT on_date FROM opening").fetchone()
        return date.fromisoformat(row[0]) if row else None

    def open(self, on: date) -> None:
        """Remember the first day, once."""
        self._connection.execute("INSERT OR IGNORE INTO opening VALUES (1, ?)", (on.isoformat(),))

    def last_done(self, kind: str) -> date | None:
        """Give the last day for which a duty was done."""
        row = self._connection.execute(
            "SELECT max(on_date) FROM duty WHERE kind = ?", (kind,)
        ).fetchone()
        return date.fromisoformat(row[0]) if row[0] else None

    def mark_done(self, kind: str, on: date) -> bool:
        """Claim a duty of a day; False if it was done before."""
        cursor = self._connection.execute(
            "INSERT OR IGNORE INTO duty VALUES (?, ?)", (kind, on.isoformat())
        )
        return cursor.rowcount == 1

    def next_answer_day(self, after: date | None) -> date | None:
        """Give the next day with returns or notices to deliver."""
        row = self._connection.execute(
            "SELECT min(deliver_on) FROM answer WHERE deliver_on > ?", (_text(after),)
        ).fetchone()
        return date.fromisoformat(row[0]) if row[0] else None

    def next_repeat_day(self, after: date | None) -> date | None:
        """Give the next as-of day whose statement is to be delivered twice."""
        row = self._connection.execute(
            "SELECT min(on_date) FROM posting WHERE repeats_statement AND on_date > ?",
            (_text(after),),
        ).fetchone()
        return date.fromisoformat(row[0]) if row[0] else None

    def answers(self, deliver_on: date) -> list[tuple[int, Answer]]:
        """List a day's returns and notices, with their numbers."""
        rows = self._connection.execute(
            "SELECT id, batch_header, entry, code, original_trace, amount_minor FROM answer"
            " WHERE deliver_on = ? ORDER BY id",
            (deliver_on.isoformat(),),
        )
        return [
            (number, Answer(header, entry, code, trace, amount_minor, deliver_on))
            for number, header, entry, code, trace, amount_minor in rows
        ]

    def postings(self, on: date) -> list[Posting]:
        """List a day's lines, oldest first."""
        rows = self._connection.execute(
            "SELECT type_code, amount_minor, bank_reference, customer_reference, text,"
            " repeats_statement FROM posting WHERE on_date = ? ORDER BY id",
            (on.isoformat(),),
        )
        return [
            Posting(on, type_code, amount_minor, bank, customer, text, bool(repeats))
            for type_code, amount_minor, bank, customer, text, repeats in rows
        ]

    def balance_before_minor(self, on: date) -> int:
        """Add up everything posted before a day, in cents."""
        row = self._connection.execute(
            "SELECT coalesce(sum(CASE WHEN type_code < ? THEN amount_minor ELSE -amount_minor"
            " END), 0) FROM posting WHERE on_date < ?",
            (FIRST_DEBIT_TYPE, on.isoformat()),
        ).fetchone()
        return int(row[0])

    def earlier_with_content(self, sha256: str) -> str | None:
        """Name the accepted upload with the same bytes."""
        return self._name("sha256 = ?", (sha256,))

    def earlier_with_identity(self, origin: str, created: str, modifier: str) -> str | None:
        """Name the accepted upload with the same origin, date and modifier."""
        return self._name(
            "origin = ? AND created = ? AND modifier = ?", (origin, created, modifier)
        )

    def _name(self, where: str, values: tuple[str, ...]) -> str | None:
        row = self._connection.execute(
            f"SELECT name FROM upload WHERE accepted AND {where}",  # noqa: S608 (fixed text)
            values,
        ).fetchone()
        return str(row[0]) if row else None

    def has_filed(self, filed_as: str) -> bool:
        """Tell whether a name in the folder `taken` is used."""
        row = self._connection.execute(
            "SELECT count(*) FROM upload WHERE filed_as = ?", (filed_as,)
        ).fetchone()
        return bool(row[0])

    def add_upload(self, upload: Upload) -> int:
        """Write an upload and give its number."""
        cursor = self._connection.execute(
            "INSERT INTO upload (name, filed_as, sha256, origin, created, modifier, accepted)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            astuple(upload),
        )
        return int(cursor.lastrowid or 0)

    def not_moved(self) -> list[tuple[int, str, str, str]]:
        """List number, name, filed-as name and hash of uploads still lying where they came."""
        return self._connection.execute(
            "SELECT id, name, filed_as, sha256 FROM upload WHERE NOT moved ORDER BY id"
        ).fetchall()

    def mark_moved(self, upload_id: int) -> None:
        """Remember that an upload was filed."""
        self._connection.execute("UPDATE upload SET moved = 1 WHERE id = ?", (upload_id,))

    def add_answer(self, upload_id: int, answer: Answer) -> int:
        """Write a return or notice and give its number."""
        *values, deliver_on = astuple(answer)
        cursor = self._connection.execute(
            "INSERT INTO answer (upload_id, batch_header, entry, code, original_trace,"
            " amount_minor, deliver_on) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (upload_id, *values, deliver_on.isoformat()),
        )
        return int(cursor.lastrowid or 0)

    def add_posting(self, posting: Posting) -> None:
        """Write a line on the account."""
        on_date, *values = astuple(posting)
        self._connection.execute(
            "INSERT INTO posting (on_date, type_code, amount_minor, bank_reference,"
            " customer_reference, text, repeats_statement) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (on_date.isoformat(), *values),
        )

    def add_document(self, name: str, content: bytes) -> None:
        """Store a document to deliver."""
        self._connection.execute(
            "INSERT INTO document (name, content) VALUES (?, ?)", (name, content)
        )

    def document(self, name: str) -> bytes:
        """Give the bytes of a document made earlier."""
        row = self._connection.execute(
            "SELECT content FROM document WHERE name = ?", (name,)
        ).fetchone()
        return bytes(row[0])

    def not_delivered(self) -> list[tuple[int, str, bytes]]:
        """List number, name and bytes of documents not yet in the folder."""
        return self._connection.execute(
            "SELECT id, name, content FROM document WHERE NOT delivered ORDER BY id"
        ).fetchall()

    def mark_delivered(self, document_id: int) -> None:
        """Remember that a document lies in the folder."""
        self._connection.execute("UPDATE document SET delivered = 1 WHERE id = ?", (document_id,))


def _text(day: date | None) -> str:
    return day.isoformat() if day else ""


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Keep every other process out until done. The lock is SQLite's: a kill releases it."""
    with closing(sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        yield
