"""The command that lets a person see and pay a customer's invoices: customer-access."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from django.db import transaction

from billfold.cli import (
    biller_option,
    command_actor,
    email_address,
    launcher,
    password_option,
    prompts,
)
from billfold.cli.refusal import CommandRefused
from billfold.people import rights
from billfold.people.models import Person, Role
from billfold.platform import audit, clock, tenancy
from billfold.platform.ids import new_id
from billfold.platform.tenancy import Biller
from billfold.receivables import access_grants
from billfold.receivables.models import Access, Customer


@dataclass(frozen=True, slots=True)
class AccessOptions:
    """What was typed after `customer-access`."""

    email: str
    customer: str
    role: str
    person_name: str | None
    ask_password: bool
    remove: bool
    biller: str | None
    password_file: Path | None


@launcher.command("customer-access")
@click.argument("email", metavar="EMAIL")
@click.option("--customer", required=True, metavar="NUMBER", help="whose invoices")
@click.option(
    "--role",
    type=click.Choice(["view", "pay", "admin"]),
    default="pay",
    help="what the person may do there (default pay)",
)
@click.option("--person-name", metavar="NAME", help="needed for a new login")
@click.option(
    "--ask-password",
    is_flag=True,
    help="ask for a new login's password instead of making a one-time one",
)
@click.option("--remove", is_flag=True, help="take the access away instead")
@biller_option.one
@password_option.option
def change_access(**typed: Any) -> None:
    """Give a person access to a customer, or take it away."""
    options = AccessOptions(**typed)
    email = email_address.check(options.email)
    biller = biller_option.find(options.biller)
    if options.remove:
        _remove_access(biller, email, options.customer)
    else:
        _give_access(biller, email, options)


def _give_access(biller: Biller, email: str, options: AccessOptions) -> None:
    """Let a person in; a new login gets a password. Raises: CommandRefused."""
    with tenancy.use(biller):
        customer = Customer.objects.filter(number=options.customer).first()
        if customer is None:
            raise CommandRefused(f"No customer has the number {options.customer!r}.")
        person, one_time_password = _find_or_make_payer(email, options)
        actor, now = command_actor.identify(), clock.now()
        with transaction.atomic():
            if person._state.adding:
                person.save(force_insert=True)
                rights.give(person, Role.PAYER, actor=actor, now=now)
            before = Access.objects.filter(person=person, customer=customer).first()
            access_grants.give(person, customer, options.role, actor=actor, now=now)
            audit.record(
                "access given",
                f"person/{person.id}",
                actor=actor,
                now=now,
                before={"role": before.role} if before else {},
                after={"customer": customer.number, "role": options.role},
            )
    print(f"{biller.schema}: {email} may {options.role} account {customer}.")
    if one_time_password:
        print(f"One-time password, shown only here: {one_time_password}")


def _remove_access(biller: Biller, email: str, number: str) -> None:
    """End what a person may do for a customer, at once. Raises: CommandRefused."""
    actor, now = command_actor.identify(), clock.now()
    with tenancy.use(biller), transaction.atomic():
        accesses = Access.objects.filter(person__email=email, customer__number=number)
        access = accesses.select_related("person", "customer").first()
        if access is None:
            raise CommandRefused(f"{email} has no access to customer {number!r}.")
        access_grants.end(access.person, access.customer, actor=actor, now=now)
        audit.record(
            "access removed",
            f"person/{access.person_id}",
            actor=actor,
            now=now,
            before={"customer": number, "role": access.role},
        )
    print(f"{biller.schema}: {email} may no longer see or pay account {number}.")


def _find_or_make_payer(email: str, options: AccessOptions) -> tuple[Person, str]:
    """Find the login, or make one; with its one-time password, if it was given one.

    Raises: CommandRefused, click.UsageError.
    """
    known = Person.objects.filter(email=email).first()
    if known is not None:
        if known.role != Role.PAYER:
            raise CommandRefused(f"{email} is staff: a payer needs another login.")
        return known, ""
    name = prompts.ask_if_missing(options.person_name, "--person-name", "Name of the person")
    person = Person(id=new_id(), email=email, name=name)
    person.must_change_password = True
    if options.ask_password or options.password_file:
        person.set_password(password_option.read(options.password_file, person))
        return person, ""
    password = password_option.make_one_time_password()
    person.set_password(password)
    return person, password
