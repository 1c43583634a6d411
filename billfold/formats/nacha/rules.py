"""Nacha rules on values, the same for files we read and files we write.

Source: Nacha Operating Rules, Appendix Three; docs/bank-files.md#nacha.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from operator import lt
from typing import Final

from billfold.formats.nacha import codes
from billfold.formats.nacha.notes import ASK, Fault
from billfold.formats.nacha.records import (
    HASH_MODULUS,
    NOTHING,
    Batch,
    Change,
    Entry,
    OtherAddendum,
    Payment,
    Reply,
    Return,
    Totals,
    is_routing_number,
)

_CHANGED_ROUTING: Final = frozenset({"C02", "C03", "C07"})
_CHANGED: Final = frozenset({"C01", "C04", "C05", "C06", "C09"}) | _CHANGED_ROUTING
_MONEY_CODES: Final = codes.TRANSACTION_CODES - codes.ZERO_CODES - codes.REPLY_CODES
_MIXED: Final = 200
_CREDITS_ONLY: Final = 220
_DEBITS_ONLY: Final = 225


def entry_faults(entry: Entry, sec_code: str) -> Iterator[Fault]:
    """Find what is wrong with an entry by itself; never quotes its account number."""
    code = entry.transaction_code
    if code not in codes.TRANSACTION_CODES:
        message = f"{code:02d} is not a transaction code."
        fix = "Use 22, 27 or 28 for checking and 32, 37 or 38 for savings."
        yield Fault("transaction-code", "Transaction code", message, fix)
    if not is_routing_number(entry.routing_number):
        message = f"{entry.routing_number} is no routing number."
        fix = "Its first two digits must be in use and its ninth digit must match the others."
        yield Fault("routing-number", "Receiving bank's routing number", message, fix)
    if sec_code in codes.OWN_RECORDS:
        return
    reply = entry.reply
    if sec_code == codes.CHANGE_CLASS:
        yield from _change_faults(entry, reply)
    elif reply:
        yield from _reply_faults(entry, reply)
    else:
        yield from _forward_faults(entry, sec_code)
        if entry.addenda or code in codes.REMITTANCE_CODES:
            yield from _addenda_faults(entry, sec_code)


def _change_faults(entry: Entry, reply: Reply | None) -> Iterator[Fault]:
    if not isinstance(reply, Change) or len(entry.addenda) != 1:
        message = "A COR entry must carry one addendum of type 98."
        yield Fault("change-entry", "Addenda indicator", message, ASK)
    if entry.amount_minor:
        yield Fault("change-entry", "Amount", "A COR entry has an amount.", ASK)
    if isinstance(reply, Change):
        yield from _changed_faults(reply)


def _changed_faults(change: Change) -> Iterator[Fault]:
    """Find a change that a person must look at; its data is not shown."""
    fix = "Look at what the bank sent; nothing is changed by itself."
    if change.code not in codes.CHANGE_CODES | codes.REFUSED_CHANGE_CODES:
        yield Fault("change-code", "", f"{change.code} is not a change code.", fix)
    corrected = change.corrected
    if change.code in _CHANGED and not corrected.strip():
        yield Fault("corrected-data", "", f"{change.code} comes without corrected data.", fix)
    elif change.code in _CHANGED_ROUTING and not is_routing_number(corrected.strip()[:9]):
        message = f"The corrected data of {change.code} does not begin with a routing number."
        yield Fault("corrected-data", "", message, fix)
    elif change.code == "C05" and corrected[:2] not in _CODES:
        message = "The corrected data of C05 does not begin with a transaction code."
        yield Fault("corrected-data", "", message, fix)


_CODES: Final = frozenset(f"{code:02d}" for code in codes.TRANSACTION_CODES)


def _reply_faults(entry: Entry, reply: Reply) -> Iterator[Fault]:
    if isinstance(reply, Change) or not all(isinstance(a, Reply) for a in entry.addenda):
        message = "Addenda of type 98 belong to COR; those of type 99 stand alone."
        yield Fault("addenda-type", "Addenda indicator", message, ASK)
    elif isinstance(reply, Return) and reply.code not in codes.RETURN_CODES:
        message = f"{reply.code} is not a return code we know."
        fix = "The money came back all the same; a person decides what follows."
        yield Fault("return-code", "", message, fix)


def _forward_faults(entry: Entry, sec_code: str) -> Iterator[Fault]:
    code = entry.transaction_code
    if entry.amount_minor < 0:
        yield Fault("amount-negative", "Amount", "The amount is negative.", "Flip the code.")
    elif code in codes.ZERO_CODES:
        if entry.amount_minor:
            message = f"{code} is a prenote or remittance entry, yet it has an amount."
            yield Fault("amount-not-zero", "Amount", message, "Write zero.")
    elif not entry.amount_minor and code not in codes.REPLY_CODES:
        message = f"An entry with code {code} has no amount."
        yield Fault("amount-zero", "Amount", message, "Write the amount in cents, above zero.")
    if not entry.account_number.strip("0 "):
        message = "The account number is blank or zeros."
        yield Fault("account-number", "Account number", message, "Write the account number.")
    if sec_code in codes.CONSUMER_CLASSES and not entry.name.strip("0 "):
        message = f"A {sec_code} entry names nobody."
        yield Fault("name", "Name", message, "Write the name of the account holder.")


def _addenda_faults(entry: Entry, sec_code: str) -> Iterator[Fault]:
    payments = sum(isinstance(addendum, Payment) for addendum in entry.addenda)
    most = codes.MOST_PAYMENT_ADDENDA.get(sec_code)
    if most is not None and payments > most:
        message = f"{payments} payment addenda, but {sec_code} allows {most}."
        yield Fault("addenda-count", "Addenda indicator", message, "Leave the others out.")
    if most is not None and any(isinstance(addendum, OtherAddendum) for addendum in entry.addenda):
        message = f"{sec_code} entries carry addenda of type 05 only."
        yield Fault("addenda-type", "Addenda indicator", message, "Leave the others out.")
    is_remittance = entry.transaction_code in codes.REMITTANCE_CODES
    if is_remittance and not (payments and sec_code in ("CCD", "CTX")):
        message = f"Code {entry.transaction_code} needs CCD or CTX and an addendum."
        fix = "Say in an addendum what the entry is about, or leave it out."
        yield Fault("remittance-entry", "Transaction code", message, fix)


class BatchCourse:
    """What the entries of one batch, seen in their order, come to.

    With whole columns (`takes`) as with one entry after the other (`entry`), the same is added up;
    columns are taken only if the entries could not have a fault.
    """

    def __init__(self, sec_code: str, header: Batch | None, *, sent: bool = False) -> None:
        self._sec_code = sec_code
        self._header = header
        self._last_trace = ""
        self._entries = 0
        self._totals = NOTHING
        self._wrong_way: list[tuple[int, int]] = []
        self._payments = self._replies = False
        allowed = _MONEY_CODES | codes.PRENOTE_CODES
        if sent:
            allowed &= codes.ORIGINATED_CODES
        if header and header.service_class == _CREDITS_ONLY:
            allowed &= codes.CREDIT_CODES
        elif header and header.service_class == _DEBITS_ONLY:
            allowed &= codes.DEBIT_CODES
        if header and self._right_way(header):
            allowed &= self._right_way(header)
        self._money_codes = allowed & _MONEY_CODES
        self._prenote_codes = allowed & codes.PRENOTE_CODES

    @property
    def totals(self) -> Totals:
        return self._totals

    def _right_way(self, header: Batch) -> frozenset[int]:
        """Give the codes the class allows besides an offset; none if it allows all."""
        if self._sec_code not in codes.ONLINE_OR_SPOKEN:
            return frozenset()
        is_reversal = header.description.strip() == codes.REVERSAL
        return codes.CREDIT_CODES if is_reversal else codes.DEBIT_CODES

    def takes(
        self,
        transaction_codes: frozenset[int],
        routing_numbers: Sequence[str],
        amounts: Sequence[int],
        traces: Sequence[str],
        debit_minor: int | None,
        addenda: int,
    ) -> bool:
        """Add entries given as columns, if they are certainly without fault.

        `debit_minor` says how much of the amounts is debits where their codes are of both kinds.
        """
        header = self._header
        if header is None or self._replies or self._wrong_way:
            return False
        if not self._fit(transaction_codes, amounts):
            return False
        banks = Counter(routing_numbers)
        if not (self._ascend(traces, header.odfi) and all(map(is_routing_number, banks))):
            return False
        total = sum(amounts)
        if debit_minor is None:
            debit_minor = total if transaction_codes <= codes.DEBIT_CODES else 0
        entry_hash = sum(int(bank[:8]) * count for bank, count in banks.items()) % HASH_MODULUS
        count = len(amounts)
        self._totals += Totals(count + addenda, entry_hash, debit_minor, total - debit_minor)
        self._entries += count
        self._last_trace = traces[-1]
        self._payments = True
        return True

    def _fit(self, transaction_codes: frozenset[int], amounts: Sequence[int]) -> bool:
        """Tell whether these are all payments or all prenotes, as this batch may hold."""
        if transaction_codes <= self._money_codes:
            return min(amounts) > 0
        return transaction_codes <= self._prenote_codes and not any(amounts)

    def _ascend(self, traces: Sequence[str], odfi: str) -> bool:
        """Tell whether traces go on upward from the last one, all of the batch's bank."""
        is_ours = traces[0].startswith(odfi) and traces[-1].startswith(odfi)
        goes_on = is_ours and traces[0] > self._last_trace
        return goes_on and all(map(lt, traces, islice(traces, 1, None)))

    def entry(self, entry: Entry, line: int) -> Iterator[Fault]:
        """Add one entry, and find what is wrong with it in its batch."""
        self._entries += 1
        self._totals += Totals.of((entry,))
        reply = entry.reply
        header = self._header
        if self._sec_code not in codes.OWN_RECORDS:
            yield from self._category_faults(is_reply=reply is not None)
        if header is None:
            return
        yield from _service_class_faults(header.service_class, entry.transaction_code)
        if self._sec_code == "ADV" or reply is not None:
            return
        right_way = self._right_way(header)
        if right_way and entry.transaction_code not in right_way:
            self._wrong_way.append((line, self._entries))
        yield from self._trace_faults(entry.trace, header.odfi)
        self._last_trace = entry.trace

    def _category_faults(self, *, is_reply: bool) -> Iterator[Fault]:
        mixed = self._payments and self._replies
        self._payments |= not is_reply
        self._replies |= is_reply
        if self._payments and self._replies and not mixed:
            message = "The batch holds payments and returns."
            yield Fault("mixed-categories", "Transaction code", message, ASK)

    def _trace_faults(self, trace: str, odfi: str) -> Iterator[Fault]:
        if trace <= self._last_trace:
            message = f"{trace} does not come after {self._last_trace}."
            fix = "Number the entries of a batch upward, each number once."
            yield Fault("trace-order", "Trace number", message, fix)
        if not trace.startswith(odfi):
            message = f"{trace} does not begin with the batch's bank, {odfi}."
            fix = "Begin trace numbers with the ODFI identification of the batch header."
            yield Fault("trace-bank", "Trace number", message, fix)

    def close(self) -> Iterator[tuple[int, Fault]]:
        """Find, with their lines, entries that go the wrong way for their class.

        One that balances the batch at its end is the biller's own account.
        """
        header = self._header
        is_offset = (
            header is not None
            and header.service_class == _MIXED
            and len(self._wrong_way) == 1
            and self._wrong_way[0][1] == self._entries
            and self._totals.debit_minor == self._totals.credit_minor
        )
        if is_offset:
            return
        for line, _ in self._wrong_way:
            message = f"A {self._sec_code} batch takes debits, and credits only to reverse them."
            fix = "Send credits to people as PPD and to companies as CCD."
            yield line, Fault("class-direction", "Transaction code", message, fix)


def _service_class_faults(service_class: int, transaction_code: int) -> Iterator[Fault]:
    is_debit = codes.is_debit(transaction_code)
    if service_class == _DEBITS_ONLY and not is_debit:
        kind = "credit"
    elif service_class == _CREDITS_ONLY and is_debit:
        kind = "debit"
    else:
        return
    message = f"{transaction_code} is a {kind}; the batch has service class {service_class}."
    fix = "Give a mixed batch service class 200."
    yield Fault("service-class-direction", "Transaction code", message, fix)


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
