"""A Nacha file as people read it: batches and entries, account numbers by their ending only."""

from __future__ import annotations

from billfold.formats.nacha_records import (
    Addendum,
    Batch,
    Change,
    Entry,
    File,
    OtherAddendum,
    Payment,
    Reply,
    Return,
)

Shown = dict[str, object]


def shown(file: File, *, reveal: bool = False) -> Shown:
    """Give a file as plain values for JSON or for printing.

    Account numbers, and the data of changes that may hold one, are left out unless asked for.
    """
    return {
        "destination": file.destination,
        "destination_name": file.destination_name.strip(),
        "origin": file.origin,
        "origin_name": file.origin_name.strip(),
        "created_on": f"{file.created_on}" if file.created_on else "",
        "created_at": f"{file.created_at:%H:%M}" if file.created_at else "",
        "modifier": file.modifier,
        "is_fragment": file.is_fragment,
        **file.summary(),
    } | {"batches": [_batch(batch, reveal=reveal) for batch in file.batches]}


def _batch(batch: Batch, *, reveal: bool) -> Shown:
    totals = batch.totals
    return {
        "number": batch.number,
        "sec_code": batch.sec_code,
        "service_class": batch.service_class,
        "company_name": batch.company_name.strip(),
        "company_id": batch.company_id.strip(),
        "description": batch.description.strip(),
        "descriptive_date": batch.descriptive_date.strip(),
        "effective_date": f"{batch.effective_date}" if batch.effective_date else "",
        "settlement_day": batch.settlement_day,
        "odfi": batch.odfi,
        "debit_minor": totals.debit_minor,
        "credit_minor": totals.credit_minor,
        "entries": [_entry(entry, reveal=reveal) for entry in batch.entries],
    }


def _entry(entry: Entry, *, reveal: bool) -> Shown:
    return {
        "transaction_code": entry.transaction_code,
        "direction": "debit" if entry.is_debit else "credit",
        "amount_minor": entry.amount_minor,
        "routing_number": entry.routing_number,
        "account": entry.account_number if reveal else f"ending {entry.ending}".strip(),
        "identification": entry.identification.strip(),
        "name": entry.name.strip(),
        "trace": entry.trace,
        "addenda": [_addendum(addendum, reveal=reveal) for addendum in entry.addenda],
    }


def _addendum(addendum: Addendum, *, reveal: bool) -> Shown:
    match addendum:
        case Payment():
            return {"type": "payment", "information": addendum.information}
        case OtherAddendum():
            content = {"content": addendum.content.rstrip()} if reveal else {}
            return {"type": addendum.type_code, **content}
        case Change():
            corrected = {"corrected": addendum.corrected.rstrip()} if reveal else {}
            refused = {"refused": addendum.refused} if addendum.refused else {}
            return {"type": "change", **_reply(addendum), **corrected, **refused}
        case Return():
            died = {"date_of_death": f"{addendum.date_of_death}"} if addendum.date_of_death else {}
            return {
                "type": "return",
                **_reply(addendum),
                "information": addendum.information,
            } | died
        case _:
            return {
                "type": type(addendum).__name__.lower(),
                **_reply(addendum),
                "return_code": addendum.return_code,
                "return_trace": addendum.return_trace,
            }


def _reply(reply: Reply) -> Shown:
    return {
        "code": reply.code,
        "original_trace": reply.original_trace,
        "original_rdfi": reply.original_rdfi,
    }
