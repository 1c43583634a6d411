"""The ACH rail: bank debits out in Nacha files, returns and notices of change back in them.

Source: Nacha Operating Rules; docs/bank-files.md#nacha.
"""

from __future__ import annotations

from calendar import isleap
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import accumulate, chain, count, takewhile
from typing import Final
from zoneinfo import ZoneInfo

from billfold import bankdays, money
from billfold.bankdays import NaiveMoment
from billfold.formats import nacha
from billfold.money import CurrencyMismatch, Money
from billfold.rails.protocol import (
    AnyEvent,
    BankProfile,
    Collection,
    Corrected,
    Document,
    Entry,
    Noticed,
    Returned,
    Written,
)

name: Final = "ach"

CURRENCY: Final = "USD"
LAST_SEQUENCE: Final = 9_999_999
"""Trace numbers have seven digits for the sequence. Source: field "Trace Number"."""

_DEBIT_CODES: Final = {"checking": 27, "savings": 37}
_PRENOTE_CODES: Final = {"checking": 28, "savings": 38}
_RESERVED: Final = {"retry": nacha.RETRY, "return_fee": nacha.RETURN_FEE}
_OFFSET_CODE: Final = 22
_DEBITS_ONLY: Final = 225
_MIXED: Final = 200
_REFUSED_CHANGES: Final = "C6"
"""C61-C69 go between banks. Source: Nacha Operating Rules, refused NOC."""


MOST_ENTRY_MINOR: Final = 9_999_999_999
"""Ten digits, for an offset credit too. Source: field "Amount"."""


class TooMuchMoney(Exception):
    """More money was asked than one file of this bank may hold."""

    def __init__(self, *, asked: Money, allowed: Money) -> None:
        super().__init__(f"{asked} in one file, {allowed} allowed")
        self.asked = asked
        self.allowed = allowed


class TooManyCollections(Exception):
    """More was asked than one file of this bank may hold, or than trace numbers are left."""

    def __init__(self, *, asked: int, allowed: int) -> None:
        super().__init__(f"{asked} collections, {allowed} allowed")
        self.asked = asked
        self.allowed = allowed


def largest_total(bank: BankProfile) -> Money:
    """Give what the debits of one file may come to; an offset must hold it in one entry."""
    largest = min(bank.max_file_minor, MOST_ENTRY_MINOR) if bank.balanced else bank.max_file_minor
    return Money(largest, CURRENCY)


def room(amounts: Sequence[Money], *, bank: BankProfile) -> int:
    """Count how many of the amounts, from the first on, one file of this bank takes."""
    largest = largest_total(bank).minor
    totals = accumulate(amount.minor for amount in amounts[: bank.max_entries])
    return sum(1 for _ in takewhile(lambda total: total <= largest, totals))


def write(
    collections: Sequence[Collection],
    *,
    bank: BankProfile,
    now: datetime,
    effective_date: date,
    modifier: str,
    first_sequence: int,
) -> Written:
    """Write one Nacha file: a batch per SEC code and kind, prenotes apart, traces upward.

    Names too long for their field are cut; a balanced bank gets an offset per batch of money.
    Raises: TooManyCollections, TooMuchMoney; Unwritable with everything the bank would refuse;
    NaiveMoment.
    """
    if now.tzinfo is None:
        raise NaiveMoment(now)
    if any(collection.amount.currency != CURRENCY for collection in collections):
        raise CurrencyMismatch("ACH moves US dollars only")
    groups = _groups(collections)
    offsets = sum(_has_offset(group, bank) for group in groups)
    debit = money.total((collection.amount for collection in collections), CURRENCY)
    _check_room(len(collections), debit, bank, LAST_SEQUENCE + 1 - first_sequence - offsets)

    sequence = count(first_sequence)
    batches: list[nacha.Batch] = []
    entries: list[Entry] = []
    for number, group in enumerate(groups, 1):
        debits = [_debit(collection, _trace(bank, next(sequence))) for collection in group]
        entries += map(_entry, group, debits)
        if _has_offset(group, bank):
            debits.append(_offset(debits, bank, _trace(bank, next(sequence))))
        batches.append(_batch(number, group[0], tuple(debits), bank, effective_date))

    created = now.astimezone(ZoneInfo(bank.zone))
    file = nacha.File(
        destination=bank.odfi_routing_number,
        origin=bank.immediate_origin,
        created_on=created.date(),
        created_at=created.time().replace(second=0, microsecond=0),
        modifier=modifier,
        batches=tuple(batches),
        destination_name=_fit(bank.odfi_name, 23),
        origin_name=_fit(bank.company_name, 23),
    )
    return Written(
        document=Document(
            name=f"ach-{created:%Y%m%d}-{modifier}.ach",
            content=nacha.write(
                file,
                line_end=bank.line_end,
                facts=_facts(bank, effective_date, _originals(groups, entries)),
            ),
        ),
        entries=entries,
        debit=debit,
        credit=debit if bank.balanced else Money(0, CURRENCY),
        effective_date=effective_date,
        last_sequence=next(sequence) - 1,
    )


def _check_room(asked: int, debit: Money, bank: BankProfile, traces_left: int) -> None:
    """Refuse more than one file holds. Raises: TooManyCollections, TooMuchMoney."""
    allowed = min(bank.max_entries, traces_left)
    if asked > allowed:
        raise TooManyCollections(asked=asked, allowed=allowed)
    if debit.minor > largest_total(bank).minor:
        raise TooMuchMoney(asked=debit, allowed=largest_total(bank))


def _originals(
    groups: Sequence[Sequence[Collection]], entries: Sequence[Entry]
) -> dict[str, nacha.Original]:
    """Name, by the trace of each retry and fee, the entry it goes back to."""
    collections = chain.from_iterable(groups)
    return {
        entry.trace: collection.original
        for collection, entry in zip(collections, entries, strict=True)
        if collection.original is not None
    }


def _facts(
    bank: BankProfile, effective_date: date, originals: Mapping[str, nacha.Original]
) -> nacha.Facts:
    is_banking_day = bankdays.is_banking_day(effective_date)
    return nacha.Facts(
        originals=originals,
        origin=bank.immediate_origin,
        effective_dates=frozenset({effective_date} if is_banking_day else ()),
        file_limit_minor=bank.max_file_minor,
    )


def _groups(collections: Sequence[Collection]) -> list[list[Collection]]:
    """Sort collections into batches, in a fixed order, each in the order given."""
    groups: dict[tuple[bool, str, str, bool], list[Collection]] = {}
    for collection in collections:
        what = (collection.is_prenote, collection.purpose)
        kind = (*what, collection.sec_code, collection.recurring)
        groups.setdefault(kind, []).append(collection)
    return [group for _, group in sorted(groups.items())]


def _has_offset(group: Sequence[Collection], bank: BankProfile) -> bool:
    return bank.balanced and not group[0].is_prenote


def _trace(bank: BankProfile, sequence: int) -> str:
    return f"{bank.odfi_routing_number[:8]}{sequence:07d}"


def _fit(text: str, width: int) -> str:
    return nacha.plain(text)[:width].rstrip()


def _debit(collection: Collection, trace: str) -> nacha.Entry:
    discretionary = ""
    if collection.sec_code == "WEB":
        discretionary = "R" if collection.recurring else "S"
    identification = _fit(collection.customer_number, 15)
    name = _fit(collection.holder_name, 22)
    if not name.strip("0 "):
        # Wholly in another script: nothing a bank could print, yet the field must not be empty.
        name = f"CUSTOMER {identification[:13]}".rstrip()
    codes = _PRENOTE_CODES if collection.is_prenote else _DEBIT_CODES
    return nacha.Entry(
        transaction_code=codes[collection.account_type],
        routing_number=collection.routing_number,
        account_number=collection.account_number,
        amount_minor=collection.amount.minor,
        identification=identification,
        name=name,
        trace=trace,
        discretionary=discretionary,
    )


def _entry(collection: Collection, debit: nacha.Entry) -> Entry:
    return Entry(
        reference=collection.reference,
        trace=debit.trace,
        amount=collection.amount,
        rdfi=debit.routing_number[:8],
    )


def _offset(debits: Sequence[nacha.Entry], bank: BankProfile, trace: str) -> nacha.Entry:
    """Credit the biller's own account with the batch. Source: bank guides, "balanced file"."""
    return nacha.Entry(
        transaction_code=_OFFSET_CODE,
        routing_number=bank.odfi_routing_number,
        account_number=bank.settlement_account,
        amount_minor=sum(debit.amount_minor for debit in debits),
        identification="OFFSET",
        name=_fit(bank.company_name, 22),
        trace=trace,
    )


def _batch(
    number: int,
    first: Collection,
    entries: tuple[nacha.Entry, ...],
    bank: BankProfile,
    effective_date: date,
) -> nacha.Batch:
    return nacha.Batch(
        service_class=_MIXED if bank.balanced and not first.is_prenote else _DEBITS_ONLY,
        company_name=_fit(bank.company_name, 16),
        company_id=bank.company_id,
        sec_code=first.sec_code,
        description=_description(first, bank),
        effective_date=effective_date,
        odfi=bank.odfi_routing_number[:8],
        number=number,
        entries=entries,
    )


def _description(first: Collection, bank: BankProfile) -> str:
    """Say what a batch is for; a retry and a fee by the words the rules reserve for them."""
    if first.purpose != "payment":
        return _RESERVED[first.purpose]
    return bank.recurring_description if first.recurring else bank.entry_description


def read(document: Document) -> list[AnyEvent]:
    """Read a file of returns and notices of change, one event per entry.

    Nothing is dropped: an entry that answers nothing we sent is Noticed.
    Raises: Unreadable with every problem.
    """
    file = nacha.read(document.content)
    return [_event(entry, batch, file) for batch, entry in file.entries()]


def _event(entry: nacha.Entry, batch: nacha.Batch, file: nacha.File) -> AnyEvent:
    dated = file.created_on or batch.effective_date
    if dated is None:
        raise AssertionError("a file without a date has batches without one")
    on = _settlement_date(batch.settlement_day, dated)
    amount = Money(entry.amount_minor, CURRENCY)
    reply = entry.reply
    if reply is None:
        key = f"entry/{file.created_on}/{file.modifier}/{batch.number}/{entry.trace}"
        rdfi = entry.routing_number[:8]
        return Noticed(entry.trace, key, on, "unexpected", batch.sec_code, amount, rdfi)
    # Nothing of the file it came in is part of a key, so that the same fact is known again.
    trace, code, rdfi = reply.original_trace, reply.code, reply.original_rdfi
    fact = f"{trace}/{code}/{rdfi}"
    match reply:
        case nacha.Return():
            key = f"return/{fact}/{entry.amount_minor}"
            return Returned(trace, key, on, code, amount, rdfi, reply.information)
        case nacha.Dishonour():
            key = f"dishonour/{fact}/{reply.return_trace}"
            info = f"{reply.return_code} {reply.information}".strip()
            return Noticed(trace, key, on, "dishonoured", code, amount, rdfi, info)
        case nacha.Contest():
            key = f"contest/{fact}/{reply.dishonour_trace}"
            info = f"{reply.return_code} {reply.dishonour_code}".strip()
            return Noticed(trace, key, on, "contested", code, amount, rdfi, info)
        case nacha.Change() if code.startswith(_REFUSED_CHANGES):
            key = f"refused-change/{fact}"
            return Noticed(trace, key, on, "correction_refused", code, amount, rdfi, reply.refused)
        case nacha.Change():
            return Corrected(trace, f"change/{fact}", on, code, reply.corrected, rdfi)


def _settlement_date(day_of_year: int | None, created_on: date) -> date:
    """Complete the operator's day of the year by the file's date; without one, take that date."""
    if not day_of_year:
        return created_on
    candidates = [
        date(year, 1, 1) + timedelta(days=day_of_year - 1)
        for year in (created_on.year - 1, created_on.year, created_on.year + 1)
        if day_of_year <= 365 + isleap(year)
    ]
    return min(candidates, key=lambda day: abs(day - created_on), default=created_on)
