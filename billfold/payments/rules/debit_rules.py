"""The rules a payment must keep to be debited, by name: what the cut-off asks of each. Pure.

Each rule is SQL that is true of a payment that keeps it. It speaks of `p` the payment, `m` its
method, `a` the bank account that is of now, `d` its mandate, `owes_less` the payments whose
invoices owe less, and `largest`, what one file of the bank can hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_GONE: Final = "The bank account can no longer be used, so we did not ask for the money."
_ASK_AGAIN: Final = (
    "Your authorization does not cover this payment, so we did not ask for the money. "
    "Please authorize it anew."
)
_STOPPED_TWIN: Final = """EXISTS (
    SELECT FROM payments_paymentmethod twin
    WHERE twin.account_fingerprint = m.account_fingerprint AND twin.state IN ('frozen', 'held')
      AND {narrowed})"""
_SAME: Final = """(
          EXISTS (SELECT FROM payments_methodaccess theirs
                     JOIN payments_methodaccess ours ON ours.customer_id = theirs.customer_id
                     WHERE theirs.method_id = twin.id AND ours.method_id = m.id)
          OR EXISTS (SELECT FROM payments_presentaccount it WHERE it.method_id = twin.id
              AND it.account_fingerprint_with_zeros = a.account_fingerprint_with_zeros))"""
CONSENT_IS_FOR_ACCOUNT: Final = """(d.account_id = a.id OR a.id IN (
    WITH RECURSIVE linked (id) AS (
        SELECT d.account_id
        UNION SELECT newer.id FROM linked
              JOIN payments_bankaccount newer ON newer.replaces_id = linked.id)
    SELECT id FROM linked))"""
"""A consent holds for its account, and for what notices of change made of that."""
IS_VALIDATED: Final = """(d.validated_at IS NOT NULL OR EXISTS (
    SELECT FROM payments_prenoteproof proof
    JOIN payments_instruction prenote ON prenote.id = proof.prenote_id
    WHERE proof.mandate_id = d.id AND prenote.is_live AND prenote.answer = ''))"""


@dataclass(frozen=True, slots=True)
class DebitRule:
    """One rule of the cut-off: what keeps it, and the words for who learns that it is broken."""

    name: str
    requirement: str
    sql: str
    payer_text: str
    staff_text: str


RULES: Final = (
    DebitRule(
        "owes-less",
        "its invoices still owe what it pays",
        "p.id NOT IN (SELECT payment_id FROM owes_less)",
        "The invoices it was for owe less than before, so we did not ask for the money.",
        "Its invoices owe less than it pays",
    ),
    DebitRule(
        "other-customer",
        "its bank account could be used for its customer when it was authorized",
        """EXISTS (SELECT FROM payments_methodaccess access
                WHERE access.method_id = m.id AND access.customer_id = p.customer_id
                  AND (access.until IS NULL OR access.until >= p.created_at))""",
        _ASK_AGAIN,
        "Its bank account could not be used for its customer",
    ),
    DebitRule(
        "other-method",
        "its mandate names its bank account",
        "d.method_id = m.id",
        _ASK_AGAIN,
        "Its mandate names another bank account",
    ),
    DebitRule(
        "account-on-hold",
        "its bank account is not on hold",
        "m.state <> 'held'",
        "We have to look at the bank account first, so we did not ask for the money.",
        "Its bank account is on hold",
    ),
    DebitRule(
        "account-not-active",
        "its bank account was neither stopped nor removed",
        "m.state = 'active'",
        _GONE,
        "Its bank account was stopped or removed",
    ),
    DebitRule(
        "account-stopped",
        "no return stopped the same account, under whichever method",
        f"NOT {_STOPPED_TWIN.format(narrowed=_SAME)}",
        _GONE,
        "A return stopped the same account",
    ),
    DebitRule(
        "like-stopped-account",
        "no stopped account of another customer differs from it in leading zeros alone",
        f"NOT {_STOPPED_TWIN.format(narrowed=f'NOT {_SAME}')}",
        "We have to look at the bank account first, so we did not ask for the money.",
        "But for leading zeros its account is another customer's stopped one",
    ),
    DebitRule(
        "consent-ended",
        "its mandate was not revoked",
        "d.revoked_at IS NULL",
        "Your authorization was revoked, so we did not ask for the money.",
        "Its mandate was revoked",
    ),
    DebitRule(
        "other-account",
        "its mandate is for its account, or for what the payer's bank made of it since",
        CONSENT_IS_FOR_ACCOUNT,
        "The bank account changed since you authorized the payment, so we did not ask for the "
        "money. Please authorize it anew.",
        "Its account changed since its mandate was given",
    ),
    DebitRule(
        "other-currency",
        "its mandate is in its currency",
        "d.currency = p.currency",
        _ASK_AGAIN,
        "Its mandate is in another currency",
    ),
    DebitRule(
        "above-consent",
        "its amount is within its mandate",
        "d.amount_minor IS NULL OR p.amount_minor <= d.amount_minor",
        "It is more than you authorized, so we did not ask for the money. "
        "Please authorize it anew.",
        "It is more than its mandate allows",
    ),
    DebitRule(
        "not-validated",
        "its account was validated before a WEB debit",
        f"d.sec_code <> 'WEB' OR {IS_VALIDATED}",
        "We could not check the bank account first, so we did not ask for the money.",
        "Its account was not validated before a first WEB debit",
    ),
    DebitRule(
        "above-bank-limit",
        "one file of the bank can hold it",
        "p.amount_minor <= largest.minor",
        "It is more than our bank takes in one file, so we did not ask for it.",
        "It is more than one file of the bank can hold",
    ),
)
"""In the order in which they are checked: a payment is refused for the first it breaks."""
BY_NAME: Final[Mapping[str, DebitRule]] = {rule.name: rule for rule in RULES}


def first_broken_sql() -> str:
    """Write the expression that names the first rule a payment breaks; empty if it keeps all.

    A rule that comes out as unknown is broken.
    """
    cases = "\n".join(f"    WHEN ({rule.sql}) IS NOT TRUE THEN '{rule.name}'" for rule in RULES)
    return f"CASE\n{cases}\n    ELSE '' END"


def markdown_table() -> str:
    """Format the rules as the table in docs/bank-files.md."""
    rows = [f"| `{rule.name}` | {rule.requirement} | {rule.payer_text} |" for rule in RULES]
    header = ["| Rule | A payment is debited if | Else its payer reads |", "|---|---|---|"]
    return "\n".join([*header, *rows]) + "\n"
