"""The payments of one entry of a camt message, read while they come.

Source: ISO 20022, EntryTransaction; docs/bank-files.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from xml.etree.ElementTree import Element

from billfold.formats.iso20022 import remittance as remittances
from billfold.formats.iso20022 import values
from billfold.formats.iso20022.camt_records import Detail
from billfold.formats.iso20022.messages import Faults
from billfold.formats.iso20022.remittance import NOTHING, Remittance
from billfold.formats.iso20022.values import NOBODY, Amount, Fields, Party

MOST_PAYMENTS: Final = 1_000_000
"""In one entry; they are kept together, so their number is what memory holds."""

_SAID: Final = {True: "CRDT", False: "DBIT"}
_ONCE: Final = frozenset({"Refs", "Amt", "CdtDbtInd", "AmtDtls", "RmtInf", "RltdPties"})


class PaymentReader:
    """Read the TxDtls of an entry; those of an entry that is still coming in are let go."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._details: list[Detail] = []
        self._blocks = 0
        """NtryDtls that are done with."""
        self._in_block = 0
        """TxDtls done with of the one that is open."""

    def drain(self, entry: Element) -> bool:
        """Read what is complete of an entry that is not; the last child may always go on."""
        is_credit = values.text_at(entry, "CdtDbtInd") != "DBIT"
        blocks = entry.findall("NtryDtls")
        took = False
        for block in blocks[:-1]:
            took = self._read(list(block), is_credit) or took
            self._end_block()
            entry.remove(block)
        for block in blocks[-1:]:
            done = list(block)[:-1]
            took = self._read(done, is_credit) or took
            del block[: len(done)]
        return took

    def finish(
        self, blocks: Sequence[Element], amount: Amount | None, *, is_credit: bool
    ) -> tuple[Detail, ...]:
        """Read the rest of an entry that is whole, and give all its payments."""
        for block in blocks:
            self._read(list(block), is_credit)
            self._end_block()
        details = tuple(self._details)
        self._details, self._blocks = [], 0
        if amount and len(details) == 1 and details[0].amount_minor is None:
            minor, currency = amount.minor, amount.currency
            agrees = self._documents_agree(details[0].remittance, amount, "NtryDtls/TxDtls")
            filled = replace(
                details[0], amount_minor=minor, currency=currency, remittance_agrees=agrees
            )
            return (filled,)
        return details

    def _end_block(self) -> None:
        self._blocks += 1
        self._in_block = 0

    def _read(self, children: Sequence[Element], is_credit: bool) -> bool:
        for child in children:
            if child.tag == "TxDtls":
                self._in_block += 1
                if len(self._details) == MOST_PAYMENTS:
                    self._refuse()
                self._details.append(self._detail(child, is_credit))
        return bool(children)

    def _refuse(self) -> None:
        message = f"The entry holds more than {MOST_PAYMENTS:,} payments."
        fix = "Ask the bank to book them in several entries."
        self._faults.add("too-many-payments", self._leaf(), message, fix)
        self._faults.settle()

    def _leaf(self) -> str:
        block = f"NtryDtls[{self._blocks + 1}]" if self._blocks else "NtryDtls"
        return f"{block}/TxDtls[{self._in_block}]" if self._in_block > 1 else f"{block}/TxDtls"

    def _detail(self, element: Element, is_credit: bool) -> Detail:
        faults, leaf = self._faults, self._leaf()
        found = values.fields(element)
        if len(found) != len(element):
            self._check_repeats(element, leaf)
        if (direction := found.get("CdtDbtInd")) is not None and direction.text != _SAID[is_credit]:
            said = values.is_credit(direction, faults, f"{leaf}/CdtDbtInd")
            is_credit = is_credit if said is None else said
        amount = self._amount(found, leaf)
        named = values.references(found.get("Refs"))
        debtor, ultimate_debtor, creditor = _parties(found)
        told = NOTHING
        agrees = True
        if (information := found.get("RmtInf")) is not None:
            told = remittances.read(information, f"{leaf}/RmtInf", faults)
            agrees = amount is None or self._documents_agree(told, amount, leaf)
        returned = found.get("RtrInf")
        return Detail(
            amount.minor if amount else None,
            amount.currency if amount else "",
            is_credit,
            named,
            debtor,
            ultimate_debtor,
            creditor,
            told,
            agrees,
            _reason(returned) if returned is not None else "",
            values.text(found.get("AddtlTxInf")),
        )

    def _amount(self, found: Fields, leaf: str) -> Amount | None:
        """Read what the payment is: its Amt, which version 02 keeps below AmtDtls/TxAmt."""
        if (element := found.get("Amt")) is not None:
            return values.amount(element, f"{leaf}/Amt", self._faults)
        element = values.at(found.get("AmtDtls"), "TxAmt", "Amt")
        if element is None:
            return None
        return values.amount(element, f"{leaf}/AmtDtls/TxAmt/Amt", self._faults)

    def _documents_agree(self, told: Remittance, amount: Amount, leaf: str) -> bool:
        total_minor = told.total_minor(amount.currency)
        if total_minor is None or total_minor == amount.minor:
            return True
        message = f"The documents named add up to {total_minor}, the payment is {amount.minor}."
        fix = "Apply what is named as far as it goes; a person looks at the rest."
        self._faults.warn("remittance-sum", f"{leaf}/RmtInf", message, fix)
        return False

    def _check_repeats(self, element: Element, leaf: str) -> None:
        for tag in values.repeated(element) & _ONCE:
            self._faults.add("element-twice", f"{leaf}/{tag}[2]", f"There are two {tag}.")


def _parties(found: Fields) -> tuple[Party, str, Party]:
    """Read who pays, for whom, and who is paid."""
    related, agents = found.get("RltdPties"), found.get("RltdAgts")
    if related is None and agents is None:
        return NOBODY, "", NOBODY
    parties = {} if related is None else values.fields(related)
    if agents is not None:
        parties |= values.fields(agents)
    ultimate = parties.get("UltmtDbtr")
    return (
        _party(parties, "Dbtr", "DbtrAcct", "DbtrAgt"),
        "" if ultimate is None else values.name(ultimate),
        _party(parties, "Cdtr", "CdtrAcct", "CdtrAgt"),
    )


def _party(parties: Fields, role: str, account: str, agent: str) -> Party:
    if role in parties or account in parties or agent in parties:
        number = values.account_number(parties.get(account))
        return Party(values.name(parties.get(role)), number, values.bank(parties.get(agent)))
    return NOBODY


def _reason(returned: Element) -> str:
    reason = returned.find("Rsn")
    return "" if reason is None else values.below(reason, "Cd") or values.below(reason, "Prtry")
