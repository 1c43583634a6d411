"""Reading BAI2 records by their type: file and group headers, accounts and transactions.

Source: BAI, Cash Management Balance Reporting Specifications, version 2; docs/bank-files.md#bai2.
"""

from __future__ import annotations

import re
from typing import Final

from billfold.formats.bai2 import type_codes
from billfold.formats.bai2.fields import FieldReader, Misaligned
from billfold.formats.bai2.physical_records import REFUSED_AGAIN, SEND_AGAIN
from billfold.formats.bai2.statement import (
    AsOfDateModifier,
    Bai2Account,
    Bai2Balance,
    Bai2File,
    Bai2Group,
    Bai2Transaction,
    GroupStatus,
)
from billfold.formats.bai2.type_codes import Direction

_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_TYPE_CODE: Final = re.compile(r"[0-9]{3}")


def read_file_header(fields: FieldReader) -> Bai2File:
    """Read record 01, the file header."""
    header = Bai2File(
        sender=fields.take(),
        receiver=fields.take(),
        created_date=fields.day("file creation date"),
        created_time=fields.clock("file creation time"),
        file_id=fields.take(),
        groups=(),
    )
    fields.optional_count("physical record length")
    fields.optional_count("block size")
    _check_version(fields)
    fields.finish()
    return header


def _check_version(fields: FieldReader) -> None:
    """Report a version other than 2. Source: ANSI X9.121 (BTRS) has version 3 of BAI's format."""
    version = fields.take()
    if version == "2":
        return
    is_btrs = version == "3"
    named = "BTRS, version 3 of BAI" if is_btrs else f"version {version} of BAI"
    message = f"The file is {named}, not version 2." if version else "The file names no version."
    fix = f"Ask the bank for its reports in BAI version 2, also called BAI2. {REFUSED_AGAIN}"
    fields.report("version", "version number", message, fix)


def read_group_header(fields: FieldReader) -> Bai2Group:
    """Read record 02, the group header."""
    line = fields.line
    header = Bai2Group(
        receiver=fields.take(),
        originator=fields.take(),
        status=_status(fields),
        as_of_date=fields.day("as-of date"),
        as_of_time=fields.clock("as-of time"),
        currency=_currency(fields, default="USD"),
        modifier=_modifier(fields),
        accounts=(),
        line=line,
    )
    fields.finish()
    return header


def _status(fields: FieldReader) -> GroupStatus:
    status = fields.take()
    if status in set(GroupStatus):
        return GroupStatus(status)
    fields.report("group-status", "group status", "The group status is not 1, 2, 3 or 4.")
    return GroupStatus.UPDATE


def _modifier(fields: FieldReader) -> AsOfDateModifier | None:
    modifier = fields.take()
    if modifier in set(AsOfDateModifier):
        return AsOfDateModifier(modifier)
    if modifier:
        fields.report("modifier", "as-of-date modifier", "The modifier is not 1, 2, 3 or 4.")
    return None


def _currency(fields: FieldReader, *, default: str) -> str:
    currency = fields.take().upper() or default
    if not _CURRENCY.fullmatch(currency):
        fields.report("currency", "currency", "The currency is not three letters.")
    return currency


def read_account(fields: FieldReader, *, currency: str) -> Bai2Account:
    """Read record 03, an account and its balances; without a currency it has that of its group."""
    line = fields.line
    number = fields.take()
    if not number:
        fields.report("no-account-number", "account number", "The account has no number.")
    currency = _currency(fields, default=currency)
    balances: list[Bai2Balance] = []
    try:
        while fields.has_more():
            balances += _balance(fields)
    except Misaligned:
        pass
    return Bai2Account(number, currency, tuple(balances), (), line)


def _balance(fields: FieldReader) -> list[Bai2Balance]:
    type_code = fields.take()
    if type_code and not _TYPE_CODE.fullmatch(type_code):
        _report_type_code(fields)
        raise Misaligned
    amount_minor = fields.optional_amount("amount")
    item_count = fields.optional_count("item count")
    funds = fields.funds()
    if amount_minor is None:
        return []  # A bank leaves a balance empty that it does not report.
    if not type_code:
        _report_type_code(fields)
    return [Bai2Balance(type_code, amount_minor, item_count, funds)]


def read_transaction(fields: FieldReader) -> Bai2Transaction:
    """Read record 16, a transaction; its occurrence is 1 until it is counted.

    Raises: Misaligned if its fields cannot be told apart.
    """
    line = fields.line
    type_code = fields.take()
    if not _TYPE_CODE.fullmatch(type_code):
        _report_type_code(fields)
    is_message = type_codes.direction(type_code) is Direction.MESSAGE
    return Bai2Transaction(
        type_code=type_code,
        amount_minor=fields.amount("amount", empty=0 if is_message else None),
        written_funds=fields.written_funds(),
        bank_reference=fields.take(),
        customer_reference=fields.take(),
        written_text=fields.written_text(),
        line=line,
        occurrence=1,
    )


def _report_type_code(fields: FieldReader) -> None:
    fix = f"A funds type the bank fills in differently does this too. {SEND_AGAIN}"
    fields.report("type-code", "type code", "The type code is not three digits.", fix)
