"""The simulated bank: takes the biller's files and answers over the following banking days.

Each step is a transaction in the bank's book, then files under their final names. Whatever a
kill leaves undone is done by the next `act`, with the same bytes.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Final

from billfold import bankdays
from billfold.money import Money
from billfold.simulator.bank import consequences, reader, returns, statements
from billfold.simulator.bank.book import Book, Upload, alone
from billfold.simulator.bank.consequences import Settlement
from billfold.simulator.bank.reader import Reading
from billfold.simulator.bank.records import Problem
from billfold.simulator.bank.terms import BankTerms

STATEMENT_EASTERN: Final = time(6, 0)
RETURNS_EASTERN: Final = time(6, 30)
REPEAT_EASTERN: Final = time(7, 0)
_STATEMENT: Final = "statement"
_RETURNS: Final = "returns"
_REPEAT: Final = "repeat"
_MOST_REASONS: Final = 50
_UNFINISHED: Final = (".tmp", ".part")
_ODD: Final = re.compile(r"[^A-Za-z0-9._-]")


class NaiveMoment(ValueError):
    """The bank was given a time without a zone."""


@dataclass(frozen=True, slots=True)
class _Duty:
    """Something the bank will deliver; `day` is the as-of day, or the day of the file."""

    due: datetime
    kind: str
    day: date


class Bank:
    """A bank in a folder: `to_bank` is the biller's, `from_bank` ours, `bank.sqlite` the memory."""

    def __init__(self, folder: Path, profile: BankTerms) -> None:
        self.folder = folder
        self.terms = profile
        self.to_bank = folder / "to_bank"
        self.from_bank = folder / "from_bank"
        self.taken = folder / "taken"

    def act(self, now: datetime) -> list[str]:
        """Do everything due up to now and tell it in short lines. Doing it again changes nothing.

        Raises: NaiveMoment if now has no zone.
        """
        today = _eastern(now).date()
        story: list[str] = []
        with self._opened() as book, alone(self.folder / "bank.lock"):
            with book.writing():
                book.open(today)
            self._finish(book)
            while (duty := self._next_duty(book, today)).due <= now:
                story += self._do(book, duty)
                self._finish(book)
            for path in self._waiting():
                story += self._take(book, path, now)
                self._finish(book)
        return story

    def next_due(self, now: datetime) -> datetime:
        """Tell the next moment at which `act` will do something: now, if something waits."""
        today = _eastern(now).date()
        with self._opened() as book:
            if self._waiting() or book.not_delivered() or book.not_moved():
                return now.astimezone(UTC)
            return max(now.astimezone(UTC), self._next_duty(book, today).due)

    @contextmanager
    def _opened(self) -> Iterator[Book]:
        for folder in (self.to_bank, self.from_bank, self.taken):
            folder.mkdir(parents=True, exist_ok=True)
        with closing(Book(self.folder / "bank.sqlite")) as book:
            yield book

    def _next_duty(self, book: Book, today: date) -> _Duty:
        return min(self._duties(book, book.opened_on() or today), key=lambda duty: duty.due)

    def _duties(self, book: Book, opened_on: date) -> Iterator[_Duty]:
        """List the next of each kind. A statement always comes, on days without lines too."""
        stated = book.last_done(_STATEMENT)
        as_of = (
            bankdays.next_banking_day(stated)
            if stated
            else bankdays.banking_day_on_or_after(opened_on)
        )
        morning = bankdays.next_banking_day(as_of)
        yield _Duty(_moment(morning, STATEMENT_EASTERN), _STATEMENT, as_of)
        answered = book.next_answer_day(after=book.last_done(_RETURNS))
        if answered:
            yield _Duty(_moment(answered, RETURNS_EASTERN), _RETURNS, answered)
        repeated = book.next_repeat_day(after=book.last_done(_REPEAT))
        if repeated:
            morning = bankdays.next_banking_day(repeated)
            yield _Duty(_moment(morning, REPEAT_EASTERN), _REPEAT, repeated)

    def _do(self, book: Book, duty: _Duty) -> list[str]:
        with book.writing():
            if not book.mark_done(duty.kind, duty.day):
                return []
            if duty.kind == _STATEMENT:
                name, content, told = self._statement(book, duty)
            elif duty.kind == _RETURNS:
                name, content, told = self._returns(book, duty)
            else:
                content = book.document(_statement_name(duty.day))
                name, told = f"PRIORDAY-{duty.day:%Y%m%d}-AGAIN.bai", "the same statement again"
            book.add_document(name, content)
        return [_tell(duty.due, f"Delivered {name}: {told}")]

    def _statement(self, book: Book, duty: _Duty) -> tuple[str, bytes, str]:
        made = _eastern(duty.due)
        statement = statements.Statement(
            as_of=duty.day,
            made_on=made.date(),
            made_at=f"{made:%H%M}",
            opening_minor=self.terms.opening_balance_minor + book.balance_before_minor(duty.day),
            postings=book.postings(duty.day),
        )
        told = (
            f"{_count(len(statement.postings), 'line')},"
            f" closing balance {Money(statement.closing_minor).plain(grouped=True)}"
        )
        return _statement_name(duty.day), statements.write(statement, self.terms), told

    def _returns(self, book: Book, duty: _Duty) -> tuple[str, bytes, str]:
        answers = book.answers(duty.day)
        content = returns.write(
            answers, terms=self.terms, on=duty.day, at=f"{RETURNS_EASTERN:%H%M}"
        )
        notices = sum(returns.is_notice(answer.code) for _, answer in answers)
        told = f"{_count(len(answers) - notices, 'return')}, {_count(notices, 'notice')} of change"
        return f"RETURNS-{duty.day:%Y%m%d}.ach", content, told

    def _waiting(self) -> list[Path]:
        return sorted(
            path
            for path in self.to_bank.iterdir()
            if path.is_file()
            and not path.name.startswith(".")
            and not path.name.endswith(_UNFINISHED)
        )

    def _take(self, book: Book, path: Path, now: datetime) -> list[str]:
        """Accept or refuse one upload, with all that follows, in one transaction."""
        with book.writing():
            content = path.read_bytes()
            reading = reader.read(content, terms=self.terms, today=_eastern(now).date())
            sha256 = hashlib.sha256(content).hexdigest()
            created = f"{reading.created:%y%m%d}" if reading.created else ""
            problems = list(reading.problems) or self._repeats(book, reading, sha256, created)
            filed_as = _free_name(book, path.name)
            upload_id = book.add_upload(
                Upload(
                    path.name,
                    filed_as,
                    sha256,
                    reading.origin,
                    created,
                    reading.modifier,
                    accepted=not problems,
                )
            )
            settled = [] if problems else self._accept(book, upload_id, path.stem, reading, now)
            days = [settlement.on_date for settlement in settled]
            facts = _facts(path.name, sha256, len(content), reading, now)
            book.add_document(f"{filed_as}.ack", _acknowledgement(facts, problems, days))
        verdict = "refused, " + str(problems[0]) if problems else f"settles {days[0]:%a %d %b}"
        amount = Money(reading.debit_minor).plain(grouped=True)
        entries = _count(len(reading.entries), "entry", "entries")
        return [_tell(now, f"Took {path.name}: {entries}, debits {amount}; {verdict}")]

    def _repeats(self, book: Book, reading: Reading, sha256: str, created: str) -> list[Problem]:
        """Refuse a file that was accepted before, by its bytes or by its identity."""
        same = book.earlier_with_content(sha256)
        if same:
            return [Problem(0, "duplicate", f"the same file was accepted before as {same}")]
        same = book.earlier_with_identity(reading.origin, created, reading.modifier)
        if same:
            why = f"{reading.modifier} was used on that date by {same}"
            return [Problem(1, "file ID modifier", why)]
        return []

    def _accept(
        self, book: Book, upload_id: int, stem: str, reading: Reading, now: datetime
    ) -> list[Settlement]:
        file_day = bankdays.file_day(now, cutoff_eastern=self.terms.cutoff_eastern)
        settled = consequences.settlements(reading, terms=self.terms, file_day=file_day)
        for settlement in settled:
            for posting in consequences.settlement_postings(
                settlement, reading=reading, stem=_ODD.sub("_", stem), terms=self.terms
            ):
                book.add_posting(posting)
            for answered in settlement.answers:
                number = book.add_answer(upload_id, answered.answer)
                if answered.stands_alone:
                    book.add_posting(consequences.return_posting(number, answered))
        return settled

    def _finish(self, book: Book) -> None:
        """Bring the folder up to what the book says; harmless to repeat."""
        for document_id, name, content in book.not_delivered():
            _deliver(self.from_bank, name, content)
            book.mark_delivered(document_id)
        for upload_id, name, filed_as, sha256 in book.not_moved():
            path = self.to_bank / name
            if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256:
                path.replace(self.taken / filed_as)
            book.mark_moved(upload_id)


def _deliver(folder: Path, name: str, content: bytes) -> None:
    temporary = folder / f".{name}.part"
    temporary.write_bytes(content)
    temporary.replace(folder / name)


def _facts(name: str, sha256: str, size: int, reading: Reading, now: datetime) -> dict[str, str]:
    return {
        "file": name,
        "sha256": sha256,
        "size": str(size),
        "entries": str(len(reading.entries)),
        "debit_total_minor": str(reading.debit_minor),
        "credit_total_minor": str(reading.credit_minor),
        "taken_at": _eastern(now).isoformat(timespec="seconds"),
    }


def _acknowledgement(
    facts: dict[str, str], problems: list[Problem], settles_on: list[date]
) -> bytes:
    """Write `name: value` lines: the verdict first, then facts, settlement days or reasons."""
    lines = [f"status: {'rejected' if problems else 'accepted'}"]
    lines += [f"{name}: {value}" for name, value in facts.items()]
    lines += [f"settles_on: {day.isoformat()}" for day in settles_on]
    lines += [f"reason: {problem}" for problem in problems[:_MOST_REASONS]]
    if len(problems) > _MOST_REASONS:
        lines.append(f"reason: and {len(problems) - _MOST_REASONS} more")
    return ("\n".join(lines) + "\n").encode()


def _free_name(book: Book, name: str) -> str:
    """Give the upload's name, or name.2 and so on if it was used before."""
    candidates = (f"{name}.{count}" if count > 1 else name for count in itertools.count(1))
    return next(candidate for candidate in candidates if not book.has_filed(candidate))


def _statement_name(as_of: date) -> str:
    return f"PRIORDAY-{as_of:%Y%m%d}.bai"


def _moment(day: date, at: time) -> datetime:
    return datetime.combine(day, at, tzinfo=bankdays.EASTERN).astimezone(UTC)


def _eastern(now: datetime) -> datetime:
    if now.tzinfo is None:
        raise NaiveMoment(now)
    return now.astimezone(bankdays.EASTERN)


def _tell(at: datetime, what: str) -> str:
    return f"{_eastern(at):%a %d %b %H:%M} {what}"


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
