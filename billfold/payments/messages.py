"""The words of every message about a payment. Pure: facts in, messages out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from billfold.money import Money
from billfold.notices.outbox import Message
from billfold.payments.accounting import PaymentFacts
from billfold.payments.facts import Loaded, Told
from billfold.payments.lifecycle import Canceled, Step
from billfold.rails import ach_codes
from billfold.rails.protocol import Refused, Returned, Settled, Submitted, Withdrawn


def long_day(day: date) -> str:
    """Write a day as letters do: Wednesday, November 25, 2026."""
    return f"{day:%A, %B} {day.day}, {day.year}"


def about_steps(steps: Iterable[Step], loaded: Loaded, fees: Mapping[str, Money]) -> list[Message]:
    """Write what the payer must be told of each step; most kinds of step at most once."""
    made = []
    for step in steps:
        facts, told = loaded.facts[step.reference], loaded.told[step.reference]
        match step.event:
            case Submitted():
                made.append(_sent(facts, told))
            case Settled() if step.before is not step.after:
                made.append(_settled(facts, told))
            case Returned(code=code):
                made.append(_returned(facts, told, code, fees.get(step.reference)))
            case Canceled():
                made.append(_canceled(facts, told))
            case Refused(code=code):
                made.append(_failed(facts, told, code))
            case Withdrawn():
                made.append(_postponed(facts, told, step.event.key))
            case _:
                pass
    return made


def received(facts: PaymentFacts, told: Told) -> Message:
    """Confirm the click: what was promised, until when it can be taken back."""
    return _message(
        facts,
        told,
        "received",
        f"We received your payment of {facts.amount.shown()}",
        [
            f"Thank you. We received your payment of {facts.amount.shown()} from {told.method}.",
            f"It will be reflected in your account by {long_day(told.reflected_by)}.",
            *_invoices(facts),
        ],
    )


def _sent(facts: PaymentFacts, told: Told) -> Message:
    return _message(
        facts,
        told,
        "sent",
        f"Your payment of {facts.amount.shown()} is on its way",
        [
            f"We asked the bank for {facts.amount.shown()} from {told.method}.",
            f"It will be reflected in your account by {long_day(told.reflected_by)}.",
            "It can no longer be canceled.",
        ],
    )


def _settled(facts: PaymentFacts, told: Told) -> Message:
    return _message(
        facts,
        told,
        "settled",
        f"Your payment of {facts.amount.shown()} is complete",
        [
            f"Your payment of {facts.amount.shown()} has reached us. Thank you.",
            *_invoices(facts),
        ],
    )


def _returned(facts: PaymentFacts, told: Told, code: str, fee: Money | None) -> Message:
    reason = ach_codes.return_code(code)
    lines = [
        f"The bank sent back your payment of {facts.amount.shown()} from {told.method}.",
        reason.meaning,
        "What it paid is open again, with the same due date as before.",
    ]
    if fee is not None:
        lines.append(f"A Return Fee of {fee.shown()} was added to your account.")
    if reason.account == "remove":
        lines.append("This bank account can no longer be used. Please pay from another one.")
    return _message(
        facts, told, "returned", f"Your payment of {facts.amount.shown()} was returned", lines
    )


def _canceled(facts: PaymentFacts, told: Told) -> Message:
    return _message(
        facts,
        told,
        "canceled",
        f"Your payment of {facts.amount.shown()} is canceled",
        ["Your payment was canceled before it was sent. Nothing was taken from your account."],
    )


FAILED_BECAUSE = {
    "owes-less": "The invoices it was for owe less than before, so we did not ask for the money.",
    "no-authorisation": "The bank account can no longer be used, so we did not ask for the money.",
}


def _failed(facts: PaymentFacts, told: Told, code: str) -> Message:
    return _message(
        facts,
        told,
        "failed",
        f"Your payment of {facts.amount.shown()} was not made",
        [
            f"Your payment of {facts.amount.shown()} from {told.method} was not made.",
            FAILED_BECAUSE.get(code, "The bank refused it before any money moved."),
            "Please look at your account and pay again if something is still due.",
        ],
    )


def _postponed(facts: PaymentFacts, told: Told, key: str) -> Message:
    return _message(
        facts,
        told,
        key,
        f"Your payment of {facts.amount.shown()} will be sent again",
        [
            "The file your payment was in was not processed, so no money has moved.",
            "We will send it again on the next banking day. You need not do anything.",
        ],
    )


def _invoices(facts: PaymentFacts) -> Sequence[str]:
    shares = facts.remitted
    named = [
        f"  {share.subject.partition('/')[2]}: "
        f"{Money(share.amount_minor, facts.amount.currency).shown()}"
        for share in shares
    ]
    return ["It is for:", *named] if named else []


def _message(
    facts: PaymentFacts, told: Told, kind: str, subject: str, lines: Sequence[str]
) -> Message:
    ending = [
        f"Account # {told.customer_number}, {told.customer_name}",
        f"Confirmation number {facts.reference}",
    ]
    return Message(
        key=f"{facts.subject}/{kind}",
        kind=kind.partition("/")[0],
        to_email=told.email,
        to_name=told.name,
        subject=subject,
        body="\n".join([f"Hello {told.name},", "", *lines, "", *ending, ""]),
        about=facts.subject,
    )
