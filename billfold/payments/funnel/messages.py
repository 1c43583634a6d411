"""Writes the messages to the payer about a payment. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from billfold.money import Money
from billfold.notices.outbox import NewNotice
from billfold.payments.funnel.loading import LockedPayments, Recipient
from billfold.payments.rules import debit_rules
from billfold.payments.rules.account_label import agreed_and_debited
from billfold.payments.rules.accounting import PaymentFacts, Share
from billfold.payments.rules.lifecycle import Canceled, Postponed, Step
from billfold.payments.rules.written_times import long_day, moment
from billfold.rails.ach import reason_codes
from billfold.rails.ach.return_reasons import RETURN_CODES
from billfold.rails.protocol import Refused, Returned, Settled, Submitted, Withdrawn
from billfold.receivables.billing import NewCharge


@dataclass(frozen=True, slots=True)
class AgreedTerms:
    """What a payer agreed to: whom they pay, on which day, under which authorization."""

    biller: str
    payee: str
    phone: str
    collect_on: date
    cancel_until: datetime
    """In the biller's zone."""
    authorization: str
    awaits_prenote: bool = False
    """A prenote goes to the bank of the account first."""


def for_steps(
    steps: Iterable[Step], locked: LockedPayments, fees: Mapping[str, NewCharge]
) -> list[NewNotice]:
    """Write the message each step calls for; of most kinds of step a payer gets one at most.

    A payment that goes into a second file, because the first did not leave, is announced again.
    """
    messages = []
    for step in steps:
        facts = locked.facts[step.reference]
        recipient = locked.recipients[step.reference]
        match step.event:
            case Submitted():
                messages.append(_sent(facts, recipient, step.event))
            case Settled() if step.before is not step.after:
                messages.append(_settled(facts, recipient))
            case Returned(code=code):
                messages.append(_returned(facts, recipient, code, fees.get(step.reference)))
            case Canceled():
                messages.append(_canceled(facts, recipient))
            case Refused(code=code):
                messages.append(_failed(facts, recipient, code))
            case Withdrawn():
                messages.append(_sent_again(facts, recipient, step.event.key))
            case Postponed():
                messages.append(_postponed(facts, recipient, step.event.key))
            case _:
                pass
    return messages


NO_DAY: Final = "we cannot name a day just now"
PRENOTE_FIRST: Final = (
    "This account is new to us, so we first ask your bank whether it takes payments."
)


def confirmation(facts: PaymentFacts, recipient: Recipient, terms: AgreedTerms) -> NewNotice:
    """Confirm that a payment is scheduled: its days, until when it can be canceled, and the text of
    the authorization. Nothing was sent yet, so it does not say that money was received.
    """
    paid_to = f"{terms.payee}, {terms.phone}" if terms.phone else terms.payee
    return _message(
        facts,
        recipient,
        "received",
        f"Your payment of {facts.amount.formatted()} to {terms.biller} is scheduled",
        [
            "Thank you. Your payment is scheduled; nothing was taken from your account yet."
            if recipient.reflected_by
            else f"Thank you. Your payment is taken in and goes out later: {NO_DAY}. Nothing was "
            "taken from your account yet.",
            "",
            f"Amount: {facts.amount.formatted()}",
            "Fee: $0.00",
            f"Paid from: {recipient.agreed_label}",
            f"Paid to: {paid_to}",
            *([f"Payment date: {long_day(terms.collect_on)}"] if recipient.reflected_by else []),
            *([PRENOTE_FIRST] if terms.awaits_prenote else []),
            *_promise("Reflected in your account by: {}", recipient),
            *_invoices("It is for:", facts.remitted, facts),
            "",
            f"You can cancel until {moment(terms.cancel_until)}."
            if recipient.reflected_by
            else "You can cancel until it goes out.",
            "",
            "Your authorization:",
            terms.authorization,
        ],
    )


def _sent(facts: PaymentFacts, recipient: Recipient, event: Submitted) -> NewNotice:
    """Announce the file a payment is in. Whether that file was sent is not known yet."""
    return _message(
        facts,
        recipient,
        event.key.replace("submitted", "sent", 1),
        f"Your payment of {facts.amount.formatted()} is being processed",
        [
            f"It goes to the bank with the file of {long_day(event.on)}, which asks for",
            f"{facts.amount.formatted()} from {_debited(recipient)}.",
            *_promise(
                "It will be reflected in your account by {}."
                if recipient.reflected_by is None or recipient.reflected_by > event.on
                else "It is late: you were told {}. We are looking into it.",
                recipient,
            ),
            "It can no longer be canceled.",
        ],
    )


def _settled(facts: PaymentFacts, recipient: Recipient) -> NewNotice:
    return _message(
        facts,
        recipient,
        "settled",
        f"Your payment of {facts.amount.formatted()} is complete",
        [
            f"Your payment of {facts.amount.formatted()} has reached us. Thank you.",
            *_invoices("It is for:", facts.remitted, facts),
        ],
    )


def _returned(
    facts: PaymentFacts, recipient: Recipient, code: str, fee: NewCharge | None
) -> NewNotice:
    reason = reason_codes.return_code(code)
    lines = [
        f"The bank sent back your payment of {facts.amount.formatted()} "
        f"from {_debited(recipient)}.",
        reason.meaning,
        *_invoices(
            "What it paid is open again, with the same due date as before:",
            facts.applied or facts.remitted,
            facts,
        ),
    ]
    if fee is not None:
        lines += [
            f"A Return Fee of {fee.amount.formatted()} was added to your account: {fee.number},",
            f"due {long_day(fee.due_date)}.",
        ]
    if reason.account == "remove":
        lines.append("This bank account can no longer be used. Please pay from another one.")
    return _message(
        facts,
        recipient,
        "returned",
        f"Your payment of {facts.amount.formatted()} was returned",
        lines,
    )


def _canceled(facts: PaymentFacts, recipient: Recipient) -> NewNotice:
    return _message(
        facts,
        recipient,
        "canceled",
        f"Your payment of {facts.amount.formatted()} is canceled",
        ["Your payment was canceled before it was sent. Nothing was taken from your account."],
    )


_REFUSED: Final = "The bank refused it before any money moved."
_OTHER_DETAILS: Final = (
    "The bank says that the account has other details by now. Please enter the account again."
)


def failed_because(code: str) -> str:
    """Give the sentence why a payment was not made: our own reason, or the bank's."""
    if code in debit_rules.BY_NAME:
        return debit_rules.BY_NAME[code].payer_text
    if code in RETURN_CODES:
        return f"We asked the bank about the account. {reason_codes.return_code(code).meaning}"
    return _OTHER_DETAILS if code.startswith("C") else _REFUSED


def _failed(facts: PaymentFacts, recipient: Recipient, code: str) -> NewNotice:
    return _message(
        facts,
        recipient,
        "failed",
        f"Your payment of {facts.amount.formatted()} was not made",
        [
            f"Your payment of {facts.amount.formatted()} from {_debited(recipient)} was not made.",
            failed_because(code),
            "Please look at your account and pay again if something is still due.",
        ],
    )


def _sent_again(facts: PaymentFacts, recipient: Recipient, key: str) -> NewNotice:
    return _message(
        facts,
        recipient,
        key,
        f"Your payment of {facts.amount.formatted()} will be sent again",
        [
            "The file your payment was in was not processed, so no money has moved.",
            f"We will send it again on {long_day(recipient.collect_on)}. You need not do anything."
            if recipient.reflected_by
            else f"We will send it again later: {NO_DAY}. You need not do anything.",
            *_promise("It will be reflected in your account by {}.", recipient),
        ],
    )


def _postponed(facts: PaymentFacts, recipient: Recipient, key: str) -> NewNotice:
    return _message(
        facts,
        recipient,
        key,
        f"Your payment of {facts.amount.formatted()} goes out later than planned",
        [
            "We could not ask your bank in time whether your account takes payments, so nothing",
            "was taken from it yet.",
            f"Your payment date is now {long_day(recipient.collect_on)}. "
            "You need not do anything, and"
            if recipient.reflected_by
            else f"It goes out later: {NO_DAY}. You need not do anything, and",
            "you can cancel until then.",
            *_promise("It will be reflected in your account by {}.", recipient),
        ],
    )


def _debited(recipient: Recipient) -> str:
    return agreed_and_debited(recipient.agreed_label, recipient.debited_label)


def _promise(sentence: str, recipient: Recipient) -> Sequence[str]:
    """Put the promised day into a sentence; nothing where no day is promised."""
    return [sentence.format(long_day(recipient.reflected_by))] if recipient.reflected_by else []


def _invoices(heading: str, shares: Sequence[Share], facts: PaymentFacts) -> Sequence[str]:
    lines = [
        f"  {share.subject.partition('/')[2]}: "
        f"{Money(share.amount_minor, facts.amount.currency).formatted()}"
        for share in shares
    ]
    return [heading, *lines] if lines else []


def _message(
    facts: PaymentFacts, recipient: Recipient, kind: str, subject: str, lines: Sequence[str]
) -> NewNotice:
    ending = [
        f"Account # {recipient.customer_number}, {recipient.customer_name}",
        f"Confirmation number {facts.reference}",
    ]
    return NewNotice(
        key=f"{facts.subject}/{kind}",
        kind=kind.partition("/")[0],
        to_email=recipient.email,
        to_name=recipient.name,
        subject=subject,
        body="\n".join([f"Hello {recipient.name},", "", *lines, "", *ending, ""]),
        about=facts.subject,
    )
