"""A biller's profile in its tables: begun, changed by a profile file, looked over for gaps."""

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from django.db import transaction

from billfold.banking import account_fingerprints, connections
from billfold.banking.models import BankConnection
from billfold.cli.profile.files import ProfileChanges
from billfold.cli.refusal import CommandRefused
from billfold.payments.accounts import account_validation
from billfold.people import rights
from billfold.platform import audit, tenancy
from billfold.platform.audit import Actor
from billfold.platform.tenancy import Biller
from billfold.receivables.models import BillerProfile, FeeCap

PLACEHOLDER = "(to be completed)"
BANK_SERVICE = "bank_service"


def begin(biller: Biller, hosts: list[str]) -> None:
    """Give a new biller a profile that its staff complete; one that is there stays."""
    with tenancy.as_owner(biller):
        BillerProfile.objects.get_or_create(
            id=1,
            defaults={
                "trade_name": biller.name,
                "legal_name": biller.name,
                "address": PLACEHOLDER,
                "base_url": f"https://{hosts[0]}",
            },
        )


def apply(biller: Biller, changes: ProfileChanges, *, actor: Actor, now: datetime) -> list[str]:
    """Change what the profile names, all of it or nothing; give what was changed.

    Raises: CommandRefused.
    """
    changed: list[str] = []
    with tenancy.as_owner(biller), transaction.atomic():
        changed += _apply_terms(changes, actor, now)
        for cap in changes.fee_caps:
            changed += _apply_fee_cap(cap, actor, now)
        for bank in changes.banks:
            changed += _apply_bank(bank, actor, now)
    return changed


def _apply_terms(changes: ProfileChanges, actor: Actor, now: datetime) -> list[str]:
    columns = dict(changes.biller)
    if changes.tiles is not None:
        columns["tiles"] = changes.tiles
    row = BillerProfile.objects.select_for_update().get()
    return _change(row, columns, "biller profile", actor, now)


def _apply_fee_cap(cap: Mapping[str, Any], actor: Actor, now: datetime) -> list[str]:
    subject = f"fee cap {cap['state']}"
    row, is_new = FeeCap.objects.get_or_create(state=cap["state"], defaults=dict(cap))
    if is_new:
        _record(f"{subject} set", subject, actor, now, {}, cap)
        return [subject]
    return _change(row, dict(cap), subject, actor, now)


def _apply_bank(bank: Mapping[str, Any], actor: Actor, now: datetime) -> list[str]:
    terms = dict(bank)
    is_default = terms.pop("is_default", None)
    account_number = terms.pop("account_number")
    _check_validation(terms.get("account_validation"))
    subject = f"bank connection {terms['name']}"
    row = BankConnection.objects.select_for_update().filter(name=terms["name"]).first()
    fingerprint = account_fingerprints.of_own_account(account_number)
    if row is None:
        if BankConnection.objects.filter(account_fingerprint=fingerprint).exists():
            raise CommandRefused(
                "That account is set up under another name: use the same name for it."
            )
        if BANK_SERVICE not in account_validation.available_settings():
            terms.setdefault("account_validation", account_validation.PRENOTE)
        row = connections.add(account_number, **terms)
        after = terms | {"account": row.account_last4, "is_default": row.is_default}
        _record("bank connection set", subject, actor, now, {}, after)
        return [subject, *_choose_default(row, is_default, subject, actor, now)]
    if row.account_fingerprint != fingerprint:
        raise CommandRefused(
            f"{terms['name']} is the account ending {row.account_last4}, whose statements are "
            "read already: give another account another name."
        )
    return [
        *_change(row, terms, subject, actor, now),
        *_choose_default(row, is_default, subject, actor, now),
    ]


def _choose_default(
    row: BankConnection, is_default: bool | None, subject: str, actor: Actor, now: datetime
) -> list[str]:
    """Let new payments be collected through a connection. Raises: CommandRefused."""
    if is_default is None or is_default == row.is_default:
        return []
    if not is_default:
        raise CommandRefused(
            f"{row.name} is where new payments are collected: give another bank "
            "`default = true` instead."
        )
    connections.make_default(row)
    facts = ({"is_default": False}, {"is_default": True})
    _record(f"{subject} changed", subject, actor, now, *facts)
    return [f"{subject}: is_default"]


def _check_validation(setting: str | None) -> None:
    """Refuse a way to check accounts that nothing here can go. Raises: CommandRefused."""
    if setting is not None and setting not in account_validation.available_settings():
        raise CommandRefused(
            f"account_validation {setting} has no service behind it here: choose "
            f"{' or '.join(account_validation.available_settings())}."
        )


def _change(
    row: Any, columns: dict[str, Any], subject: str, actor: Actor, now: datetime
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
    actor: Actor,
    now: datetime,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> None:
    audit.record(
        action,
        subject,
        actor=actor,
        now=now,
        before=_make_printable(before),
        after=_make_printable(after),
    )


def _make_printable(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Write facts as JSON can; of account numbers only the last four digits."""
    printable = {
        name: value.isoformat() if isinstance(value, date | time) else value
        for name, value in facts.items()
    }
    if "deposit_account_number" in printable:
        printable["deposit_account_number"] = str(printable["deposit_account_number"])[-4:]
    return printable


def list_missing(biller: Biller) -> list[str]:
    """List what a biller needs before payers can be let in."""
    with tenancy.use(biller):
        row = BillerProfile.objects.first()
        if row is None:
            return ["everything (billfold biller set)"]
        needed = ("address", "state", "support_email", "remit_to")
        lacking = [name for name in needed if getattr(row, name) in ("", PLACEHOLDER)]
        banks = list(BankConnection.objects.order_by("name"))
        staff = rights.count_treasurers()
    available = account_validation.available_settings()
    if not banks:
        lacking.append("a bank connection")
    elif any(bank.account_validation not in available for bank in banks):
        lacking.append(f"account_validation ({' or '.join(available)})")
    if staff == 0 or (staff == 1 and (not banks or any(bank.two_people_release for bank in banks))):
        lacking.append(f"{2 - staff} more treasurer{'s' * (staff == 0)} to release files")
    return lacking
