"""Reading wires in text: the text of a statement line, and Fedwire advices in tags.

The tagged format gave way to ISO 20022 on 14 July 2025, but banks still print its tags, and
statements go on describing wires in text.

Source: Federal Reserve Banks, Fedwire Funds Service format reference, message tags; text of bank
statements as in the authored samples; docs/bank-files.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from billfold.formats.iso20022 import NOBODY, Party
from billfold.formats.problems import FileProblem, Findings

LONGEST_TEXT: Final = 20_000
"""More than a wire can carry; the text after it is ignored."""
LARGEST_BYTES: Final = 64 << 20

SEND_AGAIN: Final = "Ask the bank to send the advice again."

_PAYER: Final = ("ORIGINATOR", "ORIG", "ORG", "DBNM")
_REFERENCE: Final = ("RFB", "EREF", "CREF")
_REMITTANCE: Final = ("PMT DET", "PMT INFO", "OBI", "REMI", "REMITTANCE INFO")
_BANK: Final = ("BBI",)
_OTHER_WORDS: Final = (
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
"""Other words before a colon; each ends the value of the word before it."""
_WORDS: Final = sorted(
    (*_PAYER, *_REFERENCE, *_REMITTANCE, *_BANK, *_OTHER_WORDS), key=len, reverse=True
)
_TAG: Final = re.compile(rf"(?<![A-Z0-9])({'|'.join(_WORDS)})[:=] ?")

_NUMBERED: Final = r"(?: ?(?:NUMBERS?|NOS?|NBR|NUM)(?![A-Z]))?[ .:#]{0,4}"
_INVOICE: Final = re.compile(rf"(?<![A-Z0-9])(?:INVOICES?|INVS?){_NUMBERED}(?=[A-Z]{{0,4}}-?[0-9])")
_ACCOUNT: Final = re.compile(
    rf"(?<![A-Z0-9])(?:ACCOUNT|ACCT|A/C|CUSTOMER|CUST){_NUMBERED}(?=[A-Z]{{0,4}}-?[0-9])"
)
_NUMBER: Final = re.compile(r"[A-Z]{0,4}-?[0-9][A-Z0-9-]{2,19}(?![A-Z0-9])")
_LIST_SEPARATOR: Final = re.compile(r" ?(?:[,;&+/]|AND(?= )) ?| ")
_CLEAR_SEPARATORS: Final = frozenset({",", "&", "AND"})

_BLANKS: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class WireText:
    """The payer and purpose of a wire, read from its text; empty where the text has none."""

    payer: str = ""
    reference: str = ""
    """The reference for the beneficiary (RFB), or the end-to-end reference."""
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
    values = dict(_values_by_tag(spaced))
    joins = [spaced] if len(lines) == 1 else [spaced, _plain("".join(lines))]
    return WireText(
        payer=_first_value(values, _PAYER),
        reference=_first_value(values, _REFERENCE),
        remittance=_first_value(values, _REMITTANCE),
        bank_text=_first_value(values, _BANK),
        invoices=_numbers(joins, _INVOICE),
        accounts=_numbers(joins, _ACCOUNT),
    )


def _plain(text: str) -> str:
    return _BLANKS.sub(" ", text[:LONGEST_TEXT]).strip().upper()


def _values_by_tag(text: str) -> Iterator[tuple[str, str]]:
    """Yield each tag with its value, last ones first, so that the first value of a tag wins."""
    tags = list(_TAG.finditer(text))
    ends = [tag.start() for tag in tags[1:]] + [len(text)]
    for tag, end in reversed(list(zip(tags, ends, strict=False))):
        if value := text[tag.end() : end].strip(" ,;/"):
            yield tag[1], value


def _first_value(values: dict[str, str], names: Sequence[str]) -> str:
    return next((values[name] for name in names if name in values), "")


def _numbers(texts: Sequence[str], mark: re.Pattern[str]) -> tuple[str, ...]:
    """Collect the numbers after a mark, in lists separated by commas, AND or blanks."""
    numbers: dict[str, None] = {}
    for text in texts:
        for match in mark.finditer(text):
            number = _NUMBER.match(text, match.end())
            while number:
                numbers[number[0]] = None
                separator = _LIST_SEPARATOR.match(text, number.end())
                following = _NUMBER.match(text, separator.end()) if separator else None
                # After a blank alone, only a number as long as the last belongs to the list.
                is_clear = separator is not None and separator[0].strip() in _CLEAR_SEPARATORS
                is_alike = following is not None and len(following[0]) == len(number[0])
                number = following if is_clear or is_alike else None
    return tuple(numbers)


PREFIX: Final = r"[A-Z0-9 ]{0,60}\s{0,10}"
"""What a service may put in front of a message: YFT811 and a blank. Pattern."""
_BEGINNING: Final = re.compile(rf"\s*({PREFIX})(?=\{{[0-9]{{4}}\}})")
_FEDWIRE_TAG: Final = re.compile(r"\{([0-9]{4})\}")
_IMAD: Final = re.compile(r"([0-9]{8})([A-Z0-9 ]{8})([0-9]{6})", re.IGNORECASE)
_AMOUNT: Final = re.compile(r"[0-9]{12}")
_PRINTABLE: Final = re.compile(r"[\x20-\x7e\r\n\t]*")

_BEFORE_1500: Final = frozenset({"1100", "1110", "1120", "1130"})
"""Tags the Fedwire service puts before a message that it delivers."""
_FIRST_TAGS: Final = frozenset({"1100", "1500"})
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
"""A transfer, or one in answer to a request; 02 and 08 reverse a transfer, others move nothing."""


@dataclass(frozen=True, slots=True)
class FedwireAdvice:
    """One Fedwire message in tags."""

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
        """Tell whether it brings money, rather than asks for it or takes it back."""
        return self.type_code in _RECEIPTS


@dataclass(frozen=True, slots=True)
class FedwireFile:
    """The messages of one file, in order."""

    advices: tuple[FedwireAdvice, ...]
    warnings: tuple[FileProblem, ...] = field(default=(), compare=False)

    def summary(self) -> dict[str, int | str]:
        """Count the messages and add up the money they bring."""
        receipts = [advice.amount_minor for advice in self.advices if advice.is_receipt]
        return {
            "entries": len(self.advices),
            "receipts": len(receipts),
            "debit_minor": 0,
            "credit_minor": sum(receipts),
            "currency": "USD",
        }


def read(content: bytes) -> FedwireFile:
    """Read a file of tagged Fedwire messages, all of it or none.

    Raises: Unreadable with every problem found, and nothing else, whatever the bytes.
    """
    findings = Findings()
    text = content[: LARGEST_BYTES + 1].removeprefix(b"\xef\xbb\xbf").decode("latin-1")
    beginning = _BEGINNING.match(text)
    if beginning is None:
        fix = "Check that this is an advice that begins with {1100} or {1500}."
        findings.add("not-fedwire", 1, "", "The file does not begin with a tag of Fedwire.", fix)
        findings.refuse()
    if len(content) > LARGEST_BYTES or not _PRINTABLE.fullmatch(text):
        message = "The file is too large, or has characters Fedwire does not carry."
        findings.add("characters", 1, "", message, SEND_AGAIN)
        findings.refuse()
    reader = _AdviceReader(findings, beginning[1].strip() if beginning else "")
    advices = tuple(reader.read(text))
    findings.refuse()
    return FedwireFile(advices, findings.warnings)


@dataclass(slots=True)
class _TaggedMessage:
    """The texts of one message by tag, with their lines."""

    line: int
    values: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)


class _AdviceReader:
    """Reads the messages of one file."""

    def __init__(self, findings: Findings, prefix: str) -> None:
        self._findings = findings
        self._prefix = prefix
        self._imads: set[str] = set()

    def read(self, text: str) -> Iterator[FedwireAdvice]:
        for message in self._messages(text):
            if advice := self._advice(message):
                yield advice

    def _messages(self, text: str) -> Iterator[_TaggedMessage]:
        """Cut the text into messages, and each into its tags."""
        message = _TaggedMessage(line=1)
        line, at, matches = 1, 0, list(_FEDWIRE_TAG.finditer(text))
        for index, match in enumerate(matches):
            line += text.count("\n", at, match.start())
            at, tag = match.start(), match[1]
            end = matches[index + 1].start() if index + 1 < len(matches) else len(text)
            is_begun = not message.values.keys() <= _BEFORE_1500
            if tag in _FIRST_TAGS and is_begun:
                yield message
                message = _TaggedMessage(line)
            # Remittance tags, from 8000 on, may repeat.
            if tag in message.values and tag < "8000":
                problem = f"The tag {{{tag}}} stands twice in a message."
                self._findings.add("tag-twice", line, f"{{{tag}}}", problem, SEND_AGAIN)
            value = text[match.end() : end].strip("\r\n")
            if self._prefix and end < len(text) and matches[index + 1][1] in _FIRST_TAGS:
                value = value.rstrip().removesuffix(self._prefix).rstrip("\r\n")
            message.values.setdefault(tag, value)
            message.lines.setdefault(tag, line)
        yield message

    def _advice(self, message: _TaggedMessage) -> FedwireAdvice | None:
        # Where fields have no fixed length, an asterisk ends each of them.
        values = {tag: value.rstrip().removesuffix("*") for tag, value in message.values.items()}
        add = self._findings.add
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
        return FedwireAdvice(
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

    def _day(self, message: _TaggedMessage, imad: str) -> date | None:
        """Read the day of an IMAD, and report one that another message of the file has."""
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
    """Read a party: a letter, an identifier of 34, a name of 35; or separated by asterisks."""
    if not value.strip():
        return NOBODY
    identifier, name = value[1:35], value[35:70]
    if "*" in value:
        identifier, name, *_ = [*value[1:].split("*"), ""]
    return Party(name=name.strip(), account_number=identifier.strip())


def _joined(values: dict[str, str], *tags: str) -> str:
    """Join the lines of some tags, of 35 columns or separated by asterisks, to one text."""
    pieces = " ".join(values[tag].replace("*", " ") for tag in tags if tag in values)
    return _BLANKS.sub(" ", pieces[:LONGEST_TEXT]).strip()
