"""One entry of a camt message.

Source: ISO 20022, ReportEntry; docs/bank-files.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

from billfold.formats.bai2 import type_codes
from billfold.formats.bai2.type_codes import Direction
from billfold.formats.iso20022 import values
from billfold.formats.iso20022.camt_payments import PaymentReader
from billfold.formats.iso20022.camt_records import Detail, Entry, Status
from billfold.formats.iso20022.messages import Faults
from billfold.formats.iso20022.values import Amount, Fields

_STATUSES: Final = {str(status): status for status in Status}
_direction = lru_cache(maxsize=1_024)(type_codes.direction)
_TRUTH: Final = {"true": True, "1": True, "false": False, "0": False}
_ONCE: Final = frozenset({"Amt", "CdtDbtInd", "Sts", "RvslInd", "BookgDt", "ValDt"})
"""Two of these contradict each other, or the file is damaged."""


class EntryReader:
    """Read entries, noting faults below the place where the reader of the message stands."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._payments = PaymentReader(faults)

    def drain(self, element: Element) -> bool:
        """Let go what is complete of an entry that is not."""
        return self._payments.drain(element)

    def amount(self, found: Fields) -> Amount | None:
        """Read the Amt of an element; noted if there is none."""
        if (element := found.get("Amt")) is not None:
            return values.amount(element, "Amt", self._faults)
        self._faults.add("amount", "Amt", "There is no amount.")
        return None

    def read(self, element: Element, number: int) -> Entry | None:
        """Read an entry that is whole; absent if its amount, direction or status is not sound."""
        faults = self._faults
        found = values.fields(element)
        blocks = [found["NtryDtls"]] if "NtryDtls" in found else []
        if len(found) != len(element):
            blocks = element.findall("NtryDtls")
            for tag in values.repeated(element) & _ONCE:
                faults.add("element-twice", f"{tag}[2]", f"There are two {tag} in an entry.")
        amount = self.amount(found)
        is_credit = values.is_credit(found.get("CdtDbtInd"), faults)
        status = self._status(found.get("Sts"))
        is_reversal = "RvslInd" in found and self._is_reversal(found["RvslInd"])
        booked_date = values.day(found.get("BookgDt"), "BookgDt", faults)
        value_date = values.day(found.get("ValDt"), "ValDt", faults)
        details = self._payments.finish(blocks, amount, is_credit=is_credit is not False)
        if amount is None or is_credit is None or status is None:
            return None
        codes = found.get("BkTxCd")
        bank_code, bai_code, own_code = ("", "", "") if codes is None else _codes(codes)
        if bai_code and not is_reversal:
            self._compare_direction(bai_code, is_credit)
        return Entry(
            number,
            amount.minor,
            amount.currency,
            is_credit,
            status,
            is_reversal,
            booked_date,
            value_date,
            values.text(found.get("NtryRef")),
            values.reference(found.get("AcctSvcrRef")),
            bank_code,
            bai_code,
            own_code,
            details,
            not details or self._agrees(amount, is_credit, details),
            values.text(found.get("AddtlNtryInf")),
        )

    def _status(self, element: Element | None) -> Status | None:
        """Read a status: text up to version 07, a code below it from 08 on."""
        said = values.text(element) or values.text_at(element, "Cd")
        status = _STATUSES.get(said)
        if status is None:
            message = "The status of the entry is not BOOK, PDNG, INFO or FUTR."
            self._faults.add("entry-status", "Sts", message)
        return status

    def _is_reversal(self, element: Element) -> bool:
        truth = _TRUTH.get(values.text(element))
        if truth is None:
            self._faults.add("reversal", "RvslInd", "The reversal indicator is not true or false.")
        return bool(truth)

    def _compare_direction(self, bai_code: str, is_credit: bool) -> None:
        if _direction(bai_code) is (Direction.DEBIT if is_credit else Direction.CREDIT):
            message = "The BAI code and the credit or debit indicator say opposite things."
            fix = "Ask the bank which is right; the indicator is followed."
            self._faults.warn("bai-direction", "BkTxCd/Prtry/Cd", message, fix)

    def _agrees(self, amount: Amount, is_credit: bool, details: Sequence[Detail]) -> bool:
        """Compare an entry with its payments."""
        total_minor, is_known = 0, True
        for detail in details:
            if detail.amount_minor is None or detail.currency != amount.currency:
                is_known = False
                break
            same = detail.is_credit is is_credit
            total_minor += detail.amount_minor if same else -detail.amount_minor
        if is_known and total_minor == amount.minor:
            return True
        message = (
            f"The payments in the entry add up to {total_minor}, the entry is {amount.minor}."
            if is_known
            else "A payment in the entry has no amount, or one in another currency."
        )
        fix = "The entry counts as one receipt that nobody has identified; ask the bank."
        self._faults.warn("details-sum", "NtryDtls", message, fix)
        return False


def _codes(element: Element) -> tuple[str, str, str]:
    """Read the domain code, the BAI code and the bank's own code of an entry.

    Source: BAI type codes where the issuer is BAI; docs/bank-files.md.
    """
    domain, own = element.find("Domn"), element.find("Prtry")
    family = None if domain is None else domain.find("Fmly")
    return _told_apart(
        "" if domain is None else domain.findtext("Cd", ""),
        "" if family is None else family.findtext("Cd", ""),
        "" if family is None else family.findtext("SubFmlyCd", ""),
        "" if own is None else own.findtext("Cd", ""),
        "" if own is None else own.findtext("Issr", ""),
    )


@lru_cache(maxsize=1_024)
def _told_apart(
    domain: str, family: str, sub_family: str, own: str, issuer: str
) -> tuple[str, str, str]:
    bank_code = "/".join(filter(None, map(str.strip, (domain, family, sub_family))))
    code = own.strip()
    is_bai = "BAI" in issuer.upper() and _direction(code) is not Direction.UNKNOWN
    return bank_code, code if is_bai else "", code
