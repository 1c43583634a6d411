"""What was chosen but not yet paid: kept in the session, its bank account sealed, until Pay."""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest

from billfold.money import Money
from billfold.payments.accounts.account_validation import Validation
from billfold.payments.accounts.bank_accounts import TypedAccount
from billfold.payments.paying.payable_bills import CURRENCY
from billfold.payments.paying.review import Draft
from billfold.platform import sealing
from billfold.platform.ids import new_reference

_SESSION_KEY: Final = "drafts"
_MOST_DRAFTS: Final = 3
_REFERENCE: Final = re.compile(r"[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}\Z")


def reference_of(text: str) -> str:
    """Take over the reference a page was drawn with; make one for a form without."""
    return text if _REFERENCE.match(text) else new_reference()


def save(request: HttpRequest, draft: Draft) -> None:
    """Put a draft in the session, in place of the one with its reference; forget the oldest."""
    drafts: dict[str, Any] = request.session.get(_SESSION_KEY, {})
    drafts.pop(draft.reference, None)
    drafts[draft.reference] = _pack(draft)
    request.session[_SESSION_KEY] = dict(list(drafts.items())[-_MOST_DRAFTS:])


def find(request: HttpRequest, reference: str) -> Draft | None:
    """Take a draft out of the session, if it is still there."""
    packed = request.session.get(_SESSION_KEY, {}).get(reference)
    return _unpack(reference, packed) if packed else None


def discard(request: HttpRequest, reference: str) -> None:
    """Forget a draft that was paid."""
    drafts: dict[str, Any] = request.session.get(_SESSION_KEY, {})
    if drafts.pop(reference, None):
        request.session[_SESSION_KEY] = drafts


def _seal_context(reference: str) -> str:
    return f"session|draft|{reference}"


def _pack(draft: Draft) -> dict[str, Any]:
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
        sealed = sealing.seal(plain.encode(), context=_seal_context(draft.reference))
        packed["account"] = base64.b64encode(sealed).decode()
    return packed


def _unpack(reference: str, packed: dict[str, Any]) -> Draft:
    account = None
    if "account" in packed:
        sealed = base64.b64decode(packed["account"])
        plain = sealing.unseal(sealed, context=_seal_context(reference))
        account = TypedAccount(*json.loads(plain))
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
