"""Writes orders into a Nacha file, in batches by SEC code and purpose.

Source: Nacha Operating Rules; docs/bank-files.md#nacha.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import chain, count
from typing import Final
from zoneinfo import ZoneInfo

from billfold import bankdays
from billfold.bankdays import NaiveMoment
from billfold.formats import nacha
from billfold.money import CurrencyMismatch
from billfold.rails.ach import limits
from billfold.rails.ach.limits import CURRENCY, LAST_SEQUENCE
from billfold.rails.protocol import (
    BankDocument,
    BankProfile,
    Direction,
    Order,
    WrittenEntry,
    WrittenFile,
)

_CODES: Final[Mapping[Direction, Mapping[str, int]]] = {
    "debit": {"checking": 27, "savings": 37},
    "credit": {"checking": 22, "savings": 32},
}
"""Transaction codes; one more is the prenote's. Source: field "Transaction Code"."""
_OPPOSITE: Final[Mapping[Direction, Direction]] = {"debit": "credit", "credit": "debit"}
_RESERVED_DESCRIPTIONS: Final = {"retry": nacha.RETRY, "return_fee": nacha.RETURN_FEE}
_SERVICE_CLASSES: Final[Mapping[Direction, int]] = {"debit": 225, "credit": 220}
_MIXED_SERVICE_CLASS: Final = 200


def write(
    orders: Sequence[Order],
    *,
    bank: BankProfile,
    now: datetime,
    effective_date: date,
    modifier: str,
    first_sequence: int,
) -> WrittenFile:
    """Write one Nacha file: a batch per SEC code and purpose, prenotes apart, ascending traces.

    Credits go under PPD or CCD. Names too long for their field are cut; in a balanced file each
    batch that moves money ends with an offset to the biller's own account.
    Raises: TooManyOrders, TooMuchMoney; Unwritable with everything the bank would refuse;
    NaiveMoment.
    """
    if now.tzinfo is None:
        raise NaiveMoment(now)
    if any(order.amount.currency != CURRENCY for order in orders):
        raise CurrencyMismatch("ACH moves US dollars only")
    groups = _batch_groups(orders)
    offsets = sum(_has_offset(group, bank) for group in groups)
    debit, credit = limits.sum_of(orders, "debit"), limits.sum_of(orders, "credit")
    traces_left = LAST_SEQUENCE + 1 - first_sequence - offsets
    limits.check(len(orders), debit, credit, bank=bank, traces_left=traces_left)

    batches, entries = _write_batches(groups, bank, effective_date, first_sequence)
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
        debit=debit + credit if bank.balanced else debit,
        credit=debit + credit if bank.balanced else credit,
        effective_date=effective_date,
        last_sequence=first_sequence + len(orders) + offsets - 1,
    )


def _write_batches(
    groups: Sequence[Sequence[Order]], bank: BankProfile, effective_date: date, first_sequence: int
) -> tuple[list[nacha.NachaBatch], list[WrittenEntry]]:
    """Write a batch for each group, an offset at its end where the bank wants one."""
    sequence = count(first_sequence)
    batches: list[nacha.NachaBatch] = []
    entries: list[WrittenEntry] = []
    for number, group in enumerate(groups, 1):
        lines = [_entry(order, _trace(bank, next(sequence))) for order in group]
        entries += map(_written_entry, group, lines)
        if _has_offset(group, bank):
            lines.append(_offset(group, bank, _trace(bank, next(sequence))))
        batches.append(_batch(number, group, tuple(lines), bank, effective_date))
    return batches, entries


def _originals(
    groups: Sequence[Sequence[Order]], entries: Sequence[WrittenEntry]
) -> dict[str, nacha.OriginalEntry]:
    """Map the trace of each retry and fee to the entry it goes back to."""
    orders = chain.from_iterable(groups)
    return {
        entry.trace: order.original
        for order, entry in zip(orders, entries, strict=True)
        if order.original is not None
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


def _batch_groups(orders: Sequence[Order]) -> list[list[Order]]:
    """Group orders by batch, the batches in a fixed order, orders in their own.

    A purpose has one direction, so that a batch has one, too.
    """
    groups: dict[tuple[bool, str, str, bool], list[Order]] = {}
    for order in orders:
        key = (order.is_prenote, order.purpose, _sec_code(order), order.recurring)
        groups.setdefault(key, []).append(order)
    return [group for _, group in sorted(groups.items())]


def _sec_code(order: Order) -> str:
    """Return the class of an order: WEB takes debits only, so credits to persons go as PPD.

    Source: Nacha Operating Rules, Standard Entry Class Codes; docs/bank-files.md#nacha.
    """
    is_to_company = order.sec_code == "CCD"
    return order.sec_code if order.direction == "debit" or is_to_company else "PPD"


def _has_offset(group: Sequence[Order], bank: BankProfile) -> bool:
    return bank.balanced and not group[0].is_prenote


def _trace(bank: BankProfile, sequence: int) -> str:
    return f"{bank.odfi_routing_number[:8]}{sequence:07d}"


def _fit(text: str, width: int) -> str:
    return nacha.to_ach_characters(text)[:width].rstrip()


def _entry(order: Order, trace: str) -> nacha.NachaEntry:
    discretionary = ""
    if _sec_code(order) == "WEB":
        discretionary = "R" if order.recurring else "S"
    identification = _fit(order.customer_number, 15)
    name = _fit(order.holder_name, 22)
    if not name.strip("0 "):
        # No letter of it can be written, yet the field must not be empty.
        name = f"CUSTOMER {identification[:13]}".rstrip()
    return nacha.NachaEntry(
        transaction_code=_CODES[order.direction][order.account_type] + order.is_prenote,
        routing_number=order.routing_number,
        account_number=order.account_number,
        amount_minor=order.amount.minor,
        identification=identification,
        name=name,
        trace=trace,
        discretionary=discretionary,
    )


def _written_entry(order: Order, entry: nacha.NachaEntry) -> WrittenEntry:
    return WrittenEntry(
        reference=order.reference,
        trace=entry.trace,
        direction=order.direction,
        amount=order.amount,
        rdfi=entry.routing_number[:8],
    )


def _offset(group: Sequence[Order], bank: BankProfile, trace: str) -> nacha.NachaEntry:
    """Move the batch's total to or from the biller's own account.

    Source: bank guides, "balanced file".
    """
    direction = group[0].direction
    return nacha.NachaEntry(
        transaction_code=_CODES[_OPPOSITE[direction]]["checking"],
        routing_number=bank.odfi_routing_number,
        account_number=bank.settlement_account,
        amount_minor=limits.sum_of(group, direction).minor,
        identification="OFFSET",
        name=_fit(bank.company_name, 22),
        trace=trace,
    )


def _batch(
    number: int,
    group: Sequence[Order],
    entries: tuple[nacha.NachaEntry, ...],
    bank: BankProfile,
    effective_date: date,
) -> nacha.NachaBatch:
    first = group[0]
    return nacha.NachaBatch(
        service_class=_MIXED_SERVICE_CLASS
        if _has_offset(group, bank)
        else _SERVICE_CLASSES[first.direction],
        company_name=_fit(bank.company_name, 16),
        company_id=bank.company_id,
        sec_code=_sec_code(first),
        description=_description(first, bank),
        effective_date=effective_date,
        odfi=bank.odfi_routing_number[:8],
        number=number,
        entries=entries,
    )


def _description(first: Order, bank: BankProfile) -> str:
    """Return the description of a batch; retries and fees have those the rules reserve."""
    match first.purpose:
        case "retry" | "return_fee":
            return _RESERVED_DESCRIPTIONS[first.purpose]
        case "refund":
            return bank.refund_description
        case "payment":
            return bank.recurring_description if first.recurring else bank.entry_description
