"""What each BAI2 record says: file, group and account headers, and a single movement.

Source: BAI, Cash Management Balance Reporting Specifications, version 2; docs/bank-files.md#bai2.
"""

from __future__ import annotations

import re
from typing import Final

from billfold.formats.bai2 import type_codes
from billfold.formats.bai2.blocks import SEND_AGAIN
from billfold.formats.bai2.records import Fields, Misaligned
from billfold.formats.bai2.statement import (
    Balance,
    BankAccount,
    Group,
    GroupStatus,
    Modifier,
    Statement,
    Transaction,
)
from billfold.formats.bai2.type_codes import Direction

_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_TYPE_CODE: Final = re.compile(r"[0-9]{3}")


def file_head(fields: Fields) -> Statement:
    """Read record 01."""
    head = Statement(
        sender=fields.take(),
        receiver=fields.take(),
        created_date=fields.day("file creation date"),
        created_time=fields.clock("file creation time"),
        file_id=fields.take(),
        groups=(),
    )
    fields.optional_count("physical record length")
    fields.optional_count("block size")
    if fields.take() != "2":
        fields.report("version", "version number", "The file is not of BAI version 2.")
    fields.finish()
    return head


def group_head(fields: Fields) -> Group:
    """Read record 02."""
    line = fields.line
    head = Group(
        receiver=fields.take(),
        originator=fields.take(),
        status=_status(fields),
        as_of_date=fields.day("as-of date"),
        as_of_time=fields.clock("as-of time"),
        currency=_currency(fields, otherwise="USD"),
        modifier=_modifier(fields),
        accounts=(),
        line=line,
    )
    fields.finish()
    return head


def _status(fields: Fields) -> GroupStatus:
    status = fields.take()
    if status in set(GroupStatus):
        return GroupStatus(status)
    fields.report("group-status", "group status", "The group status is not 1, 2, 3 or 4.")
    return GroupStatus.UPDATE


def _modifier(fields: Fields) -> Modifier | None:
    modifier = fields.take()
    if modifier in set(Modifier):
        return Modifier(modifier)
    if modifier:
        fields.report("modifier", "as-of-date modifier", "The modifier is not 1, 2, 3 or 4.")
    return None


def _currency(fields: Fields, *, otherwise: str) -> str:
    stated = fields.take().upper() or otherwise
    if not _CURRENCY.fullmatch(stated):
        fields.report("currency", "currency", "The currency is not three letters.")
    return stated


def account_head(fields: Fields, *, currency: str) -> BankAccount:
    """Read record 03; an account that names no currency has that of its group."""
    line = fields.line
    number = fields.take()
    if not number:
        fields.report("no-account-number", "account number", "The account has no number.")
    currency = _currency(fields, otherwise=currency)
    balances: list[Balance] = []
    try:
        while fields.has_more():
            balances += _balance(fields)
    except Misaligned:
        pass
    return BankAccount(number, currency, tuple(balances), (), line)


def _balance(fields: Fields) -> list[Balance]:
    type_code = fields.take()
    if type_code and not _TYPE_CODE.fullmatch(type_code):
        _refuse_type_code(fields)
        raise Misaligned
    amount_minor = fields.optional_amount("amount")
    item_count = fields.optional_count("item count")
    funds = fields.funds()
    if amount_minor is None:
        return []  # What a bank does not report, it leaves empty.
    if not type_code:
        _refuse_type_code(fields)
    return [Balance(type_code, amount_minor, item_count, funds)]


def movement(fields: Fields) -> Transaction:
    """Read record 16, as the first of its like.

    Raises: Misaligned if its fields cannot be told apart.
    """
    line = fields.line
    type_code = fields.take()
    if not _TYPE_CODE.fullmatch(type_code):
        _refuse_type_code(fields)
    is_message = type_codes.direction(type_code) is Direction.MESSAGE
    return Transaction(
        type_code=type_code,
        amount_minor=fields.amount("amount", empty=0 if is_message else None),
        written_funds=fields.written_funds(),
        bank_reference=fields.take(),
        customer_reference=fields.take(),
        written_text=fields.written_text(),
        line=line,
        occurrence=1,
    )


def _refuse_type_code(fields: Fields) -> None:
    fix = f"A funds type the bank fills in differently does this too. {SEND_AGAIN}"
    fields.report("type-code", "type code", "The type code is not three digits.", fix)
