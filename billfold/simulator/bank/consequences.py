"""What follows from an accepted file, decided when it is taken: account lines, answers, days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from billfold import bankdays
from billfold.simulator.bank import outcomes, returns
from billfold.simulator.bank.book import Answer, Posting
from billfold.simulator.bank.entries import Entry
from billfold.simulator.bank.outcomes import Outcome, Quirk
from billfold.simulator.bank.reader import Batch, Reading
from billfold.simulator.bank.terms import BankTerms

ACH_SETTLEMENT_CREDIT: Final = 166
ACH_SETTLEMENT_DEBIT: Final = 467
ACH_RETURN_SETTLEMENT_DEBIT: Final = 468
ACH_RETURN_ITEM: Final = 557
"""BAI2 type codes. Source: docs/bank-files.md#bai2."""

UNKNOWN_SEQUENCE: Final = "9999999"
WRONG_BY_MINOR: Final = 100


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, and whether its money is taken by a line of its own."""

    answer: Answer
    entry: Entry
    stands_alone: bool


@dataclass(frozen=True, slots=True)
class Settlement:
    """Everything of one file that settles on one day."""

    on_date: date
    effective: date
    entries: Sequence[Entry]
    answers: Sequence[Answered]
    quirks: frozenset[Quirk]


def settlements(reading: Reading, *, terms: BankTerms, file_day: date) -> list[Settlement]:
    """Group a file by settlement day: its effective date, or the first day still possible.

    Source: Nacha Operating Rules, field "Effective Entry Date".
    """
    earliest = bankdays.next_banking_day(file_day)
    by_day: dict[date, list[Batch]] = defaultdict(list)
    for batch in reading.batches:
        assert batch.effective is not None, "an accepted file has its dates"
        by_day[max(batch.effective, earliest)].append(batch)
    return [_settle(day, by_day[day], terms) for day in sorted(by_day)]


def _settle(day: date, batches: Iterable[Batch], terms: BankTerms) -> Settlement:
    entries: list[Entry] = []
    answers: list[Answered] = []
    quirks: set[Quirk] = set()
    dates: list[date] = []
    for batch in batches:
        dates += [batch.effective] if batch.effective else []
        for entry in batch.entries:
            entries.append(entry)
            outcome = _outcome(entry, terms)
            quirks |= {outcome.quirk} if outcome.quirk else set()
            if outcome.return_code or outcome.notice_code:
                answers.append(_answer(entry, outcome, batch, day, terms))
    return Settlement(day, min(dates), entries, answers, frozenset(quirks))


def _outcome(entry: Entry, terms: BankTerms) -> Outcome:
    """Look up what happens to an entry; only debits of customers can go wrong here."""
    outcome = outcomes.of(entry.account_number)
    if entry.is_credit or entry.is_to(terms) or not (entry.amount_minor or entry.is_prenote):
        return outcomes.ACCEPTED
    if entry.is_prenote and not outcome.on_prenote:
        return outcomes.ACCEPTED
    return outcome


def _answer(entry: Entry, outcome: Outcome, batch: Batch, day: date, terms: BankTerms) -> Answered:
    made_on = bankdays.add_banking_days(day, outcome.days_after_settlement)
    answer = Answer(
        batch_header=batch.header,
        entry=entry.text,
        code=outcome.return_code or outcome.notice_code,
        original_trace=entry.trace,
        amount_minor=entry.amount_minor if outcome.return_code else 0,
        deliver_on=bankdays.next_banking_day(made_on),
    )
    if outcome.quirk is Quirk.UNKNOWN_TRACE:
        unknown = terms.odfi_identification + UNKNOWN_SEQUENCE
        answer = replace(answer, original_trace=unknown)
    elif outcome.quirk is Quirk.WRONG_AMOUNT:
        answer = replace(answer, amount_minor=entry.amount_minor + WRONG_BY_MINOR)
    comes_off = outcome.quirk is Quirk.NETTED or (terms.settlement == "net" and made_on == day)
    return Answered(answer, entry, stands_alone=bool(answer.amount_minor) and not comes_off)


def settlement_postings(
    settlement: Settlement, *, reading: Reading, stem: str, terms: BankTerms
) -> list[Posting]:
    """Write the file's own lines: one credit, and one debit if it also pays somebody."""
    moves = [entry for entry in settlement.entries if entry.is_to(terms) == terms.balanced]
    owed_on_credit = terms.balanced  # The biller's own offset is a credit; customers' are debits.
    came = sum(entry.amount_minor for entry in moves if entry.is_credit == owed_on_credit)
    went = sum(entry.amount_minor for entry in moves if entry.is_credit != owed_on_credit)
    came -= sum(
        answered.answer.amount_minor for answered in settlement.answers if not answered.stands_alone
    )
    late = Quirk.CREDIT_A_DAY_LATE in settlement.quirks
    line = Posting(
        on_date=bankdays.add_banking_days(settlement.on_date, 1 if late else 0),
        type_code=ACH_SETTLEMENT_CREDIT if came > 0 else ACH_RETURN_SETTLEMENT_DEBIT,
        amount_minor=abs(came),
        bank_reference=_reference("ACH", reading, settlement),
        customer_reference=terms.company_id.strip(),
        text=f"ACH SETTLEMENT FILE {stem} MOD {reading.modifier}"
        f" EFF {settlement.effective:%y%m%d} ENTRIES {len(settlement.entries)}",
        repeats_statement=Quirk.STATEMENT_TWICE in settlement.quirks,
    )
    paid = replace(
        line,
        on_date=settlement.on_date,
        type_code=ACH_SETTLEMENT_DEBIT,
        amount_minor=went,
        bank_reference=_reference("ACD", reading, settlement),
        repeats_statement=False,
    )
    return [posting for posting in (line, paid) if posting.amount_minor > 0]


def _reference(prefix: str, reading: Reading, settlement: Settlement) -> str:
    assert reading.created is not None, "an accepted file has its date"
    return f"{prefix}{reading.created:%y%m%d}{reading.modifier}{settlement.on_date:%y%m%d}"


def return_posting(number: int, answered: Answered) -> Posting:
    """Write the debit that takes one returned item back, on the day its file comes."""
    answer, entry = answered.answer, answered.entry
    name = entry.name.replace("/", " ")  # At the end of a line it would end the BAI2 record.
    return Posting(
        on_date=answer.deliver_on,
        type_code=ACH_RETURN_ITEM,
        amount_minor=answer.amount_minor,
        bank_reference=f"RTN{returns.own_trace(number, entry.text)}",
        customer_reference="",
        text=f"RETURN ITEM {answer.code} TRACE {answer.original_trace} {name}".rstrip(),
    )
