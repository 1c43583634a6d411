"""Commands about credits that wait: credit list, apply, unapply."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import click
from django.db.models import QuerySet

from billfold.cli import biller_option, launcher, prompts, staff_option
from billfold.cli.refusal import CommandRefused
from billfold.ledger import book
from billfold.ledger.chart import UNAPPLIED
from billfold.money import Money
from billfold.payments.paying import applications
from billfold.payments.paying.applications import NewApplication
from billfold.payments.paying.invoice_standing import ExceedsPayable, NotPositive
from billfold.people.models import Person
from billfold.platform import clock, tenancy
from billfold.receivables.models import BillerProfile, CreditNote, Invoice

_REFUSALS: Final[Mapping[type[Exception], str]] = {
    NotPositive: "--amount must be above zero.",
    applications.OtherCustomers: "The credit is another customer's than the invoice.",
    applications.NotThatMuchWaits: "Less of it waits than that: see `billfold credit list`.",
    applications.NotApplied: "It is not applied: see `billfold credit list --all`.",
}
_json_option: Final = click.option("--json", "as_json", is_flag=True, help="report as JSON")
_why_option: Final = click.option("--why", metavar="TEXT", required=True, help="kept for ever")


@launcher.command("credit list")
@click.option("--customer", metavar="NUMBER", help="of one customer only")
@click.option("--all", "with_used", is_flag=True, help="those of which nothing waits, too")
@_json_option
@biller_option.one
def list_credits(customer: str | None, with_used: bool, as_json: bool, biller: str | None) -> None:
    """Print the credits of which something waits, and what they were applied to."""
    with tenancy.use(biller_option.find(biller)):
        notes = CreditNote.objects.select_related("customer").order_by("credit_date", "number")
        if customer is not None:
            notes = notes.filter(customer__number=customer)
        rows = [row for row in _describe(notes) if with_used or row["waiting_minor"]]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    for row in rows:
        waiting = Money(row["waiting_minor"], row["currency"]).formatted()
        print(f"{row['credit']}  customer {row['customer']}  {waiting} waits")
        for each in row["applied"]:
            amount = Money(each["amount_minor"], row["currency"]).formatted()
            print(f"    {amount} on {each['invoice']}  {each['key']}")
    if not rows:
        print("No credit waits.")


def _describe(notes: QuerySet[CreditNote]) -> list[dict[str, Any]]:
    """Put credits in the words of `billfold credit --json`."""
    listed = list(notes)
    accounts = {UNAPPLIED.of(note.subject): note for note in listed}
    waiting: dict[str, int] = {}
    for currency in {note.currency for note in listed}:
        balances = book.balances(accounts, currency=currency)
        waiting |= {
            note.number: -balances[account].minor
            for account, note in accounts.items()
            if note.currency == currency
        }
    applied: dict[str, list[dict[str, Any]]] = {}
    for each in book.applications_of(accounts):
        applied.setdefault(each.source.subject, []).append(
            {
                "invoice": each.target.subject.partition("/")[2],
                "amount_minor": each.amount.minor,
                "key": each.key,
            }
        )
    return [
        {
            "credit": note.number,
            "customer": note.customer.number,
            "currency": note.currency,
            "amount_minor": note.amount_minor,
            "waiting_minor": waiting[note.number],
            "applied": applied.get(note.subject, []),
        }
        for note in listed
    ]


@launcher.command("credit apply")
@click.argument("credit", metavar="CREDIT")
@click.argument("invoice", metavar="INVOICE")
@click.option("--amount", metavar="AMOUNT", required=True, help="such as 120.00")
@_why_option
@staff_option.options
@_json_option
@biller_option.one
def apply(
    credit: str, invoice: str, amount: str, why: str, biller: str | None, **rest: Any
) -> None:
    """Put a credit that waits on an invoice or charge of its customer."""
    with tenancy.use(biller_option.find(biller)):
        note = CreditNote.objects.filter(number=credit).first()
        target = Invoice.objects.filter(number=invoice).first()
        if note is None:
            raise CommandRefused(f"There is no credit {credit}: see `billfold credit list`.")
        if target is None:
            raise CommandRefused(f"There is no invoice {invoice}.")
        new = NewApplication(UNAPPLIED.of(note.subject), target.id, _parse(amount, note.currency))
        person, now, on = _sign_in(rest)
        with _refusals():
            why = prompts.check_line(why, "--why")
            applications.apply([new], why, actor=person.actor(), now=now, on=on)
        _report(note.number, as_json=rest["as_json"])


@launcher.command("credit unapply")
@click.argument("key", metavar="KEY")
@_why_option
@staff_option.options
@_json_option
@biller_option.one
def unapply(key: str, why: str, biller: str | None, **rest: Any) -> None:
    """Take a credit off again, by the key that `credit list` shows; it waits afterwards."""
    with tenancy.use(biller_option.find(biller)):
        numbers = [
            each.source.subject.removeprefix("credit/")
            for each in book.applications_by_key([key])
            if each.source.subject.startswith("credit/")
        ]
        if not numbers:
            raise CommandRefused(_REFUSALS[applications.NotApplied])
        person, now, on = _sign_in(rest)
        with _refusals():
            why = prompts.check_line(why, "--why")
            applications.take_off([key], why, actor=person.actor(), now=now, on=on)
        _report(numbers[0], as_json=rest["as_json"])


def _sign_in(rest: dict[str, Any]) -> tuple[Person, datetime, date]:
    """Find who decides, the moment, and the biller's day. Raises: CommandRefused."""
    now = clock.now()
    person = staff_option.sign_in(rest["staff_email"], rest["password_file"], now=now)
    return person, now, now.astimezone(ZoneInfo(BillerProfile.objects.get().zone)).date()


@contextmanager
def _refusals() -> Iterator[None]:
    """Put in words why a decision cannot be carried out. Raises: CommandRefused."""
    try:
        yield
    except ExceedsPayable as refusal:
        raise CommandRefused(
            f"{refusal.payable.formatted()} can still be paid on {refusal.number}."
        ) from None
    except tuple(_REFUSALS) as refusal:
        raise CommandRefused(_REFUSALS[type(refusal)]) from None


def _report(credit: str, *, as_json: bool) -> None:
    """Print how a credit stands now."""
    [row] = _describe(CreditNote.objects.filter(number=credit).select_related("customer"))
    if as_json:
        print(json.dumps(row, indent=2))
    else:
        print(f"Done: {Money(row['waiting_minor'], row['currency']).formatted()} waits.")


def _parse(amount: str, currency: str) -> Money:
    """Read an amount. Raises: CommandRefused."""
    try:
        return Money.parse(amount, currency)
    except ValueError:
        raise CommandRefused(f"--amount {amount!r} is no amount, such as 120.00.") from None
