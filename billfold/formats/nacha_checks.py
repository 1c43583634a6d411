"""Nacha rules on values, the same for files we read and files we write.

Source: Nacha Operating Rules, Appendix Three; docs/bank-files.md#nacha.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from billfold.formats.nacha_records import (
    CREDIT_CODES,
    DEBIT_CODES,
    PRENOTE_CODES,
    REMITTANCE_CODES,
    REPLY_CODES,
    TRANSACTION_CODES,
    Entry,
    OtherAddendum,
    Payment,
    is_routing_number,
)

NAMED_CLASSES: Final = frozenset({"PPD", "WEB", "TEL"})
"""Consumer classes whose entries must name the receiver."""

MOST_PAYMENT_ADDENDA: Final = {"PPD": 1, "CCD": 1, "WEB": 1, "TEL": 0, "CTX": 9_999}

FOREIGN_CLASSES: Final = frozenset({"ADV", "IAT"})
"""Classes with records of their own; counted and summed, not looked into."""

ZERO_CODES: Final = PRENOTE_CODES | REMITTANCE_CODES


class Fault(NamedTuple):
    """A broken rule of one record, before it has a line."""

    code: str
    field: str
    """Name of the field in its layout."""
    message: str
    fix: str


def entry_faults(entry: Entry, sec_code: str) -> list[Fault]:
    """Find what is wrong with an entry by itself; never quotes its account number."""
    faults: list[Fault] = []
    code = entry.transaction_code
    if code not in TRANSACTION_CODES:
        faults.append(
            Fault(
                "transaction-code",
                "Transaction code",
                f"{code:02d} is not a transaction code.",
                "Use 22, 27 or 28 for checking and 32, 37 or 38 for savings.",
            )
        )
    if not is_routing_number(entry.routing_number):
        faults.append(
            Fault(
                "routing-number",
                "Receiving bank's routing number",
                f"{entry.routing_number} is no routing number.",
                "Its first two digits must be in use and its ninth digit must match the others.",
            )
        )
    if sec_code not in FOREIGN_CLASSES and sec_code != "COR" and entry.reply is None:
        faults.extend(_forward_faults(entry, sec_code))
    return faults


def _forward_faults(entry: Entry, sec_code: str) -> Iterator[Fault]:
    code = entry.transaction_code
    if code in ZERO_CODES:
        if entry.amount_minor:
            message = f"{code} is a prenote or remittance entry, yet it has an amount."
            yield Fault("amount-not-zero", "Amount", message, "Write zero.")
    elif not entry.amount_minor and code not in REPLY_CODES:
        message = f"An entry with code {code} has no amount."
        yield Fault("amount-zero", "Amount", message, "Write the amount in cents, above zero.")
    if not entry.account_number.strip("0 "):
        message = "The account number is blank or zeros."
        yield Fault("account-number", "Account number", message, "Write the account number.")
    if sec_code in NAMED_CLASSES and not entry.name.strip("0 "):
        message = f"A {sec_code} entry names nobody."
        yield Fault("name", "Name", message, "Write the name of the account holder.")
    if entry.addenda:
        most = MOST_PAYMENT_ADDENDA.get(sec_code)
        payments = sum(isinstance(addendum, Payment) for addendum in entry.addenda)
        if most is not None and payments > most:
            message = f"{payments} payment addenda, but {sec_code} allows {most}."
            yield Fault("addenda-count", "Addenda indicator", message, "Leave the others out.")
        if sec_code in ("PPD", "CCD", "WEB", "CTX") and any(
            isinstance(addendum, OtherAddendum) for addendum in entry.addenda
        ):
            message = f"{sec_code} entries carry addenda of type 05 only."
            yield Fault("addenda-type", "Addenda indicator", message, "Leave the others out.")


def service_class_fault(service_class: int, transaction_code: int) -> Fault | None:
    """Find out whether a batch of that class may hold an entry of that code; None if it may."""
    if service_class == 225 and transaction_code in CREDIT_CODES:
        kind = "credit"
    elif service_class == 220 and transaction_code in DEBIT_CODES:
        kind = "debit"
    else:
        return None
    return Fault(
        "service-class",
        "Transaction code",
        f"{transaction_code} is a {kind}; the batch has service class {service_class}.",
        "Give a mixed batch service class 200.",
    )


def trace_fault(trace: str, *, last_trace: str, odfi: str) -> Fault | None:
    """Find out whether a trace number may follow another one in its batch; None if it may."""
    if trace <= last_trace:
        return Fault(
            "trace-order",
            "Trace number",
            f"{trace} does not come after {last_trace}.",
            "Number the entries of a batch upward, each number once.",
        )
    if not trace.startswith(odfi):
        return Fault(
            "trace-bank",
            "Trace number",
            f"{trace} does not begin with the batch's bank, {odfi}.",
            "Begin trace numbers with the ODFI identification of the batch header.",
        )
    return None


def total_faults(
    kind: str, stated: Mapping[str, int], counted: Mapping[str, int]
) -> Iterator[Fault]:
    """Compare a control record with what stands before it, where that could be counted."""
    for name, value in stated.items():
        if name in counted and value != counted[name]:
            yield Fault(
                f"{kind}-{name.lower().replace(' ', '-')}",
                name,
                f"The {kind} control says {value}, the records before it give {counted[name]}.",
                "The file is damaged or was cut: ask its sender for it again.",
            )
