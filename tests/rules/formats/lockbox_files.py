"""The tests' own writer of lockbox files, by a profile and the records a file should hold."""

from collections.abc import Iterator, Sequence
from datetime import date, time
from itertools import groupby

from billfold.formats.lockbox import LockboxBatch, LockboxFile, LockboxProfile, LockboxRemittance
from billfold.formats.lockbox.layouts import ColumnKind, LockboxField

Value = str | int | date | time | None


def columns(field: LockboxField, value: Value) -> str:
    """Write a value as wide as its field."""
    width = field.last - field.first + 1
    if value is None:
        return " " * width
    if isinstance(value, date):
        formats = {"YYYY": "%Y", "YY": "%y", "MM": "%m", "DD": "%d"}
        text = field.date_format
        for letters, code in formats.items():
            text = text.replace(letters, code)
        return value.strftime(text)
    if isinstance(value, time):
        return value.strftime("%H%M")
    if isinstance(value, int):
        assert field.kind in {ColumnKind.COUNT, ColumnKind.AMOUNT}
        text = f"{value:0{width}}"
    else:
        text = value.ljust(width)
    assert len(text) == width, (field, value)
    return text


def record(
    profile: LockboxProfile,
    code: str,
    remittances: Sequence[LockboxRemittance] = (),
    **values: Value,
) -> str:
    """Write one record; a field the layout lacks is left out."""
    layout = profile.layouts[code]
    line = [code] + [" "] * (profile.record_length - 1)
    placed = [
        (layout.fields[name], value) for name, value in values.items() if name in layout.fields
    ]
    for group, remittance in zip(layout.remittances, remittances, strict=False):
        for name in ("customer_number", "invoice_number", "text"):
            if name in group:
                placed.append((group[name], getattr(remittance, name)))
        amount = remittance.amount_minor
        if "amount" in group:
            placed.append((group["amount"], None if amount is None else abs(amount)))
        if "sign" in group:
            placed.append((group["sign"], "-" if amount is not None and amount < 0 else ""))
    for field, value in placed:
        line[field.first - 1 : field.last] = columns(field, value)
    return "".join(line)


def records(profile: LockboxProfile, file: LockboxFile) -> list[str]:
    """Write all records of a file, with counts and totals that hold."""
    addresses = {"destination": file.destination, "origin": file.origin}
    created = {"created_date": file.created_date, "created_time": file.created_time}
    lines = [record(profile, "1", **addresses, **created)]
    size = profile.record_length
    lines.append(record(profile, "2", **addresses, service_type="400", record_size=size))
    for _, batches in groupby(file.batches, key=lambda each: (each.lockbox, each.deposit_date)):
        lines += service(profile, list(batches), addresses)
    return [*lines, record(profile, "9", record_count=len(lines) + 1)]


def service(
    profile: LockboxProfile, batches: list[LockboxBatch], addresses: dict[str, str]
) -> Iterator[str]:
    day = {"lockbox": batches[0].lockbox, "deposit_date": batches[0].deposit_date}
    if profile.opens == "lockbox":
        yield record(profile, "5", batch=0, item=0, **day, **addresses)
    for batch in batches:
        if profile.opens != "lockbox":
            yield record(profile, "5", batch=batch.number, item=0, **day, **addresses)
        for check in batch.checks:
            key = {"batch": batch.number, "item": check.item}
            yield record(
                profile,
                "6",
                **key,
                amount=check.amount_minor,
                routing_number=check.routing_number,
                account_number=check.account_number,
                check_number=check.check_number.zfill(10),
                check_date=check.check_date,
                remitter=check.remitter,
                payee=check.payee,
            )
            wide = len(profile.layouts["4"].remittances)
            all_remittances = check.remittances
            overflows = [
                all_remittances[at : at + wide] for at in range(0, len(all_remittances), wide)
            ]
            for index, remittances in enumerate(overflows):
                last = "9" if index == len(overflows) - 1 else "0"
                sequence = index % 99 + 1
                keyed = {**key, "continued": "6", "sequence": sequence, "last": last}
                yield record(profile, "4", remittances, **keyed)
        count, amount = len(batch.checks), batch.amount_minor
        key = {"batch": batch.number, "item": 0}
        yield record(profile, "7", **key, **day, check_count=count, amount=amount)
    count = sum(len(batch.checks) for batch in batches)
    amount = sum(batch.amount_minor for batch in batches)
    yield record(profile, "8", batch=0, item=0, **day, check_count=count, amount=amount)


def write(profile: LockboxProfile, file: LockboxFile, *, line_end: str = "\n") -> bytes:
    return line_end.join(records(profile, file)).encode("ascii")
