"""Wires as text: what bank statements say of one, and the old tagged advice of Fedwire.

Statements go on in this form; the tagged format itself gave way to ISO 20022 on 14 July 2025, but
banks still print its tags.

Source: Federal Reserve Banks, Fedwire Funds Service format reference, message tags; text of bank
statements as in the authored samples; docs/bank-files.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from billfold.formats.iso20022.values import NOBODY, Party
from billfold.formats.problems import Findings, Problem

LONGEST_TEXT: Final = 20_000
"""More than a wire can carry; what follows is not looked at."""
LARGEST_BYTES: Final = 64 << 20

SEND_AGAIN: Final = "Ask the bank to send the advice again."

_PAYER: Final = ("ORIGINATOR", "ORIG", "ORG", "DBNM")
_REFERENCE: Final = ("RFB", "EREF", "CREF")
_REMITTANCE: Final = ("PMT DET", "PMT INFO", "OBI", "REMI", "REMITTANCE INFO")
_BANK: Final = ("BBI",)
_OTHER: Final = (
    "WIRE TYPE",
    "DATE",
    "TIME",
    "TRN",
    "SEQ",
    "SND BK",
    "RCV BK",
    "BANK ID",
    "BNF BK",
    "BNF",
    "ID",
    "IMAD",
    "DES",
    "INDN",
    "CO ID",
    "DACT",
    "CACT",
    "DABA",
    "IDNM",
    "CHKN",
)
"""Words with a colon that end the value before them."""
_WORDS: Final = sorted((*_PAYER, *_REFERENCE, *_REMITTANCE, *_BANK, *_OTHER), key=len, reverse=True)
_TAG: Final = re.compile(rf"(?<![A-Z0-9])({'|'.join(_WORDS)})[:=] ?")

_NUMBERED: Final = r"(?: ?(?:NUMBERS?|NOS?|NBR|NUM)(?![A-Z]))?[ .:#]{0,4}"
_INVOICE: Final = re.compile(rf"(?<![A-Z0-9])(?:INVOICES?|INVS?){_NUMBERED}(?=[A-Z]{{0,4}}-?[0-9])")
_ACCOUNT: Final = re.compile(
    rf"(?<![A-Z0-9])(?:ACCOUNT|ACCT|A/C|CUSTOMER|CUST){_NUMBERED}(?=[A-Z]{{0,4}}-?[0-9])"
)
_NUMBER: Final = re.compile(r"[A-Z]{0,4}-?[0-9][A-Z0-9-]{2,19}(?![A-Z0-9])")
_AND: Final = re.compile(r" ?(?:[,;&+/]|AND(?= )) ?| ")
_SURE: Final = frozenset({",", "&", "AND"})

_BLANKS: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class WireText:
    """What the text of a wire says of its payer and its purpose; empty where it says nothing."""

    payer: str = ""
    reference: str = ""
    """What the payee is to know it by: RFB, or the end-to-end reference."""
    remittance: str = ""
    bank_text: str = ""
    invoices: tuple[str, ...] = ()
    """Numbers marked as invoices, in the order they came."""
    accounts: tuple[str, ...] = ()
    """Numbers marked as the payer's account with the payee."""


def read_text(lines: Sequence[str]) -> WireText:
    """Read the text of one statement line.

    A line break may have cut a word or a number, so numbers are looked for with the lines joined
    by a blank, and then joined by nothing. Source: BAI2, record 88; docs/bank-files.md.
    """
    spaced = _plain(" ".join(lines))
    values = dict(_tagged(spaced))
    joins = [spaced] if len(lines) == 1 else [spaced, _plain("".join(lines))]
    return WireText(
        payer=_first(values, _PAYER),
        reference=_first(values, _REFERENCE),
        remittance=_first(values, _REMITTANCE),
        bank_text=_first(values, _BANK),
        invoices=_numbers(joins, _INVOICE),
        accounts=_numbers(joins, _ACCOUNT),
    )


def _plain(text: str) -> str:
    return _BLANKS.sub(" ", text[:LONGEST_TEXT]).strip().upper()


def _tagged(text: str) -> Iterator[tuple[str, str]]:
    """Go through the values with a name, the first of each name last, so that it stands."""
    found = list(_TAG.finditer(text))
    ends = [match.start() for match in found[1:]] + [len(text)]
    for match, end in reversed(list(zip(found, ends, strict=False))):
        if value := text[match.end() : end].strip(" ,;/"):
            yield match[1], value


def _first(values: dict[str, str], names: Sequence[str]) -> str:
    return next((values[name] for name in names if name in values), "")


def _numbers(texts: Sequence[str], mark: re.Pattern[str]) -> tuple[str, ...]:
    """Collect the numbers after a mark; a list of them goes on by commas, AND, or blanks."""
    found: dict[str, None] = {}
    for text in texts:
        for match in mark.finditer(text):
            number = _NUMBER.match(text, match.end())
            while number:
                found[number[0]] = None
                more = _AND.match(text, number.end())
                following = _NUMBER.match(text, more.end()) if more else None
                # Without a comma or a word it goes on only with numbers of the same make.
                is_sure = more is not None and more[0].strip() in _SURE
                is_alike = following is not None and len(following[0]) == len(number[0])
                number = following if is_sure or is_alike else None
    return tuple(found)


_FEDWIRE_TAG: Final = re.compile(r"\{([0-9]{4})\}")
_IMAD: Final = re.compile(r"([0-9]{8})([A-Z0-9 ]{8})([0-9]{6})", re.IGNORECASE)
_AMOUNT: Final = re.compile(r"[0-9]{12}")
_PRINTABLE: Final = re.compile(r"[\x20-\x7e\r\n\t]*")

_BEFORE_1500: Final = frozenset({"1100", "1110", "1120", "1130"})
"""What the Fedwire service puts before a message it hands over."""
_MANDATORY: Final = {
    "1510": "type and subtype",
    "1520": "IMAD",
    "2000": "amount",
    "3100": "sender's bank",
    "3400": "receiver's bank",
    "3600": "business function",
}
_NAMES: Final = {"5000": "originator", "4200": "beneficiary"}
_RECEIPTS: Final = frozenset({"1000", "1032"})
"""A transfer, or one that answers a request; 02 and 08 reverse one, the rest moves nothing."""


@dataclass(frozen=True, slots=True)
class Advice:
    """One message of Fedwire in its tags."""

    type_code: str
    imad: str
    on: date
    amount_minor: int
    business_function: str
    sender_reference: str
    sender_bank: str
    receiver_bank: str
    originator: Party
    beneficiary: Party
    text: WireText

    @property
    def is_receipt(self) -> bool:
        """Whether it brings money, rather than asking for it or taking it back."""
        return self.type_code in _RECEIPTS


@dataclass(frozen=True, slots=True)
class Document:
    """The messages of one file, in order."""

    advices: tuple[Advice, ...]
    warnings: tuple[Problem, ...] = field(default=(), compare=False)

    def summary(self) -> dict[str, int | str]:
        """Count the messages and what they bring."""
        receipts = [each.amount_minor for each in self.advices if each.is_receipt]
        return {
            "entries": len(self.advices),
            "receipts": len(receipts),
            "debit_minor": 0,
            "credit_minor": sum(receipts),
            "currency": "USD",
        }


def read(content: bytes) -> Document:
    """Read a file of tagged Fedwire messages, all of it or none.

    Raises: Unreadable with every problem found, and nothing else, whatever the bytes.
    """
    findings = Findings()
    text = content[: LARGEST_BYTES + 1].decode("latin-1")
    first = _FEDWIRE_TAG.search(text, 0, 1_000)
    if first is None or text[: first.start()].strip():
        fix = "Check that this is an advice that begins with {1100} or {1500}."
        findings.add("not-fedwire", 1, "", "The file does not begin with a tag of Fedwire.", fix)
        findings.refuse()
    if len(content) > LARGEST_BYTES or not _PRINTABLE.fullmatch(text):
        message = "The file is too large, or has characters Fedwire does not carry."
        findings.add("characters", 1, "", message, SEND_AGAIN)
        findings.refuse()
    reader = _Reader(findings)
    advices = tuple(reader.read(text))
    findings.refuse()
    return Document(advices, findings.warnings)


@dataclass(slots=True)
class _Message:
    line: int
    values: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)


class _Reader:
    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._imads: set[str] = set()

    def read(self, text: str) -> Iterator[Advice]:
        for message in self._messages(text):
            if advice := self._advice(message):
                yield advice

    def _messages(self, text: str) -> Iterator[_Message]:
        """Cut the text at the tags, and at those that begin a message."""
        message = _Message(line=1)
        line, at, found = 1, 0, list(_FEDWIRE_TAG.finditer(text))
        for index, match in enumerate(found):
            line += text.count("\n", at, match.start())
            at, tag = match.start(), match[1]
            end = found[index + 1].start() if index + 1 < len(found) else len(text)
            is_begun = not message.values.keys() <= _BEFORE_1500
            if tag in ("1100", "1500") and is_begun:
                yield message
                message = _Message(line)
            # Remittance, from 8000 on, repeats.
            if tag in message.values and tag < "8000":
                text_said = f"The tag {{{tag}}} stands twice in a message."
                self._findings.add("tag-twice", line, f"{{{tag}}}", text_said, SEND_AGAIN)
            message.values.setdefault(tag, text[match.end() : end].strip("\r\n"))
            message.lines.setdefault(tag, line)
        yield message

    def _advice(self, message: _Message) -> Advice | None:
        values, add = message.values, self._findings.add
        for tag, name in _MANDATORY.items():
            if not values.get(tag, "").strip():
                add("tag-missing", message.line, f"{{{tag}}}", f"There is no {name}.", SEND_AGAIN)
        amount = values.get("2000", "").strip()
        imad = values.get("1520", "").strip()
        on = self._day(message, imad) if imad else None
        if amount and not _AMOUNT.fullmatch(amount):
            text = "The amount is not twelve digits of cents."
            add("amount", message.lines["2000"], "{2000}", text, SEND_AGAIN)
            return None
        if on is None or not amount:
            return None
        obi, bank_text = _joined(values, "6000"), _joined(values, "6100", "6400", "6500")
        return Advice(
            type_code=values.get("1510", "").strip(),
            imad=imad,
            on=on,
            amount_minor=int(amount),
            business_function=values.get("3600", "").strip()[:3],
            sender_reference=values.get("3320", "").strip(" *"),
            sender_bank=values.get("3100", "")[:9].strip(),
            receiver_bank=values.get("3400", "")[:9].strip(),
            originator=_party(values.get("5000", "")),
            beneficiary=_party(values.get("4200", "")),
            text=WireText(
                payer=_party(values.get("5000", "")).name,
                reference=values.get("4320", "").strip(" *"),
                remittance=obi,
                bank_text=bank_text,
                invoices=_numbers([_plain(obi)], _INVOICE),
                accounts=_numbers([_plain(obi)], _ACCOUNT),
            ),
        )

    def _day(self, message: _Message, imad: str) -> date | None:
        """Read the day of an IMAD, which must be new."""
        line, match = message.lines["1520"], _IMAD.fullmatch(imad)
        if imad in self._imads:
            text = "An earlier message of this file has the same IMAD."
            self._findings.add("imad-twice", line, "{1520}", text, SEND_AGAIN)
        self._imads.add(imad)
        if match:
            year, month, day = (int(match[1][part]) for part in (_YEAR, _MONTH, _DAY))
            try:
                return date(year, month, day)
            except ValueError:
                pass
        text = "The IMAD is not a day, a source of eight characters and six digits."
        self._findings.add("imad", line, "{1520}", text, SEND_AGAIN)
        return None


_YEAR, _MONTH, _DAY = slice(4), slice(4, 6), slice(6, 8)


def _party(value: str) -> Party:
    """Read a person's tag: one letter, an identifier of 34, a name of 35; or cut by asterisks."""
    if not value.strip():
        return NOBODY
    identifier, name = value[1:35], value[35:70]
    if "*" in value:
        identifier, name, *_ = [*value[1:].split("*"), ""]
    return Party(name=name.strip(), account_number=identifier.strip())


def _joined(values: dict[str, str], *tags: str) -> str:
    """Join lines of 35, fixed or cut by asterisks, as one text."""
    pieces = " ".join(values[tag].replace("*", " ") for tag in tags if tag in values)
    return _BLANKS.sub(" ", pieces[:LONGEST_TEXT]).strip()
