"""What was chosen but not yet paid: kept in the session, its bank account sealed, until Pay."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest

from billfold.money import Money
from billfold.payments.accounts.bank_accounts import BankAccount
from billfold.payments.accounts.mandates import Validation
from billfold.platform import sealing
from billfold.platform.ids import new_reference

_KEY: Final = "drafts"
_KEPT: Final = 3
CURRENCY: Final = "USD"
"""What a bank debit is in."""
_REFERENCE: Final = re.compile(r"[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}\Z")


@dataclass(frozen=True, slots=True)
class Draft:
    """One payment as chosen, waiting for its review. Exactly one of method and account is given."""

    reference: str
    customer_id: UUID
    shares: dict[UUID, Money]
    method_id: UUID | None
    account: BankAccount | None
    remember: bool
    validation: Validation

    def __post_init__(self) -> None:
        assert (self.method_id is None) != (self.account is None)


def is_reference(text: str) -> bool:
    """Tell whether a form brings a reference such as we make."""
    return bool(_REFERENCE.match(text))


def reference_of(text: str) -> str:
    """Keep the reference a page was drawn with; make one for a form without."""
    return text if is_reference(text) else new_reference()


def keep(request: HttpRequest, draft: Draft) -> None:
    """Put a draft in the session, in place of the one with its reference; forget the oldest."""
    kept: dict[str, Any] = request.session.get(_KEY, {})
    kept.pop(draft.reference, None)
    kept[draft.reference] = _packed(draft)
    request.session[_KEY] = dict(list(kept.items())[-_KEPT:])


def find(request: HttpRequest, reference: str) -> Draft | None:
    """Take a draft out of the session, if it is still there."""
    packed = request.session.get(_KEY, {}).get(reference)
    return _unpacked(reference, packed) if packed else None


def drop(request: HttpRequest, reference: str) -> None:
    """Forget a draft that was paid."""
    kept: dict[str, Any] = request.session.get(_KEY, {})
    if kept.pop(reference, None):
        request.session[_KEY] = kept


def _context(reference: str) -> str:
    return f"session|draft|{reference}"


def _packed(draft: Draft) -> dict[str, Any]:
    packed: dict[str, Any] = {
        "customer": str(draft.customer_id),
        "shares": {str(invoice): share.minor for invoice, share in draft.shares.items()},
        "remember": draft.remember,
        "validation": [
            draft.validation.by,
            draft.validation.evidence,
            draft.validation.at.isoformat() if draft.validation.at else None,
        ],
    }
    if draft.method_id is not None:
        packed["method"] = str(draft.method_id)
    if draft.account is not None:
        account = draft.account
        plain = json.dumps(
            [
                account.routing_number,
                account.account_number,
                account.account_type,
                account.holder,
                account.holder_name,
                account.bank_name,
            ]
        )
        sealed = sealing.seal(plain.encode(), context=_context(draft.reference))
        packed["account"] = base64.b64encode(sealed).decode()
    return packed


def _unpacked(reference: str, packed: dict[str, Any]) -> Draft:
    account = None
    if "account" in packed:
        sealed = base64.b64decode(packed["account"])
        account = BankAccount(*json.loads(sealing.unseal(sealed, context=_context(reference))))
    by, evidence, at = packed["validation"]
    return Draft(
        reference=reference,
        customer_id=UUID(packed["customer"]),
        shares={UUID(i): Money(minor, CURRENCY) for i, minor in packed["shares"].items()},
        method_id=UUID(packed["method"]) if "method" in packed else None,
        account=account,
        remember=packed["remember"],
        validation=Validation(
            by=by, evidence=evidence, at=datetime.fromisoformat(at) if at else None
        ),
    )
