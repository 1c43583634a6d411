"""Writes collections into a Nacha file, in batches by SEC code and purpose.

Source: Nacha Operating Rules; docs/bank-files.md#nacha.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import chain, count
from typing import Final
from zoneinfo import ZoneInfo

from billfold import bankdays, money
from billfold.bankdays import NaiveMoment
from billfold.formats import nacha
from billfold.money import CurrencyMismatch, Money
from billfold.rails.ach import limits
from billfold.rails.ach.limits import CURRENCY, LAST_SEQUENCE
from billfold.rails.protocol import (
    BankDocument,
    BankProfile,
    Collection,
    WrittenEntry,
    WrittenFile,
)

_DEBIT_CODES: Final = {"checking": 27, "savings": 37}
_PRENOTE_CODES: Final = {"checking": 28, "savings": 38}
_RESERVED_DESCRIPTIONS: Final = {"retry": nacha.RETRY, "return_fee": nacha.RETURN_FEE}
_OFFSET_CODE: Final = 22
_DEBITS_SERVICE_CLASS: Final = 225
_MIXED_SERVICE_CLASS: Final = 200


def write(
    collections: Sequence[Collection],
    *,
    bank: BankProfile,
    now: datetime,
    effective_date: date,
    modifier: str,
    first_sequence: int,
) -> WrittenFile:
    """Write one Nacha file: a batch per SEC code and purpose, prenotes apart, ascending traces.

    Names too long for their field are cut; a balanced file has an offset in each batch of debits.
    Raises: TooManyCollections, TooMuchMoney; Unwritable with everything the bank would refuse;
    NaiveMoment.
    """
    if now.tzinfo is None:
        raise NaiveMoment(now)
    if any(collection.amount.currency != CURRENCY for collection in collections):
        raise CurrencyMismatch("ACH moves US dollars only")
    groups = _batch_groups(collections)
    offsets = sum(_has_offset(group, bank) for group in groups)
    debit = money.total((collection.amount for collection in collections), CURRENCY)
    limits.check(len(collections), debit, bank, LAST_SEQUENCE + 1 - first_sequence - offsets)

    sequence = count(first_sequence)
    batches: list[nacha.NachaBatch] = []
    entries: list[WrittenEntry] = []
    for number, group in enumerate(groups, 1):
        debits = [_debit(collection, _trace(bank, next(sequence))) for collection in group]
        entries += map(_written_entry, group, debits)
        if _has_offset(group, bank):
            debits.append(_offset(debits, bank, _trace(bank, next(sequence))))
        batches.append(_batch(number, group[0], tuple(debits), bank, effective_date))

    created = now.astimezone(ZoneInfo(bank.zone))
    file = nacha.NachaFile(
        destination=bank.odfi_routing_number,
        origin=bank.immediate_origin,
        created_on=created.date(),
        created_at=created.time().replace(second=0, microsecond=0),
        modifier=modifier,
        batches=tuple(batches),
        destination_name=_fit(bank.odfi_name, 23),
        origin_name=_fit(bank.company_name, 23),
    )
    return WrittenFile(
        document=BankDocument(
            name=f"ach-{created:%Y%m%d}-{modifier}.ach",
            content=nacha.write(
                file,
                line_end=bank.line_end,
                context=_origination_context(bank, effective_date, _originals(groups, entries)),
            ),
        ),
        entries=entries,
        debit=debit,
        credit=debit if bank.balanced else Money(0, CURRENCY),
        effective_date=effective_date,
        last_sequence=next(sequence) - 1,
    )


def _originals(
    groups: Sequence[Sequence[Collection]], entries: Sequence[WrittenEntry]
) -> dict[str, nacha.OriginalEntry]:
    """Map the trace of each retry and fee to the entry it goes back to."""
    collections = chain.from_iterable(groups)
    return {
        entry.trace: collection.original
        for collection, entry in zip(collections, entries, strict=True)
        if collection.original is not None
    }


def _origination_context(
    bank: BankProfile, effective_date: date, originals: Mapping[str, nacha.OriginalEntry]
) -> nacha.OriginationContext:
    is_banking_day = bankdays.is_banking_day(effective_date)
    return nacha.OriginationContext(
        originals=originals,
        origin=bank.immediate_origin,
        effective_dates=frozenset({effective_date} if is_banking_day else ()),
        file_limit_minor=bank.max_file_minor,
    )


def _batch_groups(collections: Sequence[Collection]) -> list[list[Collection]]:
    """Group collections by batch, the batches in a fixed order, collections in their own."""
    groups: dict[tuple[bool, str, str, bool], list[Collection]] = {}
    for collection in collections:
        purpose = (collection.is_prenote, collection.purpose)
        key = (*purpose, collection.sec_code, collection.recurring)
        groups.setdefault(key, []).append(collection)
    return [group for _, group in sorted(groups.items())]


def _has_offset(group: Sequence[Collection], bank: BankProfile) -> bool:
    return bank.balanced and not group[0].is_prenote


def _trace(bank: BankProfile, sequence: int) -> str:
    return f"{bank.odfi_routing_number[:8]}{sequence:07d}"


def _fit(text: str, width: int) -> str:
    return nacha.to_ach_characters(text)[:width].rstrip()


def _debit(collection: Collection, trace: str) -> nacha.NachaEntry:
    discretionary = ""
    if collection.sec_code == "WEB":
        discretionary = "R" if collection.recurring else "S"
    identification = _fit(collection.customer_number, 15)
    name = _fit(collection.holder_name, 22)
    if not name.strip("0 "):
        # No letter of it can be written, yet the field must not be empty.
        name = f"CUSTOMER {identification[:13]}".rstrip()
    codes = _PRENOTE_CODES if collection.is_prenote else _DEBIT_CODES
    return nacha.NachaEntry(
        transaction_code=codes[collection.account_type],
        routing_number=collection.routing_number,
        account_number=collection.account_number,
        amount_minor=collection.amount.minor,
        identification=identification,
        name=name,
        trace=trace,
        discretionary=discretionary,
    )


def _written_entry(collection: Collection, debit: nacha.NachaEntry) -> WrittenEntry:
    return WrittenEntry(
        reference=collection.reference,
        trace=debit.trace,
        amount=collection.amount,
        rdfi=debit.routing_number[:8],
    )


def _offset(debits: Sequence[nacha.NachaEntry], bank: BankProfile, trace: str) -> nacha.NachaEntry:
    """Credit the biller's own account with the batch. Source: bank guides, "balanced file"."""
    return nacha.NachaEntry(
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
    entries: tuple[nacha.NachaEntry, ...],
    bank: BankProfile,
    effective_date: date,
) -> nacha.NachaBatch:
    return nacha.NachaBatch(
        service_class=_MIXED_SERVICE_CLASS
        if bank.balanced and not first.is_prenote
        else _DEBITS_SERVICE_CLASS,
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
    """Return the description of a batch; retries and fees have those the rules reserve."""
    if first.purpose != "payment":
        return _RESERVED_DESCRIPTIONS[first.purpose]
    return bank.recurring_description if first.recurring else bank.entry_description
