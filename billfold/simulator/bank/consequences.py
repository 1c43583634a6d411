"""What an accepted file leads to, decided when it is taken: settlement, account lines, answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from billfold import bankdays
from billfold.simulator.bank import outcomes, returns
from billfold.simulator.bank.entries import UploadEntry
from billfold.simulator.bank.memory import AccountLine, RdfiAnswer
from billfold.simulator.bank.outcomes import AccountOutcome, Irregularity
from billfold.simulator.bank.reader import CheckedUpload, UploadBatch
from billfold.simulator.bank.terms import BankTerms

ACH_SETTLEMENT_CREDIT: Final = 166
ACH_SETTLEMENT_DEBIT: Final = 467
ACH_RETURN_SETTLEMENT_DEBIT: Final = 468
ACH_RETURN_ITEM: Final = 557
"""BAI2 type codes. Source: docs/bank-files.md#bai2."""

UNKNOWN_SEQUENCE: Final = "9999999"
WRONG_BY_MINOR: Final = 100


@dataclass(frozen=True, slots=True)
class AnsweredEntry:
    """An answer to an entry, and whether its amount has a line of its own on the statement."""

    answer: RdfiAnswer
    entry: UploadEntry
    has_own_line: bool


@dataclass(frozen=True, slots=True)
class Settlement:
    """All of one file that settles on one day."""

    on_date: date
    effective: date
    entries: Sequence[UploadEntry]
    answers: Sequence[AnsweredEntry]
    irregularities: frozenset[Irregularity]


def settlements(checked: CheckedUpload, *, terms: BankTerms, file_day: date) -> list[Settlement]:
    """Group a file's batches by settlement day: the effective date, or the first possible day.

    Source: Nacha Operating Rules, field "Effective Entry Date".
    """
    earliest = bankdays.next_banking_day(file_day)
    by_day: dict[date, list[UploadBatch]] = defaultdict(list)
    for batch in checked.batches:
        assert batch.effective is not None, "an accepted file has its dates"
        by_day[max(batch.effective, earliest)].append(batch)
    return [_settle(day, by_day[day], terms) for day in sorted(by_day)]


def _settle(day: date, batches: Iterable[UploadBatch], terms: BankTerms) -> Settlement:
    entries: list[UploadEntry] = []
    answers: list[AnsweredEntry] = []
    irregularities: set[Irregularity] = set()
    dates: list[date] = []
    for batch in batches:
        dates += [batch.effective] if batch.effective else []
        for entry in batch.entries:
            entries.append(entry)
            outcome = _outcome(entry, terms)
            irregularities |= {outcome.irregularity} if outcome.irregularity else set()
            if outcome.return_code or outcome.notice_code:
                answers.append(_answer(entry, outcome, batch, day, terms))
    return Settlement(day, min(dates), entries, answers, frozenset(irregularities))


def _outcome(entry: UploadEntry, terms: BankTerms) -> AccountOutcome:
    """Look up what happens to an entry; only debits of customers can be returned or changed."""
    outcome = outcomes.for_account(entry.account_number)
    if entry.is_credit or entry.is_to(terms) or not (entry.amount_minor or entry.is_prenote):
        return outcomes.ACCEPTED
    if entry.is_prenote and not outcome.on_prenote:
        return outcomes.ACCEPTED
    return outcome


def _answer(
    entry: UploadEntry, outcome: AccountOutcome, batch: UploadBatch, day: date, terms: BankTerms
) -> AnsweredEntry:
    answered_on = bankdays.add_banking_days(day, outcome.days_after_settlement)
    answer = RdfiAnswer(
        batch_header=batch.header,
        entry=entry.text,
        code=outcome.return_code or outcome.notice_code,
        original_trace=entry.trace,
        amount_minor=entry.amount_minor if outcome.return_code else 0,
        deliver_on=bankdays.next_banking_day(answered_on),
    )
    if outcome.irregularity is Irregularity.UNKNOWN_TRACE:
        unknown = terms.odfi_identification + UNKNOWN_SEQUENCE
        answer = replace(answer, original_trace=unknown)
    elif outcome.irregularity is Irregularity.WRONG_AMOUNT:
        answer = replace(answer, amount_minor=entry.amount_minor + WRONG_BY_MINOR)
    is_netted = outcome.irregularity is Irregularity.NETTED or (
        terms.settlement == "net" and answered_on == day
    )
    return AnsweredEntry(answer, entry, has_own_line=bool(answer.amount_minor) and not is_netted)


def settlement_lines(
    settlement: Settlement, *, checked: CheckedUpload, stem: str, terms: BankTerms
) -> list[AccountLine]:
    """Make the file's lines on the account: one credit, and one debit if it has credit entries."""
    entries = [entry for entry in settlement.entries if entry.is_to(terms) == terms.balanced]
    # In a balanced file the biller's offset, a credit, is the money that comes in.
    incoming_is_credit = terms.balanced
    in_minor = sum(e.amount_minor for e in entries if e.is_credit == incoming_is_credit)
    out_minor = sum(e.amount_minor for e in entries if e.is_credit != incoming_is_credit)
    in_minor -= sum(
        answered_entry.answer.amount_minor
        for answered_entry in settlement.answers
        if not answered_entry.has_own_line
    )
    is_late = Irregularity.CREDIT_A_DAY_LATE in settlement.irregularities
    incoming = AccountLine(
        on_date=bankdays.add_banking_days(settlement.on_date, 1 if is_late else 0),
        type_code=ACH_SETTLEMENT_CREDIT if in_minor > 0 else ACH_RETURN_SETTLEMENT_DEBIT,
        amount_minor=abs(in_minor),
        bank_reference=_reference("ACH", checked, settlement),
        customer_reference=terms.company_id.strip(),
        text=f"ACH SETTLEMENT FILE {stem} MOD {checked.modifier}"
        f" EFF {settlement.effective:%y%m%d} ENTRIES {len(settlement.entries)}",
        repeats_statement=Irregularity.STATEMENT_TWICE in settlement.irregularities,
    )
    outgoing = replace(
        incoming,
        on_date=settlement.on_date,
        type_code=ACH_SETTLEMENT_DEBIT,
        amount_minor=out_minor,
        bank_reference=_reference("ACD", checked, settlement),
        repeats_statement=False,
    )
    return [line for line in (incoming, outgoing) if line.amount_minor > 0]


def _reference(prefix: str, checked: CheckedUpload, settlement: Settlement) -> str:
    assert checked.created is not None, "an accepted file has its date"
    return f"{prefix}{checked.created:%y%m%d}{checked.modifier}{settlement.on_date:%y%m%d}"


def return_line(number: int, answered_entry: AnsweredEntry) -> AccountLine:
    """Make the line that debits one returned item, on the day its file is delivered."""
    answer, entry = answered_entry.answer, answered_entry.entry
    name = entry.name.replace("/", " ")  # At the end of a line it would end the BAI2 record.
    return AccountLine(
        on_date=answer.deliver_on,
        type_code=ACH_RETURN_ITEM,
        amount_minor=answer.amount_minor,
        bank_reference=f"RTN{returns.own_trace(number, entry.text)}",
        customer_reference="",
        text=f"RETURN ITEM {answer.code} TRACE {answer.original_trace} {name}".rstrip(),
    )
