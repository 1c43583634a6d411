"""Commands about any login, of staff or a payer: person disable, enable and password."""

import click
from django.db import transaction

from billfold.cli import biller_option, command_actor, launcher, password_option, reason
from billfold.cli.refusal import CommandRefused
from billfold.people import passwords, rights
from billfold.people.models import Person
from billfold.platform import audit, clock, tenancy


@launcher.command("person disable")
@click.argument("email", metavar="EMAIL")
@reason.option
@biller_option.one
def disable(email: str, why: str, biller: str | None) -> None:
    """Let somebody in no longer."""
    _set_active(email, biller, why, is_active=False)


@launcher.command("person enable")
@click.argument("email", metavar="EMAIL")
@reason.option
@biller_option.one
def enable(email: str, why: str, biller: str | None) -> None:
    """Let somebody in again."""
    _set_active(email, biller, why, is_active=True)


def _set_active(email: str, schema: str | None, why: str, *, is_active: bool) -> None:
    biller = biller_option.find(schema)
    actor, now = command_actor.identify(), clock.now()
    word = "enabled" if is_active else "disabled"
    with tenancy.use(biller), transaction.atomic():
        reason.check(why)
        person = _lock_person(email)
        if person.is_active == is_active:
            raise CommandRefused(f"{person.email} is {word} already.")
        rights.give(person, person.role, is_active=is_active, why=why, actor=actor, now=now)
        audit.record(
            f"person {word}",
            f"person/{person.id}",
            actor=actor,
            now=now,
            before={"is_active": not is_active},
            after={"is_active": is_active},
        )
    print(f"{biller.schema}: {person.email} is {word}.")


@launcher.command("person password")
@click.argument("email", metavar="EMAIL")
@biller_option.one
def replace_password(email: str, biller: str | None) -> None:
    """Make a one-time password, and end every session of the person."""
    served = biller_option.find(biller)
    password = password_option.make_one_time_password()
    with tenancy.use(served), transaction.atomic():
        person = _lock_person(email)
        passwords.replace(person, password, actor=command_actor.identify(), now=clock.now())
    print(f"{served.schema}: {person.email} is signed out everywhere.")
    print(f"One-time password, shown only here: {password}")


def _lock_person(email: str) -> Person:
    """Find a login, and lock the row. Raises: CommandRefused."""
    persons = Person.objects.select_for_update(of=["self"])
    person = persons.filter(email=email.strip().lower()).first()
    if person is None:
        raise CommandRefused(f"Nobody has the e-mail {email} here.")
    return person
