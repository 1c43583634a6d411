"""Commands about who works for the biller: staff add, disable and list."""

import json
from pathlib import Path

import click
from django.db import transaction

from billfold.cli import (
    biller_option,
    command_actor,
    email_address,
    launcher,
    password_option,
    prompts,
    reason,
)
from billfold.cli.refusal import CommandRefused
from billfold.people import rights
from billfold.people.models import Person, Role
from billfold.platform import audit, clock, tenancy
from billfold.platform.ids import new_id


@launcher.command("staff add")
@click.argument("email", metavar="EMAIL")
@click.option("--staff-name", metavar="NAME")
@click.option(
    "--role",
    type=click.Choice(["clerk", "treasurer"]),
    default="clerk",
    help="a treasurer may release bank files (default clerk)",
)
@biller_option.one
@password_option.option
def add_staff(
    email: str, staff_name: str | None, role: str, biller: str | None, password_file: Path | None
) -> None:
    """Let somebody sign in as staff."""
    email = email_address.check(email)
    name = prompts.ask_if_missing(staff_name, "--staff-name", "Name")
    served = biller_option.find(biller)
    with tenancy.use(served):
        if Person.objects.filter(email=email).exists():
            raise CommandRefused(f"{email} has a login already: see `billfold staff list`.")
        person = Person(id=new_id(), email=email, name=name)
        person.must_change_password = True  # Whoever types this command knows it.
        person.set_password(password_option.read(password_file, person))
        actor, now = command_actor.identify(), clock.now()
        with transaction.atomic():
            person.save(force_insert=True)
            rights.give(person, role, actor=actor, now=now)
            audit.record(
                "staff added",
                f"person/{person.id}",
                actor=actor,
                now=now,
                after={"email": email, "role": person.role},
            )
    print(f"{served.schema}: {email} may sign in as {person.role}.")


@launcher.command("staff disable")
@click.argument("email", metavar="EMAIL")
@reason.option
@biller_option.one
def disable_staff(email: str, why: str, biller: str | None) -> None:
    """Let a member of staff in no longer."""
    served = biller_option.find(biller)
    actor, now = command_actor.identify(), clock.now()
    with tenancy.use(served):
        reason.check(why)
        with transaction.atomic():
            person = _lock_staff(email)
            rights.give(person, person.role, is_active=False, why=why, actor=actor, now=now)
            audit.record(
                "staff disabled",
                f"person/{person.id}",
                actor=actor,
                now=now,
                before={"is_active": True},
                after={"is_active": False},
            )
        left = rights.count_treasurers()
    print(f"{served.schema}: {person.email} may no longer sign in; {left} treasurers are left.")


def _lock_staff(email: str) -> Person:
    """Find an active member of staff, and lock the row. Raises: CommandRefused."""
    persons = Person.objects.select_for_update(of=["self"])
    person = persons.filter(email=email.strip().lower()).first()
    if person is None or person.role == Role.PAYER:
        raise CommandRefused(
            f"No member of staff has the e-mail {email}: see `billfold staff list`."
        )
    if not person.is_active:
        raise CommandRefused(f"{person.email} is disabled already.")
    return person


@launcher.command("staff list")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@biller_option.one
def list_staff(as_json: bool, biller: str | None) -> None:
    """Print who may sign in as staff."""
    with tenancy.use(biller_option.find(biller)):
        staff = list(Person.objects.exclude(right__role=Role.PAYER).order_by("email"))
    if as_json:
        rows = [
            {
                "email": person.email,
                "name": person.name,
                "role": person.role,
                "active": person.is_active,
            }
            for person in staff
        ]
        print(json.dumps(rows, indent=2))
        return
    for person in staff:
        disabled = "" if person.is_active else "  (disabled)"
        print(f"{person.email}  {person.role}  {person.name}{disabled}")
