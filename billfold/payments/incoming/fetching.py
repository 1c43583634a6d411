"""What the bank left is brought in; a document that cannot be had becomes a person's to look at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from billfold.banking import exchange
from billfold.banking.models import BankConnection
from billfold.payments.cases import casework
from billfold.payments.models import Case

KIND = "file could not be fetched"


def fetch(bank: BankConnection, *, now: datetime) -> exchange.Fetched:
    """Store what the bank left, and open a case for each document that cannot be fetched."""
    fetched = exchange.fetch_new(bank, now=now)
    if fetched.unfit:
        _open_cases(bank, fetched.unfit, now=now)
    return fetched


def _open_cases(bank: BankConnection, unfit: Sequence[exchange.Unfit], *, now: datetime) -> None:
    """Ask about each document once; again only if its case was closed and it is there still."""
    keys = [f"unfetched/{bank.id}/{each.name}" for each in unfit]
    with transaction.atomic(durable=True):
        known = list(
            Case.objects.filter(kind=KIND, facts__document__in=[each.name for each in unfit])
        )
        waiting = {case.facts["document"] for case in known if case.closed_at is None}
        casework.open_new(
            [
                casework.NewCase(
                    key=f"{key}/{sum(case.facts['document'] == each.name for case in known)}",
                    kind=KIND,
                    title=f"{each.name} lies in the bank's folder and cannot be fetched: "
                    f"{each.reason}",
                    facts={"document": each.name},
                )
                for key, each in zip(keys, unfit, strict=True)
                if each.name not in waiting
            ],
            now=now,
        )
