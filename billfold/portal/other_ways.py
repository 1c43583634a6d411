"""Other ways to pay: where a check is mailed, and where the payer's own bank sends money."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from billfold.pages import biller_context, links
from billfold.pages.access import PayerVisit
from billfold.payments.reading.bills import Bill
from billfold.portal import payment_texts

_SHIELD: Final = "We never change these details by email: if a message gives you new ones, call us."


@dataclass(frozen=True, slots=True)
class ByMail:
    address: str
    reflected_text: str
    coupon_url: str


@dataclass(frozen=True, slots=True)
class Electronic:
    beneficiary: str
    routing_wire: str
    routing_ach: str
    account_number: str
    reference: str
    shield_text: str
    swift: str


@dataclass(frozen=True, slots=True)
class OtherWays:
    mail: ByMail | None
    electronic: Electronic | None
    return_fee_text: str


def list_ways(visit: PayerVisit, payable: Sequence[Bill]) -> OtherWays:
    """List the ways that the biller has set up."""
    profile = visit.profile
    biller = biller_context.details(profile)
    coupon_url = links.coupon() if payable else ""
    mail = ByMail(profile.remit_to, biller.mail_reflected_text, coupon_url)
    electronic = Electronic(
        beneficiary=profile.legal_name,
        routing_wire=profile.wire_routing_number,
        routing_ach=profile.ach_routing_number,
        account_number=profile.deposit_account_number,
        reference=" ".join([visit.customer.number, *(bill.number for bill in payable[:1])]),
        shield_text=_SHIELD,
        swift=profile.swift_code,
    )
    return OtherWays(
        mail if profile.remit_to else None,
        electronic if profile.deposit_account_number else None,
        payment_texts.return_fee_text(visit.return_fee),
    )
