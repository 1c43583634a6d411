"""Checks notes that people write: kept for ever, so without account numbers. Promise 23."""

from __future__ import annotations

from collections.abc import Iterator, Set
from functools import reduce
from operator import or_

from django.db.models import Q

from billfold.banking.models import BankConnection, BankFile
from billfold.payments.cases import masking
from billfold.payments.models import Payment
from billfold.receivables.models import CreditNote, Customer, Invoice

REFUSED = "Write only the last four digits of an account."


class NamesAnAccount(Exception):
    """A note holds a number that may be an account number: its last four digits are enough."""


def check(note: str) -> None:
    """Refuse a note that may name a bank account. Raises: NamesAnAccount.

    A number of five digits or more must be of ours: of a customer, an invoice or credit note, a
    payment, a file or a trace.
    """
    if masking.may_name_an_account(note) and masking.may_name_an_account(
        note, ours=set(_own_names(masking.number_like_words(note)))
    ):
        raise NamesAnAccount


def _own_names(names: Set[str]) -> Iterator[str]:
    """Find the words that are numbers or names of ours, in capitals or not."""
    written = names | {name.upper() for name in names}
    known = {
        number
        for numbers in (
            Customer.objects.filter(number__in=written).values_list("number", flat=True),
            Invoice.objects.filter(number__in=written).values_list("number", flat=True),
            Invoice.objects.filter(reference__in=written).values_list("reference", flat=True),
            CreditNote.objects.filter(number__in=written).values_list("number", flat=True),
            Payment.objects.filter(reference__in=written).values_list("reference", flat=True),
        )
        for number in numbers
    }
    yield from (name for name in names if known & {name, name.upper()})
    yield from _file_names(names)
    banks = BankConnection.objects.values_list("odfi_routing_number", flat=True)
    traces = tuple(bank[:8] for bank in banks)
    yield from (n for n in names if len(n) == 15 and n.isdecimal() and n.startswith(traces))


def _file_names(names: Set[str]) -> Iterator[str]:
    """Find the words that name a bank file, with its ending or without."""
    if not names:
        return
    either = reduce(or_, (Q(name=name) | Q(name__startswith=f"{name}.") for name in names))
    for file in BankFile.objects.filter(either).values_list("name", flat=True):
        yield from (name for name in names if file == name or file.startswith(f"{name}."))
