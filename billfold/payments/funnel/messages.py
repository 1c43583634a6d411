"""The words of every message about a payment. Pure: facts in, messages out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from billfold.money import Money
from billfold.notices.outbox import Message
from billfold.payments.funnel.loading import Loaded, Told
from billfold.payments.rules.accounting import PaymentFacts, Share
from billfold.payments.rules.lifecycle import Canceled, Postponed, Step
from billfold.rails.ach import reason_codes
from billfold.rails.ach.returns import RETURN_CODES
from billfold.rails.protocol import Refused, Returned, Settled, Submitted, Withdrawn
from billfold.receivables.billing import NewCharge


@dataclass(frozen=True, slots=True)
class Agreed:
    """What a payer agreed to with a click: whom they pay, when, and under which words."""

    biller: str
    payee: str
    phone: str
    collect_on: date
    cancel_until: datetime
    """In the biller's zone."""
    authorization: str
    waits: bool = False
    """The bank of the account is asked first."""


def long_day(day: date) -> str:
    """Write a day as letters do: Wednesday, November 25, 2026."""
    return f"{day:%A, %B} {day.day}, {day.year}"


def moment(at: datetime) -> str:
    """Write a moment of its own zone as letters do: 5:00 pm ET on Monday, November 16, 2026."""
    zone = at.tzname() or ""
    if len(zone) == 3 and zone.endswith(("ST", "DT")):
        zone = f"{zone[0]}T"  # What people call it all year round.
    hour = at.hour % 12 or 12
    return f"{hour}:{at:%M} {'am' if at.hour < 12 else 'pm'} {zone} on {long_day(at.date())}"


def about_steps(
    steps: Iterable[Step], loaded: Loaded, fees: Mapping[str, NewCharge]
) -> list[Message]:
    """Write what the payer must be told of each step; most kinds of step at most once.

    A payment that goes into another file, because the first did not leave, is told again.
    """
    made = []
    for step in steps:
        facts, told = loaded.facts[step.reference], loaded.told[step.reference]
        match step.event:
            case Submitted():
                made.append(_sent(facts, told, step.event))
            case Settled() if step.before is not step.after:
                made.append(_settled(facts, told))
            case Returned(code=code):
                made.append(_returned(facts, told, code, fees.get(step.reference)))
            case Canceled():
                made.append(_canceled(facts, told))
            case Refused(code=code):
                made.append(_failed(facts, told, code))
            case Withdrawn():
                made.append(_sent_again(facts, told, step.event.key))
            case Postponed():
                made.append(_postponed(facts, told, step.event.key))
            case _:
                pass
    return made


ASKED_FIRST: Final = (
    "This account is new to us, so we first ask your bank whether it takes payments."
)


def received(facts: PaymentFacts, told: Told, agreed: Agreed) -> Message:
    """Confirm the click: what will happen and when, until when it can be taken back, and the words
    that were agreed to. Nothing has gone out yet, so it does not say that money was received.
    """
    paid_to = f"{agreed.payee}, {agreed.phone}" if agreed.phone else agreed.payee
    return _message(
        facts,
        told,
        "received",
        f"Your payment of {facts.amount.shown()} to {agreed.biller} is scheduled",
        [
            "Thank you. Your payment is scheduled; nothing was taken from your account yet.",
            "",
            f"Amount: {facts.amount.shown()}",
            "Fee: $0.00",
            f"Paid from: {told.method}",
            f"Paid to: {paid_to}",
            f"Payment date: {long_day(agreed.collect_on)}",
            *([ASKED_FIRST] if agreed.waits else []),
            f"Reflected in your account by: {long_day(told.reflected_by)}",
            *_invoices("It is for:", facts.remitted, facts),
            "",
            f"You can cancel until {moment(agreed.cancel_until)}.",
            "",
            "Your authorization:",
            agreed.authorization,
        ],
    )


def _sent(facts: PaymentFacts, told: Told, event: Submitted) -> Message:
    """Tell of the file a payment stands in. Whether that file has left, nobody knows yet."""
    promised = long_day(told.reflected_by)
    return _message(
        facts,
        told,
        event.key.replace("submitted", "sent", 1),
        f"Your payment of {facts.amount.shown()} is being processed",
        [
            f"It goes to the bank with the file of {long_day(event.on)}, which asks for",
            f"{facts.amount.shown()} from {told.method}.",
            f"It will be reflected in your account by {promised}."
            if told.reflected_by > event.on
            else f"It is late: you were told {promised}. We are looking into it.",
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
            *_invoices("It is for:", facts.remitted, facts),
        ],
    )


def _returned(facts: PaymentFacts, told: Told, code: str, fee: NewCharge | None) -> Message:
    reason = reason_codes.return_code(code)
    lines = [
        f"The bank sent back your payment of {facts.amount.shown()} from {told.method}.",
        reason.meaning,
        *_invoices(
            "What it paid is open again, with the same due date as before:",
            facts.applied or facts.remitted,
            facts,
        ),
    ]
    if fee is not None:
        lines += [
            f"A Return Fee of {fee.amount.shown()} was added to your account: {fee.number},",
            f"due {long_day(fee.due_date)}.",
        ]
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
    "above-bank-limit": "It is more than our bank takes in one file, so we did not ask for it.",
}


_REFUSED: Final = "The bank refused it before any money moved."
_OTHER_DETAILS: Final = (
    "The bank says that the account has other details by now. Please enter the account again."
)


def failed_because(code: str) -> str:
    """Say why a payment was not made: our own reason, or what the bank said of the account."""
    if code in FAILED_BECAUSE:
        return FAILED_BECAUSE[code]
    if code in RETURN_CODES:
        return f"We asked the bank about the account. {reason_codes.return_code(code).meaning}"
    return _OTHER_DETAILS if code.startswith("C") else _REFUSED


def _failed(facts: PaymentFacts, told: Told, code: str) -> Message:
    return _message(
        facts,
        told,
        "failed",
        f"Your payment of {facts.amount.shown()} was not made",
        [
            f"Your payment of {facts.amount.shown()} from {told.method} was not made.",
            failed_because(code),
            "Please look at your account and pay again if something is still due.",
        ],
    )


def _sent_again(facts: PaymentFacts, told: Told, key: str) -> Message:
    return _message(
        facts,
        told,
        key,
        f"Your payment of {facts.amount.shown()} will be sent again",
        [
            "The file your payment was in was not processed, so no money has moved.",
            f"We will send it again on {long_day(told.collect_on)}. You need not do anything.",
            f"It will be reflected in your account by {long_day(told.reflected_by)}.",
        ],
    )


def _postponed(facts: PaymentFacts, told: Told, key: str) -> Message:
    return _message(
        facts,
        told,
        key,
        f"Your payment of {facts.amount.shown()} goes out later than planned",
        [
            "We could not ask your bank in time whether your account takes payments, so nothing",
            "was taken from it yet.",
            f"Your payment date is now {long_day(told.collect_on)}. You need not do anything, and",
            "you can cancel until then.",
            f"It will be reflected in your account by {long_day(told.reflected_by)}.",
        ],
    )


def _invoices(heading: str, shares: Sequence[Share], facts: PaymentFacts) -> Sequence[str]:
    named = [
        f"  {share.subject.partition('/')[2]}: "
        f"{Money(share.amount_minor, facts.amount.currency).shown()}"
        for share in shares
    ]
    return [heading, *named] if named else []


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
