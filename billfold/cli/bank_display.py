"""Bank documents in words and columns: what `billfold bank show` and `bank layout` print."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, time
from typing import Any, Final

from billfold.formats import bai2, fedach, lockbox, nacha, x12
from billfold.formats.any_format import ParsedFile
from billfold.formats.bai2 import type_codes
from billfold.formats.iso20022 import camt
from billfold.money import Money
from billfold.payments.cases.masking import masked
from billfold.rails.ach import reason_codes

_MINOR: Final = "_minor"


def summarise(summary: Mapping[str, int | str]) -> str:
    """Put a summary in one line: "batches 3, entries 120, debit 1,234.00"; zeros are left out."""
    counts = (_count(name, value) for name, value in summary.items() if value not in ("", 0))
    return ", ".join(counts) or "nothing in it"


def _count(name: str, value: int | str) -> str:
    words = name.removesuffix(_MINOR).replace("_", " ")
    if name.endswith(_MINOR):
        return f"{words} {_amount(int(value))}"
    return f"{words} {value:,}" if isinstance(value, int) else f"{words} {value}"


def _amount(minor: int | None) -> str:
    return "" if minor is None else Money(minor).plain(grouped=True)


def describe(document: ParsedFile, *, reveal: bool) -> Iterator[str]:
    """Describe what a document says; account numbers by their last four, unless revealed."""
    match document:
        case nacha.NachaFile():
            yield from _describe_nacha(document, reveal)
        case bai2.Bai2File():
            yield from _describe_bai2(document, reveal)
        case camt.CamtMessage():
            yield from _describe_camt(document, reveal)
        case lockbox.LockboxFile():
            yield from _describe_lockbox(document)
        case x12.RemittanceAdvice():
            yield from _describe_remittance(document)
        case fedach.Directory():
            for bank in document.participants:
                merged = f", now {bank.new_routing_number}" if bank.new_routing_number else ""
                yield f"{bank.routing_number}  {bank.name}{merged}"
        case _:
            yield from _outline(as_json(document, reveal=reveal))
    yield summarise(document.summary())


def _mask_account(number: str, reveal: bool) -> str:
    return number if reveal else f"…{number.strip()[-4:]}"


def _mask_text(text: str, reveal: bool) -> str:
    return text if reveal else masked(text, bank="")


def _describe_nacha(file: nacha.NachaFile, reveal: bool) -> Iterator[str]:
    created = file.created_on.isoformat() if file.created_on else "no date"
    yield f"File {file.modifier} of {created}, {file.origin_name} to {file.destination_name}"
    for batch in file.batches:
        settles = batch.effective_date.isoformat() if batch.effective_date else "no date"
        yield (
            f"Batch {batch.number}: {batch.sec_code} {batch.description}, {batch.company_name}, "
            f"effective {settles}"
        )
        for entry in batch.entries:
            kind = "debit " if entry.is_debit else "credit"
            yield (
                f"  {entry.trace}  {entry.transaction_code} {kind} "
                f"{_amount(entry.amount_minor):>16}  {entry.routing_number} "
                f"{_mask_account(entry.account_number, reveal):17}  {entry.name:22}  "
                f"{entry.identification}".rstrip()
            )
            if entry.return_or_change is not None:
                yield f"    {_describe_reply(entry.return_or_change, reveal)}"
            elif entry.remittance:
                yield f"    {_mask_text(entry.remittance, reveal)}"


def _describe_reply(reply: nacha.ReturnOrChange, reveal: bool) -> str:
    if isinstance(reply, nacha.ChangeAddendum):
        label = reason_codes.change_code(reply.code).label
        corrected = _mask_text(reply.corrected.strip(), reveal)
        correction = f": {corrected}" if corrected else ""
        return f"{reply.code} {label}, of {reply.original_trace}{correction}"
    return f"{reply.code} {reason_codes.return_code(reply.code).label}, of {reply.original_trace}"


def _describe_bai2(statement: bai2.Bai2File, reveal: bool) -> Iterator[str]:
    yield f"Statement {statement.file_id} of {statement.created_date}, {statement.sender}"
    for group in statement.groups:
        for account in group.accounts:
            yield f"Account {_mask_account(account.number, reveal)}, as of {group.as_of_date}"
            for balance in account.balances:
                name = f"{balance.type_code} {type_codes.meaning(balance.type_code)}"
                yield f"  {name:48} {_amount(balance.amount_minor):>18}"
            for line in account.transactions:
                sign = {"credit": "+", "debit": "-"}.get(line.direction.value, " ")
                name = f"{line.type_code} {line.meaning}"
                yield f"  {name:48} {sign}{_amount(line.amount_minor):>17}".rstrip()
                if line.text:
                    yield f"    {_mask_text(line.text, reveal)}"


def _describe_camt(document: camt.CamtMessage, reveal: bool) -> Iterator[str]:
    for statement in document.statements:
        proved = "proved" if statement.is_proved else "not proved"
        number = _mask_account(statement.account.number, reveal)
        yield f"{statement.id}, account {number}, as of {statement.as_of_date}, {proved}"
        for balance in statement.balances:
            yield f"  {balance.kind:48} {_amount(balance.amount_minor):>18}"
        for entry in statement.entries:
            sign = "+" if entry.is_credit else "-"
            name = f"{entry.status.value} {entry.meaning}"
            yield f"  {name:48} {sign}{_amount(entry.amount_minor):>17}  {entry.payer}".rstrip()
            for line in entry.lines:
                yield f"    {line.kind} {line.number}  {_amount(line.amount_minor)}".rstrip()
            for text in entry.texts:
                yield f"    {_mask_text(text, reveal)}"


def _describe_lockbox(deposits: lockbox.LockboxFile) -> Iterator[str]:
    for batch in deposits.batches:
        yield f"Lockbox {batch.lockbox}, deposit of {batch.deposit_date}, batch {batch.number}"
        for check in batch.checks:
            yield (
                f"  item {check.item:3}  {_amount(check.amount_minor):>16}  "
                f"check {check.check_number or '?'}  {check.remitter}".rstrip()
            )
            for paid in check.remittances:
                names = [
                    paid.customer_number,
                    paid.invoice_number,
                    _amount(paid.amount_minor),
                ]
                yield f"    {'  '.join(filter(None, [*names, paid.text]))}"


def _describe_remittance(remittance: x12.RemittanceAdvice) -> Iterator[str]:
    for payment in remittance.payments:
        yield f"{payment.payer or 'A payer'}: {_amount(payment.amount_minor) or 'no amount'}"
        for line in payment.lines:
            paid = _amount(line.paid_minor)
            off = f"  discount {_amount(line.discount_minor)}" if line.discount_minor else ""
            yield f"  {line.qualifier} {line.number:30} {paid:>16}{off}"


def _outline(value: Any, indent: str = "") -> Iterator[str]:
    """Print names and values, one below the other; what is empty is left out."""
    for name, inner in value.items():
        if isinstance(inner, dict):
            yield f"{indent}{name}:"
            yield from _outline(inner, indent + "  ")
        elif isinstance(inner, list):
            for item in inner:
                yield from _outline({name: item}, indent)
        elif inner not in ("", None):
            text = _amount(inner) if name.endswith(_MINOR) else inner
            yield f"{indent}{name.removesuffix(_MINOR).replace('_', ' ')}: {text}"


def as_json(value: Any, *, reveal: bool) -> Any:
    """Turn a document into what JSON can hold; secret fields by their ending, unless revealed."""
    if is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: (
                as_json(getattr(value, field.name), reveal=reveal)
                if field.repr or reveal
                else _mask_value(getattr(value, field.name))
            )
            for field in fields(value)
            if field.name != "warnings"
        }
    if isinstance(value, tuple | list):
        if hasattr(value, "_asdict"):
            return {name: as_json(inner, reveal=reveal) for name, inner in value._asdict().items()}
        return [as_json(item, reveal=reveal) for item in value]
    return value.isoformat() if isinstance(value, date | time) else value


def _mask_value(value: Any) -> str:
    return _mask_account(value, reveal=False) if isinstance(value, str) and value.strip() else ""


def describe_layout(explanation: lockbox.Explanation) -> Iterator[str]:
    """Describe a lockbox file against its layout: every line cut into its fields."""
    yield f"Layout {explanation.profile.name}"
    for line in explanation.lines:
        yield f"line {line.number}: {line.record or 'no record of this layout'}"
        for field in line.fields:
            mark = "!" if field.is_misread else " "
            place = f"{field.first}-{field.last}"
            yield f" {mark} {place:>9}  {field.name:24} {field.raw!r}  {field.read_as}".rstrip()
        for gap in line.uncovered:
            yield f" ? {f'{gap.first}-{gap.last}':>9}  {'no field reads this':24} {gap.raw!r}"
        yield from (f"    {problem}" for problem in line.problems)
    if explanation.is_cut:
        yield "The file has more lines than are shown."
    yield f"{len(explanation.problems)} problems with this layout."
    if explanation.better:
        yield f"The layout {explanation.better.profile.name} fits better."
