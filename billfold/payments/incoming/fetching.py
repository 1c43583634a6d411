"""Fetches what the bank left, and opens a case for each document that cannot be fetched."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import transaction

from billfold.banking import exchange
from billfold.banking.models import BankConnection
from billfold.payments.cases import casework, parked_items
from billfold.payments.cases.case_kinds import CaseKind
from billfold.payments.models import Case

KIND: Final = CaseKind.UNFETCHED_FILE
HAS_WORK: Final = "EXISTS (SELECT FROM banking_bankconnection)"
"""Whether there may be something to fetch, which only a bank knows: an SQL condition."""


def fetch(bank: BankConnection, *, now: datetime) -> exchange.FetchResult:
    """Store what the bank left, and open a case for each document that cannot be fetched."""
    fetched = exchange.fetch_new(bank, report=parked_items, now=now)
    if fetched.unfetched:
        _open_cases(bank, fetched.unfetched, now=now)
    return fetched


def _open_cases(
    bank: BankConnection, unfit: Sequence[exchange.UnfetchedDocument], *, now: datetime
) -> None:
    """Open one case for each document; another only after that was closed, if it is still there."""
    keys = [f"unfetched/{bank.id}/{document.name}" for document in unfit]
    with transaction.atomic(durable=True):
        known = list(
            Case.objects.filter(
                kind=KIND, facts__document__in=[document.name for document in unfit]
            )
        )
        waiting = {case.facts["document"] for case in known if case.closed_at is None}
        casework.open_cases(
            [
                casework.NewCase(
                    key=f"{key}/{sum(case.facts['document'] == document.name for case in known)}",
                    kind=KIND,
                    title=f"{document.name} lies in the bank's folder and cannot be fetched: "
                    f"{document.reason}",
                    facts={"document": document.name},
                )
                for key, document in zip(keys, unfit, strict=True)
                if document.name not in waiting
            ],
            now=now,
        )
