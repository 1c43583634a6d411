"""Follows a camt message while it grows: statement by statement, entry by entry.

Source: ISO 20022, BankToCustomerStatement and its relatives; docs/bank-files.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final
from xml.etree.ElementTree import Element

from billfold.formats.iso20022 import camt_proof, values
from billfold.formats.iso20022.camt_entries import EntryReader
from billfold.formats.iso20022.camt_proof import Totals
from billfold.formats.iso20022.camt_records import (
    Balance,
    BankAccount,
    Document,
    Entry,
    Kind,
    Statement,
)
from billfold.formats.iso20022.messages import Faults, Intake

_BODIES: Final = {
    "BkToCstmrAcctRpt": (Kind.REPORT, "Rpt"),
    "BkToCstmrStmt": (Kind.STATEMENT, "Stmt"),
    "BkToCstmrDbtCdtNtfctn": (Kind.NOTIFICATION, "Ntfctn"),
}
FIRST_VERSION: Final = "02"
LATEST_VERSION: Final = "14"
"""Published when this was written; what is read has stood in the same places since 08."""


@dataclass(slots=True)
class _Open:
    """A statement whose entries still come."""

    number: int
    id: str = ""
    sequence: str = ""
    page: str = ""
    account: BankAccount | None = None
    currency: str = ""
    created: Element | None = None
    until: Element | None = None
    summary: Element | None = None
    balances: list[Balance] = field(default_factory=list)
    balances_seen: int = 0
    entries: list[Entry] = field(default_factory=list)
    entries_seen: int = 0
    totals: Totals = field(default_factory=Totals)
    seen: dict[tuple[object, ...], int] = field(default_factory=dict)
    """How often each entry came."""


class Reader:
    """Read one camt message."""

    def __init__(self, content: bytes, intake: type[Intake] = Intake) -> None:
        self._faults = Faults(content, self._place)
        self._intake = intake(content, self._faults, self._take)
        self._kind: Kind | None = None
        self._body = ""
        self._container = ""
        self._message_id = ""
        self._created: Element | None = None
        self._open: _Open | None = None
        self._leaf = ""
        self._entry = EntryReader(self._faults)
        self._statements: list[Statement] = []
        self._identities: set[tuple[str, ...]] = set()
        self._handlers: dict[str, Callable[[_Open, Element], None]] = {
            "Acct": self._account,
            "Bal": self._balance,
            "Ntry": self._one_entry,
        }

    def read(self) -> Document:
        """Read to the end and settle what was found.

        Raises: Unreadable, with every problem found.
        """
        self._intake.run()
        if self._kind is None:
            self._refuse_body("")
        if not self._statements:
            self._leaf = ""
            self._faults.add("no-statement", "", f"The message has no {self._container} in it.")
        self._leaf = "GrpHdr/CreDtTm"
        created = values.day(self._created, "", self._faults)
        document = Document(
            kind=self._kind or Kind.STATEMENT,
            version=self._intake.message.version,
            message_id=self._message_id,
            created_date=created,
            statements=tuple(self._statements),
        )
        return replace(document, warnings=self._faults.settle())

    def _place(self) -> str:
        """Say which element is being read, for the next fault."""
        if self._open is None:
            return f"{self._body}/{self._leaf}".strip("/")
        path = f"{self._body}/{_numbered(self._container, self._open.number)}"
        return f"{path}/{self._leaf}".strip("/")

    def _take(self, document: Element, is_whole: bool) -> bool:
        """Read the children of the body that are complete, and let them go."""
        if not len(document):
            return False
        body = document[0]
        if self._kind is None:
            self._begin(body)
        children = list(body)
        done = children if is_whole else children[:-1]
        for child in done:
            if child.tag == self._container:
                self._drain(child, is_whole=True)
                self._close()
            elif child.tag == "GrpHdr":
                self._message_id = values.text_at(child, "MsgId")
                self._created = values.at(child, "CreDtTm")
        took = bool(done)
        if len(children) > len(done) and children[-1].tag == self._container:
            took = self._drain(children[-1], is_whole=False) or took
        del body[: len(done)]
        return took

    def _begin(self, body: Element) -> None:
        """Find out which message it is, by its body; its namespace must say the same."""
        message = self._intake.message
        if body.tag not in _BODIES:
            self._refuse_body(message.name or body.tag[:40])
        self._body = body.tag
        self._kind, self._container = _BODIES[body.tag]
        if message.name and message.name != self._kind:
            text = f"The namespace says {message.name}, the content is a {self._kind}."
            self._faults.add("message-mismatch", "", text)
        elif not FIRST_VERSION <= message.version <= LATEST_VERSION:
            said = f"version {message.version}" if message.version else "no version we can read"
            text = f"The namespace says {said}; known are {FIRST_VERSION} to {LATEST_VERSION}."
            fix = "Compare the first statement with what the bank shows."
            self._faults.warn("version", "", text, fix)

    def _refuse_body(self, name: str) -> None:
        is_what = f"The file is a {name} message, not" if name else "The file is not"
        text = f"{is_what} a camt.053 statement or one of its relatives, camt.052 and camt.054."
        fix = "Ask the bank for account statements in camt.053, or give the file where it belongs."
        self._body = self._leaf = ""
        self._faults.add("not-camt", "", text, fix)
        self._faults.settle()

    def _drain(self, element: Element, *, is_whole: bool) -> bool:
        """Read the children of a statement that are complete, and let them go."""
        if self._open is None:
            self._open = _Open(number=len(self._statements) + 1)
        statement = self._open
        children = list(element)
        done = children if is_whole else children[:-1]
        for child in done:
            if handler := self._handlers.get(child.tag):
                handler(statement, child)
            else:
                self._head(statement, child)
        took = bool(done)
        if len(children) > len(done) and children[-1].tag == "Ntry":
            self._leaf = _numbered("Ntry", statement.entries_seen + 1)
            took = self._entry.drain(children[-1]) or took
        del element[: len(done)]
        return took

    def _head(self, statement: _Open, child: Element) -> None:
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
                statement.until = values.at(child, "ToDtTm")
            case "TxsSummry":
                statement.summary = child

    def _account(self, statement: _Open, element: Element) -> None:
        number = values.account_number(element)
        currency = values.text_at(element, "Ccy")
        owner = values.name(values.at(element, "Ownr"))
        bank = values.bank(values.at(element, "Svcr"))
        statement.account = BankAccount(number, currency, owner, bank)
        statement.currency = currency
        if not number:
            self._leaf = "Acct"
            self._faults.add("no-account-number", "Id", "The account has no number.")

    def _balance(self, statement: _Open, element: Element) -> None:
        statement.balances_seen += 1
        self._leaf = _numbered("Bal", statement.balances_seen)
        found = values.fields(element)
        kind = values.at(found.get("Tp"), "CdOrPrtry")
        name = values.text_at(kind, "Cd") or values.text_at(kind, "Prtry")
        is_credit = values.is_credit(found.get("CdtDbtInd"), self._faults)
        amount = self._entry.amount(found)
        on = values.day(found.get("Dt"), "Dt", self._faults)
        if is_credit is None or amount is None:
            statement.totals.is_sound = False
            return
        minor = amount.minor if is_credit else -amount.minor
        if not statement.currency and name in ("OPBD", "PRCD"):
            statement.currency = amount.currency
        statement.balances.append(Balance(name, minor, amount.currency, on))

    def _one_entry(self, statement: _Open, element: Element) -> None:
        statement.entries_seen += 1
        self._leaf = _numbered("Ntry", statement.entries_seen)
        entry = self._entry.read(element, statement.entries_seen)
        if entry is None:
            statement.totals.is_sound = False
            return
        if entry.currency != statement.currency:
            self._check_currency(statement, entry)
        statement.totals.add(entry)
        alike = (
            entry.reference,
            entry.servicer_reference,
            entry.amount_minor,
            entry.is_credit,
            entry.booked_date,
        )
        occurrence = statement.seen.get(alike, 0) + 1
        statement.seen[alike] = occurrence
        if occurrence > 1:
            entry = replace(entry, occurrence=occurrence)
            if entry.reference:
                text = "An entry with this reference, amount and day stood in this statement."
                fix = "Ask the bank whether both happened; both are read."
                self._faults.warn("entry-twice", "NtryRef", text, fix)
        statement.entries.append(entry)

    def _check_currency(self, statement: _Open, entry: Entry) -> None:
        if not statement.currency:
            statement.currency = entry.currency
        elif self._kind is Kind.STATEMENT:
            text = f"The entry is in {entry.currency}, its account in {statement.currency}."
            self._faults.add("entry-currency", "Amt", text)
            statement.totals.is_sound = False

    def _close(self) -> None:
        """Prove the statement that ends here."""
        assert self._kind is not None
        if (statement := self._open) is None:
            return
        self._leaf = ""
        faults, totals = self._faults, statement.totals
        if statement.account is None:
            faults.add("no-account-number", "", "The statement names no account.")
        number = statement.account.number if statement.account else ""
        identity = (statement.id, number, statement.page)
        if not statement.id:
            faults.add("no-statement-id", "", "The statement has no Id.")
        elif identity in self._identities:
            faults.add("statement-twice", "Id", "The message has this statement twice.")
        self._identities.add(identity)
        if statement.summary is not None:
            camt_proof.compare(statement.summary, statement.currency, totals, faults)
        balances = statement.balances
        proof = camt_proof.prove(self._kind, balances, totals, statement.currency, faults)
        entries = statement.entries
        if proof.is_turned:
            text = "The balances prove only with reversals turned round; they are read that way."
            fix = "Tell the bank that CdtDbtInd is the direction of a reversal itself."
            faults.warn("reversal-turned", "", text, fix)
            entries = [
                replace(each, is_credit=not each.is_credit) if each.is_reversal else each
                for each in entries
            ]
        _, closing = camt_proof.ends(balances)
        created = values.day(statement.created, "CreDtTm", faults)
        until = values.day(statement.until, "FrToDt/ToDtTm", faults)
        self._statements.append(
            Statement(
                id=statement.id,
                sequence=statement.sequence,
                account=statement.account or BankAccount("", "", "", ""),
                balances=tuple(balances),
                entries=tuple(entries),
                as_of_date=(closing.on if closing else None) or until or created,
                is_proved=proof.is_proved,
            )
        )
        self._open = None


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}[{number}]"
