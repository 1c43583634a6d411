"""The entries of a camt message.

Source: ISO 20022, ReportEntry; docs/bank-files.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

from billfold.formats.bai2 import type_codes
from billfold.formats.bai2.type_codes import Direction
from billfold.formats.iso20022 import values
from billfold.formats.iso20022.camt_details import CamtDetailReader
from billfold.formats.iso20022.camt_records import CamtDetail, CamtEntry, CamtStatus
from billfold.formats.iso20022.path_findings import PathFindings
from billfold.formats.iso20022.values import Amount, Children

_STATUSES: Final = {str(status): status for status in CamtStatus}
_direction = lru_cache(maxsize=1_024)(type_codes.direction)
_TRUTH: Final = {"true": True, "1": True, "false": False, "0": False}
_ONCE: Final = frozenset({"Amt", "CdtDbtInd", "Sts", "RvslInd", "BookgDt", "ValDt"})
"""Elements that may occur once: two of them contradict each other, or the file is damaged."""


class CamtEntryReader:
    """Reads entries; findings are noted below the element the reader of the message is at."""

    def __init__(self, findings: PathFindings, zone: tzinfo) -> None:
        self._findings = findings
        self._zone = zone
        self._detail_reader = CamtDetailReader(findings)

    def consume_complete(self, element: Element) -> bool:
        """Read and remove the complete payments of an incomplete entry; tell if there were any."""
        return self._detail_reader.consume_complete(element)

    def amount(self, children: Children) -> Amount | None:
        """Read the Amt of an element; note an error if there is none."""
        if (element := children.get("Amt")) is not None:
            return values.amount(element, "Amt", self._findings)
        self._findings.add("amount", "Amt", "There is no amount.")
        return None

    def read(self, element: Element, number: int) -> CamtEntry | None:
        """Read a complete entry; None if its amount, direction or status could not be read."""
        findings, zone = self._findings, self._zone
        children = values.children_by_name(element)
        blocks = [children["NtryDtls"]] if "NtryDtls" in children else []
        if len(children) != len(element):
            blocks = element.findall("NtryDtls")
            for tag in values.repeated_names(element) & _ONCE:
                findings.add("element-twice", f"{tag}[2]", f"There are two {tag} in an entry.")
        amount = self.amount(children)
        is_credit = values.is_credit(children.get("CdtDbtInd"), findings)
        status = self._status(children.get("Sts"))
        is_reversal = "RvslInd" in children and self._is_reversal(children["RvslInd"])
        booked_date = values.day(children.get("BookgDt"), "BookgDt", findings, zone)
        value_date = values.day(children.get("ValDt"), "ValDt", findings, zone)
        details = self._detail_reader.finish(blocks, amount, is_credit=is_credit is not False)
        if amount is None or is_credit is None or status is None:
            return None
        codes = children.get("BkTxCd")
        bank_code, bai_code, own_code = ("", "", "") if codes is None else _codes(codes)
        if bai_code and not is_reversal:
            self._check_direction(bai_code, is_credit)
        return CamtEntry(
            number,
            amount.minor,
            amount.currency,
            is_credit,
            status,
            is_reversal,
            booked_date,
            value_date,
            values.text(children.get("NtryRef")),
            values.reference(children.get("AcctSvcrRef")),
            bank_code,
            bai_code,
            own_code,
            details,
            not details or self._agrees(amount, is_credit, details),
            values.text(children.get("AddtlNtryInf")),
        )

    def _status(self, element: Element | None) -> CamtStatus | None:
        """Read a status: text up to version 07, a code below it from 08 on."""
        code = values.text(element) or values.text_at(element, "Cd")
        status = _STATUSES.get(code)
        if status is None:
            message = "The status of the entry is not BOOK, PDNG, INFO or FUTR."
            self._findings.add("entry-status", "Sts", message)
        return status

    def _is_reversal(self, element: Element) -> bool:
        truth = _TRUTH.get(values.text(element))
        if truth is None:
            self._findings.add(
                "reversal", "RvslInd", "The reversal indicator is not true or false."
            )
        return bool(truth)

    def _check_direction(self, bai_code: str, is_credit: bool) -> None:
        if _direction(bai_code) is (Direction.DEBIT if is_credit else Direction.CREDIT):
            message = "The BAI code and the credit or debit indicator say opposite things."
            fix = "Ask the bank which is right; the indicator is followed."
            self._findings.warn("bai-direction", "BkTxCd/Prtry/Cd", message, fix)

    def _agrees(self, amount: Amount, is_credit: bool, details: Sequence[CamtDetail]) -> bool:
        """Tell whether the payments add up to the entry, and warn if they do not."""
        total_minor, is_known = 0, True
        for detail in details:
            if detail.amount_minor is None or detail.currency != amount.currency:
                is_known = False
                break
            is_same_direction = detail.is_credit is is_credit
            total_minor += detail.amount_minor if is_same_direction else -detail.amount_minor
        if is_known and total_minor == amount.minor:
            return True
        message = (
            f"The payments in the entry add up to {total_minor}, the entry is {amount.minor}."
            if is_known
            else "A payment in the entry has no amount, or one in another currency."
        )
        fix = "The entry counts as one receipt that nobody has identified; ask the bank."
        self._findings.warn("details-sum", "NtryDtls", message, fix)
        return False


def _codes(element: Element) -> tuple[str, str, str]:
    """Read the domain code, the BAI code and the bank's own code of an entry.

    Source: BAI type codes where the issuer is BAI; docs/bank-files.md.
    """
    domain, own = element.find("Domn"), element.find("Prtry")
    family = None if domain is None else domain.find("Fmly")
    return _classified_codes(
        "" if domain is None else domain.findtext("Cd", ""),
        "" if family is None else family.findtext("Cd", ""),
        "" if family is None else family.findtext("SubFmlyCd", ""),
        "" if own is None else own.findtext("Cd", ""),
        "" if own is None else own.findtext("Issr", ""),
    )


@lru_cache(maxsize=1_024)
def _classified_codes(
    domain: str, family: str, sub_family: str, own: str, issuer: str
) -> tuple[str, str, str]:
    """Join the domain code; take the bank's own code for one of BAI if its issuer is BAI."""
    bank_code = "/".join(filter(None, map(str.strip, (domain, family, sub_family))))
    code = own.strip()
    is_bai = "BAI" in issuer.upper() and _direction(code) is not Direction.UNKNOWN
    return bank_code, code if is_bai else "", code
