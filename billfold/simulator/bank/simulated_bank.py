"""The simulated bank: takes the biller's files and answers over the following banking days.

Each step is a transaction in the bank's memory, and then files are written under their final names.
What a killed process leaves undone is done by the next `act`, with the same bytes.
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
from billfold.simulator.bank.consequences import Settlement
from billfold.simulator.bank.memory import BankMemory, Upload, exclusive
from billfold.simulator.bank.reader import CheckedUpload
from billfold.simulator.bank.records import UploadProblem
from billfold.simulator.bank.terms import BankTerms

STATEMENT_EASTERN: Final = time(6, 0)
RETURNS_EASTERN: Final = time(6, 30)
REPEAT_EASTERN: Final = time(7, 0)
_STATEMENT: Final = "statement"
_RETURNS: Final = "returns"
_REPEAT: Final = "repeat"
_MOST_REASONS: Final = 50
_UNFINISHED: Final = (".tmp", ".part")
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True)
class _Delivery:
    """A document the bank will deliver; `day` is its as-of day, or the day of the file."""

    due: datetime
    kind: str
    day: date


class SimulatedBank:
    """A bank in a folder: the biller writes to `to_bank`, the bank to `from_bank`."""

    def __init__(self, folder: Path, terms: BankTerms) -> None:
        self.folder = folder
        self.terms = terms
        self.to_bank = folder / "to_bank"
        self.from_bank = folder / "from_bank"
        self.taken = folder / "taken"

    def act(self, now: datetime) -> list[str]:
        """Do everything due up to now; return it in short lines. Doing it again changes nothing.

        Raises: bankdays.NaiveMoment if now has no zone.
        """
        today = _eastern(now).date()
        story: list[str] = []
        with self._opened() as memory, exclusive(self.folder / "bank.lock"):
            with memory.writing():
                memory.open(today)
            self._finish(memory)
            while (delivery := self._next_delivery(memory, today)).due <= now:
                story += self._deliver_due(memory, delivery)
                self._finish(memory)
            for path in self._waiting():
                story += self._take(memory, path, now)
                self._finish(memory)
        return story

    def next_due(self, now: datetime) -> datetime:
        """Return the next moment at which `act` will do something: now, if something waits."""
        today = _eastern(now).date()
        with self._opened() as memory:
            if self._waiting() or memory.not_delivered() or memory.not_moved():
                return now.astimezone(UTC)
            return max(now.astimezone(UTC), self._next_delivery(memory, today).due)

    @contextmanager
    def _opened(self) -> Iterator[BankMemory]:
        for folder in (self.to_bank, self.from_bank, self.taken):
            folder.mkdir(parents=True, exist_ok=True)
        with closing(BankMemory(self.folder / "bank.sqlite")) as memory:
            yield memory

    def _next_delivery(self, memory: BankMemory, today: date) -> _Delivery:
        deliveries = self._next_deliveries(memory, memory.opened_on() or today)
        return min(deliveries, key=lambda delivery: delivery.due)

    def _next_deliveries(self, memory: BankMemory, opened_on: date) -> Iterator[_Delivery]:
        """Yield the next delivery of each kind. There is a statement for every banking day."""
        last_stated = memory.last_done(_STATEMENT)
        as_of = (
            bankdays.next_banking_day(last_stated)
            if last_stated
            else bankdays.banking_day_on_or_after(opened_on)
        )
        morning = bankdays.next_banking_day(as_of)
        yield _Delivery(_moment(morning, STATEMENT_EASTERN), _STATEMENT, as_of)
        answer_day = memory.next_answer_day(after=memory.last_done(_RETURNS))
        if answer_day:
            yield _Delivery(_moment(answer_day, RETURNS_EASTERN), _RETURNS, answer_day)
        repeat_day = memory.next_repeat_day(after=memory.last_done(_REPEAT))
        if repeat_day:
            morning = bankdays.next_banking_day(repeat_day)
            yield _Delivery(_moment(morning, REPEAT_EASTERN), _REPEAT, repeat_day)

    def _deliver_due(self, memory: BankMemory, delivery: _Delivery) -> list[str]:
        with memory.writing():
            if not memory.mark_done(delivery.kind, delivery.day):
                return []
            if delivery.kind == _STATEMENT:
                name, content, summary = self._statement(memory, delivery)
            elif delivery.kind == _RETURNS:
                name, content, summary = self._returns(memory, delivery)
            else:
                content = memory.document(_statement_name(delivery.day))
                name, summary = (
                    f"PRIORDAY-{delivery.day:%Y%m%d}-AGAIN.bai",
                    "the same statement again",
                )
            memory.add_document(name, content)
        return [_story_line(delivery.due, f"Delivered {name}: {summary}")]

    def _statement(self, memory: BankMemory, delivery: _Delivery) -> tuple[str, bytes, str]:
        made_at = _eastern(delivery.due)
        statement = statements.PriorDayStatement(
            as_of=delivery.day,
            made_on=made_at.date(),
            made_at=f"{made_at:%H%M}",
            opening_minor=self.terms.opening_balance_minor
            + memory.balance_before_minor(delivery.day),
            lines=memory.lines(delivery.day),
        )
        summary = (
            f"{_count(len(statement.lines), 'line')},"
            f" closing balance {Money(statement.closing_minor).plain(grouped=True)}"
        )
        return _statement_name(delivery.day), statements.write(statement, self.terms), summary

    def _returns(self, memory: BankMemory, delivery: _Delivery) -> tuple[str, bytes, str]:
        answers = memory.answers(delivery.day)
        content = returns.write(
            answers, terms=self.terms, on=delivery.day, at=f"{RETURNS_EASTERN:%H%M}"
        )
        notices = sum(returns.is_notice(answer.code) for _, answer in answers)
        summary = (
            f"{_count(len(answers) - notices, 'return')}, {_count(notices, 'notice')} of change"
        )
        return f"RETURNS-{delivery.day:%Y%m%d}.ach", content, summary

    def _waiting(self) -> list[Path]:
        return sorted(
            path
            for path in self.to_bank.iterdir()
            if path.is_file()
            and not path.name.startswith(".")
            and not path.name.endswith(_UNFINISHED)
        )

    def _take(self, memory: BankMemory, path: Path, now: datetime) -> list[str]:
        """Accept or refuse one upload, with all its consequences, in one transaction."""
        with memory.writing():
            content = path.read_bytes()
            checked = reader.read(content, terms=self.terms, today=_eastern(now).date())
            sha256 = hashlib.sha256(content).hexdigest()
            created = f"{checked.created:%y%m%d}" if checked.created else ""
            problems = list(checked.problems) or self._repeats(memory, checked, sha256, created)
            filed_as = _free_name(memory, path.name)
            upload_id = memory.add_upload(
                Upload(
                    path.name,
                    filed_as,
                    sha256,
                    checked.origin,
                    created,
                    checked.modifier,
                    accepted=not problems,
                )
            )
            settlements = (
                [] if problems else self._accept(memory, upload_id, path.stem, checked, now)
            )
            days = [settlement.on_date for settlement in settlements]
            details = _upload_details(path.name, sha256, len(content), checked, now)
            memory.add_document(f"{filed_as}.ack", _acknowledgement(details, problems, days))
        verdict = "refused, " + str(problems[0]) if problems else f"settles {days[0]:%a %d %b}"
        amount = Money(checked.debit_minor).plain(grouped=True)
        entries = _count(len(checked.entries), "entry", "entries")
        return [_story_line(now, f"Took {path.name}: {entries}, debits {amount}; {verdict}")]

    def _repeats(
        self, memory: BankMemory, checked: CheckedUpload, sha256: str, created: str
    ) -> list[UploadProblem]:
        """Refuse a file that was accepted before, by its bytes or by its identity."""
        same = memory.earlier_with_content(sha256)
        if same:
            return [UploadProblem(0, "duplicate", f"the same file was accepted before as {same}")]
        same = memory.earlier_with_identity(checked.origin, created, checked.modifier)
        if same:
            why = f"{checked.modifier} was used on that date by {same}"
            return [UploadProblem(1, "file ID modifier", why)]
        return []

    def _accept(
        self, memory: BankMemory, upload_id: int, stem: str, checked: CheckedUpload, now: datetime
    ) -> list[Settlement]:
        file_day = bankdays.file_day(now, cutoff_eastern=self.terms.cutoff_eastern)
        settlements = consequences.settlements(checked, terms=self.terms, file_day=file_day)
        for settlement in settlements:
            for line in consequences.settlement_lines(
                settlement, checked=checked, stem=_NOT_IN_NAMES.sub("_", stem), terms=self.terms
            ):
                memory.add_line(line)
            for answered in settlement.answers:
                number = memory.add_answer(upload_id, answered.answer)
                if answered.has_own_line:
                    memory.add_line(consequences.return_line(number, answered))
        return settlements

    def _finish(self, memory: BankMemory) -> None:
        """Write and move the files that the memory says are to be; harmless to repeat."""
        for document_id, name, content in memory.not_delivered():
            _write_file(self.from_bank, name, content)
            memory.mark_delivered(document_id)
        for upload_id, name, filed_as, sha256 in memory.not_moved():
            path = self.to_bank / name
            if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256:
                path.replace(self.taken / filed_as)
            memory.mark_moved(upload_id)


def _write_file(folder: Path, name: str, content: bytes) -> None:
    temporary = folder / f".{name}.part"
    temporary.write_bytes(content)
    temporary.replace(folder / name)


def _upload_details(
    name: str, sha256: str, size: int, checked: CheckedUpload, now: datetime
) -> dict[str, str]:
    return {
        "file": name,
        "sha256": sha256,
        "size": str(size),
        "entries": str(len(checked.entries)),
        "debit_total_minor": str(checked.debit_minor),
        "credit_total_minor": str(checked.credit_minor),
        "taken_at": _eastern(now).isoformat(timespec="seconds"),
    }


def _acknowledgement(
    details: dict[str, str], problems: list[UploadProblem], settles_on: list[date]
) -> bytes:
    """Write `name: value` lines: the status, then details, settlement days or reasons."""
    lines = [f"status: {'rejected' if problems else 'accepted'}"]
    lines += [f"{name}: {value}" for name, value in details.items()]
    lines += [f"settles_on: {day.isoformat()}" for day in settles_on]
    lines += [f"reason: {problem}" for problem in problems[:_MOST_REASONS]]
    if len(problems) > _MOST_REASONS:
        lines.append(f"reason: and {len(problems) - _MOST_REASONS} more")
    return ("\n".join(lines) + "\n").encode()


def _free_name(memory: BankMemory, name: str) -> str:
    """Return the upload's name, or name.2 and so on if it was used before."""
    candidates = (f"{name}.{count}" if count > 1 else name for count in itertools.count(1))
    return next(candidate for candidate in candidates if not memory.has_filed(candidate))


def _statement_name(as_of: date) -> str:
    return f"PRIORDAY-{as_of:%Y%m%d}.bai"


def _moment(day: date, at: time) -> datetime:
    return datetime.combine(day, at, tzinfo=bankdays.EASTERN).astimezone(UTC)


def _eastern(now: datetime) -> datetime:
    if now.tzinfo is None:
        raise bankdays.NaiveMoment(now)
    return now.astimezone(bankdays.EASTERN)


def _story_line(at: datetime, what: str) -> str:
    return f"{_eastern(at):%a %d %b %H:%M} {what}"


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
