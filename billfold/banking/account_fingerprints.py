"""Fingerprints of bank accounts: keyed hashes by which the same account is recognised.

People, banks and billing systems write one account in several ways: with blanks or dashes, in
small letters, filled up with zeros. A number is kept and sent as it came; what is hashed is the one
form in which numbers are compared.
"""

from __future__ import annotations

import re
from typing import Final

from billfold.platform import sealing

_SEPARATORS: Final = re.compile(r"[\s-]+")


def of_account(routing_number: str, account_number: str) -> str:
    """Make the fingerprint under which an account is the same, however its number is written."""
    number = _without_separators(account_number).lstrip("0")
    return sealing.fingerprint(f"{routing_number}|{number}", purpose="bank account")


def with_zeros(routing_number: str, account_number: str) -> str:
    """Make the stricter fingerprint, for which leading zeros count.

    Some banks fill a number up with zeros, and some have 0123 and 123 for two accounts. Which of
    them a bank does is not known, so another customer's account is the same only in this form.
    """
    number = _without_separators(account_number)
    return sealing.fingerprint(f"{routing_number}|{number}", purpose="bank account with zeros")


def of_own_account(account_number: str) -> str:
    """Make the fingerprint by which a statement's account is recognised as the biller's."""
    number = _without_separators(account_number).lstrip("0")
    return sealing.fingerprint(number, purpose="own bank account")


def _without_separators(account_number: str) -> str:
    return _SEPARATORS.sub("", account_number).upper()
