"""The command that sets up a live installation: init."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from django.conf import settings
from django.db import connection, transaction

from billfold.cli import (
    biller_setup,
    command_actor,
    email_address,
    environment,
    launcher,
    mode,
    password_option,
    prompts,
)
from billfold.cli.profile import tables
from billfold.cli.profile.files import ProfileChanges
from billfold.cli.refusal import CommandRefused
from billfold.people import rights
from billfold.people.models import Person, Role
from billfold.platform import (
    audit,
    clock,
    live_mark,
    sealing,
    state_directory,
    tenancy,
)
from billfold.platform.audit import Actor
from billfold.platform.ids import new_id
from billfold.platform.tenancy import Biller


@dataclass(frozen=True, slots=True)
class InstallationTerms:
    """What a new installation begins with: its first biller and first member of staff."""

    schema: str
    name: str
    hosts: list[str]
    email: str
    staff_name: str
    password_file: Path | None
    changes: ProfileChanges


@launcher.command("init")
@click.option("--biller", metavar="SCHEMA", help="short name of the first biller")
@biller_setup.naming_options
@click.option("--staff-email", metavar="EMAIL", help="the first member of staff")
@click.option("--staff-name", metavar="NAME")
@password_option.option
def init(**options: Any) -> None:
    """Set up a live installation, unless there is one."""
    place = state_directory.default()
    _refuse_used(place)
    terms = _complete(options)
    with environment.database():
        environment.check_logins_are_apart()
        _refuse_used_database()
        _set_up(place, terms)


def _complete(options: dict[str, Any]) -> InstallationTerms:
    """Ask for what was not typed. Raises: CommandRefused, click.UsageError."""
    ask = prompts.ask_if_missing
    schema = ask(options["biller"], "--biller", "Short name of the biller, as cedarline")
    name = ask(options["name"], "--name", "What people call it")
    hosts = [*options["hosts"]] or [ask(None, "--host", "Name in its address")]
    email = ask(options["staff_email"], "--staff-email", "E-mail of the first member of staff")
    staff_name = ask(options["staff_name"], "--staff-name", "Name of the same")
    changes = biller_setup.read_profile(options["profile"])
    return InstallationTerms(
        schema, name, hosts, email, staff_name, options["password_file"], changes
    )


def _set_up(place: Path, terms: InstallationTerms) -> None:
    person = Person(email=email_address.check(terms.email), name=terms.staff_name)
    person.set_password(password_option.read(terms.password_file, person))
    hosts = biller_setup.check_names(terms.schema, terms.hosts)
    live_mark.write_mode(state_directory.create_if_missing(place), "live")
    sealing.make_keys()
    now, actor = clock.now(), command_actor.identify()
    biller = _make_first_biller(terms.schema, terms.name, hosts)
    tables.apply(biller, terms.changes, actor=actor, now=now)
    _add_first_person(biller, person, actor, now)
    _mark()
    print(f"{terms.name} is set up at {', '.join(hosts)}; {terms.email} may sign in as treasurer.")
    print(f"State: {place}. Keep a copy of {place / 'keys'} apart from your backups: without")
    print("those keys nobody can open a bank account number again.")
    biller_setup.print_missing([biller])


def _refuse_used(place: Path) -> None:
    """Refuse the state directory or the mode of another installation. Raises: CommandRefused."""
    if mode.read(place) in ("demo", "test"):
        raise CommandRefused(f"{place} is a demo's: choose another place with --state DIR.")
    if settings.MODE != "live":
        raise CommandRefused(
            f"BILLFOLD_MODE says {settings.MODE}, and `init` makes a live installation: unset it."
        )
    if (place / live_mark.FILE).exists():
        raise CommandRefused(
            f"{place} is an installation already: `billfold biller add` makes another biller "
            "in it, --state DIR another installation."
        )


def _refuse_used_database() -> None:
    """Refuse the database of another installation. Raises: CommandRefused."""
    with tenancy.as_owner(None), connection.cursor() as cursor:  # The others may not be there yet.
        instance = live_mark.instance(cursor)
    if instance is not None:
        raise CommandRefused(
            f"The database is a {instance.mode} installation already: name an empty one in "
            "DATABASE_URL, or see `billfold hold off` if it was moved here."
        )


def _make_first_biller(schema: str, name: str, hosts: list[str]) -> Biller:
    """Make the first biller, or take the one that a broken-off `init` left.

    Raises: CommandRefused.
    """
    tenancy.install()
    others = [biller.schema for biller in tenancy.billers() if biller.schema != schema]
    if others:
        raise CommandRefused(
            f"The database has a biller {others[0]}, left by an `init` that broke off."
        )
    try:
        biller = tenancy.add(schema, name, hosts)
    except tenancy.BillerExists:
        biller = tenancy.biller(schema)
    tables.begin(biller, hosts)
    return biller


def _add_first_person(biller: Biller, person: Person, actor: Actor, now: datetime) -> None:
    with tenancy.as_owner(biller), transaction.atomic():
        known = Person.objects.filter(email=person.email).first()
        person.id = known.id if known else new_id()
        person.save(
            force_insert=known is None, update_fields=["password", "name"] if known else None
        )
        rights.give(person, Role.TREASURER, actor=actor, now=now)
        audit.record(
            "staff added",
            f"person/{person.id}",
            actor=actor,
            now=now,
            after={"email": person.email, "role": person.role},
        )


def _mark() -> None:
    """Say in database and state directory that they belong together; the last step of init."""
    with tenancy.as_owner(None), connection.cursor() as cursor:
        live_mark.make_instance(cursor, "live")
        live_mark.write(cursor)
