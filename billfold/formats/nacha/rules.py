"""Nacha rules on entries, batches and totals, the same for reading and writing.

Source: Nacha Operating Rules, Appendix Three; docs/bank-files.md#nacha.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from operator import lt
from typing import Final

from billfold.formats.nacha import codes
from billfold.formats.nacha.findings import ASK_SENDER, Violation
from billfold.formats.nacha.records import (
    HASH_MODULUS,
    ZERO_TOTALS,
    ChangeAddendum,
    ControlTotals,
    NachaBatch,
    NachaEntry,
    OtherAddendum,
    PaymentAddendum,
    ReturnAddendum,
    ReturnOrChange,
    is_routing_number,
)

_CODES_WITH_ROUTING_NUMBER: Final = frozenset({"C02", "C03", "C07"})
_CODES_WITH_DATA: Final = (
    frozenset({"C01", "C04", "C05", "C06", "C09"}) | _CODES_WITH_ROUTING_NUMBER
)
_MONEY_CODES: Final = (
    codes.TRANSACTION_CODES - codes.ZERO_AMOUNT_CODES - codes.RETURN_TRANSACTION_CODES
)
_MIXED: Final = 200
_CREDITS_ONLY: Final = 220
_DEBITS_ONLY: Final = 225


def entry_violations(entry: NachaEntry, sec_code: str) -> Iterator[Violation]:
    """Check one entry by itself; no message quotes its account number."""
    code = entry.transaction_code
    if code not in codes.TRANSACTION_CODES:
        message = f"{code:02d} is not a transaction code."
        fix = "Use 22, 27 or 28 for checking and 32, 37 or 38 for savings."
        yield Violation("transaction-code", "Transaction code", message, fix)
    if not is_routing_number(entry.routing_number):
        message = f"{entry.routing_number} is no routing number."
        fix = "Its first two digits must be in use and its ninth digit must match the others."
        yield Violation("routing-number", "Receiving bank's routing number", message, fix)
    if sec_code in codes.UNPARSED_CLASSES:
        return
    addendum = entry.return_or_change
    if sec_code == codes.CHANGE_CLASS:
        yield from _change_violations(entry, addendum)
    elif addendum:
        yield from _return_violations(entry, addendum)
    else:
        yield from _forward_violations(entry, sec_code)
        if entry.addenda or code in codes.REMITTANCE_CODES:
            yield from _addenda_violations(entry, sec_code)


def _change_violations(entry: NachaEntry, addendum: ReturnOrChange | None) -> Iterator[Violation]:
    if not isinstance(addendum, ChangeAddendum) or len(entry.addenda) != 1:
        message = "A COR entry must carry one addendum of type 98."
        yield Violation("change-entry", "Addenda indicator", message, ASK_SENDER)
    if entry.amount_minor:
        yield Violation("change-entry", "Amount", "A COR entry has an amount.", ASK_SENDER)
    if isinstance(addendum, ChangeAddendum):
        yield from _corrected_data_violations(addendum)


def _corrected_data_violations(change: ChangeAddendum) -> Iterator[Violation]:
    """Check the code and the corrected data of a change; no message quotes the data."""
    fix = "Look at what the bank sent; nothing is changed by itself."
    if change.code not in codes.CHANGE_CODES | codes.REFUSED_CHANGE_CODES:
        yield Violation("change-code", "", f"{change.code} is not a change code.", fix)
    corrected = change.corrected
    if change.code in _CODES_WITH_DATA and not corrected.strip():
        yield Violation("corrected-data", "", f"{change.code} comes without corrected data.", fix)
    elif change.code in _CODES_WITH_ROUTING_NUMBER and not is_routing_number(corrected.strip()[:9]):
        message = f"The corrected data of {change.code} does not begin with a routing number."
        yield Violation("corrected-data", "", message, fix)
    elif change.code == "C05" and corrected[:2] not in _TRANSACTION_CODES:
        message = "The corrected data of C05 does not begin with a transaction code."
        yield Violation("corrected-data", "", message, fix)


_TRANSACTION_CODES: Final = frozenset(f"{code:02d}" for code in codes.TRANSACTION_CODES)


def _return_violations(entry: NachaEntry, addendum: ReturnOrChange) -> Iterator[Violation]:
    if isinstance(addendum, ChangeAddendum) or not all(
        isinstance(a, ReturnOrChange) for a in entry.addenda
    ):
        message = "Addenda of type 98 belong to COR; those of type 99 stand alone."
        yield Violation("addenda-type", "Addenda indicator", message, ASK_SENDER)
    elif isinstance(addendum, ReturnAddendum) and addendum.code not in codes.RETURN_CODES:
        message = f"{addendum.code} is not a return code we know."
        fix = "The money came back all the same; a person decides what follows."
        yield Violation("return-code", "", message, fix)


def _forward_violations(entry: NachaEntry, sec_code: str) -> Iterator[Violation]:
    code = entry.transaction_code
    if entry.amount_minor < 0:
        yield Violation("amount-negative", "Amount", "The amount is negative.", "Flip the code.")
    elif code in codes.ZERO_AMOUNT_CODES:
        if entry.amount_minor:
            message = f"{code} is a prenote or remittance entry, yet it has an amount."
            yield Violation("amount-not-zero", "Amount", message, "Write zero.")
    elif not entry.amount_minor and code not in codes.RETURN_TRANSACTION_CODES:
        message = f"An entry with code {code} has no amount."
        yield Violation("amount-zero", "Amount", message, "Write the amount in cents, above zero.")
    if not entry.account_number.strip("0 "):
        message = "The account number is blank or zeros."
        yield Violation("account-number", "Account number", message, "Write the account number.")
    if sec_code in codes.CONSUMER_CLASSES and not entry.name.strip("0 "):
        message = f"A {sec_code} entry names nobody."
        yield Violation("name", "Name", message, "Write the name of the account holder.")


def _addenda_violations(entry: NachaEntry, sec_code: str) -> Iterator[Violation]:
    payments = sum(isinstance(addendum, PaymentAddendum) for addendum in entry.addenda)
    most = codes.MOST_PAYMENT_ADDENDA.get(sec_code)
    if most is not None and payments > most:
        message = f"{payments} payment addenda, but {sec_code} allows {most}."
        yield Violation("addenda-count", "Addenda indicator", message, "Leave the others out.")
    if most is not None and any(isinstance(addendum, OtherAddendum) for addendum in entry.addenda):
        message = f"{sec_code} entries carry addenda of type 05 only."
        yield Violation("addenda-type", "Addenda indicator", message, "Leave the others out.")
    is_remittance = entry.transaction_code in codes.REMITTANCE_CODES
    if is_remittance and not (payments and sec_code in ("CCD", "CTX")):
        message = f"Code {entry.transaction_code} needs CCD or CTX and an addendum."
        fix = "Say in an addendum what the entry is about, or leave it out."
        yield Violation("remittance-entry", "Transaction code", message, fix)


class BatchTally:
    """Adds up the entries of one batch in their order, and checks what one entry cannot show.

    Many entries at once (`add_if_sound`) and one after the other (`add_entry`) give the same
    totals; many are added at once only if they certainly break no rule.
    """

    def __init__(
        self, sec_code: str, header: NachaBatch | None, *, originated: bool = False
    ) -> None:
        self._sec_code = sec_code
        self._header = header
        self._last_trace = ""
        self._entries = 0
        self._totals = ZERO_TOTALS
        self._wrong_direction: list[tuple[int, int]] = []
        self._has_payments = self._has_returns = False
        allowed = _MONEY_CODES | codes.PRENOTE_CODES
        if originated:
            allowed &= codes.ORIGINATED_CODES
        if header and header.service_class == _CREDITS_ONLY:
            allowed &= codes.CREDIT_CODES
        elif header and header.service_class == _DEBITS_ONLY:
            allowed &= codes.DEBIT_CODES
        if header and self._required_codes(header):
            allowed &= self._required_codes(header)
        self._money_codes = allowed & _MONEY_CODES
        self._prenote_codes = allowed & codes.PRENOTE_CODES

    @property
    def totals(self) -> ControlTotals:
        return self._totals

    def _required_codes(self, header: NachaBatch) -> frozenset[int]:
        """Return the codes the class allows, an offset apart; empty if it allows all codes."""
        if self._sec_code not in codes.DEBIT_ONLY_CLASSES:
            return frozenset()
        is_reversal = header.description.strip() == codes.REVERSAL
        return codes.CREDIT_CODES if is_reversal else codes.DEBIT_CODES

    def add_if_sound(
        self,
        transaction_codes: frozenset[int],
        routing_numbers: Sequence[str],
        amounts: Sequence[int],
        traces: Sequence[str],
        debit_minor: int | None,
        addenda: int,
    ) -> bool:
        """Add entries, given as columns, if they certainly break no rule. Returns whether it did.

        `debit_minor` is the sum of the debits, needed if there are credits among them as well.
        """
        header = self._header
        if header is None or self._has_returns or self._wrong_direction:
            return False
        if not self._have_allowed_amounts(transaction_codes, amounts):
            return False
        banks = Counter(routing_numbers)
        if not (self._ascend(traces, header.odfi) and all(map(is_routing_number, banks))):
            return False
        total = sum(amounts)
        if debit_minor is None:
            debit_minor = total if transaction_codes <= codes.DEBIT_CODES else 0
        entry_hash = sum(int(bank[:8]) * count for bank, count in banks.items()) % HASH_MODULUS
        count = len(amounts)
        self._totals += ControlTotals(count + addenda, entry_hash, debit_minor, total - debit_minor)
        self._entries += count
        self._last_trace = traces[-1]
        self._has_payments = True
        return True

    def _have_allowed_amounts(
        self, transaction_codes: frozenset[int], amounts: Sequence[int]
    ) -> bool:
        """Tell whether all are payments, or all prenotes, of codes this batch may hold."""
        if transaction_codes <= self._money_codes:
            return min(amounts) > 0
        return transaction_codes <= self._prenote_codes and not any(amounts)

    def _ascend(self, traces: Sequence[str], odfi: str) -> bool:
        """Tell whether trace numbers ascend from the last one, all with the batch's ODFI."""
        are_of_odfi = traces[0].startswith(odfi) and traces[-1].startswith(odfi)
        is_next = are_of_odfi and traces[0] > self._last_trace
        return is_next and all(map(lt, traces, islice(traces, 1, None)))

    def add_entry(self, entry: NachaEntry, line: int) -> Iterator[Violation]:
        """Add one entry, and check it against its batch."""
        self._entries += 1
        self._totals += ControlTotals.of_entries((entry,))
        addendum = entry.return_or_change
        header = self._header
        if self._sec_code not in codes.UNPARSED_CLASSES:
            yield from self._category_violations(is_return=addendum is not None)
        if header is None:
            return
        yield from _service_class_violations(header.service_class, entry.transaction_code)
        if self._sec_code == "ADV" or addendum is not None:
            return
        required_codes = self._required_codes(header)
        if required_codes and entry.transaction_code not in required_codes:
            self._wrong_direction.append((line, self._entries))
        yield from self._trace_violations(entry.trace, header.odfi)
        self._last_trace = entry.trace

    def _category_violations(self, *, is_return: bool) -> Iterator[Violation]:
        was_mixed = self._has_payments and self._has_returns
        self._has_payments |= not is_return
        self._has_returns |= is_return
        if self._has_payments and self._has_returns and not was_mixed:
            message = "The batch holds payments and returns."
            yield Violation("mixed-categories", "Transaction code", message, ASK_SENDER)

    def _trace_violations(self, trace: str, odfi: str) -> Iterator[Violation]:
        if trace <= self._last_trace:
            message = f"{trace} does not come after {self._last_trace}."
            fix = "Number the entries of a batch upward, each number once."
            yield Violation("trace-order", "Trace number", message, fix)
        if not trace.startswith(odfi):
            message = f"{trace} does not begin with the batch's bank, {odfi}."
            fix = "Begin trace numbers with the ODFI identification of the batch header."
            yield Violation("trace-bank", "Trace number", message, fix)

    def direction_violations(self) -> Iterator[tuple[int, Violation]]:
        """Find, after the last entry, those whose direction the class does not allow.

        A single one that ends and balances the batch is the offset to the biller's own account.
        """
        header = self._header
        is_offset = (
            header is not None
            and header.service_class == _MIXED
            and len(self._wrong_direction) == 1
            and self._wrong_direction[0][1] == self._entries
            and self._totals.debit_minor == self._totals.credit_minor
        )
        if is_offset:
            return
        for line, _ in self._wrong_direction:
            message = f"A {self._sec_code} batch takes debits, and credits only to reverse them."
            fix = "Send credits to people as PPD and to companies as CCD."
            yield line, Violation("class-direction", "Transaction code", message, fix)


def _service_class_violations(service_class: int, transaction_code: int) -> Iterator[Violation]:
    is_debit = codes.is_debit(transaction_code)
    if service_class == _DEBITS_ONLY and not is_debit:
        kind = "credit"
    elif service_class == _CREDITS_ONLY and is_debit:
        kind = "debit"
    else:
        return
    message = f"{transaction_code} is a {kind}; the batch has service class {service_class}."
    fix = "Give a mixed batch service class 200."
    yield Violation("service-class-direction", "Transaction code", message, fix)


def total_violations(
    kind: str, stated: Mapping[str, int], counted: Mapping[str, int]
) -> Iterator[Violation]:
    """Compare a control record with the totals counted, as far as they could be counted."""
    for name, value in stated.items():
        if name in counted and value != counted[name]:
            yield Violation(
                f"{kind}-{name.lower().replace(' ', '-')}",
                name,
                f"The {kind} control says {value}, the records before it give {counted[name]}.",
                "The file is damaged or was cut: ask its sender for it again.",
            )
