"""The simulated bank's memory: one SQLite file that no other part of Billfold reads.

All that the bank will answer to an upload is written here when the upload is taken; later it is
only delivered. A document is stored with its bytes before it is written to the folder, so that a
killed bank delivers the same bytes when it runs again.
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
    """A file of the biller's that was taken, accepted or not."""

    name: str
    filed_as: str
    """Its name in the folder `taken`, unique even if the biller uses a name twice."""
    sha256: str
    origin: str
    created: str
    modifier: str
    accepted: bool


@dataclass(frozen=True, slots=True)
class RdfiAnswer:
    """What the bank of the debited account answers: a return or a notice of change."""

    batch_header: str
    entry: str
    code: str
    original_trace: str
    amount_minor: int
    deliver_on: date


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One line on the biller's account."""

    on_date: date
    type_code: int
    amount_minor: int
    bank_reference: str
    customer_reference: str
    text: str
    repeats_statement: bool = False
    """Whether the statement that shows this line is delivered twice."""


class BankMemory:
    """The open SQLite file. Reads see committed rows; writes need `writing()`."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)
        # A killed process loses nothing; a power cut might, and this bank holds no real money.
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.executescript(_TABLES)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Open a transaction, after waiting for any other writer."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def opened_on(self) -> date | None:
        """Return the first day of the bank, or None before its first act."""
        row = self._connection.execute("SELECT on_date FROM opening").fetchone()
        return date.fromisoformat(row[0]) if row else None

    def open(self, on: date) -> None:
        """Store the first day, once."""
        self._connection.execute("INSERT OR IGNORE INTO opening VALUES (1, ?)", (on.isoformat(),))

    def last_done(self, kind: str) -> date | None:
        """Return the last day for which this kind of document was delivered."""
        row = self._connection.execute(
            "SELECT max(on_date) FROM duty WHERE kind = ?", (kind,)
        ).fetchone()
        return date.fromisoformat(row[0]) if row[0] else None

    def mark_done(self, kind: str, on: date) -> bool:
        """Mark a kind of document of a day as delivered; False if it is already."""
        cursor = self._connection.execute(
            "INSERT OR IGNORE INTO duty VALUES (?, ?)", (kind, on.isoformat())
        )
        return cursor.rowcount == 1

    def next_answer_day(self, after: date | None) -> date | None:
        """Return the next day with returns or notices to deliver."""
        row = self._connection.execute(
            "SELECT min(deliver_on) FROM answer WHERE deliver_on > ?", (_iso(after),)
        ).fetchone()
        return date.fromisoformat(row[0]) if row[0] else None

    def next_repeat_day(self, after: date | None) -> date | None:
        """Return the next as-of day whose statement is to be delivered twice."""
        row = self._connection.execute(
            "SELECT min(on_date) FROM posting WHERE repeats_statement AND on_date > ?",
            (_iso(after),),
        ).fetchone()
        return date.fromisoformat(row[0]) if row[0] else None

    def answers(self, deliver_on: date) -> list[tuple[int, RdfiAnswer]]:
        """List a day's returns and notices, with their numbers."""
        rows = self._connection.execute(
            "SELECT id, batch_header, entry, code, original_trace, amount_minor FROM answer"
            " WHERE deliver_on = ? ORDER BY id",
            (deliver_on.isoformat(),),
        )
        return [
            (number, RdfiAnswer(header, entry, code, trace, amount_minor, deliver_on))
            for number, header, entry, code, trace, amount_minor in rows
        ]

    def lines(self, on: date) -> list[AccountLine]:
        """List a day's lines on the account, oldest first."""
        rows = self._connection.execute(
            "SELECT type_code, amount_minor, bank_reference, customer_reference, text,"
            " repeats_statement FROM posting WHERE on_date = ? ORDER BY id",
            (on.isoformat(),),
        )
        return [
            AccountLine(on, type_code, amount_minor, bank, customer, text, bool(repeats))
            for type_code, amount_minor, bank, customer, text, repeats in rows
        ]

    def balance_before_minor(self, on: date) -> int:
        """Add up all lines before a day, in cents."""
        row = self._connection.execute(
            "SELECT coalesce(sum(CASE WHEN type_code < ? THEN amount_minor ELSE -amount_minor"
            " END), 0) FROM posting WHERE on_date < ?",
            (FIRST_DEBIT_TYPE, on.isoformat()),
        ).fetchone()
        return int(row[0])

    def earlier_with_content(self, sha256: str) -> str | None:
        """Return the name of the accepted upload with the same bytes."""
        return self._accepted_name("sha256 = ?", (sha256,))

    def earlier_with_identity(self, origin: str, created: str, modifier: str) -> str | None:
        """Return the name of the accepted upload with the same origin, date and modifier."""
        return self._accepted_name(
            "origin = ? AND created = ? AND modifier = ?", (origin, created, modifier)
        )

    def _accepted_name(self, where: str, values: tuple[str, ...]) -> str | None:
        row = self._connection.execute(
            f"SELECT name FROM upload WHERE accepted AND {where}",  # noqa: S608 (fixed text)
            values,
        ).fetchone()
        return str(row[0]) if row else None

    def has_filed(self, filed_as: str) -> bool:
        """Say whether a name in the folder `taken` is used."""
        row = self._connection.execute(
            "SELECT count(*) FROM upload WHERE filed_as = ?", (filed_as,)
        ).fetchone()
        return bool(row[0])

    def add_upload(self, upload: Upload) -> int:
        """Add an upload; return its number."""
        cursor = self._connection.execute(
            "INSERT INTO upload (name, filed_as, sha256, origin, created, modifier, accepted)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            astuple(upload),
        )
        return int(cursor.lastrowid or 0)

    def not_moved(self) -> list[tuple[int, str, str, str]]:
        """List number, name, filed-as name and hash of uploads not yet moved to `taken`."""
        return self._connection.execute(
            "SELECT id, name, filed_as, sha256 FROM upload WHERE NOT moved ORDER BY id"
        ).fetchall()

    def mark_moved(self, upload_id: int) -> None:
        """Mark an upload as moved to `taken`."""
        self._connection.execute("UPDATE upload SET moved = 1 WHERE id = ?", (upload_id,))

    def add_answer(self, upload_id: int, answer: RdfiAnswer) -> int:
        """Add a return or notice; return its number."""
        *values, deliver_on = astuple(answer)
        cursor = self._connection.execute(
            "INSERT INTO answer (upload_id, batch_header, entry, code, original_trace,"
            " amount_minor, deliver_on) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (upload_id, *values, deliver_on.isoformat()),
        )
        return int(cursor.lastrowid or 0)

    def add_line(self, line: AccountLine) -> None:
        """Add a line on the account."""
        on_date, *values = astuple(line)
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
        """Return the bytes of a document made earlier."""
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
        """Mark a document as delivered."""
        self._connection.execute("UPDATE document SET delivered = 1 WHERE id = ?", (document_id,))


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock against other processes. It is SQLite's, so a killed process releases it."""
    with closing(sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        yield
