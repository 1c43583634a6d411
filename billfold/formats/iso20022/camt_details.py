"""The payments of one entry of a camt message, read while the message is parsed.

Source: ISO 20022, EntryTransaction; docs/bank-files.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from xml.etree.ElementTree import Element

from billfold.formats.iso20022 import remittance as remittances
from billfold.formats.iso20022 import values
from billfold.formats.iso20022.camt_records import CamtDetail
from billfold.formats.iso20022.path_findings import PathFindings
from billfold.formats.iso20022.remittance import NOTHING, RemittanceInformation
from billfold.formats.iso20022.values import NOBODY, Amount, Children, Party

MOST_PAYMENTS: Final = 1_000_000
"""In one entry; all of them are held in memory at once."""

_DIRECTIONS: Final = {True: "CRDT", False: "DBIT"}
_ONCE: Final = frozenset({"Refs", "Amt", "CdtDbtInd", "AmtDtls", "RmtInf", "RltdPties"})


class CamtDetailReader:
    """Reads the TxDtls of entries, and removes those it has read from an incomplete entry."""

    def __init__(self, findings: PathFindings) -> None:
        self._findings = findings
        self._details: list[CamtDetail] = []
        self._blocks_read = 0
        """NtryDtls read to their end."""
        self._read_in_block = 0
        """TxDtls read of the NtryDtls that is open."""

    def consume_complete(self, entry: Element) -> bool:
        """Read and remove the complete payments of an entry; its last child may be incomplete.

        Tells whether any were removed.
        """
        is_credit = values.text_at(entry, "CdtDbtInd") != "DBIT"
        blocks = entry.findall("NtryDtls")
        has_removed = False
        for block in blocks[:-1]:
            has_removed = self._read(list(block), is_credit) or has_removed
            self._end_block()
            entry.remove(block)
        for block in blocks[-1:]:
            complete = list(block)[:-1]
            has_removed = self._read(complete, is_credit) or has_removed
            del block[: len(complete)]
        return has_removed

    def finish(
        self, blocks: Sequence[Element], amount: Amount | None, *, is_credit: bool
    ) -> tuple[CamtDetail, ...]:
        """Read the remaining payments of a complete entry, and return all of them."""
        for block in blocks:
            self._read(list(block), is_credit)
            self._end_block()
        details = tuple(self._details)
        self._details, self._blocks_read = [], 0
        if amount and len(details) == 1 and details[0].amount_minor is None:
            minor, currency = amount.minor, amount.currency
            agrees = self._documents_agree(details[0].remittance, amount, "NtryDtls/TxDtls")
            detail = replace(
                details[0], amount_minor=minor, currency=currency, remittance_agrees=agrees
            )
            return (detail,)
        return details

    def _end_block(self) -> None:
        self._blocks_read += 1
        self._read_in_block = 0

    def _read(self, children: Sequence[Element], is_credit: bool) -> bool:
        for child in children:
            if child.tag == "TxDtls":
                self._read_in_block += 1
                if len(self._details) == MOST_PAYMENTS:
                    self._refuse_for_number()
                self._details.append(self._detail(child, is_credit))
        return bool(children)

    def _refuse_for_number(self) -> None:
        message = f"The entry holds more than {MOST_PAYMENTS:,} payments."
        fix = "Ask the bank to book them in several entries."
        self._findings.add("too-many-payments", self._current_path(), message, fix)
        self._findings.conclude()

    def _current_path(self) -> str:
        block = f"NtryDtls[{self._blocks_read + 1}]" if self._blocks_read else "NtryDtls"
        return (
            f"{block}/TxDtls[{self._read_in_block}]"
            if self._read_in_block > 1
            else f"{block}/TxDtls"
        )

    def _detail(self, element: Element, is_credit: bool) -> CamtDetail:
        findings, path = self._findings, self._current_path()
        children = values.children_by_name(element)
        if len(children) != len(element):
            self._report_repeated(element, path)
        direction = children.get("CdtDbtInd")
        if direction is not None and direction.text != _DIRECTIONS[is_credit]:
            stated_credit = values.is_credit(direction, findings, f"{path}/CdtDbtInd")
            is_credit = is_credit if stated_credit is None else stated_credit
        amount = self._amount(children, path)
        references = values.references(children.get("Refs"))
        debtor, ultimate_debtor, creditor = _parties(children)
        remittance = NOTHING
        agrees = True
        if (information := children.get("RmtInf")) is not None:
            remittance = remittances.read(information, f"{path}/RmtInf", findings)
            agrees = amount is None or self._documents_agree(remittance, amount, path)
        return_information = children.get("RtrInf")
        return CamtDetail(
            amount.minor if amount else None,
            amount.currency if amount else "",
            is_credit,
            references,
            debtor,
            ultimate_debtor,
            creditor,
            remittance,
            agrees,
            _return_code(return_information) if return_information is not None else "",
            values.text(children.get("AddtlTxInf")),
        )

    def _amount(self, children: Children, path: str) -> Amount | None:
        """Read the amount of a payment: its Amt, which version 02 has below AmtDtls/TxAmt."""
        if (element := children.get("Amt")) is not None:
            return values.amount(element, f"{path}/Amt", self._findings)
        element = values.element_at(children.get("AmtDtls"), "TxAmt", "Amt")
        if element is None:
            return None
        return values.amount(element, f"{path}/AmtDtls/TxAmt/Amt", self._findings)

    def _documents_agree(
        self, remittance: RemittanceInformation, amount: Amount, path: str
    ) -> bool:
        """Tell whether the documents add up to the payment, and warn if they do not."""
        total_minor = remittance.total_minor(amount.currency)
        if total_minor is None or total_minor == amount.minor:
            return True
        message = f"The documents named add up to {total_minor}, the payment is {amount.minor}."
        fix = "Apply what is named as far as it goes; a person looks at the rest."
        self._findings.warn("remittance-sum", f"{path}/RmtInf", message, fix)
        return False

    def _report_repeated(self, element: Element, path: str) -> None:
        for tag in values.repeated_names(element) & _ONCE:
            self._findings.add("element-twice", f"{path}/{tag}[2]", f"There are two {tag}.")


def _parties(children: Children) -> tuple[Party, str, Party]:
    """Read debtor, name of the ultimate debtor, and creditor."""
    related, agents = children.get("RltdPties"), children.get("RltdAgts")
    if related is None and agents is None:
        return NOBODY, "", NOBODY
    parties = {} if related is None else values.children_by_name(related)
    if agents is not None:
        parties |= values.children_by_name(agents)
    ultimate = parties.get("UltmtDbtr")
    return (
        _party(parties, "Dbtr", "DbtrAcct", "DbtrAgt"),
        "" if ultimate is None else values.party_name(ultimate),
        _party(parties, "Cdtr", "CdtrAcct", "CdtrAgt"),
    )


def _party(parties: Children, role: str, account: str, agent: str) -> Party:
    if role in parties or account in parties or agent in parties:
        number = values.account_number(parties.get(account))
        return Party(
            values.party_name(parties.get(role)), number, values.agent_bank(parties.get(agent))
        )
    return NOBODY


def _return_code(return_information: Element) -> str:
    reason = return_information.find("Rsn")
    if reason is None:
        return ""
    return values.child_text(reason, "Cd") or values.child_text(reason, "Prtry")
