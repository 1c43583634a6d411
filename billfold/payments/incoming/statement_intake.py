"""Books a statement, or lets it wait until two people accept it; what stays open becomes a case.

Two different treasurers stand behind a statement that raises a doubt. Whoever added it by hand is
one of them and does not accept it, too; so one other accepts it, or two if the bank delivered it.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from billfold.banking import exchange, statements
from billfold.banking.models import BankConnection, BankFile, FileState, StatementDecision
from billfold.banking.statement_seams import Seam
from billfold.banking.statements import MOST_MISSING_DAYS, StatementReading
from billfold.money import Money
from billfold.payments.cases import casework, notes
from billfold.payments.cases.case_kinds import CaseKind
from billfold.payments.models import Case
from billfold.people import rights
from billfold.people.models import Person
from billfold.platform import audit, retries
from billfold.platform.ids import new_id

PEOPLE_NEEDED: Final = 2
_DAY_KINDS: Final = (CaseKind.MISSING_STATEMENT, CaseKind.QUIET_DAY)
_JOB: Final = audit.job("read")


class NoLongerWaits(Exception):
    """The file is no statement that waits: that was decided before."""

    def __init__(self, closed_by: str) -> None:
        super().__init__()
        self.closed_by = closed_by
        """Who closed its case: the last of the people, or the job that read it again."""


class OwnUpload(Exception):
    """Who added a statement by hand does not accept it, too: another treasurer does."""


class DecidedAlready(Exception):
    """This person has said so already, and nobody counts twice."""


class NotAcceptable(Exception):
    """A statement of that day is here already, and what was booked cannot be taken back yet."""


class RefusalNeedsReason(Exception):
    """A statement is refused only with a text that says why."""


class DecisionOutcome(StrEnum):
    """What came of one person's word on a statement that waits."""

    BOOKED = "booked"
    REFUSED = "refused"
    NEEDS_ANOTHER = "needs another treasurer"
    REASONS_CHANGED = "reasons changed"


def take_in(file: BankFile, plain: bytes, *, now: datetime) -> FileState:
    """Book a statement, or let it wait for two people; give the state it is in then.

    Needs an open transaction. Raises: what `statements.read` raises.
    """
    reading = statements.read(file, plain, now=now)
    if reading.doubts:
        _let_wait(file, reading, now)
        return FileState.WAITING
    casework.close_by_evidence(
        f"bankfile/{file.id}",
        [CaseKind.WAITING_STATEMENT],
        "The bank delivered it",
        actor=_JOB,
        now=now,
    )
    _book(file, reading, now)
    return FileState.READ


def list_waiting() -> QuerySet[BankFile]:
    """Select the statements that wait for two people, oldest first."""
    return BankFile.objects.filter(direction="in", state=FileState.WAITING).order_by(
        "made_at", "id"
    )


def read_again(file: BankFile, *, now: datetime) -> StatementReading:
    """Read a statement that waits as it stands now. Needs an open transaction."""
    return statements.read(file, exchange.unseal_content(file), now=now)


@retries.retried(after=retries.UNDONE | retries.EXISTS)
def accept(file_id: UUID, *, by: Person, now: datetime) -> DecisionOutcome:
    """Accept a statement for one person; it is booked once two treasurers stand behind it.

    Reasons to wait other than those listed when it was looked at void what was said before.
    Raises: NoLongerWaits, rights.NotATreasurer, OwnUpload, DecidedAlready, NotAcceptable.
    """
    with transaction.atomic(durable=True):
        file = _lock_waiting(file_id, by)
        if file.added_by_id == by.actor().id:
            raise OwnUpload
        reading = read_again(file, now=now)
        if _texts(reading) != file.problems:
            return _start_over(file, reading, now)
        if not all(doubt.is_acceptable for doubt in reading.doubts):
            raise NotAcceptable
        _decide(file, "accept", by, now)
        supporters = _deciders(file, "accept") | {file.added_by_id}
        if len(rights.active_treasurers(supporters)) < PEOPLE_NEEDED:
            return DecisionOutcome.NEEDS_ANOTHER
        _book(file, reading, now)
        _finish(file, FileState.READ, "Two people accepted it", by, now)
        return DecisionOutcome.BOOKED


@retries.retried(after=retries.UNDONE | retries.EXISTS)
def refuse(file_id: UUID, why: str, *, by: Person, now: datetime) -> DecisionOutcome:
    """Refuse a statement for one person: nothing is taken from it, and its bytes stay.

    One treasurer refuses what a person added, two what the bank delivered.
    Raises: RefusalNeedsReason, NoLongerWaits, rights.NotATreasurer, DecidedAlready,
    notes.NamesAnAccount.
    """
    reason = why.strip()
    if not reason:
        raise RefusalNeedsReason
    notes.check(reason)
    with transaction.atomic(durable=True):
        file = _lock_waiting(file_id, by)
        _decide(file, "refuse", by, now, why=reason)
        needed = 1 if file.added_by_id else PEOPLE_NEEDED
        if len(rights.active_treasurers(_deciders(file, "refuse"))) < needed:
            return DecisionOutcome.NEEDS_ANOTHER
        _finish(file, FileState.REFUSED, f"It was refused: {reason}", by, now)
        return DecisionOutcome.REFUSED


def _lock_waiting(file_id: UUID, by: Person) -> BankFile:
    if not rights.active_treasurers([by.actor().id]):
        raise rights.NotATreasurer
    file = BankFile.objects.select_for_update().get(pk=file_id)
    if file.state != FileState.WAITING:
        cases = Case.objects.filter(evidence=f"bankfile/{file.id}", kind=CaseKind.WAITING_STATEMENT)
        closers = cases.order_by("-closed_at").values_list("closed_by", flat=True)
        raise NoLongerWaits(closers.first() or "")
    return file


def _texts(reading: StatementReading) -> list[str]:
    return [doubt.text for doubt in reading.doubts]


def _deciders(file: BankFile, verdict: str) -> set[str]:
    decisions = file.counting_decisions().filter(verdict=verdict)
    return set(decisions.values_list("actor_id", flat=True))


def _decide(file: BankFile, verdict: str, by: Person, now: datetime, *, why: str = "") -> None:
    """Write down one person's word."""
    actor = by.actor()
    if actor.id in _deciders(file, verdict):
        raise DecidedAlready
    StatementDecision.objects.create(
        id=new_id(),
        file=file,
        verdict=verdict,
        why=why,
        actor_id=actor.id,
        actor_name=actor.name,
        at=now,
        round=file.release_round,
    )
    audit.record(
        "statement decided",
        f"bankfile/{file.id}",
        actor=actor,
        now=now,
        after={"verdict": verdict, "sha256": file.sha256, "reasons": file.problems, "why": why},
    )


def _start_over(file: BankFile, reading: StatementReading, now: datetime) -> DecisionOutcome:
    """Let a statement wait for its present reasons, or book it if none is left."""
    if not reading.doubts:
        _book(file, reading, now)
        _finish(file, FileState.READ, "Its doubts are gone", None, now)
        return DecisionOutcome.BOOKED
    file.release_round += 1
    _let_wait(file, reading, now)
    file.save(update_fields=["release_round", "problems"])
    return DecisionOutcome.REASONS_CHANGED


def _let_wait(file: BankFile, reading: StatementReading, now: datetime) -> None:
    """Open the case of a statement that waits, in place of an earlier one."""
    file.problems = _texts(reading)
    evidence = f"bankfile/{file.id}"
    kind = CaseKind.WAITING_STATEMENT
    casework.close_by_evidence(evidence, [kind], "It waits for other reasons", actor=_JOB, now=now)
    casework.open_cases(
        [
            casework.NewCase(
                key=f"statement/{file.id}/{file.release_round}",
                kind=kind,
                title=f"{file.name} waits for two people: {file.problems[0]}",
                evidence=evidence,
                facts={"reasons": file.problems[:20]},
            )
        ],
        now=now,
    )


def _finish(
    file: BankFile, state: FileState, resolution: str, by: Person | None, now: datetime
) -> None:
    file.state, file.answered_at = state, now
    file.save(update_fields=["state", "answered_at"])
    actor = by.actor() if by else _JOB
    casework.close_by_evidence(
        f"bankfile/{file.id}", [CaseKind.WAITING_STATEMENT], resolution, actor=actor, now=now
    )


def _book(file: BankFile, reading: StatementReading, now: datetime) -> None:
    """Store the new days; close the cases they answer, open those of days that are missing."""
    statements.store(file, reading.new_days)
    for each in reading.new_days:
        evidence = _day_evidence(each.bank, each.day.as_of)
        casework.close_by_evidence(
            evidence, _DAY_KINDS, "The statement is here", actor=_JOB, now=now
        )
    for bank, seam in reading.seams:
        if len(seam.missing) <= MOST_MISSING_DAYS:
            _open_missing(bank, seam, now)
        is_broken = not seam.joins and not 0 < len(seam.missing) <= MOST_MISSING_DAYS
        _open_or_close_broken(bank, seam, now, is_broken=is_broken)


def _day_evidence(bank: BankConnection, day: date) -> str:
    return f"statement/{bank.pk}/{day}"


def _open_missing(bank: BankConnection, seam: Seam, now: datetime) -> None:
    """Open a case for each day that is missing between two statements, unless one is open."""
    kind = CaseKind.QUIET_DAY if seam.joins else CaseKind.MISSING_STATEMENT
    (other,) = set(_DAY_KINDS) - {kind}
    evidence = [_day_evidence(bank, day) for day in seam.missing]
    for name in evidence:
        casework.close_by_evidence(
            name, [other], "A statement beside it is here", actor=_JOB, now=now
        )
    waiting = set(
        Case.objects.filter(evidence__in=evidence, kind=kind, closed_at=None).values_list(
            "evidence", flat=True
        )
    )
    around = f"{seam.before.as_of}/{seam.after.as_of}"
    casework.open_cases(
        [
            casework.NewCase(
                key=f"{name}/{around}",
                kind=kind,
                title=f"The statement of {day} of the account ending {bank.account_last4} is "
                "missing",
                evidence=name,
                facts=_describe(seam),
            )
            for name, day in zip(evidence, seam.missing, strict=True)
            if name not in waiting
        ],
        now=now,
    )


def _open_or_close_broken(
    bank: BankConnection, seam: Seam, now: datetime, *, is_broken: bool
) -> None:
    """Keep a case open for as long as two statements that meet do not join."""
    evidence = f"seam/{bank.pk}/{seam.after.as_of}"
    kinds = [CaseKind.BROKEN_SEAM]
    casework.close_by_evidence(
        evidence, kinds, "A statement between them is here", actor=_JOB, now=now
    )
    if is_broken:
        casework.open_cases(
            [
                casework.NewCase(
                    key=f"{evidence}/{seam.before.as_of}",
                    kind=CaseKind.BROKEN_SEAM,
                    title=statements.describe_break(seam),
                    evidence=evidence,
                    facts=_describe(seam),
                )
            ],
            now=now,
        )


def _describe(seam: Seam) -> dict[str, object]:
    """List the balances at a seam, for people."""
    return {
        "statement_before": _balance(seam.before.as_of, seam.before.closing_minor, seam),
        "statement_after": _balance(seam.after.as_of, seam.after.opening_minor, seam),
    }


def _balance(day: date, minor: int | None, seam: Seam) -> str:
    amount = "no balance" if minor is None else Money(minor, seam.after.currency).formatted()
    return f"{day}, {amount}"
