"""Nacha checks that need to know what was agreed, sent and returned outside the file.

The caller puts what it knows into an OriginationContext; a check that needs more is left out.
Nothing here reads the database.
Source: Nacha Operating Rules, the subsections named below; docs/bank-files.md#nacha.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from billfold import bankdays
from billfold.formats.nacha import codes
from billfold.formats.nacha.findings import Violation
from billfold.formats.nacha.records import ControlTotals, NachaBatch, NachaEntry

SAME_DAY_LIMITS: Final = (
    (date(2016, 9, 23), 2_500_000),
    (date(2020, 3, 20), 10_000_000),
    (date(2022, 3, 18), 100_000_000),
)
"""First day and largest amount in cents of same-day entries. Source: Nacha, "Same Day ACH"."""
SAME_DAY_WINDOWS: Final = frozenset({"SD1300", "SD1700", "SD1800"})
MICRO_ENTRY_LIMIT_MINOR: Final = 100
MOST_RETRIES: Final = 2
RETURN_FEE_DAYS: Final = 45
REVERSAL_BANKING_DAYS: Final = 5

EntryKey = tuple[str, str, int, str]
"""Routing number, account number, amount and identification of an entry."""


@dataclass(frozen=True, slots=True)
class OriginalEntry:
    """The entry that a retry, a fee or a reversal goes back to."""

    company_name: str
    company_id: str
    sec_code: str
    transaction_code: int
    amount_minor: int
    settled_on: date
    return_code: str = ""
    returned_on: date | None = None
    """Settlement date of the return; None if it did not come back."""
    retries: int = 0
    """How often it was presented again before."""


@dataclass(frozen=True, slots=True)
class OriginationContext:
    """What was agreed with the bank, and sent and returned before. Limits are inclusive."""

    origin: str = ""
    known_files: AbstractSet[str] = frozenset()
    """SHA-256, in hex, of the files written or received before."""
    used_modifiers: AbstractSet[tuple[date, str]] = frozenset()
    """File ID modifiers used before, each with its creation date."""
    used_traces: AbstractSet[str] = frozenset()
    """Trace numbers of the last 18 months."""
    sent_entries: AbstractSet[EntryKey] = field(default=frozenset(), repr=False)
    """Entries sent before, where the same entry again can only be a mistake."""
    effective_dates: AbstractSet[date] | None = None
    """The banking days for which the bank takes entries now."""
    most_entries: int | None = None
    entry_limit_minor: int | None = None
    batch_limit_minor: int | None = None
    file_limit_minor: int | None = None
    day_limit_minor: int | None = None
    day_sent_minor: int = 0
    same_day_limits: Sequence[tuple[date, int]] = SAME_DAY_LIMITS
    first_debit_dates: Mapping[tuple[str, str], date] = field(default_factory=dict, repr=False)
    """By routing and account number: the first day an account may be debited (prenote wait)."""
    originals: Mapping[str, OriginalEntry] = field(default_factory=dict)
    """By the trace number of the retry, fee or reversal."""

    def header_violations(
        self, origin: str, created: date | None, modifier: str
    ) -> Iterator[Violation]:
        """Check a file header against the origin agreed and the modifiers used before."""
        if self.origin and origin != self.origin:
            message = f"{origin} is not the origin agreed with the bank."
            fix = "Correct the connection's immediate origin, or ask the bank."
            yield Violation("origin", "Immediate origin", message, fix)
        if (created, modifier) in self.used_modifiers:
            message = f"File {modifier} of that day exists already."
            yield Violation("duplicate-modifier", "File ID modifier", message, "Take the next one.")

    def allows(
        self,
        banks: Sequence[str],
        accounts: Sequence[str],
        amounts: Sequence[int],
        identifications: Sequence[str],
        traces: Sequence[str],
    ) -> bool:
        """Tell whether entries, given as columns, certainly break none of these rules."""
        if self.entry_limit_minor is not None and max(amounts) > self.entry_limit_minor:
            return False
        if self.used_traces and not self.used_traces.isdisjoint(traces):
            return False
        if self.first_debit_dates and any(
            map(self.first_debit_dates.__contains__, zip(banks, accounts, strict=True))
        ):
            return False
        entries = zip(banks, accounts, amounts, identifications, strict=True)
        return not (self.sent_entries and any(map(self.sent_entries.__contains__, entries)))

    def entry_violations(self, batch: NachaBatch, entry: NachaEntry) -> Iterator[Violation]:
        """Check one entry against its limit, entries sent before and the wait after a prenote."""
        amount = entry.amount_minor
        if self.entry_limit_minor is not None and amount > self.entry_limit_minor:
            message = f"The amount is above the limit of an entry, {self.entry_limit_minor} cents."
            yield Violation("entry-limit", "Amount", message, "Collect it otherwise.")
        if entry.trace in self.used_traces:
            message = f"{entry.trace} was used in the last 18 months."
            yield Violation(
                "trace-used", "Trace number", message, "Number on from the last one used."
            )
        account = entry.account_number.strip()
        if (entry.routing_number, account, amount, entry.identification) in self.sent_entries:
            message = "The same entry was asked for already."
            yield Violation("duplicate-entry", "", message, "Leave it out, or ask the customer.")
        first = self.first_debit_dates.get((entry.routing_number, account))
        effective = batch.effective_date
        if first and effective and effective < first and amount and entry.is_debit:
            message = f"The account may be debited from {first} on."
            yield Violation("not-yet-live", "Account number", message, "Wait for its validation.")

    def batch_violations(self, batch: NachaBatch, totals: ControlTotals) -> Iterator[Violation]:
        """Check a batch by its header and totals."""
        effective = batch.effective_date
        field = "Effective entry date"
        if effective is None:
            message = "The batch does not say when it is to settle."
            yield Violation("effective-date", field, message, "Name a banking day.")
        elif self.effective_dates is not None and effective not in self.effective_dates:
            message = f"The bank does not take entries for {effective}."
            yield Violation("effective-date", field, message, "Name a banking day it takes.")
        limit = self.batch_limit_minor
        if limit is not None and max(totals.debit_minor, totals.credit_minor) > limit:
            message = f"The batch is above its limit, {limit} cents."
            yield Violation("batch-limit", "", message, "Send the rest another day.")

    def file_violations(self, totals: ControlTotals, entries: int) -> Iterator[Violation]:
        """Check a file by its totals and its number of entries."""
        amount = max(totals.debit_minor, totals.credit_minor)
        if self.most_entries is not None and entries > self.most_entries:
            message = f"{entries} entries are more than the bank takes, {self.most_entries}."
            yield Violation("file-limit", "", message, "Make several files.")
        if self.file_limit_minor is not None and amount > self.file_limit_minor:
            message = f"The file is above its limit, {self.file_limit_minor} cents."
            yield Violation("file-limit", "", message, "Make several files.")
        day = self.day_sent_minor + amount
        if self.day_limit_minor is not None and day > self.day_limit_minor:
            message = f"The day would come to {day} cents, its limit is {self.day_limit_minor}."
            yield Violation("day-limit", "", message, "Send the rest another day.")

    def same_day_limit(self, day: date) -> int | None:
        """Find the largest amount of a same-day entry on that day; None before there were any."""
        return max((limit for start, limit in self.same_day_limits if start <= day), default=None)


NO_CONTEXT: Final = OriginationContext()


def same_day_violations(batch: NachaBatch, created_on: date | None) -> Iterator[Violation]:
    """Check a descriptive date that names a same-day window. Source: Nacha, "Same Day ACH"."""
    window = batch.descriptive_date.strip().upper()
    if not (window.startswith("SD") and window[2:].isdigit()):
        return
    field = "Company descriptive date"
    if window not in SAME_DAY_WINDOWS:
        message = f"{window} is no same-day window."
        yield Violation("same-day", field, message, "Write SD1300, SD1700 or SD1800.")
    if batch.effective_date != created_on:
        message = f"{window} asks for the same day, the effective date is another."
        yield Violation("same-day", field, message, "Make the effective date the day of the file.")


def description_violations(batch: NachaBatch) -> Iterator[Violation]:
    """Check that a biller may use the description of a batch, if it is a reserved one."""
    description = batch.description.strip().upper()
    field = "Company entry description"
    if description in codes.FORBIDDEN_DESCRIPTIONS:
        message = f"{description} is reserved for other kinds of entries."
        yield Violation("reserved-description", field, message, "Choose another description.")
    if description == codes.PURCHASE and (batch.sec_code != "WEB" or batch.service_class == 220):
        message = "PURCHASE is for WEB debits that pay for goods."
        yield Violation("reserved-description", field, message, "Choose another description.")


def reserved_description_violations(
    batch: NachaBatch, entry: NachaEntry, context: OriginationContext
) -> Iterator[Violation]:
    """Check one entry of a batch with a reserved description."""
    description = batch.description.strip().upper()
    original = context.originals.get(entry.trace)
    if description in (codes.RETRY, codes.RETURN_FEE, codes.PURCHASE) and not entry.is_debit:
        message = f"{description} batches hold debits."
        fix = "Send the entry under another description."
        yield Violation("reserved-description", "Transaction code", message, fix)
    elif description == codes.REVERSAL:
        yield from _reversal_violations(batch, entry, original)
    elif original and description == codes.RETRY:
        yield from _retry_violations(batch, entry, original)
    elif original and description == codes.RETURN_FEE:
        yield from _fee_violations(batch, original)


def _retry_violations(
    batch: NachaBatch, entry: NachaEntry, original: OriginalEntry
) -> Iterator[Violation]:
    """Check a retry. Source: Nacha Operating Rules, "Reinitiation of Returned Entries"."""
    reasons = []
    if original.return_code not in codes.RETRIABLE_RETURN_CODES:
        reasons.append("the original did not come back as R01 or R09")
    if original.retries >= MOST_RETRIES:
        reasons.append("the original was tried again twice")
    if _is_after(batch.effective_date, bankdays.retry_latest(original.settled_on)):
        reasons.append("180 days are over")
    if _company(batch) != (original.company_name.strip().upper(), original.company_id.strip()):
        reasons.append("the company is not the original's")
    if entry.amount_minor != original.amount_minor:
        reasons.append("the amount is not the original's")
    if reasons:
        message = f"This may not be a retry: {', '.join(reasons)}."
        yield Violation("retry", "", message, "Ask the customer for a new payment.")


def _is_after(effective: date | None, latest: date) -> bool:
    return effective is not None and effective > latest


def _company(batch: NachaBatch) -> tuple[str, str]:
    return batch.company_name.strip().upper(), batch.company_id.strip()


def _fee_violations(batch: NachaBatch, original: OriginalEntry) -> Iterator[Violation]:
    """Check a return fee. Source: Nacha Operating Rules, "Return Fee Entries"."""
    reasons = []
    if original.return_code not in codes.RETRIABLE_RETURN_CODES or original.returned_on is None:
        reasons.append("no entry came back as R01 or R09")
    elif _is_after(batch.effective_date, original.returned_on + timedelta(days=RETURN_FEE_DAYS)):
        reasons.append("45 days are over")
    if _company(batch)[0] != original.company_name.strip().upper():
        reasons.append("the company is not the original's")
    if reasons:
        message = f"This may not be a return fee: {', '.join(reasons)}."
        yield Violation("return-fee", "", message, "Put the fee on the next bill.")


def _reversal_violations(
    batch: NachaBatch, entry: NachaEntry, original: OriginalEntry | None
) -> Iterator[Violation]:
    """Check a reversal. Source: Nacha Operating Rules, "Reversing Entries"."""
    if original is None:
        if entry.is_debit:
            message = "A reversal gives money back, unless the credit it undoes is known."
            fix = "Name the original entry, or flip the code."
            yield Violation("class-direction", "Transaction code", message, fix)
        return
    reasons = []
    if entry.transaction_code != codes.reversed_code(original.transaction_code):
        reasons.append("the code is not the original's flipped")
    if entry.amount_minor != original.amount_minor:
        reasons.append("the amount is not the original's")
    if (batch.sec_code, batch.company_id.strip()) != (original.sec_code, original.company_id):
        reasons.append("company or class are not the original's")
    if original.returned_on is not None:
        reasons.append("the original came back already")
    latest = bankdays.add_banking_days(original.settled_on, REVERSAL_BANKING_DAYS)
    if _is_after(batch.effective_date, latest):
        reasons.append("five banking days are over")
    if reasons:
        message = f"This may not be a reversal: {', '.join(reasons)}."
        yield Violation("reversal", "", message, "Refund by a credit of its own.")


def micro_entry_violations(
    batch: NachaBatch, entries: Sequence[NachaEntry]
) -> Iterator[tuple[int, Violation]]:
    """Check a batch of micro-entries; yield each violation with the index of its entry.

    Source: Nacha Operating Rules, "Micro-Entries".
    """
    if batch.description.strip().upper() != codes.MICRO_ENTRY:
        return
    credits_minor: defaultdict[tuple[str, str], int] = defaultdict(int)
    debits_minor: defaultdict[tuple[str, str], int] = defaultdict(int)
    for index, entry in enumerate(entries):
        account = (entry.routing_number, entry.account_number)
        (debits_minor if entry.is_debit else credits_minor)[account] += entry.amount_minor
        if not entry.is_debit and entry.amount_minor >= MICRO_ENTRY_LIMIT_MINOR:
            message = "A micro-entry must be under $1.00."
            yield index, Violation("micro-entry", "Amount", message, "Draw amounts below that.")
        if account in credits_minor and debits_minor[account] > credits_minor[account]:
            message = "The account would be debited more than it was credited."
            fix = "Credit first; take back at most the sum of the credits."
            yield index, Violation("micro-entry", "Amount", message, fix)
    if sum(debits_minor.values()) > sum(credits_minor.values()):
        message = "The batch takes more than it gives."
        fix = "Take back at most the sum of the credits."
        yield len(entries) - 1, Violation("micro-entry", "Amount", message, fix)
