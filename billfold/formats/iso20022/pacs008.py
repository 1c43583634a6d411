"""pacs.008 messages: wires and instant credits as banks pass them on, in an envelope or bare.

Fedwire and FedNow put the message, and a business application header beside it, in an envelope of
their own; only the Document in it is read.

Source: ISO 20022, FIToFICustomerCreditTransfer; Federal Reserve Banks, Fedwire Funds Service and
FedNow Service ISO 20022 implementation; docs/bank-files.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date, tzinfo
from typing import Final
from xml.etree.ElementTree import Element

from billfold.bankdays import EASTERN
from billfold.formats.iso20022 import remittance as remittances
from billfold.formats.iso20022 import values
from billfold.formats.iso20022.parsing import MessageParser
from billfold.formats.iso20022.path_findings import PathFindings
from billfold.formats.iso20022.remittance import NOTHING, RemittanceInformation
from billfold.formats.iso20022.values import Amount, Children, Party
from billfold.formats.problems import FileProblem

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
class CreditTransfer:
    """One payment that came in."""

    amount_minor: int
    """The interbank settlement amount, which is what came in."""
    currency: str
    settlement_date: date | None
    instructed_minor: int | None
    """The amount the payer sent, before charges and exchange."""
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
    remittance: RemittanceInformation
    related_remittance: tuple[str, ...]
    """Identifiers of remittance advice that is sent separately."""

    @property
    def payer(self) -> str:
        """Name who pays; it may be a parent company, a factor or a bank in between."""
        return self.debtor.name or self.ultimate_debtor

    @property
    def short_minor(self) -> int:
        """Return how much less came in than was sent, where both are in one currency."""
        if self.instructed_minor is None or self.instructed_currency != self.currency:
            return 0
        return self.instructed_minor - self.amount_minor


@dataclass(frozen=True, slots=True)
class Pacs008Message:
    """One pacs.008 message."""

    version: str
    message_id: str
    created_date: date | None
    settlement_method: str
    clearing_system: str
    """FDW for Fedwire, FDN for FedNow."""
    transfers: tuple[CreditTransfer, ...]
    warnings: tuple[FileProblem, ...] = field(default=(), compare=False)

    @property
    def imad(self) -> tuple[str, str, str] | None:
        """Split a message id that is an IMAD: day, source, sequence."""
        match = _IMAD.fullmatch(self.message_id)
        return (match[1], match[2], match[3]) if match else None

    def summary(self) -> dict[str, int | str]:
        """Count the payments; the sum is left out where currencies differ."""
        counts: dict[str, int | str] = {
            "message": f"{_MESSAGE}.{self.version}".rstrip("."),
            "entries": len(self.transfers),
        }
        currencies = sorted({transfer.currency for transfer in self.transfers})
        if len(currencies) <= 1:
            counts["debit_minor"] = 0
            counts["credit_minor"] = sum(transfer.amount_minor for transfer in self.transfers)
        return counts | {"currency": " ".join(currencies)}


def read(content: bytes, *, zone: tzinfo = EASTERN) -> Pacs008Message:
    """Read a pacs.008 message, all of it or none. Its moments become days in the bank's `zone`.

    Raises: Unreadable with every problem, and nothing else, whatever the bytes.
    """
    return _Pacs008Reader(content, zone).read()


class _Pacs008Reader:
    """Reads one pacs.008 message while it is parsed."""

    def __init__(self, content: bytes, zone: tzinfo) -> None:
        self._zone = zone
        self._findings = PathFindings(content, lambda: self._path)
        self._parser = MessageParser(content, self._findings, self._consume)
        self._path = ""
        self._header: Element | None = None
        self._is_identified = False
        self._transfer_count = 0
        self._transfers: list[CreditTransfer] = []
        self._uetrs: set[str] = set()
        self._is_sound = True

    def read(self) -> Pacs008Message:
        """Read the whole message, and compare it with its header."""
        self._parser.run()
        if not self._is_identified:
            self._refuse_body("")
        self._path = f"{_BODY}/GrpHdr"
        header = self._header
        if header is None:
            self._path = _BODY
            self._findings.add("no-header", "", "The message has no GrpHdr.")
        else:
            self._check_header(header)
            if not self._transfer_count:
                self._findings.add("no-transfer", "", "The message has no payment in it.")
        settlement = values.element_at(header, "SttlmInf")
        message = Pacs008Message(
            version=self._parser.message_type.version,
            message_id=values.text_at(header, "MsgId"),
            created_date=values.day(
                values.element_at(header, "CreDtTm"), "CreDtTm", self._findings, self._zone
            ),
            settlement_method=values.text_at(settlement, "SttlmMtd"),
            clearing_system=values.text_at(settlement, "ClrSys", "Cd"),
            transfers=tuple(self._transfers),
        )
        return replace(message, warnings=self._findings.conclude())

    def _consume(self, document: Element, is_complete: bool) -> bool:
        """Read and remove the complete payments; tell whether any element was removed."""
        if not len(document):
            return False
        body = document[0]
        if not self._is_identified:
            self._identify(body)
        children = list(body)
        complete = children if is_complete else children[:-1]
        for child in complete:
            if child.tag == _TRANSFER:
                self._transfer_count += 1
                number = f"[{self._transfer_count}]" if self._transfer_count > 1 else ""
                self._path = f"{_BODY}/{_TRANSFER}{number}"
                self._read_transfer(child)
            elif child.tag == "GrpHdr":
                self._header = child
        del body[: len(complete)]
        return bool(complete)

    def _identify(self, body: Element) -> None:
        """Refuse another message than pacs.008; its namespace must state the same."""
        self._is_identified = True
        message_type = self._parser.message_type
        if body.tag != _BODY:
            self._refuse_body(message_type.name or body.tag[:40])
        self._path = _BODY
        if message_type.name and message_type.name != _MESSAGE:
            text = f"The namespace says {message_type.name}, the content is a {_MESSAGE}."
            self._findings.add("message-mismatch", "", text)
        elif not FIRST_VERSION <= message_type.version <= LATEST_VERSION:
            version = message_type.version
            stated = f"version {version}" if version else "no version we can read"
            text = f"The namespace says {stated}; known are {FIRST_VERSION} to {LATEST_VERSION}."
            fix = "Compare the first payment with what the bank shows."
            self._findings.warn("version", "", text, fix)

    def _refuse_body(self, name: str) -> None:
        is_what = f"The file is a {name} message, not" if name else "The file is not"
        fix = "Ask the bank for pacs.008, or give the file where it belongs."
        self._path = ""
        self._findings.add("not-pacs008", "", f"{is_what} a pacs.008 credit transfer.", fix)
        self._findings.conclude()

    def _read_transfer(self, element: Element) -> None:
        findings, children = self._findings, values.children_by_name(element)
        for tag in values.repeated_names(element) & _ONCE if len(children) != len(element) else ():
            findings.add("element-twice", f"{tag}[2]", f"There are two {tag} in a payment.")
        amount = self._amount(children, "IntrBkSttlmAmt")
        if "IntrBkSttlmAmt" not in children:
            findings.add("amount", "IntrBkSttlmAmt", "There is no interbank settlement amount.")
        instructed = self._amount(children, "InstdAmt")
        day = children.get("IntrBkSttlmDt")
        if day is None:
            day = values.element_at(self._header, "IntrBkSttlmDt")
        settlement_date = values.day(day, "IntrBkSttlmDt", findings, self._zone)
        references = dict(values.references(children.get("PmtId")))
        information = children.get("RmtInf")
        remittance = (
            NOTHING if information is None else remittances.read(information, "RmtInf", findings)
        )
        uetr = references.get("UETR", "").lower()
        if amount is None:
            self._is_sound = False
            return
        charges = [charge.find("Amt") for charge in element.findall("ChrgsInf")]
        transfer = CreditTransfer(
            amount_minor=amount.minor,
            currency=amount.currency,
            settlement_date=settlement_date,
            instructed_minor=instructed.minor if instructed else None,
            instructed_currency=instructed.currency if instructed else "",
            charges_minor=self._charges(charges, amount.currency),
            charge_bearer=values.text(children.get("ChrgBr")),
            end_to_end_id=references.get("EndToEndId", ""),
            instruction_id=references.get("InstrId", ""),
            transaction_id=references.get("TxId", ""),
            uetr=uetr,
            clearing_reference=references.get("ClrSysRef", ""),
            debtor=_party(children, "Dbtr"),
            ultimate_debtor=values.party_name(children.get("UltmtDbtr")),
            creditor=_party(children, "Cdtr"),
            remittance=remittance,
            related_remittance=tuple(
                values.text_at(advice, "RmtId") for advice in element.findall("RltdRmtInf")
            ),
        )
        self._check_transfer(transfer)
        self._transfers.append(transfer)

    def _amount(self, children: Children, name: str) -> Amount | None:
        element = children.get(name)
        return None if element is None else values.amount(element, name, self._findings)

    def _charges(self, charges: list[Element | None], currency: str) -> int:
        total_minor = 0
        for number, element in enumerate(charges, 1):
            if element is not None:
                path = f"ChrgsInf[{number}]/Amt" if number > 1 else "ChrgsInf/Amt"
                amount = values.amount(element, path, self._findings)
                if amount and amount.currency == currency:
                    total_minor += amount.minor
        return total_minor

    def _check_transfer(self, transfer: CreditTransfer) -> None:
        findings = self._findings
        if transfer.uetr and not _UETR.fullmatch(transfer.uetr):
            text = "The UETR is not a UUID of version 4; it may not be the same elsewhere."
            findings.warn("uetr", "PmtId/UETR", text, "Tell the bank.")
        if transfer.uetr:
            if transfer.uetr in self._uetrs:
                text = "An earlier payment of this message has the same UETR."
                findings.add("transfer-twice", "PmtId/UETR", text)
            self._uetrs.add(transfer.uetr)
        if transfer.short_minor < 0:
            text = "More arrived than was sent."
            findings.warn("charges", "InstdAmt", text, "The amount that arrived is what counts.")
        total_minor = transfer.remittance.total_minor(transfer.currency)
        if total_minor not in (None, transfer.amount_minor, transfer.instructed_minor):
            text = (
                f"The documents named add up to {total_minor}, the payment is "
                f"{transfer.amount_minor}."
            )
            fix = "Apply what is named as far as it goes; a person looks at the rest."
            findings.warn("remittance-sum", "RmtInf", text, fix)

    def _check_header(self, header: Element) -> None:
        """Compare the header with the payments.

        Source: ISO 20022, GroupHeader: NumberOfTransactions, ControlSum and
        TotalInterbankSettlementAmount.
        """
        findings, count = self._findings, self._transfer_count
        stated_count = values.text_at(header, "NbOfTxs")
        if not _COUNT.fullmatch(stated_count) or int(stated_count) != count:
            text = f"The header counts {stated_count[:15] or 'no'} payments; counted were {count}."
            findings.add("transfer-count", "NbOfTxs", text)
        if not self._is_sound:
            return
        currencies = {transfer.currency for transfer in self._transfers}
        total_minor = sum(transfer.amount_minor for transfer in self._transfers)
        if (total := header.find("TtlIntrBkSttlmAmt")) is not None:
            stated = values.amount(total, "TtlIntrBkSttlmAmt", findings)
            if stated and ({stated.currency} != currencies or stated.minor != total_minor):
                text = f"The header says {stated.minor}; the payments add up to {total_minor}."
                findings.add("transfer-sum", "TtlIntrBkSttlmAmt", text)
        if (control := header.find("CtrlSum")) is not None and len(currencies) == 1:
            minor = values.decimal(control, min(currencies), "CtrlSum", findings)
            if minor is not None and minor != total_minor:
                text = f"The header says {minor}; the payments add up to {total_minor}."
                findings.add("transfer-sum", "CtrlSum", text)


def _party(children: Children, role: str) -> Party:
    return Party(
        values.party_name(children.get(role)),
        values.account_number(children.get(f"{role}Acct")),
        values.agent_bank(children.get(f"{role}Agt")),
    )
