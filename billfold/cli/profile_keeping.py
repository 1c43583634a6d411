"""Puts what a profile file says into a biller's tables, and says what is still missing there."""

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from billfold.cli.refusal import Refused

if TYPE_CHECKING:
    from billfold.cli.profile_files import Profile
    from billfold.platform.audit import Actor
    from billfold.platform.tenancy import Biller

PLACEHOLDER = "(to be completed)"
BANK_SERVICE = "bank_service"


def begin(biller: "Biller", hosts: list[str]) -> None:
    """Give a new biller a profile that its staff complete; one that is there stays."""
    from billfold.platform import tenancy
    from billfold.receivables.models import BillerProfile

    with tenancy.use(biller):
        BillerProfile.objects.get_or_create(
            id=1,
            defaults={
                "trade_name": biller.name,
                "legal_name": biller.name,
                "address": PLACEHOLDER,
                "base_url": f"https://{hosts[0]}",
            },
        )


def apply(biller: "Biller", profile: "Profile", *, actor: "Actor", now: datetime) -> list[str]:
    """Change what the profile names, all of it or nothing; tell what was changed.

    Raises: Refused.
    """
    from django.db import transaction

    from billfold.platform import tenancy

    changed: list[str] = []
    with tenancy.use(biller), transaction.atomic():
        changed += _apply_terms(profile, actor, now)
        for cap in profile.fee_caps:
            changed += _apply_fee_cap(cap, actor, now)
        for bank in profile.banks:
            changed += _apply_bank(bank, actor, now)
    return changed


def _apply_terms(profile: "Profile", actor: "Actor", now: datetime) -> list[str]:
    from billfold.receivables.models import BillerProfile

    columns = dict(profile.biller)
    if profile.tiles is not None:
        columns["tiles"] = profile.tiles
    row = BillerProfile.objects.select_for_update().get()
    return _change(row, columns, "biller profile", actor, now)


def _apply_fee_cap(cap: Mapping[str, Any], actor: "Actor", now: datetime) -> list[str]:
    from billfold.receivables.models import FeeCap

    subject = f"fee cap {cap['state']}"
    row, is_new = FeeCap.objects.get_or_create(state=cap["state"], defaults=dict(cap))
    if is_new:
        _record(f"{subject} set", subject, actor, now, {}, cap)
        return [subject]
    return _change(row, dict(cap), subject, actor, now)


def _apply_bank(bank: Mapping[str, Any], actor: "Actor", now: datetime) -> list[str]:
    from billfold.banking import connections
    from billfold.banking.models import BankConnection
    from billfold.payments.accounts import mandates

    terms = dict(bank)
    account_number = terms.pop("account_number")
    _check_validation(terms.get("account_validation"))
    subject = f"bank connection {terms['name']}"
    row = BankConnection.objects.select_for_update().filter(name=terms["name"]).first()
    fingerprint = connections.own_account(account_number)
    if row is None:
        if BankConnection.objects.filter(account_fingerprint=fingerprint).exists():
            raise Refused("That account is set up under another name: use the same name for it.")
        if BANK_SERVICE not in mandates.offered():
            terms.setdefault("account_validation", mandates.PRENOTE)
        try:
            made = connections.add(account_number, **terms)
        except connections.OneBankOnly:
            raise Refused(
                f"{terms['name']} would be a second bank connection: a biller collects through one."
            ) from None
        shown = terms | {"account": made.account_last4}
        _record("bank connection set", subject, actor, now, {}, shown)
        return [subject]
    if row.account_fingerprint != fingerprint:
        raise Refused(
            f"{terms['name']} is the account ending {row.account_last4}, whose statements are "
            "read already: give another account another name."
        )
    return _change(row, terms, subject, actor, now)


def _check_validation(asked: str | None) -> None:
    """Refuse a way to check accounts that nothing here can go. Raises: Refused."""
    from billfold.payments.accounts import mandates

    if asked is not None and asked not in mandates.offered():
        raise Refused(
            f"account_validation {asked} has no service behind it here: choose "
            f"{' or '.join(mandates.offered())}."
        )


def _change(
    row: Any, columns: dict[str, Any], subject: str, actor: "Actor", now: datetime
) -> list[str]:
    before = {name: getattr(row, name) for name in columns}
    after = {name: value for name, value in columns.items() if before[name] != value}
    if not after:
        return []
    for name, value in after.items():
        setattr(row, name, value)
    row.save(update_fields=list(after))
    _record(
        f"{subject} changed", subject, actor, now, {name: before[name] for name in after}, after
    )
    return [f"{subject}: {', '.join(after)}"]


def _record(
    action: str,
    subject: str,
    actor: "Actor",
    now: datetime,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> None:
    from billfold.platform import audit

    audit.record(
        action, subject, actor=actor, now=now, before=_printable(before), after=_printable(after)
    )


def _printable(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Write facts as JSON can; of account numbers only the last four digits."""
    shown = {
        name: value.isoformat() if isinstance(value, date | time) else value
        for name, value in facts.items()
    }
    if "deposit_account_number" in shown:
        shown["deposit_account_number"] = str(shown["deposit_account_number"])[-4:]
    return shown


def missing(biller: "Biller") -> list[str]:
    """List what a biller needs before payers can be let in."""
    from billfold.banking.models import BankConnection
    from billfold.payments.accounts import mandates
    from billfold.people.models import Person, Role
    from billfold.platform import tenancy
    from billfold.receivables.models import BillerProfile

    with tenancy.use(biller):
        row = BillerProfile.objects.first()
        if row is None:
            return ["everything (billfold biller set)"]
        needed = ("address", "state", "support_email", "remit_to")
        lacking = [name for name in needed if getattr(row, name) in ("", PLACEHOLDER)]
        bank = BankConnection.objects.order_by("name").first()
        staff = Person.objects.filter(role=Role.TREASURER, is_active=True).count()
    if bank is None:
        lacking.append("a bank connection")
    elif bank.account_validation not in mandates.offered():
        lacking.append(f"account_validation ({' or '.join(mandates.offered())})")
    if staff == 0 or (staff == 1 and (bank is None or bank.two_people_release)):
        lacking.append(f"{2 - staff} more treasurer{'s' * (staff == 0)} to release files")
    return lacking
