"""Where the money of a payment comes from: the account chosen, checked and vouched for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billfold.banking import connections
from billfold.payments.accounts import mandates, wallet
from billfold.payments.accounts.bank_accounts import BankAccount
from billfold.payments.accounts.mandates import Validation
from billfold.portal import accounts
from billfold.portal.choices import ENTERED, NEW, Choices
from billfold.portal.till import Till
from billfold.portal.visits import Visit

STOPPED = (
    "This account cannot be used here: the bank sent an earlier payment from it back. "
    "Use another account, or call us."
)
NO_CHECK = "We cannot check bank accounts just now, so nothing was paid. Try again later."
CHOOSE = "Choose how you want to pay."


@dataclass(frozen=True, slots=True)
class Source:
    """A saved method, or an account typed just now, with the proof that it can be debited."""

    method_id: UUID | None
    account: BankAccount | None
    validation: Validation


def choose(chosen: Choices, till: Till, faults: dict[str, str], *, now: datetime) -> Source | None:
    """Take the chosen account, or add the sentences that say what has to change."""
    method_id, account = _chosen(chosen, till, faults)
    if account is None:
        return None
    place = "account_number" if chosen.method == NEW else "methods"
    validation = vouch(account, faults, place=place, now=now)
    if validation is None:
        return None
    return Source(method_id, None if method_id else account, validation)


def _chosen(
    chosen: Choices, till: Till, faults: dict[str, str]
) -> tuple[UUID | None, BankAccount | None]:
    if chosen.method == NEW:
        account = accounts.check(chosen.bank, till.visit, faults)
        return _known(account, till), account
    if chosen.method == ENTERED and till.draft and till.draft.account:
        return None, till.draft.account
    for saved in wallet.usable(till.saved):
        if str(saved.id) == chosen.method:
            return saved.id, wallet.opened(saved)
    faults["methods"] = CHOOSE
    return None, None


def _known(account: BankAccount | None, till: Till) -> UUID | None:
    """Recognise a saved account that was typed once more."""
    if account is None:
        return None
    typed = (account.fingerprint, account.account_type, account.holder)
    for saved in wallet.usable(till.saved):
        if (saved.account_fingerprint, saved.account_type, saved.holder) == typed:
            return saved.id
    return None


def vouch(
    account: BankAccount, faults: dict[str, str], *, place: str, now: datetime
) -> Validation | None:
    """Have an account vouched for; this may ask outside, so no transaction is open."""
    try:
        wallet.check_not_stopped(account)
        setting = connections.default().account_validation
        return mandates.validate(account, setting=setting, now=now)
    except wallet.Stopped:
        faults[place] = STOPPED
    except mandates.AccountRefused as refused:
        faults[place] = f"Your bank does not take payments from it: {refused.reason}."
    except (mandates.CannotValidate, connections.NoBank):
        faults["methods"] = NO_CHECK
    return None


def check(
    visit: Visit, typed: accounts.Typed, faults: dict[str, str], *, now: datetime
) -> BankAccount | None:
    """Check an account that is to be saved, as strictly as one that is to pay."""
    account = accounts.check(typed, visit, faults)
    if account and vouch(account, faults, place="account_number", now=now):
        return account
    return None
