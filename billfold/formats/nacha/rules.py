"""Nacha rules on entries, batches and totals, the same for reading and writing.

Source: Nacha Operating Rules, Appendix Three; docs/bank-files.md#nacha.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from operator import lt
from typing import Final

from billfold.formats.nacha import codes
from billfold.formats.nacha.findings import ASK_SENDER, Violation
from billfold.formats.nacha.records import (
    HASH_MODULUS,
    ZERO_TOTALS,
    Addendum,
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
_CODES_WITH_OTHER_DATA: Final = frozenset({"C01", "C04", "C06", "C09"})
_CODES_WITH_DATA: Final = _CODES_WITH_OTHER_DATA | _CODES_WITH_ROUTING_NUMBER | {"C05"}
_MONEY_CODES: Final = (
    codes.TRANSACTION_CODES - codes.ZERO_AMOUNT_CODES - codes.RETURN_TRANSACTION_CODES
)
_PERSON_LOOKS: Final = "Nothing follows from the entry by itself; a person looks at it."
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
        yield from _return_violations(entry, sec_code, addendum)
    elif code in codes.RETURN_TRANSACTION_CODES:
        # One that cannot be read is reported already.
        if not any(isinstance(a, OtherAddendum) and a.type_code == "99" for a in entry.addenda):
            message = "A return must carry an addendum of type 99."
            yield Violation("addenda-type", "Addenda indicator", message, _PERSON_LOOKS)
    else:
        yield from _forward_violations(entry, sec_code)
        if entry.addenda or code in codes.REMITTANCE_CODES:
            yield from _addenda_violations(entry, sec_code)


def clear_reply(entry: NachaEntry, sec_code: str) -> ReturnOrChange | None:
    """Return the return or change of an entry, unless its meaning is in doubt.

    A return may keep the payment addenda of what it returns; a change stands in COR, alone and
    without an amount.
    """
    reply = entry.return_or_change
    if sec_code in codes.UNPARSED_CLASSES:
        return reply
    others = _other_addenda(entry)
    if sec_code == codes.CHANGE_CLASS:
        is_clear = isinstance(reply, ChangeAddendum) and len(others) == 1 and not entry.amount_minor
    else:
        is_clear = all(isinstance(each, ReturnOrChange) for each in others) and not any(
            isinstance(each, ChangeAddendum) for each in others
        )
    return reply if is_clear else None


def _other_addenda(entry: NachaEntry) -> list[Addendum]:
    """List the addenda but for those that came with the payment, readable or not."""
    return [each for each in entry.addenda if not _is_payment_addendum(each)]


def _is_payment_addendum(addendum: Addendum) -> bool:
    if isinstance(addendum, OtherAddendum):
        return addendum.type_code == "05"
    return isinstance(addendum, PaymentAddendum)


def _change_violations(entry: NachaEntry, addendum: ReturnOrChange | None) -> Iterator[Violation]:
    if not isinstance(addendum, ChangeAddendum) or len(_other_addenda(entry)) != 1:
        message = "A COR entry must carry one addendum of type 98."
        yield Violation("change-entry", "Addenda indicator", message, _PERSON_LOOKS)
    if entry.amount_minor:
        yield Violation("change-entry", "Amount", "A COR entry has an amount.", _PERSON_LOOKS)
    if isinstance(addendum, ChangeAddendum):
        yield from _corrected_data_violations(addendum.code, addendum.corrected)


def _corrected_data_violations(code: str, corrected: str) -> Iterator[Violation]:
    """Check the code and the corrected data of a change; no message quotes the data."""
    fix = "Look at what the bank sent; nothing is changed by itself."
    if code not in codes.CHANGE_CODES | codes.REFUSED_CHANGE_CODES:
        yield Violation("change-code", "", f"{code} is not a change code.", fix)
    if code in _CODES_WITH_DATA and not corrected.strip():
        yield Violation("corrected-data", "", f"{code} comes without corrected data.", fix)
    elif code in _CODES_WITH_ROUTING_NUMBER and not is_routing_number(corrected.strip()[:9]):
        message = f"The corrected data of {code} does not begin with a routing number."
        yield Violation("corrected-data", "", message, fix)
    elif code == "C05" and corrected[:2] not in _TRANSACTION_CODES:
        message = "The corrected data of C05 does not begin with a transaction code."
        yield Violation("corrected-data", "", message, fix)


def are_sound_changes(change_codes: Sequence[str], corrected: Sequence[str]) -> bool:
    """Tell whether codes and corrected data of changes break no rule."""
    if _CODES_WITH_OTHER_DATA.issuperset(change_codes):
        return all(map(str.strip, corrected))
    changes = zip(change_codes, corrected, strict=True)
    return not any(violation for each in changes for violation in _corrected_data_violations(*each))


_TRANSACTION_CODES: Final = frozenset(f"{code:02d}" for code in codes.TRANSACTION_CODES)


def _return_violations(
    entry: NachaEntry, sec_code: str, addendum: ReturnOrChange
) -> Iterator[Violation]:
    if clear_reply(entry, sec_code) is None:
        message = "Addenda of type 98 belong to COR; with those of type 99 stand only those of 05."
        yield Violation("addenda-type", "Addenda indicator", message, _PERSON_LOOKS)
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
    elif not entry.amount_minor:
        message = f"An entry with code {code} has no amount."
        yield Violation("amount-zero", "Amount", message, "Write the amount in cents, above zero.")
    if not entry.account_number.strip("0 "):
        message = "The account number is blank or zeros."
        yield Violation("account-number", "Account number", message, "Write the account number.")
    if sec_code in codes.CONSUMER_CLASSES and not entry.name.strip("0 "):
        message = f"A {sec_code} entry names nobody."
        yield Violation("name", "Name", message, "Write the name of the account holder.")


def _addenda_violations(entry: NachaEntry, sec_code: str) -> Iterator[Violation]:
    payments = sum(map(_is_payment_addendum, entry.addenda))
    most = codes.MOST_PAYMENT_ADDENDA.get(sec_code)
    if most is not None and payments > most:
        message = f"{payments} payment addenda, but {sec_code} allows {most}."
        yield Violation("addenda-count", "Addenda indicator", message, "Leave the others out.")
    if most is not None and payments < len(entry.addenda):
        message = f"{sec_code} entries carry addenda of type 05 only."
        yield Violation("addenda-type", "Addenda indicator", message, "Leave the others out.")
    is_remittance = entry.transaction_code in codes.REMITTANCE_CODES
    is_acknowledgement = sec_code in codes.ACKNOWLEDGEMENT_CLASSES
    if is_remittance and not is_acknowledgement and not (payments and sec_code in ("CCD", "CTX")):
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
        if debit_minor is None:
            debit_minor = sum(amounts) if transaction_codes <= codes.DEBIT_CODES else 0
        self._add(banks, amounts, debit_minor, addenda)
        self._last_trace = traces[-1]
        self._has_payments = True
        return True

    def add_answers_if_sound(
        self,
        transaction_codes: frozenset[int],
        routing_numbers: Sequence[str],
        amounts: Sequence[int],
        debit_minor: int,
    ) -> bool:
        """Add returns or changes with an addendum each, if they certainly break no rule.

        They keep the trace numbers of whoever sends them, which nothing is said about here.
        """
        header, banks = self._header, Counter(routing_numbers)
        is_sound = (
            header is not None
            and transaction_codes <= codes.TRANSACTION_CODES
            and not self._has_payments
            and not any(_service_class_violations(header.service_class, transaction_codes))
            and all(map(is_routing_number, banks))
        )
        if is_sound:
            self._add(banks, amounts, debit_minor, addenda=len(amounts))
            self._has_returns = True
        return is_sound

    def _add(
        self, banks: Counter[str], amounts: Sequence[int], debit_minor: int, addenda: int
    ) -> None:
        entry_hash = sum(int(bank[:8]) * count for bank, count in banks.items()) % HASH_MODULUS
        credit_minor = sum(amounts) - debit_minor
        records = len(amounts) + addenda
        self._totals += ControlTotals(records, entry_hash, debit_minor, credit_minor)
        self._entries += len(amounts)

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
        header = self._header
        if self._sec_code not in codes.UNPARSED_CLASSES:
            yield from self._category_violations(is_return=entry.is_answer)
        if header is None:
            return
        yield from _service_class_violations(header.service_class, {entry.transaction_code})
        if self._sec_code == "ADV" or entry.is_answer:
            return
        required_codes = self._required_codes(header)
        if required_codes and entry.transaction_code not in required_codes:
            self._wrong_direction.append((line, self._entries))
        if entry.trace.isdigit():
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


def _service_class_violations(
    service_class: int, transaction_codes: Collection[int]
) -> Iterator[Violation]:
    for code in transaction_codes:
        is_debit = codes.is_debit(code)
        if service_class == (_CREDITS_ONLY if is_debit else _DEBITS_ONLY):
            kind = "debit" if is_debit else "credit"
            message = f"{code} is a {kind}; the batch has service class {service_class}."
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
