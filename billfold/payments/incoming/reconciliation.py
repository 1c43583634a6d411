"""Matches bank lines with what we sent: an exact match settles it, anything else opens a case.

A line is looked at when it is new, and again only when something it could match has changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet

from billfold.banking.models import BankLine, MatchChange
from billfold.money import Money
from billfold.payments.cases import casework, parked_items
from billfold.payments.cases.case_kinds import CaseKind
from billfold.payments.funnel import recording
from billfold.payments.incoming import line_candidates, rejections
from billfold.payments.incoming.line_candidates import (
    ACH_CREDITS,
    DEBITED,
    RETURN_DEBITS,
    SETTLES_WITHIN,
    LineCandidates,
    TracedEntry,
    UnsettledFile,
)
from billfold.payments.models import Case, Instruction
from billfold.platform import audit, parking
from billfold.platform.faults import fault
from billfold.rails.protocol import AnyEvent, Settled, TakenBack

KIND: Final = CaseKind.BANK_LINE
_PAGE: Final = 1_000
HAS_WORK: Final = """(
    EXISTS (SELECT FROM banking_matchchange)
    OR EXISTS (SELECT FROM banking_bankline WHERE is_due))"""
"""Whether `reconcile` has something to do: an SQL condition."""


@dataclass(frozen=True, slots=True)
class LineMatch:
    """What explains a bank line, or why nothing does."""

    settles: UnsettledFile | None = None
    is_net: bool = False
    """It is the file less the payments returned meanwhile."""
    takes_back: str = ""
    """The reference of the payment whose money the bank takes."""
    why_not: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
    payment_id: UUID | None = None
    """The one payment it names, if it does."""
    difference: tuple[UUID, int] | None = None
    """A file and an amount: its entries of this amount are likely."""
    has_likely_payments: bool = False
    """Payments of the line's amount are likely."""

    @property
    def explains(self) -> bool:
        return self.settles is not None or bool(self.takes_back)


class _DoesNotFit(Exception):
    """The events that would explain a line do not fit the state of their payments."""


def reconcile(*, now: datetime) -> int:
    """Match the bank lines that are due, oldest first; return how many were matched.

    What is found to match is matched in a transaction of its own. Each that was looked at is no
    longer due, and one at which that fails is left out and tried by itself later, so the run ends.
    """
    explained = _match_each(map(UUID, parking.failed(parked_items.RECONCILE)), now)
    while True:
        _mark_due_lines()
        looked_at, matched = _look_at_lines(now)
        if not looked_at:
            return explained
        explained += _match_each(matched, now)


_MARK_DUE: Final = """
WITH change AS (
    DELETE FROM banking_matchchange RETURNING file_id, amount_minor, currency
), file AS (
    SELECT DISTINCT f.connection_id, f.effective_date
    FROM change c JOIN banking_bankfile f ON f.id = c.file_id
), amount AS (
    SELECT amount_minor, currency FROM change WHERE amount_minor IS NOT NULL
    UNION
    SELECT i.amount_minor, i.currency
    FROM change c JOIN payments_instruction i ON i.file_id = c.file_id
    WHERE c.amount_minor IS NULL
)
UPDATE banking_bankline l SET is_due = true
WHERE l.explained_at IS NULL AND (
    l.type_code = ANY(%(credits)s) AND EXISTS (
        SELECT FROM file f WHERE f.connection_id = l.connection_id
        AND l.as_of BETWEEN f.effective_date AND f.effective_date + %(within)s)
    OR l.type_code = ANY(%(debits)s)
       AND (l.amount_minor, l.currency) IN (SELECT amount_minor, currency FROM amount))
"""


def _mark_due_lines() -> None:
    """Mark the lines that may match what has changed since they were looked at.

    A change is put on its list by a trigger, in the transaction that makes it, and is taken off by
    the statement that marks its lines. So none is missed, however late its transaction commits:
    until then it is not on the list, and afterwards whoever looks at a line sees it. A line that
    is not to be seen here yet is due anyhow, since it is new; one that is due already is marked
    too, so that this waits for whoever is looking at it without having seen the change.
    """
    if MatchChange.objects.exists():
        with connection.cursor() as cursor:
            cursor.execute(
                _MARK_DUE,
                {
                    "credits": list(ACH_CREDITS),
                    "debits": list(RETURN_DEBITS),
                    "within": SETTLES_WITHIN.days,
                },
            )


def _look_at_lines(now: datetime) -> tuple[list[UUID], list[UUID]]:
    """Look at a page of lines; if one of them spoils that, all are to be looked at singly."""
    due = BankLine.objects.filter(is_due=True)
    due = due.exclude(pk__in=parking.failed(parked_items.RECONCILE))
    page = due.order_by("as_of", "line", "id")
    try:
        return _look_at_page(page, now)
    except Exception as error:
        if not parking.is_of_item(error):
            raise
        singly = list(page.values_list("id", flat=True)[:_PAGE])
        return singly, singly


def _look_at_page(page: QuerySet[BankLine], now: datetime) -> tuple[list[UUID], list[UUID]]:
    """Look at the first lines; return the ids of all, and of those that match.

    Where none does, a case is opened for each and they are no longer due. Otherwise they are
    looked at again after the matching ones are booked: a file that is settled is out of question.
    """
    fault("look_begun")
    with transaction.atomic(durable=True):
        locked = page.select_for_update(of=["self"]).select_related("connection")
        lines = list(locked[:_PAGE])
        matches = _match_all(lines) if lines else []
        matched = [line.id for line, match in matches if match.explains]
        if lines and not matched:
            _leave_open(matches, now)
        fault("look_inside")
    fault("look_committed")
    return [line.id for line in lines], matched


def _match_each(line_ids: Iterable[UUID], now: datetime) -> int:
    """Match lines, each by itself; return how many were matched."""
    return sum(
        parking.attempt_each(
            parked_items.RECONCILE,
            ((str(line_id), line_id) for line_id in line_ids),
            lambda line_id: _match_one(line_id, now),
            report=parked_items,
            now=now,
        )
    )


def _match_one(line_id: UUID, now: datetime) -> bool:
    """Book what explains a line; say whether it still does, now that the line is locked."""
    fault("reconcile_begun")
    with transaction.atomic(durable=True):
        line = BankLine.objects.select_for_update(of=["self"]).select_related("connection")
        is_explained = _explain(line.get(pk=line_id), now)
        fault("reconcile_inside")
    fault("reconcile_committed")
    return is_explained


def _explain(line: BankLine, now: datetime) -> bool:
    if line.explained_at is not None:
        return False
    [(_, match)] = _match_all([line])
    events = _events_of(line, match)
    if events and not _is_recorded(events, now):
        match = LineMatch(
            why_not="what it seems to be does not fit its payments",
            facts={"payments": [event.subject for event in events[:10]]},
        )
    if not match.explains:
        _leave_open([(line, match)], now)
        return False
    BankLine.objects.filter(pk=line.pk).update(explained_at=now, is_due=False)
    actor = audit.job("reconciliation")
    rejections.close_answered(events, now=now)
    casework.close_by_key(_case_key(line), _describe(match), actor=actor, now=now)
    return True


def _is_recorded(events: Sequence[AnyEvent], now: datetime) -> bool:
    """Record the events that explain a line, if every one takes effect; otherwise none."""
    try:
        with transaction.atomic():
            if recording.record(events, now=now) != recording.Recorded(len(events), 0, 0):
                raise _DoesNotFit
    except _DoesNotFit:
        return False
    return True


def _describe(match: LineMatch) -> str:
    """Put in words how a line was explained after all."""
    if match.settles and match.is_net:
        less = Money(match.settles.returned_minor).formatted()
        return f"It is {match.settles.name} less the payments returned meanwhile, {less}"
    return "Explained by what the bank sent later"


def _events_of(line: BankLine, match: LineMatch) -> list[AnyEvent]:
    """Make the events by which a line settles its file, or takes a payment back."""
    if match.takes_back:
        return [_taken_back(match.takes_back, line)]
    if match.settles is None:
        return []
    settled: list[AnyEvent] = [
        Settled(reference, f"settled/{line.id}", line.as_of, evidence=line.evidence)
        for reference in Instruction.objects.filter(
            file=match.settles.id, is_live=True, kind="payment"
        )
        .order_by("trace")
        .values_list("payment__reference", flat=True)
    ]
    if not match.is_net:
        return settled
    returned = line_candidates.load_returned_of(match.settles)
    return settled + [_taken_back(reference, line) for reference in returned]


def _taken_back(reference: str, line: BankLine) -> TakenBack:
    return TakenBack(reference, f"takenback/{line.id}", line.as_of, evidence=line.evidence)


def _case_key(line: BankLine) -> str:
    return f"bankline/{line.id}"


def _leave_open(matches: Sequence[tuple[BankLine, LineMatch]], now: datetime) -> None:
    """Open a case for each line that has none, and look at them no more until something changes."""
    keys = {_case_key(line): (line, match) for line, match in matches}
    for key in Case.objects.filter(key__in=keys).values_list("key", flat=True):
        del keys[key]
    new = list(keys.values())
    differences = {match.difference for _, match in new if match.difference}
    entries = line_candidates.load_likely_entries(differences)
    payments = line_candidates.load_likely_payments(
        [line for line, match in new if match.has_likely_payments]
    )
    cases = []
    for line, match in new:
        likely: dict[str, object] = {}
        if match.difference:
            likely = {"likely": entries.get(match.difference, [])}
        elif match.has_likely_payments:
            likely = {"likely": payments[line.id]}
        cases.append(_new_case(line, match, likely))
    casework.open_cases(cases, now=now)
    BankLine.objects.filter(pk__in=[line.pk for line, _ in matches]).update(is_due=False)


def _new_case(line: BankLine, match: LineMatch, likely: dict[str, object]) -> casework.NewCase:
    amount = Money(line.amount_minor, line.currency)
    direction = "in" if line.is_credit else "out"
    return casework.NewCase(
        key=_case_key(line),
        kind=KIND,
        title=f"{amount.formatted()} {direction} on {line.as_of:%b %d}: {match.why_not}",
        evidence=line.evidence,
        payment_id=match.payment_id,
        facts={"type": line.type_code, **match.facts, **likely},
    )


def _match_all(lines: Sequence[BankLine]) -> list[tuple[BankLine, LineMatch]]:
    candidates = line_candidates.load(lines)
    return [
        (
            line,
            _match_credit(line, candidates) if line.is_credit else _match_debit(line, candidates),
        )
        for line in lines
    ]


def _match_credit(line: BankLine, candidates: LineCandidates) -> LineMatch:
    """Match a credit with the one file whose total it is, else with that less its returns.

    A file's total less every return read so far is exact too, whatever the bank agreed to; where
    gross was agreed, no other file may come into question.
    """
    if line.type_code not in ACH_CREDITS:
        return LineMatch(why_not="money nobody was asked for")
    files = [
        file
        for file in candidates.files
        if file.connection_id == line.connection_id and file.may_be_credited_on(line.as_of)
    ]
    named = _named_files(line, files)
    files = named or files
    exact = [file for file in files if file.debit_minor == line.amount_minor]
    if len(exact) == 1:
        return LineMatch(settles=exact[0])
    if len(exact) > 1:
        names = {"files": [file.name for file in exact]}
        return LineMatch(why_not="several files have this total", facts=names)
    net = [
        file
        for file in files
        if file.returned_minor and file.debit_minor - file.returned_minor == line.amount_minor
    ]
    if len(net) == 1 and (len(files) == 1 or line.connection.settlement == "net"):
        return LineMatch(settles=net[0], is_net=True)
    return _no_exact_file(line, files)


def _named_files(line: BankLine, files: Sequence[UnsettledFile]) -> list[UnsettledFile]:
    """Select the files that the text of the line names."""
    words = frozenset(line.text().split()) if files else frozenset()
    return [file for file in files if file.name in words or file.name.removesuffix(".ach") in words]


def _no_exact_file(line: BankLine, files: Sequence[UnsettledFile]) -> LineMatch:
    """Describe the difference to the nearest file; entries of that amount would explain it."""
    if not files:
        return LineMatch(why_not="no file of ours has this total")
    file = min(files, key=lambda each: abs(each.debit_minor - line.amount_minor))
    difference = file.debit_minor - line.amount_minor
    return LineMatch(
        why_not=f"differs from {file.name} by {Money(difference).formatted()}",
        facts={
            "file": file.name,
            "file_total": Money(file.debit_minor).formatted(),
            "difference": Money(difference).formatted(),
        },
        difference=(file.id, abs(difference)),
    )


def _match_debit(line: BankLine, candidates: LineCandidates) -> LineMatch:
    """Match a debit with the one returned payment it takes back."""
    if line.type_code not in RETURN_DEBITS:
        return LineMatch(why_not="money taken that nobody here sent")
    traces = candidates.traces[line.id]
    if not traces:
        return _match_taken_back(candidates.returned[line.id])
    entries = [entry for trace in dict.fromkeys(traces) for entry in candidates.entries[trace]]
    named = {entry.reference for entry in entries if _may_take_back(line, entry)}
    return _match_taken_back(sorted(named)) if named else _unmatched_trace(traces, entries)


def _may_take_back(line: BankLine, entry: TracedEntry) -> bool:
    """Say whether a debit may take back the payment of an entry that it names."""
    return (
        entry.is_live
        and entry.state in DEBITED
        and not entry.is_taken_back
        and (entry.payment_minor, entry.currency) == (line.amount_minor, line.currency)
        and entry.created_at < line_candidates.end_of(line.as_of)
    )


def _unmatched_trace(traces: Sequence[str], entries: Iterable[TracedEntry]) -> LineMatch:
    """Name the payment of a trace and what was sent for it, else ask for those it may mean."""
    named = sorted(entries, key=lambda entry: not entry.is_live)
    one = named[0] if len(named) == 1 else None
    return LineMatch(
        why_not="its trace and amount fit no payment",
        facts={
            "traces": list(traces),
            **({"sent": Money(one.entry_minor, one.currency).formatted()} if one else {}),
        },
        payment_id=one.payment_id if one else None,
        has_likely_payments=not named,
    )


def _match_taken_back(references: Sequence[str]) -> LineMatch:
    if len(references) == 1:
        return LineMatch(takes_back=references[0])
    if references:
        why_not = "several returned payments have this amount"
    else:
        why_not = "no returned payment has this amount"
    return LineMatch(why_not=why_not, has_likely_payments=True)
