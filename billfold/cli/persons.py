"""Commands about any login, of staff or a payer: person disable, enable and password."""

import argparse
from typing import TYPE_CHECKING

from billfold.cli import asking, choosing
from billfold.cli.refusal import Refused

if TYPE_CHECKING:
    from billfold.people.models import Person

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add(commands: "Commands") -> None:
    """Add the commands."""
    person = commands.add_parser("person", help="close a login, open it again, replace a password")
    kinds = person.add_subparsers(title="kinds", metavar="KIND", required=True)
    for name, run, words in (
        ("disable", _disable, "let somebody in no longer, at once"),
        ("enable", _enable, "let somebody in again"),
        ("password", _replace, "make a one-time password; every session of the person ends"),
    ):
        kind = kinds.add_parser(name, help=words)
        kind.add_argument("email", metavar="EMAIL")
        choosing.add_option(kind)
        kind.set_defaults(run=run)


def _disable(arguments: argparse.Namespace) -> None:
    _set_active(arguments, is_active=False)


def _enable(arguments: argparse.Namespace) -> None:
    _set_active(arguments, is_active=True)


def _set_active(arguments: argparse.Namespace, *, is_active: bool) -> None:
    from django.db import transaction

    from billfold.platform import audit, clock, tenancy

    biller = choosing.chosen(arguments)
    word = "enabled" if is_active else "disabled"
    with tenancy.use(biller), transaction.atomic():
        person = locked(arguments.email)
        if person.is_active == is_active:
            raise Refused(f"{person.email} is {word} already.")
        person.is_active = is_active
        person.save(update_fields=["is_active"])
        audit.record(
            f"person {word}",
            f"person/{person.id}",
            actor=asking.whoever_typed(),
            now=clock.now(),
            before={"is_active": not is_active},
            after={"is_active": is_active},
        )
    print(f"{biller.schema}: {person.email} is {word}.")


def _replace(arguments: argparse.Namespace) -> None:
    from django.db import transaction

    from billfold.people import passwords
    from billfold.platform import clock, tenancy

    biller = choosing.chosen(arguments)
    password = asking.one_time_password()
    with tenancy.use(biller), transaction.atomic():
        person = locked(arguments.email)
        passwords.replace(person, password, actor=asking.whoever_typed(), now=clock.now())
    print(f"{biller.schema}: {person.email} is signed out everywhere.")
    print(f"One-time password, shown only here: {password}")


def locked(email: str) -> "Person":
    """Find a login, and lock the row. Raises: Refused."""
    from billfold.people.models import Person

    person = Person.objects.select_for_update().filter(email=email.strip().lower()).first()
    if person is None:
        raise Refused(f"Nobody has the e-mail {email} here.")
    return person
