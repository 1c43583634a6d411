"""Wires and instant credits as banks pass them on: pacs.008, with or without its envelope.

Fedwire and FedNow put the message, and a business application header beside it, in an envelope of
their own; only the Document in it is read.

Source: ISO 20022, FIToFICustomerCreditTransfer; Federal Reserve Banks, Fedwire Funds Service and
FedNow Service ISO 20022 implementation; docs/bank-files.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final
from xml.etree.ElementTree import Element

from billfold.formats.iso20022 import remittance as remittances
from billfold.formats.iso20022 import values
from billfold.formats.iso20022.messages import Faults, Intake
from billfold.formats.iso20022.remittance import NOTHING, Remittance
from billfold.formats.iso20022.values import Amount, Fields, Party
from billfold.formats.problems import Problem

FIRST_VERSION: Final = "02"
LATEST_VERSION: Final = "13"

_MESSAGE: Final = "pacs.008"
_BODY: Final = "FIToFICstmrCdtTrf"
_TRANSFER: Final = "CdtTrfTxInf"
_ONCE: Final = frozenset({"PmtId", "IntrBkSttlmAmt", "InstdAmt", "IntrBkSttlmDt", "RmtInf"})
_COUNT: Final = re.compile(r"[0-9]{1,15}")
_UETR: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_IMAD: Final = re.compile(r"([0-9]{8})([A-Z0-9]{8})([0-9]{6})")


@dataclass(frozen=True, slots=True)
class Transfer:
    """One payment that arrived."""

    amount_minor: int
    """What arrived: the interbank settlement amount."""
    currency: str
    settlement_date: date | None
    instructed_minor: int | None
    """What the payer sent, before charges and exchange."""
    instructed_currency: str
    charges_minor: int
    """Charges stated in the currency of the amount."""
    charge_bearer: str
    end_to_end_id: str
    instruction_id: str
    transaction_id: str
    uetr: str
    clearing_reference: str
    debtor: Party
    ultimate_debtor: str
    creditor: Party
    remittance: Remittance
    related_remittance: tuple[str, ...]
    """Names of advice that is sent elsewhere."""

    @property
    def payer(self) -> str:
        """Name who pays; it may be a parent, a factor or a bank in between."""
        return self.debtor.name or self.ultimate_debtor

    @property
    def short_minor(self) -> int:
        """How much less arrived than was sent, where both are in one currency."""
        if self.instructed_minor is None or self.instructed_currency != self.currency:
            return 0
        return self.instructed_minor - self.amount_minor


@dataclass(frozen=True, slots=True)
class Document:
    """One pacs.008 message, all of it read."""

    version: str
    message_id: str
    created_date: date | None
    settlement_method: str
    clearing_system: str
    """FDW for Fedwire, FDN for FedNow."""
    transfers: tuple[Transfer, ...]
    warnings: tuple[Problem, ...] = field(default=(), compare=False)

    @property
    def imad(self) -> tuple[str, str, str] | None:
        """Split a message id that is an IMAD: day, source, sequence."""
        match = _IMAD.fullmatch(self.message_id)
        return (match[1], match[2], match[3]) if match else None

    def summary(self) -> dict[str, int | str]:
        """Count the payments; the sum is left out where currencies differ."""
        found: dict[str, int | str] = {
            "message": f"{_MESSAGE}.{self.version}".rstrip("."),
            "entries": len(self.transfers),
        }
        currencies = sorted({each.currency for each in self.transfers})
        if len(currencies) <= 1:
            found["debit_minor"] = 0
            found["credit_minor"] = sum(each.amount_minor for each in self.transfers)
        return found | {"currency": " ".join(currencies)}


def read(content: bytes) -> Document:
    """Read a pacs.008 message, all of it or none.

    Raises: Unreadable with every problem found, and nothing else, whatever the bytes.
    """
    return _Reader(content).read()


class _Reader:
    def __init__(self, content: bytes) -> None:
        self._faults = Faults(content, lambda: self._path)
        self._intake = Intake(content, self._faults, self._take)
        self._path = ""
        self._header: Element | None = None
        self._is_begun = False
        self._seen = 0
        self._transfers: list[Transfer] = []
        self._uetrs: set[str] = set()
        self._is_sound = True

    def read(self) -> Document:
        """Read to the end, compare with the header, and settle what was found."""
        self._intake.run()
        if not self._is_begun:
            self._refuse_body("")
        self._path = f"{_BODY}/GrpHdr"
        header = self._header
        if header is None:
            self._path = _BODY
            self._faults.add("no-header", "", "The message has no GrpHdr.")
        else:
            self._prove(header)
            if not self._seen:
                self._faults.add("no-transfer", "", "The message has no payment in it.")
        settlement = values.at(header, "SttlmInf")
        document = Document(
            version=self._intake.message.version,
            message_id=values.text_at(header, "MsgId"),
            created_date=values.day(values.at(header, "CreDtTm"), "CreDtTm", self._faults),
            settlement_method=values.text_at(settlement, "SttlmMtd"),
            clearing_system=values.text_at(settlement, "ClrSys", "Cd"),
            transfers=tuple(self._transfers),
        )
        return replace(document, warnings=self._faults.settle())

    def _take(self, document: Element, is_whole: bool) -> bool:
        """Read the payments that are complete, and let them go."""
        if not len(document):
            return False
        body = document[0]
        if not self._is_begun:
            self._begin(body)
        children = list(body)
        done = children if is_whole else children[:-1]
        for child in done:
            if child.tag == _TRANSFER:
                self._seen += 1
                number = f"[{self._seen}]" if self._seen > 1 else ""
                self._path = f"{_BODY}/{_TRANSFER}{number}"
                self._transfer(child)
            elif child.tag == "GrpHdr":
                self._header = child
        del body[: len(done)]
        return bool(done)

    def _begin(self, body: Element) -> None:
        self._is_begun = True
        message = self._intake.message
        if body.tag != _BODY:
            self._refuse_body(message.name or body.tag[:40])
        self._path = _BODY
        if message.name and message.name != _MESSAGE:
            text = f"The namespace says {message.name}, the content is a {_MESSAGE}."
            self._faults.add("message-mismatch", "", text)
        elif not FIRST_VERSION <= message.version <= LATEST_VERSION:
            said = f"version {message.version}" if message.version else "no version we can read"
            text = f"The namespace says {said}; known are {FIRST_VERSION} to {LATEST_VERSION}."
            fix = "Compare the first payment with what the bank shows."
            self._faults.warn("version", "", text, fix)

    def _refuse_body(self, name: str) -> None:
        is_what = f"The file is a {name} message, not" if name else "The file is not"
        fix = "Ask the bank for pacs.008, or give the file where it belongs."
        self._path = ""
        self._faults.add("not-pacs008", "", f"{is_what} a pacs.008 credit transfer.", fix)
        self._faults.settle()

    def _transfer(self, element: Element) -> None:
        faults, found = self._faults, values.fields(element)
        for tag in values.repeated(element) & _ONCE if len(found) != len(element) else ():
            faults.add("element-twice", f"{tag}[2]", f"There are two {tag} in a payment.")
        amount = self._amount(found, "IntrBkSttlmAmt")
        if "IntrBkSttlmAmt" not in found:
            faults.add("amount", "IntrBkSttlmAmt", "There is no interbank settlement amount.")
        instructed = self._amount(found, "InstdAmt")
        day = found.get("IntrBkSttlmDt")
        if day is None:
            day = values.at(self._header, "IntrBkSttlmDt")
        settlement_date = values.day(day, "IntrBkSttlmDt", faults)
        named = dict(values.references(found.get("PmtId")))
        told = found.get("RmtInf")
        remittance = NOTHING if told is None else remittances.read(told, "RmtInf", faults)
        uetr = named.get("UETR", "").lower()
        if amount is None:
            self._is_sound = False
            return
        charges = [values.at(each, "Amt") for each in element.findall("ChrgsInf")]
        transfer = Transfer(
            amount_minor=amount.minor,
            currency=amount.currency,
            settlement_date=settlement_date,
            instructed_minor=instructed.minor if instructed else None,
            instructed_currency=instructed.currency if instructed else "",
            charges_minor=self._charges(charges, amount.currency),
            charge_bearer=values.text(found.get("ChrgBr")),
            end_to_end_id=named.get("EndToEndId", ""),
            instruction_id=named.get("InstrId", ""),
            transaction_id=named.get("TxId", ""),
            uetr=uetr,
            clearing_reference=named.get("ClrSysRef", ""),
            debtor=_party(found, "Dbtr"),
            ultimate_debtor=values.name(found.get("UltmtDbtr")),
            creditor=_party(found, "Cdtr"),
            remittance=remittance,
            related_remittance=tuple(
                values.text_at(each, "RmtId") for each in element.findall("RltdRmtInf")
            ),
        )
        self._warn_of_oddities(transfer)
        self._transfers.append(transfer)

    def _amount(self, found: Fields, name: str) -> Amount | None:
        element = found.get(name)
        return None if element is None else values.amount(element, name, self._faults)

    def _charges(self, charges: list[Element | None], currency: str) -> int:
        total_minor = 0
        for number, element in enumerate(charges, 1):
            if element is not None:
                leaf = f"ChrgsInf[{number}]/Amt" if number > 1 else "ChrgsInf/Amt"
                amount = values.amount(element, leaf, self._faults)
                if amount and amount.currency == currency:
                    total_minor += amount.minor
        return total_minor

    def _warn_of_oddities(self, transfer: Transfer) -> None:
        faults = self._faults
        if transfer.uetr and not _UETR.fullmatch(transfer.uetr):
            text = "The UETR is not a UUID of version 4; it may not be the same elsewhere."
            faults.warn("uetr", "PmtId/UETR", text, "Tell the bank.")
        if transfer.uetr:
            if transfer.uetr in self._uetrs:
                text = "An earlier payment of this message has the same UETR."
                faults.add("transfer-twice", "PmtId/UETR", text)
            self._uetrs.add(transfer.uetr)
        if transfer.short_minor < 0:
            text = "More arrived than was sent."
            faults.warn("charges", "InstdAmt", text, "The amount that arrived is what counts.")
        total_minor = transfer.remittance.total_minor(transfer.currency)
        if total_minor not in (None, transfer.amount_minor, transfer.instructed_minor):
            text = (
                f"The documents named add up to {total_minor}, the payment is "
                f"{transfer.amount_minor}."
            )
            fix = "Apply what is named as far as it goes; a person looks at the rest."
            faults.warn("remittance-sum", "RmtInf", text, fix)

    def _prove(self, header: Element) -> None:
        """Compare the header with the payments.

        Source: ISO 20022, GroupHeader: NumberOfTransactions, ControlSum and
        TotalInterbankSettlementAmount.
        """
        faults, counted = self._faults, self._seen
        said = values.text_at(header, "NbOfTxs")
        if not _COUNT.fullmatch(said) or int(said) != counted:
            text = f"The header counts {said[:15] or 'no'} payments; counted were {counted}."
            faults.add("transfer-count", "NbOfTxs", text)
        if not self._is_sound:
            return
        currencies = {each.currency for each in self._transfers}
        total_minor = sum(each.amount_minor for each in self._transfers)
        if (total := header.find("TtlIntrBkSttlmAmt")) is not None:
            stated = values.amount(total, "TtlIntrBkSttlmAmt", faults)
            if stated and ({stated.currency} != currencies or stated.minor != total_minor):
                text = f"The header says {stated.minor}; the payments add up to {total_minor}."
                faults.add("transfer-sum", "TtlIntrBkSttlmAmt", text)
        if (control := header.find("CtrlSum")) is not None and len(currencies) == 1:
            minor = values.decimal(control, min(currencies), "CtrlSum", faults)
            if minor is not None and minor != total_minor:
                text = f"The header says {minor}; the payments add up to {total_minor}."
                faults.add("transfer-sum", "CtrlSum", text)


def _party(found: Fields, role: str) -> Party:
    return Party(
        values.name(found.get(role)),
        values.account_number(found.get(f"{role}Acct")),
        values.bank(found.get(f"{role}Agt")),
    )
