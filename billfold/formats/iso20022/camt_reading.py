"""Reads a camt message while it is parsed: statement by statement, entry by entry.

Source: ISO 20022, BankToCustomerStatement and its relatives; docs/bank-files.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, tzinfo
from typing import Final
from xml.etree.ElementTree import Element

from billfold.bankdays import EASTERN
from billfold.formats.iso20022 import camt_balance_check, values
from billfold.formats.iso20022.camt_balance_check import StatementTotals
from billfold.formats.iso20022.camt_entries import CamtEntryReader
from billfold.formats.iso20022.camt_records import (
    CamtAccount,
    CamtBalance,
    CamtEntry,
    CamtKind,
    CamtMessage,
    CamtStatement,
)
from billfold.formats.iso20022.parsing import MessageParser
from billfold.formats.iso20022.path_findings import PathFindings

_BODIES: Final = {
    "BkToCstmrAcctRpt": (CamtKind.REPORT, "Rpt"),
    "BkToCstmrStmt": (CamtKind.STATEMENT, "Stmt"),
    "BkToCstmrDbtCdtNtfctn": (CamtKind.NOTIFICATION, "Ntfctn"),
}
FIRST_VERSION: Final = "02"
_SATURDAY: Final = 5
LATEST_VERSION: Final = "14"
"""The latest one published; since 08 the elements that are read have kept their places."""


@dataclass(slots=True)
class _OpenStatement:
    """A statement that is not complete yet."""

    number: int
    id: str = ""
    sequence: str = ""
    page: str = ""
    account: CamtAccount | None = None
    currency: str = ""
    created: Element | None = None
    until: Element | None = None
    summary: Element | None = None
    balances: list[CamtBalance] = field(default_factory=list)
    balance_count: int = 0
    entries: list[CamtEntry] = field(default_factory=list)
    entry_count: int = 0
    totals: StatementTotals = field(default_factory=StatementTotals)
    occurrences: dict[tuple[object, ...], int] = field(default_factory=dict)
    """How many entries there are with the same references, amount and day."""


class CamtReader:
    """Reads one camt message."""

    def __init__(
        self,
        content: bytes,
        parser: type[MessageParser] = MessageParser,
        *,
        zone: tzinfo = EASTERN,
    ) -> None:
        self._zone = zone
        self._findings = PathFindings(content, self._current_path)
        self._parser = parser(content, self._findings, self._consume)
        self._kind: CamtKind | None = None
        self._body = ""
        self._container = ""
        self._message_id = ""
        self._created: Element | None = None
        self._open: _OpenStatement | None = None
        self._path = ""
        self._entry_reader = CamtEntryReader(self._findings, zone)
        self._has_weekend = False
        self._statements: list[CamtStatement] = []
        self._identities: set[tuple[str, ...]] = set()
        self._handlers: dict[str, Callable[[_OpenStatement, Element], None]] = {
            "Acct": self._read_account,
            "Bal": self._read_balance,
            "Ntry": self._read_entry,
        }

    def read(self) -> CamtMessage:
        """Read the whole message.

        Raises: Unreadable, with every problem.
        """
        self._parser.run()
        if self._kind is None:
            self._refuse_body("")
        if not self._statements:
            self._path = ""
            self._findings.add("no-statement", "", f"The message has no {self._container} in it.")
        self._path = "GrpHdr/CreDtTm"
        created = values.day(self._created, "", self._findings, self._zone)
        message = CamtMessage(
            kind=self._kind or CamtKind.STATEMENT,
            version=self._parser.message_type.version,
            message_id=self._message_id,
            created_date=created,
            statements=tuple(self._statements),
        )
        return replace(message, warnings=self._findings.conclude())

    def _current_path(self) -> str:
        """Return the path of the element that is being read."""
        if self._open is None:
            return f"{self._body}/{self._path}".strip("/")
        path = f"{self._body}/{_numbered(self._container, self._open.number)}"
        return f"{path}/{self._path}".strip("/")

    def _consume(self, document: Element, is_complete: bool) -> bool:
        """Read and remove the complete children of the body; tell whether there were any."""
        if not len(document):
            return False
        body = document[0]
        if self._kind is None:
            self._identify(body)
        children = list(body)
        complete = children if is_complete else children[:-1]
        for child in complete:
            if child.tag == self._container:
                self._consume_statement(child, is_complete=True)
                self._close_statement()
            elif child.tag == "GrpHdr":
                self._message_id = values.text_at(child, "MsgId")
                self._created = values.element_at(child, "CreDtTm")
        has_removed = bool(complete)
        if len(children) > len(complete) and children[-1].tag == self._container:
            has_removed = self._consume_statement(children[-1], is_complete=False) or has_removed
        del body[: len(complete)]
        return has_removed

    def _identify(self, body: Element) -> None:
        """Determine the kind of message by its body; its namespace must state the same."""
        message_type = self._parser.message_type
        if body.tag not in _BODIES:
            self._refuse_body(message_type.name or body.tag[:40])
        self._body = body.tag
        self._kind, self._container = _BODIES[body.tag]
        if message_type.name and message_type.name != self._kind:
            text = f"The namespace says {message_type.name}, the content is a {self._kind}."
            self._findings.add("message-mismatch", "", text)
        elif not FIRST_VERSION <= message_type.version <= LATEST_VERSION:
            version = message_type.version
            stated = f"version {version}" if version else "no version we can read"
            text = f"The namespace says {stated}; known are {FIRST_VERSION} to {LATEST_VERSION}."
            fix = "Compare the first statement with what the bank shows."
            self._findings.warn("version", "", text, fix)

    def _refuse_body(self, name: str) -> None:
        is_what = f"The file is a {name} message, not" if name else "The file is not"
        text = f"{is_what} a camt.053 statement or one of its relatives, camt.052 and camt.054."
        fix = "Ask the bank for account statements in camt.053, or give the file where it belongs."
        self._body = self._path = ""
        self._findings.add("not-camt", "", text, fix)
        self._findings.conclude()

    def _consume_statement(self, element: Element, *, is_complete: bool) -> bool:
        """Read and remove the complete children of a statement; tell whether there were any."""
        if self._open is None:
            self._open = _OpenStatement(number=len(self._statements) + 1)
        statement = self._open
        children = list(element)
        complete = children if is_complete else children[:-1]
        for child in complete:
            if handler := self._handlers.get(child.tag):
                handler(statement, child)
            else:
                self._read_header(statement, child)
        has_removed = bool(complete)
        if len(children) > len(complete) and children[-1].tag == "Ntry":
            self._path = _numbered("Ntry", statement.entry_count + 1)
            has_removed = self._entry_reader.consume_complete(children[-1]) or has_removed
        del element[: len(complete)]
        return has_removed

    def _read_header(self, statement: _OpenStatement, child: Element) -> None:
        match child.tag:
            case "Id":
                statement.id = values.text(child)
            case "ElctrncSeqNb":
                statement.sequence = values.text(child)
            case "StmtPgntn" | "RptPgntn" | "NtfctnPgntn":
                statement.page = values.text_at(child, "PgNb")
            case "CreDtTm":
                statement.created = child
            case "FrToDt":
                statement.until = values.element_at(child, "ToDtTm")
            case "TxsSummry":
                statement.summary = child

    def _read_account(self, statement: _OpenStatement, element: Element) -> None:
        number = values.account_number(element)
        currency = values.text_at(element, "Ccy")
        owner = values.party_name(values.element_at(element, "Ownr"))
        bank = values.agent_bank(values.element_at(element, "Svcr"))
        statement.account = CamtAccount(number, currency, owner, bank)
        statement.currency = currency
        if not number:
            self._path = "Acct"
            self._findings.add("no-account-number", "Id", "The account has no number.")

    def _read_balance(self, statement: _OpenStatement, element: Element) -> None:
        statement.balance_count += 1
        self._path = _numbered("Bal", statement.balance_count)
        children = values.children_by_name(element)
        kind = values.element_at(children.get("Tp"), "CdOrPrtry")
        name = values.text_at(kind, "Cd") or values.text_at(kind, "Prtry")
        is_credit = values.is_credit(children.get("CdtDbtInd"), self._findings)
        amount = self._entry_reader.amount(children)
        on = values.day(children.get("Dt"), "Dt", self._findings, self._zone)
        if is_credit is None or amount is None:
            statement.totals.is_sound = False
            return
        minor = amount.minor if is_credit else -amount.minor
        if not statement.currency and name in ("OPBD", "PRCD"):
            statement.currency = amount.currency
        statement.balances.append(CamtBalance(name, minor, amount.currency, on))

    def _read_entry(self, statement: _OpenStatement, element: Element) -> None:
        statement.entry_count += 1
        self._path = _numbered("Ntry", statement.entry_count)
        entry = self._entry_reader.read(element, statement.entry_count)
        if entry is None:
            statement.totals.is_sound = False
            return
        if entry.booked_date and entry.booked_date.weekday() >= _SATURDAY:
            self._warn_of_weekend(entry.booked_date)
        if entry.currency != statement.currency:
            self._check_currency(statement, entry)
        statement.totals.add(entry)
        key = (
            entry.reference,
            entry.servicer_reference,
            entry.amount_minor,
            entry.is_credit,
            entry.booked_date,
        )
        occurrence = statement.occurrences.get(key, 0) + 1
        statement.occurrences[key] = occurrence
        if occurrence > 1:
            entry = replace(entry, occurrence=occurrence)
            if entry.reference:
                text = "An entry with this reference, amount and day stood in this statement."
                fix = "Ask the bank whether both happened; both are read."
                self._findings.warn("entry-twice", "NtryRef", text, fix)
        statement.entries.append(entry)

    def _warn_of_weekend(self, booked_date: date) -> None:
        """Warn once of a booking day without banking: its moment may be of another zone."""
        if not self._has_weekend:
            self._has_weekend = True
            text = f"An entry is booked on a {booked_date:%A}, when banks do not book."
            fix = "Compare the day with what the bank shows, and check the zone of the bank."
            self._findings.warn("booked-on-weekend", "BookgDt", text, fix)

    def _check_currency(self, statement: _OpenStatement, entry: CamtEntry) -> None:
        if not statement.currency:
            statement.currency = entry.currency
        elif self._kind is CamtKind.STATEMENT:
            text = f"The entry is in {entry.currency}, its account in {statement.currency}."
            self._findings.add("entry-currency", "Amt", text)
            statement.totals.is_sound = False

    def _close_statement(self) -> None:
        """Check the statement that is complete now, and add it to the message."""
        assert self._kind is not None
        if (statement := self._open) is None:
            return
        self._path = ""
        findings, totals = self._findings, statement.totals
        if statement.account is None:
            findings.add("no-account-number", "", "The statement names no account.")
        number = statement.account.number if statement.account else ""
        identity = (statement.id, number, statement.page)
        if not statement.id:
            findings.add("no-statement-id", "", "The statement has no Id.")
        elif identity in self._identities:
            findings.add("statement-twice", "Id", "The message has this statement twice.")
        self._identities.add(identity)
        if statement.summary is not None:
            camt_balance_check.check_summary(
                statement.summary, statement.currency, totals, findings
            )
        balances = statement.balances
        proof = camt_balance_check.check_balances(
            self._kind, balances, totals, statement.currency, findings
        )
        entries = statement.entries
        if proof.are_reversals_inverted:
            text = "The balances prove only with reversals turned round; they are read that way."
            fix = "Tell the bank that CdtDbtInd is the direction of a reversal itself."
            findings.warn("reversal-turned", "", text, fix)
            entries = [
                replace(entry, is_credit=not entry.is_credit) if entry.is_reversal else entry
                for entry in entries
            ]
        _, closing = camt_balance_check.opening_and_closing(balances)
        created = values.day(statement.created, "CreDtTm", findings, self._zone)
        until = values.day(statement.until, "FrToDt/ToDtTm", findings, self._zone)
        self._statements.append(
            CamtStatement(
                id=statement.id,
                sequence=statement.sequence,
                account=statement.account or CamtAccount("", "", "", ""),
                balances=tuple(balances),
                entries=tuple(entries),
                as_of_date=(closing.on if closing else None) or until or created,
                is_proved=proof.is_proved,
            )
        )
        self._open = None


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}[{number}]"
