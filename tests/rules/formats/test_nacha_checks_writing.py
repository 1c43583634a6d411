"""The table of Nacha checks: writing applies each one before a bank would."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import date, time

import pytest

from billfold.formats import nacha
from billfold.formats.nacha import (
    NachaBatch,
    NachaEntry,
    NachaFile,
    OriginalEntry,
    OriginationContext,
    PaymentAddendum,
    Unwritable,
    checks,
)

TODAY = date(2026, 11, 23)
TOMORROW = date(2026, 11, 24)
DEBIT = NachaEntry(27, "110000000", "0123456", 1250, "C-1", "ADA EXAMPLE", "091999040000001", "S")
BATCH = NachaBatch(
    225, "CEDARLINE", "1234567890", "WEB", "BILL PAY", TOMORROW, "09199904", 1, (DEBIT,)
)
FILE = NachaFile("091999049", "1234567890", TODAY, time(9, 30), "A", (BATCH,))
ORIGINAL = OriginalEntry(
    "CEDARLINE", "1234567890", "WEB", 27, 1250, date(2026, 11, 17), "R01", date(2026, 11, 18)
)
"""The entry a retry or a fee of 1250 goes back to."""

Case = tuple[NachaFile, OriginationContext]


def entry(context: OriginationContext | None = None, **changes: object) -> Case:
    """Change the one entry of the file."""
    return batch(context, entries=(replace(DEBIT, **changes),))  # type: ignore[arg-type]


def batch(context: OriginationContext | None = None, **changes: object) -> Case:
    """Change the one batch of the file."""
    changed = replace(BATCH, **changes)  # type: ignore[arg-type]
    return replace(FILE, batches=(changed,)), context or OriginationContext()


def file(context: OriginationContext | None = None, **changes: object) -> Case:
    return replace(FILE, **changes), context or OriginationContext()  # type: ignore[arg-type]


def retry(**changes: object) -> Case:
    """Go back to an original that is otherwise than it must be."""
    original = replace(ORIGINAL, **changes)  # type: ignore[arg-type]
    return batch(OriginationContext(originals={DEBIT.trace: original}), description="RETRY PYMT")


def fee(**changes: object) -> Case:
    original = replace(ORIGINAL, **changes)  # type: ignore[arg-type]
    context = OriginationContext(originals={DEBIT.trace: original})
    return batch(context, description="RETURN FEE", sec_code="PPD")


def reversal(**changes: object) -> Case:
    original = replace(ORIGINAL, returned_on=None, return_code="")
    credit = replace(DEBIT, transaction_code=22)
    context = OriginationContext(originals={DEBIT.trace: replace(original, **changes)})  # type: ignore[arg-type]
    return batch(context, description="REVERSAL", service_class=220, entries=(credit,))


def micro(*amounts: int) -> Case:
    """Credit amounts, or debit negative ones, in a batch of micro-entries."""
    entries = tuple(
        replace(
            DEBIT,
            transaction_code=22 if amount > 0 else 27,
            amount_minor=abs(amount),
            trace=f"09199904{number:07d}",
        )
        for number, amount in enumerate(amounts, 1)
    )
    return batch(description="ACCTVERIFY", sec_code="PPD", service_class=200, entries=entries)


def large(amount_minor: int) -> tuple[NachaEntry, ...]:
    """Make entries that add up to more than a total's twelve digits."""
    return tuple(
        replace(DEBIT, amount_minor=amount_minor, trace=f"09199904{number:07d}")
        for number in range(1, 102)
    )


SAME_DAY = {"effective_date": TODAY, "descriptive_date": "SD1300"}
WRITE: dict[str, list[Case]] = {
    "no-batches": [file(batches=())],
    "no-entries": [batch(entries=())],
    "creation-date": [file(created_on=None)],
    "file-id-modifier": [file(modifier="?")],
    "destination": [file(destination="091999048"), file(destination="000000000")],
    "origin": [file(OriginationContext(origin="0000000001"))],
    "field": [batch(odfi="REJ06030"), file(origin="")],
    "not-ascii": [entry(account_number="01234\u0665"), batch(company_id="123456789é")],
    "field-length": [entry(name="A" * 23), entry(account_number="1" * 18)],
    "overflow": [entry(amount_minor=10**10), batch(entries=large(10**10 - 1))],
    "service-class": [batch(service_class=280), batch(service_class=201)],
    "sec-code": [batch(sec_code="QQQ")],
    "sec-code-unsupported": [batch(sec_code="IAT"), batch(sec_code="POP"), batch(sec_code="COR")],
    "originator-status": [batch(originator_status=2)],
    "company-name": [batch(company_name="000")],
    "company-id": [batch(company_id="")],
    "description": [batch(description="0")],
    "batch-order": [file(batches=(BATCH, BATCH))],
    "transaction-code": [entry(transaction_code=75)],
    "not-originated": [entry(transaction_code=47), entry(transaction_code=26)],
    "service-class-direction": [entry(transaction_code=22), batch(service_class=220)],
    "class-direction": [
        batch(service_class=220, entries=(replace(DEBIT, transaction_code=22),)),
        batch(service_class=220, sec_code="TEL", entries=(replace(DEBIT, transaction_code=32),)),
        batch(description="REVERSAL"),
        batch(description="REVERSAL", sec_code="PPD"),
    ],
    "routing-number": [entry(routing_number="110000001"), entry(routing_number="000000000")],
    "account-number": [entry(account_number="000"), entry(account_number=" ")],
    "amount-zero": [entry(amount_minor=0)],
    "amount-not-zero": [entry(transaction_code=28)],
    "amount-negative": [entry(amount_minor=-5)],
    "remittance-entry": [
        entry(transaction_code=29, amount_minor=0, addenda=(PaymentAddendum("INV 1"),)),
        batch(sec_code="CCD", entries=(replace(DEBIT, transaction_code=29, amount_minor=0),)),
    ],
    "entry-limit": [file(OriginationContext(entry_limit_minor=1249))],
    "batch-limit": [file(OriginationContext(batch_limit_minor=1249))],
    "file-limit": [
        file(OriginationContext(file_limit_minor=1249)),
        file(OriginationContext(most_entries=0)),
    ],
    "day-limit": [file(OriginationContext(day_limit_minor=1300, day_sent_minor=51))],
    "name": [entry(name="000"), entry(name="山田")],
    "trace-number": [entry(trace="1"), entry(trace="REJ060300000001")],
    "trace-bank": [entry(trace="110000000000001")],
    "trace-order": [batch(entries=(DEBIT, DEBIT))],
    "trace-used": [file(OriginationContext(used_traces={DEBIT.trace}))],
    "addenda-count": [
        entry(addenda=(PaymentAddendum("1"), PaymentAddendum("2"))),
        batch(sec_code="TEL", entries=(replace(DEBIT, addenda=(PaymentAddendum("1"),)),)),
    ],
    "addenda-type": [entry(addenda=(nacha.OtherAddendum("02", "X"),))],
    "effective-date": [
        batch(effective_date=None),
        file(OriginationContext(effective_dates={TODAY})),
    ],
    "reserved-description": [
        batch(description="PAYROLL"),
        batch(description="AUTOENROLL"),
        batch(description="PURCHASE", sec_code="PPD"),
        batch(
            description="RETRY PYMT",
            sec_code="PPD",
            service_class=220,
            entries=(replace(DEBIT, transaction_code=22),),
        ),
    ],
    "micro-entry": [micro(100), micro(10, -11), micro(-1)],
    "not-yet-live": [
        file(OriginationContext(first_debit_dates={("110000000", "0123456"): date(2026, 11, 25)})),
    ],
    "retry": [
        retry(return_code="R03"),
        retry(retries=2),
        retry(settled_on=date(2026, 5, 1)),
        retry(company_name="OTHER"),
        retry(amount_minor=1251),
    ],
    "return-fee": [
        fee(return_code="R02"),
        fee(returned_on=date(2026, 10, 1)),
        fee(company_name="OTHER"),
    ],
    "reversal": [
        reversal(amount_minor=1),
        reversal(transaction_code=37),
        reversal(sec_code="PPD"),
        reversal(returned_on=date(2026, 11, 18)),
        reversal(settled_on=date(2026, 11, 13)),
    ],
    "same-day": [
        batch(**SAME_DAY | {"descriptive_date": "SD1400"}),
        batch(descriptive_date="SD1300"),
        batch(**SAME_DAY, entries=(replace(DEBIT, amount_minor=100_000_001),)),
        batch(OriginationContext(same_day_limits=((TODAY, 1249),)), **SAME_DAY),
    ],
    "duplicate-file": [
        file(OriginationContext(known_files={hashlib.sha256(nacha.write(FILE)).hexdigest()}))
    ],
    "duplicate-modifier": [file(OriginationContext(used_modifiers={(TODAY, "A")}))],
    "duplicate-entry": [
        file(OriginationContext(sent_entries={("110000000", "0123456", 1250, "C-1")}))
    ],
}
"""Per code, files that break that rule, with what must be known to see it."""

BY_CONSTRUCTION = {
    *("record-length", "record-type", "no-header", "second-header", "fragment-header"),
    *("no-control", "fragment-control", "after-control", "second-file", "early-padding"),
    *("outside-batch", "outside-entry", "batch-open", "record-size", "blocking-factor"),
    *("format-code", "creation-time", "byte-order-mark", "encoding", "batch-mismatch"),
    *("batch-entry-and-addenda-count", "file-entry-and-addenda-count"),
    *("batch-total-debits", "batch-total-credits", "file-total-debits", "file-total-credits"),
    *("batch-entry-hash", "file-entry-hash", "file-batch-count", "block-count"),
    *("addenda-indicator", "addenda-stated", "addenda-order", "addenda-trace"),
    *("blank-lines", "too-many-addenda", "addenda-field", "mixed-categories"),
}
"""Checks the writer cannot break: it lays these records and counts out itself."""


@pytest.mark.parametrize(
    ("code", "case"), [(code, case) for code, cases in WRITE.items() for case in cases]
)
def test_writing_asks_every_check(code: str, case: Case):
    with pytest.raises(Unwritable) as refusal:
        nacha.write(case[0], context=case[1])

    assert code in {problem.code for problem in refusal.value.problems}


def test_every_check_on_writing_has_its_file():
    applied = {check.code for check in checks.CHECKS if check.on_write != "none"}

    assert WRITE.keys() | BY_CONSTRUCTION == applied
    assert not WRITE.keys() & BY_CONSTRUCTION


ALLOWED: list[Callable[[], Case]] = [
    file,
    retry,
    fee,
    reversal,
    lambda: micro(12, 37, -49),
    lambda: batch(**SAME_DAY),
    lambda: entry(transaction_code=28, amount_minor=0),
    lambda: batch(
        sec_code="CCD",
        entries=(
            replace(
                DEBIT, transaction_code=29, amount_minor=0, addenda=(PaymentAddendum("RMR*IV*1"),)
            ),
        ),
    ),
    lambda: batch(
        sec_code="TEL",
        service_class=220,
        description="REVERSAL",
        entries=(replace(DEBIT, transaction_code=22),),
    ),
    lambda: batch(
        service_class=200,
        entries=(DEBIT, replace(DEBIT, transaction_code=22, trace="091999040000002")),
    ),
    lambda: file(
        OriginationContext(
            origin="1234567890",
            used_traces={"091999040000009"},
            effective_dates={TOMORROW},
            most_entries=1,
            entry_limit_minor=1250,
            batch_limit_minor=1250,
            file_limit_minor=1250,
            day_limit_minor=1250,
            first_debit_dates={("110000000", "0123456"): TOMORROW},
        )
    ),
]


@pytest.mark.parametrize("case", ALLOWED)
def test_what_keeps_the_rules_is_written_and_reads_back(case: Callable[[], Case]):
    file, context = case()

    written = nacha.write(file, context=context)

    assert nacha.read(written) == file
    assert nacha.read(written).warnings == ()
